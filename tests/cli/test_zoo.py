"""``lamina zoo``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lamina.network import Network
from lamina.shapes import Image
from lamina.train.recipe import Recipe
from lamina.zoo.catalog import CATALOG, make

Lamina = Callable[..., Any]


def test_the_list(lamina: Lamina) -> None:
    outcome = lamina("zoo")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert [line.split()[0] for line in lines] == list(CATALOG)
    assert "11,689,512  ResNet of 18 layers" in outcome.out
    assert [row["name"] for row in lamina("zoo", "--json").data] == list(CATALOG)


def test_one_as_yaml_and_json(lamina: Lamina) -> None:
    outcome = lamina("zoo", "lenet", "--set", "classes=3", "--set", "input.height=32")
    assert outcome.code == 0
    expected = make("lenet", {"classes": 3, "input": Image(channels=1, height=32, width=28)})
    assert Network.from_yaml(outcome.out) == expected
    assert Network.from_dict(lamina("zoo", "lenet", "--json").data) == make("lenet")


def test_one_into_a_file_that_a_recipe_takes(lamina: Lamina, tmp_path: Path) -> None:
    file = tmp_path / "net.yaml"
    assert lamina("zoo", "lenet", "-o", file).out == ""
    lines = "\n".join(f"  {line}" for line in file.read_text().splitlines())
    recipe = Recipe.from_yaml(f"data: {{source: mnist}}\nnetwork:\n{lines}\n")
    assert recipe.network == make("lenet")
    assert lamina("zoo", "lenet", "-o", tmp_path / "none" / "net.yaml", "--json").problems == ["DA093"]


def test_mistakes(lamina: Lamina) -> None:
    outcome = lamina("zoo", "resnet19", "--json")
    assert (outcome.code, outcome.problems) == (2, ["NN080"])
    assert lamina("zoo", "resnet18", "--set", "clases=10", "--json").problems == ["NN081"]
    assert "SP" in lamina("zoo", "resnet18", "--set", "input.hight=10", "--json").problems[0]
    assert lamina("zoo", "alexnet", "--set", "input.height=20", "--json").problems[0] == "NN002"

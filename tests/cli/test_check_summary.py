"""``lamina check``, ``summary``, ``schema`` and ``doctor``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Lamina = Callable[..., Any]
Entries = Callable[[Path], list[str]]


def test_a_right_recipe(recipe: Path, lamina: Lamina, tmp_path: Path, entries: Entries) -> None:
    outcome = lamina("check", recipe)
    assert outcome.code == 0
    assert "right" in outcome.out
    assert "[batch, 3]" in outcome.out
    assert lamina("check", recipe, "--json").data == {"ok": True, "problems": [], "warnings": []}
    assert entries(tmp_path) == ["folder", "iris.yaml"]


def test_a_wrong_one(recipe: Path, lamina: Lamina) -> None:
    recipe.write_text(recipe.read_text().replace("units: 3", "units: 4"))
    outcome = lamina("check", recipe)
    assert outcome.code == 2
    assert "TR054" in outcome.err
    assert f"{recipe}:11:" in outcome.err
    assert "write units: 3" in outcome.err
    as_json = lamina("check", recipe, "--json")
    assert as_json.code == 2
    assert as_json.data["problems"][0]["line"] == 11


def test_what_looks_wrong_is_a_warning(recipe: Path, lamina: Lamina) -> None:
    recipe.write_text(recipe.read_text().replace("activation: relu", "activation: identity"))
    outcome = lamina("check", recipe)
    assert outcome.code == 0
    assert "CK016" in outcome.out
    assert lamina("check", recipe, "--set", "network.ignore=[CK016]").out.count("CK016") == 0


def test_check_loads_no_torch(recipe: Path) -> None:
    code = f"import sys; from lamina.cli import main\ntry: main(['check', {str(recipe)!r}])\nfinally: print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "False", done.stderr


def test_summary_of_recipe_and_of_model_agree(recipe: Path, model: Path, lamina: Lamina) -> None:
    of_recipe, of_model = lamina("summary", recipe, "--batch", 8, "--json"), lamina("summary", model, "--batch", 8, "--json")
    assert of_recipe.code == of_model.code == 0
    assert of_recipe.data == of_model.data
    text = lamina("summary", recipe)
    assert "dense_1" in text.out
    assert "131" in text.out


def test_summary_of_what_is_none(lamina: Lamina, tmp_path: Path) -> None:
    (tmp_path / "bad.lamina").write_bytes(b"nothing")
    outcome = lamina("summary", tmp_path / "bad.lamina", "--json")
    assert outcome.code == 2
    assert outcome.problems == ["AR021"]


def test_schema(lamina: Lamina, tmp_path: Path) -> None:
    printed = lamina("schema")
    assert printed.code == 0
    assert {"data", "network", "train", "evaluate", "seed"} <= set(printed.data["$defs"]["Recipe"]["properties"])
    assert lamina("schema", "-o", tmp_path / "schema.json").code == 0
    assert json.loads((tmp_path / "schema.json").read_text()) == printed.data
    nowhere = lamina("schema", "-o", tmp_path / "no/where.json")
    assert nowhere.code == 2
    assert "DA093" in nowhere.err


def test_doctor(lamina: Lamina) -> None:
    found = lamina("doctor", "--json").data
    assert found["packages"]["torch"]
    assert "cpu" in found["devices"]
    text = lamina("doctor")
    assert text.code == 0
    assert "pandas" in text.out


def test_version(lamina: Lamina) -> None:
    from lamina import __version__

    outcome = lamina("--version")
    assert outcome.code == 0
    assert outcome.out.strip() == f"lamina {__version__}"


@pytest.mark.parametrize("command", ["train", "check", "summary", "evaluate", "predict", "schema", "doctor"])
def test_every_command_has_help(lamina: Lamina, command: str) -> None:
    outcome = lamina(command, "--help")
    assert outcome.code == 0
    assert "Usage" in outcome.out

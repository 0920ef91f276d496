"""``lamina evaluate`` and ``lamina predict``."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

import lamina as lm

Lamina = Callable[..., Any]
Entries = Callable[[Path], list[str]]

CSV_RECIPE = """\
seed: 1
data:
  source: {type: csv, path: flowers.csv, target: kind}
  split: {test: 0.25, stratify: true}
  normalize: standardize
network: {type: sequential, layers: [{type: dense, units: 12, activation: relu}, {type: output, units: 3}]}
train: {epochs: 10, threads: 1, optimizer: {type: adam, learning_rate: 0.02}}
"""


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory, anywhere: Lamina) -> Path:
    """A folder with a table of numbers and categories, and a model trained on it."""
    folder = tmp_path_factory.mktemp("flowers")
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 80)
    size, color = rng.normal(size=80) + 3 * kind, np.array(["red", "blue"])[(kind == 1).astype(int)]
    rows = [f"{s:.3f},{c},{'abc'[k]}" for s, c, k in zip(size, color, kind, strict=True)]
    (folder / "flowers.csv").write_text("\n".join(["size,color,kind", *rows]) + "\n")
    # Other rows in another order, with one of the categories and one of the classes missing.
    later = [row for row in rows if row.endswith("a")]
    (folder / "later.csv").write_text("\n".join(["size,color,kind", *later]) + "\n")
    (folder / "recipe.yaml").write_text(CSV_RECIPE)
    outcome = anywhere("train", folder / "recipe.yaml", "--run-dir", folder / "run")
    assert outcome.code == 0, outcome.err
    return folder


# -- evaluate -------------------------------------------------------------------------------------------------------------


def test_the_test_part_of_the_recipe(trained: Path, model: Path, lamina: Lamina) -> None:
    outcome = lamina("evaluate", model, "--data", trained.parent / "recipe.yaml", "--json")
    assert outcome.code == 0
    assert outcome.data == json.loads((trained / "evaluation.json").read_text())
    text = lamina("evaluate", model, "--data", trained.parent / "recipe.yaml")
    assert "accuracy" in text.out
    assert "30 samples, part: test" in text.err


@pytest.mark.parametrize(("part", "count"), [("train", 105), ("validation", 15), ("test", 30), ("all", 150)])
def test_parts(trained: Path, model: Path, lamina: Lamina, part: str, count: int) -> None:
    outcome = lamina("evaluate", model, "--data", trained.parent / "recipe.yaml", "--part", part, "--json")
    assert outcome.data["results"]["classification"]["samples"] == count


def test_a_data_section(model: Path, lamina: Lamina, tmp_path: Path) -> None:
    inline = lamina("evaluate", model, "--data", "{source: {type: iris}}", "--json")
    assert inline.data["results"]["classification"]["samples"] == 150
    assert lamina("evaluate", model, "--data", "{type: iris}", "--json").data == inline.data
    (tmp_path / "data.yaml").write_text("source: iris\nsplit: {test: 0.5}\n")
    first = lamina("evaluate", model, "--data", tmp_path / "data.yaml", "--json")
    assert first.data["results"]["classification"]["samples"] == 75
    assert lamina("evaluate", model, "--data", tmp_path / "data.yaml", "--json", "--seed", 5).data != first.data
    (tmp_path / "data.json").write_text('{"source": {"type": "iris"}}')
    assert lamina("evaluate", model, "--data", tmp_path / "data.json", "--json").data == inline.data


def test_a_csv_file_by_the_columns_of_training(flowers: Path, lamina: Lamina) -> None:
    model = flowers / "run/model.lamina"
    alone = lamina("evaluate", model, "--data", flowers / "later.csv", "--json")
    assert alone.code == 0, alone.err
    section = f"{{source: {{type: csv, path: {flowers}/later.csv, target: kind}}}}"
    assert lamina("evaluate", model, "--data", section, "--json").data == alone.data
    whole = lamina("evaluate", model, "--data", flowers / "recipe.yaml", "--json")
    assert whole.data == json.loads((flowers / "run/evaluation.json").read_text())
    assert whole.data["metrics"]["accuracy"] > 0.6


def test_a_page(model: Path, lamina: Lamina, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert lamina("evaluate", model, "--data", "{source: iris}", "--html", page).code == 0
    assert "<svg" in page.read_text()
    nowhere = lamina("evaluate", model, "--data", "{source: iris}", "--html", tmp_path / "no/where.html")
    assert nowhere.code == 2
    assert "DA093" in nowhere.err


@pytest.mark.parametrize(
    ("data", "part", "code"),
    [
        ("{source: {type: iris}}", "validation", "DA092"),
        ("{source: {type: iris}}", "tset", "DA092"),
        ("{source: {type: wine}}", "all", "DA022"),
        ("{source: {type: iriss}}", "all", "SP003"),
        ("missing.yaml", "all", "SP010"),
        ("missing.csv", "all", "DA018"),
    ],
)
def test_wrong_data(model: Path, lamina: Lamina, tmp_path: Path, data: str, part: str, code: str, entries: Entries) -> None:
    outcome = lamina("evaluate", model, "--data", data, "--part", part, "--json")
    assert outcome.code == 2
    assert outcome.problems == [code]
    assert entries(tmp_path) == ["folder"]


def test_a_csv_file_that_is_not_there(flowers: Path, lamina: Lamina) -> None:
    outcome = lamina("evaluate", flowers / "run/model.lamina", "--data", flowers / "flower.csv", "--json")
    assert outcome.problems == ["DA031"]
    assert "flowers.csv" in outcome.data["problems"][0]["fix"]


# -- predict --------------------------------------------------------------------------------------------------------------


def test_csv_to_csv(flowers: Path, lamina: Lamina, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    outcome = lamina("predict", flowers / "run/model.lamina", flowers / "flowers.csv", "-o", out)
    assert outcome.code == 0, outcome.err
    assert outcome.out == ""
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert len(rows) == 80
    assert list(rows[0]) == ["label", "probability", "a", "b", "c"]
    model = lm.load(flowers / "run/model.lamina")
    found = model.predict_labels(polars.read_csv(flowers / "flowers.csv"))
    assert [row["label"] for row in rows] == found.labels.tolist()


@pytest.mark.parametrize("ending", [".npy", ".npz"])
@pytest.mark.parametrize("to", [".json", ".npz"])
def test_arrays(model: Path, lamina: Lamina, tmp_path: Path, ending: str, to: str) -> None:
    x = np.random.default_rng(0).normal(size=(5, 4))
    path = tmp_path / f"in{ending}"
    np.save(path, x) if ending == ".npy" else np.savez(path, input=x)
    assert lamina("predict", model, path, "-o", tmp_path / f"out{to}").code == 0
    wanted = lm.load(model).predict(x)
    if to == ".npz":
        np.testing.assert_array_equal(np.load(tmp_path / "out.npz")["output"], wanted)
    else:
        rows = json.loads((tmp_path / "out.json").read_text())
        np.testing.assert_allclose([[row[name] for name in ("setosa", "versicolor", "virginica")] for row in rows], wanted)


def test_columns_that_are_not_there(flowers: Path, lamina: Lamina, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("sizes,color\n1.0,red\n")
    outcome = lamina("predict", flowers / "run/model.lamina", tmp_path / "new.csv", "-o", tmp_path / "out.csv")
    assert outcome.code == 2
    assert "DA014" in outcome.err
    assert "did you mean 'sizes'" in outcome.err
    assert not (tmp_path / "out.csv").exists()


def test_a_category_that_was_not_there(flowers: Path, lamina: Lamina, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("size,color\n1.0,redd\n")
    outcome = lamina("predict", flowers / "run/model.lamina", tmp_path / "new.csv", "-o", tmp_path / "out.csv")
    assert outcome.code == 2
    assert "did you mean 'red'" in outcome.err


FILES = [("x.txt", "out.csv", "DA090"), ("x.npy", "out.csv", "DA091"), ("y.npy", "out.xls", "DA090")]


@pytest.mark.parametrize(("name", "out", "code"), FILES)
def test_wrong_files(model: Path, lamina: Lamina, tmp_path: Path, name: str, out: str, code: str) -> None:
    np.save(tmp_path / "y.npy", np.zeros((2, 4)))
    outcome = lamina("predict", model, tmp_path / name, "-o", tmp_path / out)
    assert outcome.code == 2
    assert code in outcome.err
    assert not (tmp_path / out).exists()


def test_a_damaged_model(model: Path, lamina: Lamina, tmp_path: Path) -> None:
    half = tmp_path / "half.lamina"
    half.write_bytes(model.read_bytes()[: model.stat().st_size // 2])
    np.save(tmp_path / "y.npy", np.zeros((2, 4)))
    outcome = lamina("predict", half, tmp_path / "y.npy", "-o", tmp_path / "out.csv")
    assert outcome.code == 2
    assert "AR021" in outcome.err or "AR022" in outcome.err

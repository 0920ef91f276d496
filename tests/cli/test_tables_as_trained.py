"""A model that learned from a raw table judges and answers other raw tables as that one was read and transformed."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

Lamina = Callable[..., Any]
RECIPE = """
seed: 3
data:
  source: {type: csv, path: rows.data.gz, delimiter: ";", header: false, names: [c, x, y], target: y}
  %s
  split: {validation: 0.2, test: 0.2}
  normalize: standardize
network: {type: sequential, layers: [{type: dense, units: 8, activation: relu}, {type: output, units: 2}]}
train: {epochs: 2, threads: 1}
"""
STEPS = (
    "transform: [{type: filter, where: x > -2}, {type: derive, columns: {z: x * 2}}, {type: fill_missing, columns: x, value: mean},"
    " {type: one_hot, columns: c}]"
)


@pytest.fixture(params=["", STEPS], ids=["as it is", "transformed"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, lamina: Lamina, monkeypatch: pytest.MonkeyPatch) -> Path:
    draw = random.Random(1)
    rows = [(draw.choice("abc"), draw.gauss(0, 1)) for _ in range(200)]
    text = "".join(f"{c};{x:.3f};{'p' if x + (c == 'a') > 0.3 else 'q'}\n" for c, x in rows)
    (tmp_path / "rows.data.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "recipe.yaml").write_text(RECIPE % request.param)
    monkeypatch.chdir(tmp_path)
    done = lamina("train", "recipe.yaml", "--run-dir", "run")
    assert done.code == 0, done.err
    return tmp_path


def test_the_recipe_gives_the_figures_of_training(folder: Path, lamina: Lamina) -> None:
    import json

    trained = json.loads((folder / "run" / "evaluation.json").read_text())
    judged = lamina("evaluate", "run/model.lamina", "--data", "recipe.yaml", "--json")
    assert judged.code == 0, judged.err
    assert "part: test" in judged.err
    assert judged.data["metrics"] == trained["metrics"]
    whole = lamina("evaluate", "run/model.lamina", "--data", "recipe.yaml", "--part", "all")
    assert whole.code == 0, whole.err
    assert "part: all" in whole.err


def test_a_packed_file_without_a_header_is_read_as_that_of_training(folder: Path, lamina: Lamina) -> None:
    assert lamina("evaluate", "run/model.lamina", "--data", "rows.data.gz", "--json").code == 0
    done = lamina("predict", "run/model.lamina", "rows.data.gz", "-o", "answers.csv")
    assert done.code == 0, done.err
    assert len(pl.read_csv("answers.csv")) == 200


def test_another_kind_of_file_is_read_by_its_ending(folder: Path, lamina: Lamina) -> None:
    rows = pl.read_csv(
        gzip.decompress((folder / "rows.data.gz").read_bytes()), separator=";", has_header=False, new_columns=["c", "x", "y"]
    )
    rows.write_parquet("rows.parquet")
    for name in ("rows.data.gz", "rows.parquet"):
        assert lamina("predict", "run/model.lamina", name, "-o", f"{name}.csv").code == 0
    assert Path("rows.data.gz.csv").read_text() == Path("rows.parquet.csv").read_text()

"""The page of names in other frameworks: complete, true, and made of its source."""

from __future__ import annotations

import importlib
import pkgutil
import runpy
from pathlib import Path
from typing import Any

import pytest
from torch import nn

import lamina

ROOT = Path(__file__).parents[2]
MADE: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "vocabulary.py"))
ROWS = MADE["rows"]()


@pytest.fixture(scope="module", autouse=True)
def _everything() -> None:
    for module in pkgutil.walk_packages(lamina.__path__, "lamina."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


@pytest.mark.parametrize(("framework", "section", "name", "wheres", "note"), ROWS, ids=[f"{row[0]}-{row[1]}-{row[2]}" for row in ROWS])
def test_every_row_names_what_is_there(framework: str, section: str, name: str, wheres: list[str], note: str) -> None:
    assert wheres or (framework == "torch" and note), "only a row of torch.nn may be empty, and must say why"
    assert [where for where in wheres if not MADE["exists"](where)] == []


def test_every_class_of_torch_nn_has_a_row() -> None:
    listed = {word.strip() for framework, _, name, _, _ in ROWS if framework == "torch" for word in name.split(",")}
    assert set(nn.modules.__all__) - listed == set()


def test_keras_and_deeplearning4j_are_whole() -> None:
    """How many names each had when the lists were taken: Keras 3.15.1, and the inventory of beta7 and M2.1."""
    names = {
        framework: [word.strip() for row in ROWS if row[0] == framework for word in row[2].split(",")]
        for framework in ("keras", "deeplearning4j")
    }
    # 175 names less the functions that write and read layers, and the bases Layer and InputSpec.
    assert len(set(names["keras"])) == 175 - 4
    assert len(names["deeplearning4j"]) >= 190


def test_the_page_is_made_of_its_source() -> None:
    assert (ROOT / "docs" / "reference" / "vocabulary.md").read_text() == MADE["page"](), "run python docs/vocabulary.py"


def test_a_name_that_is_not_there_would_be_found() -> None:
    assert not MADE["exists"]("layer/lstmm")
    assert not MADE["exists"]("layer/lstm.unitss")
    assert not MADE["exists"]("lamina.model.Model.fitt")
    assert MADE["exists"]("layer/lstm.units")

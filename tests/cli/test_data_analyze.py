"""``lamina data analyze``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROWS = "size,colour,y\n" + "".join(f"{i % 7}.5,{['red', 'blue'][i % 2]},{['a', 'b'][i % 2]}\n" for i in range(60))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(ROWS)
    return path


def test_tables_and_findings(lamina: Callable[..., Any], table: Path) -> None:
    result = lamina("data", "analyze", table, "--target", "y")
    assert "rows.csv: 60 rows, 3 columns" in result.out
    assert "What columns say of y" in result.out
    assert "[AN024] 'colour': a column alone says the target" in result.out


def test_json_and_a_page(lamina: Callable[..., Any], table: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    result = lamina("data", "analyze", table, "--json", "-o", page)
    found = json.loads(result.out)
    assert found["columns"]["size"]["kind"] == "float"
    assert found["target"] is None
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_another_table(lamina: Callable[..., Any], table: Path, tmp_path: Path) -> None:
    other = tmp_path / "new.csv"
    other.write_text(ROWS.replace("red", "green"))
    result = lamina("data", "analyze", table, "--compare", other)
    assert "new.csv (60 rows) beside rows.csv (60 rows)" in result.out
    assert "[AN042] 'colour': there are new categories. 1 of them: 'green' (30)." in result.out


def test_the_source_of_a_recipe_knows_its_target(lamina: Callable[..., Any], table: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "data:\n  source: {type: csv, path: rows.csv, target: y}\nnetwork: {type: sequential, layers: [{type: output, units: 2}]}\n"
    )
    for spec in (recipe, f"{{type: csv, path: {table}, target: y}}"):
        assert json.loads(lamina("data", "analyze", spec, "--json").out)["target"] == "y"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("{type: iris}",), "DA176"),
        (("rows.xyz",), "DA090"),
        (("rows.csv", "--target", "Y"), "DA014"),
        (("nowhere.csv",), "DA031"),
        (("rows.csv", "--compare", "nowhere.csv"), "DA031"),
        (("rows.csv", "-o", "no/where.html"), "DA093"),
    ],
)
def test_what_is_wrong_is_said(lamina: Callable[..., Any], table: Path, monkeypatch, arguments: tuple[str, ...], code: str) -> None:
    monkeypatch.chdir(table.parent)
    result = lamina("data", "analyze", *arguments)
    assert result.code == 2
    assert f"[{code}]" in result.err


def test_values_against_a_schema(lamina: Callable[..., Any], table: Path, tmp_path: Path) -> None:
    schema, page = tmp_path / "schema.yaml", tmp_path / "page.html"
    schema.write_text("columns:\n  size: {type: float, maximum: 5}\n  colour: {type: categorical, values: [red]}\n")
    result = lamina("data", "analyze", table, "--schema", schema, "-o", page)
    assert "Against the schema" in result.out
    assert "38 of 60 rows are not what the schema says" in result.out
    assert '<section id="schema"' in page.read_text()
    found = json.loads(lamina("data", "analyze", table, "--schema", schema, "--json").out)["quality"]
    assert (found["wrong_rows"], [column["invalid"] for column in found["columns"]]) == (38, [16, 30])

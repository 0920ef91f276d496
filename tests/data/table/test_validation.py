"""Rows against a schema: converted, checked, refused, dropped or set aside."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data.pipeline.frames.polars import PolarsFrame
from lamina.data.table.schema import Schema
from lamina.data.table.validation import validate
from lamina.errors import DataError, LaminaWarning


def checked(columns: dict, rows: dict, **settings):
    return validate(PolarsFrame.of(pl.DataFrame(rows, strict=False)), Schema(columns), **settings)


def test_text_becomes_what_the_schema_says() -> None:
    columns = {
        "i": "integer",
        "f": "float",
        "b": "boolean",
        "t": {"type": "time", "zone": "Europe/Zurich"},
        "d": {"type": "time", "format": "%d.%m.%Y"},
    }
    rows = {
        "i": ["7", None],
        "f": ["1e3", "-2.5"],
        "b": ["true", "0"],
        "t": ["2024-07-01 12:00:00", None],
        "d": ["01.02.2024", "29.02.2024"],
    }
    found = checked(columns, rows).frame.collect()
    assert found["i"].to_list() == [7, None]
    assert found["f"].to_list() == [1000.0, -2.5]
    assert found["b"].to_list() == [True, False]
    assert found["t"].dt.convert_time_zone("UTC").dt.hour().to_list() == [10, None]
    assert found["d"].dt.month().to_list() == [2, 2]


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ({"type": "integer", "minimum": 0}, -1, "at least 0"),
        ({"type": "integer", "maximum": 9}, 10, "at most 9"),
        ({"type": "float"}, float("nan"), "not NaN"),
        ({"type": "float"}, float("inf"), "finite"),
        ("integer", "1.5", "integer"),
        ("float", "abc", "float"),
        ("boolean", "perhaps", "boolean"),
        ({"type": "categorical", "values": ["a", "b"]}, "c", "one of 'a', 'b'"),
        ({"type": "string", "pattern": "[a-z]+"}, "A1", "text like"),
        ({"type": "string", "min_length": 2}, "a", "at least 2 characters"),
        ({"type": "text", "max_length": 2}, "abc", "at most 2 characters"),
        ({"type": "string", "required": True}, None, "a value"),
        ({"type": "array", "length": 2}, [1.0, 2.0, 3.0], "a list of 2"),
        ({"type": "time", "maximum": "2024-01-01"}, "2024-01-02", "at most 2024-01-01"),
    ],
)
def test_a_wrong_value_is_named(column: object, value: object, expected: str) -> None:
    rows = {"ok": ["x", "y"], "x": [None, value] if not (isinstance(column, dict) and column.get("required")) else ["z", value]}
    with pytest.raises(DataError) as caught:
        checked({"ok": "string", "x": column}, rows, where="people.csv")
    problem = caught.value.problems[0]
    assert problem.code == "DA103"
    assert problem.where == "people.csv, row 2, column 'x'"
    assert expected in problem.expected


def test_rows_are_dropped_and_counted() -> None:
    with pytest.warns(LaminaWarning, match="2 rows are not what the schema says"):
        found = checked({"a": {"type": "integer", "minimum": 0}}, {"a": [1, -1, 2, -5]}, policy="drop")
    assert found.wrong == 2
    assert found.frame.collect()["a"].to_list() == [1, 2]


def test_rows_are_set_aside_with_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "bad" / "rows.csv"
    with pytest.warns(LaminaWarning, match="quarantine"):
        found = checked({"a": "integer", "b": "string"}, {"a": ["1", "x1"], "b": ["p", "q"]}, policy="quarantine", quarantine=file)
    assert found.frame.collect().rows() == [(1, "p")]
    kept = pl.read_csv(file)
    assert kept.columns == ["a", "b", "problem"]
    assert kept.row(0) == ("x1", "q", "a: expected a value of the kind integer")


def test_a_kind_that_can_not_become_another() -> None:
    with pytest.raises(DataError) as caught:
        checked({"a": "array"}, {"a": ["x"]})
    assert caught.value.code == "DA102"


@given(st.lists(st.one_of(st.none(), st.integers(-(2**40), 2**40)), min_size=1, max_size=20), st.integers(-100, 100))
@settings(max_examples=40, deadline=None)
def test_what_stays_is_what_fits(values: list[int | None], low: int) -> None:
    rows = {"a": pl.Series(values, dtype=pl.Int64)}
    bad = [value for value in values if value is not None and value < low]
    columns = {"a": {"type": "integer", "minimum": low}}
    if not bad:
        assert checked(columns, rows).frame.collect()["a"].to_list() == values
        return
    with pytest.warns(LaminaWarning):
        found = checked(columns, rows, policy="drop")
    assert (found.wrong, found.frame.collect()["a"].to_list()) == (len(bad), [v for v in values if v is None or v >= low])


def test_numbers_are_not_cut_off() -> None:
    def becomes(kind: str, values: list) -> list:
        frame = PolarsFrame.of(pl.DataFrame({"a": values}, strict=False))
        return validate(frame, Schema({"a": kind})).frame.collect()["a"].to_list()

    assert becomes("integer", [1.0, None, -3.0]) == [1, None, -3]
    assert becomes("boolean", [0, 1, None]) == [False, True, None]
    assert becomes("boolean", [0.0, 1.0]) == [False, True]
    for kind, value, expected in [
        ("integer", 1.5, "a whole number"),
        ("integer", float("nan"), "a value of the kind integer"),
        ("integer", 1e30, "a value of the kind integer"),
        ("boolean", 2, "1 or 0"),
        ("boolean", 0.5, "1 or 0"),
    ]:
        with pytest.raises(DataError, match=expected) as found:
            becomes(kind, [1.0 if isinstance(value, float) else 1, value])
        assert "row 2, column 'a'" in str(found.value)

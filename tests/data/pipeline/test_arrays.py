"""Arrays made of lists, computed element by element and spread over rows, against NumPy and plain Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lamina.data.pipeline import Pipeline
from lamina.errors import DataError

COLUMNS = {"k": "string", "v": "array", "w": "array", "a": "float"}
ROWS = {
    "k": ["x", "y", "z", "u"],
    "v": [[1.0, 2.0, 3.0], [], None, [4.0]],
    "w": [[0.5, 0.25, -1.0], [], [1.0], [7.0, 8.0]],
    "a": [10.0, 20.0, 30.0, None],
}


def run(*steps: Any, rows: Any = ROWS, columns: Any = COLUMNS) -> Any:
    return Pipeline({"columns": columns}, list(steps)).run(rows)


def test_elements_are_computed_as_numpy_does() -> None:
    found = run({"type": "elements", "columns": {"n": "v * w + a", "p": "where(w > 0, exp(w), 0.0)"}})
    assert np.allclose(found["n"][0], np.array(ROWS["v"][0]) * ROWS["w"][0] + 10.0)
    assert found["n"].to_list()[1:] == [[], None, None], "an empty array stays one; of arrays that are not equally long nothing comes"
    assert np.allclose(found["p"][3], np.exp([7.0, 8.0]))
    same = run({"type": "elements", "columns": {"n": "v + a"}}, rows={**ROWS, "a": [None, 1.0, 1.0, 1.0]})
    assert same["n"].to_list() == [[None, None, None], [], None, [5.0]]


def test_rows_of_elements() -> None:
    found = run({"type": "explode", "columns": "w"})
    assert found.select("k", "w").rows() == [
        *(("x", value) for value in ROWS["w"][0]),
        ("z", 1.0),
        ("u", 7.0),
        ("u", 8.0),
    ]
    both = run({"type": "filter", "where": "k == 'x'"}, {"type": "explode", "columns": ["v", "w"]})
    assert both.select("v", "w").rows() == list(zip(ROWS["v"][0], ROWS["w"][0], strict=True))
    with pytest.raises(DataError, match=r"DA005.*\n.*equally long"):
        run({"type": "explode", "columns": ["v", "w"]})


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [[1.0, 0.0, 1.0], [], None]),
        ({"give": "sorted"}, [[0.0, 1.0, 1.0], [], None]),
        ({"give": "distinct"}, [[0.0, 1.0], [], None]),
        ({"give": "counts"}, [[1.0, 2.0], [0.0, 0.0], None]),
        ({"give": "flags"}, [[1.0, 1.0], [0.0, 0.0], None]),
        ({"values": {"a": 7, "b": -1}}, [[7.0, -1.0, 7.0], [], None]),
    ],
)
def test_lists_of_words(settings: dict[str, Any], expected: list[Any]) -> None:
    step = {"type": "encode_list", "column": "s", "values": ["b", "a"], "unknown": "ignore", **settings}
    found = run(step, rows={"s": ["a, b,a ,c", "", None]}, columns={"s": "string"})
    assert found["s"].to_list() == expected


@pytest.mark.parametrize(
    ("step", "code", "words"),
    [
        ({"type": "elements", "columns": {"n": "a + 1"}}, "DA102", "no array in it"),
        ({"type": "elements", "columns": {"n": "string(v)"}}, "DA102", "of the kind string"),
        ({"type": "elements", "columns": {"n": "v + z"}}, "DA100", "column 'n'"),
        ({"type": "explode", "columns": "a"}, "DA102", "pack(a, b)"),
        ({"type": "encode_list", "column": "a", "values": ["x"]}, "DA102", "a column of texts"),
    ],
)
def test_wrong_steps(step: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        Pipeline({"columns": COLUMNS}, [step])
    assert caught.value.code == code
    assert words in str(caught.value)


def test_strange_words_are_named() -> None:
    with pytest.raises(DataError, match=r"DA015.*\n.*\n.*'c'"):
        run({"type": "encode_list", "column": "k", "values": ["x"]}, rows={**ROWS, "k": ["x", "x,c", "", None]})


def test_filters_over_sequences_and_tables() -> None:
    columns, rows = {"k": "string", "x": "integer"}, {"k": ["a", "b", "a", "a"], "x": [1, 2, 3, 4]}
    sequences = {"type": "to_sequence", "keys": "k"}
    assert run(sequences, {"type": "filter", "where": "count() > 1"}, rows=rows, columns=columns)["x"].to_list() == [1, 3, 4]
    assert run(sequences, {"type": "filter", "where": "not any(x == 3)"}, rows=rows, columns=columns)["x"].to_list() == [2]
    assert run({"type": "filter", "where": "x > mean(x)"}, rows=rows, columns=columns)["x"].to_list() == [3, 4]


def test_windows_without_rows() -> None:
    columns, rows = {"k": "string", "t": "time"}, {"k": ["a", "b", "a"], "t": ["2024-01-01T00:00", "2024-01-01T05:00", "2024-01-01T03:30"]}
    step = {"type": "time_windows", "time": "t", "size": 1, "unit": "hour", "aggregates": {"n": "count()"}, "empty": True}
    found = run({"type": "to_sequence", "keys": "k", "order": "t"}, step, rows=rows, columns=columns)
    assert found.select("k", "n").rows() == [("a", 1), ("a", None), ("a", None), ("a", 1), ("b", 1)]
    assert found["window"].dt.hour().to_list() == [0, 1, 2, 3, 5]
    far = {**step, "unit": "millisecond"}
    with pytest.raises(DataError, match="DA201"):
        run(far, rows={"k": ["a", "a"], "t": ["1970-01-01", "2024-01-01"]}, columns=columns)


@pytest.mark.parametrize(("form", "factor"), [("epoch_seconds", 1), ("epoch_milliseconds", 1000)])
def test_times_that_are_counted(form: str, factor: int) -> None:
    columns = {"t": {"type": "time", "format": form, "zone": "Europe/Zurich", "maximum": "2001-01-01"}}
    found = run({"type": "derive", "columns": {"h": "hour(t)"}}, rows={"t": [0, 3600 * factor]}, columns=columns)
    assert found["h"].to_list() == [1, 2]
    assert run(rows={"t": ["7200" if factor == 1 else "7200000"]}, columns=columns)["t"].dt.epoch("s").to_list() == [7200]
    with pytest.raises(DataError, match="at most 2001-01-01"):
        run(rows={"t": [10**9 * factor]}, columns=columns)

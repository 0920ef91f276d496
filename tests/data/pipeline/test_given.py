"""Whatever a user holds becomes the same rows: frames of Polars go the way of all others, and what nobody asks for may hold anything."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from lamina.data.pipeline import Pipeline
from lamina.errors import DataError
from lamina.spec import registry

KINDS = ("string", "integer", "float", "boolean", "categorical", "time", "bytes", "array", "image", "text")
HOLDERS = {
    "polars": lambda frame: frame,
    "lazy": lambda frame: frame.lazy(),
    "pandas": lambda frame: frame.to_pandas(),
    "pyarrow": lambda frame: frame.to_arrow(),
}


def rows(kind: str, given: Any) -> pl.Series:
    return Pipeline({"columns": {"a": kind}}, []).run(given)["a"]


@pytest.mark.parametrize("holder", HOLDERS)
def test_durations_and_times_of_the_day_are_seconds_whoever_holds_them(holder: str) -> None:
    frame = pl.DataFrame({"a": [datetime.timedelta(seconds=90), None]})
    assert rows("float", HOLDERS[holder](frame)).to_list() == [90.0, None]
    if holder != "pandas":
        assert rows("float", HOLDERS[holder](pl.DataFrame({"a": [datetime.time(1, 0, 30)]}))).to_list() == [3630.0]


@pytest.mark.parametrize("holder", ["polars", "pandas", "pyarrow"])
def test_whole_numbers_beyond_64_bits_are_named(holder: str) -> None:
    frame = pl.DataFrame({"a": pl.Series([2, 2**63], dtype=pl.UInt64)})
    with pytest.raises(DataError, match="row 2, column 'a'") as found:
        rows("integer", HOLDERS[holder](frame))
    assert found.value.problems[0].code == "DA063"


def test_fields_of_structs_are_columns() -> None:
    pipeline = Pipeline({"columns": {"a.b": "integer"}}, [])
    for given in (pl.DataFrame({"a": [{"b": 1, "c": [{"d": 2}]}]}), [{"a": {"b": 1}}], pa.table({"a": [{"b": 1}]})):
        assert pipeline.run(given)["a.b"].to_list() == [1]
    with pytest.raises(DataError, match="such as a struct"):
        rows("integer", pl.DataFrame({"a": [{"b": 1}]}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_without_a_value_is_what_the_schema_says(kind: str) -> None:
    assert kind in registry.names("column")
    for given in ({"a": [None, None]}, [{"a": None}, {"a": None}], pl.DataFrame({"a": [None, None]}), pa.table({"a": pa.nulls(2)})):
        assert rows(kind, given).to_list() == [None, None]
    assert rows(kind, pd.DataFrame({"a": pd.Series([None, None], dtype=object)})).to_list() == [None, None]


def test_what_is_not_asked_for_may_hold_anything() -> None:
    thing = object()
    odd = pl.DataFrame({"a": [1], "structs": pl.Series([[{"x": 1}]]), "thing": pl.Series([thing], dtype=pl.Object)})
    for given in (odd, odd.lazy(), odd.drop("thing").to_arrow(), pd.DataFrame({"a": [1], "thing": [thing], "mixed": [{1: 2}]})):
        assert rows("integer", given).to_list() == [1]
    with pytest.raises(DataError, match="column 'structs'") as found:
        Pipeline({"columns": {"structs": "array"}}, []).run(odd)
    assert found.value.problems[0].code == "DA062"
    with pytest.raises(DataError, match="column 'mixed'"):
        Pipeline({"columns": {"mixed": "string"}}, []).run(pd.DataFrame({"mixed": [{1: 2}]}))

"""Frames of other libraries say the same as Polars frames."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from decimal import Decimal

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import lamina as lm
from lamina.data.dataset import Dataset
from lamina.data.foreign import as_polars, is_frame
from lamina.data.frames import read_frame
from lamina.errors import DataError

MOMENT = dt.datetime(2024, 2, 29, 12, 30, 15, 123456)
COLUMNS = {
    "whole": [1, -2, None],
    "number": [1.5, None, -0.25],
    "word": ["Bern", None, ""],
    "truth": [True, None, False],
    "day": [dt.date(2024, 2, 29), None, dt.date(1900, 1, 1)],
    "moment": [MOMENT, None, MOMENT],
    "bytes": [b"\x00\xff", None, b""],
    "list": [[1.0, 2.0], None, []],
}
PLAIN = pl.DataFrame(COLUMNS)


def frames() -> dict[str, object]:
    arrow = PLAIN.to_arrow()
    return {
        "polars": PLAIN,
        "polars-lazy": PLAIN.lazy(),
        "pyarrow": arrow,
        "pyarrow-batch": arrow.to_batches()[0],
        "pandas-objects": pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in COLUMNS.items()}),
        "pandas-arrow": arrow.to_pandas(types_mapper=pd.ArrowDtype),
        "pandas-nullable": pd.DataFrame(
            {"whole": pd.array(COLUMNS["whole"], dtype="Int32"), "truth": pd.array(COLUMNS["truth"], dtype="boolean")}
        ),
        "duckdb": duckdb.from_arrow(arrow),
        "narwhals": nw.from_native(arrow),
        "narwhals-lazy": nw.from_native(PLAIN.lazy()),
    }


@pytest.mark.parametrize("kind", frames())
def test_every_library_says_the_same(kind: str) -> None:
    given = frames()[kind]
    assert is_frame(given)
    made = as_polars(given)
    assert isinstance(made, pl.LazyFrame)
    collected = made.collect()
    assert_frame_equal(collected, PLAIN.select(collected.columns))
    assert set(collected.columns) == (set(COLUMNS) if kind != "pandas-nullable" else {"whole", "truth"})


@pytest.mark.parametrize("kind", ["pyarrow", "duckdb", "pandas-arrow", "narwhals"])
def test_arrays_are_made_of_them_as_of_polars(kind: str) -> None:
    names = ["whole", "number", "word", "truth", "moment"]
    given = as_polars(frames()[kind])
    assert given is not None
    own, plain = read_frame(given.select(names)), read_frame(PLAIN.select(names))
    for name in names:
        assert np.asarray(own[name]).tolist() == np.asarray(plain[name]).tolist() or name in ("number", "whole", "truth", "moment")
        if name != "word":
            assert np.array_equal(own[name], plain[name], equal_nan=True)


@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(-(2**53), 2**53),
            st.none() | st.floats(allow_nan=False),
            st.none() | st.text(),
            st.none() | st.booleans(),
            st.none() | st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)),
        ),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=60, deadline=None)
def test_pandas_and_arrow_round_trip(rows) -> None:
    schema = {"i": pl.Int64, "f": pl.Float64, "s": pl.String, "b": pl.Boolean, "t": pl.Datetime("us")}
    plain = pl.DataFrame(rows, schema=schema, orient="row")
    objects = pd.DataFrame({name: pd.Series(plain[name].to_list(), dtype=object) for name in schema})
    for frame in (plain.to_arrow(), plain.to_pandas(), objects):
        made = as_polars(frame)
        assert made is not None
        # pandas has no column type of its own for what is all missing, and makes floats of whole numbers beside missing ones.
        assert_frame_equal(made.collect().cast(schema, strict=False), plain)  # type: ignore[arg-type]


def test_types_of_pandas() -> None:
    zone = pd.Series(pd.to_datetime(["2024-07-01 12:00", None])).dt.tz_localize("Europe/Zurich")
    frame = pd.DataFrame(
        {
            "category": pd.Categorical(["b", None], categories=["b", "a"], ordered=True),
            "numbers": pd.Categorical([2, 1]),
            "zone": zone,
            "offset": pd.Series(pd.to_datetime(["2024-07-01 12:00+02:00", None])),
            "span": pd.to_timedelta(["1h", None]),
            "sparse": pd.arrays.SparseArray([0.0, 1.0]),
            "small": np.array([1, 2], dtype=np.uint8),
            "decimal": [Decimal("1.25"), None],
            "mixed": pd.Series([1, "x"], dtype=object),
            "half": np.array([1.5, np.nan], dtype=np.float16),
            "nothing": pd.Series([None, None], dtype=object),
        }
    )
    made = as_polars(frame)
    assert made is not None
    rows = made.collect()
    assert rows.schema["category"] == pl.Enum(["b", "a"])
    assert rows.schema["zone"] == pl.Datetime("us", "Europe/Zurich")
    assert rows.schema["offset"] == pl.Datetime("us", "UTC")
    assert rows.to_dict(as_series=False) == {
        "category": ["b", None],
        "numbers": [2, 1],
        "zone": [zone[0].to_pydatetime(), None],
        "offset": [dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC), None],
        "span": [3600.0, None],
        "sparse": [0.0, 1.0],
        "small": [1, 2],
        "decimal": [1.25, None],
        "mixed": ["1", "x"],
        "half": [1.5, None],
        "nothing": [None, None],
    }


@pytest.mark.parametrize(
    ("make", "code", "where"),
    [
        (lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]), "DA017", "the frame"),
        (lambda: pa.table([[1], [2]], names=["a", "a"]), "DA017", "the frame"),
        (lambda: pd.DataFrame({"a": [{1}, {2}]}), "DA005", "column 'a'"),
        (lambda: pd.DataFrame({"a": [1j, 2j]}), "DA005", "column 'a'"),
        (lambda: pd.DataFrame({"a": [2**70, 1]}), "DA005", "column 'a'"),
        (lambda: pd.DataFrame({"a": [[1, "x"], [2]]}), "DA005", "column 'a'"),
        (lambda: pa.table({"a": pa.array([1, 2**64 - 1], pa.uint64())}), "DA063", "the frame, row 2, column 'a'"),
        (lambda: duckdb.sql("select interval 3 day as a"), "DA005", "the frame"),
        (lambda: duckdb.sql("select [{'b': 1}] as a"), "DA062", "the frame, column 'a'"),
    ],
)
def test_refused(make, code: str, where: str) -> None:
    with pytest.raises(DataError) as caught:
        as_polars(make())
    assert caught.value.code == code
    assert caught.value.problems[0].where == where


def test_nested_values_of_duckdb_become_columns() -> None:
    made = as_polars(duckdb.sql("select {'x': 1, 'y': 'a'} as s, 1.5::decimal(10, 2) as d, [1, 2] as l, 5::utinyint as u"))
    assert made is not None
    assert made.collect().to_dict(as_series=False) == {"s.x": [1], "s.y": ["a"], "d": [1.5], "l": [[1, 2]], "u": [5]}


@pytest.mark.parametrize("other", [{"a": [1]}, [1, 2], np.ones(3), "a.csv", None])
def test_what_is_no_frame(other) -> None:
    assert not is_frame(other)
    assert as_polars(other) is None


def test_asking_loads_nothing() -> None:
    code = (
        "import sys; from lamina.data.frames import is_frame; is_frame({}); is_frame(3)\n"
        "sys.exit(bool({'polars', 'pandas', 'pyarrow', 'duckdb', 'narwhals'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "convert", [lambda frame: frame.to_arrow(), lambda frame: duckdb.from_arrow(frame.to_arrow())], ids=["pyarrow", "duckdb"]
)
def test_a_model_learns_from_and_predicts_them(convert) -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.normal(size=32), "b": rng.choice(["x", "y"], 32)}).with_columns(up=pl.col("a") > 0)
    models = []
    for table in (frame, convert(frame)):
        model = lm.Model(lm.Sequential([lm.Output(2)]), seed=1)
        model.fit(table, target="up", epochs=1, progress=False)
        models.append(model)
    expected = models[0].predict(frame)
    assert np.array_equal(models[1].predict(frame), expected)
    assert np.array_equal(models[1].predict(convert(frame.drop("up"))), expected)
    assert Dataset.from_frame(convert(frame), target="up").schema == Dataset.from_frame(frame, target="up").schema


def test_frames_of_polars_become_arrays_as_those_of_pandas_do() -> None:
    nanoseconds = pl.Series([dt.datetime(2024, 1, 1, 0, 0, 1)], dtype=pl.Datetime("ns"))
    frame = pl.DataFrame({"took": [dt.timedelta(seconds=1.5)], "when": nanoseconds, "at": [{"x": 1}], "n": pl.Series([3], dtype=pl.UInt64)})
    found = {name: column.tolist() for name, column in read_frame(frame).items()}
    assert found == {"took": [1.5], "when": [1704067201e6], "at.x": [1.0], "n": [3.0]}
    for other in (frame.drop("at").to_pandas(), frame.drop("at").to_arrow(), frame.drop("at").lazy()):
        assert {name: column.tolist() for name, column in read_frame(other).items()} == {
            name: values for name, values in found.items() if name != "at.x"
        }

"""What becomes of every type that files, databases and frames know."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from lamina.data.formats.types import check_whole, plain_frame
from lamina.errors import DataError

MOMENT = dt.datetime(2024, 2, 29, 12, 30, 15, 123456)


@pytest.mark.parametrize("dtype", [pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.Int128])
def test_whole_numbers(dtype) -> None:
    made = plain_frame(pl.DataFrame({"a": [0, 100, None]}, schema={"a": dtype}), "here").collect()
    assert made.schema == {"a": pl.Int64}
    assert made["a"].to_list() == [0, 100, None]


@pytest.mark.parametrize(
    ("values", "dtype", "wanted", "made"),
    [
        ([1.5, float("nan"), None], pl.Float32, pl.Float64, [1.5, "nan", None]),
        ([Decimal("1234567.89"), None], pl.Decimal(20, 2), pl.Float64, [1234567.89, None]),
        ([True, None], pl.Boolean, pl.Boolean, [True, None]),
        (["x", None], pl.Categorical, pl.String, ["x", None]),
        (["b", None], pl.Enum(["b", "a"]), pl.Enum(["b", "a"]), ["b", None]),
        ([dt.date(2024, 2, 29), None], pl.Date, pl.Date, [dt.date(2024, 2, 29), None]),
        ([MOMENT, None], pl.Datetime("ns"), pl.Datetime("us"), [MOMENT, None]),
        ([MOMENT.replace(microsecond=0), None], pl.Datetime("ms"), pl.Datetime("us"), [MOMENT.replace(microsecond=0), None]),
        ([dt.timedelta(days=-1, milliseconds=500), None], pl.Duration("ns"), pl.Float64, [-86399.5, None]),
        ([dt.time(1, 2, 3, 500_000), None], pl.Time, pl.Float64, [3723.5, None]),
        ([None, None], pl.Null, pl.Float64, [None, None]),
        ([b"\x00", None], pl.Binary, pl.Binary, [b"\x00", None]),
        ([[1, 2], None], pl.List(pl.UInt8), pl.List(pl.Int64), [[1, 2], None]),
        ([[1.0, 2.0], None], pl.Array(pl.Float32, 2), pl.List(pl.Float64), [[1.0, 2.0], None]),
        ([[["a"]], None], pl.List(pl.List(pl.String)), pl.List(pl.List(pl.String)), [[["a"]], None]),
    ],
    ids=str,
)
def test_types(values, dtype, wanted, made) -> None:
    frame = plain_frame(pl.DataFrame({"a": pl.Series(values, dtype=dtype)}), "here").collect()
    assert frame.schema == {"a": wanted}
    assert ["nan" if value != value else value for value in frame["a"].to_list()] == made


def test_a_zone_stays() -> None:
    frame = pl.DataFrame({"a": pl.Series([MOMENT]).dt.replace_time_zone("Europe/Zurich").dt.cast_time_unit("ms")})
    assert plain_frame(frame, "here").collect().schema == {"a": pl.Datetime("us", "Europe/Zurich")}


def test_structs_are_taken_apart() -> None:
    frame = pl.DataFrame({"a": [{"b": {"c": 1, "d": "x"}, "e": 2.5}, None], "f": [1, 2]})
    assert plain_frame(frame, "here").collect().to_dict(as_series=False) == {
        "a.b.c": [1, None],
        "a.b.d": ["x", None],
        "a.e": [2.5, None],
        "f": [1, 2],
    }


@pytest.mark.parametrize(
    ("frame", "code", "where"),
    [
        (pl.DataFrame({"a": [[{"b": 1}]]}), "DA062", "here, column 'a'"),
        (pl.DataFrame({"a": [[dt.timedelta(1)]]}), "DA062", "here, column 'a'"),
        (pl.DataFrame({"a": [object()]}, schema={"a": pl.Object}), "DA062", "here, column 'a'"),
        (
            pl.DataFrame({"a": [{"b": [object]}]}, schema={"a": pl.Struct({"b": pl.List(pl.Struct({"c": pl.Int8}))})}, strict=False),
            "DA062",
            "",
        ),
        (pl.DataFrame({"a": [{"b": 1}], "a.b": [1]}), "DA017", "here"),
        (pl.DataFrame({"a": [1, 2**63]}, schema={"a": pl.UInt64}), "DA063", "here, row 2, column 'a'"),
        (pl.DataFrame({"a": [1, -(2**63) - 1]}, schema={"a": pl.Int128}), "DA063", "here, row 2, column 'a'"),
    ],
)
def test_refused(frame, code, where) -> None:
    with pytest.raises(DataError) as caught:
        plain_frame(frame, "here")
    assert caught.value.code == code
    assert where in caught.value.problems[0].where


def test_the_ends_of_64_bits_fit() -> None:
    frame = pl.LazyFrame({"a": [2**63 - 1]}, schema={"a": pl.UInt64}).with_columns(b=pl.lit(-(2**63), dtype=pl.Int128))
    check_whole(frame, "here")
    assert plain_frame(frame, "here").collect().row(0) == (2**63 - 1, -(2**63))


def test_what_is_plain_already_is_not_touched() -> None:
    frame = pl.LazyFrame({"a": [1], "b": ["x"]})
    assert plain_frame(frame, "here") is frame

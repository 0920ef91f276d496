"""Hashes of values: the same however a value is stored, and different for different values."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from lamina.data.statistics.hashing import MISSING, number_hashes, series_hashes, text_hashes


def test_fixed_numbers() -> None:
    """Saved states of one version are merged with those of the next: these never change."""
    assert [int(value) for value in number_hashes(np.array([0.0, 1.0, -2.5]))] == [
        16294208416658607535,
        9860564707913756141,
        16147957956850547208,
    ]
    assert [int(value) for value in text_hashes(["", "a", "Zürich", "x" * 300])] == [
        16813072317601371187,
        17590825956696488023,
        11224202138802696245,
        1533152188014638354,
    ]


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt16, pl.Int32, pl.Int64, pl.Float32, pl.Float64])
def test_numbers_don_t_depend_on_their_type(dtype) -> None:
    hashes = series_hashes(pl.Series([0, 1, 7, None], dtype=dtype))
    assert hashes[3] == MISSING
    np.testing.assert_array_equal(hashes[:3], number_hashes(np.array([-0.0, 1.0, 7.0])))


def test_large_whole_numbers_differ() -> None:
    values = np.array([2**60, 2**60 + 1, -(2**60), 2**53])
    assert len(np.unique(number_hashes(values))) == 4
    assert number_hashes(np.array([np.nan]))[0] == number_hashes(np.array([-np.nan]))[0]


def test_texts_of_every_length() -> None:
    texts = ["x" * n for n in range(600)] + ["x" * n + "\0" for n in range(20)] + ["é" * n for n in range(1, 30)]
    hashes = text_hashes(texts)
    assert len(np.unique(hashes)) == len(texts)
    np.testing.assert_array_equal(text_hashes(texts[::-1])[::-1], hashes)


@pytest.mark.parametrize(
    "series",
    [
        pl.Series([True, False, None]),
        pl.Series(["a", "b", None]),
        pl.Series(["a", "b", None], dtype=pl.Categorical),
        pl.Series([date(2020, 1, 1), date(2020, 1, 2), None]),
        pl.Series([datetime(2020, 1, 1), datetime(2020, 1, 2, 3), None]),
        pl.Series([[1.0, 2.0], [2.0, 1.0], None]),
        pl.Series([[], [0.0], None], dtype=pl.List(pl.Float64)),
        pl.Series([[1.0, None], [1.0, 2.0], None]),
        pl.Series([[1.0, 2.0], [2.0, 1.0], None], dtype=pl.Array(pl.Float64, 2)),
        pl.Series([b"a", b"b", None]),
        pl.Series([{"a": 1}, {"a": 2}, None]),
        pl.Series([["a"], ["b", "c"], None]),
    ],
    ids=str,
)
def test_every_type_has_hashes(series: pl.Series) -> None:
    hashes = series_hashes(series)
    assert hashes.dtype == np.uint64
    assert len(np.unique(hashes)) == 3
    assert hashes[2] == MISSING
    order = [2, 0, 1]
    np.testing.assert_array_equal(series_hashes(series[order]), hashes[order])


def test_days_are_the_moments_they_begin_with() -> None:
    day, moment = pl.Series([date(2020, 5, 17)]), pl.Series([datetime(2020, 5, 17)], dtype=pl.Datetime("ns"))
    assert series_hashes(day)[0] == series_hashes(moment)[0]
    assert (series_hashes(pl.Series([None, None])) == MISSING).all()

"""Figures of columns: those of pandas and NumPy; merged parts are the whole; larger than memory is read in batches."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from lamina.data.analysis import Profile
from lamina.data.analysis import profile as profiles
from lamina.data.analysis.columns import QUANTILES
from lamina.errors import DataError

RNG = np.random.default_rng(6)
ROWS = 503


def mixed() -> pl.DataFrame:
    """A column of every kind, with missing values in all."""
    gaps = RNG.random(ROWS) < 0.1

    def holed(values) -> list:
        return [None if gap else value for gap, value in zip(gaps, values, strict=True)]

    floats = RNG.normal(size=ROWS) * 10.0 ** RNG.integers(-3, 4, ROWS)
    floats[:5] = [math.nan, math.inf, -math.inf, 0.0, -0.0]
    start = datetime(2021, 3, 1)
    return pl.DataFrame(
        {
            "float": holed(floats),
            "integer": holed(RNG.integers(-50, 50, ROWS).tolist()),
            "boolean": holed((RNG.random(ROWS) < 0.3).tolist()),
            "word": holed(RNG.choice(["red", "blue", " green ", "", "12"], ROWS).tolist()),
            "text": holed([" ".join(RNG.choice(["a", "bb", "ccc"], n)) for n in RNG.integers(0, 150, ROWS)]),
            "moment": holed([start + timedelta(hours=int(h)) for h in RNG.integers(0, 5000, ROWS)]),
            "day": holed([date(2021, 1, 1) + timedelta(days=int(d)) for d in RNG.integers(0, 90, ROWS)]),
            "clock": holed([time(int(h), int(h) % 60) for h in RNG.integers(0, 24, ROWS)]),
            "span": holed([timedelta(seconds=int(s)) for s in RNG.integers(0, 90_000, ROWS)]),
            "list": holed([RNG.normal(size=n).tolist() for n in RNG.integers(0, 5, ROWS)]),
            "bytes": holed([bytes(n) for n in RNG.integers(0, 9, ROWS)]),
            "nothing": [None] * ROWS,
        },
        schema_overrides={"nothing": pl.Null},
    )


FRAME = mixed()


def test_figures_are_those_of_pandas() -> None:
    profile = Profile.of(FRAME)
    for name in ("float", "integer"):
        column = FRAME[name].to_pandas().astype(float)
        finite = column[np.isfinite(column)]
        described = finite.describe(percentiles=[0.05, 0.25, 0.5, 0.75, 0.95])
        figures = profile.columns[name].figures()
        for ours, theirs in (
            ("mean", "mean"),
            ("std", "std"),
            ("min", "min"),
            ("5%", "5%"),
            ("50%", "50%"),
            ("95%", "95%"),
            ("max", "max"),
        ):
            assert figures[ours] == pytest.approx(described[theirs], rel=1e-12), (name, ours)
        np.testing.assert_array_equal([figures[key] for key in QUANTILES], np.quantile(finite, list(QUANTILES.values())))
        assert figures["missing"] == FRAME[name].null_count()
        assert figures["distinct"] == FRAME[name].drop_nulls().n_unique()
        assert figures["zeros"] == (finite == 0).sum()
        assert figures["negative"] == (FRAME[name].drop_nulls().fill_nan(None) < 0).sum() - (name == "float" and FRAME[name][2] is not None)
    present = FRAME["float"][:3].drop_nulls().len()
    assert profile.columns["float"].figures()["nan"] + profile.columns["float"].figures()["infinite"] == present


def test_figures_of_words_and_texts() -> None:
    profile = Profile.of(FRAME)
    for name in ("word", "text"):
        column = FRAME[name].drop_nulls().to_pandas()
        lengths, figures = column.str.len(), profile.columns[name].figures()
        assert (figures["shortest"], figures["longest"]) == (lengths.min(), lengths.max())
        assert figures["mean_length"] == pytest.approx(lengths.mean())
        assert figures["distinct"] == column.nunique()
        assert figures["empty"] == (column == "").sum()
        assert figures["padded"] == (column != column.str.strip()).sum()
        assert figures["numeric"] == pd.to_numeric(column, errors="coerce").notna().sum()
        counted = column.value_counts()
        assert [count for _, count in profile.columns[name].most(5)] == counted.head(5).tolist()
        assert profile.columns[name].most(1)[0][0] == counted.index[0] or counted.iloc[0] == counted.iloc[1]


def test_figures_of_times_lists_and_bytes() -> None:
    profile = Profile.of(FRAME)
    moments = FRAME["moment"].drop_nulls().to_pandas()
    figures = profile.columns["moment"].figures()
    assert (figures["first"], figures["last"]) == tuple(
        f"{end:%Y-%m-%d %H:%M:%S}".removesuffix(" 00:00:00") for end in (moments.min(), moments.max())
    )
    gaps = moments.drop_duplicates().sort_values().diff()
    assert figures["largest_gap"] == f"{gaps.max() / timedelta(days=1):.4g} days"
    assert profile.columns["day"].figures()["first"] == str(FRAME["day"].min())
    assert profile.columns["clock"].kind == "clock"
    assert profile.columns["span"].figures()["last"] == "1.041 days"
    lengths = FRAME["list"].drop_nulls().list.len()
    figures = profile.columns["list"].figures()
    assert (figures["shortest"], figures["longest"], figures["middle_length"]) == (lengths.min(), lengths.max(), lengths.median())
    assert profile.columns["bytes"].figures()["longest"] == FRAME["bytes"].bin.size().max()
    assert profile.columns["boolean"].most() == [("false", (~FRAME["boolean"]).sum()), ("true", FRAME["boolean"].sum())]
    assert profile.columns["nothing"].present == 0


def test_parts_in_any_order_are_the_whole() -> None:
    whole = Profile.of(FRAME, "word")
    for parts in (2, 7):
        merged = Profile("word")
        cuts = np.array_split(RNG.permutation(ROWS), parts)
        for rows in reversed(cuts):
            own = Profile.of(FRAME[rows.tolist()], "word")
            merged.merge(Profile().load_state_dict(json.loads(json.dumps(own.state_dict()))))
        ours, theirs = whole.state_dict(), merged.state_dict()
        assert ours.pop("sample")["distinct"] == theirs.pop("sample")["distinct"]
        assert ours == theirs
        assert merged.sample.frame.equals(whole.sample.frame)
        assert merged.sample.weights.tolist() == whole.sample.weights.tolist()


def test_a_large_table_comes_in_batches(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(profiles, "CELLS", 2000)
    FRAME.drop("nothing", "clock", "span").write_parquet(tmp_path / "rows.parquet")
    seen = []
    add = Profile.add
    monkeypatch.setattr(Profile, "add", lambda self, frame: (seen.append(len(frame)), add(self, frame))[1])
    lazy = Profile.of(pl.scan_parquet(tmp_path / "rows.parquet"))
    assert len(seen) > 1
    assert max(seen) <= 256
    whole = Profile.of(FRAME.drop("nothing", "clock", "span"))
    assert {name: column.figures() for name, column in lazy.columns.items()} == {n: c.figures() for n, c in whole.columns.items()}


def test_a_sample_of_many_rows_is_the_same_for_any_split() -> None:
    table = pl.DataFrame({"a": RNG.integers(0, 10**6, 60_000), "b": RNG.integers(0, 3, 60_000)})
    whole = Profile.of(table).sample
    assert not whole.whole
    assert len(whole.frame) == 20_000
    merged = Profile()
    for part in table.sample(fraction=1, shuffle=True, seed=1).iter_slices(11_000):
        merged.merge(Profile.of(part))
    assert merged.sample.frame.equals(whole.frame)
    assert abs(merged.sample.distinct.count - table.n_unique()) / 60_000 < 0.02
    assert abs(whole.frame["a"].mean() / table["a"].mean() - 1) < 0.02


def test_rows_that_are_there_again_are_counted() -> None:
    table = pl.DataFrame({"a": [1, 2, 1, 1], "b": ["x", "y", "x", "z"]})
    profile = Profile.of(table)
    assert profile.sample.repeated == 1
    assert profile.sample.whole
    assert sorted(profile.sample.weights.tolist()) == [1, 1, 2]
    assert Profile.of(table.select("b", "a")).sample.distinct.shared(profile.sample.distinct) == 3


def test_parts_of_other_tables_are_refused() -> None:
    profile = Profile.of(pl.DataFrame({"a": [1]}))
    for other in (pl.DataFrame({"a": ["x"]}), pl.DataFrame({"b": [1]}), pl.DataFrame({"a": [1], "b": [2]})):
        with pytest.raises(DataError) as caught:
            profile.add(other)
        assert caught.value.code == "DA175"
        with pytest.raises(DataError, match="other columns"):
            profile.merge(Profile.of(other))


def test_tables_without_rows_or_with_odd_names() -> None:
    profile = Profile.of(pl.DataFrame({"a": [], "": []}, schema={"a": pl.Float64, "": pl.String}))
    assert profile.rows == 0
    assert profile.columns["a"].figures()["mean"] is None
    assert Profile.of(pl.DataFrame({"__hash": [1], "__count": [2], "value": [3]})).rows == 1
    empty = Profile()
    empty.merge(Profile())
    empty.merge(profile)
    assert list(empty.columns) == ["a", ""]

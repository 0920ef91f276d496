"""Quantiles: NumPy's own while exact, of a known error beyond, and the same for any split and order."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data.statistics.grids import EvenGrid, RelativeGrid
from lamina.data.statistics.ranks import Ranks, limit_for

RNG = np.random.default_rng(5)
SHARES = np.linspace(0, 1, 23)
SHAPES = {
    "normal": RNG.normal(size=40_000),
    "far from zero": 1.7e9 + RNG.uniform(-1e5, 1e5, 40_000),
    "lognormal": np.exp(RNG.normal(size=40_000) * 4),
    "both signs, wide": RNG.normal(size=40_000) ** 9,
    "two scales": np.concatenate([RNG.uniform(0, 1e-6, 20_000), RNG.uniform(0, 1e6, 20_000)]),
    "ties": np.repeat(RNG.normal(size=4000), 10),
    "integers": RNG.integers(0, 10**6, 40_000).astype(np.float64),
}


def of(values: np.ndarray, limit: int = 1 << 17) -> Ranks:
    ranks = Ranks(limit)
    ranks.add(values)
    return ranks


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=50))
@settings(max_examples=150, deadline=None)
def test_small_data_have_numpys_quantiles_to_the_bit(values: list[float]) -> None:
    array = np.array(values)
    ranks = of(array)
    assert ranks.exact
    np.testing.assert_array_equal(ranks.quantiles(SHARES), np.quantile(array, SHARES))
    assert ranks.distinct == len(np.unique(array))
    points = np.concatenate([array, array + 0.5])
    np.testing.assert_array_equal(ranks.below(points), [(array <= point).sum() for point in points])


@pytest.mark.parametrize("name", SHAPES)
def test_many_values_are_within_the_stated_error(name: str) -> None:
    values, ranks = SHAPES[name], of(SHAPES[name], 1024)
    assert not ranks.exact
    assert ranks.distinct is None
    assert ranks.error < 0.02
    ascending = np.sort(values)
    for share, found in zip(SHARES, ranks.quantiles(SHARES), strict=True):
        low, high = np.searchsorted(ascending, found, "left"), np.searchsorted(ascending, found, "right")
        off = max(0.0, low - share * (len(values) - 1) - 1, share * (len(values) - 1) - high)
        assert off / len(values) <= ranks.error
    assert ranks.quantiles([0.0, 1.0]).tolist() == [values.min(), values.max()]
    points = np.quantile(values, SHARES)
    off = np.abs(ranks.below(points) - np.array([(values <= point).sum() for point in points]))
    assert off.max() / len(values) <= ranks.error
    middles, counts = ranks.pairs()
    assert counts.sum() == len(values)
    assert (np.diff(middles) >= 0).all()


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("parts", [2, 7])
def test_merged_parts_are_the_whole_to_the_bit(name: str, parts: int) -> None:
    whole = of(SHAPES[name], 1024).state_dict()
    shuffled = np.random.default_rng(parts).permutation(SHAPES[name])
    pieces = [of(piece, 1024) for piece in np.array_split(shuffled, parts)]
    merged = Ranks(1024)
    for piece in reversed(pieces):
        # Through JSON, as between processes.
        merged.merge(Ranks().load_state_dict(json.loads(json.dumps(piece.state_dict()))))
    assert merged.state_dict() == whole


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=300), st.integers(0, 300))
@settings(max_examples=60, deadline=None)
def test_any_floats_in_any_split(values: list[float], cut: int) -> None:
    array = np.array(values)
    whole, one = of(array, 64), of(array[cut:], 64)
    one.merge(of(array[:cut], 64))
    assert one.state_dict() == whole.state_dict()
    found = whole.quantiles([0.0, 0.5, 1.0])
    if values:
        assert found[0] == array.min()
        assert found[2] == array.max()
        assert array.min() <= found[1] <= array.max()
    else:
        assert np.isnan(found).all()


@pytest.mark.parametrize("kind", [EvenGrid, RelativeGrid])
def test_buckets_hold_their_values(kind) -> None:
    values = np.unique(np.concatenate([RNG.normal(size=5000) * 10.0 ** RNG.integers(-30, 30, 5000), [0.0, 5e-324, -5e-324]]))
    grid = kind(100)
    grid.add(values, np.ones(len(values), np.int64))
    assert len(grid.edges) <= 100
    assert (np.diff(grid.edges) > 0).all()
    assert grid.counts.sum() == len(values)
    low, high = grid.bounds(grid.edges)
    place = np.searchsorted(grid.edges, grid.floor(values, grid.level))
    assert (low[place] <= values).all()
    assert (values <= high[place]).all()


def test_wide_data_keep_less_of_each_column() -> None:
    assert limit_for(1) == limit_for(64) == 131072
    assert limit_for(100_000) == 1024

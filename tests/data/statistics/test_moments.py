"""Means and deviations: those of fractions, for any split."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from lamina.data.statistics.moments import Extremes, Moments

RNG = np.random.default_rng(2)
ROWS = np.column_stack([RNG.normal(size=500), RNG.normal(size=500) * 1e-3 + 1e9, np.full(500, 0.1), RNG.integers(0, 3, 500)])


def merged(kind, parts: int):
    total = kind(ROWS.shape[1])
    for piece in np.array_split(ROWS[RNG.permutation(len(ROWS))], parts):
        own = kind(ROWS.shape[1])
        own.add(piece)
        total.merge(kind().load_state_dict(json.loads(json.dumps(own.state_dict()))))
    return total


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_moments_are_rounded_once(parts: int) -> None:
    numbers = merged(Moments, parts)
    assert numbers.count == 500
    for i, column in enumerate(ROWS.T):
        exact = [Fraction(float(value)) for value in column]
        mean = sum(exact) / 500
        assert numbers.mean()[i] == float(mean)
        assert numbers.total()[i] == float(sum(exact))
        squares = sum((value - mean) ** 2 for value in exact)
        assert numbers.variance()[i] == float(squares / 500)
        assert numbers.variance(corrected=True)[i] == float(squares / 499)
    assert numbers.deviation()[2] == 0
    np.testing.assert_allclose(numbers.deviation(), ROWS.std(axis=0), rtol=1e-6, atol=1e-15)


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_extremes(parts: int) -> None:
    ends = merged(Extremes, parts)
    np.testing.assert_array_equal(ends.low, ROWS.min(axis=0))
    np.testing.assert_array_equal(ends.high, ROWS.max(axis=0))
    np.testing.assert_array_equal(ends.low_count, (ROWS.min(axis=0) == ROWS).sum(axis=0))


@pytest.mark.parametrize("scale", [1e-320, 1e-170, 1.0, 1e170, 1e300])
def test_deviations_beyond_the_squares_of_floats(scale: float) -> None:
    numbers = Moments(1)
    numbers.add(np.array([[1.0], [3.0]]) * scale)
    assert numbers.deviation()[0] == pytest.approx(scale, rel=1e-3 if scale < 1e-300 else 1e-12)


def test_nothing_has_no_mean() -> None:
    assert np.isnan(Moments(2).mean()).all()
    assert np.isnan(Moments(2).variance()).all()
    one = Moments(1)
    one.add(np.array([[3.0]]))
    assert one.mean() == 3
    assert one.variance() == 0
    assert np.isnan(one.variance(corrected=True))

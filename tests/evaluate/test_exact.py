"""Exact sums against math.fsum and rational arithmetic."""

from __future__ import annotations

import json
import math
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.errors import EvaluationError
from lamina.evaluate.exact import SCALE, Counts, ExactSum, exact_difference

finite = st.floats(allow_nan=False, allow_infinity=False)
lists = st.lists(finite, max_size=60)


def rounded(value: Fraction) -> float:
    try:
        return value.numerator / value.denominator
    except OverflowError:
        return math.inf if value > 0 else -math.inf


@given(lists)
def test_equals_the_rational_sum(values: list[float]) -> None:
    total = ExactSum()
    total.add(values)
    assert total.value() == rounded(sum(map(Fraction, values), Fraction(0)))


@given(st.lists(st.floats(-1e300, 1e300), max_size=60))
def test_equals_fsum(values: list[float]) -> None:
    total = ExactSum()
    total.add(values)
    assert total.value() == math.fsum(values)


@given(lists, st.randoms(use_true_random=False), st.integers(1, 7))
def test_any_order_and_split_gives_the_same_bits(values: list[float], random, parts: int) -> None:
    whole = ExactSum()
    whole.add(values)
    shuffled = list(values)
    random.shuffle(shuffled)
    merged = ExactSum()
    for start in range(parts):
        shard = ExactSum()
        for value in shuffled[start::parts]:
            shard.add([value])
        merged.merge(shard)
    assert merged.state_dict() == whole.state_dict()
    assert np.float64(merged.value()).tobytes() == np.float64(whole.value()).tobytes()


@given(st.lists(st.tuples(finite, finite, finite), max_size=30))
def test_products_of_three_are_exact(rows: list[tuple[float, float, float]]) -> None:
    array = np.array(rows, dtype=np.float64).reshape(-1, 3)
    total = ExactSum()
    total.add_product([array[:, 0], array[:, 1], array[:, 2]])
    expected = sum((Fraction(a) * Fraction(b) * Fraction(c) for a, b, c in rows), Fraction(0))
    assert Fraction(total.total(), 1 << SCALE) == expected


@given(st.lists(st.tuples(st.floats(-1e150, 1e150), st.floats(-1e150, 1e150)), min_size=1, max_size=30))
def test_differences_are_exact(rows: list[tuple[float, float]]) -> None:
    array = np.array(rows)
    difference, lost = exact_difference(array[:, 0], array[:, 1])
    for (a, b), d, e in zip(rows, difference.tolist(), lost.tolist(), strict=True):
        assert Fraction(a) - Fraction(b) == Fraction(d) + Fraction(e)


def test_several_sums_at_once() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(500, 4)) * 10.0 ** rng.integers(-20, 20, (500, 4))
    sums = ExactSum(4)
    sums.add(values, at=np.arange(4))
    assert sums.values().tolist() == [math.fsum(values[:, i]) for i in range(4)]


def test_what_is_not_finite_is_reported() -> None:
    sums = ExactSum(4)
    sums.add([math.inf, 1.0, math.inf, -math.inf, math.nan, 2.0, -math.inf], at=[0, 0, 1, 1, 2, 3, 3])
    first, second, third, fourth = sums.values()
    assert first == math.inf
    assert math.isnan(second)
    assert math.isnan(third)
    assert fourth == -math.inf


def test_more_values_than_a_chunk() -> None:
    values = np.random.default_rng(0).normal(size=600_001)
    total = ExactSum()
    total.add(values)
    assert total.value() == math.fsum(values)


def test_a_million_values_are_fast() -> None:
    values = np.random.default_rng(0).normal(size=1_000_000)
    times = []
    for _ in range(3):
        total = ExactSum()
        started = time.perf_counter()
        total.add(values)
        times.append(time.perf_counter() - started)
    # About 16 ms on a quiet core; the limit leaves room for a shared machine.
    assert min(times) < 0.5


@pytest.mark.parametrize("size", [7, Counts.DENSE_CELLS + 1])
def test_counts_with_and_without_weights(size: int) -> None:
    first, second = Counts(size), Counts(size)
    first.add(np.array([0, 6, 6]))
    second.add(np.array([6, 1]), np.array([0.1, 0.2]))
    second.add(np.array([6]), np.array([0.2]))
    first.merge(second)
    index, values = first.cells()
    assert index.tolist() == [0, 1, 6]
    assert values.tolist() == [1.0, 0.2, rounded(2 + Fraction(0.1) + Fraction(0.2))]
    again = Counts(1).load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert again.state_dict() == first.state_dict()
    assert again.values().tolist() == first.values().tolist()


def test_tables_of_different_size_do_not_merge() -> None:
    with pytest.raises(EvaluationError, match="start both from the same evaluation") as caught:
        Counts(3).merge(Counts(4))
    assert caught.value.code == "EV005"

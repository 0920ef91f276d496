"""Exact sums of tables: equal to fractions, whatever the numbers, and never a change of what was given."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data.statistics.column_sums import add_moments
from lamina.sums import UNIT, ExactSum

RNG = np.random.default_rng(0)
TABLES = {
    "normal": RNG.normal(size=(400, 3)),
    "offset": RNG.normal(size=(100, 2)) + 1e8,
    "scales": RNG.normal(size=(300, 3)) * 10.0 ** RNG.integers(-200, 150, size=(300, 3)),
    "subnormal": RNG.normal(size=(50, 2)) * 1e-310,
    "huge": RNG.normal(size=(50, 2)) * 1e250,
    "ends": np.array([[1e300, 1e-300], [1.0, 5e-324], [-1e300, 0.0]]),
    "constant": np.full((1000, 1), 0.1),
    "zeros": np.zeros((5, 2)),
    "bytes": RNG.integers(0, 256, (500, 4)).astype(np.uint8),
    "truth": RNG.integers(0, 2, (500, 4)).astype(bool),
    "short": RNG.integers(-(2**15), 2**15, (500, 4)).astype(np.int16),
    "long": RNG.integers(-(2**40), 2**40, (500, 4)),
    "float32": RNG.normal(size=(500, 3)).astype(np.float32),
    "columns": np.asfortranarray(RNG.normal(size=(300, 2))),
}


def moments(table: np.ndarray) -> tuple[ExactSum, ExactSum]:
    found = ExactSum(table.shape[1]), ExactSum(table.shape[1])
    add_moments(*found, table)
    return found


@pytest.mark.parametrize("name", TABLES)
def test_columns_add_up_to_the_fraction(name: str) -> None:
    table = TABLES[name]
    before = table.copy()
    found = moments(table)
    assert np.array_equal(table, before), "what is added stays as it was"
    for power, total in enumerate(found, start=1):
        for place in range(table.shape[1]):
            wanted = sum(Fraction(float(value)) ** power for value in table[:, place])
            assert Fraction(total.total(place), UNIT) == wanted


def test_what_is_not_finite_is_counted_apart() -> None:
    table = np.array([[np.nan, 1.0, 2.0], [1.0, np.inf, 3.0]])
    total, squares = moments(table)
    assert np.isnan(total.value(0))
    assert total.value(1) == np.inf
    assert total.value(2) == 5.0
    assert np.isnan(squares.value(0))
    assert (squares.value(1), squares.value(2)) == (np.inf, 13.0)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30), st.integers(0, 30))
@settings(max_examples=200, deadline=None)
def test_blocks_in_any_order_are_the_whole(values: list[float], cut: int) -> None:
    table = np.array(values)[:, None]
    whole, one, other = moments(table), moments(table[cut:][::-1]), moments(table[:cut])
    for power, (all_at_once, left, right) in enumerate(zip(whole, one, other, strict=True), start=1):
        left.merge(right)
        slow = ExactSum()
        slow.add_product([table[:, 0]] * power)
        assert left.total() == all_at_once.total() == slow.total()


def test_more_rows_than_one_block() -> None:
    tables = [RNG.integers(0, 256, (1_100_000, 2)).astype(np.uint8), RNG.integers(-9, 9, (70_000, 3)).astype(np.float64) / 8]
    for table in tables:
        total, squares = moments(table)
        np.testing.assert_array_equal(total.values(), table.astype(np.float64).sum(axis=0))
        np.testing.assert_array_equal(squares.values(), (table.astype(np.float64) ** 2).sum(axis=0))


def test_small_numbers_beside_large_ones_are_not_lost() -> None:
    table = np.concatenate([np.full((9_000, 1), 1e6), RNG.normal(size=(9_000, 1)) * 1e-9])
    total, squares = moments(table)
    values = [Fraction(value) for value in table[:, 0].tolist()]
    assert Fraction(total.total(), UNIT) == sum(values)
    assert Fraction(squares.total(), UNIT) == sum(value * value for value in values)


def test_whole_numbers_that_are_none_further_down() -> None:
    table = np.arange(1_000.0)[:, None]
    table[900] += 0.5
    assert moments(table)[0].value() == table.sum()

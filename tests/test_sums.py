"""Exact sums of tables: equal to fractions, whatever the numbers, and never a change of what was given."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("name", TABLES)
def test_columns_add_up_to_the_fraction(name: str, power: int) -> None:
    table = TABLES[name]
    before = table.copy()
    total = ExactSum(table.shape[1])
    total.add_columns(table, power=power)
    assert np.array_equal(table, before), "what is added stays as it was"
    for place in range(table.shape[1]):
        wanted = sum(Fraction(float(value)) ** power for value in table[:, place])
        assert Fraction(total.total(place), UNIT) == wanted


def test_what_is_not_finite_is_counted_apart() -> None:
    table = np.array([[np.nan, 1.0, 2.0], [1.0, np.inf, 3.0]])
    total = ExactSum(3)
    total.add_columns(table)
    assert np.isnan(total.value(0))
    assert total.value(1) == np.inf
    assert total.value(2) == 5.0


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30), st.integers(0, 30), st.sampled_from([1, 2]))
@settings(max_examples=100, deadline=None)
def test_blocks_in_any_order_are_the_whole(values: list[float], cut: int, power: int) -> None:
    table = np.array(values)[:, None]
    whole, one, other, slow = ExactSum(), ExactSum(), ExactSum(), ExactSum()
    whole.add_columns(table, power=power)
    one.add_columns(table[cut:][::-1], power=power)
    other.add_columns(table[:cut], power=power)
    one.merge(other)
    slow.add_product([table[:, 0]] * power)
    assert one.total() == whole.total() == slow.total()


def test_more_rows_than_one_block() -> None:
    for table in (RNG.integers(0, 256, (70_000, 20)).astype(np.uint8), RNG.integers(-9, 9, (70_000, 3)).astype(np.float64) / 8):
        total = ExactSum(table.shape[1])
        total.add_columns(table, power=2)
        np.testing.assert_array_equal(total.values(), (table.astype(np.float64) ** 2).sum(axis=0))


def test_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="rows, 2"):
        ExactSum(2).add_columns(np.zeros((3, 4)))

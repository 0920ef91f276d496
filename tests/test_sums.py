"""Exact sums of values: equal to fractions, in any order, merged, saved and gone on with."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.sums import SCALE, UNIT, ExactSum

FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(FLOATS, st.floats(0, 1e6)), min_size=1, max_size=30), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_weighted_sums_are_the_fraction_in_any_order(pairs: list[tuple[float, float]], random: object) -> None:
    wanted = sum(Fraction(value) * Fraction(weight) for value, weight in pairs)
    random.shuffle(pairs)  # type: ignore[attr-defined]
    one, other = ExactSum(), ExactSum()
    cut = len(pairs) // 2
    for total, part in ((one, pairs[:cut]), (other, pairs[cut:])):
        if part:
            total.add([value for value, _ in part], weight=[weight for _, weight in part])
    one.merge(other)
    assert Fraction(one.total(), UNIT) == wanted


def test_each_value_goes_to_its_sum_and_a_saved_state_goes_on() -> None:
    total = ExactSum(3)
    total.add([1.0, 2.0, 0.5], at=[0, 2, 2])
    total.add_units(3 << (SCALE - 1), 1)
    later = ExactSum().load_state_dict(json.loads(json.dumps(total.state_dict())))
    later.add([np.inf], at=[1])
    assert total.values().tolist() == [1.0, 1.5, 2.5]
    assert later.values().tolist() == [1.0, np.inf, 2.5]
    assert later.places() == [0, 1, 2]


def test_four_factors_are_refused() -> None:
    with pytest.raises(ValueError, match="one to three"):
        ExactSum().add_product([[1.0]] * 4)

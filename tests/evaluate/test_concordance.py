"""The concordance index against a count of all pairs, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from lamina.errors import LaminaError
from lamina.evaluate import Concordance
from lamina.evaluate.counting.concordance import compared_pairs

RNG = np.random.default_rng(0)


def by_pairs(risk, time, event, weight) -> float:
    right = total = 0.0
    for i in range(len(risk)):
        for j in range(len(risk)):
            outlived = time[j] > time[i] or (time[j] == time[i] and not event[j])
            if event[i] and outlived and i != j:
                total += weight[i] * weight[j]
                right += weight[i] * weight[j] * (1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0)
    return right / total


@pytest.mark.parametrize("size", [2, 3, 17, 200])
@pytest.mark.parametrize("times", [4, 1000])
def test_it_is_the_share_of_pairs_in_the_right_order(size, times) -> None:
    risk, time = RNG.integers(0, 12, size) / 3.0, RNG.integers(0, times, size).astype(float)
    event, weight = RNG.integers(0, 2, size), RNG.random(size)
    event[np.argmin(time)], time[np.argmax(time)] = 1, time.max() + 1
    accumulator = Concordance().start()
    accumulator.update(risk, np.stack([time, event], 1), weight)
    assert accumulator.result()["concordance"] == pytest.approx(by_pairs(risk, time, event, weight), abs=1e-12)


def test_many_samples_take_no_time() -> None:
    size = 100_000
    time = RNG.exponential(size=size)
    right, equal, pairs = compared_pairs(-time, time, np.ones(size, dtype=bool), np.ones(size))
    assert right == pairs == size * (size - 1) / 2
    assert equal == 0


def test_without_pairs_it_is_undefined_and_says_so() -> None:
    accumulator = Concordance().start()
    accumulator.update([1.0, 2.0], [[1, 0], [2, 0]])
    with pytest.warns(UserWarning, match="EV012"):
        assert np.isnan(accumulator.result()["concordance"])


@pytest.mark.parametrize(
    ("predictions", "targets", "code"),
    [
        ([[1.0, 2.0]], [[1.0, 1.0]], "EV002"),
        ([1.0], [1.0], "EV002"),
        ([1.0], [[3.0, 2.0]], "EV011"),
        ([np.nan], [[3.0, 1.0]], "EV003"),
    ],
)
def test_what_is_no_risk_or_no_survival_is_refused(predictions, targets, code) -> None:
    with pytest.raises(LaminaError) as caught:
        Concordance().start().update(predictions, targets)
    assert caught.value.code == code


def test_a_target_of_three_columns_is_refused_before_any_data() -> None:
    with pytest.raises(LaminaError, match="time and event"):
        Concordance().start(width=3)

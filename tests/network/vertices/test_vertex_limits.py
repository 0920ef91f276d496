"""What vertices refuse before anything runs, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lamina import vertices as V
from lamina.errors import LaminaError
from lamina.shapes import Features, Image, Sequence, Shape, Tokens

ANY, FIVE = Sequence(steps=None, features=3), Sequence(steps=5, features=3)


@pytest.mark.parametrize(
    ("layer", "shapes", "code", "fix"),
    [
        (V.Slice(3), (Features(3),), "NN008", "within the axis"),
        (V.Slice(0, axis="width"), (FIVE,), "NN001", "steps, features"),
        (V.Slice(0), (Tokens(steps=5, vocabulary=3),), "NN001", "set axis to one of steps"),
        (V.Split(2, 0), (FIVE,), "NN008", "divides 3"),
        (V.Split([1, 1], 0), (FIVE,), "NN008", "add up to 3"),
        (V.Split(2, 0, axis="steps"), (ANY,), "NN009", "use slice"),
        (V.Unstack(5), (FIVE,), "NN008", "below 5"),
        (V.Gather([3]), (FIVE,), "NN008", "remove 3"),
        (V.Gather([1]), (FIVE, Tokens(steps=2, vocabulary=5)), "NN012", "remove indices"),
        (V.Gather(axis="steps"), (FIVE,), "NN012", "write indices"),
        (V.Stack(), (Features(3), Features(4)), "NN003", "side by side"),
        (V.Dot(), (Features(3), Features(4)), "NN003", "equal units"),
        (V.Dot("steps"), (Features(3), FIVE), "NN003", "other axes"),
        (V.Dot(), (FIVE, ANY), "NN009", "number of steps"),
        (V.Dot(each_step=True), (FIVE, Features(3)), "NN003", "other axes"),
        (V.L2Distance(), (Features(3), Features(4)), "NN003", "equal units"),
        (V.Bilinear(2), (Features(3), FIVE), "NN003", "duplicate_to_steps"),
        (V.PoolHelper(), (Image(channels=1, height=1, width=5),), "NN008", "remove pool_helper"),
    ],
)
def test_shapes_that_do_not_fit(layer: Any, shapes: tuple[Shape, ...], code: str, fix: str) -> None:
    with pytest.raises(LaminaError) as raised:
        layer.infer(shapes)
    (problem,) = raised.value.problems
    assert problem.code == code
    assert fix in problem.fix


@pytest.mark.parametrize(
    ("make", "fix"),
    [
        (lambda: V.Slice(0, 1, 0), "set step: 1"),
        (lambda: V.Split(2, 2), "below 2"),
        (lambda: V.Gather([]), "list the places"),
        (lambda: V.Gather(), "axis: steps"),
        (lambda: V.Dot(["features"]), "axes: features"),
        (lambda: V.Dot("steps", each_step=True), "remove axes"),
    ],
)
def test_settings_that_mean_nothing(make: Callable[[], Any], fix: str) -> None:
    with pytest.raises(LaminaError) as raised:
        make()
    assert fix in str(raised.value)

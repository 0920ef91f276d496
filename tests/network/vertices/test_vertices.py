"""What the examples of vertices promise beyond shapes."""

from __future__ import annotations

import pytest

from lamina.network.vertices import Average, Concat, Scale, Subtract
from lamina.shapes import features, image


def test_operations_are_counted_by_hand() -> None:
    inputs = (image(2, 3, 4), image(2, 3, 4), image(2, 3, 4))
    assert Average().flops(inputs, inputs[0]) == 3 * 24
    assert Subtract().flops(inputs[:2], inputs[0]) == 24
    assert Scale(0.5).flops(inputs[:1], inputs[0]) == 48
    assert Concat().flops(inputs, image(6, 3, 4)) == 0


@pytest.mark.parametrize(("axis", "position"), [("features", 0), ("channels", 0), ("height", 1), ("width", 2), ("steps", None)])
def test_concat_finds_its_axis_in_an_image(axis: str, position: int | None) -> None:
    assert Concat(axis).axis_of(image(2, 3, 4)) == position
    assert Concat("features").axis_of(features(3)) == 0

"""Shapes: what matches, what agrees, how they are read and printed."""

from __future__ import annotations

import pytest

from lamina.errors import DescriptionError
from lamina.shapes import Features, Image, Sequence, Shape, Tokens, batch_shape, describe_array, features, image, sequence, tokens, volume


def test_the_short_ways_are_the_long_ones() -> None:
    assert features(4) == Features(count=4)
    assert sequence(None, 3) == Sequence(steps=None, features=3)
    assert image(1, 2, 3) == Image(channels=1, height=2, width=3)
    assert tokens(5, 11) == Tokens(steps=5, vocabulary=11)
    assert [str(shape) for shape in (features(4), sequence(None, 3), volume(1, 2, 3, 4), tokens(None, 11))] == [
        "[batch, 4]",
        "[batch, ?, 3]",
        "[batch, 1, 2, 3, 4]",
        "[batch, ?]",
    ]


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (features(4), features(4), True),
        (features(4), features(5), False),
        (sequence(None, 3), sequence(7, 3), True),
        (sequence(6, 3), sequence(7, 3), False),
        (sequence(None, 3), sequence(None, 4), False),
        (image(1, 2, 3), volume(1, 1, 2, 3), False),
        (tokens(4, 9), features(4), False),
    ],
)
def test_agreement_goes_both_ways(one: Shape, other: Shape, agree: bool) -> None:
    assert one.agrees(other) is other.agrees(one) is agree


def test_sizes() -> None:
    assert (image(2, 3, 4).size, sequence(None, 3).size, tokens(5, 11).size) == (24, None, 5)
    assert (tokens(5, 11).dtype, features(1).dtype) == ("int", "float")
    assert batch_shape(sequence(None, 3), 2, unknown=7) == (2, 7, 3)
    assert describe_array((2, "?", 3)) == "[2, ?, 3]"


@pytest.mark.parametrize("text", ["{type: features, count: 0}", "{type: image, channels: 1, height: -1, width: 3}", "{type: features}"])
def test_a_shape_that_can_not_be(text: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        Shape.from_yaml(text)
    assert caught.value.code in ("SP004", "SP005")
    assert caught.value.problems[0].fix

"""How clipping is written."""

from __future__ import annotations

import pytest

from lamina.errors import LaminaError
from lamina.learning import Clip, ClipNorm, ClipValue, Renormalize
from lamina.spec import Description


class Section(Description):
    clip: Clip | None = None


def test_a_number_is_the_largest_norm_of_all() -> None:
    assert Section(clip=1.5).clip == ClipNorm(1.5)
    assert Section.from_yaml("clip: 2").clip.scope == "all"
    assert Section.from_yaml("clip: {type: value, limit: 0.1}").clip == ClipValue(0.1)
    assert Section.from_yaml("clip: renormalize").clip == Renormalize()


@pytest.mark.parametrize("value", [0.0, -1.0, True, {"type": "norm", "limit": 1.0, "scope": "layers"}])
def test_wrong_values(value: object) -> None:
    with pytest.raises(LaminaError) as caught:
        Section(clip=value)
    assert caught.value.code == "SP004"
    if isinstance(value, dict):
        assert caught.value.problems[0].fix == "did you mean 'layer'?"

"""Layers that are asked for less often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamina.interop.emission.drawing import emits
from lamina.network.layers.activity_penalty import ActivityPenalty

if TYPE_CHECKING:
    from lamina.interop.emission.draft import Value
    from lamina.interop.emission.pen import Pen


@emits(ActivityPenalty)
def _penalty(pen: Pen, x: Value) -> Value:  # noqa: ARG001 (it is for training)
    return x

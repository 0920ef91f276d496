"""Padding for sliding windows: torch pads both sides alike, `same` and `causal` may not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from lamina.network.layers.layer import spatial_axes
from lamina.network.layers.window import pads
from lamina.network.plan import Node


@dataclass(frozen=True)
class Padding:
    """Positions to add.

    Attributes:
        both: On both sides of each axis, by the operation itself.
        before: What ``F.pad`` must add first, last axis first, as it wants it; empty if nothing.
    """

    both: tuple[int, ...]
    before: tuple[int, ...] = ()


@dataclass(frozen=True)
class Windows:
    """How windows slide along the axes of a layer.

    Attributes:
        window: Size along each axis.
        strides: Step along each axis.
        dilations: Distance between positions along each axis.
        paddings: ``valid``, ``same``, ``causal``, ``ceil`` or a number for each axis.
        half: The operation itself pads at most half a window (pooling).
    """

    window: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    paddings: tuple[str | int, ...]
    half: bool = False

    def fixed(self, node: Node) -> Padding | None:
        """The padding, if it is the same for all data: sizes are known, or don't matter."""
        sizes = spatial_axes(node.input_shapes[0])
        if None in sizes and any(str(padding).startswith(("same", "ceil")) for padding in self.paddings):
            return None
        return self.padding(tuple(0 if size is None else size for size in sizes))

    def padding(self, sizes: Sequence[int]) -> Padding:
        """The padding for axes of these sizes."""
        return _padding(self, tuple(sizes))


@lru_cache(maxsize=1024)
def _padding(windows: Windows, sizes: tuple[int, ...]) -> Padding:
    settings = zip(sizes, windows.window, windows.strides, windows.dilations, windows.paddings, strict=True)
    sides = [pads(*each) for each in settings]
    limits = [kernel // 2 if windows.half else pad[0] for kernel, pad in zip(windows.window, sides, strict=True)]
    if all(first == last <= limit for (first, last), limit in zip(sides, limits, strict=True)):
        return Padding(tuple(first for first, _ in sides))
    return Padding((0,) * len(sides), tuple(position for pair in reversed(sides) for position in pair))

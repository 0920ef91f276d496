"""What flows between layers there and here: Caffe's blobs of any number of axes, and the shapes that stand for them."""

from __future__ import annotations

from dataclasses import dataclass

from lamina.shapes import Features, Image, Shape, Tokens, Volume
from lamina.shapes import Sequence as Steps


@dataclass(frozen=True)
class Blob:
    """A blob.

    Attributes:
        name: What Caffe calls it.
        node: The input or node here that gives it.
        dims: Its sizes there, the batch among them.
        batch: The axis of the samples: 0, or 1 where axis 0 counts steps, as before and behind recurrent layers.
        shape: What it is here.
        label: Whether it is what a loss compares with, and nothing that the network computes with.
    """

    name: str
    node: str
    dims: tuple[int, ...]
    shape: Shape
    batch: int = 0
    label: bool = False

    @property
    def rank(self) -> int:
        """How many axes."""
        return len(self.dims)


def shape_of(dims: tuple[int, ...], batch: int = 0) -> Shape | None:
    """The shape here of a blob; None if there is none.

    Three axes are an image of width 1, since the middle one is that of the channels. Steps are counted by the data.

    Example:
        >>> str(shape_of((64, 1, 28, 28))), str(shape_of((64, 10))), str(shape_of((20, 64, 7), batch=1))
        ('[batch, 1, 28, 28]', '[batch, 10]', '[batch, ?, 7]')
    """
    sizes = tuple(size for axis, size in enumerate(dims) if axis != batch)
    if batch >= len(dims):
        return None
    if batch == 1:
        return Steps(steps=None, features=sizes[1] if len(sizes) == 2 else 1) if 1 <= len(sizes) <= 2 else None
    if min(sizes, default=1) < 1 or len(sizes) > 4:
        return None
    if len(sizes) < 2:
        return Features(*(sizes or (1,)))
    return Volume(*sizes) if len(sizes) == 4 else Image(*sizes) if len(sizes) == 3 else Image(*sizes, 1)


_AXES: dict[int, tuple[str, ...]] = {
    2: ("", "features"),
    3: ("", "channels", "height"),
    4: ("", "channels", "height", "width"),
    5: ("", "channels", "depth", "height", "width"),
}


def axis_name(blob: Blob, axis: int) -> str:
    """What an axis is called here; nothing, if it is that of the samples."""
    if axis == blob.batch:
        return ""
    if blob.batch == 1:
        return {0: "steps", 2: "features"}.get(axis, "")
    return _AXES.get(blob.rank, ())[axis] if axis < len(_AXES.get(blob.rank, ())) else ""


def is_tokens(shape: Shape) -> bool:
    """Whether a blob holds whole numbers that stand for something."""
    return isinstance(shape, Tokens)

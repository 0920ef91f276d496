"""What a model keeps of how its films were seen: which frames, of which size."""

from __future__ import annotations

import os
from collections.abc import Sequence as Items
from typing import TYPE_CHECKING, Any, Literal

from lamina.data.preparation import Masked, Preparation
from lamina.shapes import Shape, image, series
from lamina.spec import register
from lamina.spec.fields import Count

if TYPE_CHECKING:
    import numpy as np

ENDINGS = (
    *(".gif", ".webp", ".png", ".apng", ".tif", ".tiff"),
    *(".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".ogv", ".ts"),
)


@register("film")
class FilmPreparation(Preparation):
    """How a film becomes pictures.

    Attributes:
        height: Of each picture, to which frames are scaled.
        width: Of each picture.
        channels: 1 (grey) or 3 (colours).
        every: Each so many-th frame is taken, from the first on; None: see ``frames``.
        frames: Most pictures of a film: evenly spread over it, the middle of each of as many stretches; with ``every``, the first ones.
            None: all.
    """

    height: Count
    width: Count
    channels: Literal[1, 3] = 3
    every: Count | None = None
    frames: Count | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(height=8, width=10, frames=4), cls(height=8, width=8, channels=1, every=2), cls(height=4, width=4)]

    def shape(self) -> Shape:
        """Of one film."""
        return series(self.frames, image(self.channels, self.height, self.width))

    def seen(self, data: bytes, where: str) -> np.ndarray:
        """The pictures of a film, bytes ``[frames, channels, height, width]``.

        Raises:
            DataError: DA156, naming the frame that can't be decoded.
            DependencyError: DA157, for a video without a decoder.
        """
        import numpy as np

        from lamina.data.films.decoding import frames_of

        taken = self._wanted(data, where)
        pictures = [self._scaled(picture) for _, picture in frames_of(data, where, taken)]
        return np.stack(pictures)

    def _wanted(self, data: bytes, where: str) -> Any:
        from lamina.data.films.decoding import count_frames

        if self.every is not None:
            every, most = self.every, self.frames
            return lambda number: number % every == 0 and (most is None or number // every < most)
        if self.frames is None:
            return lambda number: True
        count = count_frames(data, where)
        chosen = evenly(count, self.frames)
        return lambda number: number in chosen

    def _scaled(self, picture: Any) -> np.ndarray:
        import numpy as np
        from PIL import Image

        plain = picture.convert("L" if self.channels == 1 else "RGB").resize((self.width, self.height), Image.Resampling.BILINEAR)
        array = np.asarray(plain, dtype=np.uint8)
        return array[None] if self.channels == 1 else np.ascontiguousarray(array.transpose(2, 0, 1))

    # -- serving ------------------------------------------------------------------------------------------------------

    def takes(self, value: Any, shape: Shape) -> bool:
        if isinstance(value, str | os.PathLike | bytes | bytearray):
            return True
        return isinstance(value, Items) and bool(value) and all(isinstance(item, str | os.PathLike | bytes | bytearray) for item in value)

    def prepare(self, value: Any, shape: Shape) -> Any:
        from lamina.data.films.films import films_of

        values, mask = films_of(_things(value), self)
        return Masked(values, mask)


def evenly(count: int, wanted: int) -> frozenset[int]:
    """Numbers of frames that are evenly spread: the middle of each of ``wanted`` stretches; all, if there are no more.

    Example:
        >>> sorted(evenly(10, 4)), sorted(evenly(3, 4))
        ([1, 3, 6, 8], [0, 1, 2])
    """
    return frozenset(range(count)) if count <= wanted else frozenset((2 * i + 1) * count // (2 * wanted) for i in range(wanted))


def _things(value: Any) -> list[Any]:
    from lamina.data.sources.labelled import find_files

    if isinstance(value, str | os.PathLike):
        return list(find_files(value, ENDINGS, "films"))
    if isinstance(value, bytes | bytearray):
        return [_Held(bytes(value), "the film")]
    found: list[Any] = []
    for number, item in enumerate(value):
        held = isinstance(item, bytes | bytearray)
        found += [_Held(bytes(item), f"film {number}")] if held else find_files(item, ENDINGS, "films")
    return found


class _Held:
    """Bytes in memory as if they were a file."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data, self.name = data, name

    def read(self) -> bytes:
        """The bytes."""
        return self.data

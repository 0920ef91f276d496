"""What a model keeps of how its pictures were made: photos of any size and kind become its input exactly as in training."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lamina.data.images.decoding import Decoding
from lamina.data.images.step import ImageStep
from lamina.data.preparation import Preparation
from lamina.spec import register
from lamina.spec.fields import several

if TYPE_CHECKING:
    from lamina.data.lazy import LazyArray
    from lamina.shapes import Shape

THREADS = 8


@register("pictures")
class Pictures(Preparation):
    """Decoding, and the steps that every picture goes through.

    Attributes:
        channels: 1 (grey), 3 (colours) or 4 (with opacity), as files are read.
        decode: How bytes become pixels.
        steps: What is done to each picture; see `lamina.data.images.steps`.
    """

    channels: Literal[1, 3, 4] = 3
    decode: Decoding = Decoding()
    steps: several(ImageStep) = ()  # type: ignore[valid-type]

    @classmethod
    def examples(cls) -> list[Any]:
        from lamina.data.images.steps.size import Resize

        return [cls(), cls(channels=1, decode={"depth": 16}, steps=[Resize((8, 8))])]

    def takes(self, value: Any, shape: Shape) -> bool:
        if _is_file(value):
            return True
        if _is_array(value):
            deep = value.shape[-1] in (1, 3, 4) if value.ndim in (3, 4) else False
            grey = value.ndim == 2 and str(value.dtype) in ("uint8", "uint16")
            return (deep and not (value.ndim == 4 and shape.matches(value.shape[1:]))) or grey
        if isinstance(value, Sequence) and value:
            first = value[0]
            return _is_file(first) or (_is_array(first) and not shape.matches(first.shape) and self.takes(first, shape))
        return False

    def prepare(self, value: Any, shape: Shape) -> LazyArray:  # type: ignore[override]
        from lamina.data.images.halfway import PIXELS
        from lamina.data.images.photos import Photo, Photos

        height, width = shape.dims[1], shape.dims[2]
        photos = [Photo(file) for file in self._files(value)]
        cores = os.cpu_count() or 1
        return Photos(
            photos,
            (height or 0, width or 0),
            channels=self.channels,
            decode=self.decode,
            prepare=self.steps,
            deep=shape.dims[0],
            threads=min(THREADS, cores),
        )[PIXELS]

    def names(self, value: Any) -> list[str] | None:
        files = self._files(value)
        return None if any(isinstance(file, Held) for file in files) else [file.name for file in files]

    def _files(self, value: Any) -> list[Any]:
        from lamina.data.images.files import find_images

        if isinstance(value, str | os.PathLike):
            return list(find_images(value))
        if isinstance(value, bytes | bytearray | memoryview):
            return [Held(bytes(value), "the image")]
        if _is_array(value) and value.ndim == 4:
            return [Held(item, f"image {number}") for number, item in enumerate(value)]
        if _is_array(value) or _is_pillow(value):
            return [Held(value, "the image")]
        found: list[Any] = []
        for number, item in enumerate(value):
            if isinstance(item, str | os.PathLike):
                found += find_images(item)
            else:
                kept = bytes(item) if isinstance(item, bytearray | memoryview) else item
                found.append(Held(kept, f"image {number}"))
        return found


@dataclass(frozen=True, eq=False)
class Held:
    """A picture in memory as if it were a file.

    Attributes:
        value: Bytes of a file, a picture of Pillow's, or an array ``[height, width]`` or ``[height, width, channels]``.
        name: For messages.
    """

    value: Any
    name: str

    def read(self) -> Any:
        """Bytes of a file, or pixels as an opened picture."""
        return self.value


def _is_file(value: Any) -> bool:
    return isinstance(value, str | os.PathLike | bytes | bytearray | memoryview) or _is_pillow(value)


def _is_pillow(value: Any) -> bool:
    import sys

    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)


def _is_array(value: Any) -> bool:
    import numpy as np

    return isinstance(value, np.ndarray)

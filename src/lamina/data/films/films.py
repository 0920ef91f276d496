"""Films as arrays: decoded when a batch asks for them, in the thread that asks, or once if they are small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lamina.data.films.decoding import count_frames
from lamina.data.groups import LazyGroup
from lamina.data.lazy import Address

if TYPE_CHECKING:
    from lamina.data.films.preparation import FilmPreparation

VALUES, MASK = "values", "mask"
"""Names of the arrays of a group."""
RESIDENT_BYTES = 256 * 1024 * 1024
"""Films that are not larger than this together, scaled, are decoded once and kept."""


class Readable(Protocol):
    """Whatever has the bytes of a film."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    def read(self) -> bytes:
        """Its bytes."""
        ...


class Films(LazyGroup):
    """Films, and which of their frames are real.

    Args:
        files: The films to be.
        how: How they are seen.
        steps: Frames of the longest.
    """

    def __init__(self, files: Sequence[Readable], how: FilmPreparation, steps: int) -> None:
        self.files, self.how, self.steps = list(files), how, steps
        shape = (steps, how.channels, how.height, how.width)
        super().__init__(len(self.files), {VALUES: (shape, np.uint8), MASK: ((steps,), np.bool_)})

    def take(self, indices: np.ndarray, address: Address | None = None) -> Mapping[str, np.ndarray]:
        arrays = {name: np.zeros((len(indices), *shape), dtype) for name, (shape, dtype) in self.arrays.items()}
        for row, index in enumerate(np.asarray(indices).tolist()):
            file = self.files[index]
            pictures = self.how.seen(file.read(), file.name)
            arrays[VALUES][row, : len(pictures)] = pictures
            arrays[MASK][row, : len(pictures)] = True
        return arrays


def films_of(files: Sequence[Readable], how: FilmPreparation) -> tuple[Any, Any]:
    """Values and mask of films: arrays, or lazy ones where they are large."""
    steps = how.frames or max(-(-count_frames(file.read(), file.name) // (how.every or 1)) for file in files)
    films = Films(files, how, steps)
    size = sum(int(np.prod(shape)) * np.dtype(dtype).itemsize for shape, dtype in films.arrays.values()) * len(files)
    if size > RESIDENT_BYTES:
        return films[VALUES], films[MASK]
    made = films.take(np.arange(len(files)))
    return made[VALUES], made[MASK]

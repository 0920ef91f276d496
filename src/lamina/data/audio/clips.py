"""Clips as arrays: decoded, prepared and, in training, augmented when a batch asks for them, in the thread that asks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lamina.data.audio import shaping
from lamina.data.audio.augment import SoundAugmentation, augmented
from lamina.data.audio.shaping import resampled_length
from lamina.data.audio.sound import extent_of, read_sound
from lamina.data.groups import LazyGroup
from lamina.data.lazy import Address

if TYPE_CHECKING:
    from lamina.data.audio.preparation import SoundPreparation
    from lamina.data.images.draws import Draws

VALUES, MASK = "values", "mask"
"""Names of the arrays of a group."""
KEPT_BYTES = 256 * 1024 * 1024
"""Decoded samples that are kept in memory, so that they are not decoded in each epoch."""
RESIDENT_BYTES = 512 * 1024 * 1024
"""Features up to this size are made once and kept, if nothing is drawn for them."""


class Readable(Protocol):
    """Whatever has the bytes of a sound, or the sound itself."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    def read(self) -> Any:
        """Its bytes, or a `Sound`."""
        ...


class Clips(LazyGroup):
    """Clips of one shape, and which of their steps are real.

    Args:
        files: The clips to be.
        how: How they are heard.
        augment: What is done to them where an address is given: in training.
    """

    def __init__(self, files: Sequence[Readable], how: SoundPreparation, augment: Sequence[SoundAugmentation] = ()) -> None:
        self.files, self.how, self.augment = list(files), how, tuple(augment)
        self._kept: dict[int, np.ndarray] = {}
        self._room = KEPT_BYTES
        self._fills = how.samples is None and how.fill == "silence" and not how.features.summary
        self.steps = self._longest()
        dims = [self.steps if size is None else size for size in how.shape().dims]
        arrays: dict[str, tuple[tuple[int, ...], Any]] = {VALUES: (tuple(dims), np.float32)}
        if how.masked:
            arrays[MASK] = ((self.steps,), np.bool_)
        super().__init__(len(self.files), arrays)
        self.draws = bool(self.augment)

    @property
    def fingerprint(self) -> str | None:
        files = [getattr(file, "fingerprint", None) for file in self.files]
        if None in files:
            return None
        return hashlib.blake2b(repr((files, self.steps, self.how.to_json(full=True))).encode(), digest_size=16).hexdigest()

    def take(self, indices: np.ndarray, address: Address | None = None) -> Mapping[str, np.ndarray]:
        arrays = {name: np.zeros((len(indices), *shape), dtype) for name, (shape, dtype) in self.arrays.items()}
        seeds = [None] * len(indices) if address is None else address.draws(np.asarray(indices), "sound").tolist()
        for row, (index, seed) in enumerate(zip(np.asarray(indices).tolist(), seeds, strict=True)):
            values = self._made(index, seed)
            laid = self.how.laid_out(values)
            if self.how.masked:
                arrays[VALUES][row, : len(laid)] = laid
                arrays[MASK][row, : len(laid)] = True
            else:
                arrays[VALUES][row] = laid
        return arrays

    def samples(self, index: int) -> np.ndarray:
        """The samples of a clip before features, ``[samples, channels]``; kept as long as there is room."""
        kept = self._kept.get(index)
        if kept is not None:
            return kept
        file = self.files[index]
        data = file.read()
        found = self.how.heard(read_sound(data, file.name) if isinstance(data, bytes) else data, file.name)
        if found.nbytes <= self._room:
            self._room -= found.nbytes
            self._kept[index] = found
        return found

    def _made(self, index: int, seed: int | None) -> np.ndarray:
        """Features ``[frames, planes, bins]`` of a clip."""
        draws: Draws | None = None
        samples = self.samples(index)
        if seed is not None and self.augment:
            from lamina.data.images.draws import Draws

            draws = Draws(seed)
            samples = self.how.fitted(augmented(samples, self.how.rate, self.augment, draws, of_features=False))
        if self._fills:
            # Silence counts as sound: all clips are as long as the longest.
            samples = shaping.filled(shaping.cut(samples, self._most), self._most)
        values = self.how.features.compute(samples, self.how.rate)
        return augmented(values, self.how.rate, self.augment, draws, of_features=True)[: self.steps]

    def _longest(self) -> int:
        """Steps of the longest clip."""
        most = self.how.samples
        if most is None:
            most = max(self._length(index) for index in range(len(self.files)))
        self._most = most
        return self.how.frames(most)

    def _length(self, index: int) -> int:
        """Samples of a clip, or more where only decoding would tell and there is no room for what is decoded."""
        if self._room > 0:
            return len(self.samples(index))
        file = self.files[index]
        data = file.read()
        if not isinstance(data, bytes):
            return resampled_length(len(data), data.rate, self.how.rate)
        extent = extent_of(data, file.name)
        self.how.check(extent.rate, extent.channels, file.name)
        return resampled_length(extent.samples, extent.rate, self.how.rate)


def clips_of(files: Sequence[Readable], how: SoundPreparation, augment: Sequence[SoundAugmentation] = ()) -> tuple[Any, Any]:
    """Values and mask of clips: arrays, or lazy ones where they are large or something is drawn; no mask (None) where all is real."""
    clips = Clips(files, how, augment)
    size = sum(int(np.prod(shape)) * np.dtype(dtype).itemsize for shape, dtype in clips.arrays.values()) * len(files)
    if augment or size > RESIDENT_BYTES:
        return clips[VALUES], clips[MASK] if how.masked else None
    made = clips.take(np.arange(len(files)))
    return made[VALUES], made.get(MASK)

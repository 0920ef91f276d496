"""What a model keeps of how its clips were heard: files, bytes and samples become its input exactly as in training."""

from __future__ import annotations

import os
from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from pydantic import model_validator

from lamina.data.audio.features import SoundFeatures, Waveform
from lamina.data.audio.problems import other_sound
from lamina.data.preparation import Preparation
from lamina.shapes import Shape, features, image, sequence
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, Positive

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.audio.sound import Sound

Level: TypeAlias = Literal["peak", "rms"]
Keep: TypeAlias = Literal["start", "middle", "end"]
ENDINGS = (".wav", ".wave", ".flac", ".mp3", ".ogg", ".oga")
"""Files that may hold a sound; what they are is seen by their first bytes."""

MOST_FINER = 400
"""How many times as many samples a sound may become; a damaged head may say that it has one in a second."""


@register("sound")
class SoundPreparation(Preparation):
    """How a sound becomes an input, step by step: channels, rate, silence, level, length, features.

    Attributes:
        rate: Samples in a second.
        resample: Whether sounds at other rates are brought to it; otherwise they are refused.
        channels: How many.
        mix: Whether sounds with other channels are mixed to one; otherwise they are refused.
        trim: Silence at both ends is cut off: what is so many decibels below the loudest; None: nothing.
        level: ``peak`` or ``rms``: clips are made equally loud; None: they stay as they are.
        seconds: Length of all clips; None: as long as they are.
        keep: What of longer clips is kept: the ``start``, ``middle`` or ``end``.
        fill: What follows shorter clips: ``silence``, which counts as sound, or steps that a ``mask`` leaves out.
        layout: ``sequence``: a step for each frame; ``image``: planes as channels, bins as rows, frames as columns.
        features: What is heard.
    """

    rate: Count
    resample: bool = True
    channels: Count = 1
    mix: bool = True
    trim: Positive | None = None
    level: Level | None = None
    seconds: Positive | None = None
    keep: Keep = "start"
    fill: Literal["silence", "mask"] = "mask"
    layout: Literal["sequence", "image"] = "sequence"
    features: SoundFeatures = Waveform()

    @classmethod
    def examples(cls) -> list[Any]:
        from lamina.data.audio.features import MelFeatures, Mfcc, SoundStatistics

        return [
            cls(rate=8000),
            cls(rate=8000, resample=False, channels=2, mix=False, trim=40, level="rms", seconds=0.5, features=Mfcc(count=4, deltas=1)),
            cls(rate=8000, seconds=0.1, fill="silence", layout="image", features=MelFeatures(bands=6), keep="middle"),
            cls(rate=8000, level="peak", features=SoundStatistics(Mfcc(count=4))),
        ]

    @model_validator(mode="after")
    def _agree(self) -> Self:
        check(self, self.rate, self.fill)
        if self.mix and self.channels > 1:
            raise wrong_value(
                expected="one channel where channels are mixed", cause="what is mixed is one", fix="write mix: false, or channels: 1"
            )
        return self

    # -- shapes -------------------------------------------------------------------------------------------------------

    @property
    def samples(self) -> int | None:
        """Most samples of a clip."""
        return None if self.seconds is None else max(1, round(self.seconds * self.rate))

    @property
    def masked(self) -> bool:
        """Whether a mask says which steps are real."""
        return self.fill == "mask" and not self.features.summary

    def frames(self, samples: int) -> int:
        """Frames of a clip of so many samples."""
        return self.features.frames(samples, self.rate)

    def shape(self) -> Shape:
        """Of one sample."""
        planes, bins = self.features.size(self.channels, self.rate)
        if self.features.summary:
            return features(planes * bins)
        steps = None if self.samples is None else self.frames(self.samples)
        return image(planes, bins, steps or 1) if self.layout == "image" else sequence(steps, planes * bins)

    # -- one clip -----------------------------------------------------------------------------------------------------

    def heard(self, sound: Sound, where: str) -> np.ndarray:
        """The samples ``[samples, channels]`` of a clip after all steps before the features.

        Raises:
            DataError: DA148, for a rate or channels that are refused.
        """
        from lamina.data.audio import shaping

        self.check(sound.rate, sound.channels, where)
        samples = shaping.mixed(sound.samples) if self.mix else sound.samples
        if self.rate > MOST_FINER * sound.rate:
            raise other_sound(
                where,
                expected=f"at least {-(-self.rate // MOST_FINER):,} samples in a second",
                got=f"{sound.rate:,}",
                fix=f"look at the head of the file, which may be damaged, or write a rate below {self.rate:,}",
            )
        samples = shaping.resampled(samples, sound.rate, self.rate)
        if self.trim is not None:
            samples = shaping.trimmed(samples, self.rate, self.trim)
        if self.level is not None:
            samples = shaping.levelled(samples, self.level)
        return self.fitted(samples)

    def check(self, rate: int, channels: int, where: str) -> None:
        """See that a sound is one that is taken.

        Raises:
            DataError: DA148.
        """
        from lamina.data.audio.problems import other_sound

        if rate != self.rate and not self.resample:
            raise other_sound(
                where,
                expected=f"{self.rate:,} samples in a second, as the others",
                got=f"{rate:,}",
                fix=f"write rate: {self.rate} in the source, which brings all to one rate",
            )
        if channels != self.channels and not self.mix:
            raise other_sound(
                where,
                expected=f"{self.channels} channel{'s' if self.channels > 1 else ''}, as the others",
                got=f"{channels}",
                fix="write channels: 1 in the source, which mixes them",
            )

    def fitted(self, samples: np.ndarray) -> np.ndarray:
        """Not longer than ``seconds``; nor shorter, if silence fills up."""
        from lamina.data.audio import shaping

        most = self.samples
        if most is None:
            return samples
        samples = shaping.cut(samples, most, self.keep)
        return shaping.filled(samples, most) if self.fill == "silence" else samples

    def laid_out(self, values: np.ndarray) -> np.ndarray:
        """Features ``[frames, planes, bins]`` as one sample of `shape`."""
        if self.layout == "image":
            return values.transpose(1, 2, 0)
        return values.reshape(-1) if self.features.summary else values.reshape(len(values), -1)

    # -- serving ------------------------------------------------------------------------------------------------------

    def takes(self, value: Any, shape: Shape) -> bool:
        if _is_sound(value):
            return True
        return isinstance(value, Items) and not isinstance(value, str | bytes) and bool(value) and all(_is_sound(item) for item in value)

    def prepare(self, value: Any, shape: Shape) -> Any:
        from lamina.data.audio.clips import clips_of
        from lamina.data.preparation import Masked

        values, mask = clips_of(self._things(value), self)
        return values if mask is None else Masked(values, mask)

    def _things(self, value: Any) -> list[Any]:
        from lamina.data.sources.labelled import find_files

        if isinstance(value, str | os.PathLike):
            return list(find_files(value, ENDINGS, "sounds"))
        if _is_sound(value):
            return [Held(value, "the sound")]
        found: list[Any] = []
        for number, item in enumerate(value):
            found += find_files(item, ENDINGS, "sounds") if isinstance(item, str | os.PathLike) else [Held(item, f"sound {number}")]
        return found


def check(how: Any, rate: int | None, fill: str) -> None:
    """See that settings of a preparation, or of a source that makes one, agree.

    Args:
        how: What has ``features``, ``layout`` and ``seconds``.
        rate: Samples in a second, if that is known.
        fill: What follows shorter clips.
    """
    wanted = None if rate is None else how.features.misfit(rate)
    if wanted is not None:
        raise wrong_value(expected=wanted, cause="samples hold no higher frequencies", fix="leave out highest, and write lowest: 0")
    if how.layout == "image" and (how.seconds is None or fill == "mask" or how.features.summary):
        raise wrong_value(
            expected="seconds, fill: silence and features of frames beside layout: image",
            cause="images have one size, and no steps that could be left out",
            fix="write seconds: 1.0, or layout: sequence",
        )


@dataclass(frozen=True, eq=False)
class Held:
    """A sound in memory as if it were a file.

    Attributes:
        value: Bytes of a file, a `Sound`, or samples with their rate.
        name: For messages.
    """

    value: Any
    name: str

    def read(self) -> Any:
        """Bytes of a file, or the sound."""
        import numpy as np

        from lamina.data.arrays import check_finite
        from lamina.data.audio.sound import Sound

        if isinstance(self.value, bytes | bytearray | memoryview):
            return bytes(self.value)
        if isinstance(self.value, Sound):
            return self.value
        samples, rate = np.asarray(self.value[0]), int(self.value[1])
        # Whole numbers have the full scale of their type, as in files.
        full = {"i": 2.0 ** (8 * samples.dtype.itemsize - 1), "u": 2.0 ** (8 * samples.dtype.itemsize)}.get(samples.dtype.kind, 1.0)
        floats = (samples / full).astype(np.float32).reshape(len(samples), -1)
        check_finite(floats, self.name)
        return Sound(floats, rate)


def _is_sound(value: Any) -> bool:
    from lamina.data.audio.sound import Sound

    if isinstance(value, str | os.PathLike | bytes | bytearray | memoryview | Sound):
        return True
    pair = isinstance(value, tuple) and len(value) == 2
    return pair and isinstance(value[1], int) and getattr(value[0], "ndim", 0) in (1, 2) and len(value[0]) > 0

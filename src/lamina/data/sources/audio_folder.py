"""Folders of sounds, with labels from folders, names or a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.data.audio.augment import SoundAugmentation
from lamina.data.audio.features import SoundFeatures, Waveform
from lamina.data.audio.preparation import ENDINGS, Keep, Level, SoundPreparation, check
from lamina.data.schema import INPUT, TARGET, DataSchema
from lamina.data.sources.labelled import LabelledFiles
from lamina.data.sources.source import Partitions
from lamina.spec import register
from lamina.spec.fields import Count, Positive, several

if TYPE_CHECKING:
    from lamina.data.storage import DataFile


@register("audio_folder")
class AudioFolder(LabelledFiles):
    r"""Sound files, each a sample; WAV, and with the extra ``audio`` FLAC, MP3 and Ogg Vorbis.

    For how files get their labels, see `lamina.data.sources.labelled.LabelledFiles`.

    Attributes:
        rate: Samples in a second that all clips are brought to; unless set, that of the files, which must be the same.
        channels: 1 mixes all channels to one; null takes those of the files, which must be as many.
        trim: Silence at both ends is cut off: what is so many decibels below the loudest piece of 10 ms; null: nothing.
        level: ``peak`` makes the largest sample of each clip 1, ``rms`` the root of its mean square 0.1; null: clips stay as they are.
        seconds: Length of all clips: longer ones are cut. Null: as long as they are.
        keep: What of longer clips is kept: the ``start``, ``middle`` or ``end``.
        fill: What follows shorter clips: steps that a ``mask`` leaves out, or ``silence``, which counts as sound. Images are filled with
            silence, sequences masked, unless set.
        layout: ``sequence``: a step for each frame; ``image``: channels as they are, frequencies as rows, frames as columns.
        features: What a network hears: see `lamina.data.audio.features`.
        augment: What is done to clips in training only: see `lamina.data.audio.augment`.

    Example:
        >>> AudioFolder.from_yaml("{path: digits, rate: 8000, features: {type: mfcc, count: 20}, augment: [gain]}").features.count
        20
    """

    endings: ClassVar[tuple[str, ...]] = ENDINGS
    things: ClassVar[str] = "sounds"

    rate: Count | None = Field(default=None, le=768_000)
    channels: Literal[1] | None = 1
    trim: Positive | None = None
    level: Level | None = None
    seconds: Positive | None = None
    keep: Keep = "start"
    fill: Literal["silence", "mask"] | None = None
    layout: Literal["sequence", "image"] = "sequence"
    features: SoundFeatures = Waveform()
    augment: several(SoundAugmentation) = ()  # type: ignore[valid-type]

    @classmethod
    def examples(cls) -> list[Any]:
        from lamina.data.audio.augment import Gain, SpecAugment
        from lamina.data.audio.features import MelFeatures, Mfcc, SoundStatistics

        named = r"(?P<label>[a-z]+)_(?P<speaker>[a-z]+)"
        return [
            cls("clips", label="folder"),
            cls("clips", rate=4000, seconds=0.05, features=Mfcc(count=4, bands=8), augment=[Gain(), SpecAugment()]),
            cls("clips/**/*.wav", pattern=named, group="speaker", rate=4000, features=SoundStatistics(MelFeatures(bands=6))),
            cls("clips", manifest="clips/list.csv", target="word", seconds=0.1, layout="image", features=MelFeatures(bands=6)),
        ]

    @model_validator(mode="after")
    def _hearable(self) -> Self:
        check(self, self.rate, self._fill)
        return self

    @property
    def _fill(self) -> Literal["silence", "mask"]:
        return self.fill or ("silence" if self.layout == "image" else "mask")

    def _preparation(self, rate: int, channels: int) -> SoundPreparation:
        given = {name: getattr(self, name) for name in ("trim", "level", "seconds", "keep", "layout", "features")}
        how = {"rate": rate, "resample": self.rate is not None, "channels": channels, "mix": self.channels == 1, "fill": self._fill}
        return SoundPreparation(**given, **how)

    def preparation(self, files: list[DataFile]) -> SoundPreparation:
        """What a model keeps of it; rate and channels come from the first file where they are not set.

        Raises:
            DataError: DA145, if that file can't be read; DA148, if features can't be made at its rate.
        """
        from lamina.data.audio.problems import other_sound
        from lamina.data.audio.sound import extent_of

        if self.rate is not None and self.channels is not None:
            return self._preparation(self.rate, self.channels)
        first = files[0]
        extent = extent_of(first.read(), first.name)
        wanted = self.features.misfit(self.rate or extent.rate)
        if wanted is not None:
            raise other_sound(first.name, expected=wanted, got=f"{extent.rate} samples in a second", fix="leave out highest, or set rate")
        return self._preparation(self.rate or extent.rate, self.channels or extent.channels)

    def schema(self) -> DataSchema:
        """Shape and classes; files are listed, and the head of one of them is read if nothing says its rate."""
        found = self.labelled()
        shape = self.preparation(found.files).shape()
        return DataSchema({INPUT: shape}, {} if found.target is None else {TARGET: found.target})

    def read(self) -> Partitions:
        from lamina.data.audio.clips import clips_of
        from lamina.data.audio.sound import read_sound
        from lamina.data.dataset import Dataset

        found = self.labelled()
        found = self.usable(found, lambda file: read_sound(file.read(), file.name))
        how = self.preparation(found.files)
        values, mask = clips_of(found.files, how, self.augment)
        schema = DataSchema({INPUT: how.shape()}, {} if found.target is None else {TARGET: found.target})
        return Partitions(
            Dataset(
                {INPUT: values},
                found.targets(),
                schema,
                groups=found.groups,
                part=found.part,
                input_masks={} if mask is None else {INPUT: mask},
                preparations={INPUT: how},
            )
        )

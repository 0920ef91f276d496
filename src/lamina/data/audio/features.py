"""What of a sound a network shall hear: its samples, its spectrum, mel bands, cepstra, or figures about the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.spec import Description, register, wrong_value
from lamina.spec.fields import Count, NonNegative, Positive, listed

if TYPE_CHECKING:
    import numpy as np

Window = Literal["hann", "hamming", "blackman", "bartlett"]
Measure = Literal["mean", "deviation", "minimum", "median", "maximum"]
FRAME_SECONDS, STEP_SECONDS = 0.025, 0.010


class SoundFeatures(Description, family="sound_features"):
    """Base of all kinds of features.

    They are made of ``[samples, channels]`` and are ``[frames, planes, bins]``: a plane for each channel (and for how its values change),
    a bin for each number of it. As a sequence, planes stand one after the other; as an image, planes are channels.
    """

    summary: ClassVar[bool] = False
    """Whether there is one frame for a whole clip, whatever its length."""

    def frames(self, samples: int, rate: int) -> int:
        """How many frames a clip of so many samples gives."""
        raise NotImplementedError(type(self).__name__)

    def size(self, channels: int, rate: int) -> tuple[int, int]:
        """Planes and bins."""
        raise NotImplementedError(type(self).__name__)

    def compute(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """The features ``[frames, planes, bins]``, float64, of samples ``[samples, channels]``."""
        raise NotImplementedError(type(self).__name__)

    def misfit(self, rate: int) -> str | None:
        """What would have to be otherwise for them to be made at this rate; None if all is right."""
        return None


@register("waveform")
class Waveform(SoundFeatures):
    """The samples themselves: a frame each, for networks that begin with convolutions or a spectrogram layer."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]

    def frames(self, samples: int, rate: int) -> int:
        return samples

    def size(self, channels: int, rate: int) -> tuple[int, int]:
        return channels, 1

    def compute(self, samples: np.ndarray, rate: int) -> np.ndarray:
        import numpy as np

        return np.asarray(samples, dtype=np.float64)[:, :, None]


class Framed(SoundFeatures):
    """Base of features that are made frame by frame.

    Attributes:
        frame_length: Samples of a frame; 25 ms unless set.
        frame_step: From one frame to the next, in samples; 10 ms unless set.
        fft_length: Frames are filled up with zeros to this; the next power of two unless set.
        window: What a frame is multiplied by (periodic); None: nothing.
        center: Whether the first frame has its middle at the first sample, with the samples mirrored before it and after the last;
            otherwise frames lie within the samples.
        even: What is taken away from each number, clip by clip: its ``mean`` over all frames, or the mean, and it is divided by the
            deviation too (``standard``). None: nothing.
        deltas: 1 adds how each number changes over time, 2 also how that changes.
        delta_width: Frames over which a change is measured, an odd number.
    """

    frame_length: Count | None = None
    frame_step: Count | None = None
    fft_length: Count | None = None
    window: Window | None = "hann"
    center: bool = True
    even: Literal["mean", "standard"] | None = None
    deltas: Annotated[int, Field(ge=0, le=2)] = 0
    delta_width: Annotated[int, Field(ge=3)] = 9

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if self.delta_width % 2 == 0:
            raise wrong_value(
                expected="an odd delta_width",
                cause="as many frames lie before a frame as behind it",
                fix=f"write delta_width: {self.delta_width + 1}",
            )
        if self.fft_length is not None and self.frame_length is not None and self.fft_length < self.frame_length:
            raise wrong_value(
                expected=f"an fft_length of at least {self.frame_length}, the samples of a frame",
                cause="frames are filled up, not cut",
                fix=f"write fft_length: {1 << (self.frame_length - 1).bit_length()}, or leave it out",
            )
        return self

    def sizes(self, rate: int) -> tuple[int, int, int]:
        """Samples of a frame, from one to the next, and of a transform."""
        frame = self.frame_length or max(1, round(rate * FRAME_SECONDS))
        frame = min(frame, self.fft_length) if self.fft_length and self.frame_length is None else frame
        return frame, self.frame_step or max(1, round(rate * STEP_SECONDS)), self.fft_length or 1 << (frame - 1).bit_length()

    @property
    def own(self) -> int | None:
        """Numbers of a frame of one channel; None for those of the transform."""
        return None

    def frames(self, samples: int, rate: int) -> int:
        from lamina.data.audio.spectra import frame_count

        return frame_count(samples, *self.sizes(rate), center=self.center)

    def size(self, channels: int, rate: int) -> tuple[int, int]:
        return channels * (1 + self.deltas), self.own or self.sizes(rate)[2] // 2 + 1

    def compute(self, samples: np.ndarray, rate: int) -> np.ndarray:
        import numpy as np

        from lamina.data.audio import spectra

        found = self.shown(spectra.power_of(spectra.spectra(samples, *self.sizes(rate), self.window, center=self.center)), rate)
        levels = [found]
        for _ in range(self.deltas):
            levels.append(spectra.slopes(levels[-1], self.delta_width))
        # Planes: the first channel and its changes, then the second.
        stacked = np.stack(levels, axis=2).reshape(len(found), -1, found.shape[2])
        return stacked if self.even is None else spectra.evened(stacked, deviation=self.even == "standard")

    def shown(self, power: np.ndarray, rate: int) -> np.ndarray:
        """What is made of the power of each frequency ``[frames, channels, bins]``."""
        raise NotImplementedError(type(self).__name__)


@register("spectrogram")
class Spectrogram(Framed):
    """The short-time Fourier transform: how much there is of each frequency; ``fft_length // 2 + 1`` of them.

    Attributes:
        values: ``power``: ``|X|^2``. ``magnitude``: ``|X|``. ``log``: the natural logarithm of the power. ``decibels``: 10 times the
            decimal one.
        least: Less power counts as this, before a logarithm.
        top_db: How far below the loudest of a clip decibels may be; None: as far as ``least`` lets them.
    """

    values: Literal["power", "magnitude", "log", "decibels"] = "decibels"
    least: Positive = 1e-10
    top_db: Positive | None = 80.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(values="log", frame_length=16, center=False), cls(values="magnitude", frame_length=16, even="mean", deltas=1)]

    def shown(self, power: np.ndarray, rate: int) -> np.ndarray:
        import numpy as np

        from lamina.data.audio.spectra import decibels

        if self.values == "power":
            return power
        if self.values == "magnitude":
            magnitude: np.ndarray = np.sqrt(power)
            return magnitude
        if self.values == "decibels":
            return decibels(power, self.least, self.top_db)
        logarithm: np.ndarray = np.log(np.maximum(power, self.least))
        return logarithm


class InBands(Framed):
    """Base of features that are made of mel bands, as librosa makes them unless said otherwise.

    Attributes:
        bands: How many there are: triangles, evenly spread on the mel scale.
        lowest: Lower end of the first band, in hertz.
        highest: Upper end of the last one; half of the rate unless set.
        scale: ``slaney``: even up to 1 kHz, logarithmic above. ``htk``: ``1127 ln(1 + f / 700)``.
        slopes: Whether the sides of triangles are straight over ``hertz``, or over ``mel`` as in the layer ``mel_spectrogram``.
        area: Whether a triangle has the area 1; otherwise its height is 1.
        least: Less power counts as this, before a logarithm.
        top_db: How far below the loudest of a clip decibels may be; None: as far as ``least`` lets them.
    """

    bands: Count = 40
    lowest: NonNegative = 0.0
    highest: Positive | None = None
    scale: Literal["slaney", "htk"] = "slaney"
    slopes: Literal["hertz", "mel"] = "hertz"
    area: bool = True
    least: Positive = 1e-10
    top_db: Positive | None = 80.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.highest is not None and self.lowest >= self.highest:
            raise wrong_value(
                expected="lowest below highest",
                cause="the bands lie between the two",
                fix=f"write lowest: 0, or highest above {self.lowest:g}",
            )
        return self

    def misfit(self, rate: int) -> str | None:
        if self.lowest < (self.highest or rate / 2) <= rate / 2:
            return None
        return f"lowest below highest, and highest up to {rate / 2:g} Hz, half of the rate"

    def banded(self, power: np.ndarray, rate: int) -> np.ndarray:
        """Power of each band ``[frames, channels, bands]``."""
        from lamina.data.audio.spectra import in_bands

        ends = self.lowest, self.highest or rate / 2
        return in_bands(power, self.bands, rate, *ends, scale=self.scale, slopes=self.slopes, area=self.area)


@register("mel_spectrogram")
class MelFeatures(InBands):
    """Power in bands that are as far apart as the ear tells pitches apart.

    Attributes:
        values: ``power``; ``log``: its natural logarithm; ``decibels``: 10 times the decimal one.
    """

    values: Literal["power", "log", "decibels"] = "decibels"

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(bands=4), cls(bands=3, values="log", scale="htk", slopes="mel", area=False, deltas=2), cls(bands=3, values="power")]

    @property
    def own(self) -> int:
        return self.bands

    def shown(self, power: np.ndarray, rate: int) -> np.ndarray:
        import numpy as np

        from lamina.data.audio.spectra import decibels

        power = self.banded(power, rate)
        if self.values == "decibels":
            return decibels(power, self.least, self.top_db)
        return np.log(np.maximum(power, self.least)) if self.values == "log" else power


@register("mfcc")
class Mfcc(InBands):
    """Mel-frequency cepstral coefficients: the cosine transform (DCT-II, orthonormal) of the decibels of mel bands.

    Attributes:
        count: How many; the first is the loudness.
        lifter: Raises later ones: ``1 + lifter / 2 sin(pi (n + 1) / lifter)``; 0: not at all.
    """

    count: Count = 13
    lifter: NonNegative = 0.0

    @model_validator(mode="after")
    def _enough_bands(self) -> Self:
        if self.count > self.bands:
            raise wrong_value(
                expected=f"a count of at most {self.bands}, the bands",
                cause="so many bands give so many different numbers",
                fix=f"write count: {self.bands}, or more bands",
            )
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(count=3, bands=4, lifter=22.0, even="standard", deltas=2, delta_width=3)]

    @property
    def own(self) -> int:
        return self.count

    def shown(self, power: np.ndarray, rate: int) -> np.ndarray:
        from lamina.data.audio.spectra import cepstra, decibels

        return cepstra(decibels(self.banded(power, rate), self.least, self.top_db), self.count, self.lifter)


@register("sound_statistics")
class SoundStatistics(SoundFeatures):
    """Figures over all frames of a clip: a vector of the same length, however long the clip is.

    Attributes:
        of: What figures are made of.
        measures: Which figures, of each number of a frame; those of the first measure come first.
    """

    summary: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("of",)
    of: SoundFeatures
    measures: listed(Measure) = ("mean", "deviation", "minimum", "maximum")  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.of.summary or not self.measures:
            raise wrong_value(
                expected="figures of frames, and at least one measure",
                cause="there is nothing to sum up",
                fix="write of: {type: mfcc}, and measures: [mean, deviation]",
            )
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(Mfcc(count=3)), cls(Waveform(), measures=["median", "deviation"])]

    def frames(self, samples: int, rate: int) -> int:
        return 1

    def size(self, channels: int, rate: int) -> tuple[int, int]:
        planes, bins = self.of.size(channels, rate)
        return planes * len(self.measures), bins

    def misfit(self, rate: int) -> str | None:
        return self.of.misfit(rate)

    def compute(self, samples: np.ndarray, rate: int) -> np.ndarray:
        import numpy as np

        values = self.of.compute(samples, rate)
        taken: dict[str, Any] = {"mean": np.mean, "deviation": np.std, "minimum": np.min, "median": np.median, "maximum": np.max}
        return np.concatenate([taken[name](values, axis=0) for name in self.measures])[None]

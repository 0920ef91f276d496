"""Sound as pictures: how much of each frequency there is at each time."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from lamina.network.layers.layer import Layer
from lamina.shapes import Sequence, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, NonNegative, Positive

Window = Literal["hann", "hamming", "blackman", "bartlett"]


class Spectrogram(Layer):
    """What layers share that look at a sequence of samples frame by frame.

    Input: ``[batch, samples, channels]``. Output: ``[batch, frames, channels * bins]``, the bins of the first channel first.
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)

    @property
    def length(self) -> int:
        """Samples that are transformed together, with what is added to the frame."""
        raise NotImplementedError(type(self).__name__)

    @property
    def bins(self) -> int:
        """Numbers that come out of a frame of one channel."""
        raise NotImplementedError(type(self).__name__)

    def frames(self, samples: int) -> int:
        """How many frames there are; 0 if the samples are too few."""
        raise NotImplementedError(type(self).__name__)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        samples, channels = inputs[0].dims
        frames = None if samples is None else self.frames(samples)
        if frames == 0:
            raise self.refuse(
                "NN002",
                expected=f"at least {next(n for n in range(1, 2 * self.length + 1) if self.frames(n))} samples",
                got=f"{inputs[0]}",
                cause=f"the sequence is too short for a frame of {type(self).__name__}, or to be mirrored at its ends",
                fix="feed longer sequences, or look at fewer samples at once (frame_length, fft_length)",
            )
        return Sequence(steps=frames, features=(channels or 1) * self.bins)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        # A fast Fourier transform of n real numbers.
        transform = round(2.5 * self.length * math.log2(max(self.length, 2)))
        return (output.dims[0] or 1) * (inputs[0].dims[1] or 1) * (transform + self.length)


@register("stft_spectrogram")
class STFTSpectrogram(Spectrogram):
    """The short-time Fourier transform: ``X_k = sum_n w_n x_n exp(-2 pi i k n / fft_length)`` of each frame, with k up to half of it.

    As Keras's ``STFTSpectrogram``, with fixed numbers in place of trainable kernels. See `Spectrogram` for the shapes; there are
    ``fft_length // 2 + 1`` bins, twice as many for the mode ``stft``.

    Attributes:
        mode: ``magnitude``: ``|X|``. ``log``: its natural logarithm (of 1e-7 at least). ``psd``: ``|X|^2``, doubled except at both
            ends, as half of the spectrum is left out. ``real``, ``imag``, ``angle`` of ``X``. ``stft``: real parts, then imaginary
            ones.
        frame_length: Samples of a frame.
        frame_step: From one frame to the next; half a frame unless set.
        fft_length: Frames are filled up with zeros to this; the next power of two unless set.
        window: What a frame is multiplied by; None: nothing.
        periodic: Whether the window is one period of a longer one, or the same from both ends.
        scaling: Windows are divided by the root of the sum of their squares (``density``), by the sum (``spectrum``), or by nothing.
        padding: ``valid``: frames lie within the samples. ``same``: zeros are added so that there are ``samples / frame_step``.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(STFTSpectrogram("log", 256, 128).infer((sequence(16000, 1),)))
        '[batch, 124, 129]'
    """

    positional: ClassVar[tuple[str, ...]] = ("mode", "frame_length", "frame_step")

    mode: Literal["log", "magnitude", "psd", "real", "imag", "angle", "stft"] = "log"
    frame_length: Count = 256
    frame_step: Count | None = None
    fft_length: Count | None = None
    window: Window | None = "hann"
    periodic: bool = False
    scaling: Literal["density", "spectrum"] | None = "density"
    padding: Literal["valid", "same"] = "valid"

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if self.length < self.frame_length:
            raise wrong_value(
                expected=f"an fft_length of at least {self.frame_length}, the samples of a frame",
                cause="frames are filled up, not cut",
                fix=f"write fft_length: {1 << (self.frame_length - 1).bit_length()}, or leave it out",
            )
        if self.step > self.frame_length:
            raise wrong_value(
                expected=f"a frame_step of at most {self.frame_length}, the samples of a frame",
                cause="samples between two frames would not be looked at",
                fix=f"write frame_step: {max(1, self.frame_length // 2)}, or leave it out",
            )
        return self

    @property
    def step(self) -> int:
        """Samples from one frame to the next."""
        return self.frame_step or max(1, self.frame_length // 2)

    @property
    def length(self) -> int:
        return self.fft_length or 1 << (self.frame_length - 1).bit_length()

    @property
    def bins(self) -> int:
        return (self.length // 2 + 1) * (2 if self.mode == "stft" else 1)

    def frames(self, samples: int) -> int:
        if self.padding == "same":
            return -(-samples // self.step)
        return max(0, (samples - self.frame_length) // self.step + 1)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        open_end, stereo = Sequence(steps=None, features=1), Sequence(steps=11, features=2)
        return [
            (cls("magnitude", 3, 2), (stereo,)),
            (cls("log", 3, 1), (open_end,)),
            (cls("psd", 3, 2, padding="same", window="hamming", scaling="spectrum"), (open_end,)),
            (cls("real", 3, 2, fft_length=6, window=None), (stereo,)),
            (cls("imag", 3, 3, scaling=None, periodic=True), (stereo,)),
            (cls("angle", 3, 2), (open_end,)),
            (cls("stft", 4, window="blackman", padding="same"), (stereo,)),
        ]


@register("mel_spectrogram")
class MelSpectrogram(Spectrogram):
    """Power in bands that are as far apart as the ear tells pitches apart (mel scale of HTK), in decibels.

    As Keras's ``MelSpectrogram``, with frames as steps. Samples are mirrored at both ends by half of ``fft_length``; frames are
    multiplied by a periodic window and transformed. Band ``m`` adds up ``|X|^mag_exp`` under a triangle whose corners are the m-th of
    ``num_mel_bins + 2`` places, evenly spread on the scale ``1127 ln(1 + f / 700)``, and the two after it. Then, unless ``power_to_db``
    is off, ``10 log10(max(p, min_power) / max(ref_power, min_power))``, at most ``top_db`` below the loudest of the sample.
    See `Spectrogram` for the shapes; there are ``1 + samples // stride`` frames.

    Attributes:
        fft_length: Samples that are transformed together.
        stride: From one frame to the next.
        frame_length: Samples of a frame, around which zeros are added; ``fft_length`` unless set.
        window: What a frame is multiplied by; None: nothing.
        sampling_rate: Samples in a second.
        num_mel_bins: How many bands there are.
        min_freq: Lower end of the first band, in hertz.
        max_freq: Upper end of the last one; half of ``sampling_rate`` unless set.
        power_to_db: Whether decibels come out.
        top_db: How far below the loudest of a sample values may be; in Keras, of all samples of a batch.
        mag_exp: 2 for power, 1 for magnitude.
        min_power: Less counts as this.
        ref_power: What 0 decibels are.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(MelSpectrogram(num_mel_bins=64).infer((sequence(16000, 1),)))
        '[batch, 32, 64]'
    """

    fft_length: Count = 2048
    stride: Count = 512
    frame_length: Count | None = None
    window: Window | None = "hann"
    sampling_rate: Positive = 16000
    num_mel_bins: Count = 128
    min_freq: NonNegative = 20.0
    max_freq: Positive | None = None
    power_to_db: bool = True
    top_db: Positive = 80.0
    mag_exp: Positive = 2.0
    min_power: Positive = 1e-10
    ref_power: Positive = 1.0

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if (self.frame_length or 1) > self.fft_length:
            raise wrong_value(
                expected=f"a frame_length of at most {self.fft_length}, the fft_length",
                cause="frames are filled up, not cut",
                fix="leave frame_length out, or set fft_length to as much",
            )
        if not self.min_freq < self.highest <= self.sampling_rate / 2:
            raise wrong_value(
                expected=f"min_freq below max_freq, and max_freq up to {self.sampling_rate / 2:g}, half of the sampling rate",
                cause="the bands lie between the two, and samples hold no higher frequencies",
                fix=f"write min_freq: 20, and max_freq: {self.sampling_rate / 2:g}",
            )
        return self

    @property
    def highest(self) -> float:
        """Upper end of the last band, in hertz."""
        return self.max_freq or self.sampling_rate / 2

    @property
    def length(self) -> int:
        return self.fft_length

    @property
    def bins(self) -> int:
        return self.num_mel_bins

    def frames(self, samples: int) -> int:
        return 0 if samples <= self.fft_length // 2 else 1 + (samples + self.fft_length // 2 * 2 - self.fft_length) // self.stride

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        frames = (output.dims[0] or 1) * (inputs[0].dims[1] or 1)
        return super().flops(inputs, output) + 2 * frames * (self.fft_length // 2 + 1) * self.num_mel_bins

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        open_end, stereo = Sequence(steps=None, features=1), Sequence(steps=24, features=2)
        return [
            (cls(fft_length=5, stride=4, num_mel_bins=3, min_freq=100.0), (stereo,)),
            (cls(fft_length=4, stride=2, num_mel_bins=2, power_to_db=False), (open_end,)),
            (cls(fft_length=5, stride=3, frame_length=3, num_mel_bins=2, window="hamming", mag_exp=1.0), (stereo,)),
            (cls(fft_length=4, stride=2, num_mel_bins=3, max_freq=6000.0, top_db=3.0), (stereo,)),
        ]

"""Tables for spectra, float64: windows and mel bands, the same for sound layers and for features that are made of sound beforehand."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

MelScale: TypeAlias = Literal["htk", "slaney"]


def window_of(name: str | None, size: int, *, periodic: bool = True) -> np.ndarray:
    """A window by its name: ``hann``, ``hamming``, ``blackman`` or ``bartlett``; ones for None.

    Args:
        name: Which one.
        size: How many numbers.
        periodic: Whether it is one period of a longer one, or the same from both ends.

    Example:
        >>> window_of("hann", 4).round(9).tolist(), window_of("bartlett", 3, periodic=False).tolist()
        ([0.0, 0.5, 1.0, 0.5], [0.0, 1.0, 0.0])
    """
    if name is None or size == 1:
        return np.ones(size)
    turn = 2 * np.pi * np.arange(size) / (size if periodic else size - 1)
    if name == "bartlett":
        return 1 - np.abs(turn / np.pi - 1)
    first, second, third = {"hann": (0.5, 0.5, 0.0), "hamming": (0.54, 0.46, 0.0), "blackman": (0.42, 0.5, 0.08)}[name]
    window: np.ndarray = first - second * np.cos(turn) + third * np.cos(2 * turn)
    return window


def to_mel(hertz: np.ndarray, scale: MelScale = "htk") -> np.ndarray:
    """Pitches of frequencies: ``1127 ln(1 + f / 700)`` (HTK); or 3 for each 200 Hz up to 1 kHz, then 27 for each factor of 6.4 (Slaney).

    Example:
        >>> to_mel(np.array([0.0, 1000.0, 6400.0]), "slaney").tolist()
        [0.0, 15.0, 42.0]
    """
    if scale == "htk":
        return np.asarray(1127 * np.log1p(np.asarray(hertz) / 700))
    above = 15 + 27 * np.log(np.maximum(hertz, 1000) / 1000) / np.log(6.4)
    return np.where(np.asarray(hertz) < 1000, np.asarray(hertz) * 3 / 200, above)


def from_mel(mel: np.ndarray, scale: MelScale = "htk") -> np.ndarray:
    """The inverse of `to_mel`."""
    if scale == "htk":
        return np.asarray(700 * np.expm1(np.asarray(mel) / 1127))
    above = 1000 * np.exp(np.log(6.4) * (np.maximum(mel, 15) - 15) / 27)
    return np.where(np.asarray(mel) < 15, np.asarray(mel) * 200 / 3, above)


def mel_weights(
    count: int,
    bins: int,
    rate: float,
    lowest: float,
    highest: float,
    *,
    scale: MelScale = "htk",
    slopes: Literal["mel", "hertz"] = "mel",
    area: bool = False,
) -> np.ndarray:
    """Weight of each frequency in each band, ``[bins, count]``: triangles whose corners are evenly spread on the mel scale.

    Args:
        count: Bands.
        bins: Frequencies, evenly from 0 to half of ``rate``.
        rate: Samples in a second.
        lowest: Lower end of the first band, in hertz.
        highest: Upper end of the last one.
        scale: Which mel scale.
        slopes: Whether the sides of triangles are straight over mel (Kaldi, TensorFlow) or over hertz (Slaney, librosa).
        area: Whether a triangle has the area 1 over hertz; otherwise its height is 1.
    """
    hertz = np.linspace(0, rate / 2, bins)
    first, last = to_mel(np.array([lowest, highest]), scale)
    corners = np.linspace(first, last, count + 2)
    ends = from_mel(corners, scale)
    places = to_mel(hertz, scale) if slopes == "mel" else hertz
    along = corners if slopes == "mel" else ends
    rising = (places[:, None] - along[:-2]) / (along[1:-1] - along[:-2])
    falling = (along[2:] - places[:, None]) / (along[2:] - along[1:-1])
    weights: np.ndarray = np.clip(np.minimum(rising, falling), 0, None)
    weights[0] = 0  # The mean of the samples is no tone.
    if area:
        weights *= 2 / (ends[2:] - ends[:-2])
    return weights

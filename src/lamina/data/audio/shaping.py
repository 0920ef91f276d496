"""Bringing clips to one form: channels, rate, silence, level, length. All take and give ``[samples, channels]``, float32."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lamina.data.audio.preparation import Keep, Level

RMS = 0.1
"""The root of the mean square that ``rms`` brings clips to: 20 decibels below full scale."""
SILENCE_SECONDS = 0.01
"""Silence is looked for in pieces of this length."""


def mixed(samples: np.ndarray) -> np.ndarray:
    """The mean of all channels, as one.

    Example:
        >>> mixed(np.array([[1.0, 0.0], [0.5, 0.5]], dtype=np.float32)).tolist()
        [[0.5], [0.5]]
    """
    return samples if samples.shape[1] == 1 else samples.mean(axis=1, keepdims=True, dtype=np.float32)


def resampled(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """The same sound with another number of samples in a second.

    By a polyphase filter (SciPy's ``resample_poly``: a sinc under a Kaiser window of beta 5), so that what can't be told at the new
    rate is taken out, not folded back. The new length is that of the old in seconds, rounded up.

    Args:
        samples: ``[samples, channels]``.
        rate: Samples in a second now.
        wanted: Samples in a second afterwards.
    """
    if rate == wanted:
        return samples
    from scipy.signal import resample_poly

    common = math.gcd(rate, wanted)
    made = resample_poly(np.asarray(samples, dtype=np.float32), wanted // common, rate // common, axis=0)
    return np.ascontiguousarray(made, dtype=np.float32)


def resampled_length(samples: int, rate: int, wanted: int) -> int:
    """Samples of each channel that `resampled` gives.

    Example:
        >>> resampled_length(101, 8000, 16000), resampled_length(101, 16000, 8000)
        (202, 51)
    """
    return -(-samples * wanted // rate)


def trimmed(samples: np.ndarray, rate: int, decibels: float) -> np.ndarray:
    """Without the silence at both ends.

    A piece of 10 ms is silent if its power is more than ``decibels`` below that of the loudest piece. Silence in the middle stays, and
    of a clip that is nothing but zeros all is left as it is.

    Args:
        samples: ``[samples, channels]``.
        rate: Samples in a second.
        decibels: How far below the loudest piece silence begins.
    """
    size = max(1, round(rate * SILENCE_SECONDS))
    power = np.square(samples, dtype=np.float64).mean(axis=1)
    starts = np.arange(0, len(power), size)
    pieces = np.add.reduceat(power, starts) / np.diff(np.append(starts, len(power)))
    loud = np.flatnonzero(pieces > pieces.max() * 10 ** (-decibels / 10))
    if not len(loud):
        return samples
    return samples[starts[loud[0]] : (loud[-1] + 1) * size]


def levelled(samples: np.ndarray, how: Level) -> np.ndarray:
    """As loud as the others: the largest sample is 1 (``peak``), or the root of the mean square is `RMS` (``rms``); silence stays silent.

    Example:
        >>> levelled(np.array([[0.25], [-0.5]], dtype=np.float32), "peak").tolist()
        [[0.5], [-1.0]]
    """
    size = float(np.abs(samples).max()) if how == "peak" else math.sqrt(np.square(samples, dtype=np.float64).mean()) / RMS
    return samples if size == 0 else (samples / size).astype(np.float32)


def cut(samples: np.ndarray, most: int, keep: Keep = "start") -> np.ndarray:
    """At most so many samples: those at the start, in the middle or at the end."""
    first = {"start": 0, "middle": (len(samples) - most) // 2, "end": len(samples) - most}[keep]
    return samples if len(samples) <= most else samples[first : first + most]


def filled(samples: np.ndarray, least: int) -> np.ndarray:
    """At least so many samples: silence follows where they are too few."""
    return np.pad(samples, ((0, max(0, least - len(samples))), (0, 0)))

"""From samples to spectra, in float64: frames, Fourier transforms, mel bands, cepstra, slopes over time.

Windows and bands are those of the sound layers (`lamina.engine.spectra`), so that features that are made beforehand and layers that
make them on the way give the same.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lamina.engine.spectra import MelScale, mel_weights, window_of


def frame_count(samples: int, frame: int, step: int, fft: int, *, center: bool) -> int:
    """How many frames there are; a clip that is too short for one is filled up to it."""
    if center:
        return 1 + (max(samples, 1) + fft // 2 * 2 - fft) // step
    return 1 + max(0, samples - frame) // step


def spectra(samples: np.ndarray, frame: int, step: int, fft: int, window: str | None, *, center: bool) -> np.ndarray:
    """The Fourier transform of each frame: complex numbers ``[frames, channels, fft // 2 + 1]``.

    Args:
        samples: ``[samples, channels]``.
        frame: Samples of a frame.
        step: From one frame to the next.
        fft: Frames are filled up with zeros to this.
        window: Name of what frames are multiplied by (periodic); None: nothing.
        center: Whether the first frame has its middle at the first sample: samples are mirrored at both ends by half of ``fft``, and
            zeros lie around the window. Otherwise frames lie within the samples, and zeros follow.
    """
    x = np.asarray(samples, dtype=np.float64)
    shape = window_of(window, frame)
    if center:
        x = np.pad(x, ((fft // 2, fft // 2), (0, 0)), mode="reflect")
        left = (fft - frame) // 2
        shape = np.pad(shape, (left, fft - frame - left))
    if len(x) < len(shape):
        x = np.pad(x, ((0, len(shape) - len(x)), (0, 0)))
    frames = np.lib.stride_tricks.sliding_window_view(x, len(shape), axis=0)[::step]
    found: np.ndarray = np.fft.rfft(frames * shape, n=fft)
    return found


def power_of(spectrum: np.ndarray) -> np.ndarray:
    """Squares of magnitudes."""
    power: np.ndarray = np.square(spectrum.real) + np.square(spectrum.imag)
    return power


@lru_cache(maxsize=16)
def _bands(count: int, bins: int, rate: float, lowest: float, highest: float, scale: MelScale, slopes: str, area: bool) -> np.ndarray:  # noqa: FBT001 (a key)
    weights = mel_weights(count, bins, rate, lowest, highest, scale=scale, slopes="mel" if slopes == "mel" else "hertz", area=area)
    weights.setflags(write=False)
    return weights


def in_bands(
    power: np.ndarray, count: int, rate: float, lowest: float, highest: float, *, scale: MelScale, slopes: str, area: bool
) -> np.ndarray:
    """Power under the triangles of mel bands, ``[..., count]``; see `lamina.engine.spectra.mel_weights`."""
    banded: np.ndarray = power @ _bands(count, power.shape[-1], rate, lowest, highest, scale, slopes, area)
    return banded


def decibels(power: np.ndarray, least: float, top: float | None) -> np.ndarray:
    """``10 log10(max(p, least))``, at most ``top`` below the largest.

    Example:
        >>> decibels(np.array([100.0, 1.0, 0.0]), 1e-10, 30.0).tolist()
        [20.0, 0.0, -10.0]
    """
    loudness: np.ndarray = 10 * np.log10(np.maximum(power, least))
    return loudness if top is None or loudness.size == 0 else np.maximum(loudness, loudness.max() - top)


@lru_cache(maxsize=16)
def _cosines(size: int, count: int) -> np.ndarray:
    """The first numbers of the orthonormal cosine transform (DCT-II), ``[size, count]``."""
    table: np.ndarray = np.cos(np.pi / size * (np.arange(size)[:, None] + 0.5) * np.arange(count)) * np.sqrt(2 / size)
    table[:, 0] = np.sqrt(1 / size)
    table.setflags(write=False)
    return table


def cepstra(loudness: np.ndarray, count: int, lifter: float) -> np.ndarray:
    """The first ``count`` numbers of the orthonormal DCT-II over the last axis.

    Args:
        loudness: Logarithms of bands, ``[..., bands]``.
        count: How many.
        lifter: Raises later ones: ``1 + lifter / 2 sin(pi (n + 1) / lifter)`` for number n; 0: not at all.
    """
    found: np.ndarray = loudness @ _cosines(loudness.shape[-1], count)
    return found if lifter == 0 else found * (1 + lifter / 2 * np.sin(np.pi * np.arange(1, count + 1) / lifter))


def slopes(values: np.ndarray, width: int) -> np.ndarray:
    """How values change over frames: the slope of the straight line through the ``width`` frames around each.

    ``sum_n n (c[t + n] - c[t - n]) / (2 sum_n n^2)``, n from 1 to half of the width; beyond both ends the first and last frame go on.

    Args:
        values: ``[frames, ...]``.
        width: Frames that are looked at, an odd number of at least 3.

    Example:
        >>> slopes(np.array([0.0, 2.0, 4.0, 6.0, 8.0]), 3).tolist()
        [1.0, 2.0, 2.0, 2.0, 1.0]
    """
    half, size = width // 2, len(values)
    padded = np.pad(values, ((half, half), *((0, 0) for _ in values.shape[1:])), mode="edge")
    total = np.zeros_like(values, dtype=np.float64)
    for n in range(1, half + 1):
        total += n * (padded[half + n : half + n + size] - padded[half - n : half - n + size])
    found: np.ndarray = total / (2 * sum(n * n for n in range(1, half + 1)))
    return found


def evened(values: np.ndarray, *, deviation: bool) -> np.ndarray:
    """Minus the mean over frames, and divided by the deviation if asked: what a microphone adds to every frame goes away.

    Args:
        values: ``[frames, ...]``.
        deviation: Whether to divide; what never changes is not divided.
    """
    centred: np.ndarray = values - values.mean(axis=0)
    if not deviation:
        return centred
    spread = np.sqrt(np.square(centred).mean(axis=0))
    found: np.ndarray = centred / np.where(spread > 1e-8, spread, 1.0)
    return found

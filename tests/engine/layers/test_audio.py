"""Spectrograms against NumPy's Fourier transform, SciPy, and the mel formula written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import signal

from lamina.engine.build import build
from lamina.errors import DescriptionError, ShapeError
from lamina.network import layers as L
from lamina.shapes import Sequence
from lamina.testing.layers import plan_of


def run(layer: L.Layer, x: np.ndarray) -> np.ndarray:
    shape = Sequence(steps=x.shape[1], features=x.shape[2])
    y: np.ndarray = build(plan_of(layer, (shape,)), 3, dtype=torch.float64)(torch.from_numpy(x))["tested"].numpy()
    assert layer.infer((shape,)).matches(y.shape[1:])
    return y


def sound(samples: int, channels: int = 2) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(3, samples, channels))


def frames(x: np.ndarray, window: np.ndarray, step: int, length: int) -> np.ndarray:
    """``[batch, frames, channels, bins]``, by one transform after the other."""
    starts = range(0, x.shape[1] - len(window) + 1, step)
    made = [[[np.fft.rfft(row[s : s + len(window), c] * window, length) for c in range(x.shape[2])] for s in starts] for row in x]
    return np.array(made)


MODES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "real": lambda f: f.real,
    "imag": lambda f: f.imag,
    "angle": np.angle,
    "stft": lambda f: np.concatenate([f.real, f.imag], 3),
    "magnitude": lambda f: np.sqrt(np.maximum(np.abs(f) ** 2, 1e-7)),
    "log": lambda f: np.log(np.sqrt(np.maximum(np.abs(f) ** 2, 1e-7))),
}


@pytest.mark.parametrize("mode", list(MODES))
@pytest.mark.parametrize(("length", "step", "fft"), [(8, 3, None), (7, 7, 12), (6, None, 6)])
def test_short_time_transforms_are_numpys(mode: Any, length: int, step: int | None, fft: int | None) -> None:
    x = sound(40)
    window = signal.get_window("hann", length, fftbins=False)
    window = window / np.sqrt((window**2).sum())
    expected = MODES[mode](frames(x, window, step or length // 2, fft or 8))
    found = run(L.STFTSpectrogram(mode, length, step, fft_length=fft), x)
    assert np.allclose(found, expected.reshape(*expected.shape[:2], -1))


@pytest.mark.parametrize("window", ["hann", "hamming", "blackman", "bartlett"])
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("scaling", ["density", "spectrum"])
def test_power_is_scipys(window: Any, periodic: bool, scaling: Any) -> None:
    x = sound(50, 1)
    values = signal.get_window(window, 8, fftbins=periodic)
    _, _, expected = signal.spectrogram(x[:, :, 0], 1.0, values, noverlap=3, detrend=False, scaling=scaling, mode="psd", axis=1)
    found = run(L.STFTSpectrogram("psd", 8, 5, window=window, periodic=periodic, scaling=scaling), x)
    assert np.allclose(found, expected.transpose(0, 2, 1))


def test_zeros_around_and_no_window() -> None:
    x = sound(10)
    found = run(L.STFTSpectrogram("real", 5, 3, fft_length=5, window=None, padding="same"), x)
    padded = np.pad(x, ((0, 0), (2, 2), (0, 0)))
    assert np.allclose(found, frames(padded, np.ones(5), 3, 5).real.reshape(3, 4, -1))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"power_to_db": False},
        {"mag_exp": 1.0, "power_to_db": False},
        {"top_db": 10.0},
        {"min_power": 1e-3, "ref_power": 2.0},
        {"frame_length": 12, "window": "hamming"},
        {"min_freq": 300.0, "max_freq": 3000.0, "num_mel_bins": 3},
    ],
)
def test_mel_spectrograms_by_the_formula(settings: dict[str, Any]) -> None:
    x = sound(60)
    given = {"num_mel_bins": 5, "window": "hann", "frame_length": 16, "min_freq": 20.0, "max_freq": 4000.0, "mag_exp": 2.0} | settings
    found = run(L.MelSpectrogram(fft_length=16, stride=5, sampling_rate=8000, **{"num_mel_bins": 5, **settings}), x)
    size = given["frame_length"]
    window = np.zeros(16)
    window[(16 - size) // 2 :][:size] = signal.get_window(given["window"], size)
    spectrum = np.abs(frames(np.pad(x, ((0, 0), (8, 8), (0, 0)), mode="reflect"), window, 5, 16)) ** given["mag_exp"]
    corners = np.linspace(*(2595 * np.log10(1 + f / 700) for f in (given["min_freq"], given["max_freq"])), given["num_mel_bins"] + 2)
    bands = np.zeros((9, given["num_mel_bins"]))
    for k, frequency in enumerate(np.arange(9) * 500):
        place = 2595 * np.log10(1 + frequency / 700)
        for m in range(given["num_mel_bins"]) if k else ():
            low, middle, high = corners[m : m + 3]
            bands[k, m] = max(0, min((place - low) / (middle - low), (high - place) / (high - middle)))
    expected = spectrum @ bands
    if settings.get("power_to_db", True):
        floor = settings.get("min_power", 1e-10)
        expected = 10 * np.log10(np.maximum(expected, floor)) - 10 * np.log10(settings.get("ref_power", 1.0))
        expected = np.maximum(expected, expected.max((1, 2, 3), keepdims=True) - settings.get("top_db", 80.0))
    assert np.allclose(found, expected.reshape(3, 13, -1), atol=2e-3)  # 1127 is 2595 / ln 10, rounded.


def test_a_pure_tone_is_loudest_in_its_band() -> None:
    x = np.sin(2 * np.pi * 1000 / 16000 * np.arange(8000))[None, :, None]
    found = run(L.MelSpectrogram(num_mel_bins=40, fft_length=1024, stride=256), x)
    scale = np.linspace(*(1127 * np.log(1 + f / 700) for f in (20, 8000)), 42)
    assert (found.argmax(2)[0, 2:-2] == np.abs(scale[1:-1] - 1127 * np.log(1 + 1000 / 700)).argmin()).all()


@pytest.mark.parametrize(
    ("make", "fix"),
    [
        (lambda: L.STFTSpectrogram(frame_length=256, fft_length=128), "fft_length: 256"),
        (lambda: L.STFTSpectrogram(frame_length=256, frame_step=300), "frame_step: 128"),
        (lambda: L.MelSpectrogram(fft_length=256, frame_length=512), "leave frame_length out"),
        (lambda: L.MelSpectrogram(max_freq=9000.0), "max_freq: 8000"),
    ],
)
def test_settings_that_mean_nothing_are_refused(make: Callable[[], L.Layer], fix: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        make()
    assert fix in str(caught.value)


def test_sequences_that_are_too_short_are_refused() -> None:
    for layer, least in ((L.STFTSpectrogram(frame_length=16), 16), (L.MelSpectrogram(fft_length=16), 9)):
        with pytest.raises(ShapeError, match=f"at least {least} samples") as caught:
            layer.infer((Sequence(steps=8, features=1),))
        assert caught.value.code == "NN002"


def test_half_precision_of_the_network_costs_sound_nothing() -> None:
    x = torch.from_numpy(sound(60, 1)).float()
    for layer in (L.MelSpectrogram(fft_length=16, stride=8, num_mel_bins=4), L.STFTSpectrogram("psd", 16)):
        network = build(plan_of(layer, (Sequence(steps=60, features=1),)), 3)
        with torch.autocast("cpu", torch.bfloat16):
            found = network(x)["tested"]
        assert found.dtype == torch.float32
        assert torch.equal(found, network(x)["tested"])

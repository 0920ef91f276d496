"""Features of sound against SciPy, against formulas written out (librosa's, HTK's), and against the layers for sound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import fft, signal

from lamina.data.audio import spectra
from lamina.data.audio.features import MelFeatures, Mfcc, SoundStatistics, Spectrogram, Waveform
from lamina.engine.build import build
from lamina.engine.spectra import from_mel, mel_weights, to_mel
from lamina.errors import DescriptionError
from lamina.network import layers as L
from lamina.shapes import Sequence
from lamina.testing.layers import plan_of

RATE = 8000
SOUND = np.random.default_rng(0).normal(size=(1200, 2))


@pytest.mark.parametrize("window", ["hann", "hamming", "blackman", "bartlett"])
@pytest.mark.parametrize(("frame", "step", "size"), [(200, 80, 256), (64, 64, 64), (33, 10, 40)])
def test_power_is_scipys(window: Any, frame: int, step: int, size: int) -> None:
    made = Spectrogram(values="power", window=window, frame_length=frame, frame_step=step, fft_length=size, center=False)
    taps = signal.get_window(window, frame)
    _, _, expected = signal.spectrogram(
        SOUND, RATE, taps, noverlap=frame - step, nfft=size, detrend=False, return_onesided=True, scaling="spectrum", mode="complex", axis=0
    )
    expected = np.abs(expected * taps.sum()).transpose(2, 1, 0) ** 2
    found = made.compute(SOUND, RATE)
    assert np.allclose(found, expected)
    assert found.shape == (made.frames(1200, RATE), *made.size(2, RATE))


def mirrored(x: np.ndarray, frame: int, step: int, size: int) -> np.ndarray:
    """Power of frames around each place, one transform after the other (``librosa.stft`` with ``pad_mode="reflect"``)."""
    padded = np.concatenate([x[size // 2 : 0 : -1], x, x[-2 : -size // 2 - 2 : -1]])
    taps = np.zeros(size)
    left = (size - frame) // 2
    taps[left : left + frame] = [0.5 - 0.5 * np.cos(2 * np.pi * n / frame) for n in range(frame)]
    count = 1 + (len(padded) - size) // step
    return np.array([np.abs(np.fft.rfft(padded[t * step : t * step + size] * taps)) ** 2 for t in range(count)])


def triangles(count: int, size: int, rate: float, lowest: float, highest: float) -> np.ndarray:
    """``librosa.filters.mel``: Slaney's scale, straight over hertz, of area 1; number by number."""

    def mel(f: float) -> float:
        return f / (200 / 3) if f < 1000 else 15 + np.log(f / 1000) / (np.log(6.4) / 27)

    def hertz(m: float) -> float:
        return m * 200 / 3 if m < 15 else 1000 * np.exp(np.log(6.4) / 27 * (m - 15))

    corners = [hertz(mel(lowest) + (mel(highest) - mel(lowest)) * i / (count + 1)) for i in range(count + 2)]
    weights = np.zeros((count, size // 2 + 1))
    for band in range(count):
        low, middle, high = corners[band : band + 3]
        for k in range(size // 2 + 1):
            f = k * rate / size
            weights[band, k] = max(0, min((f - low) / (middle - low), (high - f) / (high - middle))) * 2 / (high - low)
    return weights


def test_mel_bands_and_cepstra_are_those_of_the_formulas() -> None:
    settings: dict[str, Any] = {"frame_length": 200, "frame_step": 80, "fft_length": 256, "bands": 20, "lowest": 60.0, "highest": 3500.0}
    power = np.stack([mirrored(SOUND[:, channel], 200, 80, 256) for channel in range(2)], axis=1)
    banded = power @ triangles(20, 256, RATE, 60, 3500).T
    assert np.allclose(MelFeatures(**settings, values="power").compute(SOUND, RATE), banded)
    assert np.allclose(MelFeatures(**settings, values="log").compute(SOUND, RATE), np.log(banded))
    loudness = 10 * np.log10(np.maximum(banded, 1e-10))
    loudness = np.maximum(loudness, loudness.max() - 30)
    assert np.allclose(MelFeatures(**settings, top_db=30.0).compute(SOUND, RATE), loudness)
    expected = fft.dct(loudness, type=2, norm="ortho", axis=-1)[..., :13]
    assert np.allclose(Mfcc(**settings, top_db=30.0).compute(SOUND, RATE), expected)
    lifted = expected * (1 + 11 * np.sin(np.pi * np.arange(1, 14) / 22))
    assert np.allclose(Mfcc(**settings, top_db=30.0, lifter=22.0).compute(SOUND, RATE), lifted)


@pytest.mark.parametrize("samples", [1200, 200, 130])
def test_the_layer_makes_the_same_mel_spectrogram(samples: int) -> None:
    x = SOUND[:samples]
    layer = L.MelSpectrogram(fft_length=256, stride=80, frame_length=200, sampling_rate=RATE, num_mel_bins=12, min_freq=100.0, top_db=40.0)
    shape = Sequence(steps=samples, features=2)
    module = build(plan_of(layer, (shape,)), 1, dtype=torch.float64)
    expected = module(torch.from_numpy(x[None].copy()))["tested"].numpy()[0]
    made = MelFeatures(
        frame_length=200, frame_step=80, fft_length=256, bands=12, lowest=100.0, scale="htk", slopes="mel", area=False, top_db=40.0
    )
    found = made.compute(x, RATE)
    assert np.allclose(found.reshape(len(found), -1), expected, rtol=1e-9, atol=1e-9)


def test_the_layer_makes_the_same_spectrogram() -> None:
    layer = L.STFTSpectrogram("magnitude", 100, 40, periodic=True, scaling=None)
    module = build(plan_of(layer, (Sequence(steps=1200, features=2),)), 1, dtype=torch.float64)
    expected = module(torch.from_numpy(SOUND[None].copy()))["tested"].numpy()[0]
    found = Spectrogram(values="magnitude", frame_length=100, frame_step=40, center=False).compute(SOUND, RATE)
    assert np.allclose(found.reshape(len(found), -1), expected, rtol=1e-6)


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_pitches_go_both_ways(scale: Any) -> None:
    hertz = np.linspace(0, 11000, 500)
    assert np.allclose(from_mel(to_mel(hertz, scale), scale), hertz)
    assert (np.diff(to_mel(hertz, scale)) > 0).all()


def test_a_tone_is_in_its_band() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / RATE)[:, None]
    loud = MelFeatures(bands=30).compute(tone, RATE)[10:-10, 0].argmax(axis=1)
    middles = from_mel(np.linspace(*to_mel(np.array([0.0, 4000.0]), "slaney"), 32), "slaney")[1:-1]
    assert set(loud) == {int(np.abs(middles - 1000).argmin())}
    weights = mel_weights(30, 129, RATE, 0, 4000, scale="slaney", slopes="hertz")
    # Between the middles of the first and the last band, triangles of height 1 add up to 1.
    inside = (np.linspace(0, 4000, 129) > middles[0]) & (np.linspace(0, 4000, 129) < middles[-1])
    assert np.allclose(weights.sum(axis=1)[inside], 1)


def test_changes_over_time_are_slopes_of_lines() -> None:
    values = np.random.default_rng(1).normal(size=(30, 2, 3))
    expected = signal.savgol_filter(values, 9, polyorder=1, deriv=1, axis=0, mode="nearest")
    assert np.allclose(spectra.slopes(values, 9), expected)
    short = np.random.default_rng(1).normal(size=(2, 3))
    assert np.allclose(spectra.slopes(short, 5), signal.savgol_filter(np.pad(short, ((2, 2), (0, 0)), mode="edge"), 5, 1, 1, axis=0)[2:4])
    made = Mfcc(count=4, deltas=2, delta_width=5).compute(SOUND, RATE)
    plain = Mfcc(count=4).compute(SOUND, RATE)
    once = signal.savgol_filter(plain, 5, polyorder=1, deriv=1, axis=0, mode="nearest")
    twice = signal.savgol_filter(once, 5, polyorder=1, deriv=1, axis=0, mode="nearest")
    for channel in range(2):
        assert np.allclose(made[:, 3 * channel : 3 * channel + 3], np.stack([plain, once, twice], axis=2)[:, channel])


@pytest.mark.parametrize("even", ["mean", "standard"])
def test_what_a_microphone_adds_goes_away(even: Any) -> None:
    louder = SOUND * 7
    # Ten times the logarithm of a factor is added to each band.
    made = MelFeatures(bands=8, even=even, top_db=None)
    assert np.allclose(made.compute(louder, RATE), made.compute(SOUND, RATE))
    assert np.allclose(made.compute(SOUND, RATE).mean(axis=0), 0)
    if even == "standard":
        assert np.allclose(made.compute(SOUND, RATE).std(axis=0), 1)
    silent = made.compute(np.zeros((400, 1)), RATE)
    assert np.array_equal(silent, np.zeros_like(silent))


@pytest.mark.parametrize("samples", [1, 2, 5, 100, 129, 1000])
@pytest.mark.parametrize("center", [True, False])
def test_clips_of_any_length_have_frames(samples: int, center: bool) -> None:
    made = Mfcc(count=3, bands=6, center=center, deltas=1)
    found = made.compute(SOUND[:samples], RATE)
    assert found.shape == (made.frames(samples, RATE), *made.size(2, RATE))
    assert len(found) >= 1
    assert np.isfinite(found).all()


def test_frames_are_a_fortieth_of_a_second_unless_set() -> None:
    assert Mfcc().sizes(16000) == (400, 160, 512)
    assert Mfcc().sizes(8000) == (200, 80, 256)
    assert Mfcc(fft_length=128).sizes(8000) == (128, 80, 128)
    assert Mfcc(frame_length=100, frame_step=7).sizes(8000) == (100, 7, 128)


def test_samples_and_figures() -> None:
    assert np.array_equal(Waveform().compute(SOUND, RATE)[:, :, 0], SOUND)
    assert (Waveform().frames(7, RATE), Waveform().size(2, RATE)) == (7, (2, 1))
    made = SoundStatistics(Mfcc(count=3), measures=["mean", "deviation", "minimum", "median", "maximum"])
    values = Mfcc(count=3).compute(SOUND, RATE)
    expected = np.concatenate([f(values, axis=0) for f in (np.mean, np.std, np.min, np.median, np.max)])
    assert np.array_equal(made.compute(SOUND, RATE), expected[None])
    assert (made.frames(1200, RATE), made.size(2, RATE)) == (1, (10, 3))


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        (Mfcc, {"count": 41}, "count: 40"),
        (Mfcc, {"lowest": 300.0, "highest": 200.0}, "highest above 300"),
        (Mfcc, {"delta_width": 4}, "delta_width: 5"),
        (Spectrogram, {"frame_length": 300, "fft_length": 256}, "fft_length: 512"),
        (SoundStatistics, {"of": SoundStatistics(Waveform())}, "of: {type: mfcc}"),
        (SoundStatistics, {"of": Waveform(), "measures": []}, "measures"),
    ],
)
def test_settings_that_do_not_fit_together(kind: Any, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(DescriptionError, match=said):
        kind(**settings)


@pytest.mark.parametrize("settings", [{"highest": 5000.0}, {"lowest": 4000.0}])
def test_bands_that_the_rate_does_not_hold(settings: dict[str, Any]) -> None:
    assert "half of the rate" in (MelFeatures(**settings).misfit(RATE) or "")
    assert "half of the rate" in (SoundStatistics(MelFeatures(**settings)).misfit(RATE) or "")
    assert SoundStatistics(MelFeatures(highest=4000.0)).misfit(RATE) is None

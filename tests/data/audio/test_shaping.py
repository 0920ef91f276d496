"""Channels, rate, silence, level and length against SciPy and plain arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from lamina.data.audio import shaping

rng = np.random.default_rng(0)


@pytest.mark.parametrize(("rate", "wanted"), [(16000, 8000), (8000, 16000), (44100, 16000), (8000, 11025)])
def test_a_tone_stays_a_tone_at_another_rate(rate: int, wanted: int) -> None:
    def tone(at: int) -> np.ndarray:
        return np.sin(2 * np.pi * 440 * np.arange(at) / at)[:, None].astype(np.float32)

    found = shaping.resampled(tone(rate), rate, wanted)
    assert len(found) == wanted == shaping.resampled_length(rate, rate, wanted)
    assert found.dtype == np.float32
    edge = wanted // 50
    assert np.abs(found - tone(wanted))[edge:-edge].max() < 0.01


def test_what_the_lower_rate_can_not_hold_is_taken_out() -> None:
    high = np.sin(2 * np.pi * 7000 * np.arange(16000) / 16000)[:, None].astype(np.float32)
    assert np.abs(shaping.resampled(high, 16000, 8000)[100:-100]).max() < 0.01


@given(st.integers(1, 60), st.sampled_from([8000, 11025, 16000]), st.sampled_from([8000, 11025, 16000]))
def test_lengths_are_known_before(samples: int, rate: int, wanted: int) -> None:
    x = np.ones((samples, 2), dtype=np.float32)
    assert len(shaping.resampled(x, rate, wanted)) == shaping.resampled_length(samples, rate, wanted)


def test_resampling_is_scipys() -> None:
    x = rng.normal(size=(500, 2)).astype(np.float32)
    assert np.allclose(shaping.resampled(x, 12000, 8000), signal.resample_poly(x.astype(np.float64), 2, 3, axis=0), atol=1e-5)
    assert shaping.resampled(x, 8000, 8000) is x


def test_silence_at_both_ends_goes_and_that_in_the_middle_stays() -> None:
    quiet, loud = np.full((800, 1), 1e-4, dtype=np.float32), rng.uniform(0.5, 1, size=(400, 1)).astype(np.float32)
    x = np.concatenate([quiet, loud, quiet, loud, quiet])
    found = shaping.trimmed(x, 8000, 40)
    assert np.array_equal(found, x[800:2400])
    assert np.array_equal(shaping.trimmed(x, 8000, 90), x)
    # Pieces of 10 ms begin at the first sample; the last one may be shorter.
    assert np.array_equal(shaping.trimmed(x[30:], 8000, 40), x[30:][720:2400])
    assert len(shaping.trimmed(loud[:33], 8000, 40)) == 33
    zeros = np.zeros((100, 1), dtype=np.float32)
    assert shaping.trimmed(zeros, 8000, 40) is zeros


def test_one_channel_and_one_level() -> None:
    x = rng.normal(size=(300, 2)).astype(np.float32)
    assert np.allclose(shaping.mixed(x)[:, 0], x.mean(axis=1))
    assert np.abs(shaping.levelled(x, "peak")).max() == pytest.approx(1)
    assert np.sqrt((shaping.levelled(x, "rms") ** 2).mean()) == pytest.approx(0.1)
    zeros = np.zeros((10, 1), dtype=np.float32)
    assert np.array_equal(shaping.levelled(zeros, "peak"), zeros)
    assert np.array_equal(shaping.levelled(zeros, "rms"), zeros)


def test_lengths() -> None:
    x = np.arange(10, dtype=np.float32)[:, None]
    assert shaping.cut(x, 4)[:, 0].tolist() == [0, 1, 2, 3]
    assert shaping.cut(x, 4, "middle")[:, 0].tolist() == [3, 4, 5, 6]
    assert shaping.cut(x, 4, "end")[:, 0].tolist() == [6, 7, 8, 9]
    assert shaping.cut(x, 10, "end") is x
    assert shaping.filled(x, 12)[:, 0].tolist() == [*range(10), 0, 0]
    assert len(shaping.filled(x, 3)) == 10

"""What is done to sounds in training: by address, in its bounds."""

from __future__ import annotations

import numpy as np
import pytest

from lamina.data.audio.augment import Gain, SoundNoise, SpecAugment, Speed, TimeShift, augmented
from lamina.data.images.draws import Draws
from lamina.errors import DescriptionError
from lamina.testing.contracts import cases
from lamina.testing.sound import check_sound_augmentation, check_sound_features

RATE = 8000
SOUND = np.random.default_rng(0).normal(size=(800, 2)).astype(np.float32)


@pytest.mark.parametrize("example", [pytest.param(example, id=name) for name, _, example in cases("sound_augmentation")])
def test_contract(example) -> None:
    check_sound_augmentation(example)


@pytest.mark.parametrize("example", [pytest.param(example, id=name) for name, _, example in cases("sound_features")])
def test_contract_of_features(example) -> None:
    check_sound_features(example)


def test_a_shift_moves_and_fills_with_silence() -> None:
    def shifted(by: int) -> np.ndarray:
        return np.pad(SOUND, ((80 + by, 80 - by), (0, 0)))[80:-80]

    shifts = []
    for seed in range(40):
        found = TimeShift(0.01).apply(SOUND, RATE, Draws(seed))
        shifts += [by for by in range(-80, 81) if np.array_equal(found, shifted(by))]
    assert len(shifts) == 40
    assert min(shifts) < -30
    assert max(shifts) > 30
    assert TimeShift(1.0).apply(SOUND[:3], RATE, Draws(1)).any()


def test_loudness_stays_within_decibels() -> None:
    found = [20 * np.log10(np.abs(Gain(6.0).apply(SOUND, RATE, Draws(seed))).max() / np.abs(SOUND).max()) for seed in range(100)]
    assert -6.01 < min(found) < -5
    assert 5 < max(found) < 6.01


def test_noise_has_the_ratio_that_was_drawn() -> None:
    long = np.random.default_rng(0).normal(size=(20000, 1)).astype(np.float32)
    noise = SoundNoise(20.0, 20.0).apply(long, RATE, Draws(1)) - long
    assert 10 * np.log10((long**2).mean() / (noise**2).mean()) == pytest.approx(20, abs=0.2)
    assert abs(noise.mean()) < 0.01
    with pytest.raises(DescriptionError, match="quietest: 30 and loudest: 10"):
        SoundNoise(10.0, 30.0)


def test_faster_is_shorter_and_higher() -> None:
    tone = np.sin(2 * np.pi * 500 * np.arange(8000) / RATE)[:, None].astype(np.float32)
    seen = []
    for seed in range(20):
        found = Speed(1.25).apply(tone, RATE, Draws(seed))
        pitch = np.abs(np.fft.rfft(found[:, 0])).argmax() * RATE / len(found)
        assert pitch * len(found) == pytest.approx(500 * 8000, rel=0.01)
        seen.append(8000 / len(found))
    assert 0.79 < min(seen) < 0.9
    assert 1.1 < max(seen) < 1.26


def test_masks_of_frequencies_and_times_hold_the_mean() -> None:
    values = np.random.default_rng(0).normal(size=(50, 2, 20))
    widths = []
    for seed in range(50):
        found = SpecAugment(frequency_share=0.3, time_masks=0).apply(values, RATE, Draws(seed))
        changed = (found != values).all(axis=(0, 1))
        assert np.allclose(found[:, :, changed], values.mean(axis=(0, 2))[None, :, None])
        assert np.array_equal(found[:, :, ~changed], values[:, :, ~changed])
        places = np.flatnonzero(changed)
        assert len(places) == 0 or places[-1] - places[0] + 1 == len(places)
        widths.append(len(places))
        found = SpecAugment(frequency_masks=0, time_masks=2, time_share=0.1).apply(values, RATE, Draws(seed))
        assert (found != values).all(axis=(1, 2)).sum() <= 10
    assert (min(widths), max(widths)) == (0, 6)


def test_each_step_draws_by_its_place_and_its_probability() -> None:
    steps = (Gain(probability=0.25), TimeShift())
    alone = augmented(SOUND, RATE, (Gain(), TimeShift()), Draws(5), of_features=False)
    assert np.array_equal(alone, augmented(SOUND, RATE, (Gain(), TimeShift(), SpecAugment()), Draws(5), of_features=False))
    assert augmented(SOUND, RATE, steps, None, of_features=False) is SOUND
    assert augmented(SOUND, RATE, steps, Draws(5), of_features=True) is SOUND
    done = [not np.array_equal(augmented(SOUND, RATE, steps[:1], Draws(seed), of_features=False), SOUND) for seed in range(400)]
    assert 0.17 < np.mean(done) < 0.33

"""Contract suites of features of sound and of what augments it: what every one of them must do."""

from __future__ import annotations

import numpy as np

from lamina.data.audio.augment import SoundAugmentation
from lamina.data.audio.features import SoundFeatures
from lamina.data.images.draws import Draws
from lamina.testing.promises import check_round_trips, promise

RATE = 4000
SEEDS = (3, 4, 5, 6)


def check_sound_features(features: SoundFeatures) -> None:
    """Run the whole contract on a kind of features: sizes, types, no number that is not finite, nothing that lies outside a clip.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    check_round_trips(features)
    rng = np.random.default_rng(1)
    for samples in (1, 40, 333, 1200):
        for channels in (1, 2):
            sound = rng.normal(size=(samples, channels)).astype(np.float32)
            before = sound.copy()
            found = features.compute(sound, RATE)
            promise(np.array_equal(sound, before), "the given samples stay as they were")
            promised = (features.frames(samples, RATE), *features.size(channels, RATE))
            promise(found.shape == promised, f"frames and size say the shape: {promised}, not {found.shape}")
            promise(found.dtype == np.float64, "features are float64")
            promise(bool(np.isfinite(found).all()), "features are finite")
            promise(np.array_equal(found, features.compute(sound, RATE)), "the same samples give the same features")
    promise(bool(np.isfinite(features.compute(np.zeros((500, 1), dtype=np.float32), RATE)).all()), "features of silence are finite")
    promise(features.summary == (features.frames(50, RATE) == features.frames(5000, RATE)), "summary says whether length matters")


def check_sound_augmentation(step: SoundAugmentation) -> None:
    """Run the whole contract on an augmentation: type, channels, what is drawn.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    check_round_trips(step)
    rng = np.random.default_rng(1)
    shape = (60, 3, 20) if step.of_features else (800, 2)
    varies = False
    for dtype in (np.float64,) if step.of_features else (np.float32,):
        values = rng.normal(size=shape).astype(dtype)
        before = values.copy()
        for seed in SEEDS:
            found = step.apply(values, RATE, Draws(seed))
            promise(np.array_equal(values, before), "the given values stay as they were")
            promise(found.dtype == dtype, "values keep their type")
            promise(found.ndim == values.ndim and found.shape[1:] == values.shape[1:], "channels and bins stay")
            promise(len(found) > 0 and bool(np.isfinite(found).all()), "something finite is left")
            promise(np.array_equal(found, step.apply(values, RATE, Draws(seed))), "the same draws give the same values")
            varies = varies or not np.array_equal(found, values)
        promise(varies, "something changes")
        silent = step.apply(np.zeros_like(values), RATE, Draws(3))
        promise(not silent.any(), "silence stays silent")

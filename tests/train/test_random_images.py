"""Images that are varied at random in training: the same in every run, learned from, and left alone at prediction."""

from __future__ import annotations

import numpy as np

import lamina as lm
from lamina.network import layers as L


def model() -> lm.Model:
    net = lm.Sequential(
        lm.image(3, 8, 8),
        [
            L.RandomCrop(6, 6),
            L.RandomRotation(0.1),
            L.RandAugment(2, factor=0.3),
            L.AugMix(2, 2),
            L.RandomErasing(0.5),
            L.ImageStandardize([0.5], [0.25]),
            lm.Conv2d(4, kernel=3, activation="relu"),
            L.GlobalAvgPool(),
            lm.Output(2),
        ],
    )
    return lm.Model(net, seed=3)


def test_training_on_varied_images_is_a_function_of_the_seed() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random((24, 3, 8, 8), dtype=np.float32), rng.integers(0, 2, 24)
    first, second = model(), model()
    first.fit(x, y, epochs=2, batch_size=8, progress=False)
    second.fit(x, y, epochs=2, batch_size=8, progress=False)
    np.testing.assert_array_equal(first.predict(x), second.predict(x))
    # Nothing is drawn at prediction.
    np.testing.assert_array_equal(first.predict(x), first.predict(x))
    assert not np.array_equal(first.predict(x), model().predict(x))

"""Losses whose targets are not what the output predicts: trained, judged by what can judge them, and refused with reasons."""

from __future__ import annotations

import numpy as np
import pytest

import lamina as lm
from lamina.errors import LaminaError
from lamina.network import losses as L

RNG = np.random.default_rng(0)


def trained(net: object, x: object, y: object, **settings: object) -> lm.Model:
    model = lm.Model(net, seed=1)
    model.fit(x, y, validation=(x, y), progress=False, threads=1, **({"epochs": 2, "batch_size": 16} | settings))
    return model


def test_an_embedding_is_learnt_from_groups_and_judged_by_nothing_else() -> None:
    x = np.concatenate([RNG.normal(size=(20, 4)) * 0.2 + centre for centre in ([0, 0, 0, 0], [1, 0, 0, 1], [0, 1, 1, 0])]).astype("float32")
    y = np.repeat(["cat", "dog", "owl"], 20)
    for loss in (L.Triplet(0.5), L.InfoNce(), L.Circle(16.0)):
        net = lm.Sequential(lm.features(4), [lm.Dense(8, activation="tanh"), lm.Output(2, loss=loss)])
        model = trained(net, x, y, epochs=20, batch_size=60, optimizer=lm.Adam(0.01))
        assert list(model.evaluate(x, y).metrics) == []
        places = model.outputs(x)["output_1"]
        places = places / np.linalg.norm(places, axis=1, keepdims=True)
        apart = np.linalg.norm(places[:, None] - places[None], axis=2)
        same = y[:, None] == y[None]
        assert apart[same].mean() < apart[~same].mean() / 2


def test_ctc_learns_to_spell() -> None:
    # Each label lasts some steps, as a spike in its own channel; nothing says where.
    x, y = np.zeros((64, 12, 3), dtype="float32"), np.full((64, 3), -1)
    for row in range(64):
        length = int(RNG.integers(1, 4))
        y[row, :length] = RNG.integers(1, 4, length)
        for place, start in enumerate(range(0, 4 * length, 4)):
            x[row, start : start + 2, y[row, place] - 1] = 1
    net = lm.Sequential(lm.sequence(12, 3), [lm.Conv1d(8, kernel=3, padding="same", activation="relu"), lm.Output(4, loss="ctc")])
    model = trained(net, x, y, epochs=40, optimizer=lm.Adam(0.02))
    assert model.evaluate(x, y)["loss"] < 0.5
    best = model.outputs(x)["output_1"].argmax(2)
    spelt = [[k for k, before in zip(row, [0, *row[:-1]], strict=True) if k not in (0, before)] for row in best.tolist()]
    right = [row[row >= 0].tolist() for row in y]
    assert np.mean([a == b for a, b in zip(spelt, right, strict=True)]) > 0.9


@pytest.mark.parametrize(
    ("loss", "units"),
    [(L.GaussianNll(), 2), (L.NegativeBinomial(), 2), (L.Quantile([0.1, 0.5, 0.9]), 3), (L.MixtureDensity(2), 6)],
    ids=repr,
)
def test_outputs_wider_than_their_targets_are_judged_by_their_loss(loss, units) -> None:
    x = RNG.normal(size=(48, 3)).astype("float32")
    y = RNG.poisson(np.exp(x[:, 0])).astype(float)
    model = trained(lm.Sequential(lm.features(3), [lm.Output(units, loss=loss)]), x, y)
    assert list(model.evaluate(x, y).metrics) == ["loss"]


def test_dice_segments_by_class_and_by_region() -> None:
    x = RNG.normal(size=(16, 1, 6, 6)).astype("float32")
    regions, classes = (x > 0).astype("float32"), (x[:, 0] > 0).astype(int)
    for loss, units, y in (("dice", 1, regions), ("categorical_tversky", 2, classes)):
        net = lm.Sequential(lm.image(1, 6, 6), [lm.Conv2d(units, kernel=1), lm.layers.LossLayer(loss)])
        model = trained(net, x, y, epochs=60, optimizer=lm.Adam(0.1))
        assert model.evaluate(x, y)["loss"] < 0.2


def test_a_risk_for_three_columns_is_refused() -> None:
    with pytest.raises(LaminaError) as caught:
        trained(lm.Sequential(lm.features(3), [lm.Output(1, loss="cox")]), np.zeros((8, 3)), np.ones((8, 3)) * 0.5)
    assert caught.value.code == "EN033"

"""Noise that fades: at every step what the schedule says, and afterwards what the layers say."""

from __future__ import annotations

import numpy as np
import pytest

import lamina as lm
from lamina.engine.noise import strengths
from lamina.errors import LaminaError
from lamina.network.noise import GaussianNoise, SpatialDropoutNoise
from lamina.train.callbacks import NoiseSchedule
from lamina.train.callbacks.callback import READER, Callback, CallbackRun

X, Y = np.random.default_rng(0).normal(size=(40, 3)).astype("float32"), np.arange(40) % 2


class Watch(Callback):
    """Keeps what every noise was in each step."""

    def start(self) -> CallbackRun:
        return WatchRun(self)


class WatchRun(CallbackRun):
    priority = READER
    needs_step = True
    seen: list[list[float]] = []

    def on_start(self, trainer) -> None:
        type(self).seen = [[s.value for s in strengths(trainer.network)]]

    def on_step(self, trainer) -> None:
        self.seen.append([s.value for s in strengths(trainer.network)])


def net() -> lm.Sequential:
    return lm.Sequential(
        lm.features(3),
        [
            lm.Dense(4, dropout=0.5, name="a"),
            lm.Dense(4, dropout=GaussianNoise(0.3), name="b"),
            lm.Dropout(SpatialDropoutNoise(0.2), name="c"),
            lm.Output(2),
        ],
    )


def train(callback: Callback, **settings: object) -> lm.Model:
    model = lm.Model(net(), seed=1)
    model.fit(X, Y, epochs=2, batch_size=10, progress=False, callbacks=[callback, Watch()], **settings)
    return model


def test_each_step_has_the_strength_of_the_schedule() -> None:
    model = train(NoiseSchedule(lm.schedules.Linear(0.8, 0.0)))
    expected = [0.8 - 0.1 * step for step in range(9)]
    np.testing.assert_allclose(WatchRun.seen, [[value] * 3 for value in expected], atol=1e-12)
    assert [s.value for s in strengths(model.network)] == [0.5, 0.3, 0.2]


def test_only_the_layers_named_are_changed_and_epochs_count_too() -> None:
    train(NoiseSchedule(lm.schedules.MapSchedule({0: 0.1, 1: 0.6}, unit="epochs"), ["a", "c"]))
    assert WatchRun.seen[:4] == [[0.1, 0.3, 0.1]] * 4
    assert WatchRun.seen[4:8] == [[0.6, 0.3, 0.6]] * 4


@pytest.mark.parametrize(
    ("callback", "code", "words"),
    [
        (NoiseSchedule(1.0), "EN072", "below 1"),
        (NoiseSchedule(0.1, ["aa"]), "EN073", "'a'"),
        (NoiseSchedule(0.1, ["output_1"]), "EN073", "a, b, c"),
    ],
)
def test_what_cannot_be_is_refused(callback, code, words) -> None:
    with pytest.raises(LaminaError) as caught:
        train(callback)
    assert caught.value.code == code
    assert words in str(caught.value)

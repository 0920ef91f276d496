"""The trainer's own promises: when it ends, and that what was cut off is made up for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lamina as lm
from lamina.train.trainer import Trainer

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = (X.sum(axis=1) > 0).astype(np.int64)


def model() -> lm.Model:
    return lm.Model(lm.Sequential(lm.features(3), [lm.Dense(4, activation="tanh", dropout=0.2), lm.Output(2)]), seed=4)


def settings(run_dir: Path) -> dict[str, object]:
    every = lm.Checkpoint(every={"steps": 1})
    return {"epochs": 3, "batch_size": 10, "validation": (X, Y), "progress": False, "run_dir": run_dir, "checkpoints": every}


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_killed_between_the_last_step_of_an_epoch_and_its_judgement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    whole = model().fit(X, Y, **settings(tmp_path / "whole"))

    observe = Trainer._observe

    def killed(trainer: Trainer) -> None:
        if trainer.epoch == epoch:
            raise KeyboardInterrupt
        observe(trainer)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_observe", killed)
        with pytest.raises(KeyboardInterrupt):
            model().fit(X, Y, **settings(tmp_path / "killed"))
    again = model()
    resumed = again.fit(X, Y, **settings(tmp_path / "killed"), resume=True)

    assert list(resumed.history) == list(whole.history)
    assert (tmp_path / "killed" / "metrics.jsonl").read_bytes() == (tmp_path / "whole" / "metrics.jsonl").read_bytes()
    for name, array in whole.model.parameters().items():
        np.testing.assert_array_equal(again.parameters()[name], array)


@pytest.mark.parametrize("steps", [1, 4, 6, 12, 100])
def test_ends_after_max_steps_and_judges_what_it_has(steps: int) -> None:
    run = model().fit(X, Y, epochs=3, batch_size=10, validation=(X, Y), progress=False, max_steps=steps)
    assert run.history[-1]["step"] == min(steps, 12)
    assert "validation/accuracy" in run.history[-1]


def test_judges_every_few_epochs_and_after_the_last() -> None:
    run = model().fit(X, Y, epochs=5, batch_size=10, validation=(X, Y), progress=False, evaluate_every=2)
    assert ["validation/loss" in row for row in run.history] == [False, True, False, True, True]


def test_a_finished_run_that_is_resumed_stays_as_it_is(tmp_path: Path) -> None:
    first = model().fit(X, Y, **settings(tmp_path / "run"))
    before = (tmp_path / "run" / "metrics.jsonl").read_bytes()
    second = model().fit(X, Y, **settings(tmp_path / "run"), resume=True)
    assert list(second.history) == list(first.history)
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == before

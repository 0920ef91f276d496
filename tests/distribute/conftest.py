"""What tests of training on several processes share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.distribute.world import World
from lamina.testing.exchanges import together
from lamina.train.config import TrainConfig
from lamina.train.run import RunDirectory
from lamina.train.session import Feed, Session


def data(samples: int = 101) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(samples, 5))
    return x, (x.sum(1) + 0.3 * x[:, 0] ** 2 > 0).astype(int)


def network(*extra: Any) -> lm.Sequential:
    return lm.Sequential(lm.features(5), [lm.Dense(8, activation="tanh"), *extra, lm.Output(2)])


def train(
    world: World, batch_size: int, *, net: Any = None, run_dir: Any = None, resume: bool = False, feed: Any = None, **settings: Any
) -> Any:
    """One training as one process of a world does it; gives weights, history and the trainer."""
    dtype = "float32" if settings.get("precision") == "float32" else "float64"
    model = lm.Model(net or network(), seed=3, dtype=dtype)
    dataset = model.training_data(*data())
    config = TrainConfig(**({"epochs": 3, "progress": False, "precision": dtype, "optimizer": lm.Sgd(0.1)} | settings))
    given = Feed(batch_size=batch_size, **(feed or {}))
    session = Session(model, config, dataset, dataset, (), given, kept=run_dir is not None, world=world)
    trainer = session.prepare()
    if run_dir is not None:
        directory = RunDirectory(run_dir)
        trainer = session.enter(trainer, directory, resume=resume)
    run = session.run(trainer)
    return model.parameters(), run, trainer


def largest(one: Any, other: Any) -> float:
    return max(float(np.abs(one[name] - other[name]).max()) for name in one)


@pytest.fixture(name="together")
def _together() -> Any:
    return together

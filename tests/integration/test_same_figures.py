"""One figure for one model and one data set: however the samples are batched, split and merged, to the last bit."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lamina as lm
from lamina.train.evaluator import Judgement

SAMPLES = 101


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def case(kind: str) -> tuple[lm.Model, np.ndarray, np.ndarray]:
    """A trained model with data; the same in every process."""
    rng = np.random.default_rng(5)
    classes = rng.integers(0, 3, SAMPLES)
    if kind == "mlp":
        network = lm.Sequential(lm.features(6), [lm.Dense(16, activation="relu", dropout=0.2), lm.Output(3)])
        x = rng.normal(size=(SAMPLES, 6)) + classes[:, None]
    elif kind == "conv":
        layers = [
            lm.Conv2d(6, kernel=3, padding="same"),
            lm.BatchNorm(activation="relu"),
            lm.MaxPool2d(2),
            lm.Conv2d(8, kernel=3, activation="relu"),
            lm.BatchNorm(),
            lm.Dense(20, activation="relu"),
            lm.Output(3),
        ]
        network, x = lm.Sequential(lm.image(1, 10, 10), layers), rng.normal(size=(SAMPLES, 1, 10, 10)) + 0.2 * classes[:, None, None, None]
    elif kind == "lstm":
        network = lm.Sequential(lm.sequence(5, 4), [lm.LSTM(8), lm.LastStep(), lm.Output(3)])
        x = rng.normal(size=(SAMPLES, 5, 4)) + 0.3 * classes[:, None, None]
    else:
        network = lm.Sequential(lm.features(5), [lm.Dense(16, activation="tanh"), lm.Output(2, loss="mse")])
        x = rng.normal(size=(SAMPLES, 5))
        classes = np.stack([x.sum(axis=1), x[:, 0] * x[:, 1]], axis=1)
    model = lm.Model(network, seed=4)
    model.fit(x, classes, epochs=2, threads=1, progress=False)
    return model, x, classes


KINDS = ("mlp", "conv", "lstm", "regression")


@pytest.fixture(scope="module", params=KINDS)
def judged(request: pytest.FixtureRequest) -> tuple[lm.Model, np.ndarray, np.ndarray, dict[str, float]]:
    model, x, y = case(request.param)
    return model, x, y, model.judge(x, y).metrics


def exact(metrics: dict[str, float]) -> dict[str, str]:
    """Every bit of every figure; NaN equals NaN."""
    return {name: float(value).hex() for name, value in metrics.items()}


@pytest.mark.parametrize("batch_size", [1, 7, 32])
@pytest.mark.parametrize("shards", [1, 2, 3])
def test_batches_and_shards(judged: tuple[Any, ...], batch_size: int, shards: int) -> None:
    model, x, y, wanted = judged
    assert {"loss", *(["accuracy"] if y.ndim == 1 else ["rmse"])} <= set(wanted)
    parts = [model.judge(x, y, batch_size=batch_size, shard=(k, shards)) for k in range(shards)]
    for order in itertools.permutations(parts):
        merged = Judgement.start(parts[0].names)
        for part in order:
            merged.merge(part)
        assert exact(merged.metrics) == exact(wanted)


def test_evaluate_gives_the_same_figures(judged: tuple[Any, ...]) -> None:
    model, x, y, wanted = judged
    assert exact(model.evaluate(x, y, batch_size=13).metrics) == exact(wanted)


def test_states_of_other_evaluations_are_refused(judged: tuple[Any, ...]) -> None:
    model, x, y, _ = judged
    state = model.judge(x, y).state_dict()
    state["accumulators"] = {"melody": next(iter(state["accumulators"].values()))}
    with pytest.raises(lm.LaminaError, match="judge every shard with the same model") as caught:
        model.judge(x, y).load_state_dict(state)
    assert caught.value.code == "EV005"


WORKER = """
import json, sys
import numpy as np
import lamina as lm
model, data, rank, count, batch = sys.argv[1], np.load(sys.argv[2]), *map(int, sys.argv[3:])
state = lm.load(model).judge(data["x"], data["y"], shard=(rank, count), batch_size=batch).state_dict()
def plain(value):
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": str(value.dtype)}
    return value.item()
print(json.dumps(state, default=plain))
"""


def restored(data: Any) -> Any:
    if isinstance(data, dict) and set(data) == {"array", "dtype"}:
        return np.asarray(data["array"], dtype=data["dtype"])
    if isinstance(data, dict):
        return {key: restored(value) for key, value in data.items()}
    return [restored(value) for value in data] if isinstance(data, list) else data


def test_three_processes(tmp_path: Path) -> None:
    """What processes send each other is plain data, here as JSON through pipes; each loads the kept model."""
    model, x, y = case("conv")
    model.save(tmp_path / "m.lamina")
    np.savez(tmp_path / "data.npz", x=x, y=y)
    whole = model.judge(x, y)
    command = [sys.executable, "-c", WORKER, str(tmp_path / "m.lamina"), str(tmp_path / "data.npz")]
    sizes = (7, 32, 1)
    running = [
        subprocess.Popen([*command, str(rank), "3", str(size)], stdout=subprocess.PIPE, text=True) for rank, size in enumerate(sizes)
    ]
    merged = Judgement.start(whole.names)
    for process in reversed(running):
        text, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        merged.merge(Judgement.start(whole.names).load_state_dict(restored(json.loads(text))))
    assert exact(merged.metrics) == exact(whole.metrics)
    assert merged.report.to_dict() == whole.report.to_dict()

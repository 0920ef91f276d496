"""Several processes learn and judge what one does: here as threads of one process, so that it is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lamina as lm
from lamina.distribute.world import ALONE, World
from lamina.errors import DescriptionError, TrainingError
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


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def same(found: list[Any]) -> None:
    for weights, _, _ in found[1:]:
        for name, array in weights.items():
            np.testing.assert_array_equal(array, found[0][0][name])


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("optimizer", [lm.Sgd(0.1), lm.Adam(0.01)], ids=["sgd", "adam"])
def test_three_workers_are_one_with_three_times_the_batch_in_float64(optimizer: Any, shuffle: bool) -> None:
    settings = {"optimizer": optimizer, "epochs": 40, "clip": 1.0, "feed": {"shuffle": shuffle}}
    whole, run, _ = train(ALONE, 21, **settings)  # 5 steps an epoch, the last of 17 samples
    found = together(lambda world: train(world, 7, **settings), 3)
    assert run.history[-1]["step"] == 200
    same(found)
    assert largest(whole, found[0][0]) < 1e-10
    for row, other in zip(run.history, found[0][1].history, strict=True):
        assert other == pytest.approx(row, rel=1e-9)


def test_in_float32_over_fifty_steps() -> None:
    settings = {"precision": "float32", "epochs": 10, "optimizer": lm.Sgd(0.05)}
    whole, _, _ = train(ALONE, 20, **settings)
    found = together(lambda world: train(world, 10, **settings), 2)
    same(found)
    assert largest(whole, found[0][0]) < 1e-6


def test_batches_so_small_that_some_have_no_sample() -> None:
    settings = {"feed": {"steps_per_epoch": None}, "epochs": 2, "max_steps": 60}
    whole, _, _ = train(ALONE, 3, **settings)
    found = together(lambda world: train(world, 1, **settings), 3)  # the last batch has 2 samples
    same(found)
    assert largest(whole, found[0][0]) < 1e-10


def test_accumulated_batches_and_sharpness() -> None:
    for settings in ({"accumulate": 2}, {"sharpness": "sam"}, {"optimizer": {"type": "lbfgs"}, "max_steps": 1}):
        whole, _, _ = train(ALONE, 20, **settings)
        found = together(lambda world, own=settings: train(world, 10, **own), 2)
        same(found)
        assert largest(whole, found[0][0]) < 1e-9


@pytest.mark.parametrize("workers", [2, 3, 7])
def test_judged_to_the_last_bit(workers: int) -> None:
    """101 samples on any number of processes: the same figures, of weights that are the same."""
    from lamina.train.together import judge_together

    model = lm.Model(network(), seed=3, dtype="float64")
    dataset = model.training_data(*data(101))

    def judged(world: Any) -> dict[str, float]:
        session = Session(model, TrainConfig(), dataset, dataset, world=world)
        return judge_together(session.evaluator(full=True), model.network, dataset, world).metrics

    whole = judged(ALONE)
    assert all(repr(found) == repr(whole) for found in together(judged, workers))


def test_running_statistics_are_those_of_all() -> None:
    net = network(lm.BatchNorm())
    found = together(lambda world: train(world, 10, net=net), 3)
    same(found)
    whole, _, _ = train(ALONE, 30, net=net)
    name = next(name for name in whole if name.endswith("running_mean") or name.endswith("/mean"))
    assert np.abs(found[0][0][name] - whole[name]).max() < 0.1


def test_dropout_differs_between_processes_and_is_reproducible() -> None:
    net = network(lm.Dropout(0.5))
    found = [together(lambda world: train(world, 10, net=net, optimizer=lm.Sgd(0.1)), 2) for _ in range(2)]
    for weights in found:
        same(weights)


def test_averaging_after_every_step_of_sgd_is_all_reduce() -> None:
    whole, run, _ = train(ALONE, 21)
    found = together(lambda world: train(world, 7, exchange={"type": "averaging", "every": 1}), 3)
    same(found)
    assert largest(whole, found[0][0]) < 1e-12
    assert found[1][1].history[-1]["train/loss"] == pytest.approx(run.history[-1]["train/loss"], rel=1e-9)


def test_averaging_learns() -> None:
    for exchange in (
        {"type": "averaging", "every": 3},
        {"type": "averaging", "every": 4, "optimizer_state": False, "outer": {"type": "nesterov", "learning_rate": 0.7}},
        "bf16",
        "threshold",
        "one_bit",
        {"type": "top_k", "fraction": 0.1},
    ):
        found = together(lambda world, own=exchange: train(world, 10, exchange=own, epochs=20, optimizer=lm.Adam(0.02)), 2)
        same(found)
        assert found[0][1].history[-1]["validation/accuracy"] > 0.9


def test_all_stop_at_the_step_in_which_one_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    from lamina.train.trainer import Trainer

    updated = Trainer.updated

    def ask(trainer: Trainer, *given: Any) -> None:
        updated(trainer, *given)
        if trainer.step == 5 and trainer.world.rank == 1:
            trainer.request_stop("the second wants it", final=False)

    monkeypatch.setattr(Trainer, "updated", ask)
    found = together(lambda world: train(world, 10), 3)
    assert [trainer.step for _, _, trainer in found] == [6, 6, 6]
    assert {trainer.stop_reason for _, _, trainer in found} == {"the second wants it"}


def test_early_stopping_is_agreed_and_gives_all_the_best_weights() -> None:
    stopping = lm.EarlyStopping("validation/loss", patience=0, mode="max")
    found = together(lambda world: train(world, 10, epochs=9, early_stopping=stopping), 2)
    same(found)
    assert found[0][2].epoch == found[1][2].epoch < 9


@pytest.mark.parametrize(
    "exchange",
    [
        "all_reduce",
        {"type": "averaging", "every": 3},
        {"type": "averaging", "every": 3, "optimizer_state": False, "outer": "nesterov"},
        "threshold",
        "one_bit",
    ],
    ids=["all_reduce", "averaging", "diloco", "threshold", "one_bit"],
)
@pytest.mark.parametrize("step", [5, 8])
def test_stopped_and_resumed_is_never_stopped(exchange: Any, step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lamina.train.trainer import Trainer

    ways = {"exchange": exchange, "optimizer": lm.Adam(0.01), "checkpoints": lm.Checkpoint(every={"steps": 1})}
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    whole = together(lambda world: train(world, 10, run_dir=tmp_path / "whole", **ways), 2)
    updated = Trainer.updated

    def kill(trainer: Trainer, *given: Any) -> None:
        updated(trainer, *given)
        if trainer.step == step:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "updated", kill)
        with pytest.raises(KeyboardInterrupt):
            together(lambda world: train(world, 10, run_dir=tmp_path / "killed", **ways), 2)
    resumed = together(lambda world: train(world, 10, run_dir=tmp_path / "killed", resume=True, **ways), 2)
    same([whole[0], *resumed])
    assert list(resumed[0][1].history) == list(whole[0][1].history)
    assert (tmp_path / "killed" / "metrics.jsonl").read_bytes() == (tmp_path / "whole" / "metrics.jsonl").read_bytes()


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_fewer_or_more_workers_go_on_with_the_same_batches(workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lamina.train.trainer import Trainer

    whole, _, _ = train(ALONE, 12)
    updated = Trainer.updated

    def stop(trainer: Trainer, *given: Any) -> None:
        updated(trainer, *given)
        if trainer.step == 12:
            trainer.request_stop("enough for now", final=False)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "updated", stop)
        together(lambda world: train(world, 4, run_dir=tmp_path), 3)
    fed: list[list[int]] = []

    def look(trainer: Trainer, *given: Any) -> None:
        updated(trainer, *given)
        fed.append([trainer.epoch, *trainer.last_batch.indices.tolist()])

    monkeypatch.setattr(Trainer, "updated", look)
    with pytest.warns(lm.LaminaWarning, match="DI004"):
        found = together(lambda world: train(world, 4, run_dir=tmp_path, resume=True), workers)
    same(found)
    assert largest(whole, found[0][0]) < 1e-10
    last = sorted(sample for epoch, *samples in fed if epoch == 2 for sample in samples)
    assert last == list(range(101))


def test_what_cant_be_done_together_is_refused_at_once() -> None:
    wrong = {"exchange": "averaging", "averaging": {"type": "ema", "decay": 0.9}, "sharpness": "sam"}
    with pytest.raises(DescriptionError) as caught:
        together(lambda world: train(world, 10, **wrong), 2)
    assert {problem.code for problem in caught.value.problems} == {"DI002"}
    assert len(caught.value.problems) == 2


def test_weights_that_differ_are_found_at_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lamina.train.trainer import Trainer

    updated = Trainer.updated

    def spoil(trainer: Trainer, *given: Any) -> None:
        updated(trainer, *given)
        if trainer.step == 4 and trainer.world.rank == 1:
            trainer.flat.vector[0] += 1e-12

    monkeypatch.setattr(Trainer, "updated", spoil)
    with pytest.raises(TrainingError) as caught:
        together(lambda world: train(world, 10, run_dir=tmp_path), 2)
    assert caught.value.code == "DI003"
    assert not list((tmp_path / "checkpoints").glob("*.json"))

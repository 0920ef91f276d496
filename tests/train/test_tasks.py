"""Several tasks, one network: each sample counts for the targets that it has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import lamina as lm
from lamina.errors import DataError

RNG = np.random.default_rng(4)
XA, XB = RNG.normal(size=(30, 4)), RNG.normal(size=(20, 4))
A, B = (XA[:, 0] > 0).astype(int), XB[:, 1] * 2
NODES = {
    "trunk": lm.Dense(8, activation="tanh", inputs="x"),
    "kind": lm.Output(2, inputs="trunk"),
    "size": lm.Output(1, loss="mse", loss_weight=0.5, inputs="trunk"),
}


def model() -> lm.Model:
    return lm.Model(lm.Graph({"x": lm.features(4)}, NODES, ["kind", "size"]), seed=1, dtype="float64")


def both(*, weighted: bool = False) -> lm.Dataset:
    weights = (np.arange(30) + 1.0, np.arange(20) + 1.0) if weighted else (None, None)
    first = lm.Dataset.from_arrays(XA, A, weight=weights[0], dtype="float64")
    second = lm.Dataset.from_arrays(XB, B, weight=weights[1], dtype="float64")
    return lm.Dataset.together({"kind": first, "size": second})


@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_that_of_each_task_by_itself(weighted: bool) -> None:
    net = model()
    data = both(weighted=weighted)
    scores_a, scores_b = net.network(torch.tensor(XA))["kind"], net.network(torch.tensor(XB))["size"]
    each = F.cross_entropy(scores_a, torch.tensor(A), reduction="none"), (scores_b[:, 0] - torch.tensor(B)).square()
    weights = [torch.arange(len(e)) + 1.0 if weighted else torch.ones(len(e)) for e in each]
    # Every sample counts once, with the loss of the targets that it has: training and judging are on one scale.
    total = sum(w.sum() for w in weights)
    wanted = sum(f * (e * w).sum() / total for f, e, w in zip((1.0, 0.5), each, weights, strict=True))
    run = net.fit(data, epochs=1, batch_size=50, shuffle=False, optimizer=lm.Sgd(1e-12), progress=False)
    assert run.history[0]["train/loss"] == pytest.approx(float(wanted.detach()), rel=1e-9)
    assert net.evaluate(data).metrics["loss"] == pytest.approx(float(wanted.detach()), rel=1e-6)


def test_parts_of_a_batch_add_up_to_it() -> None:
    """However the samples of the tasks fall into the batches that make one update."""
    whole, parts = model(), model()
    settings = {"epochs": 2, "shuffle": True, "optimizer": lm.Sgd(0.1), "progress": False}
    whole.fit(both(weighted=True), batch_size=50, **settings)
    parts.fit(both(weighted=True), batch_size=10, accumulate=5, **settings)
    for name, array in whole.parameters().items():
        np.testing.assert_allclose(parts.parameters()[name], array, rtol=1e-9, atol=1e-12)


def test_both_tasks_are_learned_and_judged_on_their_own_samples() -> None:
    net = model()
    data = both()
    net.fit(data, epochs=60, batch_size=10, optimizer=lm.Adam(0.03), progress=False)
    metrics = net.evaluate(data).metrics
    kind, size = net.predict({"x": XA})["kind"], net.predict({"x": XB})["size"]
    accuracy = next(value for name, value in metrics.items() if name.endswith("accuracy"))
    mae = next(value for name, value in metrics.items() if name.endswith("mae"))
    assert accuracy == pytest.approx((kind.argmax(1) == A).mean())
    assert mae == pytest.approx(np.abs(size[:, 0] - B).mean(), rel=1e-6)
    assert accuracy > 0.9
    assert mae < 0.5


@pytest.mark.parametrize("batch_size", [1, 7])
def test_figures_dont_depend_on_batches_or_shards(batch_size: int) -> None:
    net, data = model(), both(weighted=True)
    net.training_data(data)
    whole = net.evaluate(data).metrics
    assert net.evaluate(data, batch_size=batch_size).metrics == whole
    first, second = (net.judge(data, shard=(k, 2), batch_size=batch_size) for k in (0, 1))
    assert first.merge(second).metrics == whole


def test_killed_and_resumed_is_never_killed(tmp_path: Path) -> None:
    settings = {"epochs": 3, "batch_size": 8, "progress": False}
    whole, rest = model(), model()
    whole.fit(both(), run_dir=tmp_path / "whole", **settings)
    model().fit(both(), run_dir=tmp_path / "part", max_steps=9, **settings)
    rest.fit(both(), run_dir=tmp_path / "part", resume=True, **settings)
    assert all((array == rest.parameters()[name]).all() for name, array in whole.parameters().items())


def test_missing_targets_can_be_given_as_a_mask() -> None:
    have = np.arange(30) % 2 == 0
    data = lm.Dataset.from_arrays(XA, {"kind": A, "size": XA[:, 1]}, masks={"size": have})
    assert data.take(np.array([0, 1])).target_masks["size"].tolist() == [True, False]


def test_what_does_not_fit_together_names_the_task() -> None:
    wide = lm.Dataset.from_arrays(RNG.normal(size=(5, 3)), np.arange(5) % 2)
    with pytest.raises(DataError, match="the task 'b'"):
        lm.Dataset.together({"a": lm.Dataset.from_arrays(XA, A), "b": wide})
    two = lm.Dataset.from_arrays(XA, {"a": A, "c": A})
    with pytest.raises(DataError, match="DA024"):
        lm.Dataset.together({"a": lm.Dataset.from_arrays(XA, A), "b": two})


def test_tasks_of_sequences_of_other_lengths() -> None:
    rng = np.random.default_rng(0)
    long = [rng.normal(size=(n, 2)) for n in (6, 4)]
    short = [rng.normal(size=(n, 2)) for n in (3, 2)]
    tags = lm.Dataset.from_sequences(long, [x[:, :1] for x in long], kind="numbers")
    words = lm.Dataset.from_sequences(short, [x[:, :1] for x in short], kind="numbers")
    both = lm.Dataset.together({"words": words, "tags": tags})
    assert both.input_masks["input"].sum(1).tolist() == [3, 2, 6, 4]
    assert both.target_masks["words"].sum(1).tolist() == [3, 2, 0, 0]
    heads = {name: lm.Output(1, loss="mse", inputs="body") for name in ("words", "tags")}
    model = lm.Model(lm.Graph({"input": lm.sequence(None, 2)}, {"body": lm.GRU(4, inputs="input"), **heads}, ["words", "tags"]), seed=0)
    model.fit(both, epochs=1, progress=False)
    model.fit(both, epochs=1, truncate={"steps": 2}, progress=False)


def test_pieces_of_a_task_count_for_its_samples() -> None:
    x = np.random.default_rng(0).normal(size=(4, 6, 2))
    data = lm.Dataset.from_arrays(x, {"a": x[:, :, :1], "b": x[:, :, 1:]}, kind="numbers", masks={"a": [True, True, False, False]})
    heads = {name: lm.Output(1, loss="mse", inputs="body") for name in ("a", "b")}
    model = lm.Model(lm.Graph({"input": lm.sequence(None, 2)}, {"body": lm.GRU(4, inputs="input"), **heads}, ["a", "b"]), seed=0)
    model.fit(data, epochs=1, truncate={"steps": 3}, progress=False)
    assert set(model.evaluate(data).metrics) >= {"loss"}


def test_groups_and_parts_stay_with_their_samples() -> None:
    one, two = (lm.Dataset.from_arrays([[1.0], [2.0]], [0.5, y]) for y in (1.5, 2.5))
    first = one.replace(groups=np.array(["a", "b"]))
    both = lm.Dataset.together({"one": first, "two": two.replace(groups=np.array(["b", "c"]))})
    assert both.groups.tolist() == ["a", "b", "b", "c"]
    with pytest.raises(DataError, match="DA024") as caught:
        lm.Dataset.together({"one": first, "two": two})
    assert "the task 'two'" in str(caught.value)

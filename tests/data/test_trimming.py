"""Batches of like lengths are shorter, and mean what they would have meant filled up."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import lamina as lm
from lamina.data.dataset import Dataset
from lamina.data.lazy import InMemory
from lamina.data.loader import Loader
from lamina.errors import DataError

RNG = np.random.default_rng(5)
LENGTHS = RNG.integers(1, 30, 60)
SEQUENCES = [RNG.normal(size=(n, 2)).astype("float32") for n in LENGTHS]


def whole(**changes) -> Dataset:
    return Dataset.from_sequences(SEQUENCES, (np.arange(60) % 3).tolist(), **changes)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("lazy", [False, True])
def test_batches_are_as_long_as_their_longest(workers, lazy) -> None:
    data = whole()
    if lazy:
        data = data.replace(inputs={"input": InMemory(data.inputs["input"])})
    loader = Loader(data, 8, bucketing=100, workers=workers, seed=1)
    fed = 0
    for batch in loader:
        x, mask = batch.inputs["input"], batch.masks.inputs["input"]
        own = LENGTHS[batch.indices]
        assert x.shape[1] == mask.shape[1] == own.max()
        assert mask.sum(dim=1).tolist() == own.tolist()
        for row, sample in zip(x, batch.indices.tolist(), strict=True):
            np.testing.assert_array_equal(row[: LENGTHS[sample]], SEQUENCES[sample])
        fed += x.shape[0] * x.shape[1]
    plain = sum(b.inputs["input"].shape[0] * b.inputs["input"].shape[1] for b in Loader(data, 8))
    assert fed < 0.7 * plain
    resumed = Loader(data, 8, bucketing=100, workers=workers, seed=1)
    resumed.load_state_dict({"epoch": 0, "position": 3})
    assert [b.indices.tolist() for b in resumed] == [b.indices.tolist() for b in Loader(data, 8, bucketing=100, seed=1)][3:]


def test_targets_at_each_step_are_cut_along_and_others_are_not() -> None:
    data = Dataset.from_sequences(
        SEQUENCES, {"tag": [np.arange(n) % 3 for n in LENGTHS], "whole": RNG.normal(size=(60, int(LENGTHS.max())))}
    )
    batch = next(Loader(data, 8, bucketing=100).epoch(0))
    longest = LENGTHS[batch.indices].max()
    assert batch.targets["tag"].shape[1] == batch.masks.targets["tag"].shape[1] == longest < LENGTHS.max()
    assert batch.targets["whole"].shape[1] == LENGTHS.max()


def test_the_loss_is_what_it_would_be_filled_up() -> None:
    data = whole()
    model = lm.Model(lm.Sequential(lm.sequence(None, 2), [lm.LSTM(4), lm.LastStep(), lm.Output(3)]), seed=1)
    model.training_data(data)
    losses = []
    for bucketing in (100, None):
        loader = Loader(data, 60, bucketing=bucketing, shuffle=False)
        batch = next(iter(loader))
        order = torch.argsort(batch.indices)
        losses.append(model.network.loss(batch.inputs, batch.targets, None, batch.masks).item())
        assert len(order) == 60
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    run = model.fit(data, epochs=2, bucketing=4, batch_size=8, progress=False)
    assert len(run.history) == 2


def test_data_without_lengths_are_refused() -> None:
    plain = Dataset.from_arrays(np.zeros((4, 3, 2)), np.arange(4), shape=lm.sequence(None, 2))
    with pytest.raises(DataError, match="DA187"):
        Loader(plain, 2, bucketing=3)
    model = lm.Model(lm.Sequential(lm.sequence(None, 2), [lm.LSTM(4), lm.Output(3)]), seed=1)
    tagged = Dataset.from_sequences(SEQUENCES, [np.arange(n) % 3 for n in LENGTHS])
    with pytest.raises(DataError, match="(?s)DA187.*truncate"):
        model.fit(tagged, bucketing=3, truncate={"steps": 5}, progress=False)

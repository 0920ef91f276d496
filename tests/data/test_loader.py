"""What a loader yields is a function of (seed, epoch); its position is state; threads neither change nor outlive it."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch

from lamina.data.dataset import Dataset
from lamina.data.loader import Loader
from lamina.data.order import permutation
from lamina.errors import DataError

N = 101
FIRST_ORDER = [3, 4, 1, 2, 7, 0, 6, 5]


@pytest.fixture(scope="module")
def data() -> Dataset:
    rng = np.random.default_rng(0)
    return Dataset.from_arrays(rng.normal(size=(N, 3)), rng.integers(0, 4, N), weight=rng.random(N))


def seen(batches) -> list:
    arrays = ((b, b.indices, b.inputs["input"], b.targets["output"], b.weight) for b in batches)
    return [([part.tolist() for part in parts], b.total_weight) for b, *parts in arrays]


WAYS = [{}, {"resident_bytes": 0}, {"workers": 2, "resident_bytes": 0}, {"workers": 4, "resident_bytes": 0, "prefetch": 1}, {"workers": 2}]


@pytest.mark.parametrize("way", WAYS, ids=range(5))
@pytest.mark.parametrize("batch_size", [1, 7, 32, 500])
def test_every_sample_once_with_its_own_values(data, way, batch_size) -> None:
    loader = Loader(data, batch_size, seed=3, **way)
    batches = list(loader.epoch(2))
    assert len(batches) == len(loader) == -(-N // batch_size)
    assert sum(b.size for b in batches) == N
    order = torch.cat([b.indices for b in batches]).numpy()
    assert sorted(order) == list(range(N))
    for name, arrays in (("input", data.inputs["input"]), ("output", data.targets["output"])):
        found = torch.cat([{**b.inputs, **b.targets}[name] for b in batches]).numpy()
        np.testing.assert_array_equal(found, arrays[order])
    np.testing.assert_allclose(sum(b.total_weight for b in batches), data.weight.sum(), rtol=1e-12)


def test_workers_change_nothing(data) -> None:
    first, *others = (seen(Loader(data, 8, seed=5, **way).epoch(1)) for way in WAYS)
    assert all(other == first for other in others)


def test_order_depends_on_seed_and_epoch_alone(data) -> None:
    loader = Loader(data, 8, seed=5)
    first = seen(loader.epoch(0))
    assert seen(loader.epoch(1)) != first
    assert seen(Loader(data, 8, seed=6).epoch(0)) != first
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002 (the global state must not matter)
    assert seen(Loader(data, 8, seed=5).epoch(0)) == first


def test_the_order_is_the_same_for_ever() -> None:
    assert permutation(8, 7, "order", 0).tolist() == FIRST_ORDER
    counts = np.zeros((5, 5), dtype=int)
    for epoch in range(2000):
        counts[np.arange(5), permutation(5, 1, "order", epoch)] += 1
    assert abs(counts - 400).max() < 90  # five standard deviations of 17.9


def test_without_shuffling_the_order_is_that_of_the_data(data) -> None:
    assert torch.cat([b.indices for b in Loader(data, 9, shuffle=False)]).tolist() == list(range(N))


@pytest.mark.parametrize("way", WAYS, ids=range(5))
@pytest.mark.parametrize("done", [0, 1, 5, 13])
def test_a_resumed_epoch_goes_on_exactly(data, way, done) -> None:
    whole = seen(Loader(data, 8, seed=5, **way).epoch(3))
    loader = Loader(data, 8, seed=5, **way)
    batches = loader.epoch(3)
    first = [next(batches) for _ in range(done)]
    state = loader.state_dict()
    batches.close()
    assert state == {"epoch": 3 if done else 0, "position": done}
    resumed = Loader(data, 8, seed=5, **way)
    resumed.load_state_dict({"epoch": 3, "position": done})
    assert seen(first) + seen(resumed.epoch(3)) == whole


def test_iterating_goes_from_epoch_to_epoch(data) -> None:
    loader = Loader(data, 50, seed=5)
    assert [seen(loader), seen(loader)] == [seen(Loader(data, 50, seed=5).epoch(e)) for e in (0, 1)]
    assert loader.state_dict() == {"epoch": 2, "position": 0}


def test_drop_last_leaves_out_only_the_last(data) -> None:
    loader = Loader(data, 25, drop_last=True)
    assert [b.size for b in loader] == [25] * 4 == [25] * len(loader)
    with pytest.raises(DataError) as caught:
        Loader(data, 102, drop_last=True)
    assert caught.value.code == "DA020"
    assert "batch_size: 101" in caught.value.problems[0].fix


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_share_out_every_sample_once(data, shuffle, count) -> None:
    shards = [Loader(data, 8, seed=2, shuffle=shuffle).shard(rank, count) for rank in range(count)]
    found = [torch.cat([b.indices for b in shard.epoch(4)]).tolist() for shard in shards]
    assert sorted(i for part in found for i in part) == list(range(N))
    assert all(len(list(shard.epoch(4))) == len(shard) for shard in shards)


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("lamina-loader")]


def test_closing_early_stops_the_threads(data) -> None:
    loader = Loader(data, 4, workers=3, resident_bytes=0)
    batches = loader.epoch(0)
    next(batches)
    assert threads()
    batches.close()
    assert not threads()


def test_threads_are_only_so_far_ahead(data, monkeypatch) -> None:
    loader = Loader(data, 1, workers=2, prefetch=2, resident_bytes=0)
    made = []
    monkeypatch.setattr(loader, "_at_once", 1)
    real = loader.gather
    monkeypatch.setattr(loader, "gather", lambda indices, *given: (made.append(1), real(indices, *given))[1])
    batches = loader.epoch(0)
    next(batches)
    time.sleep(0.05)
    assert len(made) <= 1 + 2 * 2
    batches.close()


@pytest.mark.parametrize("workers", [0, 2])
def test_what_fails_in_a_worker_names_the_samples(data, monkeypatch, workers) -> None:
    loader = Loader(data, 4, workers=workers, resident_bytes=0, shuffle=False)
    real = loader._parts

    def failing(indices, *given):
        if 9 in indices:
            message = "bad pixel"
            raise ValueError(message)
        return real(indices, *given)

    monkeypatch.setattr(loader, "_parts", failing)
    got = []
    with pytest.raises(DataError) as caught:
        got.extend(loader.epoch(0))
    assert len(got) == 2
    assert caught.value.code == "DA021"
    assert "8, 9, 10, 11" in caught.value.problems[0].where
    assert "ValueError: bad pixel" in caught.value.problems[0].got
    assert not threads()


def test_waiting_is_measured(data, monkeypatch) -> None:
    loader = Loader(data, 50, resident_bytes=0)
    monkeypatch.setattr(loader, "_at_once", 1)
    real = loader.gather
    monkeypatch.setattr(loader, "gather", lambda indices, *given: (time.sleep(0.02), real(indices, *given))[1])
    for _ in loader:
        time.sleep(0.02)
    assert 0.06 <= loader.wait_seconds < 0.11


def test_float64_and_several_inputs(data) -> None:
    several = Dataset.from_arrays({"a": data.inputs["input"], "b": np.ones((N, 1))}, {"y": np.zeros(N), "z": np.arange(N)})
    batch = next(Loader(several, 10, dtype=torch.float64).epoch(0))
    assert {name: (x.dtype, list(x.shape)) for name, x in batch.inputs.items()} == {
        "a": (torch.float64, [10, 3]),
        "b": (torch.float64, [10, 1]),
    }
    assert (batch.targets["y"].dtype, batch.targets["z"].dtype) == (torch.float64, torch.int64)
    assert batch.weight is None
    assert batch.total_weight == 10.0

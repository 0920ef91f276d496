"""Lazy arrays give what the arrays they stand for would give, and draw by address: never by batch, order or worker."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import lamina as lm
from lamina.data.dataset import Dataset
from lamina.data.groups import MappedGroup
from lamina.data.lazy import Address, Checked, InMemory, Joined, LazyArray, Mapped, joined
from lamina.data.loader import Loader
from lamina.data.normalizers import Scale, Standardize
from lamina.data.preprocessing import Preprocessing
from lamina.errors import DataError

N = 53
RNG = np.random.default_rng(4)
X = RNG.normal(size=(N, 2, 3)).astype("float32")


class Noisy(LazyArray):
    """Adds to each sample what is drawn for it."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        values = self.array[indices]
        if address is not None:
            drawn = address.draws(indices, "noise").astype(np.float64) / 2.0**64
            values = values + drawn.reshape(-1, *(1 for _ in values.shape[1:])).astype(values.dtype)
        return values


LAZY = {
    "memory": InMemory(X),
    "noisy": Noisy(X),
    "mapped": Mapped(Noisy(X / 2), lambda values: values * 2),
    "joined": Joined([X[:20], Noisy(X[20:])]),
    "selected": Noisy(X[::-1].copy()).select(np.arange(N)[::-1]),
    "twice": Noisy(X[::-1].copy()).select(np.arange(N)[::-1]).select(np.ones(N, bool)),
}


@pytest.mark.parametrize("name", LAZY)
def test_it_stands_for_its_array(name) -> None:
    lazy = LAZY[name]
    assert (lazy.shape, lazy.dtype, lazy.ndim, len(lazy), lazy.nbytes) == (X.shape, X.dtype, 3, N, X.nbytes)
    for key in (slice(3, 9), slice(None, None, -2), np.array([5, -1, 5]), [0, 2], np.arange(N) % 3 == 1):
        np.testing.assert_array_equal(lazy[key], X[key])
    np.testing.assert_array_equal(np.asarray(lazy), X)
    np.testing.assert_array_equal(np.stack(list(lazy)), X)
    assert lazy.astype("float64")[:2].dtype == np.float64


@pytest.mark.parametrize("name", ["noisy", "mapped", "joined", "selected", "twice"])
def test_what_is_drawn_depends_on_the_sample_alone(name) -> None:
    lazy, address = LAZY[name], Address(3, 1)
    whole = lazy.take(np.arange(N), address)
    order = RNG.permutation(N)
    for some in np.array_split(order, 7):
        np.testing.assert_array_equal(lazy.take(some, address), whole[some])
    chosen = lazy.select(order[:9])
    np.testing.assert_array_equal(chosen.take(np.arange(9), address), whole[order[:9]])
    for other in (Address(4, 1), Address(3, 2), Address(3, 1, turn=1)):
        assert (lazy.take(order, other) != whole[order]).any()


def test_equal_numbers_in_joined_parts_are_other_samples() -> None:
    both = Joined([Noisy(np.zeros((4, 1))), Noisy(np.zeros((4, 1)))])
    assert len(np.unique(both.take(np.arange(8), Address(0, 0)))) == 8
    with pytest.raises(IndexError, match="8 samples"):
        both.take(np.array([8]))
    with pytest.raises(ValueError, match="can't follow"):
        Joined([np.zeros((2, 1)), np.zeros((2, 2))])
    assert isinstance(joined([np.zeros(1), np.zeros(1)]), np.ndarray)


def test_draws_are_even() -> None:
    drawn = Address(1, 0).draws(np.arange(100_000), "x") / 2.0**64
    counts = np.histogram(drawn, bins=20, range=(0, 1))[0]
    assert abs(counts - 5000).max() < 5 * np.sqrt(5000 * 0.95)
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.02


def lazy_dataset(**changes) -> Dataset:
    made = {"calls": 0}

    def flip(values, samples, address):
        made["calls"] += 1
        turned = np.zeros(len(samples), bool) if address is None else address.draws(samples, "flip") % 2 == 1
        return {name: np.where(turned[:, None, None], array[..., ::-1], array) for name, array in values.items()}

    group = MappedGroup({"image": X, "mask": X * 10}, flip)
    data = Dataset.from_arrays(group["image"], group["mask"], weight=np.arange(N) + 1.0, **changes)
    data.made = made
    return data


def fed(loader: Loader, epoch: int) -> list:
    return [(b.indices.tolist(), b.inputs["input"].tolist(), b.targets["output"].tolist(), b.weight.tolist()) for b in loader.epoch(epoch)]


def test_an_image_and_its_mask_are_one_draw() -> None:
    data = lazy_dataset().take(np.arange(N)[::-1])
    data.made = lazy_dataset().made
    turned = 0
    for batch in Loader(data, 8, seed=2):
        x, y = batch.inputs["input"], batch.targets["output"]
        torch.testing.assert_close(y, x * 10)
        turned += int((x[:, 0, 0] != torch.from_numpy(X[::-1].copy())[batch.indices][:, 0, 0]).sum())
    assert 10 < turned < 43
    counted = lazy_dataset()
    before = counted.made["calls"]
    Loader(counted, 8).gather(np.arange(8), Address(0, 0))
    assert counted.made["calls"] == before + 1


@pytest.mark.parametrize("shuffle", [False, True])
def test_workers_change_nothing_and_a_resumed_epoch_goes_on(shuffle) -> None:
    ways = [{"workers": count, "seed": 5, "shuffle": shuffle} for count in (0, 2, 4)]
    first, *others = (fed(Loader(lazy_dataset(), 8, **way), 1) for way in ways)
    assert all(other == first for other in others)
    assert fed(Loader(lazy_dataset(), 8, **ways[0]), 2) != first
    loader = Loader(lazy_dataset(), 8, **ways[1])
    loader.load_state_dict({"epoch": 1, "position": 3})
    assert fed(loader, 1) == first[3:]


def test_judging_and_predicting_draw_nothing() -> None:
    data = lazy_dataset()
    plain = Dataset.from_arrays(X, X * 10, weight=np.arange(N) + 1.0)
    model = lm.Model(lm.Sequential(lm.sequence(2, 3), [lm.Output(3, loss="mse", activation="identity")]), seed=1)
    assert model.evaluate(data).metrics == model.evaluate(plain).metrics
    np.testing.assert_array_equal(model.predict(data), model.predict(X))
    np.testing.assert_array_equal(model.predict(data.inputs["input"]), model.predict(X))
    run = model.fit(data, validation=0.2, epochs=2, batch_size=8, workers=2, progress=False)
    assert len(run.history) == 2


def test_preprocessing_is_done_batch_by_batch() -> None:
    raw = (X * 50).astype(np.float64)
    lazy, plain = Dataset.from_arrays(Noisy(raw), np.arange(N) % 2), Dataset.from_arrays(raw, np.arange(N) % 2)
    for scale in (Standardize(), Scale(0.5, 1.0)):
        ready, wanted = (Preprocessing.fit(plain, normalize=scale).prepare(one) for one in (lazy, plain))
        assert isinstance(ready.inputs["input"], LazyArray)
        assert ready.inputs["input"].dtype == np.float32
        np.testing.assert_array_equal(ready.inputs["input"][:], wanted.inputs["input"])
        fitted = Preprocessing.fit(lazy, normalize=scale)
        np.testing.assert_array_equal(fitted.prepare(lazy).inputs["input"][:], wanted.inputs["input"])
    assert ready.astype("float64").inputs["input"].dtype == np.float64
    assert ready.read(np.array([3, 4])).inputs["input"].shape == (2, 2, 3)
    assert ready.is_lazy
    assert not ready.read(np.array([3])).is_lazy


@pytest.mark.parametrize("workers", [0, 2])
def test_a_wrong_number_names_its_sample(workers) -> None:
    bad = X.copy()
    bad[17, 1, 2] = np.nan
    data = Dataset.from_arrays(Noisy(bad), X)
    with pytest.raises(DataError) as caught:
        list(Loader(data, 8, workers=workers))
    assert caught.value.code == "DA001"
    assert "input 'input', sample 17, at [1, 2]" in caught.value.problems[0].where


def test_lazy_targets_are_described_and_checked() -> None:
    classes = (np.arange(N * 6).reshape(N, 2, 3) % 4).astype(np.uint8)
    named = Dataset.from_arrays(X, Mapped(Noisy(classes), lambda values: values), ["a", "b", "c", "d"])
    assert named.schema.targets["output"].width == 4
    assert next(iter(Loader(named, 8, shuffle=False))).targets["output"].dtype == torch.int64
    with pytest.raises(DataError) as caught:
        Dataset.from_arrays(X, Noisy(classes))
    assert caught.value.code == "DA185"
    with pytest.raises(DataError, match=r"DA007.* sample 0: "):
        Dataset.from_arrays(X, Noisy(classes), ["a", "b", "c"])
    few = Dataset.from_arrays(X, Noisy(np.where(np.arange(N)[:, None, None] == 31, 3, classes % 3)), ["a", "b", "c"])
    with pytest.raises(DataError, match=r"DA007.* sample 31: "):
        list(Loader(few, 8))
    assert Dataset.from_arrays(X, InMemory(classes)).schema.targets["output"].width == 4
    assert Dataset.from_arrays(X, InMemory(np.arange(N) % 2)).targets["output"].dtype == np.int64


def test_checked_is_told_the_numbers() -> None:
    seen = []
    Checked(InMemory(X), lambda values, samples: seen.append(samples.tolist())).select(np.array([4, 2])).take(np.array([1]))
    assert seen == [[2]]

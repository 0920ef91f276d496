"""Every sample is held out once; classes, groups and time are kept as scikit-learn keeps them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import TimeSeriesSplit

from lamina.data.config import DataConfig, prepare
from lamina.data.dataset import Dataset
from lamina.data.folds import KFold
from lamina.errors import DataError, DescriptionError

RNG = np.random.default_rng(0)
N = 103
CLASSES = np.repeat([0, 1, 2], [60, 33, 10])
GROUPS = RNG.integers(0, 20, N)
TIMES = RNG.permutation(N)
DATA = Dataset.from_arrays(np.arange(N)[:, None], CLASSES).replace(groups=GROUPS, times=TIMES)


def held(split: KFold, seed: int = 1) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(f.train.inputs["input"][:, 0].astype(int), f.held.inputs["input"][:, 0].astype(int)) for f in split.folds_of(DATA, seed)]


@pytest.mark.parametrize("kind", ["plain", "stratified", "grouped"])
@pytest.mark.parametrize("folds", [2, 5, 7])
def test_every_sample_is_held_out_once(kind, folds) -> None:
    found = held(KFold(folds, kind=kind))
    assert len(found) == folds
    assert sorted(i for _, test in found for i in test) == list(range(N))
    for train, test in found:
        assert sorted([*train, *test]) == list(range(N))
        if kind != "grouped":
            assert N // folds <= len(test) <= N // folds + 1
        if kind == "stratified":
            for number, size in enumerate((60, 33, 10)):
                assert abs((CLASSES[test] == number).sum() - size / folds) < 1
        if kind == "grouped":
            assert not set(GROUPS[train]) & set(GROUPS[test])
            assert abs(len(test) - N / folds) <= np.bincount(GROUPS).max()
    again, other = held(KFold(folds, kind=kind)), held(KFold(folds, kind=kind), seed=2)
    assert all((a[1] == b[1]).all() for a, b in zip(found, again, strict=True))
    assert any(len(a[1]) != len(b[1]) or (a[1] != b[1]).any() for a, b in zip(found, other, strict=True))


def test_by_time_the_future_is_never_learned_from() -> None:
    order = np.argsort(TIMES)
    wanted = list(TimeSeriesSplit(6).split(order))
    for (train, test), (own, theirs) in zip(held(KFold(6, kind="time")), wanted, strict=True):
        assert TIMES[train].max() < TIMES[test].min()
        assert abs(len(test) - len(theirs)) <= 1
        assert abs(len(train) - len(own)) <= 6
    parts = KFold(6, kind="time", fold=2).parts(DATA, 0)
    assert TIMES[parts.unused].min() > TIMES[parts.validation].max()
    assert sorted([*parts.train, *parts.validation, *parts.unused]) == list(range(N))


def test_a_recipe_goes_through_the_folds() -> None:
    sizes = set()
    for fold in range(3):
        prepared = prepare(
            DataConfig.from_yaml(f"{{source: iris, split: {{type: fold, folds: 3, fold: {fold}, kind: stratified}}}}"), seed=4
        )
        sizes.add(prepared.validation.inputs["input"].sum())
        assert len(prepared.train) == 100
    assert len(sizes) == 3
    tested = prepare(DataConfig.from_yaml("{source: iris, split: {type: fold, part: test}}"), seed=4)
    assert (len(tested.test), tested.validation) == (30, None)


def test_what_can_not_be_folded_is_refused() -> None:
    few = DATA.take(np.arange(3))
    for split, data, code, said in (
        (KFold(5), few, "DA011", "folds: 3"),
        (KFold(5, kind="stratified"), DATA.take(np.arange(95)), "DA011", "rarest class"),
        (KFold(25, kind="grouped"), DATA, "DA011", "groups"),
        (KFold(5, kind="grouped"), DATA.replace(groups=None), "DA013", "group: COLUMN"),
        (KFold(5, kind="time"), DATA.replace(times=None), "DA013", "time: COLUMN"),
        (KFold(5, kind="stratified"), Dataset.from_arrays(np.ones((9, 1)), np.ones(9) / 3), "DA013", "kind: plain"),
    ):
        with pytest.raises(DataError) as caught:
            split.parts(data, 0)
        assert caught.value.code == code
        assert said in str(caught.value)
    with pytest.raises(DescriptionError, match="from 0 to 4"):
        KFold(5, fold=5)

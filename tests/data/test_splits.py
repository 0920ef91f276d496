"""Sizes, proportions, groups and time; what can't be split is refused with numbers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from lamina.data.config import DataConfig
from lamina.data.dataset import Dataset
from lamina.data.splits import GroupedSplit, PredefinedSplit, RandomSplit, TimeSplit
from lamina.errors import DataError, DescriptionError


def data(count: int, classes: np.ndarray | None = None) -> Dataset:
    return Dataset.from_arrays(np.arange(float(count))[:, None], np.zeros(count, dtype=int) if classes is None else classes)


@pytest.mark.parametrize("count", [10, 101, 1797])
@pytest.mark.parametrize(("validation", "test"), [(0.1, 0.2), (0, 0.3), (3, 2), (0.25, 1)])
def test_sizes_are_exact(count, validation, test) -> None:
    parts = RandomSplit(validation=validation, test=test).parts(data(count), 1)
    wanted = [size if isinstance(size, int) else round(size * count) for size in (validation, test)]
    assert [len(parts.validation), len(parts.test), len(parts.train)] == [*wanted, count - sum(wanted)]


def test_proportions_are_those_of_scikit_learn() -> None:
    classes = np.random.default_rng(0).choice(4, 1797, p=[0.5, 0.3, 0.15, 0.05])
    parts = RandomSplit(test=360, stratify=True).parts(data(1797, classes), 3)
    train, test = train_test_split(classes, test_size=360, stratify=classes, random_state=0)
    assert abs(np.bincount(classes[parts.test]) - np.bincount(test)).max() <= 1
    assert abs(np.bincount(classes[parts.train]) - np.bincount(train)).max() <= 1
    assert abs(np.bincount(classes[parts.test]) - np.bincount(classes) * 360 / 1797).max() < 1


def test_parts_are_a_function_of_the_seed() -> None:
    split = RandomSplit(validation=0.2)
    assert split.parts(data(50), 4).validation.tolist() == split.parts(data(50), 4).validation.tolist()
    assert split.parts(data(50), 4).validation.tolist() != split.parts(data(50), 5).validation.tolist()


@pytest.mark.parametrize("seed", range(20))
def test_no_group_is_in_two_parts(seed) -> None:
    groups = np.random.default_rng(seed).integers(0, 30, 300)
    parts = GroupedSplit(validation=0.2, test=0.1).parts(data(300).replace(groups=groups), seed)
    found = [set(groups[part]) for part in (parts.train, parts.validation, parts.test)]
    assert not found[0] & found[1] | found[0] & found[2] | found[1] & found[2]
    assert abs(len(parts.validation) - 60) <= 10
    assert abs(len(parts.test) - 30) <= 10


def test_the_latest_come_last() -> None:
    times = np.random.default_rng(2).permutation(40).astype(float)
    parts = TimeSplit(validation=0.25, test=5).parts(data(40).replace(times=times), 0)
    assert sorted(times[parts.test]) == list(range(35, 40))
    assert sorted(times[parts.validation]) == list(range(25, 35))


def test_data_may_say_it_themselves() -> None:
    part = np.array(["train", "test", "validation", "train"])
    parts = PredefinedSplit().parts(data(4).replace(part=part), 0)
    assert (parts.train.tolist(), parts.validation.tolist(), parts.test.tolist()) == ([0, 3], [2], [1])


@pytest.mark.parametrize(
    ("code", "words", "call"),
    [
        ("DA011", ["data.split.validation", "0.01 of 20", "validation: 2"], lambda: RandomSplit(validation=0.01).parts(data(20), 1)),
        ("DA011", ["10 for validation and 10 for test"], lambda: RandomSplit(validation=10, test=10).parts(data(20), 1)),
        (
            "DA011",
            ["class 1", "1 samples of this class", "stratify: false"],
            lambda: RandomSplit(test=0.5, stratify=True).parts(data(20, np.repeat([0, 1], [19, 1])), 1),
        ),
        ("DA013", ["stratify: false"], lambda: RandomSplit(test=0.5, stratify=True).parts(data(20, np.linspace(0, 1, 20)), 1)),
        ("DA013", ["group: COLUMN"], lambda: GroupedSplit(test=0.5).parts(data(20), 1)),
        ("DA013", ["time: COLUMN"], lambda: TimeSplit(test=0.5).parts(data(20), 1)),
        (
            "DA013",
            ["sample 1", "did you mean 'test'"],
            lambda: PredefinedSplit().parts(data(3).replace(part=np.array(["train", "tset", "test"])), 1),
        ),
        ("DA011", ["validation part"], lambda: PredefinedSplit().parts(data(2).replace(part=np.array(["train", "test"])), 1)),
        ("DA011", ["data.split"], lambda: GroupedSplit(test=0.5).parts(data(20).replace(groups=np.zeros(20)), 1)),
    ],
    ids=range(9),
)
def test_what_cannot_be_split_is_refused_with_numbers(code, words, call) -> None:
    with pytest.raises(DataError) as caught:
        call()
    assert caught.value.code == code
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_a_mapping_without_type_is_random() -> None:
    config = DataConfig.from_yaml("{source: iris, split: {validation: 0.1, stratify: true}}")
    assert config.split == RandomSplit(validation=0.1, stratify=True)
    assert config.has_validation
    assert not config.has_test
    with pytest.raises(DescriptionError, match="stratify"):
        DataConfig.from_yaml("{source: iris, split: {validation: 0.1, stratfy: true}}")

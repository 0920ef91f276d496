"""Counts of different values: exact while few, close while many, the same for any split."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lamina.data.statistics.distinct import Distinct
from lamina.data.statistics.frequencies import Frequencies
from lamina.data.statistics.hashing import number_hashes

RNG = np.random.default_rng(8)


def of(values: np.ndarray, kept: int = 1024) -> Distinct:
    made = Distinct(kept)
    for part in np.array_split(values, 3):
        made.add(number_hashes(part))
    return made


@pytest.mark.parametrize("many", [0, 1, 500, 1024, 1025, 50_000])
@pytest.mark.parametrize("parts", [1, 2, 7])
def test_merged_parts_are_the_whole(many: int, parts: int) -> None:
    values = np.concatenate([np.arange(many), np.arange(many // 2)])
    merged = Distinct(1024)
    for part in np.array_split(RNG.permutation(values), parts):
        merged.merge(Distinct().load_state_dict(json.loads(json.dumps(of(part).state_dict()))))
    assert merged.state_dict() == of(values).state_dict()
    assert merged.exact == (many <= 1024)
    if merged.exact:
        assert merged.count == many
        assert merged.error == 0
    else:
        assert abs(merged.count - many) / many < 4 * merged.error


def test_what_two_columns_share() -> None:
    small = of(np.arange(300)), of(np.arange(200, 900))
    assert small[0].shared(small[1]) == small[1].shared(small[0]) == 100
    large = of(np.arange(40_000)), of(np.arange(20_000, 60_000))
    assert abs(large[0].shared(large[1]) - 20_000) / 20_000 < 0.15
    assert small[0].shared(large[1]) == 0
    assert of(np.arange(0)).shared(small[0]) == 0


def test_all_counts_while_few() -> None:
    words = Frequencies(10)
    words.add(["a", "b"], [3, 1])
    words.add(["b", "c"], [1, 5])
    assert words.most() == [("c", 5), ("a", 3), ("b", 2)]
    assert words.exact
    assert words["b"] == 2
    assert words["z"] == 0
    assert Frequencies().load_state_dict(json.loads(json.dumps(words.state_dict()))).most() == words.most()


@pytest.mark.parametrize("parts", [1, 5])
def test_the_frequent_ones_to_the_stated_error(parts: int) -> None:
    ranks = np.minimum(RNG.zipf(1.3, 30_000), 5000)
    merged = Frequencies(200)
    for part in np.array_split(ranks, parts):
        own = Frequencies(200)
        for block in np.array_split(part, 4):
            values, counts = np.unique(block, return_counts=True)
            own.add([str(value) for value in values], counts.tolist())
        merged.merge(own)
    assert not merged.exact
    assert len(merged) <= 200
    assert merged.total == len(ranks)
    assert merged.error <= len(ranks) / 100
    values, counts = np.unique(ranks, return_counts=True)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        assert merged[str(value)] <= count <= merged[str(value)] + merged.error

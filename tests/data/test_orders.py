"""Orders are bijections known for any place at once; passes cut them into batches, whatever the shard and the position."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data import orders
from lamina.data.orders import Listed, Scattered, Straight, Through, ordered, shuffled
from lamina.data.passes import Passes
from lamina.data.sampling import Oversample, RandomSamples
from lamina.testing.data import sample_dataset


@given(st.integers(1, 3000), st.integers(0, 2**40))
@settings(max_examples=60, deadline=None)
def test_a_scattered_order_is_a_bijection(size, seed) -> None:
    order = Scattered(size, seed, "order", 1)
    whole = order.whole()
    np.testing.assert_array_equal(np.sort(whole), np.arange(size))
    some = np.arange(size)[::-2]
    np.testing.assert_array_equal(order.at(some), whole[some])


def test_a_scattered_order_is_even() -> None:
    counts = np.zeros((6, 6), dtype=int)
    for epoch in range(3000):
        counts[np.arange(6), Scattered(6, 1, "order", epoch).whole()] += 1
    assert abs(counts - 500).max() < 5 * np.sqrt(500 * 5 / 6)
    whole = Scattered(100_000, 3).whole()
    assert abs(np.corrcoef(whole, np.arange(100_000))[0, 1]) < 5 / np.sqrt(100_000)
    # Neighbours are as far apart as chance has it: a third of the whole on average.
    assert abs(np.abs(np.diff(whole)).mean() / 100_000 - 1 / 3) < 0.005


def test_many_places_are_not_drawn_as_a_whole() -> None:
    started = time.perf_counter()
    for seed in range(3):
        passes = Passes(50_000_000, 256, seed=seed)
        portion = next(passes.portions(4, 150_000))
        assert len(portion.samples) == 256
    assert time.perf_counter() - started < 3
    assert isinstance(shuffled(orders.LARGEST_SORTED + 1, 0), Scattered)
    assert isinstance(shuffled(100, 0), Listed)


def test_through_and_ordered() -> None:
    turned = Through(Listed(np.array([5, 5, 9]), np.array([0, 1, 0])), Listed(np.array([2, 1])))
    assert (turned.whole().tolist(), turned.turns(np.arange(2)).tolist(), turned.repeats) == ([9, 5], [0, 1], True)
    assert ordered(turned).whole().tolist() == [5, 9]
    assert ordered(turned).turns(np.arange(2)).tolist() == [1, 0]
    assert Straight(3).whole().tolist() == [0, 1, 2]


def made(**changes) -> Passes:
    data = sample_dataset()
    given = {"seed": 3, **changes}
    if "sampling" in given:
        given["drawing"] = given.pop("sampling").start(data, given["seed"])
    return Passes(len(data), given.pop("batch_size", 7), **given)


LENGTHS = np.random.default_rng(0).integers(1, 40, 101)
KINDS = {
    "plain": {"shuffle": False},
    "shuffled": {},
    "dropped": {"drop_last": True},
    "oversampled": {"sampling": Oversample()},
    "in order": {"sampling": Oversample(), "shuffle": False},
    "some": {"sampling": RandomSamples(0.4)},
    "buckets": {"lengths": LENGTHS, "window": 4},
    "one bucket": {"lengths": LENGTHS, "window": 100, "shuffle": False},
    "buckets dropped": {"lengths": LENGTHS, "window": 3, "drop_last": True},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ahead", [7, 4096])
def test_any_batch_is_the_same_from_any_position(kind, ahead, monkeypatch) -> None:
    monkeypatch.setattr("lamina.data.passes.AHEAD", ahead)
    passes = made(**KINDS[kind])
    whole = list(passes.portions(2, 0))
    assert len(whole) == passes.batches
    for first in range(passes.batches + 1):
        rest = list(made(**KINDS[kind]).portions(2, first))
        assert [(p.samples.tolist(), None if p.turns is None else p.turns.tolist()) for p in rest] == [
            (p.samples.tolist(), None if p.turns is None else p.turns.tolist()) for p in whole[first:]
        ]
    joined = np.concatenate([portion.samples for portion in whole])
    np.testing.assert_array_equal(joined, passes.whole(2)[: len(joined)])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [2, 3, 7])
def test_shards_share_out_what_the_whole_feeds(kind, count) -> None:
    if "dropped" in kind:
        pytest.skip("each shard drops its own last batch")
    whole = np.sort(made(**KINDS[kind]).whole(1))
    parts = [made(**KINDS[kind], shard=(rank, count)) for rank in range(count)]
    np.testing.assert_array_equal(np.sort(np.concatenate([part.whole(1) for part in parts])), whole)
    assert max(part.size for part in parts) - min(part.size for part in parts) <= 1


def test_buckets_hold_like_lengths_and_every_sample() -> None:
    plain, sorted_ = made(batch_size=8), made(batch_size=8, lengths=LENGTHS, window=100)
    spread = [sum(np.ptp(LENGTHS[p.samples]) for p in passes.portions(0, 0)) for passes in (plain, sorted_)]
    assert spread[1] < spread[0] / 4
    assert [len(p.samples) for p in sorted_.portions(0, 0)] == [8] * 12 + [5]
    means = [LENGTHS[p.samples].mean() for p in sorted_.portions(0, 0)]
    assert means != sorted(means)  # batches of one window are not fed from the shortest to the longest
    assert np.sort(sorted_.whole(0)).tolist() == list(range(101))
    dropped = set()
    for epoch in range(30):
        kept = made(batch_size=8, lengths=LENGTHS, window=100, drop_last=True).portions(epoch, 0)
        dropped |= set(range(101)) - {int(sample) for portion in kept for sample in portion.samples}
    assert np.mean(LENGTHS[list(dropped)]) == pytest.approx(LENGTHS.mean(), rel=0.2)

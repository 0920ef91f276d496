from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from lamina.engine.randomness import derive, generator, mix


def test_the_numbers_are_these_for_ever() -> None:
    # Changing any of them changes every trained model: golden values, to be kept.
    assert derive(0, "step") == int.from_bytes(hashlib.blake2b(b"i1:0s4:step", digest_size=8, person=b"lamina").digest(), "little")
    assert derive(7, "initial", "dense_1", "weight") == 13524176233818384036
    assert mix(0, 0) == 0xE220A8397B1DCDAF  # the first outputs of SplitMix64 seeded with 0
    assert mix(0, 2) == 0x06C45D188009454F


def test_parts_do_not_run_together() -> None:
    found = [derive(1, *parts) for parts in [("ab", "c"), ("a", "bc"), ("abc",), ("a", "b", "c"), ("1",), (1,), (-1,), ("",), ()]]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("seed", [0, -1, 2**63, 2**200])
def test_any_whole_number_is_a_seed(seed: int) -> None:
    value = derive(seed, "x", 3)
    assert 0 <= value < 2**64
    assert torch.equal(torch.rand(4, generator=generator(seed, "x", 3)), torch.rand(4, generator=generator(seed, "x", 3)))


def test_steps_have_seeds_of_their_own_that_look_random() -> None:
    base = derive(3, "step")
    seeds = np.array([mix(base, step) for step in range(20_000)], dtype=np.uint64)
    assert len(np.unique(seeds)) == len(seeds)
    bits = np.unpackbits(seeds.view(np.uint8)).reshape(len(seeds), 64).mean(0)
    assert np.abs(bits - 0.5).max() < 0.02

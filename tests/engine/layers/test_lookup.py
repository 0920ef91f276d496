"""Bins, lists and hashes against NumPy and Python's whole numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from lamina.engine.build import build
from lamina.errors import DataError, DescriptionError, ShapeError
from lamina.network import layers as L
from lamina.shapes import Features, Sequence, Shape, Tokens
from lamina.testing.layers import plan_of


def run(layer: L.Layer, shapes: tuple[Shape, ...], *inputs: Tensor) -> Tensor:
    names = [f"input_{number + 1}" for number in range(len(inputs))]
    y: Tensor = build(plan_of(layer, shapes), 3, dtype=torch.float64)(dict(zip(names, inputs, strict=True)))["tested"]
    assert layer.infer(shapes).matches(y.shape[1:])
    return y


def test_bins_are_numpys() -> None:
    x = torch.tensor([[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 2.0]], dtype=torch.float64)
    bounds = [0.0, 1.0, 2.0]
    expected = np.digitize(x.numpy(), bounds)
    tokens = run(L.Discretize(bounds), (Features(4),), x)
    assert tokens.dtype == torch.int64
    assert tokens.tolist() == expected.tolist() == [[0, 2, 3, 1], [1, 3, 2, 3]]
    hot = run(L.Discretize(bounds, output="one_hot"), (Features(4),), x)
    assert np.array_equal(hot.numpy(), np.eye(4)[expected])
    steps = run(L.Discretize(bounds), (Sequence(None, 1),), x[..., None])
    assert steps.tolist() == expected.tolist()
    pairs = run(L.Discretize(bounds, output="one_hot"), (Sequence(2, 2),), x.reshape(2, 2, 2))
    assert np.array_equal(pairs.numpy(), np.eye(4)[expected.reshape(2, 2, 2)].reshape(2, 2, 8))


def test_lists_say_where_a_number_stands() -> None:
    x = torch.tensor([[36, 12, 42, 7], [0, 1138, 1000, 12]])
    shape = (Tokens(4, vocabulary=2000),)
    assert run(L.IntegerLookup([12, 1138, 42]), shape, x).tolist() == [[0, 1, 3, 0], [0, 2, 0, 1]]
    # Two places for what is unknown, by even and odd; 0 means nothing.
    found = run(L.IntegerLookup([12, 1138, 42], unknown=2, mask_value=0), shape, x)
    assert found.tolist() == [[1, 3, 5, 2], [0, 4, 1, 3]]
    assert L.IntegerLookup([12, 1138, 42], unknown=2, mask_value=0).infer(shape) == Tokens(4, vocabulary=6)
    with pytest.raises(DataError, match="unknown: 1") as caught:
        run(L.IntegerLookup([12, 1138, 42], unknown=0), shape, x)
    assert caught.value.code == "EN012"


def mix(base: int, index: int) -> int:
    """SplitMix64, as published."""
    z = (base + (index + 1) * 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


@pytest.mark.parametrize("salt", [0, 1, 2**62 + 12345])
def test_hashes_are_splitmix(salt: int) -> None:
    x = torch.randint(0, 2**40, (3, 50), generator=torch.Generator().manual_seed(0))
    shape = (Tokens(None, vocabulary=2**40),)
    found = run(L.Hashing(37, salt=salt), shape, x)
    assert found.tolist() == [[(mix(salt, number) >> 1) % 37 for number in row] for row in x.tolist()]
    x[0, :3] = 5
    masked = run(L.Hashing(37, salt=salt, mask_value=5), shape, x)
    assert masked.tolist() == [[0 if n == 5 else 1 + (mix(salt, n) >> 1) % 36 for n in row] for row in x.tolist()]
    other = torch.randint(0, 9, (3, 50), generator=torch.Generator().manual_seed(1))
    crossed = run(L.HashedCrossing(64, salt=salt), (*shape, Tokens(None, vocabulary=9)), x, other)
    pairs = zip(x.flatten().tolist(), other.flatten().tolist(), strict=True)
    assert crossed.flatten().tolist() == [(mix(mix(salt, a), b) >> 1) % 64 for a, b in pairs]


def test_hashes_stay_what_they_were_and_spread_evenly() -> None:
    # Written down once: a network that was trained with them must find the same.
    assert run(L.Hashing(1000), (Tokens(4, vocabulary=9),), torch.arange(4)[None]).tolist() == [HASHED]
    counts = Counter(run(L.Hashing(10), (Tokens(None, vocabulary=10000),), torch.arange(10000)[None])[0].tolist())
    assert min(counts.values()) > 900
    assert max(counts.values()) < 1100


HASHED = [767, 850, 839, 222]


def test_numbers_to_tokens_to_vectors_in_one_network() -> None:
    import lamina as lm

    net = lm.Sequential(lm.features(3), [L.Discretize([0.0, 1.0]), L.OneHot("counts"), lm.Output(2)])
    model = lm.Model(net)
    assert model.network(torch.tensor([[0.5, -1.0, 2.0]]))["output_1"].shape == (1, 2)


@pytest.mark.parametrize(
    ("make", "fix"),
    [
        (lambda: L.Discretize([1.0, 0.0]), "boundaries: [0.0, 1.0]"),
        (lambda: L.Discretize([]), "boundaries: [0.0]"),
        (lambda: L.IntegerLookup([3, 3, 1]), "vocabulary: [1, 3]"),
        (lambda: L.IntegerLookup([3, 1], mask_value=1), "vocabulary: [3]"),
    ],
)
def test_settings_that_mean_nothing_are_refused(make: Callable[[], L.Layer], fix: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        make()
    assert fix in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "shapes", "code", "fix"),
    [
        (L.Discretize([0.0]), (Sequence(4, 2),), "NN001", "output: one_hot"),
        (L.IntegerLookup([3, 8001]), (Tokens(4, vocabulary=100),), "NN008", "vocabulary: 8002"),
        (L.IntegerLookup([-1, 3]), (Tokens(4, vocabulary=100),), "NN008", "remove the negative"),
        (L.HashedCrossing(8), (Tokens(4, vocabulary=5), Tokens(3, vocabulary=5)), "NN003", "one length"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(layer: L.Layer, shapes: tuple[Shape, ...], code: str, fix: str) -> None:
    with pytest.raises(ShapeError) as caught:
        layer.infer(shapes)
    assert caught.value.code == code
    assert fix in str(caught.value)

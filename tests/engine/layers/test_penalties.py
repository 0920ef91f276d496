"""What layers add to the loss, wherever they stand: within other layers, before masks, in pieces; against sums written out."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

import lamina as lm
from lamina.engine.build import build
from lamina.engine.masks import Masks
from lamina.engine.network import NetworkModule
from lamina.network.layers import GRU, ActivityPenalty, Conditional, Dense, GlobalAvgPool, Layer, Loop, Nested, Repeat, TimeDistributed
from lamina.shapes import Features, Sequence, Shape

PRICE = ActivityPenalty(l2=1.0)
X = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
FILMS = torch.randn(4, 6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
MASK = torch.arange(6)[None, :] < torch.tensor([6, 2, 4, 2])[:, None]


def built(layer: Layer, shape: Shape) -> NetworkModule:
    return build(lm.Sequential(shape, [layer.replace(name="box"), lm.Output(1, loss="mse")]).resolve(), 4, dtype=torch.float64).train()


def added(network: NetworkModule, x: Tensor, masks: Masks | None = None, weight: Tensor | None = None) -> Tensor:
    """What the layers add: the difference between the losses in training and outside, of a network without noise."""
    (shape,) = network.plan.output_shapes.values()
    target = torch.zeros(*x.shape[: len(shape.dims)], 1, dtype=torch.float64)
    with_them = network.train().loss(x, target, weight, masks)
    return with_them - network.eval().loss(x, target, weight, masks)


def dense(network: NetworkModule, name: str, x: Tensor) -> Tensor:
    tensors = network.tensors()
    return x @ tensors[f"{name}/weight"].T + tensors[f"{name}/bias"]


def squares(x: Tensor) -> Tensor:
    return x.square().flatten(1).sum(1)


@pytest.mark.parametrize("weight", [None, torch.tensor([1.0, 0.0, 2.0, 0.5, 1.0])])
def test_of_two_ways_each_sample_pays_for_its_own(weight: Tensor | None) -> None:
    network = built(Conditional(Dense(1), then=[Dense(2), PRICE], otherwise=[Dense(2), ActivityPenalty(l1=0.5)]), Features(3))
    holds = dense(network, "box/condition/dense_1", X)[:, 0] > 0
    assert 0 < holds.sum() < len(X)
    then, other = dense(network, "box/then/dense_1", X), dense(network, "box/otherwise/dense_1", X)
    each = torch.where(holds, squares(then), 0.5 * other.abs().sum(1))
    wanted = each.mean() if weight is None else (each * weight).sum() / weight.sum()
    torch.testing.assert_close(added(network, X, weight=weight), wanted)


def test_a_loop_pays_for_every_turn_until_it_ends() -> None:
    network = built(Loop([Dense(3), PRICE], condition=Dense(1), times=3), Features(3))
    wanted, x, going = torch.zeros(5, dtype=torch.float64), X, torch.ones(5, dtype=torch.bool)
    for _ in range(3):
        going = going & (dense(network, "box/condition/dense_1", x)[:, 0] > 0)
        x = torch.where(going[:, None], dense(network, "box/dense_1", x), x)
        wanted = wanted + torch.where(going, squares(x), 0.0)
    assert (wanted > 0).any()
    torch.testing.assert_close(added(network, X), wanted.mean())


def test_repeating_pays_each_time() -> None:
    network = built(Repeat([Dense(3), PRICE], times=2), Features(3))
    one = dense(network, "box/dense_1", X)
    torch.testing.assert_close(added(network, X), (squares(one) + squares(dense(network, "box/dense_1", one))).mean())


@pytest.mark.parametrize("masked", [False, True])
def test_every_real_step_pays(masked: bool) -> None:
    network = built(TimeDistributed([Dense(2), PRICE]), Sequence(steps=None, features=3))
    y = dense(network, "box/dense_1", FILMS)
    masks, real = (Masks({"input": MASK}), MASK) if masked else (None, torch.ones_like(MASK))
    wanted = squares(y * real[:, :, None]).mean()
    torch.testing.assert_close(added(network, FILMS, masks, torch.ones(4, dtype=torch.float64)), wanted)


def test_sequences_of_different_lengths_pay_what_each_pays_alone() -> None:
    layer = Conditional([GlobalAvgPool(), Dense(1)], then=[GRU(3), PRICE])
    network, open_ended = (built(layer, Sequence(steps=steps, features=3)) for steps in (6, None))
    alone = [added(open_ended, FILMS[row : row + 1, : int(MASK[row].sum())]) for row in range(4)]
    assert len({float(value.detach() > 0) for value in alone}) == 2, "both ways are taken"
    torch.testing.assert_close(added(network, FILMS, Masks({"input": MASK})), torch.stack(alone).mean())


def test_pieces_pay_too() -> None:
    network = built(Nested([GRU(2), PRICE]), Sequence(steps=None, features=3))
    zero = torch.zeros((), dtype=torch.float64)
    state, paid = network.start_state(4), zero
    for start in (0, 2):
        _, _, state = network.advance(FILMS[:, start : start + 2 + start], state)
        paid = paid + network.penalized(zero)
    torch.testing.assert_close(paid, added(network, FILMS))


def test_a_network_can_be_copied_between_loss_and_update() -> None:
    network = built(Nested([Dense(2), PRICE]), Features(3))
    added(network.train(), X)
    twin = copy.deepcopy(network)
    torch.testing.assert_close(added(twin, X), added(network, X))

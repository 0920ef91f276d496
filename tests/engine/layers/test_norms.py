"""Normalisations against torch's modules; of sequences of different lengths, only real steps count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import lamina as lm
from lamina import layers as L
from lamina.engine.build import build
from lamina.engine.network import NetworkModule
from lamina.errors import ShapeError
from lamina.network.layers import Layer
from lamina.shapes import Features, Image, Sequence, Shape, Volume
from lamina.testing.layers import plan_of

F64 = torch.float64
STEPS = Sequence(steps=None, features=4)
MASK = torch.tensor([[True, True, False, False, False], [True] * 5, [False, True, True, True, False]])


def made(layer: Layer, shape: Shape) -> NetworkModule:
    network = build(plan_of(layer, (shape,)), seed=5, dtype=F64)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return network


def run(network: NetworkModule, x: Tensor, mask: Tensor | None = None) -> Tensor:
    return network.run({"input_1": x}, None if mask is None else {"input_1": mask})[0][0].detach()


def drawn(*sizes: int) -> Tensor:
    return torch.randn(sizes, generator=torch.Generator().manual_seed(1), dtype=F64) * 2 + 1


def given(network: NetworkModule, module: Any) -> Any:
    """The torch module with the network's weights."""
    module.load_state_dict({name.rpartition("/")[2]: v.detach() for name, v in network.tensors().items()}, strict=False)
    return module


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        (Features(4), (3, 4)),
        (Image(channels=4, height=3, width=2), (3, 4, 3, 2)),
        (Volume(channels=4, depth=2, height=3, width=2), (3, 4, 2, 3, 2)),
    ],
)
def test_group_norm_is_that_of_torch(shape: Shape, sizes: tuple[int, ...]) -> None:
    network, x = made(L.GroupNorm(2, epsilon=1e-3), shape), drawn(*sizes)
    torch.testing.assert_close(run(network, x), given(network, nn.GroupNorm(2, 4, eps=1e-3, dtype=F64))(x).detach())


def test_group_norm_of_sequences_is_over_their_real_steps() -> None:
    network, x = made(L.GroupNorm(2), STEPS), drawn(3, 5, 4)
    theirs = given(network, nn.GroupNorm(2, 4, dtype=F64))
    torch.testing.assert_close(run(network, x), theirs(x.mT).mT.detach())
    y = run(network, x, MASK)
    for row, mask in enumerate(MASK):
        torch.testing.assert_close(y[row, mask], theirs(x[row, mask].T[None])[0].T.detach())
    lonely = made(L.GroupNorm(2, scale=False), Image(channels=4, height=3, width=2))
    plain = nn.GroupNorm(2, 4, affine=False, dtype=F64)(drawn(2, 4, 3, 2))
    torch.testing.assert_close(run(lonely, drawn(2, 4, 3, 2)), plain + lonely.tensors()["tested/bias"].detach()[:, None, None])


@pytest.mark.parametrize("running", [False, True])
def test_instance_norm_is_that_of_torch(running: bool) -> None:
    layer = L.InstanceNorm(running=running, momentum=0.3)
    network = made(layer, Image(channels=4, height=3, width=2))
    theirs = given(network, nn.InstanceNorm2d(4, affine=True, momentum=0.3, track_running_stats=running, dtype=F64))
    x = drawn(3, 4, 3, 2)
    network.train()
    theirs.train()
    for scale in (1.0, 2.0):
        torch.testing.assert_close(run(network, scale * x), theirs(scale * x).detach())
    network.eval()
    theirs.eval()
    torch.testing.assert_close(run(network, x), theirs(x).detach())


def test_running_statistics_of_sequences_are_those_of_the_real_steps() -> None:
    network, x = made(L.InstanceNorm(running=True), STEPS), drawn(3, 5, 4)
    run(network.train(), x, MASK)
    alone = [x[row, mask].numpy() for row, mask in enumerate(MASK)]
    found = {name.rpartition("/")[2]: v.numpy() for name, v in network.tensors().items() if "running" in name}
    np.testing.assert_allclose(found["running_mean"], 0.1 * np.mean([a.mean(0) for a in alone], 0))
    np.testing.assert_allclose(found["running_var"], 0.9 + 0.1 * np.mean([a.var(0, ddof=1) for a in alone], 0))


@pytest.mark.parametrize("layer", [L.InstanceNorm(), L.InstanceNorm(running=True)])
def test_instance_norm_of_sequences_is_over_their_real_steps(layer: Layer) -> None:
    network, x = made(layer, STEPS).train(), drawn(3, 5, 4)
    theirs = given(network, nn.InstanceNorm1d(4, affine=True, track_running_stats=bool(layer.buffers((STEPS,))), dtype=F64)).train()
    y = run(network, x, MASK)
    for row, mask in enumerate(MASK):
        torch.testing.assert_close(y[row, mask], theirs(x[row, mask].T[None])[0].T.detach())


def test_rms_norm_is_that_of_torch() -> None:
    network, x = made(L.RMSNorm(), STEPS), drawn(3, 5, 4)
    torch.testing.assert_close(run(network, x), given(network, nn.RMSNorm(4, eps=1e-6, dtype=F64))(x).detach())
    network, x = made(L.RMSNorm(bias=True), Image(channels=4, height=3, width=2)), drawn(3, 4, 3, 2)
    values = {name.rpartition("/")[2]: v.detach().numpy()[:, None, None] for name, v in network.tensors().items()}
    wanted = x.numpy() / np.sqrt((x.numpy() ** 2).mean(1, keepdims=True) + 1e-6) * values["weight"] + values["bias"]
    np.testing.assert_allclose(run(network, x).numpy(), wanted)


def test_unit_norm_makes_length_one() -> None:
    x = drawn(3, 5, 4)
    np.testing.assert_allclose(run(made(L.UnitNorm(), STEPS), x).numpy(), x.numpy() / np.linalg.norm(x.numpy(), axis=-1, keepdims=True))
    assert torch.equal(run(made(L.UnitNorm(), STEPS), 0 * x), 0 * x)


def test_batch_norm_learns_from_real_steps_only() -> None:
    network, x = made(L.BatchNorm(), STEPS).train(), drawn(3, 5, 4)
    theirs = given(network, nn.BatchNorm1d(4, dtype=F64)).train()
    x[~MASK] = 1e6
    y = run(network, x, MASK)
    torch.testing.assert_close(y[MASK], theirs(x[MASK]).detach())
    tensors = network.tensors()
    torch.testing.assert_close(tensors["tested/running_mean"], theirs.running_mean)
    torch.testing.assert_close(tensors["tested/running_var"], theirs.running_var)
    assert torch.equal(y[~MASK], torch.zeros_like(y[~MASK]))


def test_groups_divide_the_channels() -> None:
    with pytest.raises(ShapeError, match="(?s)NN008.*set groups to one of 1, 2, 4"):
        L.GroupNorm(3).infer((Image(channels=4, height=3, width=2),))


def test_a_biased_running_variance_follows_that_of_the_batch_itself() -> None:
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for variance, wanted in (("unbiased", x.var(0)), ("biased", x.var(0, unbiased=False))):
        plan = lm.Sequential(lm.features(3), [lm.BatchNorm(momentum=0.1, variance=variance)]).resolve()
        network = build(plan, 0, dtype=torch.float64).train()
        network.run({"input": x})
        running = next(value for name, value in network.named_buffers() if name.endswith("running_var"))
        torch.testing.assert_close(running, 0.9 + 0.1 * wanted)

"""Squeeze and excitation, factors for features, class tokens: against torch's modules and NumPy, with the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lamina.engine.build import build
from lamina.engine.network import NetworkModule
from lamina.network.layers import ClassToken, ElementwiseMultiplication, FirstStep, Layer, SqueezeExcite
from lamina.shapes import Features, Image, Sequence, Shape
from lamina.testing.layers import plan_of

F64 = torch.float64


def made(layer: Layer, shape: Shape) -> NetworkModule:
    network = build(plan_of(layer, (shape,)), seed=5, dtype=F64).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return network


def run(network: NetworkModule, x: Tensor) -> Tensor:
    return network.scores(x)[0].detach()


def weights(network: NetworkModule) -> dict[str, Tensor]:
    return {name.rpartition("/")[2]: value.detach() for name, value in network.tensors().items()}


@pytest.mark.parametrize("bias", [True, False])
def test_squeeze_excite_is_pooling_and_two_convolutions(bias: bool) -> None:
    torch.manual_seed(1)
    network = made(
        SqueezeExcite(3, activation="silu", gate={"type": "hard_sigmoid", "slope": 1 / 6}, bias=bias), Image(channels=5, height=4, width=6)
    )
    given = weights(network)
    reduce, expand = nn.Conv2d(5, 3, 1, bias=bias, dtype=F64), nn.Conv2d(3, 5, 1, bias=bias, dtype=F64)
    for name, conv in (("reduce", reduce), ("expand", expand)):
        conv.weight.data = given[f"{name}_weight"][:, :, None, None]
        if bias:
            conv.bias.data = given[f"{name}_bias"]
    theirs = nn.Sequential(nn.AdaptiveAvgPool2d(1), reduce, nn.SiLU(), expand, nn.Hardsigmoid())
    x = torch.randn(2, 5, 4, 6, dtype=F64)
    torch.testing.assert_close(run(network, x), x * theirs(x).detach())


def test_squeeze_excite_of_sequences_takes_the_mean_over_steps() -> None:
    network = made(SqueezeExcite(2), Sequence(steps=None, features=3))
    given = {name: value.numpy() for name, value in weights(network).items()}
    x = np.random.default_rng(2).normal(size=(2, 7, 3))
    squeezed = np.maximum(x.mean(1) @ given["reduce_weight"].T + given["reduce_bias"], 0)
    factors = 1 / (1 + np.exp(-(squeezed @ given["expand_weight"].T + given["expand_bias"])))
    torch.testing.assert_close(run(network, torch.from_numpy(x)), torch.from_numpy(x * factors[:, None, :]))


@pytest.mark.parametrize("shape", [Features(3), Sequence(steps=4, features=3), Image(channels=3, height=2, width=5)])
def test_each_feature_has_its_factor_and_bias(shape: Shape) -> None:
    network = made(ElementwiseMultiplication(activation="tanh"), shape)
    given = {name: value.numpy() for name, value in weights(network).items()}
    x = np.random.default_rng(3).normal(size=(2, *(d or 1 for d in shape.dims)))
    axis = 1 if isinstance(shape, Image) else -1
    expected = np.moveaxis(np.tanh(np.moveaxis(x, axis, -1) * given["weight"] + given["bias"]), -1, axis)
    torch.testing.assert_close(run(network, torch.from_numpy(x)), torch.from_numpy(expected))


def test_factors_start_as_asked() -> None:
    network = build(plan_of(ElementwiseMultiplication(1e-6, bias=False), (Features(4),)), seed=1)
    assert [value.tolist() for value in network.parameters()] == [[pytest.approx(1e-6)] * 4]


def test_the_token_stands_before_the_first_step_and_comes_out_again() -> None:
    network = made(ClassToken(), Sequence(steps=None, features=3))
    x = torch.randn(2, 4, 3, dtype=F64)
    y = run(network, x)
    assert torch.equal(y[:, 1:], x)
    assert torch.equal(y[:, 0], weights(network)["weight"].expand(2, 3))
    assert torch.equal(run(made(FirstStep(), Sequence(steps=5, features=3)), y), y[:, 0])

"""The contract suite of layers: gradients number by number, and that it notices what is wrong."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

import lamina.network.layers  # noqa: F401 (fills the registry)
from lamina.engine.layers.dense import DenseModule
from lamina.engine.layers.dropout import DropoutModule
from lamina.engine.layers.normalization import BatchNormModule
from lamina.network.layers import BatchNorm, Dense, Dropout
from lamina.network.layers.layer import Layer
from lamina.shapes import Features
from lamina.spec import registry
from lamina.testing.layers import check_gradients, check_layer

MOST = 1500
"""Numbers in weights and inputs beyond which comparing each takes minutes; the contract then compares along random directions."""


def numbers(layer: Layer, shapes: tuple[Any, ...]) -> int:
    sizes = [math.prod(parameter.shape) for parameter in layer.parameters(shapes).values()]
    return sum(sizes) + 3 * sum(math.prod(d or 5 for d in shape.dims) for shape in shapes)


FIRST = [
    pytest.param(*example, id=name)
    for name, kind in registry.components("layer")
    if kind.examples() and (example := kind.examples()[0])[0].surroundings(example[1]) is None and numbers(*example) <= MOST
]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    # Tensors of a few numbers: threads would only wait for each other.
    torch.set_num_threads(1)


def test_nearly_all_layers_are_compared_number_by_number() -> None:
    assert len(FIRST) > 0.9 * len(list(registry.components("layer")))


@pytest.mark.slow
@pytest.mark.parametrize(("layer", "shapes"), FIRST)
def test_every_number_of_every_gradient(layer: Layer, shapes: tuple[Any, ...]) -> None:
    check_gradients(layer, shapes, full=True)


SHAPES = (Features(4),)


class Detached(torch.autograd.Function):
    """Right forward, wrong backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 1.0

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * 1.01


def _wider(self: Any, x: Tensor) -> Tensor:
    return torch.cat((x, x), -1)


def _wrong_gradient(self: Any, x: Tensor) -> Tensor:
    return Detached.apply(x @ self.weight.T)


def _sees_others(self: Any, x: Tensor) -> Tensor:
    return (x - x.mean(0)) @ self.weight.T


def _always_random(self: Any, x: Tensor) -> Tensor:
    return x @ self.weight.T + torch.randn(())


def _in_float32(self: Any, x: Tensor) -> Tensor:
    return (x.float() @ self.weight.float().T).float()


@pytest.mark.parametrize(
    ("wrong", "promise"),
    [
        (_wider, "inferred"),
        (_wrong_gradient, "Jacobian|gradient"),
        (_sees_others, "samples don't see each other"),
        (_always_random, "same but for rounding"),
        (_in_float32, "float64 gives float64"),
    ],
)
def test_it_notices_a_wrong_computation(monkeypatch: pytest.MonkeyPatch, wrong: Any, promise: str) -> None:
    monkeypatch.setattr(DenseModule, "compute", wrong)
    with pytest.raises((AssertionError, RuntimeError), match=promise):
        check_layer(Dense(3), SHAPES)


def test_it_notices_parameters_that_are_not_described(monkeypatch: pytest.MonkeyPatch) -> None:
    real = DenseModule.__init__

    def more(self: Any, node: Any) -> None:
        real(self, node)
        self.extra = torch.nn.Parameter(torch.zeros(2))

    monkeypatch.setattr(DenseModule, "__init__", more)
    with pytest.raises(AssertionError, match="parameters are as described"):
        check_layer(Dense(3), SHAPES)


def test_it_notices_state_that_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    real = BatchNormModule.compute

    def counting(self: Any, x: Tensor) -> Tensor:
        self.seen = getattr(self, "seen", 0) + self.training
        return real(self, x) * (1 + self.seen)

    monkeypatch.setattr(BatchNormModule, "compute", counting)
    with pytest.raises((AssertionError, RuntimeError), match="kept and loaded|Jacobian"):
        check_layer(BatchNorm(), SHAPES)


def test_it_notices_noise_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DropoutModule, "forward", lambda self, x: x)
    with pytest.raises(AssertionError, match="draws in training"):
        check_layer(Dropout(0.5), SHAPES)


def test_it_notices_first_values_that_are_not_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DenseModule, "initialize", lambda self, seed: torch.nn.init.constant_(self.weight, torch.nan))
    with pytest.raises(AssertionError, match="finite"):
        check_layer(Dense(3, bias=False), SHAPES)

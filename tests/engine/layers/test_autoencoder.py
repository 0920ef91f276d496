"""Denoising autoencoders against a hand-written computation in NumPy float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from lamina.engine.build import build
from lamina.engine.layers.autoencoder import AutoEncoderModule
from lamina.errors import DataError, LaminaError, ShapeError
from lamina.network.layers import AutoEncoder
from lamina.network.losses import BinaryCrossEntropy
from lamina.shapes import Features
from lamina.testing.layers import plan_of


def made(width: int = 5, units: int = 3, **settings: Any) -> AutoEncoderModule:
    module = build(plan_of(AutoEncoder(units, **settings), (Features(width),)), 5, dtype=torch.float64).layers[0]
    for parameter in module.parameters():
        parameter.data.normal_(generator=torch.Generator().manual_seed(1))
    assert isinstance(module, AutoEncoderModule)
    return module


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_the_loss_is_that_of_the_clean_input_from_the_corrupted_one() -> None:
    module = made(corruption=0.4, sparsity=0.2, sparsity_weight=0.7)
    w, b, c = (module.get_parameter(name).detach().numpy() for name in ("weight", "bias", "visible_bias"))
    x = np.random.default_rng(0).random((6, 5))
    torch.manual_seed(4)
    loss = module.pretrain_loss(torch.tensor(x))
    torch.manual_seed(4)
    seen = x * (torch.rand(6, 5, dtype=torch.float64).numpy() >= 0.4)
    code = sigmoid(seen @ w.T + b)
    back = sigmoid(code @ w + c)
    wanted = -(x * np.log(back) + (1 - x) * np.log(1 - back)).mean(1)
    mean = code.mean(0)
    wanted = wanted + 0.7 * (0.2 * np.log(0.2 / mean) + 0.8 * np.log(0.8 / (1 - mean))).mean()
    np.testing.assert_allclose(loss.detach(), wanted, rtol=1e-10)
    np.testing.assert_allclose(module(torch.tensor(x)).detach(), sigmoid(x @ w.T + b), rtol=1e-12)


def test_reconstructions_and_errors_are_those_of_the_uncorrupted_input() -> None:
    module = made(loss="mse", activation="tanh", decoder_activation="identity", bias=False)
    w = module.weight.detach().numpy()
    x = np.random.default_rng(0).normal(size=(6, 5))
    back = np.tanh(x @ w.T) @ w
    np.testing.assert_allclose(module.reconstruct(torch.tensor(x)).detach(), back, rtol=1e-10)
    np.testing.assert_allclose(module.error(torch.tensor(x)).detach(), ((back - x) ** 2).mean(1), rtol=1e-10)


def test_gradients_flow_through_both_uses_of_the_tied_weights() -> None:
    module = made(corruption=0.0, loss="mse", activation="tanh")
    x = torch.rand(4, 5, dtype=torch.float64)
    torch.autograd.gradcheck(lambda *_: module.pretrain_loss(x), tuple(module.parameters()))


def test_values_the_loss_cannot_judge() -> None:
    with pytest.raises(DataError, match=r"(?s)EN100.*sample 1, value 0.*from 0 to 1.*-0.5.*loss: mse"):
        made(width=2).check_inputs(torch.tensor([[0.0, 1.0], [-0.5, 1.0]]))
    made(width=2, loss="mse").check_inputs(torch.tensor([[0.0, 1.0], [-0.5, 1.0]]))
    with pytest.raises(DataError, match="EN100"):
        made(width=2, loss="poisson").check_inputs(torch.tensor([[0.0, -1.0]]))


@pytest.mark.parametrize("settings", [{"loss": "cross_entropy"}, {"loss": "hinge"}, {"sparsity": 0.1, "activation": "tanh"}])
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(LaminaError, match="SP004"):
        AutoEncoder(3, **settings)


def test_weights_of_the_loss_must_fit_the_input() -> None:
    with pytest.raises(ShapeError, match="NN070"):
        AutoEncoder(3, loss=BinaryCrossEntropy(weights=[1.0, 2.0])).infer((Features(5),))

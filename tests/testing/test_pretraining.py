"""The contract of layers that learn without targets notices what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from lamina.engine.layers.autoencoder import AutoEncoderModule
from lamina.engine.layers.rbm import RBMModule
from lamina.network.layers import RBM, AutoEncoder
from lamina.shapes import Features
from lamina.testing.pretraining import check_pretraining


def broken(layer: Any, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check_pretraining(layer, (Features(4),))


def test_a_loss_for_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = AutoEncoderModule.pretrain_loss
    monkeypatch.setattr(AutoEncoderModule, "pretrain_loss", lambda self, x: loss(self, x).mean())
    broken(AutoEncoder(3), "one finite number for each sample")


def test_a_parameter_that_does_not_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AutoEncoderModule, "decode", lambda self, code: code @ self.weight)
    broken(AutoEncoder(3), "visible_bias learns")


def test_a_gradient_of_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = AutoEncoderModule.pretrain_loss

    def other(self: AutoEncoderModule, x: Tensor) -> Tensor:
        value: Tensor = loss(self, x)
        return value + (value * 0.5 - (value * 0.5).detach())

    monkeypatch.setattr(AutoEncoderModule, "pretrain_loss", other)
    with pytest.raises(RuntimeError, match="Jacobian"):
        check_pretraining(AutoEncoder(3), (Features(4),))


def test_a_step_in_the_wrong_direction(monkeypatch: pytest.MonkeyPatch) -> None:
    surrogate = RBMModule._surrogate
    monkeypatch.setattr(RBMModule, "_surrogate", lambda self, visible: -surrogate(self, visible))
    broken(RBM(3), "makes what is shown as its loss smaller")


def test_draws_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    loss, own = AutoEncoderModule.pretrain_loss, torch.Generator().manual_seed(0)
    monkeypatch.setattr(AutoEncoderModule, "pretrain_loss", lambda self, x: loss(self, x) + torch.rand(len(x), generator=own))
    broken(AutoEncoder(3), "the same seed")


def test_anything_goes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AutoEncoderModule, "check_inputs", lambda self, x, first=0: None)
    broken(AutoEncoder(3), "refused")


def test_values_that_are_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RBMModule, "wrong_inputs", lambda self, x: None)
    broken(RBM(3), "-1.0 is refused where it must be values from 0 to 1")

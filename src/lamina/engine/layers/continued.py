"""Recurrent layers that are told where sequences begin."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import ParametricModule, runs
from lamina.network.layers.continued import ContinuedLSTM, ContinuedRNN


@runs(ContinuedLSTM)
class ContinuedLSTMModule(ParametricModule):
    """Step by step; the products with the input are made for all steps at once."""

    weight_ih: Tensor
    bias_ih: Tensor
    weight_hh: Tensor

    def compute(self, x: Tensor, goes_on: Tensor, static: Tensor | None = None) -> Tensor:
        fed = self._fed(x, static)
        h = x.new_zeros((x.shape[0], self.weight_hh.shape[1]))
        c, outputs = h, []
        for step in range(x.shape[1]):
            s = goes_on[:, step]
            i, f, g, o = (fed[:, step] + F.linear(s * h, self.weight_hh)).chunk(4, 1)
            c = s * torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            outputs.append(h)
        return torch.stack(outputs, 1)

    def _fed(self, x: Tensor, static: Tensor | None) -> Tensor:
        fed = F.linear(x, self.weight_ih, self.bias_ih)
        weight = self._parameters.get("weight_static")
        return fed if static is None or weight is None else fed + F.linear(static, weight)[:, None]


@runs(ContinuedRNN)
class ContinuedRNNModule(ContinuedLSTMModule):
    """The same with one gate and an output of its own."""

    weight_ho: Tensor
    bias_ho: Tensor

    def compute(self, x: Tensor, goes_on: Tensor, static: Tensor | None = None) -> Tensor:
        fed = self._fed(x, static)
        h, outputs = x.new_zeros((x.shape[0], self.weight_hh.shape[1])), []
        for step in range(x.shape[1]):
            h = torch.tanh(fed[:, step] + F.linear(goes_on[:, step] * h, self.weight_hh))
            outputs.append(h)
        return torch.tanh(F.linear(torch.stack(outputs, 1), self.weight_ho, self.bias_ho))

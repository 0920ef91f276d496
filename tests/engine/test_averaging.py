"""Averages against torch.optim.swa_utils."""

from __future__ import annotations

import copy
import warnings
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from lamina.engine.averaging import Average
from lamina.engine.build import build
from lamina.engine.foreign import ForeignNetwork
from lamina.engine.parameters import FlatParameters
from lamina.engine.precision import Precision
from lamina.engine.statistics import estimate_statistics, has_statistics
from lamina.learning import Averaging, Ema, Swa
from lamina.network.layers import BatchNorm, Dense, Output
from lamina.network.sequential import Sequential
from lamina.shapes import Features


def module() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2)).double()


def data(number: int) -> torch.Tensor:
    return torch.randn(16, 4, generator=torch.Generator().manual_seed(number), dtype=torch.float64)


@pytest.mark.parametrize("averaging", [Ema(0.9), Swa(1)], ids=["ema", "swa"])
def test_averages_are_those_of_torch(averaging: Averaging) -> None:
    net = module()
    flat = FlatParameters(net)
    average = Average(averaging, net, flat)
    ema = isinstance(averaging, Ema)
    theirs = AveragedModel(copy.deepcopy(net), multi_avg_fn=get_ema_multi_avg_fn(0.9) if ema else None, use_buffers=ema)
    for step in range(10):
        net(data(step)).square().mean().backward()
        with torch.no_grad():
            flat.vector.sub_(flat.gradient, alpha=0.1)
        flat.zero_grad()
        average.take()
        theirs.update_parameters(net)
    trained = [tensor.clone() for tensor in (*net.parameters(), *net.buffers())]
    network = ForeignNetwork(net, loss="mse", inputs={"input": Features(4)})
    batches = [SimpleNamespace(inputs={"input": data(step)}, size=16, masks=None) for step in range(5)]
    average.present(lambda: estimate_statistics(network, batches, Precision("float64", torch.device("cpu")), seed=0))
    if not ema:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            update_bn([batch.inputs["input"] for batch in batches], theirs)
    ours = {name: tensor for name, tensor in net.state_dict().items() if "num_batches" not in name}
    for name, tensor in ours.items():
        assert torch.allclose(tensor, theirs.module.state_dict()[name], rtol=0, atol=1e-7), name
    assert any(not torch.equal(a, b) for a, b in zip(trained, (*net.parameters(), *net.buffers()), strict=True))
    average.withdraw()
    assert all(torch.equal(a, b) for a, b in zip(trained, (*net.parameters(), *net.buffers()), strict=True))


def test_statistics_of_batches_of_different_size_are_weighted() -> None:
    net = build(Sequential(Features(4), [BatchNorm(momentum=0.3), Dense(3), Output(2)]).resolve(), 0, dtype=torch.float64)
    assert has_statistics(net)
    rows = torch.cat([data(0), data(1)])
    parts = [SimpleNamespace(inputs={"input": part}, size=len(part), masks=None) for part in (rows[:20], rows[20:])]
    state = torch.get_rng_state()
    estimate_statistics(net, parts, Precision("float64", torch.device("cpu")), seed=0)
    torch.set_rng_state(state)
    found = net.tensors()
    assert torch.allclose(found["batch_norm_1/running_mean"], rows.mean(0), rtol=0, atol=1e-12)
    expected = (20 * rows[:20].var(0) + 12 * rows[20:].var(0)) / 32
    assert torch.allclose(found["batch_norm_1/running_var"], expected, rtol=0, atol=1e-12)
    assert net.training
    assert net.layers[0]._momentum == 0.3
    plain = build(Sequential(Features(4), [Dense(3), Output(2)]).resolve(), 0)
    assert not has_statistics(plain)

"""Flat parameters: views in their own layout, settings from descriptions, guards."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from lamina.engine.build import build
from lamina.engine.optimizers import optimizer_for
from lamina.engine.parameters import FlatParameters
from lamina.errors import LaminaError
from lamina.learning import Adam, AdamW, Sgd
from lamina.network.constraints import MaxNorm
from lamina.network.layers import LSTM, Bidirectional, Dense
from lamina.network.plan import Node, Plan
from lamina.shapes import Features, Sequence, Shape


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def chain(*layers: Dense, inputs: int = 4) -> Any:
    """A network of dense layers called a, b, c."""
    shape: Shape = Features(inputs)
    nodes, fed = [], "input"
    for i, layer in enumerate(layers):
        output = layer.infer((shape,))
        nodes.append(Node("abc"[i], ("layers", i), layer, (fed,), (shape,), output))
        shape, fed = output, "abc"[i]
    return build(Plan({"input": Features(inputs)}, tuple(nodes), (fed,)), seed=1, dtype=torch.float64)


def step(network: Any, flat: FlatParameters, run: Any) -> None:
    flat.zero_grad()
    x = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(3, 4)
    next(iter(network(x).values())).square().sum().backward()
    run.step(0, 0.0)


MODULES = {
    "linear": lambda: (nn.Linear(4, 3), torch.randn(2, 4)),
    "conv1d": lambda: (nn.Conv1d(2, 3, 3), torch.randn(2, 2, 6)),
    "conv2d": lambda: (nn.Conv2d(2, 3, 3), torch.randn(2, 2, 6, 6)),
    "channels_last": lambda: (nn.Conv2d(2, 3, 3).to(memory_format=torch.channels_last), torch.randn(2, 2, 6, 6)),
    "conv3d": lambda: (nn.Conv3d(2, 3, 3), torch.randn(2, 2, 4, 4, 4)),
    "batch_norm": lambda: (nn.BatchNorm1d(4), torch.randn(5, 4)),
    "lstm": lambda: (nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True), torch.randn(2, 5, 3)),
    "embedding": lambda: (nn.Embedding(7, 3), torch.tensor([[1, 2, 1]])),
    "attention": lambda: (nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True), torch.randn(2, 3, 4)),
}


@pytest.mark.parametrize("name", MODULES)
def test_gradients_are_the_same_bits_and_layouts_stay(name: str) -> None:
    torch.manual_seed(0)
    module, x = MODULES[name]()
    outputs = [module(x)]
    values = {path: p.detach().clone() for path, p in module.named_parameters()}
    strides = {path: p.stride() for path, p in module.named_parameters()}

    def backward() -> dict[str, torch.Tensor]:
        out = outputs[-1]
        (out[0] if isinstance(out, tuple) else out).square().sum().backward()
        return {path: p.grad.clone() for path, p in module.named_parameters()}

    expected = backward()
    module.zero_grad()
    flat = FlatParameters(module)
    outputs.append(module(x))
    found = backward()
    flat.check()
    for path, p in module.named_parameters():
        assert torch.equal(p, values[path])
        assert p.stride() == strides[path] == flat.views()[path].stride()
        assert torch.equal(found[path], expected[path])
        assert p.untyped_storage().data_ptr() == flat.vector.untyped_storage().data_ptr()
    assert flat.size == sum(p.numel() for p in module.parameters())
    flat.vector.zero_()
    assert not any(p.any() for p in module.parameters())
    flat.zero_grad()
    assert not any(p.grad.any() for p in module.parameters())


def test_settings_make_segments() -> None:
    network = chain(Dense(3), Dense(3, learning_rate_factor=0.5), Dense(2, frozen=True))
    flat = FlatParameters(network)
    assert [(s.names, s.learning_rate_factor) for s in flat.segments] == [
        (("a/weight",), 1.0),
        (("a/bias",), 1.0),
        (("b/weight",), 0.5),
        (("b/bias",), 0.5),
    ]
    assert flat.size == 4 * 3 + 3 + 3 * 3 + 3
    # Without decay, weights and biases are updated alike: one slice for each factor.
    run = optimizer_for(Adam(), flat)
    assert [[len(v) for v in group.values] for group in run.groups] == [[15], [12]]


def test_frozen_layers_keep_their_values_and_get_no_gradients() -> None:
    network = chain(Dense(3, frozen=True), Dense(2))
    flat = FlatParameters(network)
    before = {name: tensor.detach().clone() for name, tensor in network.tensors().items()}
    step(network, flat, optimizer_for(Sgd(0.1), flat))
    after = network.tensors()
    assert set(flat.views()) == {"b/weight", "b/bias"}
    assert torch.equal(after["a/weight"], before["a/weight"])
    assert after["a/weight"].grad is None
    assert not torch.equal(after["b/weight"], before["b/weight"])


def test_penalties_decay_factors_and_constraints_of_layers() -> None:
    """Against the same update written by hand."""
    settings: list[dict[str, Any]] = [
        {"l1": 0.01, "l2": 0.02, "l2_bias": 0.3, "learning_rate_factor": 0.5},
        {"weight_decay": 0.2, "l2": 0.02, "constraints": [MaxNorm(0.1)]},
        {"l1_bias": 0.1, "bias_initializer": {"type": "constant", "value": 0.5}},
    ]
    network = chain(*[Dense(3, **s) for s in settings])
    flat = FlatParameters(network)
    start = {name: view.clone() for name, view in flat.views().items()}
    run = optimizer_for(Sgd(0.1, weight_decay=0.4), flat)
    flat.zero_grad()
    x = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(3, 4)
    next(iter(network(x).values())).square().sum().backward()
    gradients = {name: gradient.clone() for name, gradient in flat.gradients().items()}
    run.step(0, 0.0)
    for i, s in enumerate(settings):
        for part, end in (("weight", ""), ("bias", "_bias")):
            name = f"{'abc'[i]}/{part}"
            p, rate = start[name], 0.1 * s.get("learning_rate_factor", 1.0)
            g = gradients[name] + s.get(f"l2{end}", 0.0) * p + s.get(f"l1{end}", 0.0) * p.sign()
            decay = s.get("weight_decay", 0.4) if part == "weight" else 0.0
            expected = p - rate * g - rate * decay * p
            if "constraints" in s and part == "weight":
                expected = expected * (0.1 / expected.norm(dim=1, keepdim=True)).clamp_max(1.0)
            torch.testing.assert_close(flat.views()[name], expected, rtol=1e-12, atol=1e-14)


def test_decay_of_everything() -> None:
    network = chain(Dense(3, bias_initializer={"type": "constant", "value": 0.5}))
    flat = FlatParameters(network)
    run = optimizer_for(AdamW(0.1, weight_decay=0.5, decayed="all"), flat)
    run.step(0, 0.0)
    torch.testing.assert_close(flat.views()["a/bias"], torch.full((3,), 0.5 * 0.95, dtype=torch.float64))


def test_settings_of_a_wrapped_layer_hold_for_both_directions() -> None:
    shape = Sequence(steps=4, features=3)
    layer = Bidirectional(LSTM(2, l2=0.1, learning_rate_factor=0.5))
    plan = Plan({"input": shape}, (Node("a", ("layers", 0), layer, ("input",), (shape,), layer.infer((shape,))),), ("a",))
    flat = FlatParameters(build(plan, seed=1))
    settings = {slot.name: slot.settings for slot in flat.slots}
    assert {s.learning_rate_factor for s in settings.values()} == {0.5}
    assert settings["a/backward_weight_hh"].l2 == 0.1
    assert settings["a/forward_bias_ih"].l2 == 0.0
    assert settings["a/forward_bias_ih"].role == "bias"


def test_tied_parameters_are_there_once() -> None:
    module = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    module[1].weight = module[0].weight
    flat = FlatParameters(module)
    assert flat.size == 9 + 3 + 3
    module(torch.ones(1, 3)).sum().backward()
    flat.check()
    assert module[1].weight.data_ptr() == flat.views()["0.weight"].data_ptr()


DETACHING = {
    "to": lambda module: module.double(),
    "zero_grad": lambda module: module.zero_grad(),
    "assign": lambda module: module.load_state_dict({k: v.clone() for k, v in module.state_dict().items()}, assign=True),
}


@pytest.mark.parametrize("name", DETACHING)
def test_check_notices_what_left(name: str) -> None:
    module = nn.Linear(3, 2)
    flat = FlatParameters(module)
    flat.check()
    DETACHING[name](module)
    with pytest.raises(LaminaError) as caught:
        flat.check()
    assert {problem.code for problem in caught.value.problems} == {"EN021"}
    assert len(caught.value.problems) == 2
    assert "flat.reattach()" in caught.value.problems[0].fix


def test_reattach_takes_values_back() -> None:
    module = nn.Linear(3, 2)
    flat = FlatParameters(module)
    with torch.no_grad():
        module.weight.data = torch.ones(2, 3)
    module.bias.grad = None
    flat.reattach()
    flat.check()
    assert flat.vector[:6].tolist() == [1.0] * 6
    module(torch.ones(1, 3)).sum().backward()
    assert flat.gradient.tolist() == [1.0] * 8
    module.double()
    with pytest.raises(LaminaError) as caught:
        flat.reattach()
    assert caught.value.code == "EN024"


def test_reattach_takes_new_parameter_objects_in() -> None:
    module = nn.Linear(3, 2)
    flat = FlatParameters(module)
    module.load_state_dict({"weight": torch.ones(2, 3), "bias": torch.zeros(2)}, assign=True)
    flat.reattach()
    flat.check()
    assert flat.vector.tolist() == [1.0] * 6 + [0.0] * 2
    module(torch.ones(1, 3)).sum().backward()
    assert flat.gradient.tolist() == [1.0] * 8


def test_plain_loading_keeps_the_views() -> None:
    module = nn.Linear(3, 2)
    flat = FlatParameters(module)
    module.load_state_dict({"weight": torch.ones(2, 3), "bias": torch.zeros(2)})
    flat.check()
    assert flat.vector.tolist() == [1.0] * 6 + [0.0] * 2


@pytest.mark.parametrize(
    ("module", "code", "fix"),
    [
        (nn.ReLU(), "EN023", "thaw"),
        (nn.Linear(2, 2).requires_grad_(False), "EN023", "thaw"),
        (nn.LazyLinear(2), "EN024", "run one batch"),
        (nn.Linear(2, 2, dtype=torch.complex64), "EN024", "requires_grad_(False)"),
        (nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2, device="meta")), "EN024", 'module.to("cpu")'),
    ],
)
def test_what_cannot_be_flat(module: nn.Module, code: str, fix: str) -> None:
    with pytest.raises(LaminaError) as caught:
        FlatParameters(module)
    assert caught.value.code == code
    assert fix in caught.value.problems[0].fix

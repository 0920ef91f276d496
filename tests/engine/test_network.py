from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lamina.engine.build import build
from lamina.engine.network import NetworkModule
from lamina.engine.parameters import FlatParameters
from lamina.errors import LaminaError
from lamina.network.graph import Graph
from lamina.network.layers import (
    LSTM,
    BatchNorm,
    Conv1d,
    Conv2d,
    Dense,
    Dropout,
    Embedding,
    GlobalAvgPool,
    LastStep,
    LossLayer,
    MaxPool2d,
    Module,
    Output,
)
from lamina.network.sequential import Sequential
from lamina.network.vertices import Add, Concat
from lamina.shapes import Features, Image, Sequence, Tokens


def mlp(**settings: Any) -> NetworkModule:
    net = Sequential(Features(4), [Dense(5, activation="tanh"), Output(3)])
    return build(net.resolve(), 7, **settings)


def two_ended() -> NetworkModule:
    net = Graph(
        inputs={"a": Features(3), "b": Features(2)},
        nodes={
            "left": Dense(4, activation="relu", inputs=["a"]),
            "right": Dense(4, inputs=["b"]),
            "sum": Add(inputs=["left", "right"]),
            "side": Output(2, loss="cross_entropy", loss_weight=0.25, inputs=["sum"]),
            "both": Concat(inputs=["sum", "side"]),
            "value": Output(1, loss="mse", inputs=["both"]),
        },
        outputs=["side", "value"],
    )
    return build(net.resolve(), 3)


def problem(caught: pytest.ExceptionInfo[LaminaError]) -> Any:
    return caught.value.problems[0]


# -- building ----------------------------------------------------------------------------------------------------------


def test_first_values_depend_on_seed_layer_and_parameter_alone() -> None:
    short = build(Sequential(Features(4), [Dense(5, name="one"), Output(3, name="out")]).resolve(), 7).named_arrays()
    extra = Dense(5, name="two")
    long = build(Sequential(Features(4), [Dense(5, name="one"), extra, Output(3, name="out")]).resolve(), 7).named_arrays()
    other = build(Sequential(Features(4), [Dense(5, name="one"), Output(3, name="out")]).resolve(), 8).named_arrays()
    for name in ("one/weight", "out/weight"):
        assert np.array_equal(short[name], long[name])
        assert not np.array_equal(short[name], other[name])
    assert not np.array_equal(long["one/weight"][:4, :4], long["two/weight"][:4, :4])


def test_building_draws_nothing_from_the_global_generator() -> None:
    before = torch.get_rng_state()
    mlp()
    assert torch.equal(before, torch.get_rng_state())


def test_the_forget_gate_starts_open() -> None:
    net = Sequential(
        Sequence(steps=5, features=2), [LSTM(3, forget_bias=1.5, bias_initializer={"type": "constant", "value": 0.5}), LastStep()]
    )
    arrays = build(net.resolve(), 0).named_arrays()
    assert arrays["lstm_1/bias_ih"].reshape(4, 3)[:, 0].tolist() == [0.5, 1.5, 0.5, 0.5]
    assert set(arrays["lstm_1/bias_hh"].tolist()) == {0.5}


# -- computing ---------------------------------------------------------------------------------------------------------


def test_a_chain_is_what_torch_computes() -> None:
    network = mlp(dtype=torch.float64)
    a = {name: torch.from_numpy(array) for name, array in network.named_arrays().items()}
    x, y = torch.randn(6, 4, dtype=torch.float64), torch.tensor([0, 1, 2, 2, 1, 0])
    scores = F.linear(torch.tanh(F.linear(x, a["dense_1/weight"], a["dense_1/bias"])), a["output_1/weight"], a["output_1/bias"])
    assert torch.allclose(network(x)["output_1"], scores, rtol=1e-14)
    assert torch.allclose(network.predict({"input": x})["output_1"], scores.softmax(1), rtol=1e-14)
    assert torch.allclose(network.loss(x, y), F.cross_entropy(scores, y), rtol=1e-14)
    assert torch.allclose(network.loss(x, {"whatever": y}), F.cross_entropy(scores, y), rtol=1e-14)
    each = F.cross_entropy(scores, y, reduction="none")
    assert torch.allclose(network.per_sample_loss(network(x), y), each)
    weight = torch.tensor([1.0, 2, 0, 1, 1, 3])
    assert torch.allclose(network.loss(x, y, weight), (each * weight).sum() / 8)


def test_the_short_path_and_the_long_one_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Sequential(Image(1, 8, 8), [Conv2d(3, kernel=3, activation="relu"), BatchNorm(), MaxPool2d(2), Dropout(0.5), Output(2)])
    network, x = build(net.resolve(), 1), torch.randn(4, 1, 8, 8)
    network.eval()
    short = network(x)["output_1"]
    activations = network.activations(x)
    monkeypatch.setattr(NetworkModule, "chains", False)
    assert torch.equal(short, network(x)["output_1"])
    assert list(activations) == ["conv2d_1", "batch_norm_1", "max_pool2d_1", "dropout_1", "output_1_flatten", "output_1"]
    assert torch.equal(activations["output_1"], short)


def test_channels_last_computes_the_same_and_keeps_arrays_in_rows() -> None:
    net = Sequential(Image(3, 8, 8), [Conv2d(4, kernel=3, padding="same", activation="relu"), BatchNorm(), MaxPool2d(2), Output(2)])
    plain, other = build(net.resolve(), 1), build(net.resolve(), 1, channels_last=True)
    x = torch.randn(4, 3, 8, 8)
    assert other.tensors()["conv2d_1/weight"].is_contiguous(memory_format=torch.channels_last)
    assert all(np.array_equal(array, other.named_arrays()[name]) for name, array in plain.named_arrays().items())
    assert other.named_arrays()["conv2d_1/weight"].flags.c_contiguous
    assert torch.allclose(plain(x)["output_1"], other(x)["output_1"], atol=1e-5)
    flat = FlatParameters(other)
    other.loss(x, torch.tensor([0, 1, 0, 1])).backward()  # type: ignore[no-untyped-call]
    flat.check()
    assert other.tensors()["conv2d_1/weight"].is_contiguous(memory_format=torch.channels_last)
    other.load_arrays(plain.named_arrays())
    assert torch.allclose(plain.eval()(x)["output_1"], other.eval()(x)["output_1"], atol=1e-5)


def test_a_graph_hands_on_predictions_and_weighs_its_losses() -> None:
    network = two_ended()
    p = {name: torch.from_numpy(array) for name, array in network.named_arrays().items()}
    a, b = torch.randn(5, 3), torch.randn(5, 2)
    hidden = F.relu(F.linear(a, p["left/weight"], p["left/bias"])) + F.linear(b, p["right/weight"], p["right/bias"])
    side = F.linear(hidden, p["side/weight"], p["side/bias"])
    value = F.linear(torch.cat([hidden, side.softmax(1)], 1), p["value/weight"], p["value/bias"])
    found = network({"a": a, "b": b})
    assert torch.allclose(found["side"], side, atol=1e-6)
    assert torch.allclose(found["value"], value, atol=1e-6)
    targets = {"side": torch.tensor([0, 1, 0, 1, 1]), "value": torch.randn(5)}
    expected = 0.25 * F.cross_entropy(side, targets["side"]) + F.mse_loss(value[:, 0], targets["value"])
    assert torch.allclose(network.loss({"a": a, "b": b}, targets), expected, atol=1e-6)
    assert torch.allclose(network.per_sample_loss(found, targets).mean(), expected, atol=1e-6)


def test_names_that_python_and_torch_use_can_be_names_of_layers() -> None:
    net = Sequential(Features(4), [Dense(4, name="forward"), Dense(4, name="train"), Dense(3, name="keys"), LossLayer("mse", name="loss")])
    network = build(net.resolve(), 0)
    assert list(network.named_arrays())[::2] == ["forward/weight", "train/weight", "keys/weight"]
    network.train()
    assert network(torch.zeros(2, 4))["loss"].shape == (2, 3)


def test_an_own_module_is_a_layer_and_is_used_itself() -> None:
    own = nn.Sequential(nn.Linear(4, 6), nn.Tanh())
    network = build(Sequential(Features(4), [Module(own, output=Features(6), name="mine"), Output(2)]).resolve(), 0)
    assert set(network.named_arrays()) == {"mine/0.weight", "mine/0.bias", "output_1/weight", "output_1/bias"}
    network.loss(torch.randn(3, 4), torch.tensor([0, 1, 1])).backward()  # type: ignore[no-untyped-call]
    assert own[0].weight.grad is not None


@pytest.mark.parametrize(("module", "got"), [(nn.Linear(4, 5), "[3, 5]"), (nn.LSTM(4, 6), "tuple")])
def test_an_own_module_that_gives_something_else_is_named(module: nn.Module, got: str) -> None:
    network = build(Sequential(Features(4), [Module(module, output=Features(6), name="mine"), Output(2)]).resolve(), 0)
    with pytest.raises(LaminaError) as caught:
        network(torch.randn(3, 4))
    assert (caught.value.code, problem(caught).got) == ("EN007", got)
    assert "'mine'" in problem(caught).where


# -- wrong inputs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "code", "fix"),
    [
        (torch.zeros(4), "EN003", "add the batch axis: x.unsqueeze(0)"),
        (torch.zeros(2, 5), "EN003", "give data of this shape"),
        (torch.zeros(2, 2, 2), "EN003", "the number of values is right: x.reshape(-1, 4)"),
        (torch.tensor(1.0), "EN003", "give data of this shape"),
        (torch.zeros(2, 4, dtype=torch.float64), "EN004", "convert it before: x.to(torch.float32)"),
        (torch.zeros(2, 4, dtype=torch.uint8), "EN004", "convert it before: x.float()"),
        (np.zeros((2, 4)), "EN004", "use model.predict(x), or torch.as_tensor(x)"),
        ({"imput": torch.zeros(2, 4), "mask": torch.zeros(2, 4)}, "EN005", "call 'imput' 'input'"),
    ],
)
def test_wrong_inputs_are_refused_each_time(x: Any, code: str, fix: str) -> None:
    network = mlp()
    network(torch.zeros(2, 4))
    for _ in range(2):
        with pytest.raises(LaminaError) as caught:
            network(x if isinstance(x, dict | torch.Tensor) else {"input": x})
        assert caught.value.code == code
        if code != "EN005":
            assert problem(caught).fix.startswith(fix)
            assert "'input'" in problem(caught).where


def test_the_only_input_may_have_any_name_as_the_only_target_may() -> None:
    network, x = mlp(), torch.ones(2, 4)
    assert torch.equal(network({"image": x})["output_1"], network(x)["output_1"])
    assert list(network.activations({"image": x})) == list(network.activations(x))
    with pytest.raises(LaminaError) as caught:
        network({"image": torch.zeros(2, 5)})
    assert caught.value.code == "EN003"


def test_another_dtype_of_the_network_makes_other_inputs_right() -> None:
    network = mlp()
    network(torch.zeros(2, 4))
    network.double()
    with pytest.raises(LaminaError):
        network(torch.zeros(2, 4))
    assert network(torch.zeros(2, 4, dtype=torch.float64))["output_1"].dtype == torch.float64


def test_a_sequence_too_short_for_a_window_is_named() -> None:
    net = Sequential(Sequence(steps=None, features=2), [Conv1d(3, kernel=3), Conv1d(3, kernel=3), GlobalAvgPool(), Output(2)])
    network = build(net.resolve(), 0)
    assert network(torch.zeros(2, 5, 2))["output_1"].shape == (2, 2)
    with pytest.raises(LaminaError) as caught:
        network(torch.zeros(2, 4, 2))
    assert caught.value.code == "NN002"
    assert "'conv1d_2'" in problem(caught).where


def test_tokens_are_whole_numbers_within_the_vocabulary() -> None:
    network = build(Sequential(Tokens(steps=None, vocabulary=5), [Embedding(3), LastStep(), Output(2)]).resolve(), 0)
    with pytest.raises(LaminaError) as caught:
        network(torch.zeros(2, 3))
    assert (caught.value.code, problem(caught).fix) == ("EN004", "convert it before: x.long()")
    with pytest.raises(LaminaError) as caught:
        network(torch.tensor([[0, 1], [4, 5]]))
    assert (caught.value.code, problem(caught).got) == ("EN012", "5")
    assert "sample 1, step 1" in problem(caught).where


def test_missing_and_unknown_inputs_and_targets_are_all_named() -> None:
    network = two_ended()
    a, b = torch.zeros(1, 3), torch.zeros(1, 2)
    with pytest.raises(LaminaError) as caught:
        network({"a": a, "c": b})
    assert caught.value.code == "EN005"
    assert problem(caught).got == "no 'b' and 'c', which the network doesn't have"
    with pytest.raises(LaminaError) as caught:
        network(a)
    assert caught.value.code == "EN005"
    with pytest.raises(LaminaError) as caught:
        network.loss({"a": a, "b": b}, {"side": torch.zeros(1, dtype=torch.long)})
    assert problem(caught).got == "no 'value'"


def test_no_loss_is_said() -> None:
    network = build(Sequential(Features(4), [Dense(3)]).resolve(), 0)
    for call in (lambda: network.loss(torch.zeros(1, 4), torch.zeros(1)), lambda: network.per_sample_loss({}, {})):
        with pytest.raises(LaminaError) as caught:
            call()
        assert caught.value.code == "EN006"


def test_one_sample_has_no_variance() -> None:
    network = build(Sequential(Features(4), [BatchNorm(), Output(3)]).resolve(), 0)
    with pytest.raises(LaminaError) as caught:
        network.train()(torch.zeros(1, 4))
    assert caught.value.code == "EN009"
    assert network.eval()(torch.zeros(1, 4))["output_1"].shape == (1, 3)


# -- keeping -----------------------------------------------------------------------------------------------------------


def test_arrays_are_copies() -> None:
    network = mlp()
    arrays = network.named_arrays()
    before = {name: array.copy() for name, array in arrays.items()}
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    assert all(np.array_equal(arrays[name], before[name]) for name in arrays)
    network.load_arrays(arrays)
    assert all(np.array_equal(array, before[name]) for name, array in network.named_arrays().items())


def test_loading_says_everything_that_does_not_fit_and_changes_nothing() -> None:
    network = mlp()
    before = network.named_arrays()
    arrays = {name: array + 1 for name, array in before.items()}
    arrays["dense_1/weights"] = arrays.pop("dense_1/weight")
    arrays["output_1/weight"] = arrays["output_1/weight"].T
    arrays["output_1/bias"] = arrays["output_1/bias"].astype(np.float64)
    with pytest.raises(LaminaError) as caught:
        network.load_arrays(arrays)
    found = {p.where: p for p in caught.value.problems}
    assert {p.code for p in found.values()} == {"EN008"}
    assert set(found) == {"dense_1/weight", "dense_1/weights", "output_1/weight", "output_1/bias"}
    assert "dense_1/weights" in found["dense_1/weight"].got
    assert (found["output_1/weight"].expected, found["output_1/weight"].got) == ("the shape [3, 5]", "[5, 3]")
    assert 'array.astype("float32")' in found["output_1/bias"].fix
    assert all(np.array_equal(array, before[name]) for name, array in network.named_arrays().items())


def test_float32_weights_load_into_a_float64_network() -> None:
    narrow, wide = mlp(), mlp(dtype=torch.float64)
    wide.load_arrays(narrow.named_arrays())
    assert np.array_equal(wide.named_arrays()["dense_1/weight"], narrow.named_arrays()["dense_1/weight"].astype(np.float64))

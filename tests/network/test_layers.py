"""Shapes and parameter tables against torch's own modules; what each layer refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from lamina.errors import DescriptionError, ShapeError
from lamina.network import Defaults, Graph, Sequential
from lamina.network import layers as L
from lamina.network.layers.window import crops, pads, slid
from lamina.shapes import Features, Image, Sequence, Shape, Tokens, Volume, batch_shape
from lamina.spec import registry

COMPONENTS = [(name, component) for name, component in registry.components("layer")]
EXAMPLES = [
    pytest.param(layer, shapes, id=f"{name}-{index}")
    for name, component in COMPONENTS
    for index, (layer, shapes) in enumerate(component.examples())
]
IMAGE, STEPS, VOLUME = Image(channels=4, height=11, width=9), Sequence(steps=11, features=4), Volume(channels=4, depth=7, height=6, width=9)
EVERY_SHAPE: list[Shape] = [Features(6), STEPS, IMAGE, VOLUME, Tokens(steps=5, vocabulary=9)]


def _run(module: nn.Module, shape: Shape) -> tuple[int, ...]:
    """Sizes of what a torch module gives; sequences are turned so that channels come first, as torch has them."""
    x = torch.zeros(batch_shape(shape, 2, unknown=5), dtype=torch.long if shape.dtype == "int" else torch.float32)
    if not isinstance(shape, Sequence):
        return tuple(module(x).shape[1:])
    return tuple(module(x.transpose(1, 2)).transpose(1, 2).shape[1:])


def _tables(module: nn.Module, rename: Callable[[str], str] = lambda name: name) -> dict[str, tuple[int, ...]]:
    return {rename(name): tuple(value.shape) for name, value in module.named_parameters()}


CONVOLUTIONS = [
    (L.Conv1d, nn.Conv1d, STEPS, {"filters": 6, "kernel": 3}),
    (L.Conv1d, nn.Conv1d, STEPS, {"filters": 6, "kernel": 3, "stride": 2, "padding": 2, "dilation": 2, "groups": 2}),
    (L.Conv2d, nn.Conv2d, IMAGE, {"filters": 6, "kernel": 5}),
    (L.Conv2d, nn.Conv2d, IMAGE, {"filters": 6, "kernel": (3, 2), "stride": (2, 3), "padding": (1, 0), "groups": 2}),
    (L.Conv2d, nn.Conv2d, IMAGE, {"filters": 8, "kernel": 3, "dilation": (2, 1), "padding": "same", "bias": False}),
    (L.Conv3d, nn.Conv3d, VOLUME, {"filters": 2, "kernel": (3, 2, 4), "stride": 2, "padding": (0, 1, 2)}),
    (L.ConvTranspose2d, nn.ConvTranspose2d, IMAGE, {"filters": 6, "kernel": 3}),
    (
        L.ConvTranspose2d,
        nn.ConvTranspose2d,
        IMAGE,
        {"filters": 6, "kernel": 4, "stride": 3, "padding": 1, "output_padding": 2, "groups": 2},
    ),
    (L.ConvTranspose2d, nn.ConvTranspose2d, IMAGE, {"filters": 2, "kernel": (2, 5), "stride": (1, 2), "dilation": (3, 1), "bias": False}),
]


@pytest.mark.parametrize(("ours", "theirs", "shape", "settings"), CONVOLUTIONS)
def test_convolution_has_torchs_shape_and_parameters(ours: Any, theirs: Any, shape: Shape, settings: dict[str, Any]) -> None:
    layer = ours(**settings)
    words = {"filters": "out_channels", "kernel": "kernel_size"}
    module = theirs(in_channels=4, **{words.get(name, name): value for name, value in settings.items()})
    assert layer.infer((shape,)).dims == _run(module, shape)
    assert {name: p.shape for name, p in layer.parameters((shape,)).items()} == _tables(module)


@pytest.mark.parametrize("multiplier", [1, 3])
def test_depthwise_and_separable_equal_grouped_torch_convolutions(multiplier: int) -> None:
    depthwise = nn.Conv2d(4, 4 * multiplier, 3, stride=2, padding=1, groups=4)
    layer = L.DepthwiseConv2d(3, multiplier=multiplier, stride=2, padding=1)
    assert layer.infer((IMAGE,)).dims == _run(depthwise, IMAGE)
    assert {n: p.shape for n, p in layer.parameters((IMAGE,)).items()} == _tables(depthwise)
    both = nn.Sequential(depthwise, nn.Conv2d(4 * multiplier, 7, 1))
    separable = L.SeparableConv2d(7, kernel=3, multiplier=multiplier, stride=2, padding=1)
    assert separable.infer((IMAGE,)).dims == _run(both, IMAGE)
    expected = {"depthwise_weight": (4 * multiplier, 1, 3, 3), "pointwise_weight": (7, 4 * multiplier, 1, 1), "bias": (7,)}
    assert {n: p.shape for n, p in separable.parameters((IMAGE,)).items()} == expected


POOLS = [
    (L.MaxPool1d, nn.MaxPool1d, STEPS, {"size": 3}),
    (L.MaxPool1d, nn.MaxPool1d, STEPS, {"size": 3, "stride": 2, "padding": 1}),
    (L.AvgPool1d, nn.AvgPool1d, STEPS, {"size": 4, "stride": 3, "padding": 2}),
    (L.MaxPool2d, nn.MaxPool2d, IMAGE, {"size": (3, 2)}),
    (L.AvgPool2d, nn.AvgPool2d, IMAGE, {"size": 3, "stride": (1, 2), "padding": (1, 0)}),
    (L.MaxPool3d, nn.MaxPool3d, VOLUME, {"size": (2, 3, 4), "stride": 2}),
    (L.AvgPool3d, nn.AvgPool3d, VOLUME, {"size": 3, "padding": 1}),
]


@pytest.mark.parametrize(("ours", "theirs", "shape", "settings"), POOLS)
def test_pooling_has_torchs_shape(ours: Any, theirs: Any, shape: Shape, settings: dict[str, Any]) -> None:
    module = theirs(**{{"size": "kernel_size"}.get(name, name): value for name, value in settings.items()})
    assert ours(**settings).infer((shape,)).dims == _run(module, shape)


@pytest.mark.parametrize("size", range(1, 12))
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(1, 1, 1), (2, 2, 1), (3, 2, 1), (3, 1, 2), (2, 3, 1), (5, 4, 1)])
def test_same_padding_gives_the_size_divided_by_the_stride(size: int, kernel: int, stride: int, dilation: int) -> None:
    before, after = pads(size, kernel, stride, dilation, "same")
    assert after - before in (0, 1)
    assert slid(size, kernel, stride, dilation, "same") == -(-size // stride)
    assert slid(size, kernel, stride, dilation, "causal") == -(-size // stride)
    # What a transposed convolution cuts off gives back size * stride.
    assert (size - 1) * stride + (kernel - 1) * dilation + 1 - sum(crops(kernel, stride, dilation, "same")) == size * stride


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("ours", "theirs"), [(L.LSTM, nn.LSTM), (L.GRU, nn.GRU), (L.SimpleRNN, nn.RNN)])
def test_recurrent_layers_have_torchs_parameters(ours: Any, theirs: Any, bias: bool) -> None:
    layer = ours(5, bias=bias)
    table = {name: p.shape for name, p in layer.parameters((STEPS,)).items()}
    assert table == _tables(theirs(4, 5, bias=bias), lambda name: name.removesuffix("_l0"))
    both = L.Bidirectional(layer)

    def rename(name: str) -> str:
        return f"backward_{name.removesuffix('_l0_reverse')}" if name.endswith("_reverse") else f"forward_{name.removesuffix('_l0')}"

    assert {name: p.shape for name, p in both.parameters((STEPS,)).items()} == _tables(theirs(4, 5, bias=bias, bidirectional=True), rename)
    assert layer.infer((STEPS,)) == Sequence(steps=11, features=5)
    assert both.infer((STEPS,)) == Sequence(steps=11, features=10)
    assert L.Bidirectional(layer.replace(return_sequences=False), merge="sum").infer((STEPS,)) == Features(5)


def test_the_forget_gate_starts_open() -> None:
    found = L.LSTM(5, forget_bias=0.25).parameters((STEPS,))
    assert found["bias_ih"].fills == (None, 0.25, None, None)
    assert found["bias_hh"].fills == ()
    assert found["weight_hh"].initializer == "recurrent_initializer"
    assert found["weight_hh"].blocks == found["weight_ih"].blocks == 4


@pytest.mark.parametrize(
    ("layer", "module", "shape"),
    [
        (L.Dense(7), nn.Linear(6, 7), Features(6)),
        (L.Dense(7, bias=False), nn.Linear(4, 7, bias=False), STEPS),
        (L.Output(7), nn.Linear(4, 7), STEPS),
        (L.Embedding(7), nn.Embedding(9, 7), Tokens(steps=5, vocabulary=9)),
        (L.BatchNorm(), nn.BatchNorm2d(4), IMAGE),
        (L.BatchNorm(), nn.BatchNorm1d(4), STEPS),
        (L.LayerNorm(), nn.LayerNorm(6), Features(6)),
        (L.LayerNorm(bias=False), nn.LayerNorm(4, bias=False), STEPS),
        (L.LayerNorm(over="sample"), nn.LayerNorm([4, 11, 9]), IMAGE),
    ],
)
def test_other_layers_have_torchs_parameters_and_buffers(layer: Any, module: nn.Module, shape: Shape) -> None:
    assert {name: p.shape for name, p in layer.parameters((shape,)).items()} == _tables(module)
    theirs = {name: tuple(value.shape) for name, value in module.named_buffers() if name != "num_batches_tracked"}
    assert layer.buffers((shape,)) == theirs


@pytest.mark.parametrize(("layer", "shapes"), EXAMPLES)
def test_examples_round_trip_and_count(layer: Any, shapes: tuple[Shape, ...]) -> None:
    kind = type(layer)
    for full in (False, True):
        assert kind.from_yaml(layer.to_yaml(full=full)) == layer
        assert kind.from_dict(layer.to_dict(full=full)) == layer
    if layer.surroundings(shapes) is not None:
        return  # It means something only beside others.
    output = layer.infer(shapes)
    assert isinstance(output, Shape)
    assert layer.flops(shapes, output) >= 0
    assert layer.activation_size(shapes, output) >= 0
    for parameter in layer.parameters(shapes).values():
        assert parameter.shape[0] % parameter.blocks == 0
        assert parameter.fan_in >= 1
        assert parameter.fan_out >= 1


@pytest.mark.parametrize(("layer", "shapes"), EXAMPLES)
def test_every_layer_refuses_shapes_it_does_not_take(layer: Any, shapes: tuple[Shape, ...]) -> None:
    wrong = [s for s in EVERY_SHAPE if not isinstance(s, layer.accepts) and not (layer.flattens and isinstance(s, Image | Volume))]
    assert wrong or {Tokens, Shape} & {*layer.accepts}
    for shape in wrong:
        inputs = tuple(f"x{index}" for index in range(len(shapes)))
        nodes = {"it": layer.replace(inputs=inputs), "end": L.LossLayer("mse", inputs=["it"])}
        with pytest.raises(ShapeError) as caught:
            Graph(dict.fromkeys(inputs, shape), nodes, ["end"]).resolve()
        problems = caught.value.problems
        assert {problem.code for problem in problems} == {"NN001"}
        refused = [number for number in range(len(inputs)) if number == 0 or not isinstance(shape, layer.further or layer.accepts)]
        assert len(problems) == len(refused)
        assert problems[0].where == f"network.nodes.it ({layer.type_name})"
        assert str(shape) in problems[0].got
        assert "input 'x0'" in problems[0].got
        assert problems[0].fix


@pytest.mark.parametrize(
    ("layer", "shape", "code", "fix"),
    [
        (L.Conv2d(4, kernel=3, groups=2), Image(channels=3, height=5, width=5), "NN008", "set groups to a divisor of 3, such as 1"),
        (L.Conv2d(4, kernel=7, padding=1), Image(channels=3, height=4, width=9), "NN002", "padding: same, a smaller window (at most 6)"),
        (L.MaxPool2d(5), Image(channels=3, height=4, width=9), "NN002", "padding: same"),
        (L.ConvTranspose2d(4, kernel=2, padding=3), Image(channels=3, height=2, width=2), "NN002", "smaller padding"),
        (L.Flatten(), Sequence(steps=None, features=3), "NN009", "give the input its number of steps"),
        (L.Permute([2, 1]), Sequence(steps=None, features=3), "NN009", "number of steps"),
        (L.Permute([2, 1]), IMAGE, "NN001", "an order of [1, 2, 3]"),
        (L.Reshape(Features(7)), IMAGE, "NN008", "holds 396 numbers"),
        (L.LayerNorm(over="sample"), Sequence(steps=None, features=3), "NN009", "over: features"),
    ],
)
def test_sizes_that_do_not_fit_name_the_fix(layer: Any, shape: Shape, code: str, fix: str) -> None:
    with pytest.raises(ShapeError) as caught:
        Sequential(shape, [layer]).resolve()
    problem = caught.value.problems[0]
    assert problem.code == code
    assert fix in problem.fix
    assert problem.where == f"network.layers[0] '{layer.type_name}_1' ({layer.type_name})"
    assert "the network's input 'input'" in problem.got


@pytest.mark.parametrize(
    ("make", "fix"),
    [
        (lambda: L.Conv2d(4, kernel=3, padding="some"), "padding: same"),
        (lambda: L.Conv2d(3, kernel=3, groups=2), "set filters to 4"),
        (lambda: L.MaxPool2d(2, padding=2), "at most 1"),
        (lambda: L.ConvTranspose2d(3, kernel=3, stride=2, output_padding=2), "at most 1"),
        (lambda: L.ConvTranspose2d(3, kernel=3, stride=2, padding="same", output_padding=1), "remove output_padding"),
        (lambda: L.Permute([1, 1]), "[2, 1]"),
        (lambda: L.Embedding(3, dropout=0.2), "remove 'dropout'"),
        (lambda: L.BatchNorm(initializer="zeros"), "remove 'initializer'"),
        (lambda: L.Bidirectional(L.Dense(3)), "lstm"),
        (lambda: L.Bidirectional(L.LSTM(3, name="x")), "bidirectional layer"),
        (lambda: L.Reshape(Tokens(steps=3, vocabulary=4)), "sequence"),
    ],
)
def test_wrong_settings_name_the_fix(make: Callable[[], Any], fix: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        make()
    assert caught.value.code == "SP004"
    assert fix in caught.value.problems[0].fix


def test_dropout_is_a_number_or_any_noise() -> None:
    assert L.Dropout(0.25).to_dict() == {"type": "dropout", "rate": 0.25}
    noisy = L.Dropout({"type": "gaussian_noise", "std": 0.5})
    assert noisy.to_dict()["rate"] == {"type": "gaussian_noise", "std": 0.5}
    assert L.Dropout.from_dict(noisy.to_dict()) == noisy
    assert L.Dropout(0.25).random


def test_random_says_whether_training_draws() -> None:
    assert not L.Dense(3).random
    assert L.Dense(3, dropout=0.1).random
    assert L.Dense(3, weight_noise=0.1).random
    assert L.Dense(3, activation="rrelu").random
    assert L.Bidirectional(L.LSTM(3, dropout=0.1)).random
    assert L.ActivationLayer("rrelu").random
    assert not L.Output(3).random


def test_bidirectional_speaks_for_the_settings_of_its_layer() -> None:
    layer = L.Bidirectional(L.GRU(3, l2=0.5, frozen=True))
    assert layer.l2 == 0.5
    assert layer.frozen
    with pytest.raises(AttributeError):
        _ = layer.nothing_of_the_kind


def test_own_module_shows_its_parameters_but_cannot_be_written() -> None:
    module = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))
    module[0].bias.requires_grad_(False)
    layer = L.Module(module, output=Features(8))
    assert {n: p.shape for n, p in layer.parameters((Features(4),)).items()} == {"0.weight": (8, 4), "1.weight": (8,), "1.bias": (8,)}
    assert set(layer.buffers((Features(4),))) == {"0.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"}
    assert layer.random
    with pytest.raises(DescriptionError) as caught:
        Sequential(Features(4), [layer, L.Output(3)]).to_yaml()
    assert caught.value.code == "SP009"
    assert "@register" in caught.value.problems[0].fix


def test_a_bare_module_is_told_how_to_become_a_layer() -> None:
    module = nn.Linear(4, 8)
    with pytest.raises(DescriptionError) as caught:
        Sequential(Features(4), [module])
    assert caught.value.code == "SP004"
    assert caught.value.problems[0].fix.startswith("write lm.Module(module, output=lm.features(COUNT))")
    module.output_shape = Features(8)
    plan = Sequential(Features(4), [module, L.Output(3)]).resolve()
    assert plan.nodes[0].layer.module is module
    assert plan.output_shapes == {"output_1": Features(3)}


def test_describing_never_loads_torch() -> None:
    code = "import sys, lamina.network.layers, lamina.network.summary, lamina.network.inference; sys.exit('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}).returncode
        == 0
    )


def test_one_constraint_needs_no_brackets() -> None:
    one, several = (L.Dense.from_yaml(f"{{type: dense, units: 3, constraints: {given}}}") for given in ("unit_norm", "[unit_norm]"))
    assert one == several
    defaults = Defaults(constraints="unit_norm")
    assert L.Dense(3).with_defaults(defaults.settings).constraints == one.constraints

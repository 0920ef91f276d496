"""Spectral and weight normalisation against torch's parametrizations, step by step, and what a wrapped layer's settings do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations as P

import lamina as lm
from lamina.engine.build import build
from lamina.engine.network import NetworkModule
from lamina.engine.parameters import FlatParameters
from lamina.errors import DescriptionError, LaminaError, ShapeError
from lamina.network import layers as L
from lamina.network.vertices import Bilinear
from lamina.shapes import Features, Image, Sequence, Shape
from lamina.testing.layers import plan_of

F64 = torch.float64
CASES: dict[str, tuple[L.Layer, Shape, nn.Module, int]] = {
    "dense": (L.Dense(5), Features(4), nn.Linear(4, 5), 0),
    "conv": (L.Conv2d(4, kernel=(3, 2), groups=2), Image(channels=2, height=5, width=4), nn.Conv2d(2, 4, (3, 2), groups=2), 0),
    "transposed": (L.ConvTranspose2d(3, kernel=3), Image(channels=2, height=4, width=3), nn.ConvTranspose2d(2, 3, 3), 1),
}


def built(layer: L.Layer, *shapes: Shape) -> NetworkModule:
    return build(plan_of(layer, shapes), 3, dtype=F64)


def named(network: NetworkModule) -> dict[str, Tensor]:
    return {name.removeprefix("tested/"): tensor for name, tensor in network.tensors().items()}


def descend(network: nn.Module, x: Tensor) -> Tensor:
    """One step of plain gradient descent; what came out before it."""
    found = network(x)
    y: Tensor = found["tested"] if isinstance(found, dict) else found
    network.zero_grad()
    (y - 1).square().mean().backward()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.sub_(parameter.grad, alpha=0.3)  # type: ignore[arg-type]
    return y.detach()


@pytest.mark.parametrize("iterations", [1, 3])
@pytest.mark.parametrize("case", CASES)
def test_spectral_norm_is_torchs_step_by_step(case: str, iterations: int) -> None:
    layer, shape, module, _ = CASES[case]
    network, theirs = built(L.SpectralNorm(layer, iterations=iterations), shape).train(), _copied(module)
    P.spectral_norm(theirs, n_power_iterations=iterations)
    theirs.train()
    own, parametrized = named(network), theirs.parametrizations.weight
    with torch.no_grad():
        parametrized.original.copy_(own["weight"])
        theirs.bias.copy_(own["bias"])
        parametrized[0]._u.copy_(own["left"])
        parametrized[0]._v.copy_(own["right"])
    x = torch.randn(3, *[size or 1 for size in shape.dims], dtype=F64)
    for _ in range(6):
        torch.testing.assert_close(descend(network, x), descend(theirs, x))
        torch.testing.assert_close(own["left"], parametrized[0]._u)
        torch.testing.assert_close(own["right"], parametrized[0]._v)
    torch.testing.assert_close(own["weight"], parametrized.original)
    torch.testing.assert_close(network.eval()(x)["tested"], theirs.eval()(x))


@pytest.mark.parametrize("case", CASES)
def test_weight_norm_is_torchs_step_by_step(case: str) -> None:
    layer, shape, module, axis = CASES[case]
    network, theirs = built(L.WeightNorm(layer), shape).train(), _copied(module)
    P.weight_norm(theirs, dim=axis)
    own, parametrized = named(network), theirs.parametrizations.weight
    with torch.no_grad():
        parametrized.original0.copy_(own["gain"].reshape(parametrized.original0.shape))
        parametrized.original1.copy_(own["direction"])
        theirs.bias.copy_(own["bias"])
    x = torch.randn(3, *[size or 1 for size in shape.dims], dtype=F64)
    for _ in range(6):
        torch.testing.assert_close(descend(network, x), descend(theirs, x))
    torch.testing.assert_close(own["gain"], parametrized.original0.flatten())
    torch.testing.assert_close(own["direction"], parametrized.original1)


def _copied(module: nn.Module) -> Any:
    import copy

    return copy.deepcopy(module).double()


def test_after_some_passes_the_largest_singular_value_is_1() -> None:
    network = built(L.SpectralNorm(L.Dense(6, bias=False), iterations=50), Features(5)).train()
    network(torch.randn(2, 5, dtype=F64))
    answers = network.eval()(torch.eye(5, dtype=F64))["tested"]
    np.testing.assert_allclose(np.linalg.svd(answers.detach().numpy(), compute_uv=False)[0], 1.0, rtol=1e-6)


@pytest.mark.parametrize("kind", [L.Conv1d(3, kernel=2), L.LSTM(2), L.Bidirectional(L.GRU(2)), L.SeparableConv1d(3, kernel=2)])
def test_a_layer_in_weight_norm_starts_as_it_would_alone(kind: L.Layer) -> None:
    shape, x = Sequence(steps=5, features=3), torch.randn(2, 5, 3, dtype=F64)
    torch.testing.assert_close(built(L.WeightNorm(kind), shape)(x)["tested"], built(kind, shape)(x)["tested"], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("wrapper", [L.SpectralNorm, L.WeightNorm])
def test_two_inputs_reach_a_wrapped_vertex(wrapper: Any) -> None:
    x, z = torch.randn(3, 2, dtype=F64), torch.randn(3, 4, dtype=F64)
    network = built(wrapper(Bilinear(3)), Features(2), Features(4)).eval()
    own = named(network)
    if wrapper is L.SpectralNorm:
        weight = own["weight"] / (own["left"] @ own["weight"].flatten(1) @ own["right"])
    else:
        weight = own["direction"] * (own["gain"] / own["direction"].flatten(1).norm(dim=1))[:, None, None]
    given = dict(zip(network.input_shapes, (x, z), strict=True))
    torch.testing.assert_close(network(given)["tested"], nn.functional.bilinear(x, z, weight, own["bias"]))


def test_an_image_is_flattened_and_defaults_reach_the_wrapped_layer() -> None:
    net = lm.Sequential(
        lm.image(1, 4, 4), [L.SpectralNorm(lm.Dense(3)), lm.Output(2)], defaults={"activation": "relu", "l2": 0.1}
    ).resolve()
    assert [node.name for node in net.nodes][:2] == ["spectral_norm_1_flatten", "spectral_norm_1"]
    assert net.nodes[1].layer.layer.l2 == 0.1  # type: ignore[attr-defined]


def test_settings_of_the_wrapped_layer_hold_where_they_mean_something() -> None:
    inner = lm.Dense(3, l2=0.2, learning_rate_factor=0.5, constraints={"type": "max_norm", "maximum": 1.0})
    for wrapper, plain, decayed in ((L.WeightNorm(inner), "direction", "gain"), (L.SpectralNorm(inner), None, "weight")):
        settings = {slot.name.removeprefix("tested/"): slot.settings for slot in FlatParameters(built(wrapper, Features(4))).slots}
        assert {s.learning_rate_factor for s in settings.values()} == {0.5}
        assert settings[decayed].l2 == 0.2
        assert settings[decayed].constraints == inner.constraints
        assert plain is None or (settings[plain].l2, settings[plain].constraints) == (0.0, ())
        with pytest.raises(LaminaError):
            FlatParameters(built(wrapper.replace(layer=inner.replace(frozen=True)), Features(4)))


def test_a_frozen_layer_goes_on_computing_the_same_in_training() -> None:
    network = built(L.SpectralNorm(L.Dense(6, frozen=True)), Features(5)).train()
    x = torch.randn(2, 5, dtype=F64)
    assert torch.equal(network(x)["tested"], network(x)["tested"])


def test_one_wrapped_layer_at_two_places_has_one_set_of_weights_and_vectors() -> None:
    nodes: dict[str, L.Layer] = {
        "one": L.SpectralNorm(L.Dense(3), inputs="left"),
        "two": L.Shared("one", inputs="right"),
        "far": lm.Subtract(inputs=["one", "two"]),
    }
    net = lm.Graph(inputs={"left": lm.features(4), "right": lm.features(4)}, nodes=nodes, outputs="far")
    network = build(net.resolve(), 1)
    x = torch.randn(5, 4)
    assert not network.eval()({"left": x, "right": x})["far"].any()
    network.train()
    network({"left": x, "right": x})["far"].sum().backward()
    assert len(list(network.parameters())) == 2
    assert not network.eval()({"left": x, "right": x})["far"].any()


@pytest.mark.parametrize("wrapper", [L.SpectralNorm, L.WeightNorm])
def test_it_trains_is_kept_and_starts_another_model(wrapper: Any, tmp_path: Any) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(128, 4)).astype("float32")
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    net = lm.Sequential(lm.features(4), [wrapper(lm.Dense(24, activation="tanh"), name="hidden"), lm.Output(2)])
    model = lm.Model(net, seed=3)
    model.fit(x, y, epochs=60, batch_size=32, optimizer=lm.Adam(0.03), progress=False)
    assert model.evaluate(x, y)["accuracy"] > 0.8
    model.save(tmp_path / "model.lamina")
    again = lm.load(tmp_path / "model.lamina")
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    new = lm.start_from(tmp_path / "model.lamina", freeze=["hidden"], replacements={"output_1": lm.Output(2)})
    before = new.parameters()
    new.fit(x, 1 - y, epochs=1, progress=False)
    after = new.parameters()
    assert {name for name in before if (before[name] != after[name]).any()} == {"output_1/weight", "output_1/bias"}
    changed = lm.start_from(tmp_path / "model.lamina", settings={"hidden": {"l2": 0.5}})
    assert changed.description.layers[0].layer.l2 == 0.5


def test_a_bidirectional_layer_is_frozen_in_a_transfer() -> None:
    net = lm.Sequential(lm.sequence(5, 3), [L.Bidirectional(lm.LSTM(2, return_sequences=False), name="both"), lm.Output(2)])
    new = lm.start_from(lm.Model(net, seed=1), freeze=["both"])
    assert new.description.layers[0].layer.frozen


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (lm.Output(3), "loss layer behind it"),
        (L.Flatten(), "flatten has no weights"),
        (L.Dense(3, name="a"), "without name"),
        (L.WeightNorm(L.Dense(3)), "weights of its own"),
        (L.Nested([L.Dense(3)]), "weights of its own"),
    ],
)
def test_what_cannot_be_wrapped_is_refused(layer: L.Layer, words: str) -> None:
    for wrapper in (L.SpectralNorm, L.WeightNorm):
        with pytest.raises(DescriptionError, match=words):
            wrapper(layer)


@pytest.mark.parametrize("layer", [L.BatchNorm(), L.LayerNorm(), L.PReLU()])
def test_layers_without_matrices_are_refused_with_the_network(layer: L.Layer) -> None:
    for wrapper in (L.SpectralNorm, L.WeightNorm):
        with pytest.raises((ShapeError, DescriptionError)) as caught:
            lm.Sequential(lm.image(2, 4, 4), [wrapper(layer)]).resolve()
        assert "wrap a dense layer" in str(caught.value) or "{type: dense" in str(caught.value)

"""Networks within networks, against the same arithmetic written out."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import lamina as lm
from lamina.engine.build import build
from lamina.engine.network import NetworkModule
from lamina.engine.parameters import FlatParameters
from lamina.errors import DescriptionError, LaminaError, ShapeError
from lamina.network import Graph
from lamina.network.layers import Conditional, Dense, Layer, Loop, Nested, Repeat, Residual, Shared, TimeDistributed
from lamina.network.summary import summarize
from lamina.shapes import Features, Image, Sequence, Series, Shape


def built(layer: Layer, shape: Shape) -> NetworkModule:
    return build(lm.Sequential(shape, [layer.replace(name="box")]).resolve(), 4, dtype=torch.float64).eval()


def weights(network: NetworkModule, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    tensors = network.tensors()
    return tensors[f"{name}/weight"], tensors[f"{name}/bias"]


def dense(network: NetworkModule, name: str, x: torch.Tensor) -> torch.Tensor:
    weight, bias = weights(network, name)
    return x @ weight.T + bias


X = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_a_nested_network_is_its_layers() -> None:
    network = built(Nested([Dense(4, activation="tanh"), Dense(2)]), Features(3))
    wanted = dense(network, "box/dense_2", dense(network, "box/dense_1", X).tanh())
    torch.testing.assert_close(network(X)["box"], wanted)
    assert list(network.tensors()) == [f"box/dense_{k}/{n}" for k in (1, 2) for n in ("weight", "bias")]


def test_repeating_is_calling_again() -> None:
    network = built(Repeat(Dense(3, activation="tanh"), times=3), Features(3))
    wanted = X
    for _ in range(3):
        wanted = dense(network, "box/dense_1", wanted).tanh()
    torch.testing.assert_close(network(X)["box"], wanted)


def test_a_residual_adds_what_came_in() -> None:
    network = built(Residual(Dense(3)), Features(3))
    torch.testing.assert_close(network(X)["box"], X + dense(network, "box/dense_1", X))


def test_a_loop_stops_for_each_sample_by_itself() -> None:
    network = built(Loop(Dense(3), condition=Dense(1), times=5), Features(3))
    turns = []
    for row in X:
        x, count = row[None], 0
        while count < 5 and float(dense(network, "box/condition/dense_1", x).detach()) > 0:
            x, count = dense(network, "box/dense_1", x), count + 1
        turns.append(count)
        torch.testing.assert_close(network(row[None])["box"], x)
        torch.testing.assert_close(network(X)["box"][len(turns) - 1], x[0])
    assert len(set(turns)) > 1, "samples stop after different numbers of turns"


def test_each_sample_goes_its_own_way() -> None:
    network = built(Conditional(Dense(1), then=Dense(2), otherwise=Dense(2)), Features(3))
    holds = dense(network, "box/condition/dense_1", X)[:, 0] > 0
    assert holds.any()
    assert not holds.all()
    wanted = torch.where(holds[:, None], dense(network, "box/then/dense_1", X), dense(network, "box/otherwise/dense_1", X))
    torch.testing.assert_close(network(X)["box"], wanted)


def test_each_step_of_a_film_is_an_image() -> None:
    film = Series(steps=None, item=Image(channels=1, height=5, width=4))
    network = built(TimeDistributed([lm.Conv2d(2, kernel=3), Dense(3)]), film)
    x = torch.randn(2, 3, 1, 5, 4, dtype=torch.float64)
    conv = torch.nn.functional.conv2d(x.flatten(0, 1), *weights(network, "box/conv2d_1"))
    torch.testing.assert_close(network(x)["box"], dense(network, "box/dense_1", conv.flatten(1)).reshape(2, 3, 3))


def test_a_shared_nested_network_is_siamese() -> None:
    nodes: dict[str, Layer] = {
        "tower": Nested([Dense(4, activation="tanh"), Dense(2)], inputs="left"),
        "twin": Shared("tower", inputs="right"),
        "far": lm.Subtract(inputs=["tower", "twin"]),
    }
    plan = Graph(inputs={"left": Features(3), "right": Features(3)}, nodes=nodes, outputs="far").resolve()
    network = build(plan, 0, dtype=torch.float64).eval()
    assert summarize(plan).parameters == sum(p.numel() for p in network.parameters()) == 4 * 4 + 2 * 5
    assert torch.equal(network({"left": X, "right": X})["far"], torch.zeros(6, 2, dtype=torch.float64))


def test_settings_of_inner_layers_reach_the_optimiser() -> None:
    net = lm.Sequential(Features(3), [Nested([Dense(4, frozen=True), Dense(2, l2=0.5, learning_rate_factor=3.0)]), lm.Output(2)])
    flat = FlatParameters(build(net.resolve(), 0))
    slots = {slot.name: slot.settings for slot in flat.slots}
    assert set(slots) == {"nested_1/dense_2/weight", "nested_1/dense_2/bias", "output_1/weight", "output_1/bias"}
    assert slots["nested_1/dense_2/weight"].l2 == 0.5
    assert slots["nested_1/dense_2/weight"].learning_rate_factor == 3.0
    assert slots["nested_1/dense_2/weight"].layer == "nested_1/dense_2"


def test_two_containers_of_one_description_start_differently_and_one_seed_alike() -> None:
    block = Nested(Dense(3))
    plan = lm.Sequential(Features(3), [block, block]).resolve()
    first, again = build(plan, 1).named_arrays(), build(plan, 1).named_arrays()
    assert all((first[name] == again[name]).all() for name in first)
    assert (first["nested_1/dense_1/weight"] != first["nested_2/dense_1/weight"]).any()


def test_trained_kept_and_loaded(tmp_path: Any) -> None:
    import numpy as np

    x = np.random.default_rng(0).normal(size=(60, 4))
    y = (x[:, 0] > 0).astype(int)
    net = lm.Sequential([Residual([Dense(8, activation="relu"), Dense(4)]), lm.Output(2)])
    model = lm.Model(net, seed=2)
    model.fit(x, y, epochs=20, optimizer=lm.Adam(0.05), progress=False)
    assert model.evaluate(x, y).metrics["loss"] < 0.2
    model.save(tmp_path / "box.lamina")
    assert (lm.load(tmp_path / "box.lamina").predict(x) == model.predict(x)).all()


def test_from_yaml_a_layer_or_a_list_stands_for_a_chain() -> None:
    text = "type: sequential\ninput: {type: sequence, features: 3}\nlayers:\n- {type: time_distributed, network: {type: dense, units: 2}}\n"
    text += "- {type: nested, network: [{type: gru, units: 3}, {type: dense, units: 2}]}\n"
    network = lm.Sequential.from_yaml(text)
    assert lm.Sequential.from_yaml(network.to_yaml()) == network
    assert [str(node.output_shape) for node in network.resolve().nodes] == ["[batch, ?, 2]", "[batch, ?, 2]"]


def test_a_loop_without_a_bound_is_refused() -> None:
    with pytest.raises(DescriptionError, match="times: how many turns at most"):
        Loop(Dense(2), condition=Dense(1))


@pytest.mark.parametrize(
    ("layer", "shape", "code", "said"),
    [
        (Residual(Dense(4)), Features(3), "NN003", "gives what it takes"),
        (Nested([Dense(4), lm.Output(2)]), Features(3), "NN015", "output_1"),
        (Conditional(Dense(2), then=Dense(1)), Features(3), "NN003", "one number"),
        (Conditional(Dense(1), then=Dense(2)), Features(3), "NN003", "where there is no otherwise"),
        (Nested([lm.Conv2d(2, kernel=3)]), Features(3), "NN001", "inside, network.layers[0]"),
        (Nested(Graph(nodes={"a": lm.Add(inputs=["x", "y"])}, outputs="a")), Features(3), "NN012", "x, y"),
    ],
)
def test_what_is_wrong_inside_is_said_with_its_place(layer: Layer, shape: Shape, code: str, said: str) -> None:
    with pytest.raises(ShapeError) as caught:
        lm.Sequential(shape, [layer]).resolve()
    assert caught.value.code == code
    assert said in str(caught.value)
    assert "network.layers[0]" in caught.value.problems[0].where


def test_inner_layers_say_whether_they_take_masks_and_pieces() -> None:
    bad = lm.Sequential(Sequence(steps=4, features=3), [Nested([lm.Bidirectional(lm.GRU(2)), Dense(2)])]).resolve()
    assert not bad.nodes[0].can_step
    good = lm.Sequential(Sequence(steps=None, features=3), [Repeat(lm.GRU(3), times=2)]).resolve()
    assert good.nodes[0].can_step
    with pytest.raises(LaminaError, match="EN041"):
        build(bad, 0).advance(torch.ones(1, 2, 3), build(bad, 0).start_state(1))

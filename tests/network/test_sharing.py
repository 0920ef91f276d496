"""Layers that stand twice: one owner, one set of weights, and errors that name both."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import lamina as lm
from lamina.engine.build import build
from lamina.engine.parameters import FlatParameters
from lamina.errors import LaminaError, ShapeError
from lamina.network import Graph
from lamina.network.layers import BatchNorm, Conv2d, Dense, Shared
from lamina.network.summary import summarize
from lamina.shapes import Features, Image, Shape


def siamese(left: Shape, right: Shape, layer: Any = None, **again: Any) -> Graph:
    nodes = {
        "one": (layer or Dense(3)).replace(inputs="left"),
        "two": Shared(**{"of": "one", "inputs": "right", **again}),
        "far": lm.Concat(inputs=["one", "two"]),
    }
    return Graph(inputs={"left": left, "right": right}, nodes=nodes, outputs="far")


def test_weights_are_there_once_and_gradients_add_up() -> None:
    plan = siamese(Features(4), Features(4)).resolve()
    network = build(plan, 1, dtype=torch.float64)
    assert summarize(plan).parameters == 15 == sum(p.numel() for p in network.parameters())
    assert set(network.named_arrays()) == {"one/weight", "one/bias"}
    x, y = torch.randn(5, 4, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64)
    out = network({"left": x, "right": y})["far"]
    weight, bias = network.tensors()["one/weight"], network.tensors()["one/bias"]
    torch.testing.assert_close(out, torch.cat([x @ weight.T + bias, y @ weight.T + bias], 1))
    out.sum().backward()
    torch.testing.assert_close(weight.grad, (x + y).sum(0).expand(3, 4))


def test_they_stay_one_through_conversion_flattening_and_updates() -> None:
    network = build(siamese(Features(4), Features(4), BatchNorm()).resolve(), 1)
    network.to(torch.float64)
    flat = FlatParameters(network)
    assert flat.size == 8
    flat.vector.fill_(2.0)
    network.train()
    x = torch.randn(6, 4, dtype=torch.float64)
    network({"left": x, "right": x + 10})
    mean = network.tensors()["one/running_mean"]
    assert float(mean.mean()) > 0.5, "both uses move the one running mean"
    one, two = network.modules_of_nodes[:2]
    assert one.running_mean is two.running_mean
    assert one.weight is two.weight
    assert float(two.weight.detach().sum()) == 8.0


def test_another_size_is_right_where_weights_dont_depend_on_it() -> None:
    plan = siamese(Image(channels=2, height=6, width=6), Image(channels=2, height=6, width=6), Conv2d(3, kernel=3)).resolve()
    assert str(plan.node("two").output_shape) == "[batch, 3, 4, 4]"
    wide = {"one": Conv2d(3, kernel=3, inputs="left"), "two": Shared("one", inputs="right")}
    shapes = {"left": Image(channels=2, height=6, width=6), "right": Image(channels=2, height=9, width=7)}
    plan = Graph(inputs=shapes, nodes=wide, outputs=["one", "two"]).resolve()
    assert str(plan.node("two").output_shape) == "[batch, 3, 7, 5]"
    inputs = {"left": torch.randn(2, 2, 6, 6), "right": torch.randn(2, 2, 9, 7)}
    assert build(plan, 0)(inputs)["two"].shape == (2, 3, 7, 5)


def test_two_shapes_name_both_layers() -> None:
    with pytest.raises(ShapeError) as caught:
        siamese(Features(4), Features(5)).resolve()
    (problem,) = caught.value.problems
    assert problem.code == "NN013"
    assert "two" in problem.where
    assert "'one'" in problem.expected
    assert "[3, 5]" in problem.got


@pytest.mark.parametrize(("of", "fix"), [("on", "did you mean 'one'?"), ("nobody", "name one"), ("two", "")])
def test_an_owner_that_is_none(of: str, fix: str) -> None:
    with pytest.raises(LaminaError) as caught:
        siamese(Features(4), Features(4), of=of).resolve()
    assert any(problem.code in ("NN010", "NN006") for problem in caught.value.problems)
    assert any(fix in problem.fix for problem in caught.value.problems)


def test_kept_and_loaded(tmp_path: Any) -> None:
    model = lm.Model(siamese(Features(4), Features(4)), seed=3)
    model.save(tmp_path / "twins.lamina")
    x = {"left": [[1.0, 2, 3, 4]], "right": [[4.0, 3, 2, 1]]}
    assert (lm.load(tmp_path / "twins.lamina").predict(x) == model.predict(x)).all()


def test_a_shared_network_starts_as_its_owner_says() -> None:
    block = lm.layers.Nested([lm.Dense(2)], inputs="a")
    alone = lm.Graph({"a": lm.features(3)}, {"block": block, "out": lm.Output(1, inputs="block")}, "out")
    twice = lm.Graph(
        {"a": lm.features(3), "b": lm.features(3)},
        {
            "block": block,
            "again": lm.layers.Shared("block", inputs="b"),
            "sum": lm.Add(inputs=["block", "again"]),
            "out": lm.Output(1, inputs="sum"),
        },
        "out",
    )
    one, two = (build(net.resolve(), 3).tensors() for net in (alone, twice))
    assert torch.equal(one["block/dense_1/weight"], two["block/dense_1/weight"])

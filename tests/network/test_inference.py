"""Names, implied layers, defaults, graphs; every wrong network with its place and its fix."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from lamina.errors import DescriptionError, ShapeError, Source
from lamina.network import Defaults, Graph, Network, Sequential
from lamina.network import layers as L
from lamina.network.inference import resolve
from lamina.network.vertices import Add, Average, Concat, Max, Multiply, Subtract
from lamina.shapes import Features, Image, Sequence, Series, Tokens, Volume, features, image, sequence, tokens
from lamina.spec import parse_document


def refused(network: Network, inputs: Any = None, **options: Any) -> tuple[Any, ...]:
    with pytest.raises(ShapeError) as caught:
        resolve(network, inputs, **options)
    return caught.value.problems


# -- plans -------------------------------------------------------------------------------------------------------------


def test_names_are_type_and_number_or_the_users() -> None:
    net = Sequential(features(4), [L.Dense(3), L.Dense(3, name="mine"), L.Dropout(0.1), L.Dense(3), L.Output(2)])
    assert [node.name for node in net.resolve().nodes] == ["dense_1", "mine", "dropout_1", "dense_3", "output_1"]
    assert [node.path for node in net.resolve().nodes] == [("layers", index) for index in range(5)]
    clash = Sequential(features(4), [L.Dense(3), L.Dense(3, name="dense_1")])
    assert len({node.name for node in clash.resolve().nodes}) == 2


@pytest.mark.parametrize("shape", [image(3, 4, 5), Volume(channels=3, depth=2, height=2, width=5)])
@pytest.mark.parametrize("layer", [L.Dense(7, name="fc"), L.Output(7, name="fc")])
def test_flatten_is_implied_before_dense_and_output(shape: Any, layer: Any) -> None:
    plan = Sequential(shape, [layer]).resolve()
    flatten, dense = plan.nodes
    assert (flatten.name, flatten.implied, flatten.output_shape) == ("fc_flatten", True, Features(60))
    assert (dense.inputs, dense.input_shapes, dense.implied) == (("fc_flatten",), (Features(60),), False)
    assert plan.chain
    assert plan.outputs == ("fc",)


def test_nothing_is_implied_where_steps_are_treated_alike() -> None:
    plan = Sequential(sequence(None, 3), [L.Dense(5), L.Output(2)]).resolve()
    assert [str(node.output_shape) for node in plan.nodes] == ["[batch, ?, 5]", "[batch, ?, 2]"]


def test_an_implied_name_that_is_taken_gives_way() -> None:
    net = Sequential(image(1, 2, 2), [L.ActivationLayer("relu", name="fc_flatten"), L.Dense(2, name="fc")])
    assert [node.name for node in net.resolve().nodes] == ["fc_flatten", "fc_flatten_", "fc"]


def test_the_data_may_say_the_input() -> None:
    net = Sequential([L.Dense(3), L.Output(2)])
    assert not net.has_inputs
    assert resolve(net, {"input": features(9)}).node("dense_1").input_shapes == (Features(9),)
    declared = Sequential(sequence(None, 3), [L.LSTM(2)])
    assert resolve(declared, {"input": sequence(8, 3)}).inputs == {"input": sequence(None, 3)}


def test_lenet_has_the_shapes_of_the_paper() -> None:
    net = Sequential.from_yaml("""
    type: sequential
    input: {type: image, channels: 1, height: 28, width: 28}
    defaults: {activation: relu}
    layers:
      - {type: conv2d, filters: 20, kernel: 5}
      - {type: max_pool2d, size: 2}
      - {type: conv2d, filters: 50, kernel: 5}
      - {type: max_pool2d, size: 2}
      - {type: dense, units: 500}
      - {type: output, units: 10, loss: cross_entropy}
    """)
    shapes = [str(node.output_shape) for node in net.resolve().nodes]
    assert shapes == [
        "[batch, 20, 24, 24]",
        "[batch, 20, 12, 12]",
        "[batch, 50, 8, 8]",
        "[batch, 50, 4, 4]",
        "[batch, 800]",
        "[batch, 500]",
        "[batch, 10]",
    ]


# -- defaults ----------------------------------------------------------------------------------------------------------


def test_defaults_reach_layers_that_say_nothing_and_no_others() -> None:
    defaults = Defaults(activation="relu", initializer="he_normal", bias=False, l2=0.01, dropout=0.2)
    net = Sequential(
        image(2, 8, 8),
        [
            L.Conv2d(3, kernel=3),
            L.BatchNorm(),
            L.MaxPool2d(2),
            L.Dense(4, activation="tanh", l2=0.0, bias=True),
            L.Output(2),
        ],
        defaults=defaults,
    )
    conv, norm, pool, _, dense, output = (node.layer for node in net.resolve().nodes)
    assert (conv.activation.type_name, conv.initializer.type_name, conv.bias, conv.l2) == ("relu", "he_normal", False, 0.01)
    assert (norm.activation.type_name, norm.bias, norm.l2, norm.initializer.type_name) == ("identity", True, 0.01, "xavier_uniform")
    assert pool == L.MaxPool2d(2)
    assert (dense.activation.type_name, dense.l2, dense.bias, dense.initializer.type_name) == ("tanh", 0.0, True, "he_normal")
    assert (output.activation, output.effective_activation.type_name, output.bias) == (None, "softmax", False)
    assert all(layer.dropout.rate == 0.2 for layer in (conv, norm, dense, output))


def test_defaults_reach_the_layer_inside_bidirectional_but_not_its_activation() -> None:
    net = Sequential(sequence(5, 3), [L.Bidirectional(L.LSTM(4, l1=0.5))], defaults={"activation": "relu", "l1": 0.1, "l2": 0.2})
    inner = net.resolve().nodes[0].layer.layer
    assert (inner.activation.type_name, inner.l1, inner.l2) == ("tanh", 0.5, 0.2)


@pytest.mark.parametrize("network", [*Sequential.examples(), *Graph.examples()])
def test_networks_round_trip_and_their_full_form_needs_no_defaults(network: Network) -> None:
    assert type(network).from_yaml(network.to_yaml()) == network
    assert Network.from_yaml(network.to_json()) == network
    full = Network.from_yaml(network.to_json(full=True))
    given = None if network.has_inputs else {"input": features(4)}
    again, plan = resolve(full, given), resolve(network, given)
    assert full.defaults is None
    assert [node.name for node in again.nodes] == [node.name for node in plan.nodes]
    assert [node.layer for node in again.nodes] == [node.layer for node in plan.nodes]


# -- graphs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations(["a", "b", "sum", "out"])))
def test_a_graph_may_be_written_in_any_order(order: tuple[str, ...]) -> None:
    nodes = {
        "a": L.Dense(3, inputs=["x"]),
        "b": L.Dense(3, inputs=["a"]),
        "sum": Add(inputs=["a", "b"]),
        "out": L.Output(2, inputs=["sum"]),
    }
    plan = Graph({"x": features(5)}, {name: nodes[name] for name in order}, ["out"]).resolve()
    assert [node.name for node in plan.nodes] == ["a", "b", "sum", "out"]
    assert not plan.chain


def test_a_chain_as_a_graph_is_the_same_plan() -> None:
    net = Sequential(
        image(1, 6, 6), [L.Conv2d(3, kernel=3, name="c"), L.Dense(4), L.Output(2)], defaults={"activation": "relu"}, ignore=["CK001"]
    )
    chain, graph = net.resolve(), net.to_graph().resolve()
    assert [(n.name, n.inputs, n.output_shape, n.implied) for n in chain.nodes] == [
        (n.name, n.inputs, n.output_shape, n.implied) for n in graph.nodes
    ]
    assert graph.chain
    assert chain.outputs == graph.outputs
    assert Graph.from_yaml(net.to_graph().to_yaml()) == net.to_graph()
    assert net.to_graph().ignore == ("CK001",)


@pytest.mark.parametrize("vertex", [Add, Multiply, Average, Max])
def test_elementwise_vertices_keep_the_shape_and_know_the_steps_that_one_branch_knows(vertex: Any) -> None:
    assert vertex().infer((sequence(None, 3), sequence(7, 3), sequence(None, 3))) == Sequence(steps=7, features=3)
    nodes = {"a": L.Dense(3, inputs="x"), "it": vertex(inputs=["x", "a"]), "o": L.LossLayer("mse", inputs="it")}
    (problem,) = refused(Graph({"x": features(4)}, nodes, ["o"]))
    assert (problem.code, problem.where) == ("NN003", f"network.nodes.it ({vertex.type_name})")
    assert "x [batch, 4], a [batch, 3]" in problem.got
    assert "equal units or filters" in problem.fix


@pytest.mark.parametrize(
    ("axis", "shapes", "expected"),
    [
        ("features", (features(3), features(4)), Features(7)),
        ("features", (sequence(None, 3), sequence(5, 4)), Sequence(steps=5, features=7)),
        ("steps", (sequence(None, 3), sequence(5, 3)), Sequence(steps=None, features=3)),
        ("steps", (sequence(2, 3), sequence(5, 3)), Sequence(steps=7, features=3)),
        ("channels", (image(1, 2, 3), image(4, 2, 3), image(2, 2, 3)), image(7, 2, 3)),
        ("width", (image(1, 2, 3), image(1, 2, 4)), image(1, 2, 7)),
    ],
)
def test_concat_adds_up_one_axis(axis: str, shapes: Any, expected: Any) -> None:
    assert Concat(axis).infer(shapes) == expected


@pytest.mark.parametrize(
    ("axis", "shapes"),
    [("features", (image(1, 2, 3), image(1, 3, 3))), ("steps", (features(3),) * 2), ("width", (image(1, 2, 3), features(4)))],
)
def test_concat_refuses_what_differs_elsewhere(axis: str, shapes: Any) -> None:
    with pytest.raises(ShapeError) as caught:
        Concat(axis).infer(shapes)
    assert caught.value.code == "NN003"


GRAPH = {"a": L.Dense(3, inputs=["x"]), "out": L.Output(2, inputs=["a"])}


@pytest.mark.parametrize(
    ("inputs", "changes", "outputs", "code", "where", "fix"),
    [
        ({}, {"out": L.Output(2, inputs=["aa"])}, ["out"], "NN010", "network.nodes.out (output)", "did you mean 'a'?"),
        ({}, {}, ["ouput"], "NN010", "the network's outputs", "did you mean 'out'?"),
        ({}, {}, ["out", "x"], "NN010", "the network's outputs", "{type: identity, inputs: [x]}"),
        ({}, {"b": L.Dense(2, inputs=["a"])}, ["out"], "NN004", "network.nodes.b (dense)", "add 'b' to the inputs"),
        ({}, {"b": L.Dense(2)}, ["out", "b"], "NN004", "network.nodes.b (dense)", "add inputs: [NAME]"),
        ({"y": features(2)}, {}, ["out"], "NN004", "the network's input 'y'", "add 'y' to the inputs"),
        ({"a": features(2)}, {}, ["out"], "NN005", "network.nodes.a (dense)", "rename"),
        ({}, {"b": Add(inputs=["a"])}, ["out", "b"], "NN012", "network.nodes.b (add)", "at least 2 names"),
        ({}, {"b": Subtract(inputs=["a", "a", "a"])}, ["out", "b"], "NN012", "network.nodes.b (subtract)", "join them first"),
        ({}, {"a": L.Dense(3, inputs=["x", "x"])}, ["out"], "NN012", "network.nodes.a (dense)", "join them first"),
        ({}, {"a": L.Dense(3, inputs=["a"])}, ["out"], "NN006", "network.nodes.a (dense)", "take 'a' out of the inputs of 'a'"),
    ],
)
def test_wiring_mistakes(inputs: Any, changes: Any, outputs: Any, code: str, where: str, fix: str) -> None:
    problems = refused(Graph({"x": features(4), **inputs}, {**GRAPH, **changes}, outputs))
    found = next(problem for problem in problems if problem.code == code)
    assert found.where == where
    assert fix in found.fix


def test_a_cycle_is_shown_and_what_hangs_on_it_is_not_blamed() -> None:
    nodes = {
        "a": L.Dense(3, inputs=["c"]),
        "b": L.Dense(3, inputs=["a"]),
        "c": L.Dense(3, inputs=["b"]),
        "out": L.Output(2, inputs=["c"]),
        "other": L.Conv2d(3, kernel=2, inputs=["x"]),
    }
    problems = refused(Graph({"x": features(4)}, nodes, ["out", "other"]))
    assert [problem.code for problem in problems] == ["NN006", "NN001"]
    assert problems[0].got in ("a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c")
    cut = problems[0].fix.removeprefix("take ").split(" out of the inputs of ")
    assert nodes[cut[1].strip("'")].inputs == (cut[0].strip("'"),)


@pytest.mark.parametrize(
    ("make", "fix"),
    [
        (lambda: Graph({"x": features(2)}, {}, ["a"]), "name the node"),
        (lambda: Graph({"x": features(2)}, {"a": L.Dense(2, name="b", inputs="x")}, ["a"]), "remove name: b"),
        (lambda: Graph({"x": features(2)}, GRAPH, ["out", "out"]), "remove the second one"),
        (lambda: Sequential(features(2), []), "add a layer"),
        (lambda: Sequential(features(2), [L.Dense(2)], ignore=["NN001"]), "remove 'NN001'"),
    ],
)
def test_wrong_descriptions_name_the_fix(make: Any, fix: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        make()
    assert caught.value.code == "SP004"
    assert fix in caught.value.problems[0].fix


# -- messages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "layers", "fix"),
    [
        (image(1, 8, 8), [L.Conv1d(3, kernel=3)], "write type: conv2d"),
        (sequence(8, 2), [L.MaxPool2d(2)], "write type: max_pool1d"),
        (features(8), [L.Conv2d(3, kernel=3)], "{type: reshape, shape: {type: image"),
        (image(1, 8, 8), [L.Flatten(), L.Conv2d(3, kernel=3)], "remove the flatten before it"),
        (sequence(8, 2), [L.LSTM(3, return_sequences=False), L.GRU(3)], "set return_sequences: true in the lstm before it"),
        (sequence(8, 2), [L.Bidirectional(L.LSTM(3, return_sequences=False)), L.GRU(3)], "in the layer inside bidirectional"),
        (sequence(8, 2), [L.LSTM(3), L.LastStep(), L.GRU(3)], "remove the last_step before it"),
        (tokens(8, 50), [L.LSTM(3)], "put an embedding before it"),
        (features(8), [L.Embedding(3)], "{type: tokens, vocabulary: ...}"),
        (features(8), [L.GlobalMaxPool()], "remove global_max_pool"),
    ],
)
def test_the_fix_fits_the_mistake(shape: Any, layers: Any, fix: str) -> None:
    (problem,) = refused(Sequential(shape, [*layers, L.Output(2)]))
    last = len(layers) - 1
    assert problem.code == "NN001"
    assert problem.where.startswith(f"network.layers[{last}] ")
    assert fix in problem.fix
    assert "the network's input 'input'" in problem.got if last == 0 else f"network.layers[{last - 1}]" in problem.got


RECIPE = """seed: 1
model:
  type: sequential
  input: {type: features, count: 4}
  layers:
    - {type: dense, units: 3, name: fc}
    - {type: conv2d, filters: 3, kernel: 3}
    - {type: add}
    - {type: dense, units: 3, name: fc}
    - {type: dense, units: 3, inputs: [fc]}
"""


def test_all_problems_come_at_once_with_their_lines() -> None:
    document = parse_document(RECIPE, "net.yaml")
    network = Network.from_document(document, ("model",))
    problems = refused(network, document=document, prefix=("model",))
    found = {(problem.code, problem.where): problem.source for problem in problems}
    assert found == {
        ("NN001", "model.layers[1] 'conv2d_1' (conv2d)"): Source("net.yaml", 7, 7),
        ("NN012", "model.layers[2] 'add_1' (add)"): Source("net.yaml", 8, 7),
        ("NN005", "model.layers[3] 'fc' (dense)"): Source("net.yaml", 9, 7),
        ("NN012", "model.layers[4] 'dense_3' (dense)"): Source("net.yaml", 10, 7),
    }


def test_what_a_broken_layer_feeds_is_not_reported() -> None:
    nodes = {
        "bad": L.Conv2d(3, kernel=3, inputs="x"),
        "after": L.LSTM(3, inputs="bad"),
        "also_bad": L.LSTM(3, inputs="x"),
        "both": Concat(inputs=["after", "also_bad"]),
    }
    problems = refused(Graph({"x": features(4)}, nodes, ["both"]))
    assert [problem.where for problem in problems] == ["network.nodes.bad (conv2d)", "network.nodes.also_bad (lstm)"]


def test_without_an_input_shape() -> None:
    (problem,) = refused(Sequential([L.Dense(3)]))
    assert (problem.code, problem.where) == ("NN007", "network.input")
    assert "input: {type: features, count: 4}" in problem.fix
    (problem,) = refused(Graph(nodes={"a": L.Dense(3, inputs="x")}, outputs=["a"]))
    assert (problem.code, problem.where) == ("NN007", "network.inputs")


@pytest.mark.parametrize(
    ("given", "fix"),
    [
        ({"input": features(5)}, "remove the network's input"),
        ({"input": Image(channels=1, height=2, width=2)}, "remove the network's input"),
        ({"input": Tokens(steps=4, vocabulary=3)}, "remove the network's input"),
        ({"inptu": features(4)}, "rename the input 'input' to 'inptu'"),
    ],
)
def test_data_of_another_shape_than_declared(given: Any, fix: str) -> None:
    (problem,) = refused(Sequential(features(4), [L.Dense(3)]), given)
    assert (problem.code, problem.where) == ("NN011", "network.input")
    assert fix in problem.fix


@pytest.mark.parametrize(
    ("layer", "fix"),
    [
        (L.BatchNorm(), "{type: time_distributed, network: {type: batch_norm, ...}}"),
        (L.Conv2d(3, kernel=2), "{type: time_distributed, network: {type: conv2d, ...}}"),
        (L.LSTM(3), "{type: time_distributed, network: {type: flatten}}"),
    ],
)
def test_what_works_on_one_image_is_run_on_each_of_a_film(layer: L.Layer, fix: str) -> None:
    film = Series(steps=None, item=image(3, 8, 8))
    (problem,) = refused(Sequential(film, [layer]))
    assert problem.code == "NN001"
    assert fix in problem.fix
    Sequential(film.replace(steps=4), [L.TimeDistributed(L.Flatten()), L.LSTM(3)]).resolve()

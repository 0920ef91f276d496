from __future__ import annotations

import numpy as np
import pytest
import torch

import lamina as lm
from lamina.engine.operators import Context, find, operator
from lamina.engine.operators.registry import entries
from lamina.errors import LaminaError, RegistrationError
from lamina.network.operators import signatures
from lamina.network.vertices import Operator, Operators, Pick, Stored
from lamina.shapes import Array, features


def node(*operators: Operator, **settings: object) -> lm.Graph:
    layer = Operators(list(operators), takes=["x"], inputs=["x"], **settings)
    return lm.Graph(inputs={"x": features(3)}, nodes={"part": layer, "out": lm.Output(2, inputs=["part"])}, outputs=["out"])


def test_the_table_says_what_is_entered() -> None:
    found = {(one.domain, one.name): (one.least, one.most, one.attributes) for one in signatures() if one.family}
    own = {key: entry for key, entry in entries().items() if entry.run.__module__.startswith("lamina.engine.operators.")}
    assert found == {key: (entry.least, entry.most, frozenset(entry.attributes)) for key, entry in own.items()}


def test_two_functions_for_one_operator() -> None:
    with pytest.raises(RegistrationError, match="IO030"):
        operator("Relu")(lambda x: x)


def test_a_name_that_nothing_runs() -> None:
    with pytest.raises(RegistrationError, match="IO032"):
        find("Nothing", "org.example")


def test_what_is_too_large_is_refused_before_it_is_made() -> None:
    with pytest.raises(LaminaError, match="IO031"):
        Context().allow([1 << 20, 1 << 20])
    grow = Operator("Expand", ["x", "sizes"], ["y"])
    sizes = Operator("Constant", (), ["sizes"], attributes={"value": {"kind": "int64", "shape": [2], "values": [1 << 39, 3]}})
    layer = Operators([sizes, grow], takes=["x"], gives=["y"], shapes=[features(3)], inputs=["x"])
    model = lm.Model(lm.Graph(inputs={"x": features(3)}, nodes={"part": layer}, outputs=["part"]))
    with pytest.raises(LaminaError, match="IO031"):
        model.predict(np.zeros((1, 3), np.float32))


def test_inputs_that_do_not_fit_are_refused_in_words() -> None:
    layer = Operators(
        [Operator("MatMul", ["x", "w"], ["y"])], takes=["x"], gives=["y"], shapes=[features(2)], weights={"w": Stored([4, 2])}
    )
    graph = lm.Graph(inputs={"x": features(3)}, nodes={"part": layer.replace(inputs=("x",))}, outputs=["part"])
    with pytest.raises(LaminaError, match="IO031"):
        lm.Model(graph).predict(np.zeros((2, 3), np.float32))


def test_a_node_learns_and_is_kept(tmp_path) -> None:
    network = node(
        Operator("MatMul", ["x", "w"], ["h"]),
        Operator("Gather", ["h", "places"], ["y"], attributes={"axis": 1}),
        gives=["y"],
        shapes=[features(3)],
        weights={"w": Stored([3, 5])},
        constants={"places": Stored([3], kind="int64")},
    )
    model = lm.Model(network, seed=3)
    assert model.parameters()["part/places"].dtype == np.int64
    x, y = np.random.default_rng(0).normal(size=(32, 3)).astype(np.float32), np.arange(32) % 2
    before = model.parameters()["part/w"]
    model.fit(x, y, epochs=2, batch_size=8)
    assert not np.array_equal(before, model.parameters()["part/w"])
    model.save(tmp_path / "kept.lamina")
    np.testing.assert_array_equal(lm.load(tmp_path / "kept.lamina").predict(x), model.predict(x))


def test_several_outputs_of_any_kind() -> None:
    layer = Operators(
        [Operator("TopK", ["x", "k"], ["values", "places"])],
        takes=["x", "k"],
        gives=["values", "places"],
        shapes=[Array([None], batch=True), Array([None], kind="int64")],
        inputs=["x", "k"],
    )
    graph = lm.Graph(
        inputs={"x": features(4), "k": Array([1], kind="int64", batch=False)},
        nodes={"part": layer, "places": Pick(1, inputs=["part"]), "values": Pick(0, inputs=["part"])},
        outputs=["values", "places"],
    )
    found = lm.Model(graph).outputs({"x": np.array([[3.0, 1, 2, 9]]), "k": np.array([2])})
    assert found["places"].tolist() == [[3, 0]]
    assert found["values"].tolist() == [[9, 3]]


def test_numbers_of_another_kind_keep_theirs() -> None:
    layer = Operators(
        [
            Operator("Cast", ["x"], ["y"], attributes={"to": "float64"}),
            Operator("Add", ["y", "c"], ["z"]),
            Operator("CastLike", ["z", "x"], ["out"]),
        ],
        takes=["x"],
        gives=["out"],
        shapes=[features(3)],
        constants={"c": Stored([3], kind="float64")},
        inputs=["x"],
    )
    model = lm.Model(lm.Graph(inputs={"x": features(3)}, nodes={"part": layer}, outputs=["part"]))
    assert model.parameters()["part/c"].dtype == np.float64
    model.network.to(torch.float64)
    model.network.to(torch.float32)
    assert model.parameters()["part/c"].dtype == np.float64

"""ComputationGraphs: order of the flat vector, vertices, several inputs and outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamina import interop
from lamina.errors import InteropError
from lamina.testing.dl4j import layer, write_zip

GRAPH = "org.deeplearning4j.nn.conf.graph."


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def vertex(kind: str, **settings: Any) -> dict[str, Any]:
    return {"@class": GRAPH + kind, **settings}


def dense(inputs: int, units: int) -> dict[str, Any]:
    return vertex("LayerVertex", layerConf={"layer": layer("DenseLayer", nin=inputs, nout=units)}, preProcessor=None)


def graph(path: Path, vertices: dict[str, Any], edges: dict[str, list[str]], weights: Any, **more: Any) -> Path:
    settings = {"networkInputs": ["a", "b"], "networkOutputs": ["out"], "vertices": vertices, "vertexInputs": edges, **more}
    return write_zip(path, None, weights, **settings)


def affine(vector: np.ndarray, x: np.ndarray, units: int) -> np.ndarray:
    count = x.shape[1]
    found: np.ndarray = x @ vector[: count * units].reshape(count, units, order="F") + vector[count * units : (count + 1) * units]
    return found


def test_the_vector_follows_the_order_in_which_vertices_can_be_computed(tmp_path: Path) -> None:
    """Written last, "first" is computed before "out"; the file of 0.9 does not say the order."""
    a, b = drawn(4, 2), drawn(4, 3, seed=1)
    vertices = {"out": dense(5, 2), "both": vertex("MergeVertex"), "first": dense(2, 2)}
    edges = {"out": ["both"], "both": ["first", "b"], "first": ["a"]}
    weights = drawn(6 + 12, seed=2)
    wanted = affine(weights[6:], np.concatenate([affine(weights[:6], a, 2), b], axis=1), 2)
    for number, order in enumerate([None, ["a", "b", "first", "both", "out"]]):
        path = graph(tmp_path / f"{number}.zip", vertices, edges, weights, topologicalOrderStr=order)
        model = interop.load(path, inputs={"b": _features(3)})
        np.testing.assert_allclose(model.predict({"a": a, "b": b}), wanted, rtol=1e-4, atol=1e-5)


def _features(count: int) -> Any:
    import lamina as lm

    return lm.features(count)


@pytest.mark.parametrize(("op", "compute"), [("Add", np.add), ("Subtract", np.subtract), ("Product", np.multiply), ("Max", np.maximum)])
def test_elementwise(tmp_path: Path, op: str, compute: Any) -> None:
    a, b = drawn(4, 2), drawn(4, 2, seed=1)
    path = graph(
        tmp_path / "a.zip", {"e": vertex("ElementWiseVertex", op=op), "out": dense(2, 2)}, {"e": ["a", "b"], "out": ["e"]}, drawn(6)
    )
    found = interop.load(path).predict({"a": a, "b": b})
    np.testing.assert_allclose(found, affine(drawn(6), compute(a, b), 2), rtol=1e-4, atol=1e-5)


def test_what_is_stacked_along_the_batch_shares_its_layers(tmp_path: Path) -> None:
    a, b = drawn(4, 2), drawn(4, 2, seed=1)
    vertices = {
        "s": vertex("StackVertex"),
        "twin": dense(2, 3),
        "one": vertex("UnstackVertex", **{"from": 0, "stackSize": 2}),
        "two": vertex("UnstackVertex", **{"from": 1, "stackSize": 2}),
        "far": vertex("L2Vertex", eps=1e-8),
        "out": dense(1, 1),
    }
    edges = {"s": ["a", "b"], "twin": ["s"], "one": ["twin"], "two": ["twin"], "far": ["one", "two"], "out": ["far"]}
    weights = drawn(9 + 2, seed=3)
    path = graph(tmp_path / "a.zip", vertices, edges, weights)
    distance = np.sqrt(((affine(weights[:9], a, 3) - affine(weights[:9], b, 3)) ** 2).sum(1, keepdims=True))
    model = interop.load(path)
    np.testing.assert_allclose(model.predict({"a": a, "b": b}), affine(weights[9:], distance, 1), rtol=1e-4, atol=1e-5)
    assert len(model.parameters()) == 4


def test_films_in_graphs(tmp_path: Path) -> None:
    """A convolution over each frame, flattened for a dense layer, as a sequence."""

    def placed(kind: str, before: dict[str, Any], **settings: Any) -> dict[str, Any]:
        return vertex("LayerVertex", layerConf={"layer": layer(kind, **settings)}, preProcessor=before)

    frames = {"@class": "p.RnnToCnnPreProcessor", "inputHeight": 2, "inputWidth": 2, "numChannels": 2}
    flat = {"@class": "p.CnnToFeedForwardPreProcessor", "inputHeight": 2, "inputWidth": 2, "numChannels": 3}
    vertices = {
        "conv": placed("ConvolutionLayer", frames, nin=2, nout=3, kernelSize=[1, 1]),
        "pool": vertex("LayerVertex", layerConf={"layer": layer("ActivationLayer", "ReLU")}),
        "out": placed("DenseLayer", flat, nin=12, nout=2),
    }
    weights = drawn(3 + 6 + 24 + 2, seed=4)
    edges = {"conv": ["a"], "pool": ["conv"], "out": ["pool"]}
    path = graph(tmp_path / "a.zip", vertices, edges, weights, networkInputs=["a"])
    x = drawn(3, 8, 5)
    kernel = weights[3:9].reshape(3, 2)
    seen = np.einsum("bcpt,oc->bopt", x.reshape(3, 2, 4, 5), kernel) + weights[:3][:, None, None]
    rows = np.maximum(seen, 0).reshape(3, 12, 5).transpose(0, 2, 1).reshape(15, 12)
    wanted = affine(weights[9:], rows, 2).reshape(3, 5, 2).transpose(0, 2, 1)
    np.testing.assert_allclose(interop.load(path).predict(x), wanted, rtol=1e-4, atol=1e-5)


def test_names_that_are_none_here_are_kept_for_the_outside(tmp_path: Path) -> None:
    vertices = {"conv/1": dense(2, 2), "2": vertex("ScaleVertex", scaleFactor=2.0)}
    path = graph(
        tmp_path / "a.zip", vertices, {"conv/1": ["x:0"], "2": ["conv/1"]}, drawn(6), networkInputs=["x:0"], networkOutputs=["2", "conv/1"]
    )
    model = interop.load(path)
    x = drawn(3, 2, seed=5)
    found = model.predict({"x:0": x})
    assert list(found) == ["2", "conv/1"]
    np.testing.assert_allclose(found["2"], 2 * affine(drawn(6), x, 2), rtol=1e-4, atol=1e-5)
    assert "conv_1/weight" in model.parameters()


def test_a_cycle_and_an_unknown_vertex_are_refused(tmp_path: Path) -> None:
    ring = {"p": dense(2, 2), "out": dense(2, 2)}
    with pytest.raises(InteropError, match="IO010.*wait for each other|IO010"):
        interop.inspect(graph(tmp_path / "a.zip", ring, {"p": ["out"], "out": ["p"]}, drawn(12)))
    odd = {"p": {"@class": "my.own.MyVertex"}, "q": {"@class": "my.own.Other"}, "out": dense(2, 2)}
    report = interop.inspect(graph(tmp_path / "b.zip", odd, {"p": ["a"], "q": ["b"], "out": ["p"]}, drawn(6)))
    assert [problem.got for problem in report.missing] == ["my.own.MyVertex", "my.own.Other"]
    assert "vertices.p" in report.missing[0].where

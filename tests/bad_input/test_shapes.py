"""Every kind of shape into every layer that does not take it: named, placed, with what fed it and what to write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import lamina as lm
import lamina.train.recipe  # noqa: F401 (fills the registry)
from lamina.network.advice import shape_words
from lamina.network.network import type_word
from lamina.shapes import Features, Image, Sequence, Shape, Tokens, Volume
from lamina.spec import registry

# Each kind of shape, made of the 64 pixels of a digit.
MADE: dict[type[Shape], dict[str, Any]] = {
    Features: {"type": "features", "count": 64},
    Sequence: {"type": "sequence", "steps": 8, "features": 8},
    Image: {"type": "image", "channels": 4, "height": 4, "width": 4},
    Volume: {"type": "volume", "channels": 1, "depth": 4, "height": 4, "width": 4},
}


def layers() -> Iterator[Any]:
    for name, component in registry.components("layer"):
        if component.__module__.startswith("lamina.") and name != "module":
            yield name, component.examples()[0][0]


SINGLE = [(name, layer) for name, layer in layers() if layer.input_count[0] == 1]
SEVERAL = [(name, layer) for name, layer in layers() if layer.input_count[0] > 1]
REFUSED = [
    pytest.param(layer, kind, id=f"{kind.type_name}-into-{name}")
    for name, layer in SINGLE
    for kind in MADE
    if kind not in layer.accepts and not (layer.flattens and kind in (Image, Volume))
]
NO_TOKENS = [pytest.param(layer, id=name) for name, layer in SINGLE if Tokens not in layer.accepts]


def written(layer: Any, *, shape: dict[str, Any]) -> tuple[str, int]:
    """A recipe in which ``layer`` follows one that gives ``shape``; and the line the layer stands in."""
    first = ["data: {source: {type: digits}}", "network:", "  type: sequential", "  layers:"]
    reshape = {"type": "reshape", "name": "squeeze", "shape": shape}
    lines = [*first, f"    - {flow(reshape)}", f"    - {flow(layer.to_dict())}", "    - {type: output, units: 10}"]
    return "\n".join(lines) + "\n", len(first) + 2


def flow(data: Any) -> str:
    return yaml.safe_dump(data, default_flow_style=True, width=10_000).strip()


def test_there_are_many_ways_to_be_wrong() -> None:
    assert len(REFUSED) > 40
    assert len(NO_TOKENS) > 20
    assert len(SEVERAL) > 3


@pytest.mark.parametrize(("layer", "kind"), REFUSED)
def test_a_shape_the_layer_does_not_take(refused: Callable[..., Any], recipe: Callable[..., Path], layer: Any, kind: type[Shape]) -> None:
    text, line = written(layer, shape=MADE[kind])
    file = recipe(text)
    (problem,) = refused("check", file)
    assert problem.code == "NN001"
    name = layer.name or f"{layer.type_name}_1"
    assert problem.at(file, line, 7), problem.head
    assert f"network.layers[1] {name!r} ({type_word(layer)})" in problem.head
    assert problem.expected == " or ".join(shape_words(taken) for taken in layer.accepts)
    given = Shape.from_dict(MADE[kind])
    assert problem.got == f"{given} ({kind.type_name}), the output of network.layers[0] 'squeeze' (reshape)"
    sibling = re.fullmatch(r"write type: (\w+)", problem.fix)
    if sibling:
        assert kind in registry.get("layer", sibling[1]).accepts


@pytest.mark.parametrize("layer", NO_TOKENS)
def test_tokens_into_a_layer_for_numbers(refused: Callable[..., Any], recipe: Callable[..., Path], layer: Any) -> None:
    text = (
        "data: {source: {type: digits}}\nnetwork:\n  type: sequential\n  input: {type: tokens, vocabulary: 100, steps: 8}\n"
        f"  layers:\n    - {flow(layer.to_dict())}\n    - {{type: output, units: 10}}\n"
    )
    file = recipe(text)
    found = refused("check", file)
    assert [problem.code for problem in found if problem.at(file, 4, 3)] == ["NN011"]
    (problem,) = [problem for problem in found if problem.code == "NN001"]
    assert problem.at(file, 6, 7)
    assert "network.layers[0]" in problem.head
    assert "the network's input 'input'" in problem.got
    assert problem.fix.startswith("put an embedding before it: {type: embedding")


@pytest.mark.parametrize(("name", "vertex"), SEVERAL)
def test_a_vertex_for_several_inputs_in_a_chain(refused: Callable[..., Any], recipe: Callable[..., Path], name: str, vertex: Any) -> None:
    file = recipe(written(vertex.replace(inputs=()), shape=MADE[Features])[0])
    problems = refused("check", file)
    assert problems[0].code == "NN012"
    assert f"({name})" in problems[0].head
    assert problems[0].at(file, 6, 7)


@pytest.mark.parametrize(("name", "vertex"), SEVERAL)
def test_ranks_that_differ_into_a_vertex(refused: Callable[..., Any], recipe: Callable[..., Path], name: str, vertex: Any) -> None:
    nodes = {
        "one": {"type": "reshape", "shape": MADE[Features], "inputs": ["input"]},
        "other": {"type": "reshape", "shape": MADE[Volume], "inputs": ["input"]},
        "both": {**vertex.to_dict(), "inputs": ["one", "other"]},
        "output": {"type": "output", "units": 10, "inputs": ["both"]},
    }
    graph = {"type": "graph", "inputs": {"input": {"type": "image", "channels": 1, "height": 8, "width": 8}}, "nodes": nodes}
    file = recipe(yaml.safe_dump({"data": {"source": {"type": "digits"}}, "network": {**graph, "outputs": ["output"]}}, sort_keys=False))
    problem, *others = refused("check", file)
    assert {found.code for found in (problem, *others)} <= {"NN001", "NN003"}
    assert all(f"network.nodes.both ({name})" in found.head for found in (problem, *others))
    line = next(number for number, text in enumerate(file.read_text().splitlines(), 1) if text.strip() == "both:")
    assert problem.at(file, line)
    assert "network.nodes.one (reshape)" in problem.got or "network.nodes.other (reshape)" in problem.got


def test_shapes_and_metrics_at_once(refused: Callable[..., Any], recipe: Callable[..., Path]) -> None:
    file = recipe(
        "data: {source: {type: digits}}\n"
        "network:\n"
        "  type: sequential\n"
        "  layers:\n"
        "    - {type: max_pool2d, size: 9}\n"
        "    - {type: flatten}\n"
        "    - {type: dense, units: 3}\n"
        "    - {type: output, units: 3}\n"
        "train: {early_stopping: {monitor: validation/acuracy}}\n"
    )
    window, metric = refused("check", file)
    assert window.code == "NN002"
    assert window.at(file, 5, 7)
    assert metric.code == "TR055"
    assert metric.at(file, 9, 26)


@pytest.mark.parametrize("command", ["train", "check", "summary"])
def test_every_command_that_reads_a_recipe_says_the_same(refused: Callable[..., Any], recipe: Callable[..., Path], command: str) -> None:
    layer = lm.Conv3d(2, kernel=2)
    text, line = written(layer, shape=MADE[Image])
    file = recipe(text)
    (problem,) = refused(command, file)
    assert problem.at(file, line, 7)
    assert problem.fix == "write type: conv2d"


def test_in_python_before_any_tensor() -> None:
    with pytest.raises(lm.LaminaError) as caught:
        lm.Model(lm.Sequential(lm.features(4), [lm.Dense(8), lm.Conv2d(4, kernel=3), lm.Output(2)]))
    (problem,) = caught.value.problems
    assert problem.code == "NN001"
    assert problem.where == "network.layers[1] 'conv2d_1' (conv2d)"
    assert "network.layers[0] 'dense_1' (dense)" in problem.got


NETWORKS = {
    Features: lm.Sequential(lm.features(6), [lm.Output(2)]),
    Sequence: lm.Sequential(lm.sequence(5, 3), [lm.LSTM(4), lm.LastStep(), lm.Output(2)]),
    Image: lm.Sequential(lm.image(1, 6, 6), [lm.Conv2d(2, kernel=3), lm.Output(2)]),
}


@pytest.mark.parametrize(("kind", "axes"), [(kind, axes) for kind in NETWORKS for axes in range(6) if axes != len(kind.axes) + 1])
def test_arrays_of_the_wrong_rank(kind: type[Shape], axes: int) -> None:
    model = lm.Model(NETWORKS[kind])
    x, y = np.zeros((4,) * axes, np.float32), np.zeros(4, np.int64)
    for call in (lambda: model.predict(x), lambda: model.fit(x, y, epochs=1, progress=False), lambda: model.evaluate(x, y)):
        with pytest.raises(lm.LaminaError) as caught:
            call()
        (problem,) = caught.value.problems
        assert problem.code == "DA003", problem
        assert problem.where == "input 'input'"
        assert str(next(iter(model.plan.inputs.values()))) in problem.expected
        assert all((problem.got, problem.cause, problem.fix))

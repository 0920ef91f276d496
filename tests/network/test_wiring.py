"""The order of nodes, against the rule written out; and that it is found quickly."""

from __future__ import annotations

import random
import time

import pytest

from lamina.network import Graph
from lamina.network.layers import Dense
from lamina.network.network import Step
from lamina.network.vertices import Add
from lamina.network.wiring import in_order
from lamina.shapes import Features


def written_out(steps: list[Step]) -> list[str]:
    """Again and again the first one as written whose inputs are all there."""
    names, done = {step.name for step in steps}, []
    while True:
        ready = [step.name for step in steps if step.name not in done and all(name in done or name not in names for name in step.inputs)]
        if not ready:
            return done
        done.append(ready[0])


@pytest.mark.parametrize("seed", range(20))
def test_order_is_the_first_as_written_among_those_that_are_ready(seed: int) -> None:
    draw = random.Random(seed)
    names = [f"n{index}" for index in range(30)]
    steps = []
    for index, name in enumerate(names):
        # Mostly from earlier ones, sometimes from any, so that there are cycles and nodes behind them.
        known = names[:index] or ["x"]
        pool = names if draw.random() < seed / 200 else known
        steps.append(Step(name, ("nodes", name), Add(), tuple(draw.choice([*pool, "x"]) for _ in range(draw.randint(1, 3)))))
    draw.shuffle(steps)
    assert [step.name for step in in_order(steps)] == written_out(steps)


def test_a_graph_of_thousands_of_nodes_is_resolved_quickly() -> None:
    nodes = {"n0": Dense(3, inputs=["x"])}
    for index in range(1, 3000):
        nodes[f"n{index}"] = Add(inputs=[f"n{index - 1}", "n0"])
    network = Graph(inputs={"x": Features(3)}, nodes=nodes, outputs=["n2999"])
    start = time.perf_counter()
    assert len(network.resolve().nodes) == 3000
    assert time.perf_counter() - start < 5

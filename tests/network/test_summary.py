"""Figures of the table against torch's own counts, and against counting by hand."""

from __future__ import annotations

import json

import pytest
from torch import nn

from lamina.network import Graph, Sequential
from lamina.network import layers as L
from lamina.network.summary import summarize
from lamina.network.vertices import Add
from lamina.shapes import features, image, sequence, tokens

LENET = Sequential(
    image(1, 28, 28),
    [
        L.Conv2d(20, kernel=5),
        L.MaxPool2d(2),
        L.Conv2d(50, kernel=5),
        L.BatchNorm(),
        L.MaxPool2d(2),
        L.Dense(500),
        L.Output(10),
    ],
)


def test_parameters_are_torchs() -> None:
    theirs = nn.Sequential(nn.Conv2d(1, 20, 5), nn.Conv2d(20, 50, 5), nn.BatchNorm2d(50), nn.Linear(800, 500), nn.Linear(500, 10))
    found = summarize(LENET.resolve())
    assert found.parameters == sum(p.numel() for p in theirs.parameters())
    assert found.buffers == 100
    recurrent = Sequential(tokens(None, 30), [L.Embedding(6), L.Bidirectional(L.LSTM(7)), L.GlobalAvgPool(), L.Output(3)])
    other = nn.ModuleList([nn.Embedding(30, 6), nn.LSTM(6, 7, bidirectional=True), nn.Linear(14, 3)])
    assert summarize(recurrent.resolve()).parameters == sum(p.numel() for p in other.parameters())


def test_operations_are_two_for_a_multiply_add() -> None:
    rows = {row.name: row.flops for row in summarize(LENET.resolve()).rows}
    assert rows == {
        "conv2d_1": 2 * 25 * 20 * 24 * 24,
        "max_pool2d_1": 4 * 20 * 12 * 12,
        "conv2d_2": 2 * 25 * 20 * 50 * 8 * 8,
        "batch_norm_1": 2 * 50 * 8 * 8,
        "max_pool2d_2": 4 * 50 * 4 * 4,
        "dense_1_flatten": 0,
        "dense_1": 2 * 800 * 500,
        "output_1": 2 * 500 * 10,
    }


@pytest.mark.parametrize(
    ("layer", "step"),
    [(L.LSTM(5), 8 * 5 * (3 + 5) + 4 * 5), (L.GRU(5), 6 * 5 * (3 + 5) + 5 * 5), (L.SimpleRNN(5), 2 * 5 * (3 + 5))],
)
def test_operations_of_recurrent_layers_grow_with_the_steps(layer: L.Layer, step: int) -> None:
    for steps in (1, 9):
        plan = Sequential(sequence(steps, 3), [layer]).resolve()
        assert summarize(plan).flops == steps * step


@pytest.mark.parametrize(("batch", "slots", "value"), [(1, 0, 4), (32, 2, 4), (7, 1, 8)])
def test_memory_adds_up(batch: int, slots: int, value: int) -> None:
    net = Sequential(features(4), [L.Dense(8, frozen=True), L.BatchNorm(), L.Output(3)])
    found = summarize(net.resolve(), batch=batch, optimizer_slots=slots, bytes_per_value=value)
    assert (found.parameters, found.frozen, found.trainable, found.buffers) == (40 + 16 + 27, 40, 43, 16)
    activations = batch * value * (4 + 8 + 8 + 3)
    assert found.activation_bytes == activations
    assert found.training_bytes == value * (83 + 16 + 43 + slots * 43) + activations


def test_views_need_no_memory_and_implied_rows_are_marked() -> None:
    found = summarize(LENET.resolve())
    flatten = next(row for row in found.rows if row.type == "flatten")
    assert (flatten.implied, flatten.activation_bytes, flatten.parameters) == (True, 0, 0)
    text = str(found)
    assert "dense_1_flatten *" in text
    assert "* implied" in text
    assert str(summarize(Sequential(features(4), [L.Output(3)]).resolve())).count("*") == 0


def test_the_table_is_aligned_and_complete() -> None:
    lines = str(summarize(LENET.resolve())).splitlines()
    rule = lines[1]
    width = len(rule)
    rows = lines[2 : lines.index("")]
    assert len(rows) == 1 + 8
    assert all(len(line) <= width for line in rows)
    starts = [index for index, sign in enumerate(rule) if sign == "-" and (index == 0 or rule[index - 1] == " ")]
    assert all(line[start - 1] == " " for line in rows for start in starts[1:])
    assert rows[0].split()[:2] == ["input", "input"]
    assert "From" not in lines[0]


def test_a_graph_says_what_feeds_what_and_open_lengths_are_told() -> None:
    nodes = {"a": L.Dense(3, inputs="x"), "sum": Add(inputs=["x", "a"]), "out": L.Output(2, inputs="sum")}
    found = summarize(Graph({"x": sequence(None, 3)}, nodes, ["out"]).resolve())
    assert found.open_lengths
    text = str(found)
    assert "From" in text.splitlines()[0]
    assert "x, a" in text
    assert "counts it as 1" in text or "count it as 1" in text


def test_plain_data_for_programs() -> None:
    found = summarize(LENET.resolve(), batch=64)
    data = json.loads(json.dumps(found.to_dict()))
    assert data["inputs"] == {"input": "[batch, 1, 28, 28]"}
    assert [row["name"] for row in data["layers"]] == [row.name for row in found.rows]
    assert data["total"]["parameters"] == sum(row["parameters"] for row in data["layers"]) == found.parameters
    assert data["total"]["training_bytes"] == found.training_bytes
    assert data["batch"] == 64


def test_an_own_module_is_counted() -> None:
    plan = Sequential(features(4), [L.Module(nn.Linear(4, 6), output=features(6)), L.Output(2)]).resolve()
    (own, _) = summarize(plan).rows
    assert (own.type, own.parameters) == ("module Linear", 30)

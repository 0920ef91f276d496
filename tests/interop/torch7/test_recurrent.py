"""Recurrent modules against torch's own, and against the equations written out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from t7_writing import Longs, Obj, module, save

from lamina import interop
from lamina.errors import InteropError

pytestmark = pytest.mark.filterwarnings(r"ignore:\[IO012\]:lamina.errors.LaminaWarning")
R = np.random.default_rng(11)
N, T, F, H = 3, 7, 4, 5


def w(*sizes: int) -> np.ndarray:
    return R.normal(size=sizes).astype("f4") / 2


def linear(rows: int, columns: int, *, bias: bool = True) -> Obj:
    return module("Linear", weight=w(rows, columns), bias=w(rows)) if bias else module("LinearNoBias", weight=w(rows, columns))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def apply(layer: Obj, x: np.ndarray) -> np.ndarray:
    return x @ layer.fields["weight"].T + layer.fields.get("bias", 0)


def steps(x: np.ndarray, one: Any, parts: int) -> np.ndarray:
    """Outputs of all steps of ``[batch, steps, features]``."""
    memory = [np.zeros((len(x), H), "f4")] * parts
    found = []
    for step in range(x.shape[1]):
        memory = one(x[:, step], *memory)
        found.append(memory[0])
    return np.stack(found, 1)


def check(tmp_path: Path, net: Obj, x: np.ndarray, wanted: np.ndarray, **settings: Any) -> Any:
    model = interop.load(save(tmp_path / "net.t7", net), **settings)
    found = model.predict(x)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    return model


def lstm(*, peepholes: bool) -> tuple[Obj, Any]:
    def gate(last: str, *, sees: bool) -> Obj:
        parts = [linear(H, F), linear(H, H, bias=False)] + ([module("CMul", weight=w(H))] if sees else [])
        first = [] if sees else [module("NarrowTable", offset=1.0, length=2.0)]
        return module("Sequential", *first, module("ParallelTable", *parts), module("CAddTable"), module(last))

    gates = {name: gate("Sigmoid", sees=peepholes) for name in ("inputGate", "forgetGate", "outputGate")}
    gates["hiddenLayer"] = gate("Tanh", sees=False)
    net = module("LSTM", inputSize=float(F), outputSize=float(H), **gates)

    def value(name: str, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> np.ndarray:
        modules = gates[name].fields["modules"]
        parts = next(item for item in modules.values() if item.kind == "nn.ParallelTable").fields["modules"]
        found = apply(parts[1], x) + apply(parts[2], h)
        return found + parts[3].fields["weight"] * c if 3 in parts else found

    def one(x: np.ndarray, h: np.ndarray, c: np.ndarray) -> list[np.ndarray]:
        i, f = sigmoid(value("inputGate", x, h, c)), sigmoid(value("forgetGate", x, h, c))
        new = f * c + i * np.tanh(value("hiddenLayer", x, h, c))
        return [sigmoid(value("outputGate", x, h, new)) * np.tanh(new), new]

    return net, one


@pytest.mark.parametrize("peepholes", [False, True])
def test_lstm_of_separate_gates(tmp_path: Path, peepholes: bool) -> None:  # noqa: FBT001
    net, one = lstm(peepholes=peepholes)
    x = w(N, T, F)
    whole = module(
        "Sequential", module("SplitTable", dimension=2.0), module("Sequencer", net, module=net), module("SelectTable", index=-1.0)
    )
    check(tmp_path, whole, x, steps(x, one, 2)[:, -1])
    # Steps as the first axis, as newer versions take them.
    check(tmp_path, module("Sequencer", net, module=net), x.swapaxes(0, 1), steps(x, one, 2).swapaxes(0, 1))


def test_fast_lstm(tmp_path: Path) -> None:
    i2g, o2g = linear(4 * H, F), linear(4 * H, H, bias=False)

    def one(x: np.ndarray, h: np.ndarray, c: np.ndarray) -> list[np.ndarray]:
        i, g, f, o = np.split(apply(i2g, x) + apply(o2g, h), 4, axis=1)
        new = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return [sigmoid(o) * np.tanh(new), new]

    net, x = module("FastLSTM", i2g=i2g, o2g=o2g, inputSize=float(F), outputSize=float(H)), w(N, T, F)
    last = linear(2, H)
    inner = module("Sequential", net, last, module("Tanh"))
    whole = module("Sequential", module("SplitTable", dimension=1.0, nInputDims=2.0), module("Sequencer", inner, module=inner))
    check(tmp_path, whole, x, np.tanh(apply(last, steps(x, one, 2))))


@pytest.mark.parametrize("kind", ["SeqLSTM", "SeqGRU", "SeqLSTMP"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_whole_sequences(tmp_path: Path, kind: str, batch_first: bool) -> None:  # noqa: FBT001
    gates, width = (3 if kind == "SeqGRU" else 4), (2 if kind == "SeqLSTMP" else H)
    weight, bias, out = w(F + width, gates * H), w(gates * H), w(H, width)
    fields: dict[str, Any] = {"weight": weight, "bias": bias, "inputsize": float(F), "hiddensize": float(H), "batchfirst": batch_first}
    if kind == "SeqLSTMP":
        fields |= {"weightO": out, "outputsize": float(width)}

    def one(x: np.ndarray, h: np.ndarray, c: np.ndarray | None = None) -> list[np.ndarray]:
        parts = np.split(weight, gates, axis=1)
        if c is None:
            r, u = (sigmoid(x @ parts[p][:F] + h @ parts[p][F:] + bias[p * H : (p + 1) * H]) for p in (0, 1))
            new = np.tanh(x @ parts[2][:F] + (r * h) @ parts[2][F:] + bias[2 * H :])
            return [(1 - u) * new + u * h]
        h = h[:, :width]
        i, f, o, g = (x @ part[:F] + h @ part[F:] + bias[p * H : (p + 1) * H] for p, part in enumerate(parts))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        found = sigmoid(o) * np.tanh(c)
        return [found @ out if kind == "SeqLSTMP" else found, c]

    x = w(N, T, F)
    y = steps(x, one, 1 if kind == "SeqGRU" else 2)
    x, y = (x, y) if batch_first else (x.swapaxes(0, 1), y.swapaxes(0, 1))
    check(tmp_path, module(kind, **fields), x, y)
    path = save(tmp_path / "net.t7", module(kind, **fields))
    own = interop.load(path, layout="lamina").predict(x if batch_first else x.swapaxes(0, 1))
    np.testing.assert_allclose(own if batch_first else own.swapaxes(0, 1), y, rtol=1e-4, atol=1e-5)


def test_both_ways(tmp_path: Path) -> None:
    (ahead, one), (back, two) = lstm(peepholes=False), lstm(peepholes=False)
    x = w(N, T, F)
    merge = module("JoinTable", dimension=1.0, nInputDims=1.0)
    net = module("BiSequencer", forwardModule=ahead, backwardModule=back, mergeModule=merge)
    whole = module("Sequential", module("SplitTable", dimension=2.0), net)
    turned = steps(x[:, ::-1], two, 2)[:, ::-1]
    check(tmp_path, whole, x, np.concatenate([steps(x, one, 2), turned], 2))


@pytest.mark.parametrize(
    ("kind", "make"), [("LSTM", torch.nn.LSTM), ("GRU", torch.nn.GRU), ("BLSTM", torch.nn.LSTM), ("RNNReLU", torch.nn.RNN)]
)
def test_cudnn(tmp_path: Path, kind: str, make: Any) -> None:
    torch.manual_seed(0)
    both = kind == "BLSTM"
    settings = {"nonlinearity": "relu"} if kind == "RNNReLU" else {}
    net = make(F, H, num_layers=2, bidirectional=both, **settings)
    weights = [p.detach().numpy().reshape(-1) for name, p in net.named_parameters() if "weight" in name]
    biases = [p.detach().numpy() for name, p in net.named_parameters() if "bias" in name]
    fields = {
        "weight": np.concatenate([*weights, *biases]),
        "inputSize": float(F),
        "hiddenSize": float(H),
        "numLayers": 2.0,
        "dropout": 0.0,
    }
    x = w(T, N, F)
    wanted = net(torch.from_numpy(x))[0].detach().numpy()
    check(tmp_path, module(f"cudnn.{kind}", **fields), x, wanted)


def test_words_and_steps_of_nngraph(tmp_path: Path) -> None:
    """A graph of nodes with two inputs, one of them words that count from 1."""
    table, dense = module("LookupTable", weight=w(9, 4)), module("Linear", weight=w(3, 4), bias=w(3))
    nodes = [{"annotations": {}} for _ in range(6)]
    start, words, features, looked, mean, added = nodes

    def feed(node: dict[str, Any], *others: dict[str, Any], inner: Obj | None = None) -> None:
        node["mapindex"] = dict(enumerate(others, 1))
        if inner is not None:
            node["module"] = inner

    feed(words, start, inner=module("Identity"))
    feed(features, start, inner=module("Identity"))
    feed(looked, words, inner=module("Sequential", table, module("Mean", dimension=2.0)))
    feed(mean, looked, inner=dense)
    feed(added, mean, features, inner=module("CAddTable"))
    end = {"mapindex": {1: added}}
    node = {id(item): Obj("nngraph.Node", {"data": item, "children": {}}) for item in [*nodes, end]}
    node[id(start)].fields["children"] = {1: node[id(words)], 2: node[id(features)]}
    net = module("gModule", outnode=node[id(end)], innode=node[id(start)], nInputs=2.0, modules={1: dense})
    tokens, x = R.integers(1, 10, size=(N, T)), w(N, 3)
    wanted = apply(dense, table.fields["weight"][tokens - 1].mean(1)) + x
    model = interop.load(save(tmp_path / "net.t7", net))
    assert [layout.name for layout in model.origin.inputs.values()] == ["input0", "input1"]
    np.testing.assert_allclose(model.predict({"input0": tokens, "input1": x}), wanted, rtol=1e-4, atol=1e-5)
    end["mapindex"] = {1: added, 2: mean}
    model = interop.load(save(tmp_path / "net.t7", net))
    found = model.predict({"input0": tokens, "input1": x})
    np.testing.assert_allclose(found["output1"], wanted - x, rtol=1e-4, atol=1e-5)
    feed(looked, mean, inner=table)
    with pytest.raises(InteropError, match="IO010"):
        interop.load(save(tmp_path / "circle.t7", net))


def test_view_with_a_storage(tmp_path: Path) -> None:
    net = module("Sequential", module("View", size=Longs([-1, 12])), module("Linear", weight=w(2, 12)))
    assert interop.load(save(tmp_path / "net.t7", net)).predict(w(4, 12)).shape == (4, 2)

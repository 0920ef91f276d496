"""Layers on graphs, node by node in NumPy; and on Cora, where the data are."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lamina as lm
from lamina.data.dataset import Dataset
from lamina.engine.build import build
from lamina.engine.network import NetworkModule
from lamina.errors import DescriptionError, ShapeError
from lamina.network.layers import GraphAttention, GraphConv, GraphLayer, SageConv
from lamina.shapes import Sequence
from lamina.testing.layers import plan_of

F64 = torch.float64
EDGES = ((0, 1), (1, 2), (2, 3), (3, 0), (1, 3))
NODES, LONER = 5, 4
X = torch.randn(3, NODES, 3, generator=torch.Generator().manual_seed(2), dtype=F64)


def made(layer: GraphLayer, *, matrix: bool) -> tuple[NetworkModule, dict[str, np.ndarray]]:
    shapes = (Sequence(steps=NODES, features=3), Sequence(steps=NODES, features=NODES))
    network = build(plan_of(layer, shapes if matrix else shapes[:1]), 3, dtype=F64).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=F64) * 0.5)
    return network, {name.removeprefix("tested/"): value for name, value in network.named_arrays().items()}


def adjacency(*, directed: bool = False, loops: bool = True) -> np.ndarray:
    a = np.zeros((NODES, NODES))
    for source, target in EDGES:
        a[target, source] = 1
        if not directed:
            a[source, target] = 1
    return a + np.eye(NODES) * loops


def conv(layer: Any, w: dict[str, np.ndarray], a: np.ndarray, x: np.ndarray) -> np.ndarray:
    h = x @ w["weight"].T
    y = np.zeros((len(x), h.shape[1]))
    degree = a.sum(1)
    for i, j in np.argwhere(a):
        factor = {"symmetric": math.sqrt(degree[i] * degree[j]), "mean": degree[i], "none": 1.0}[layer.normalize]
        y[i] += a[i, j] * h[j] / factor
    return y + w.get("bias", 0.0)


def sage(layer: Any, w: dict[str, np.ndarray], a: np.ndarray, x: np.ndarray) -> np.ndarray:
    rows = [a[i] @ x / a[i].sum() if a[i].sum() else np.zeros(x.shape[1]) for i in range(len(x))]
    return x @ w["weight"].T + np.stack(rows) @ w["neighbour_weight"].T + w.get("bias", 0.0)


def gat(layer: Any, w: dict[str, np.ndarray], a: np.ndarray, x: np.ndarray) -> np.ndarray:
    heads = []
    for number in range(layer.heads):
        h = x @ w["weight"][number * layer.units : (number + 1) * layer.units].T
        y = np.zeros_like(h)
        for i in range(len(x)):
            around = np.flatnonzero(a[i])
            scores = np.array([w["target_weight"][number] @ h[i] + w["source_weight"][number] @ h[j] for j in around])
            scores = np.exp(np.where(scores > 0, scores, layer.slope * scores))
            if len(around):
                y[i] = scores / scores.sum() @ h[around]
        heads.append(y)
    return (np.concatenate(heads, 1) if layer.merge == "concat" else np.mean(heads, 0)) + w.get("bias", 0.0)


CASES: list[tuple[type[Any], Any, dict[str, Any]]] = [
    (GraphConv, conv, {}),
    (GraphConv, conv, {"normalize": "mean", "bias": False}),
    (GraphConv, conv, {"normalize": "none", "self_loops": False}),
    (SageConv, sage, {}),
    (SageConv, sage, {"self_loops": True}),
    (GraphAttention, gat, {"heads": 2}),
    (GraphAttention, gat, {"heads": 3, "merge": "mean", "slope": 0.1, "self_loops": False}),
]


@pytest.mark.parametrize(("kind", "reference", "settings"), CASES)
def test_written_out(kind: Any, reference: Any, settings: dict[str, Any]) -> None:
    for directed in (False, True):
        if directed and settings.get("normalize", "symmetric") == "symmetric" and kind is GraphConv:
            continue  # Degrees of a directed graph differ by direction; the formula is for graphs that have one.
        layer = kind(2, edges=EDGES, directed=directed, **settings)
        network, w = made(layer, matrix=False)
        a = adjacency(directed=directed, loops=layer.self_loops)
        wanted = np.stack([reference(layer, w, a, x.numpy()) for x in X])
        np.testing.assert_allclose(network(X)["tested"].detach(), wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("kind", "reference", "settings"), CASES)
def test_graphs_of_different_size_in_one_batch(kind: Any, reference: Any, settings: dict[str, Any]) -> None:
    layer = kind(2, **settings)
    network, w = made(layer, matrix=True)
    own = torch.rand(3, NODES, NODES, generator=torch.Generator().manual_seed(4), dtype=F64)
    own = torch.where(own > 0.4, own, 0.0)
    a = (own + own.transpose(1, 2)) * (1 - torch.eye(NODES, dtype=F64))
    real = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [0, 1, 0, 1, 1]], dtype=torch.bool)
    both = real[:, :, None] & real[:, None, :]
    inputs = {"input_1": torch.where(real[..., None], X, 1e4), "input_2": torch.where(both, a, 1e4)}
    for masks in ({"input_1": real}, {"input_1": real, "input_2": real}):
        (y,), (mask,) = network.run(inputs, masks)
        for i in range(3):
            wanted = reference(
                layer, w, (a[i][real[i]][:, real[i]] + torch.eye(int(real[i].sum())) * layer.self_loops).numpy(), X[i][real[i]].numpy()
            )
            np.testing.assert_allclose(y[i][mask[i]].detach(), wanted, rtol=1e-10, atol=1e-12)


def test_graphs_that_do_not_fit_are_refused() -> None:
    nodes, matrix = Sequence(steps=3, features=2), Sequence(steps=3, features=3)
    for layer, shapes, says in (
        (GraphConv(2), (nodes,), "inputs: \\[x, adjacency\\]"),
        (GraphConv(2, edges=EDGES), (nodes, matrix), "remove edges"),
        (GraphConv(2), (nodes, Sequence(steps=3, features=4)), "3 rows"),
        (SageConv(2, edges=EDGES), (nodes,), "give 4 nodes"),
    ):
        with pytest.raises(ShapeError, match=says) as caught:
            layer.infer(shapes)
        assert caught.value.code == "NN063"
    with pytest.raises(ShapeError, match="known number of nodes"):
        GraphConv(2, edges=EDGES).infer((Sequence(steps=None, features=2),))
    with pytest.raises(DescriptionError, match="pairs of numbers"):
        GraphConv(2, edges=[[0, 1, 2]])
    with pytest.raises(DescriptionError, match="remove directed"):
        GraphConv(2, directed=True)
    assert GraphConv(2, edges=np.array([[0, 1], [1, 2]])).edges == ((0, 1), (1, 2))


class Harmless(pickle.Unpickler):
    """Reads the data set's Python 2 pickles, which hold plain lists and arrays in matrices; it can build nothing else."""

    class Matrix:
        """A sparse matrix as its attributes."""

    KNOWN = {"csr_matrix": Matrix, "defaultdict": lambda *_: {}, "list": list, "dtype": np.dtype, "ndarray": np.ndarray}

    def find_class(self, module: str, name: str) -> Any:
        if name == "_reconstruct":
            return np.zeros(0).__reduce__()[0]
        return self.KNOWN[name]


def cora(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Words of each paper, its field, the citations, and the papers of the test (Planetoid's split)."""

    def read(name: str) -> Any:
        with (folder / f"ind.cora.{name}").open("rb") as file:
            return Harmless(file, encoding="latin1").load()

    def dense(m: Any) -> np.ndarray:
        found = np.zeros(m._shape if hasattr(m, "_shape") else m.__dict__["shape"])
        for row in range(len(found)):
            found[row, m.indices[m.indptr[row] : m.indptr[row + 1]]] = 1
        return found

    test = np.loadtxt(folder / "ind.cora.test.index", dtype=np.int64)
    x, y = np.concatenate([dense(read("allx")), dense(read("tx"))]), np.concatenate([read("ally"), read("ty")])
    x[test], y[test] = x[-len(test) :].copy(), y[-len(test) :].copy()
    edges = np.array([(a, b) for a, around in read("graph").items() for b in around])
    return x / np.maximum(x.sum(1, keepdims=True), 1), y.argmax(1), edges, test


@pytest.mark.slow
def test_two_layers_sort_the_papers_of_cora(shared_data: Path) -> None:
    folder = shared_data / "planetoid-cora"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    x, y, edges, test = cora(folder)
    layers: list[Any] = [
        lm.layers.GraphConv(16, edges=edges, activation="relu", dropout=0.5, l2=1e-3, bias=True),
        lm.layers.GraphConv(7, edges=edges, dropout=0.5),
        lm.layers.LossLayer("cross_entropy"),
    ]
    model = lm.Model(lm.Sequential(lm.sequence(len(x), x.shape[1]), layers), seed=1)
    train = np.zeros((1, len(x)), dtype=bool)
    train[0, :140] = True
    data = Dataset.from_arrays(x[None].astype(np.float32), y[None], kind="classes").replace(target_masks={"output": train})
    model.fit(data, epochs=200, batch_size=1, optimizer=lm.Adam(0.01), progress=False)
    right = model.predict(x[None].astype(np.float32)).argmax(-1)[0] == y
    assert right[test].mean() > 0.78, right[test].mean()

"""Genuine files of ONNX, written by other systems: outputs as they were there, layers where there are layers."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import lamina as lm

LIFTED = {
    "onnx/mlp": "dense activation dense activation",
    "onnx/lenet": "conv2d activation max_pool2d conv2d batch_norm activation avg_pool2d flatten dense",
    "onnx/lstm": "lstm dense",
    "onnx/gru": "gru dense",
    "pytorch1.0/lenet": "conv2d activation max_pool2d conv2d activation max_pool2d flatten dense activation dense",
    "pytorch1.0/mlp": "dense activation dense activation",
    "pytorch2/lenet": "conv2d activation max_pool2d conv2d activation max_pool2d flatten dense activation dense",
    "pytorch2/mlp": "dense activation dense activation",
    "pytorch2/gru": "gru dense",
    "pytorch2/lstm": "embedding lstm last_step dense",
    "cntk/mlp": "dense activation dense",
    "cntk/cnn_bn": "conv2d activation batch_norm operators dropout flatten dense",
    "cntk/lstm_last": "lstm last_step dense",
    "cntk/gru_last": "gru last_step dense",
}


@pytest.mark.parametrize("name", LIFTED)
def test_layers_are_recognised_and_compute_the_same(name: str, shared_fixtures: Path, verified: Callable[..., None]) -> None:
    path = shared_fixtures / f"{name}.onnx"
    model = lm.interop.load(path)
    assert model.plan is not None
    assert " ".join(str(node.layer.type_name) for node in model.plan.nodes) == LIFTED[name]
    data = dict(np.load(path.with_suffix(".npz")))
    given = data["x"]
    if name in ("cntk/lstm_last", "cntk/gru_last"):
        given = given.transpose(1, 0, 2)  # CNTK's own arrays begin with the batch, those of the file with the steps
    wanted = next(data[key] for key in ("y", *data) if key in data and key != "x")
    found = model.predict(given)
    assert (np.abs(found - wanted) <= 1e-5 + 1e-4 * np.abs(wanted)).all()
    verified(lm.interop.inspect(path), float((np.abs(found - wanted) / np.maximum(np.abs(wanted) + 0.1, 0.1)).max()))


@pytest.mark.parametrize(
    ("name", "output", "stored"),
    [
        *[("decision_tree", "variable", "predict"), ("gaussian_nb", "probabilities", "predict_proba"), ("kmeans", "scores", "transform")],
        *[("knn", "probabilities", "predict_proba"), ("linreg", "variable", "predict"), ("logreg", "probabilities", "predict_proba")],
        *[("mlp", "probabilities", "predict_proba"), ("pca", "variable", "transform"), ("svc_rbf", "probabilities", "decision_function")],
        *[("pipeline_scaler_logreg", "probabilities", "predict_proba"), ("random_forest", "probabilities", "predict_proba")],
    ],
)
def test_learners_of_scikit_learn(name: str, output: str, stored: str, shared_fixtures: Path, verified: Callable[..., None]) -> None:
    model = lm.interop.load(shared_fixtures / "sklearn" / f"{name}.onnx")
    data = dict(np.load(shared_fixtures / "sklearn" / f"{name}.npz"))
    wanted = data[stored]
    found = model.outputs(data["x"])[output].reshape(wanted.shape)
    assert (np.abs(found - wanted) <= 1e-5 + 1e-4 * np.abs(wanted)).all()
    report = lm.interop.inspect(shared_fixtures / "sklearn" / f"{name}.onnx")
    verified(report, float((np.abs(found - wanted) / np.maximum(np.abs(wanted) + 0.1, 0.1)).max()))


def test_mnist_is_read_as_well_as_there(shared_models: Path, shared_data: Path) -> None:
    model = lm.interop.load(shared_models / "onnx" / "mnist" / "mnist-8.onnx")
    images, labels = (unpacked(shared_data / "mnist", f"t10k-{word}") for word in ("images-idx3-ubyte", "labels-idx1-ubyte"))
    x = np.frombuffer(images[16:], np.uint8).reshape(-1, 1, 28, 28).astype(np.float32)
    y = np.frombuffer(labels[8:], np.uint8)
    assert (model.predict(x).argmax(1) == y).mean() == pytest.approx(0.9891, abs=1e-9)


def unpacked(folder: Path, name: str) -> bytes:
    path = next(path for path in sorted(folder.rglob("*")) if path.name.startswith(name))
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_a_network_of_many_operators(shared_models: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    path = shared_models / "onnx" / "basic-pitch" / "nmp.onnx"
    # Not the ramp of the manifest: its spectrum is so uneven that rounding alone moves outputs by 6e-3.
    x = np.random.default_rng(0).normal(size=(2, 43844, 1)).astype(np.float32) * 0.1
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    found = lm.interop.load(path).outputs(x)
    for name, wanted in zip(names, session.run(names, {session.get_inputs()[0].name: x}), strict=True):
        assert (np.abs(found[name] - wanted) <= 1e-5 + 1e-4 * np.abs(wanted)).all()


def test_an_imported_network_learns(shared_fixtures: Path) -> None:
    model = lm.interop.load(shared_fixtures / "onnx" / "lenet.onnx")
    data = np.load(shared_fixtures / "onnx" / "lenet.npz")
    before = model.parameters()
    nodes = dict(model.description.nodes)
    last = list(nodes)[-1]
    nodes["head"] = lm.Output(3, inputs=[last])
    graph = lm.Graph(inputs=model.description.inputs, nodes=nodes, outputs=["head"])
    tuned = lm.Model(graph)
    own = tuned.parameters()
    tuned.load_parameters({**own, **before})
    tuned.fit(data["x"], np.arange(len(data["x"])) % 3, epochs=1, batch_size=2)
    assert any(not np.array_equal(tuned.parameters()[name], array) for name, array in before.items())


def test_the_page_has_every_operator() -> None:
    import runpy

    page = runpy.run_path(str(Path(__file__).parents[3] / "docs" / "operators.py"))
    assert page["PAGE"].read_text() == page["page"](), "run python docs/operators.py"

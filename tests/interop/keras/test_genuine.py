"""Files that Keras itself wrote, with what it computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina import interop
from lamina.errors import InteropError

pytestmark = pytest.mark.filterwarnings(r"ignore:\[IO012\]:lamina.errors.LaminaWarning")
ENDS = (".legacy.h5", ".weights.h5", ".h5", ".keras")


def stem(path: Path) -> Path:
    return path.with_name(next(path.name.removesuffix(end) for end in ENDS if path.name.endswith(end)))


def proven(path: Path, verified: Any) -> interop.Proof | None:
    """What comparing with the stored outputs gives; None if there are none."""
    base = stem(path)
    paths = [base.with_suffix(".json"), path] if path.name.endswith(".weights.h5") else [path]
    imported = interop.read(paths)
    model = imported.model()
    stored = base.with_name(f"{base.name}.npz")
    if not stored.exists():
        return None
    with np.load(stored) as file:
        proof = interop.verify(model, {name: file[name] for name in file.files if name[0] in "xy"})
    if proof.holds:
        verified(imported.report, max(output.relative for output in proof.outputs))
    return proof


@pytest.mark.parametrize("folder", ["keras1-theano", "keras2-theano", "keras2-tensorflow", "keras3"])
def test_outputs_are_those_of_keras(shared_fixtures: Path, folder: str, verified: Any) -> None:
    files = [path for path in sorted((shared_fixtures / folder).iterdir()) if path.name.endswith((".h5", ".keras"))]
    assert len(files) >= 10
    for path in files:
        proof = proven(path, verified)
        assert proof is not None
        assert proof.holds, (path.name, str(proof))


UNREADABLE = {
    "cnn3d_22": "nothing would be left",
    "permute": "TensorFlowOpLayer",
    "reshape": "TensorFlowOpLayer",
    "tfop_0": "TensorFlowOpLayer",
}


def test_outputs_are_those_of_tf_keras(shared_fixtures: Path, verified: Any) -> None:
    """Models of many kinds that TensorFlow's Keras 2.2.4 to 2.11 wrote."""
    files = sorted((shared_fixtures / "dl4j" / "keras" / "tfkeras").glob("*.h5"))
    count = 0
    for path in files:
        name = path.name.removesuffix(".h5")
        if name in UNREADABLE:
            with pytest.raises(InteropError, match=f"IO004(?s:.*){UNREADABLE[name]}"):
                interop.load(path)
            continue
        proof = proven(path, verified)
        assert proof is None or proof.holds, (path.name, str(proof))
        count += proof is not None
    assert count >= 215


def test_every_layer_gives_what_deeplearning4j_has_stored_of_keras(shared_fixtures: Path, verified: Any) -> None:
    """Sets of a model, inputs, predictions and the activations of every layer."""
    h5py = pytest.importorskip("h5py")
    count = 0
    for path in sorted((shared_fixtures / "dl4j" / "keras" / "examples").rglob("*_inputs_and_outputs.h5")):
        network = path.with_name(path.name.replace("_inputs_and_outputs", "_model"))
        if not network.exists():
            continue
        with h5py.File(path) as file:
            if "predictions" not in file:
                continue
            arrays = {f"x_{name}": file["inputs"][name][()] for name in file["inputs"]}
            arrays |= {f"y_{name}": file["predictions"][name][()] for name in file["predictions"]}
            arrays |= {f"activations/{name}": file["activations"][name][()] for name in file.get("activations", [])}
            alone = {f"{key}": file[word][next(iter(file[word]))][()] for key, word in (("x", "inputs"), ("y", "predictions"))}
        imported = interop.read(network)
        proof = interop.verify(imported.model(), {**arrays, **alone})
        assert proof.holds, (path.name, str(proof))
        assert proof.first is None, (path.name, str(proof))
        verified(imported.report, max(output.relative for output in proof.outputs))
        count += 1
    assert count >= 30


@pytest.mark.parametrize("name", ["keras2-theano/mlp_ft.h5", "keras2-theano/lenet.h5", "keras3/mlp.keras", "keras3/lenet.keras"])
def test_fine_tuning_goes_as_it_went(shared_fixtures: Path, name: str) -> None:
    """Plain descent on the mean cross entropy, with the losses that Keras saw before each step."""
    path = shared_fixtures / name
    model = interop.load(path)
    with np.load(stem(path).with_suffix(".npz")) as file:
        x, y, rate, losses, after = (file[key] for key in ("x", "ft_t", "ft_lr", "ft_losses", "ft_y_after"))
    targets = np.eye(10, dtype="float32")[y]
    assert isinstance(model.description, lm.Sequential)
    layers = [*model.description.layers[:-1], model.description.layers[-1].replace(loss="cross_entropy")]
    tuned = lm.Model(model.description.replace(layers=layers), input=model.plan.inputs if model.plan is not None else None)
    tuned.load_parameters(model.parameters())
    tuned.origin = model.origin
    found = []
    for _ in losses:
        found.append(float(-np.log(tuned.predict(x)[np.arange(len(y)), y]).mean()))
        tuned.fit(x, targets, epochs=1, batch_size=len(y), shuffle=False, optimizer=lm.Sgd(float(rate)), progress=False)
    np.testing.assert_allclose(found, losses, rtol=1e-4)
    np.testing.assert_allclose(tuned.predict(x), after, rtol=2e-4, atol=1e-5)


def test_a_network_and_weights_of_another_file(shared_fixtures: Path) -> None:
    folder = shared_fixtures / "dl4j"
    paths = [folder / "keras/configs/keras2/mnist_mlp_tf_keras_2_config.json", folder / "from_history/mnist_mlp_tf_keras_2_weights.h5"]
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "from_history/mnist_mlp_tf_keras_2_inputs_and_outputs.h5") as file:
        x = next(iter(file["inputs"].values()))[()]
        y = next(iter(file["predictions"].values()))[()]
    assert interop.verify(interop.load(paths), {"x": x, "y": y}).holds
    with pytest.raises(InteropError, match="IO022"):
        interop.load(paths[1])
    with pytest.raises(InteropError, match="IO022"):
        interop.load(paths[0])

"""What a file says of training: updaters and their state, schedules, regularisation, clipping, pieces, counters, the normaliser."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina import interop
from lamina.errors import ArchiveError, LaminaError, LaminaWarning
from lamina.interop.dl4j.blobs import write_array
from lamina.learning.clipping import ClipValue
from lamina.learning.truncation import Truncation
from lamina.network.noise import DropoutNoise
from lamina.testing.dl4j import layer, loss, write_zip

LEARNING = "org.nd4j.linalg.learning.config."
X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = np.random.default_rng(1).normal(size=(12, 2)).astype("float32")


def network(path: Path, state: Any = None, **settings: Any) -> Path:
    layers = [layer("DenseLayer", "TanH", nin=3, nout=4, **settings), layer("OutputLayer", nin=4, nout=2, lossFn=loss("MSE"), **settings)]
    weights = np.random.default_rng(2).normal(size=26) / 2
    return write_zip(path, layers, weights, state=state, iterationCount=5, epochCount=2)


def updater(kind: str, **settings: Any) -> dict[str, Any]:
    return {"@class": LEARNING + kind, **settings}


@pytest.mark.parametrize(
    ("given", "wanted", "slots"),
    [
        (updater("Sgd", learningRate=0.1), lm.Sgd(0.1), 0),
        (updater("Nesterovs", learningRate=0.1, momentum=0.8), lm.Nesterov(0.1, 0.8, form="dl4j"), 1),
        (updater("RmsProp", learningRate=0.1, rmsDecay=0.9, epsilon=1e-8), lm.RmsProp(0.1, decay=0.9, epsilon=1e-8, initial=1e-8), 1),
        (updater("AdaGrad", learningRate=0.1, epsilon=1e-6), lm.AdaGrad(0.1, epsilon=1e-6, initial=1e-6), 1),
        (updater("AdaDelta", rho=0.9, epsilon=1e-6), lm.AdaDelta(decay=0.9, epsilon=1e-6), 2),
        (updater("Adam", learningRate=0.1, beta1=0.8), lm.Adam(0.1, beta1=0.8, epsilon_placement="dl4j"), 2),
        (updater("Nadam", learningRate=0.1), lm.Nadam(0.1, epsilon_placement="dl4j"), 2),
        (updater("AdaMax", learningRate=0.1), lm.AdaMax(0.1, epsilon=1e-32, epsilon_placement="dl4j"), 2),
        (updater("AMSGrad", learningRate=0.1), lm.AmsGrad(0.1, epsilon_placement="dl4j"), 3),
        (updater("AdaBelief", learningRate=0.1), lm.AdaBelief(0.1, epsilon=1e-14, epsilon_placement="dl4j"), 2),
    ],
    ids=lambda value: str(value.get("@class", "")).rpartition(".")[2] if isinstance(value, dict) else "",
)
def test_every_updater_and_its_state(tmp_path: Path, given: Any, wanted: Any, slots: int) -> None:
    """One block: all of the first vector, then all of the second."""
    imported = interop.read(network(tmp_path / "a.zip", np.arange(26 * slots) if slots else None, iupdater=given))
    assert imported.origin is not None
    learning = imported.origin.learning
    assert learning is not None
    assert (learning.optimizer, learning.updates, learning.epochs) == (wanted, 5, 2)
    assert not imported.report.lost
    for number, slot in enumerate(wanted.state_slots):
        assert imported.slots[f"{slot}/layer0/bias"].tolist() == [26 * number + 12 + k for k in range(4)]
        weight = imported.slots[f"{slot}/layer1/weight"]
        assert weight.T.reshape(-1, order="F").tolist() == [26 * number + 16 + k for k in range(8)]


def test_running_statistics_part_the_state_into_blocks(tmp_path: Path) -> None:
    layers = [
        layer("DenseLayer", nin=3, nout=2),
        layer("BatchNormalization", nout=2),
        layer("OutputLayer", nin=2, nout=1, lossFn=loss("MSE")),
    ]
    path = write_zip(tmp_path / "a.zip", layers, np.ones(8 + 8 + 3), state=np.arange(2 * (8 + 4) + 2 * 3))
    slots = interop.read(path).slots
    assert slots["mean/layer0/bias"].tolist() == [6, 7]
    assert slots["mean/layer1/weight"].tolist() == [8, 9]
    assert slots["square/layer1/bias"].tolist() == [12 + 10, 12 + 11]
    assert slots["mean/layer2/weight"].tolist() == [[24, 25]]
    assert slots["square/layer2/bias"].tolist() == [29]


def test_going_on_is_as_if_training_had_never_stopped(tmp_path: Path) -> None:
    """Two steps here, and one step here after one whose state is put into a file as the original would."""
    first = network(tmp_path / "a.zip", np.zeros(52))
    options: dict[str, Any] = {"batch_size": 12, "shuffle": False, "progress": False, "epochs": 1}
    whole = interop.load(write_zip_like(first, tmp_path / "zero.zip", iterations=0))
    optimizer = whole.origin.learning.optimizer  # type: ignore[union-attr]
    start = {name: array.copy() for name, array in whole.parameters().items()}
    whole.fit(X, Y, **{**options, "epochs": 2}, go_on=True)
    half = interop.load(tmp_path / "zero.zip")
    gradient = gradients(half, X, Y)
    half.fit(X, Y, **options, go_on=True)
    state = np.concatenate([(1 - optimizer.beta1) * gradient, (1 - optimizer.beta2) * gradient**2])
    middle = tmp_path / "middle.zip"
    _written(middle, first, flat(half.parameters()), state, iterations=1)
    after = interop.load(middle)
    after.fit(X, Y, **options, go_on=True)
    for name, array in whole.parameters().items():
        assert not np.allclose(array, start[name])
        np.testing.assert_allclose(after.parameters()[name], array, rtol=1e-5, atol=1e-6)
    with pytest.raises(LaminaError, match="IO011"):
        after.fit(X, Y, go_on=True)


def flat(arrays: Any) -> np.ndarray:
    parts = [arrays[f"layer{k}/{name}"] for k in range(2) for name in ("weight", "bias")]
    return np.concatenate([(part.T if part.ndim == 2 else part).reshape(-1, order="F") for part in parts])


def gradients(model: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of half the network's loss by its parameters, in the order of the flat vector."""
    arrays = {name: array.astype("float64") for name, array in model.parameters().items()}
    h = np.tanh(x @ arrays["layer0/weight"].T + arrays["layer0/bias"])
    error = h @ arrays["layer1/weight"].T + arrays["layer1/bias"] - y
    by_score = 2 * error / error.size
    by_hidden = by_score @ arrays["layer1/weight"] * (1 - h**2)
    found = {
        "layer0/weight": by_hidden.T @ x,
        "layer0/bias": by_hidden.sum(0),
        "layer1/weight": by_score.T @ h,
        "layer1/bias": by_score.sum(0),
    }
    return flat(found)


def write_zip_like(path: Path, target: Path, *, iterations: int) -> Path:
    with zipfile.ZipFile(path) as file:
        weights = file.read("coefficients.bin")
        text = file.read("configuration.json").decode().replace('"iterationCount": 5', f'"iterationCount": {iterations}')
    with zipfile.ZipFile(target, "w") as file:
        file.writestr("configuration.json", text)
        file.writestr("coefficients.bin", weights)
    return target


def _written(target: Path, like: Path, weights: np.ndarray, state: np.ndarray, *, iterations: int) -> None:
    write_zip_like(like, target, iterations=iterations)
    with zipfile.ZipFile(target) as file:
        text = file.read("configuration.json")
    with zipfile.ZipFile(target, "w") as file:
        file.writestr("configuration.json", text)
        file.writestr("coefficients.bin", write_array(weights.astype("float32").reshape(1, -1)))
        file.writestr("updaterState.bin", write_array(state.astype("float32").reshape(1, -1)))


def test_schedules_regularisation_clipping_and_pieces(tmp_path: Path) -> None:
    schedule = {"@class": "s.StepSchedule", "scheduleType": "EPOCH", "initialValue": 0.1, "decayRate": 0.5, "step": 3}
    settings = {
        "iupdater": updater("Sgd", learningRate=0.1, learningRateSchedule=schedule),
        "regularization": [{"@class": "r.L1Regularization", "l1": {"@class": "s.FixedSchedule", "value": 0.01}}],
        "regularizationBias": [{"@class": "r.L2Regularization", "l2": 0.02}],
        "idropout": {"@class": "d.Dropout", "p": 0.75},
        "constraints": [{"@class": "c.MaxNormConstraint", "maxNorm": 2.0, "params": ["W"]}],
        "gradientNormalization": "ClipElementWiseAbsoluteValue",
        "gradientNormalizationThreshold": 0.5,
    }
    layers = [
        layer("LSTM", "TanH", nin=3, nout=4, **settings),
        layer("RnnOutputLayer", "Softmax", nin=4, nout=2, lossFn=loss("MCXENT"), **settings),
    ]
    pieces = {"backpropType": "TruncatedBPTT", "tbpttFwdLength": 10, "tbpttBackLength": 10}
    imported = interop.read(write_zip(tmp_path / "a.zip", layers, np.ones(3 * 16 + 4 * 16 + 16 + 10), **pieces))
    assert imported.origin is not None
    learning = imported.origin.learning
    assert learning is not None
    assert learning.optimizer == lm.Sgd(lm.schedules.Step(0.1, 0.5, 3, unit="epochs"))
    assert learning.clip == ClipValue(0.5)
    assert learning.truncate == Truncation(10)
    first = imported.described().steps()[0].layer
    assert isinstance(first, lm.LSTM)
    assert (first.l1, first.l2_bias, first.dropout) == (0.01, 0.02, DropoutNoise(0.25))
    assert first.constraints == (lm.constraints.MaxNorm(2.0),)


def test_other_rates_are_factors_and_other_updaters_are_said(tmp_path: Path) -> None:
    layers = [
        layer("DenseLayer", nin=3, nout=4, iupdater=updater("Sgd", learningRate=0.1)),
        layer("DenseLayer", nin=4, nout=4, iupdater=updater("Sgd", learningRate=0.05)),
        layer("OutputLayer", nin=4, nout=2, lossFn=loss("MSE"), iupdater=updater("Adam", learningRate=0.1)),
    ]
    path = write_zip(tmp_path / "a.zip", layers, np.ones(16 + 20 + 10))
    report = interop.inspect(path)
    assert [remark.path for remark in report.lost] == ["confs[2].layer"]
    with pytest.warns(LaminaWarning, match="IO012"):
        model = interop.load(path)
    assert model.description is not None
    assert [step.layer.learning_rate_factor for step in model.description.steps()] == [1.0, 0.5, 1.0]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("kind", "weight"), [("MSE", 1.0), ("BinaryXENT", 2.0), ("Hinge", 2.0), ("L2", 1.0), ("MCXENT", 1.0), ("Poisson", 2.0)]
)
def test_losses_that_are_sums_there_are_weighed(tmp_path: Path, kind: str, weight: float) -> None:
    for name, shape in (("OutputLayer", {"nin": 3, "nout": 2}), ("LossLayer", {})):
        layers = [layer("DenseLayer", nin=3, nout=3 if shape else 2), layer(name, lossFn=loss(kind), **shape)]
        weights = np.ones(12 + 8 if shape else 8)
        last = interop.read(write_zip(tmp_path / f"{name}.zip", layers, weights)).described().steps()[-1].layer
        assert last.loss_weight == weight  # type: ignore[attr-defined]


def normalizer(kind: str, *parts: bytes) -> bytes:
    word = [struct.pack(">H", len(text)) + text.encode() for text in ("NORMALIZER", kind)]
    return word[0] + struct.pack(">i", 1) + word[1] + b"".join(parts)


@pytest.mark.parametrize("kind", ["STANDARDIZE", "MIN_MAX", "IMAGE_MIN_MAX"])
def test_the_normaliser_is_the_preprocessing(tmp_path: Path, kind: str) -> None:
    path = network(tmp_path / "a.zip")
    plain = interop.load(path)
    one, other = np.array([[1.0, 2.0, 3.0]]), np.array([[2.0, 4.0, 8.0]])
    blobs = {
        "STANDARDIZE": ([b"\0", write_array(one), write_array(other)], (X - one) / other),
        "MIN_MAX": ([b"\0", struct.pack(">2d", -1, 1), write_array(one), write_array(other)], (X - one) / (other - one) * 2 - 1),
        "IMAGE_MIN_MAX": ([struct.pack(">3d", 0, 1, 255)], X / 255),
    }
    parts, scaled = blobs[kind]
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("normalizer.bin", normalizer(kind, *parts))
    model = interop.load(path)
    wanted = plain.predict(scaled.astype("float32"))
    np.testing.assert_allclose(model.predict(X), wanted, rtol=1e-4, atol=1e-5)
    model.save(tmp_path / "a.lamina")
    np.testing.assert_array_equal(lm.load(tmp_path / "a.lamina").predict(X), model.predict(X))
    assert interop.verify(model, {"x": scaled.astype("float32"), "y": wanted}).holds
    model.fit(X, Y, epochs=1, progress=False)  # scaled in training too, and the targets are learned about now
    assert model.schema is not None


def test_what_is_kept_of_the_origin_is_checked(tmp_path: Path) -> None:
    interop.read(network(tmp_path / "a.zip", np.zeros(52))).save(tmp_path / "a.lamina")
    model = lm.load(tmp_path / "a.lamina")
    assert len(model.slots) == 8
    from lamina.archive import Archive, write_archive

    archive = Archive(tmp_path / "a.lamina")
    members = {name: archive.json(name) for name in ("network.json", "labels.json", "origin.json")}
    members["origin.json"]["learning"]["optimizer"]["type"] = "nobody"
    tensors = {name: archive.arrays(name) for name in ("weights.safetensors", "origin.safetensors")}
    write_archive(tmp_path / "b.lamina", json_members=members, tensor_members=tensors)
    with pytest.raises(ArchiveError, match="AR022"):
        lm.load(tmp_path / "b.lamina")

"""Files that Caffe itself wrote, with what it computed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lamina import interop
from lamina.interop.format import formats
from lamina.interop.report import Report
from lamina.learning.schedules import Poly
from lamina.model import Model, load

Verified = Callable[[Report, float], None]
pytestmark = pytest.mark.filterwarnings(r"ignore:\[IO012\]:lamina.errors.LaminaWarning")
CASES = [
    ("mlp", ["mlp.prototxt", "mlp.caffemodel"], 2),
    ("mlp", ["mlp.caffemodel"], 2),
    ("mlp", ["mlp.caffemodel.h5", "mlp.prototxt"], 2),
    ("lenet", ["lenet.prototxt", "lenet.caffemodel"], 3),
    ("lenet", ["lenet.caffemodel.h5", "lenet.prototxt"], 3),
    ("lenet_v1", ["lenet_v1.prototxt", "lenet_v1.caffemodel"], 0),
    ("lenet_v1", ["lenet_v1.caffemodel"], 0),
    ("cnn_bn", ["cnn_bn.prototxt", "cnn_bn.caffemodel"], 1),
    ("cnn_bn", ["cnn_bn.prototxt", "cnn_bn.caffemodel.h5"], 1),
    ("lstm", ["lstm.prototxt", "lstm.caffemodel"], 2),
    ("lstm", ["lstm.prototxt", "lstm.caffemodel.h5"], 2),
]


@pytest.fixture(scope="module")
def folder(shared_fixtures: Path) -> Path:
    return shared_fixtures / "caffe"


@pytest.mark.parametrize(("name", "files", "layers"), CASES, ids=lambda value: "+".join(value) if isinstance(value, list) else str(value))
def test_outputs_are_those_of_caffe(folder: Path, tmp_path: Path, verified: Verified, name: str, files: list[str], layers: int) -> None:
    imported = interop.read([folder / file for file in files])
    assert imported.report.complete, imported.report
    with np.load(folder / f"{name}.npz") as stored:
        io = {key.replace("blob_", "activations/"): stored[key] for key in stored}
    proof = interop.verify(imported.model(), io)
    assert proof.holds, proof
    verified(imported.report, max(difference.relative for difference in proof.outputs))
    assert proof.first is None, proof
    assert proof.layers == layers
    wanted = io["y"]
    imported.save(tmp_path / "model.lamina")
    model = load(tmp_path / "model.lamina")
    found = model.predict(_inputs(io))
    assert found.shape == wanted.shape
    assert (np.abs(found - wanted) <= 1e-5 + 1e-4 * np.abs(wanted)).all()


def _inputs(io: dict[str, np.ndarray]) -> np.ndarray | dict[str, np.ndarray]:
    named = {key.removeprefix("x_"): array for key, array in io.items() if key.startswith("x_")}
    return named or io["x"]


def _trained(folder: Path, weights: str, steps: int, *more: str, go_on: bool = True) -> Model:
    model = interop.load([folder / name for name in ("mlp_train.prototxt", weights, "mlp_solver.prototxt", *more)])
    with np.load(folder / "mlp_finetune.npz") as stored:
        x, t = stored["x"], stored["ft_t"].astype(int)
    if steps:
        model.fit(x, t, batch_size=8, shuffle=False, epochs=steps, max_steps=steps, go_on=go_on, progress=False)
    return model


def test_five_updates_go_as_caffes_went(folder: Path) -> None:
    """Losses, weights and outputs after them, and the momentum that the snapshot holds."""
    with np.load(folder / "mlp_finetune.npz") as stored:
        x, t, losses, after = stored["x"], stored["ft_t"].astype(int), stored["ft_losses"], stored["ft_y_after"]
    for step, wanted in enumerate(losses):
        found = _trained(folder, "mlp.caffemodel", step).predict(x)
        assert -np.log(found[np.arange(8), t]).mean() == pytest.approx(wanted, rel=1e-5)
    model = _trained(folder, "mlp.caffemodel", 5)
    np.testing.assert_allclose(model.predict(x), after, rtol=1e-5, atol=1e-6)
    snapshot = interop.read([folder / name for name in ("mlp_train.prototxt", "mlp_snap_iter_5.caffemodel", "mlp_solver.prototxt")])
    for name, array in model.parameters().items():
        np.testing.assert_allclose(array, snapshot.arrays[name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_training_goes_on_from_a_snapshot(folder: Path) -> None:
    """Three updates after the snapshot's five are the sixth to eighth: rate, momentum and counters included."""
    one = _trained(folder, "mlp_snap_iter_5.caffemodel", 3, "mlp_snap_iter_5.solverstate")
    other = _trained(folder, "mlp.caffemodel", 8)
    for name, array in one.parameters().items():
        np.testing.assert_allclose(array, other.parameters()[name], rtol=1e-5, atol=1e-6, err_msg=name)
    learning = interop.read(
        [
            folder / name
            for name in ("mlp_train.prototxt", "mlp_snap_iter_5.caffemodel", "mlp_solver.prototxt", "mlp_snap_iter_5.solverstate")
        ]
    )
    assert learning.origin is not None
    assert learning.origin.learning is not None
    assert learning.origin.learning.updates == 5
    assert sorted(learning.slots) == ["momentum/ip1/bias", "momentum/ip1/weight", "momentum/ip2/bias", "momentum/ip2/weight"]


@pytest.mark.parametrize("name", ["mean.binaryproto", "mean.npy"])
def test_means_become_the_preprocessing(folder: Path, tmp_path: Path, name: str) -> None:
    mean = np.load(folder / "mean.npy")
    sizes = " ".join(f"dim: {size}" for size in (1, *mean.shape[-3:]))
    (tmp_path / "net.prototxt").write_text(
        f'layer {{ name: "in" type: "Input" top: "data" input_param {{ shape {{ {sizes} }} }} }} '
        'layer { name: "act" type: "ReLU" bottom: "data" top: "act" }'
    )
    imported = interop.read([tmp_path / "net.prototxt", folder / name])
    assert imported.preprocessing is not None
    x = np.random.default_rng(0).normal(size=(2, *mean.shape[-3:])).astype("float32")
    scaled = imported.preprocessing.scaled({"input": x})["input"]
    assert np.abs(scaled - (x - mean.reshape(x.shape[1:]))).max() <= 1e-5
    imported.save(tmp_path / "model.lamina")
    again = load(tmp_path / "model.lamina").preprocessing
    assert again is not None
    assert (again.scaled({"input": x})["input"] == scaled).all()


def test_every_file_is_recognised(folder: Path) -> None:
    known = {path.name for path in formats.get("caffe").samples(folder)}
    weights = {path.name for path in folder.iterdir() if path.suffix in (".caffemodel", ".h5", ".prototxt")}
    assert known == weights


@pytest.fixture(scope="module")
def digits(shared_data: Path) -> tuple[np.ndarray, np.ndarray]:
    def bytes_of(name: str, skipped: int) -> np.ndarray:
        path = next((shared_data / "mnist").glob(f"{name}*"))
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return np.frombuffer(raw, dtype=np.uint8, offset=skipped)

    return bytes_of("t10k-images", 16).reshape(-1, 1, 28, 28), bytes_of("t10k-labels", 8)


@pytest.mark.parametrize("files", [["lenet.prototxt"], [], ["bvlc_lenet_train_test.prototxt"]], ids=["deploy", "alone", "training"])
def test_the_trained_lenet_knows_its_digits(shared_models: Path, digits: tuple[np.ndarray, np.ndarray], files: list[str]) -> None:
    folder = shared_models / "caffe" / "lenet"
    wanted = json.loads((shared_models / "expected_mnist.json").read_text())["caffe/lenet/lenet_iter_10000.caffemodel"]
    model = interop.load([*(folder / name for name in files), folder / "lenet_iter_10000.caffemodel"])
    images, labels = digits
    # The data layer of the training network scales by itself.
    x = images.astype("float32")[:2000] if model.preprocessing is not None else images.astype("float32") * 0.00390625
    found = model.predict(x)
    right = (found.argmax(1) == labels[: len(x)]).mean()
    if len(x) == 10000:
        assert right == pytest.approx(wanted["accuracy"], abs=1e-9)
    else:
        assert right > 0.98
    scores = np.log(found[0]) - np.log(found[0]).max() + max(wanted["logits image0"])
    np.testing.assert_allclose(scores[found[0] > 1e-6], np.array(wanted["logits image0"])[found[0] > 1e-6], atol=2e-3)


def test_the_compressed_squeezenet_is_read_with_its_prototxt(shared_models: Path, tmp_path: Path) -> None:
    folder = shared_models / "caffe" / "squeezenet-v1.0-deepcompression"
    weights = tmp_path / "decoded.caffemodel"
    weights.write_bytes(gzip.decompress((folder / "decoded.caffemodel.gz").read_bytes()))
    imported = interop.read([folder / "SqueezeNet_deploy.prototxt", weights])
    assert imported.report.complete, imported.report
    assert not imported.fresh
    with np.load(folder / "decoded_weights.npz") as stored:
        assert sum(array.size for array in imported.arrays.values()) == sum(stored[key].size for key in stored) == 1248424
    alone = interop.inspect(weights)
    assert [problem.code for problem in alone.missing] == ["IO004"]


def test_the_compressed_squeezenet_sees_what_it_saw(shared_models: Path, shared_data: Path, tmp_path: Path, verified: Verified) -> None:
    folder = shared_models / "caffe" / "squeezenet-v1.0-deepcompression"
    weights = tmp_path / "decoded.caffemodel"
    weights.write_bytes(gzip.decompress((folder / "decoded.caffemodel.gz").read_bytes()))
    model = interop.load([folder / "SqueezeNet_deploy.prototxt", weights])
    worst = 0.0
    for name, rows in json.loads((folder / "expected_top5.json").read_text()).items():
        picture = Image.open(shared_data / "test-images" / name).convert("RGB").resize((227, 227), Image.Resampling.BILINEAR)
        x = np.asarray(picture, "float32")[:, :, ::-1].transpose(2, 0, 1) - np.float32([104, 117, 123])[:, None, None]
        scores = model.predict(x[None]).reshape(-1).astype("float64")
        found = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
        assert [row[0] for row in rows] == np.argsort(-found)[:5].tolist()
        # Shares are stored with four digits.
        worst = max(worst, *(abs(found[row[0]] - row[1]) for row in rows))
    assert worst <= 6e-5
    verified(interop.inspect([folder / "SqueezeNet_deploy.prototxt", weights]), 1e-4)


def test_networks_without_weights_start_afresh(shared_models: Path) -> None:
    folder = shared_models / "caffe" / "squeezenet-prototxt" / "SqueezeNet_v1.1"
    imported = interop.read([folder / "train_val.prototxt", folder / "solver.prototxt"])
    assert imported.report.complete, imported.report
    assert len(imported.fresh) == 52
    model = imported.model()
    assert model.origin is not None
    assert model.origin.learning is not None
    schedule = model.origin.learning.optimizer.learning_rate
    assert isinstance(schedule, Poly)
    assert schedule == Poly(0.04, 1.0, 170000)
    assert model.predict(np.zeros((1, 3, 227, 227), "float32")).shape[:2] == (1, 1000)

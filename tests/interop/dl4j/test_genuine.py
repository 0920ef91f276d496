"""Files that Deeplearning4j itself wrote, with what it computed."""

from __future__ import annotations

import gzip
import io
import tarfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lamina import interop
from lamina.data.dataset import Dataset
from lamina.errors import InteropError, LaminaWarning
from lamina.interop.dl4j.blobs import read_blob
from lamina.interop.dl4j.datasets import read_dataset
from lamina.interop.format import formats
from lamina.model import Model, load
from lamina.testing.formats import check_format

pytestmark = pytest.mark.filterwarnings(r"ignore:\[IO012\]:lamina.errors.LaminaWarning")
OUTPUTS = [
    ("dl4j_zips/regression_testing/100a/upsampling/net.bin", "100a/upsampling/in.bin", "100a/upsampling/out.bin"),
    (
        "from_history/GravesLSTMCharModelingExample_100a.bin",
        "100a/GravesLSTMCharModelingExample_Input_100a.bin",
        "100a/GravesLSTMCharModelingExample_Output_100a.bin",
    ),
    ("from_history/VaeMNISTAnomaly_100a.bin", "100a/VaeMNISTAnomaly_Input_100a.bin", "100a/VaeMNISTAnomaly_Output_100a.bin"),
]


@pytest.fixture(scope="module")
def folder(shared_fixtures: Path) -> Path:
    return shared_fixtures / "dl4j"


@pytest.mark.parametrize(("model", "x", "y"), OUTPUTS, ids=["upsampling", "graves", "vae"])
def test_outputs_are_those_of_the_original(folder: Path, model: str, x: str, y: str, verified: Any) -> None:
    data = folder / "dl4j_zips" / "regression_testing"
    found, wanted = interop.load(folder / model).predict(read_blob(data / x)), read_blob(data / y)
    assert found.shape == wanted.shape
    assert (np.abs(found - wanted) <= 1e-5 + 1e-4 * np.abs(wanted)).all()
    proof = interop.verify(interop.load(folder / model), {"x": read_blob(data / x), "y": wanted})
    assert proof.holds, proof
    verified(interop.inspect(folder / model), max(difference.relative for difference in proof.outputs))


def test_every_zip_is_read_and_those_of_known_layers_become_models(folder: Path, tmp_path: Path) -> None:
    files = formats.get("dl4j").samples(folder / "dl4j_zips") + formats.get("dl4j").samples(folder / "from_history")
    assert len(files) >= 24
    for file in files:
        imported = interop.read(file)
        if "CustomLayer" in file.name:
            assert [problem.code for problem in imported.report.missing] == ["IO004"]
            assert "CustomLayer" in imported.report.missing[0].got
            with pytest.raises(InteropError, match="IO004"):
                imported.model()
            continue
        assert imported.report.complete, imported.report
        imported.save(tmp_path / "model.lamina")
        model = load(tmp_path / "model.lamina")
        found = model.parameters()
        assert {name: array.tolist() for name, array in found.items()} == {name: a.tolist() for name, a in imported.arrays.items()}


@pytest.mark.parametrize("version", ["050", "060", "080"])
def test_parameters_of_the_old_files_are_counted_from_1(folder: Path, version: str) -> None:
    """The original's regression test wrote 1, 2, 3 ... as parameters and as the updater's state."""
    file = folder / "dl4j_zips" / "regression_testing" / version / f"{version}_ModelSerializer_Regression_MLP_1.zip"
    imported = interop.read(file)
    first, second = imported.arrays["layer0/weight"], imported.arrays["layer1/weight"]
    assert first.T.reshape(-1, order="F").tolist() == list(range(1, 13))
    assert imported.arrays["layer0/bias"].tolist() == [13, 14, 15, 16]
    assert second.T.reshape(-1, order="F").tolist() == list(range(17, 37))
    assert imported.slots["momentum/layer1/bias"].tolist() == [37, 38, 39, 40, 41]
    assert imported.origin is not None
    assert imported.origin.learning is not None
    assert imported.origin.learning.optimizer.type_name == "nesterov"


def test_the_trained_lenet_knows_its_digits(folder: Path) -> None:
    dataset = read_dataset(folder / "misc" / "mnist-train-0.DataSet.bin")
    model = interop.load(folder / "from_history" / "mnist-model.zip")
    predictions = model.predict(dataset.features).argmax(axis=1)
    assert (predictions == dataset.labels.argmax(axis=1)).mean() == 63 / 64
    assert (model.predict(dataset.features.reshape(-1, 1, 28, 28)).argmax(axis=1) == predictions).all()
    assert model.origin is not None
    assert (model.origin.learning.updates, model.origin.learning.epochs) == (1112, 1)  # type: ignore[union-attr]


def test_training_of_the_moon_network_goes_as_it_went(folder: Path) -> None:
    data = np.loadtxt(folder / "dl4j_zips/integration/data/moon_data_train.csv", delimiter=",")
    x, y = data[:, 1:].astype("float32"), data[:, 0].astype(int)
    _same_training(folder / "dl4j_zips/integration/MLPMoon", x, y, batch=32, penalties=(0.0, 0.0))


def test_training_of_the_sequence_network_goes_as_it_went(folder: Path) -> None:
    with tarfile.open(folder / "dl4j_zips/integration/data/uci_seq.tar.gz") as archive:

        def column(name: str) -> np.ndarray:
            member = archive.extractfile(f"uci_seq/train/{name}.csv")
            assert member is not None
            return np.loadtxt(io.BytesIO(member.read()), ndmin=1)

        # The baseline was made with the first 101 files.
        x = np.stack([column(f"features/{number}") for number in range(101)])
        y = np.array([int(column(f"labels/{number}")[0]) for number in range(101)])
    x = ((x - x.mean()) / x.std()).astype("float32")[:, None, :]
    _same_training(folder / "dl4j_zips/integration/RnnCsvSequenceClassification1", x, y, batch=10, penalties=(1e-3, 1e-3))


def _same_training(case: Path, x: np.ndarray, y: np.ndarray, *, batch: int, penalties: tuple[float, float]) -> None:
    """Final parameters to 1e-5, and the score of every iteration: mean loss of the batch and penalties, before the step."""
    zipped = case / "Model_RANDOM_INIT_UNTRAINED.zip"
    curve = np.loadtxt(case / "trainingCurve.csv", delimiter=",")
    scores, twin = _scores(zipped, x, y, batch, len(curve), penalties)
    np.testing.assert_allclose(scores, curve, rtol=1e-5, atol=1e-5)
    wanted = _wanted(zipped, case / "paramsPostTrain.bin")
    found = twin.parameters()
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-5, err_msg=name)


def _scores(
    zipped: Path, x: np.ndarray, y: np.ndarray, batch: int, steps: int, penalties: tuple[float, float]
) -> tuple[list[float], Model]:
    """The score before each step, and the model after the last."""
    twin = interop.load(zipped)
    names = [name for name in twin.parameters() if "weight" in name]
    scores = []
    for step in range(steps):
        rows = slice(step * batch, (step + 1) * batch)
        probabilities = twin.predict(x[rows])
        weights = [twin.parameters()[name].astype("float64") for name in names]
        penalty = sum(penalties[0] * np.abs(w).sum() + penalties[1] / 2 * (w**2).sum() for w in weights)
        scores.append(float(-np.log(probabilities[np.arange(len(probabilities)), y[rows]]).mean() + penalty))
        twin = _trained(zipped, x, y, batch, step + 1)
    return scores, twin


def _trained(zipped: Path, x: np.ndarray, y: np.ndarray, batch: int, steps: int) -> Model:
    model = interop.load(zipped)
    model.fit(x, y, batch_size=batch, shuffle=False, epochs=1, max_steps=steps, go_on=True, progress=False)
    return model


def _wanted(zipped: Path, blob: Path) -> dict[str, np.ndarray]:
    from lamina.interop.dl4j.convert import convert
    from lamina.interop.dl4j.source import configuration
    from lamina.interop.dl4j.weights import cut
    from lamina.interop.documents import parse_json
    from lamina.interop.notes import Notes
    from lamina.interop.zips import ZipMembers

    source = configuration(parse_json(ZipMembers(zipped).read("configuration.json"), "json"), "json")
    return cut(list(convert(source, Notes("json")).values()), read_blob(blob), "blob")


def test_the_contract_of_formats(folder: Path) -> None:
    old = folder / "dl4j_zips/regression_testing"
    files = [
        old / "050/050_ModelSerializer_Regression_MLP_2.zip",
        old / "080/080_ModelSerializer_Regression_CG_LSTM_1.zip",
        folder / "dl4j_zips/integration/CNN1dCharacterTestCase/Model_RANDOM_INIT_UNTRAINED.zip",
    ]
    check_format(formats.get("dl4j"), files, rounds=4)


def test_a_dataset_of_lamina_keeps_its_axes(folder: Path) -> None:
    model = interop.load(folder / "dl4j_zips/integration/RnnCsvSequenceClassification1/Model_RANDOM_INIT_UNTRAINED.zip")
    x = np.random.default_rng(0).normal(size=(4, 1, 9)).astype("float32")
    with warnings.catch_warnings():
        warnings.simplefilter("error", LaminaWarning)
        dataset = Dataset.from_arrays(x.transpose(0, 2, 1), np.arange(4) % 6)
    np.testing.assert_array_equal(model.predict(x), model.predict(dataset))


def test_the_trained_lenet_on_the_real_test_set(folder: Path, shared_data: Path) -> None:
    def read(name: str, offset: int) -> np.ndarray:
        with gzip.open(shared_data / "mnist" / f"t10k-{name}-ubyte.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=offset)

    x, y = read("images-idx3", 16).reshape(-1, 784), read("labels-idx1", 8)
    model = interop.load(folder / "from_history" / "mnist-model.zip")
    assert (model.predict((x / 255).astype("float32")).argmax(axis=1) == y).mean() == pytest.approx(0.9899, abs=1e-9)


def java_shuffled(count: int, seed: int) -> list[int]:
    """0, 1, 2 ... as ``MathUtils.shuffleArray(array, new java.util.Random(seed))`` leaves them."""
    state = (seed ^ 0x5DEECE66D) & ((1 << 48) - 1)
    found = list(range(count))
    for last in range(count - 1, 0, -1):
        bound = last + 1
        while True:
            state = (state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
            bits = state >> 17
            if bound & -bound == bound:
                place = (bound * bits) >> 31
                break
            place = bits % bound
            if bits - place + bound - 1 < 1 << 31:
                break
        found[last], found[place] = found[place], found[last]
    return found


def test_training_of_the_digits_network_goes_as_it_went(folder: Path, shared_data: Path) -> None:
    """Adam, a schedule, L1 and L2, on the images in the order in which the original drew them.

    A few weights of pixels that are always black have no gradient but L1's, and swing around 0 by the learning rate; the rest agrees.
    """

    def read(name: str, offset: int) -> np.ndarray:
        with gzip.open(shared_data / "mnist" / f"train-{name}-ubyte.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=offset)

    rows = java_shuffled(60_000, 12345)[: 32 * 16]
    x = (read("images-idx3", 16).reshape(-1, 784)[rows] / 255).astype("float32")
    y = read("labels-idx1", 8)[rows].astype(int)
    case = folder / "dl4j_zips/integration/MLPMnist"
    zipped = case / "Model_RANDOM_INIT_UNTRAINED.zip"
    for number, count in ((0, 1), (1, 10)):
        wanted = read_blob(case / "predictions" / f"output_{number}_0.bin")
        np.testing.assert_allclose(interop.load(zipped).predict(x[:count]), wanted, rtol=1e-4, atol=1e-6)
    scores, trained = _scores(zipped, x, y, 16, 32, (1e-3, 1e-3))
    np.testing.assert_allclose(scores, np.loadtxt(case / "trainingCurve.csv", delimiter=","), rtol=1e-5)
    found = trained.parameters()
    for name, wanted in _wanted(zipped, case / "paramsPostTrain.bin").items():
        assert (np.abs(found[name] - wanted) <= 1e-4).mean() > 0.99, name


def test_gradients_are_those_of_the_original(folder: Path) -> None:
    """Of the loss summed over the samples, by every parameter."""
    case = folder / "dl4j_zips/regression_testing/100a/upsampling"
    model, wanted = interop.load(case / "net.bin"), _wanted(case / "net.bin", case / "gradient.bin")
    x, targets = (torch.from_numpy(read_blob(case / f"{name}.bin").copy()) for name in ("in", "labels"))
    network = model.network.eval()
    (scores,), _ = network.run({"input": x})  # type: ignore[call-arg]
    ((torch.tanh(scores) - targets) ** 2).mean(1).sum().backward()
    values = model.parameters()
    found = {
        name: parameter.grad.numpy()
        for parameter in network.parameters()
        for name in wanted
        if parameter.grad is not None and np.array_equal(values[name], parameter.detach().numpy())
    }
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-4, atol=1e-5 * np.abs(array).max(), err_msg=name)

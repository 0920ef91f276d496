"""Predictions as files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import lamina as lm
from lamina.predictions import read_inputs, write_predictions

X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
NAMES = np.array(["cat", "dog"])[(X[:, 0] > 0).astype(int)]


@pytest.fixture(scope="module")
def model() -> lm.Model:
    made = lm.Model(lm.Sequential(lm.features(3), [lm.Output(2)]), seed=1)
    made.fit(X, NAMES, epochs=1, progress=False)
    return made


@pytest.fixture(scope="module")
def pair() -> lm.Model:
    nodes = {"kind": lm.Output(2, inputs="x"), "size": lm.Output(2, loss="mse", inputs="x")}
    made = lm.Model(lm.Graph(inputs={"x": lm.features(3)}, nodes=nodes, outputs=["kind", "size"]), seed=1)
    made.fit({"x": X}, {"kind": NAMES, "size": X[:, :2]}, epochs=1, progress=False)
    return made


def test_csv(model: lm.Model, tmp_path: Path) -> None:
    assert write_predictions(model, X, tmp_path / "out.csv") == 20
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    outputs, found = model.predict(X), model.predict_labels(X)
    assert list(rows[0]) == ["label", "probability", "cat", "dog"]
    assert [row["label"] for row in rows] == found.labels.tolist()
    np.testing.assert_allclose([[float(row["cat"]), float(row["dog"])] for row in rows], outputs, rtol=1e-6)
    np.testing.assert_allclose([float(row["probability"]) for row in rows], found.probabilities, rtol=1e-6)


def test_json(model: lm.Model, tmp_path: Path) -> None:
    write_predictions(model, X, tmp_path / "out.json")
    rows = json.loads((tmp_path / "out.json").read_text())
    assert len(rows) == 20
    assert rows[3]["label"] == model.predict_labels(X).labels[3]
    assert rows[3]["dog"] == pytest.approx(float(model.predict(X)[3, 1]))


def test_npz(model: lm.Model, tmp_path: Path) -> None:
    write_predictions(model, X, tmp_path / "out.npz")
    arrays = np.load(tmp_path / "out.npz", allow_pickle=False)
    np.testing.assert_array_equal(arrays["output"], model.predict(X))
    assert arrays["label"].tolist() == model.predict_labels(X).labels.tolist()


def test_several_outputs_by_name(pair: lm.Model, tmp_path: Path) -> None:
    write_predictions(pair, {"x": X}, tmp_path / "out.json")
    row = json.loads((tmp_path / "out.json").read_text())[0]
    assert list(row) == ["kind.label", "kind.probability", "kind.cat", "kind.dog", "size.output_0", "size.output_1"]
    write_predictions(pair, {"x": X}, tmp_path / "out.npz")
    assert set(np.load(tmp_path / "out.npz").files) == {"kind.label", "kind.probability", "kind.output", "size.output"}


@pytest.mark.parametrize("ending", [".npy", ".npz", ".csv"])
def test_reading(model: lm.Model, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"in{ending}"
    match ending:
        case ".npy":
            np.save(path, X)
        case ".npz":
            np.savez(path, input=X)
        case _:
            lines = ["a,b,c", *(",".join(map(repr, map(float, row))) for row in X)]
            path.write_text("\n".join(lines))
    np.testing.assert_allclose(model.predict(read_inputs(path)), model.predict(X), atol=1e-6)


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(lm.LaminaError, match="check the path") as caught:
        read_inputs(path)
    assert caught.value.code == "DA091"


@pytest.mark.parametrize("name", ["missing.csv", "missing.npy", "missing.npz"])
def test_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(lm.LaminaError) as caught:
        read_inputs(tmp_path / name)
    assert caught.value.code == "DA091"


def test_unknown_endings(model: lm.Model, tmp_path: Path) -> None:
    with pytest.raises(lm.LaminaError, match=r"use one of \.csv, \.npy, \.npz") as caught:
        read_inputs(tmp_path / "x.parquet")
    assert caught.value.code == "DA090"
    with pytest.raises(lm.LaminaError, match=r"use one of \.csv, \.json, \.npz"):
        write_predictions(model, X, tmp_path / "out.txt")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_for_wrong_data(model: lm.Model, tmp_path: Path) -> None:
    with pytest.raises(lm.LaminaError):
        write_predictions(model, X[:, :2], tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []

"""What is never followed, run or allocated, and what is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina import interop
from lamina.errors import InteropError
from lamina.interop.converters import converter
from lamina.interop.exporting import export

h5py = pytest.importorskip("h5py")


def written(path: Path, layers: list[dict[str, Any]], arrays: dict[str, dict[str, np.ndarray]]) -> Path:
    """A model of Keras 2 in HDF5."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "2.3.1", "tensorflow"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": layers}})
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [layer["config"]["name"].encode() for layer in layers]
        for layer in layers:
            name = layer["config"]["name"]
            group = root.create_group(name)
            group.attrs["weight_names"] = [key.encode() for key in arrays.get(name, {})]
            for key, array in arrays.get(name, {}).items():
                group[key] = array
    return path


def dense(name: str = "fc", **config: Any) -> dict[str, Any]:
    return {"class_name": "Dense", "config": {"name": name, "units": 2, "use_bias": False, "batch_input_shape": [None, 3], **config}}


KERNEL = {"fc": {"kernel:0": np.ones((3, 2), "float32")}}


def test_a_plain_model_is_read(tmp_path: Path) -> None:
    model = interop.load(written(tmp_path / "a.h5", [dense()], KERNEL))
    assert model.predict(np.ones((1, 3), "float32")).tolist() == [[3.0, 3.0]]


def test_links_out_of_the_file_are_refused(tmp_path: Path) -> None:
    for link in (h5py.ExternalLink("/etc/passwd", "/"), h5py.SoftLink("/model_weights")):
        path = written(tmp_path / "a.h5", [dense()], KERNEL)
        with h5py.File(path, "a") as file:
            del file["model_weights/fc/kernel:0"]
            file["model_weights/fc/kernel:0"] = link
        with pytest.raises(InteropError, match="IO021"):
            interop.read(path)


def test_sizes_are_compared_with_the_file(tmp_path: Path) -> None:
    path = written(tmp_path / "a.h5", [dense()], KERNEL)
    with h5py.File(path, "a") as file:
        del file["model_weights/fc/kernel:0"]
        file.create_dataset(
            "model_weights/fc/kernel:0", shape=(1 << 30, 1 << 10), dtype="f4", chunks=(1 << 10, 1 << 10), compression="gzip"
        )
    with pytest.raises(InteropError, match="IO003"):
        interop.read(path)


def test_weights_of_another_shape_and_number_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InteropError, match=r"IO005(?s:.*)\[2, 3\]"):
        interop.load(written(tmp_path / "a.h5", [dense()], {"fc": {"kernel:0": np.ones((4, 2), "float32")}}))
    with pytest.raises(InteropError, match="IO005(?s:.*)1 weights: kernel"):
        interop.load(written(tmp_path / "a.h5", [dense()], {}))


def test_everything_unknown_is_named_at_once(tmp_path: Path) -> None:
    layers = [
        dense(),
        {"class_name": "Lambda", "config": {"name": "code", "function": ["4wEA", None, None], "function_type": "lambda"}},
        {"class_name": "Mine", "config": {"name": "own"}},
        dense("last", activation="wobble"),
    ]
    report = interop.inspect(written(tmp_path / "a.h5", layers, {**KERNEL, "last": {"kernel:0": np.ones((2, 2), "float32")}}))
    assert [problem.where.rpartition(", ")[2] for problem in report.missing][:2] == ["$.layers[1]", "$.layers[2]"]
    assert "never run" in report.missing[0].cause
    assert "converter('keras', 'Mine')" in report.missing[1].fix


def test_a_converter_says_what_a_layer_becomes(tmp_path: Path) -> None:
    from lamina.interop.keras.piece import Piece, SourceLayer

    @converter("keras", "Gained")
    def gained(layer: SourceLayer) -> Piece:
        return Piece(lm.layers.ElementwiseMultiplication(bias=False), {"weight": layer.arrays(["gain"])["gain"]})

    layers = [dense(), {"class_name": "Gained", "config": {"name": "own"}}]
    path = written(tmp_path / "a.h5", layers, {**KERNEL, "own": {"gain:0": np.array([2.0, 3.0], "float32")}})
    assert interop.load(path).predict(np.ones((1, 3), "float32")).tolist() == [[6.0, 9.0]]


def test_an_imported_model_gets_a_new_head(tmp_path: Path) -> None:
    made = lm.Model(lm.Sequential(lm.image(1, 8, 8), [lm.Conv2d(3, kernel=3), lm.layers.Flatten(), lm.Output(4)]), seed=1)
    export(made, tmp_path / "a.keras", verify=False)
    model = interop.load(tmp_path / "a.keras", layout="lamina")
    assert isinstance(model.description, lm.Sequential)
    changed = model.description.replace(layers=[*model.description.layers[:-1], lm.Output(2, name="head")])
    tuned = lm.Model(changed, seed=2)
    x = np.random.default_rng(0).normal(size=(6, 1, 8, 8)).astype("float32")
    tuned.fit(x, np.arange(6) % 2, epochs=1, progress=False)
    assert tuned.predict(x).shape == (6, 2)


def test_arrays_that_take_no_room_in_the_file_but_much_in_memory(tmp_path: Path) -> None:
    names = [f"fc{number}" for number in range(6)]
    path = written(tmp_path / "model.h5", [dense(name, units=2000, batch_input_shape=[None, 2000]) for name in names], {})
    with h5py.File(path, "a") as file:
        for name in names:
            group = file[f"model_weights/{name}"]
            group.create_dataset("kernel:0", (2000, 2000), "f4", chunks=(1000, 1000))  # Chunks that nobody has written are zeros.
            group.attrs["weight_names"] = [b"kernel:0"]
    with pytest.raises(InteropError, match="IO003"):
        interop.read(path)

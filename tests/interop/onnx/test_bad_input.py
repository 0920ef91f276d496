"""Files that nobody should have to open: refused in words, at once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.errors import LaminaError
from lamina.interop.onnx.schema import SCHEMA
from lamina.interop.protobuf.write import written


def info(name: str, *dims: Any, kind: int = 1) -> dict[str, Any]:
    sizes = [{"dim_value": size} if isinstance(size, int) else {"dim_param": size} for size in dims]
    return {"name": name, "type": {"tensor_type": {"elem_type": kind, "shape": {"dim": sizes}}}}


def tensor(name: str, array: np.ndarray, **more: Any) -> dict[str, Any]:
    kinds = {"float32": 1, "int64": 7, "float64": 11}
    return {"name": name, "dims": list(array.shape), "data_type": kinds[array.dtype.name], "raw_data": array.tobytes(), **more}


def model(nodes: list[dict[str, Any]], weights: list[dict[str, Any]] = [], version: int = 17, **more: Any) -> bytes:  # noqa: B006
    graph = {"node": nodes, "name": "g", "initializer": weights, "input": [info("x", "N", 4)], "output": [info("y", "N", 4)], **more}
    return written(SCHEMA, "ModelProto", {"ir_version": 8, "opset_import": [{"domain": "", "version": version}], "graph": graph})


def node(kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> dict[str, Any]:
    made = []
    for name, value in attributes.items():
        one: dict[str, Any] = {"name": name, "type": 2, "i": value} if isinstance(value, int) else {"name": name, "type": 7, "ints": value}
        made.append(one)
    return {"op_type": kind, "input": inputs, "output": outputs, "attribute": made}


def refused(tmp_path: Path, content: bytes, code: str) -> str:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    begun = time.perf_counter()
    with pytest.raises(LaminaError, match=code) as found:
        lm.interop.load(path, format="onnx")
    assert time.perf_counter() - begun < 5
    return str(found.value)


def test_every_unknown_operator_and_attribute_at_once(tmp_path: Path) -> None:
    nodes = [node("Reluu", ["x"], ["a"]), {**node("Thing", ["a"], ["b"]), "domain": "org.example"}, node("Relu", ["b"], ["y"], wide=3)]
    text = refused(tmp_path, model(nodes), "IO004")
    assert "did you mean Relu?" in text
    assert "org.example" in text
    assert "wide=3" in text


def test_circles(tmp_path: Path) -> None:
    assert "circles" in refused(
        tmp_path, model([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["b"], ["y"])]), "IO010"
    )


def test_a_value_given_twice(tmp_path: Path) -> None:
    refused(tmp_path, model([node("Relu", ["x"], ["y"]), node("Relu", ["x"], ["y"])]), "IO010")


def test_a_value_that_nothing_gives(tmp_path: Path) -> None:
    refused(tmp_path, model([node("Add", ["x", "nowhere"], ["y"])]), "IO0")


def test_sizes_that_the_bytes_do_not_hold(tmp_path: Path) -> None:
    large = {"name": "w", "dims": [1 << 20, 1 << 20], "data_type": 1, "raw_data": b"abcd"}
    refused(tmp_path, model([node("MatMul", ["x", "w"], ["y"])], [large]), "IO005")
    larger = {"name": "w", "dims": [1 << 40, 4], "data_type": 1, "raw_data": b"abcd"}
    refused(tmp_path, model([node("MatMul", ["x", "w"], ["y"])], [larger]), "IO003")
    below = {"name": "w", "dims": [-4, 4], "data_type": 1, "raw_data": b"abcd"}
    refused(tmp_path, model([node("MatMul", ["x", "w"], ["y"])], [below]), "IO002")


def test_a_sparse_tensor_of_terrible_size(tmp_path: Path) -> None:
    sparse = {"values": tensor("w", np.ones(1, np.float32)), "indices": tensor("i", np.zeros(1, np.int64)), "dims": [1 << 30, 1 << 10]}
    refused(tmp_path, model([node("MatMul", ["x", "w"], ["y"])], sparse_initializer=[sparse]), "IO003")


def test_graphs_within_graphs(tmp_path: Path) -> None:
    inner: dict[str, Any] = {"node": [node("Identity", ["x"], ["y"])], "output": [info("y", "N", 4)]}
    for _ in range(40):
        body = {"name": "then_branch", "type": 5, "g": inner}
        inner = {"node": [{"op_type": "If", "input": ["c"], "output": ["y"], "attribute": [body]}], "output": [info("y", "N", 4)]}
    refused(tmp_path, model(inner["node"]), "IO003")


def test_a_million_messages_within_one_another(tmp_path: Path) -> None:
    content = b"\x08\x08\x42\x02\x10\x11" + b"\x3b" * 1_000_000
    refused(tmp_path, content, "IO00")


@pytest.mark.parametrize("place", ["../secret", "/etc/passwd", "a/../../b", "C:\\x", "", "nothing"])
def test_external_data_elsewhere(tmp_path: Path, place: str) -> None:
    (tmp_path.parent / "secret").write_bytes(bytes(64))
    weight = {"name": "w", "dims": [4, 4], "data_type": 1, "data_location": 1, "external_data": [{"key": "location", "value": place}]}
    assert "beside the model" in refused(tmp_path, model([node("MatMul", ["x", "w"], ["y"])], [weight]), "IO010")


def test_external_data_through_a_link(tmp_path: Path) -> None:
    (tmp_path.parent / "elsewhere").write_bytes(bytes(64))
    (tmp_path / "data.bin").symlink_to(tmp_path.parent / "elsewhere")
    weight = {"name": "w", "dims": [4, 4], "data_type": 1, "data_location": 1, "external_data": [{"key": "location", "value": "data.bin"}]}
    assert "a link" in refused(tmp_path, model([node("MatMul", ["x", "w"], ["y"])], [weight]), "IO010")


def test_external_data_beside_the_model(tmp_path: Path) -> None:
    matrix = np.arange(16, dtype=np.float32).reshape(4, 4)
    (tmp_path / "data.bin").write_bytes(bytes(8) + matrix.tobytes())
    entries = [{"key": key, "value": value} for key, value in (("location", "data.bin"), ("offset", "8"), ("length", "64"))]
    weight = {"name": "w", "dims": [4, 4], "data_type": 1, "data_location": 1, "external_data": entries}
    (tmp_path / "model.onnx").write_bytes(model([node("MatMul", ["x", "w"], ["y"])], [weight]))
    found = lm.interop.load(tmp_path / "model.onnx").predict(np.eye(4, dtype=np.float32))
    np.testing.assert_allclose(found, matrix)


@pytest.mark.parametrize("kind", ["Expand", "Tile", "ConstantOfShape"])
def test_sizes_while_it_runs(tmp_path: Path, kind: str) -> None:
    sizes = tensor("s", np.array([1 << 30, 1 << 10], dtype=np.int64))
    made = node(kind, ["s"] if kind == "ConstantOfShape" else ["x", "s"], ["h"])
    path = tmp_path / "model.onnx"
    path.write_bytes(model([made, node("ReduceSum", ["h"], ["t"]), node("Add", ["x", "t"], ["y"])], [sizes]))
    loaded = lm.interop.load(path)
    with pytest.raises(LaminaError, match="IO031"):
        loaded.predict(np.zeros((1, 4), np.float32))


def test_weights_of_another_shape_are_refused_when_it_runs_at_the_latest(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(model([node("MatMul", ["x", "w"], ["y"])], [tensor("w", np.zeros((5, 4), np.float32))]))
    with pytest.raises(LaminaError):
        lm.interop.load(path).predict(np.zeros((1, 4), np.float32))


def test_a_sparse_tensor_with_places_outside(tmp_path: Path) -> None:
    sparse = {"values": tensor("w", np.ones(1, np.float32)), "indices": tensor("i", np.array([[99, 99]])), "dims": [4, 4]}
    refused(tmp_path, model([node("MatMul", ["x", "w"], ["y"])], sparse_initializer=[sparse]), "IO002")


def test_an_operator_without_the_inputs_it_has(tmp_path: Path) -> None:
    refused(tmp_path, model([node("Softmax", [], ["y"])], version=11), "IO002")

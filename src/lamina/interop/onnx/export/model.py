"""The file: graph, inputs and outputs with open axes, opset, and what belongs to the model as metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.errors import Problem
from lamina.interop.emission.pen import Refused, problem
from lamina.interop.onnx.export import layers, recurrent, words
from lamina.interop.onnx.export.graph import Graph, tensor
from lamina.shapes import Shape

if TYPE_CHECKING:
    from lamina.interop.emission.draft import Draft
    from lamina.model import Model
    from lamina.network.plan import Plan

IR_VERSIONS = {17: 8, 18: 8, 19: 9, 20: 9, 21: 10}
"""Version of the file format for each opset that can be written."""
MOST_INSIDE = (1 << 31) - (1 << 24)
"""Bytes of weights that fit into the file itself; protocol buffers end at 2 GB."""
SMALL = 1024
"""Larger arrays go beside a file that is too large by itself."""
KNOWN = (layers, recurrent, words)


def graph_of(draft: Draft, opset: int) -> tuple[Graph, list[Problem]]:
    """All nodes, and everything that has none."""
    graph = Graph(draft, opset)
    problems: list[Problem] = []
    for operation in draft.operations:
        try:
            graph.write(operation)
        except Refused as refused:
            found = problem(operation.layer, draft.kinds.get(operation.layer, operation.kind), refused, "ONNX")
            problems += [] if found in problems else [found]
    return graph, problems


def model_data(draft: Draft, graph: Graph, plan: Plan, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Everything but the weights, as plain data of ``ModelProto``."""
    from lamina.version import __version__

    inputs = [_info(value.name, value.kind, draft.shapes[name], graph) for name, value in draft.inputs.items()]
    for name, value in draft.masks.items():
        inputs.append(_typed(value.name, 9, ["batch", _open(value_name(draft, name), "steps")]))
    outputs = [_info(value.name, value.kind, plan.output_shapes[name], graph, output=True) for name, value in draft.outputs.items()]
    return {
        "ir_version": IR_VERSIONS[graph.opset],
        "opset_import": [{"domain": "", "version": graph.opset}],
        "producer_name": "lamina",
        "producer_version": __version__,
        "graph": {"name": "network", "node": graph.nodes, "input": inputs, "output": outputs, "initializer": []},
        "metadata_props": [{"key": key, "value": value} for key, value in metadata.items()],
    }


def value_name(draft: Draft, name: str) -> str:
    """Name of the input that a mask belongs to."""
    return draft.inputs[name].name


def _open(name: str, axis: str) -> str:
    return f"{name}_{axis}"


def _info(name: str, kind: str, shape: Shape, graph: Graph, *, output: bool = False) -> dict[str, Any]:
    from lamina.interop.onnx.schema import NUMBERS

    axes = [*shape.axes] if len(shape.axes) == len(shape.dims) else ["steps", *(f"axis{place}" for place in range(2, 1 + len(shape.dims)))]
    dims = [_open(name, axis) if size is None else size for axis, size in zip(axes, shape.dims, strict=True)]
    number = {"int": 7, "bool": 9}.get(kind, NUMBERS[graph.dtype.name])
    return _typed(name, number, ["batch", *dims] if not output or dims else ["batch"])


def _typed(name: str, number: int, dims: list[Any]) -> dict[str, Any]:
    sizes = [{"dim_value": size} if isinstance(size, int) else {"dim_param": size} for size in dims]
    return {"name": name, "type": {"tensor_type": {"elem_type": number, "shape": {"dim": sizes}}}}


def write(path: Path, data: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Write the file; weights that make it larger than a file can be lie beside it.

    Returns:
        Names of other files.
    """
    from lamina.interop.onnx.schema import SCHEMA
    from lamina.interop.protobuf.write import written

    outside = sum(array.nbytes for array in arrays.values()) > MOST_INSIDE
    beside = path.name + ".data"
    if outside:
        with (path.parent / beside).open("wb") as file:
            data["graph"]["initializer"] = list(_beside(file, beside, arrays))
    else:
        data["graph"]["initializer"] = [tensor(name, array) for name, array in arrays.items()]
    path.write_bytes(written(SCHEMA, "ModelProto", data))
    return [beside] if outside else []


def _beside(file: Any, name: str, arrays: Mapping[str, np.ndarray]) -> Iterator[dict[str, Any]]:
    for key, array in arrays.items():
        if array.nbytes < SMALL:
            yield tensor(key, array)
            continue
        file.write(b"\0" * (-file.tell() % 4096))
        start = file.tell()
        file.write(np.ascontiguousarray(array).data)
        entry = tensor(key, np.zeros(0, array.dtype)) | {"dims": list(array.shape), "raw_data": None, "data_location": 1}
        places = {"location": name, "offset": str(start), "length": str(array.nbytes)}
        yield entry | {"external_data": [{"key": word, "value": value} for word, value in places.items()]}


def metadata_of(model: Model) -> dict[str, str]:
    """What belongs to the model, as JSON by name.

    ``lamina.network``: the description; ``lamina.schema``: what inputs and targets are; ``lamina.labels``: names of classes by output;
    ``lamina.preprocessing``: what is done to raw data, with its arrays as lists.
    """
    from lamina.keep import described_in

    found = {"lamina.network": _json(described_in(model))}
    if model.schema is not None:
        found["lamina.schema"] = _json(model.schema.to_dict(full=True))
        labels = {name: list(target.labels) for name, target in model.targets.items() if target is not None and target.labels is not None}
        if labels:
            found["lamina.labels"] = _json(labels)
    if model.preprocessing is not None:
        data, arrays = model.preprocessing.to_archive()
        shown = {
            name: {"dtype": array.dtype.str, "shape": list(array.shape), "data": array.reshape(-1).tolist()}
            for name, array in arrays.items()
        }
        found["lamina.preprocessing"] = _json({**data, "arrays": shown})
    return found


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))

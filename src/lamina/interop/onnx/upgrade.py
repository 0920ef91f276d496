"""Operators of older sets as those of the newest: attributes that became inputs, defaults that changed, operators that got other names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamina.interop.onnx.graph import Op

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Upgrade:
    """Where an operator comes from.

    Attributes:
        version: Its operator set.
        unique: Makes a name that no value has.
    """

    version: int
    unique: Callable[[str], str]

    def constant(self, value: Any, kind: str, ops: list[Op], path: str) -> str:
        """A constant as an operator put before; its name."""
        import numpy as np

        name = self.unique("constant")
        ops.append(Op("Constant", [], [name], {"value": np.array(value, dtype=kind)}, path=path))
        return name


Change = Callable[[Op, Upgrade], list[Op]]
_CHANGES: dict[str, Change] = {}


def _change(*kinds: str) -> Callable[[Change], Change]:
    def enter(function: Change) -> Change:
        for kind in kinds:
            _CHANGES[kind] = function
        return function

    return enter


def upgraded(op: Op, upgrade: Upgrade) -> list[Op]:
    """An operator as operators of the newest set.

    Example:
        >>> old = Op("Squeeze", ["x"], ["y"], {"axes": [0]})
        >>> [op.kind for op in upgraded(old, Upgrade(11, lambda name: name + "1"))]
        ['Constant', 'Squeeze']
    """
    if op.domain in ("com.microsoft", "ai.onnx.contrib") and op.kind in ("Gelu", "FastGelu", "QuickGelu"):
        return _other_gelu(op, upgrade)
    if op.domain == "com.microsoft" and op.kind in ("DequantizeLinear", "QuantizeLinear") and "axis" in op.attributes:
        op.domain = ""
    if op.domain:
        return [op]
    if upgrade.version < 6:
        op.attributes.pop("consumed_inputs", None)
    change = _CHANGES.get(op.kind)
    return [op] if change is None else change(op, upgrade)


def _moved(op: Op, upgrade: Upgrade, name: str, place: int, kind: str = "int64") -> list[Op]:
    """An attribute as an input."""
    before: list[Op] = []
    if name in op.attributes:
        value = op.attributes.pop(name)
        op.inputs += [""] * (place - len(op.inputs))
        if len(op.inputs) == place:
            op.inputs.append(upgrade.constant(value, kind, before, op.path))
    return before


@_change(*("Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Equal", "Greater", "Less", "PRelu"))
def _broadcast(op: Op, upgrade: Upgrade) -> list[Op]:
    if upgrade.version >= 7 or len(op.inputs) != 2:
        return [op]
    op.attributes.pop("broadcast", None)
    op.attributes.pop("consumed_inputs", None)
    axis = op.attributes.pop("axis", 1 if op.kind == "PRelu" else None)
    if axis is None:
        return [op]
    made = upgrade.unique("aligned")
    before = Op("Aligned", list(op.inputs), [made], {"axis": axis}, domain="lamina", path=op.path)
    op.inputs[1] = made
    return [before, op]


@_change("Reshape")
def _reshape(op: Op, upgrade: Upgrade) -> list[Op]:
    op.attributes.pop("consumed_inputs", None)
    return [*_moved(op, upgrade, "shape", 1), op]


@_change("Gemm")
def _gemm(op: Op, upgrade: Upgrade) -> list[Op]:
    if upgrade.version < 7:
        op.attributes.pop("broadcast", None)
    return [op]


@_change("Cast")
def _cast(op: Op, upgrade: Upgrade) -> list[Op]:
    word = {"FLOAT": "float32", "DOUBLE": "float64"}.get(str(op.attributes.get("to")))
    if word is not None or upgrade.version < 6:
        op.attributes["to"] = word or str(op.attributes.get("to", "float32")).lower()
    return [op]


@_change("Squeeze", "Unsqueeze")
def _axes(op: Op, upgrade: Upgrade) -> list[Op]:
    return [*_moved(op, upgrade, "axes", 1), op]


@_change(
    *("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2"),
    *("ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"),
)
def _reduce(op: Op, upgrade: Upgrade) -> list[Op]:
    return [*_moved(op, upgrade, "axes", 1), op]


@_change("Split")
def _split(op: Op, upgrade: Upgrade) -> list[Op]:
    before = _moved(op, upgrade, "split", 1)
    if len(op.inputs) < 2 and upgrade.version < 18:
        op.attributes.setdefault("num_outputs", len(op.outputs))
    return [*before, op]


@_change("Clip")
def _clip(op: Op, upgrade: Upgrade) -> list[Op]:
    low, high = _moved(op, upgrade, "min", 1, "float32"), _moved(op, upgrade, "max", 2, "float32")
    return [*low, *high, op]


@_change("Pad")
def _pad(op: Op, upgrade: Upgrade) -> list[Op]:
    before: list[Op] = []
    if upgrade.version < 11:
        op.attributes.setdefault("pads", op.attributes.pop("paddings", []))
        before = [*_moved(op, upgrade, "pads", 1), *_moved(op, upgrade, "value", 2, "float32")]
    return [*before, op]


@_change("Slice")
def _slice(op: Op, upgrade: Upgrade) -> list[Op]:
    before: list[Op] = []
    if upgrade.version < 10:
        for place, name in enumerate(("starts", "ends", "axes"), 1):
            before += _moved(op, upgrade, name, place)
    return [*before, op]


@_change("TopK")
def _top_k(op: Op, upgrade: Upgrade) -> list[Op]:
    return [*_moved(op, upgrade, "k", 1), op]


@_change("Dropout")
def _dropout(op: Op, upgrade: Upgrade) -> list[Op]:
    ratio = op.attributes.get("ratio", 0.5) if upgrade.version < 12 else None
    before: list[Op] = []
    if ratio is not None:
        op.attributes["ratio"] = ratio
        before = _moved(op, upgrade, "ratio", 1, "float32")
    op.attributes.pop("is_test", None)
    return [*before, op]


@_change("Softmax", "LogSoftmax", "Hardmax")
def _softmax(op: Op, upgrade: Upgrade) -> list[Op]:
    if upgrade.version >= 13:
        return [op]
    axis = op.attributes.get("axis", 1)
    if axis == -1:
        op.attributes["axis"] = -1
        return [op]
    # All axes from this one on were one: known to be the last, or laid flat and back.
    op.attributes["axis"] = -1
    shape, flat, made = upgrade.unique("shape"), upgrade.unique("flat"), upgrade.unique("made")
    first = Op("Shape", [op.inputs[0]], [shape], path=op.path)
    second = Op("Flatten", [op.inputs[0]], [flat], {"axis": axis}, path=op.path)
    third = Op(op.kind, [flat], [made], {"axis": -1}, path=op.path)
    last = Op("Reshape", [made, shape], op.outputs, path=op.path)
    return [first, second, third, last]


@_change("BatchNormalization")
def _batch_norm(op: Op, upgrade: Upgrade) -> list[Op]:
    op.attributes.pop("spatial", None)
    op.attributes.pop("is_test", None)
    op.attributes.pop("consumed_inputs", None)
    if upgrade.version < 14:
        # What came besides the output was only of use in training.
        op.outputs = op.outputs[:1]
    return [op]


@_change("Upsample")
def _upsample(op: Op, upgrade: Upgrade) -> list[Op]:
    before = _moved(op, upgrade, "scales", 1, "float32")
    mode = op.attributes.pop("mode", "nearest")
    new = {"mode": {"bilinear": "linear", "trilinear": "linear"}.get(mode, mode), "coordinate_transformation_mode": "asymmetric"}
    new["nearest_mode"] = "floor"
    return [*before, Op("Resize", [op.inputs[0], "", op.inputs[1]], op.outputs, {**op.attributes, **new}, path=op.path)]


@_change("Resize")
def _resize(op: Op, upgrade: Upgrade) -> list[Op]:
    if upgrade.version < 11:
        new = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "simple"}
        return [Op("Resize", [op.inputs[0], "", *op.inputs[1:]], op.outputs, {**op.attributes, **new}, path=op.path)]
    return [op]


@_change("Scatter")
def _scatter(op: Op, upgrade: Upgrade) -> list[Op]:
    op.kind = "ScatterElements"
    return [op]


@_change("GroupNormalization")
def _group_norm(op: Op, upgrade: Upgrade) -> list[Op]:
    if upgrade.version >= 21:
        return [op]
    # A number for each group became one for each channel.
    op.kind, op.domain = "GroupNormalizationOfGroups", "lamina"
    op.attributes.pop("stash_type", None)
    return [op]


@_change("GridSample")
def _grid_sample(op: Op, upgrade: Upgrade) -> list[Op]:
    if upgrade.version < 20:
        mode = op.attributes.get("mode", "bilinear")
        op.attributes["mode"] = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    return [op]


@_change("RoiAlign")
def _roi_align(op: Op, upgrade: Upgrade) -> list[Op]:
    if upgrade.version < 16:
        op.attributes.setdefault("coordinate_transformation_mode", "output_half_pixel")
    return [op]


@_change("DFT")
def _dft(op: Op, upgrade: Upgrade) -> list[Op]:
    if upgrade.version < 20:
        op.attributes.setdefault("axis", 1)
        return [*_moved(op, upgrade, "axis", 2), op]
    return [op]


@_change("Scan")
def _scan(op: Op, upgrade: Upgrade) -> list[Op]:
    if upgrade.version < 9:
        op.kind, op.domain = "ScanOfBatches", "lamina"
        directions = op.attributes.pop("directions", None)
        if directions:
            op.attributes["scan_input_directions"] = directions
    return [op]


@_change("Gelu")
def _gelu(op: Op, upgrade: Upgrade) -> list[Op]:
    return [op]


def _other_gelu(op: Op, upgrade: Upgrade) -> list[Op]:
    op.domain = ""
    before: list[Op] = []
    if len(op.inputs) > 1 and op.inputs[1]:
        joined = upgrade.unique("joined")
        before.append(Op("Add", op.inputs, [joined], path=op.path))
        op.inputs = [joined]
    if op.kind == "QuickGelu":
        return [*before, Op("Swish", op.inputs[:1], op.outputs, {"alpha": op.attributes.get("alpha", 1.702)}, path=op.path)]
    approximate = {"approximate": "tanh"} if op.kind == "FastGelu" else {}
    return [*before, Op("Gelu", op.inputs[:1], op.outputs, approximate, path=op.path)]


@_change("Constant")
def _constant(op: Op, upgrade: Upgrade) -> list[Op]:
    if "sparse_value" in op.attributes:
        op.attributes["value"] = op.attributes.pop("sparse_value")
    return [op]


def array_of(op: Op) -> np.ndarray | None:
    """The array that a ``Constant`` stands for."""
    import numpy as np

    for name, value in op.attributes.items():
        if name == "value":
            return np.asarray(value)
        if name.startswith("value_float"):
            return np.array(value, dtype=np.float32)
        if name.startswith("value_int"):
            return np.array(value, dtype=np.int64)
        if name.startswith("value_string"):
            return np.array(value, dtype=object)
    return None

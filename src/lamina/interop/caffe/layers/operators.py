"""Nodes of operators, for what no layer is a name for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lamina.interop.caffe.blob import Blob
from lamina.interop.caffe.net import Net
from lamina.interop.caffe.source import Entry
from lamina.shapes import Shape

Step = tuple[str, list[str], list[str], dict[str, Any]]
"""An operator: its name in ONNX, what it reads, what it gives, its attributes."""


def operators(
    layer: Entry,
    net: Net,
    steps: Sequence[Step],
    given: Mapping[str, Blob | str],
    gives: str,
    shape: Shape,
    *,
    constants: Mapping[str, float | list[int]] | None = None,
    end: str = "",
) -> str:
    """Add a node of operators, and give its name.

    Args:
        layer: The layer that becomes it.
        net: Where it goes.
        steps: The operators, in order.
        given: Blobs or nodes by the names that the operators know them by.
        gives: The value that comes out.
        shape: Its shape.
        constants: Numbers that the operators read, by name: one with a fraction, or whole ones.
        end: For the end of the node's name.
    """
    from lamina.network.vertices.operators import Operator, Operators

    fixed = [
        Operator("Constant", [], [name], attributes={"value_ints": value} if isinstance(value, list) else {"value_float": float(value)})
        for name, value in (constants or {}).items()
    ]
    made = [Operator(op, inputs, outputs, attributes=attributes) for op, inputs, outputs, attributes in steps]
    return net.add(layer, lambda: Operators([*fixed, *made], takes=list(given), gives=[gives], shapes=[shape]), *given.values(), end=end)

"""Which operators become which layers: a function for each, which says no by giving False."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamina.interop.onnx.graph import Op
    from lamina.interop.onnx.lift import Lift

Handler = Callable[["Lift", "Op"], bool]


def lifted(lift: Lift, op: Op) -> bool:
    """Whether an operator became a layer."""
    from lamina.errors import LaminaError
    from lamina.interop.onnx.layers.joints import JOINTS
    from lamina.interop.onnx.layers.plain import PLAIN
    from lamina.interop.onnx.layers.recurrent import RECURRENT
    from lamina.interop.onnx.layers.windows import WINDOWS
    from lamina.interop.onnx.lift import Unliftable

    handler: Handler | None = {**PLAIN, **WINDOWS, **JOINTS, **RECURRENT}.get(op.kind)
    # A layer has one output, and nobody may have asked for more.
    if handler is None or (any(lift.uses.get(name) for name in op.outputs[1:]) and op.kind not in RECURRENT):
        return False
    try:
        return handler(lift, op)
    except (LaminaError, Unliftable, IndexError, KeyError, ValueError, TypeError, AttributeError, ArithmeticError):
        # Settings that can't be, of a damaged file: what runs the operator says it.
        return False


def own(lift: Lift, op: Op, place: int) -> bool:
    """Whether an input is a value, and not an array of the file."""
    return len(op.inputs) > place and op.inputs[place] in lift.values

"""What of a graph is known before it is run: constants, sizes, and what is computed of these alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.interop.onnx.upgrade import array_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from lamina.interop.onnx.graph import Op

MOST = 1 << 22
"""Numbers of an array that is computed while a file is read."""


class Batch(int):
    """The number of samples among sizes: counts as itself and nothing else."""

    def __new__(cls) -> Batch:
        """As a number it is one that no size has."""
        return super().__new__(cls, -7)

    def __repr__(self) -> str:
        return "batch"


BATCH = Batch()


def folded(op: Op, inputs: list[Any]) -> Any:
    """An operator on arrays that are known, as an array; None if it is not one of those that are computed while reading.

    Args:
        op: The operator.
        inputs: Arrays, or None where one is left out.
    """
    if op.kind == "Constant":
        return array_of(op)
    function = _FOLDS.get(op.kind) if not op.domain else None
    if function is None or len(op.outputs) != 1:
        return None
    try:
        found = function(op, *inputs)
    except (ValueError, IndexError, TypeError, KeyError, AttributeError, ArithmeticError, MemoryError):
        return None
    return found if found is not None and found.size <= MOST else None


def _sizes(x: Any) -> tuple[int, ...]:
    import numpy as np

    sizes = tuple(int(size) for size in np.asarray(x).reshape(-1))
    total = 1
    for size in sizes:
        total *= max(size, 1)
        if total > MOST:
            raise ValueError(total)
    return sizes


def _cast(op: Op, x: np.ndarray) -> np.ndarray | None:
    import numpy as np

    to = op.attributes["to"]
    return x.astype(np.dtype(to)) if to in ("float32", "float64", "int64", "int32", "bool", "float16") else None


def _slice(op: Op, x: np.ndarray, starts: Any, ends: Any, axes: Any = None, steps: Any = None) -> np.ndarray:
    begins, finishes = starts.tolist(), ends.tolist()
    places = list(range(len(begins))) if axes is None else axes.tolist()
    strides = [1] * len(begins) if steps is None else steps.tolist()
    for begin, finish, axis, step in zip(begins, finishes, places, strides, strict=True):
        kept = [slice(None)] * x.ndim
        kept[axis] = slice(begin, None if step < 0 and finish < -x.shape[axis] else finish, step)
        x = x[tuple(kept)]
    return x


def _reshape(op: Op, x: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    wanted = [x.shape[i] if size == 0 and not op.attributes.get("allowzero") else size for i, size in enumerate(sizes.tolist())]
    return x.reshape(wanted)


def _unsqueeze(op: Op, x: np.ndarray, axes: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.expand_dims(x, tuple(axes.reshape(-1).tolist()))


def _squeeze(op: Op, x: np.ndarray, axes: Any = None) -> np.ndarray:
    import numpy as np

    return np.squeeze(x, None if axes is None else tuple(axes.reshape(-1).tolist()))


def _filled(op: Op, sizes: np.ndarray) -> np.ndarray:
    import numpy as np

    value = op.attributes.get("value")
    return np.full(_sizes(sizes), np.float32(0) if value is None else value.reshape(-1)[0])


def _range(op: Op, start: Any, limit: Any, delta: Any) -> np.ndarray:
    import numpy as np

    _sizes([abs((limit.item() - start.item()) / delta.item())])
    return np.arange(start.item(), limit.item(), delta.item(), dtype=start.dtype)


def _divide(op: Op, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    import numpy as np

    found: np.ndarray = a / b if a.dtype.kind == "f" else np.trunc(a / b).astype(a.dtype)
    return found


def _with(name: str) -> Callable[..., Any]:
    def run(op: Op, *arrays: Any) -> Any:
        import numpy as np

        found = getattr(np, name)(*arrays)
        return np.asarray(found, dtype=arrays[0].dtype if name not in ("equal", "less", "greater", "where") else found.dtype)

    return run


_FOLDS: dict[str, Callable[..., Any]] = {
    **{"Cast": _cast, "Slice": _slice, "Reshape": _reshape, "Unsqueeze": _unsqueeze, "Squeeze": _squeeze, "ConstantOfShape": _filled},
    **{"Range": _range, "Div": _divide, "Add": _with("add"), "Sub": _with("subtract"), "Mul": _with("multiply"), "Neg": _with("negative")},
    **{"Sqrt": _with("sqrt"), "Equal": _with("equal"), "Less": _with("less"), "Greater": _with("greater"), "Where": _with("where")},
    **{"Exp": _with("exp"), "Reciprocal": _with("reciprocal"), "Floor": _with("floor"), "Ceil": _with("ceil"), "Pow": _with("power")},
    **{"Mod": _with("mod"), "Max": _with("maximum"), "Min": _with("minimum"), "Abs": _with("abs")},
    "Identity": lambda op, x: x,
    "Transpose": lambda op, x: x.transpose(op.attributes.get("perm")),
    "Gather": lambda op, x, places: x.take(places, axis=op.attributes.get("axis", 0)),
    "Concat": lambda op, *xs: _numpy().concatenate(xs, axis=op.attributes["axis"]),
    "Shape": lambda op, x: _numpy().array(x.shape[slice(op.attributes.get("start", 0), op.attributes.get("end"))], dtype="int64"),
    "Expand": lambda op, x, sizes: _numpy().broadcast_to(x, _numpy().broadcast_shapes(x.shape, _sizes(sizes))),
    "Flatten": lambda op, x: x.reshape(int(_numpy().prod(x.shape[: op.attributes.get("axis", 1)])), -1),
}


def _numpy() -> Any:
    import numpy as np

    return np

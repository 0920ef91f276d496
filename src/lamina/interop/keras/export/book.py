"""The layers of Keras that a network becomes, as they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from lamina.errors import Problem
from lamina.interop.keras.export.exporter import last_order
from lamina.interop.keras.weights import snake
from lamina.network import activations as a
from lamina.network.activations import Activation
from lamina.network.plan import Node
from lamina.shapes import Shape, Tokens

WORDS: dict[type[Activation], str] = {
    a.Identity: "linear",
    a.Relu: "relu",
    a.Relu6: "relu6",
    a.Sigmoid: "sigmoid",
    a.LogSigmoid: "log_sigmoid",
    a.Tanh: "tanh",
    a.HardTanh: "hard_tanh",
    a.Softsign: "softsign",
    a.Softmax: "softmax",
    a.LogSoftmax: "log_softmax",
    a.Sparsemax: "sparsemax",
    a.Selu: "selu",
    a.Silu: "silu",
    a.Swish: "silu",
    a.HardSwish: "hard_silu",
    a.Mish: "mish",
    a.Exp: "exponential",
    a.SparsePlus: "sparse_plus",
    a.SparseSigmoid: "sparse_sigmoid",
    a.TanhShrink: "tanh_shrink",
}


class UnknownError(Exception):
    """Something that Keras has not.

    Args:
        got: What.
        expected: What it has.
    """

    def __init__(self, got: str, expected: str = "a layer that Keras has") -> None:
        super().__init__(got)
        self.got, self.expected = got, expected


def lacks(got: str, expected: str = "a layer that Keras has") -> NoReturn:
    """Say that Keras has not what a layer needs.

    Raises:
        UnknownError: Always.
    """
    raise UnknownError(got, expected)


def word(function: Activation) -> str | None:
    """What Keras calls an activation; None if it is a layer there, or nothing."""
    plain: dict[type[Activation], str | bool] = {
        a.Elu: getattr(function, "alpha", None) == 1.0 and "elu",
        a.Celu: getattr(function, "alpha", None) == 1.0 and "celu",
        a.Softplus: getattr(function, "beta", None) == 1.0 and "softplus",
        a.Squareplus: getattr(function, "b", None) == 4.0 and "squareplus",
        a.Gelu: getattr(function, "approximate", None) is False and "gelu",
        a.HardSigmoid: abs(getattr(function, "slope", 0.0) - 1 / 6) < 1e-9 and "hard_sigmoid",
        a.SoftShrink: getattr(function, "threshold", None) == 0.5 and "soft_shrink",
        a.HardShrink: getattr(function, "threshold", None) == 0.5 and "hard_shrink",
    }
    found = WORDS.get(type(function)) or plain.get(type(function))
    return found if isinstance(found, str) else None


def as_layer(function: Activation) -> tuple[str, dict[str, Any]]:
    """An activation as a layer of Keras.

    Raises:
        UnknownError: If it has none.
    """
    said = word(function)
    if said is not None:
        return "Activation", {"activation": said}
    if isinstance(function, a.LeakyRelu):
        return "LeakyReLU", {"negative_slope": function.slope}
    if isinstance(function, a.Elu):
        return "ELU", {"alpha": function.alpha}
    if isinstance(function, a.Clamp) and function.minimum == 0:
        return "ReLU", {"max_value": function.maximum, "negative_slope": 0.0, "threshold": 0.0}
    if isinstance(function, a.ThresholdedRelu) or (isinstance(function, a.Threshold) and not function.value):
        return "ReLU", {"max_value": None, "negative_slope": getattr(function, "slope", 0.0), "threshold": function.threshold}
    lacks(f"the activation {function.type_name}", f"one of {', '.join(sorted(WORDS.values()))}")


@dataclass
class Book:
    """What is written.

    Attributes:
        layers: Of the description.
        parts: Weights of each layer: its own, and those of layers within by their path.
        fed: What feeds each layer.
        problems: What Keras has not.
        nodes: Those that were written, by the name of what gives their output.
    """

    arrays: Mapping[str, Any]
    layers: list[dict[str, Any]] = field(default_factory=list)
    parts: dict[str, Mapping[str, Sequence[Any]]] = field(default_factory=dict)
    fed: dict[str, list[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    dims: dict[str, list[int | None]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    nodes: dict[str, Node] = field(default_factory=dict)

    def ordered(self) -> list[str]:
        """Names of all layers in the order in which Keras has them: by how far they are from the outputs, then as it finds them."""
        found: dict[str, int] = {}
        done: list[str] = []
        for end in self.outputs:
            todo = [(end, False)]
            while todo:
                name, left = todo.pop()
                if left:
                    done.append(name)
                elif name not in found:
                    found[name] = len(found)
                    todo += [(name, True), *((one, False) for one in reversed(self.fed.get(name, [])))]
        depth = dict.fromkeys(done, 0)
        for name in reversed(done):
            for one in self.fed.get(name, []):
                depth[one] = max(depth[one], depth[name] + 1)
        others = [name for name in self.taken if name not in found]
        return [*sorted(done, key=lambda name: (-depth[name], found[name])), *sorted(others)]

    @property
    def weights(self) -> dict[str, list[Any]]:
        """The weights of each layer, by its path in the file: its class, and its number among those of the class."""
        kinds = {str(layer["name"]): str(layer["class_name"]) for layer in self.layers}
        counts: dict[str, int] = {}
        found: dict[str, list[Any]] = {}
        for name in self.ordered():
            base = snake(kinds[name])
            number = counts[base] = counts.get(base, -1) + 1
            path = base if number == 0 else f"{base}_{number}"
            for inner, arrays in self.parts.get(name, {}).items():
                found[f"{path}/{inner}" if inner else path] = [_float(array) for array in arrays]
        return found

    def enter(self, name: str, shape: Shape) -> None:
        """An input."""
        sizes = [None if n == 0 else (shape.dims[axis - 1]) for n, axis in enumerate(last_order(shape))]
        dtype = "int32" if isinstance(shape, Tokens) else "float32"
        config = {"batch_shape": sizes, "dtype": dtype, "sparse": False, "ragged": False, "name": name}
        self.layers.append(_entry("InputLayer", config, name, []))
        self.inputs.append(name)
        self.taken.add(name)
        self.dims[name] = sizes

    def add(
        self,
        kind: str,
        config: Mapping[str, Any],
        inputs: Sequence[str],
        name: str,
        weights: Sequence[Any] = (),
        *,
        within: Mapping[str, Sequence[Any]] | None = None,
        call: Mapping[str, Any] | None = None,
        apart: bool = False,
    ) -> str:
        """A layer.

        Args:
            kind: Its class.
            config: Its settings.
            inputs: Names of what feeds it.
            name: What it shall be called.
            weights: Its own.
            within: Those of layers within, by their path.
            call: Further arguments.
            apart: Whether inputs are arguments each by itself, and not one list.
        """
        name = name.replace("/", "_")
        own, number = name, 2
        while own in self.taken:
            own, number = f"{name}_{number}", number + 1
        self.taken.add(own)
        parts = {"": weights} if weights else {}
        self.parts[own] = {**parts, **(within or {})}
        self.fed[own] = list(inputs)
        tensors = [_tensor(one) for one in inputs]
        args: list[Any] = tensors if apart or len(tensors) == 1 else [tensors]
        node = {"args": args, "kwargs": dict(call or {})}
        self.layers.append(_entry(kind, {"name": own, "trainable": True, "dtype": "float32", **config}, own, [node]))
        return own

    def description(self) -> dict[str, Any]:
        """The network as JSON."""
        ends = [[name, 0, 0] for name in self.outputs]
        by_name = {str(layer["name"]): layer for layer in self.layers}
        config = {
            "name": "lamina",
            "trainable": True,
            "layers": [by_name[name] for name in self.ordered()],
            "input_layers": [[name, 0, 0] for name in self.inputs],
            "output_layers": ends,
        }
        return {"module": "keras.src.models.functional", "class_name": "Functional", "config": config, "registered_name": "Functional"}

    def refuse(self, node: Node, got: str, expected: str) -> None:
        """Note what Keras has not."""
        kind = node.layer.type_name
        self.problems.append(
            Problem(
                code="IO004",
                where=f"layer {node.name!r} ({kind})",
                expected=expected,
                got=got,
                cause="Keras has nothing that computes the same",
                fix="export to onnx, which has more operators, or rewrite this part",
            )
        )


def _float(array: Any) -> Any:
    import numpy as np

    return np.ascontiguousarray(array, dtype=np.float32)


def _tensor(name: str) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"shape": [None], "dtype": "float32", "keras_history": [name, 0, 0]}}


def _entry(kind: str, config: Mapping[str, Any], name: str, nodes: list[Any]) -> dict[str, Any]:
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": dict(config),
        "registered_name": None,
        "name": name,
        "inbound_nodes": nodes,
    }

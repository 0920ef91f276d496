"""Graphs of operators, run operator by operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.engine.operators.registry import Context, Entry, find
from lamina.errors import LaminaError, TrainingError
from lamina.network.plan import Node
from lamina.network.vertices.operators import Body, Operator, Operators, Pick

Values = dict[str, Any]


@dataclass(frozen=True)
class Graph:
    """A body that can be called, within the values around it.

    Attributes:
        body: Its description.
        steps: Its operators, made ready.
        around: Values that it reads besides its inputs.
        context: Of the run.
    """

    body: Body
    steps: Sequence[Step]
    around: Values
    context: Context

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what it gives."""
        return self.body.outputs

    def __call__(self, inputs: Sequence[Any]) -> list[Any]:
        """Run it."""
        values = {**self.around, **dict(zip(self.body.inputs, inputs, strict=False))}
        run(self.steps, values, self.context)
        return [values[name] for name in self.body.outputs]


@dataclass(frozen=True)
class Step:
    """An operator made ready.

    Attributes:
        operator: Its description.
        entry: What runs it.
        settings: Its attributes, as its function takes them.
        bodies: Its graphs, made ready.
        done: Values that nothing reads afterwards.
    """

    operator: Operator
    entry: Entry
    settings: Mapping[str, Any]
    bodies: Mapping[str, Sequence[Step]]
    done: tuple[str, ...]

    def __call__(self, values: Values, context: Context) -> None:
        """Run it on values, and put what it gives beside them."""
        operator, entry = self.operator, self.entry
        inputs = [values[name] if name else None for name in operator.inputs]
        settings = dict(self.settings)
        for name, steps in self.bodies.items():
            settings[name] = Graph(operator.bodies[name], steps, values, context)
        if "context" in entry.special:
            settings["context"] = replace(context, where=f"operator {operator.op} that gives {', '.join(operator.outputs)}")
        if "wanted" in entry.special:
            settings["wanted"] = len(operator.outputs)
        try:
            found = entry.run(*inputs, **settings)
        except LaminaError:
            raise
        except (RuntimeError, ValueError, IndexError, TypeError, KeyError, OverflowError, AttributeError, ZeroDivisionError) as error:
            raise _failed(operator, inputs, error) from error
        results = found if isinstance(found, tuple) else (found,)
        if len(results) < sum(bool(name) for name in operator.outputs):
            raise _failed(operator, inputs, ValueError(f"{len(results)} results"))
        for name, value in zip(operator.outputs, results, strict=False):
            if name:
                values[name] = value


def run(steps: Sequence[Step], values: Values, context: Context) -> None:
    """Run operators one after the other; what is needed no more is let go."""
    for step in steps:
        step(values, context)
        for name in step.done:
            values.pop(name, None)


def prepared(operators: Sequence[Operator], kept: set[str], *, inner: bool = False) -> list[Step]:
    """Operators made ready to run.

    Raises:
        RegistrationError: IO032, if nothing runs one of them.
    """
    last: dict[str, int] = {}
    for number, operator in enumerate(operators):
        for name in _read(operator):
            last[name] = number
    steps = []
    for number, operator in enumerate(operators):
        entry = find(operator.op, operator.domain)
        settings = {entry.keyword(name): _number(value) for name, value in operator.attributes.items()}
        bodies = {name: prepared(body.operators, set(body.outputs), inner=True) for name, body in operator.bodies.items()}
        # Values around a body are those of others, too.
        done = () if inner else tuple(name for name in _read(operator) if last[name] == number and name not in kept)
        steps.append(Step(operator, entry, settings, bodies, done))
    return steps


def _number(value: Any) -> Any:
    """Infinity and what is no number are words in a description."""
    return float(value) if isinstance(value, str) and value in ("inf", "-inf", "nan") else value


def _read(operator: Operator) -> set[str]:
    found = set(operator.inputs)
    for body in operator.bodies.values():
        for inner in body.operators:
            found |= _read(inner)
        found |= set(body.outputs)
    return found - {""}


def _failed(operator: Operator, inputs: Sequence[Any], error: Exception) -> TrainingError:
    given = ", ".join(
        "nothing"
        if value is None
        else f"{list(value.shape)} {str(value.dtype).removeprefix('torch.')}"
        if isinstance(value, Tensor)
        else type(value).__name__
        for value in inputs[:8]
    )
    return TrainingError(
        "IO031",
        where=f"operator {operator.op} that gives {', '.join(operator.outputs)}",
        expected="inputs that it can compute with",
        got=given or "no inputs",
        cause=str(error).split("\n")[0][:300] or type(error).__name__,
        fix="give data of the sizes that the model was made for",
    )


@runs(Operators)
class OperatorsModule(LayerModule):
    """Runs the operators on whole tensors."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._takes, self._gives = layer.takes, layer.gives
        self._tensors = (*layer.weights, *layer.constants)
        self._kinds = {name: getattr(torch, kind) for name, kind in layer.kinds().items()}
        self._steps = prepared(layer.operators, {*layer.gives, *self._tensors})
        self._place: Tensor
        self.register_buffer("_place", torch.zeros(()), persistent=False)

    def forward(self, *inputs: Any) -> Any:
        values: Values = dict(zip(self._takes, inputs, strict=True))
        for name in self._tensors:
            values[name] = self._parameters[name] if name in self._parameters else self._buffers[name]
        run(self._steps, values, Context(real=self._place.dtype, training=self.training, device=self._place.device))
        found = tuple(values[name] for name in self._gives)
        return found[0] if len(found) == 1 else found

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:  # noqa: FBT001, FBT002 - torch's signature
        kept = {name: self._buffers[name] for name in self._kinds}
        result = super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        # Numbers of another type than the network's keep theirs; only the device changes.
        for name, tensor in kept.items():
            moved = self._buffers[name]
            if tensor is not None and moved is not None and moved.dtype != tensor.dtype:
                self._buffers[name] = tensor.to(moved.device)
        return result


@runs(Pick)
class PickModule(LayerModule):
    """One of several values."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._index = layer.index

    def forward(self, *inputs: Any) -> Any:
        return inputs[0][self._index]

"""Own layers, vertices and losses from a function, in five lines; `lamina.network.layers.Layer` has all else that a layer can be.

>>> import lamina as lm, torch
>>> from lamina import custom
>>> @custom.layer("scaled_sine")
... def scaled_sine(x, frequency: float = 1.0):
...     '''``sin(frequency * x)``, number by number.'''
...     return torch.sin(frequency * x)
>>> net = lm.Sequential.from_yaml("{type: sequential, layers: [{type: scaled_sine, frequency: 3.0}, {type: output, units: 2}]}")
>>> lm.Model(net, input=lm.features(4)).predict([[1.0, 2.0, 3.0, 4.0]]).shape
(1, 2)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.engine.losses import computes
from lamina.errors import RegistrationError
from lamina.network.layers.layer import Layer
from lamina.network.losses import Loss
from lamina.network.plan import Node
from lamina.shapes import Features, Shape
from lamina.shapes import Sequence as Steps
from lamina.spec import Description, register

Infer = Callable[..., Shape]
D = TypeVar("D", bound=Description)


def layer(
    name: str, *, output: Infer | Shape | None = None, stepwise: bool | None = None, examples: Sequence[tuple[Shape, ...]] | None = None
) -> Callable[[Callable[..., Tensor]], type[Layer]]:
    """Decorator: a function of tensors becomes a registered layer; one of several tensors a vertex.

    Parameters of the function without a default are its inputs, batch first. Those with one are settings, and need an annotation
    (``float``, ``int``, ``bool``, ``str``, or ``X | None``). The function may use nothing else that changes. It has no weights;
    write a `Layer` and a `LayerModule` for one that has (the guide on own components shows how).

    Args:
        name: What files call it.
        output: The shape it gives: a shape, or a function of the input shapes; by default that of the first input.
        stepwise: Whether it treats each step of a sequence by itself, so that masks and running piece by piece need nothing more;
            by default it does if it keeps the shape and says no ``output``.
        examples: Input shapes that the contract suite tries it on; by default vectors and sequences.

    Returns:
        The class of the description, to be used in Python like any other layer.

    Raises:
        RegistrationError: SP008, if the name is taken, the function has no docstring, takes ``*args`` or ``**kwargs``, or a setting has no
            annotation.
    """

    def decorate(function: Callable[..., Tensor]) -> type[Layer]:
        inputs, settings = _parts(name, function)
        shapes = [tuple(example) for example in examples or [(Features(4),) * inputs, (Steps(steps=5, features=3),) * inputs]]

        def infer(self: Layer, given: tuple[Shape, ...]) -> Shape:
            return given[0] if output is None else output if isinstance(output, Shape) else output(*given)

        body: dict[str, Any] = {
            "__doc__": inspect.getdoc(function),
            "__module__": function.__module__,
            "__qualname__": _class_name(name),
            "__annotations__": {key: annotation for key, (annotation, _) in settings.items()}
            | {"input_count": ClassVar, "stepwise": ClassVar},
            "input_count": (inputs, inputs),
            "stepwise": output is None if stepwise is None else stepwise,
            "infer": infer,
            "examples": classmethod(lambda cls: [(cls(), shape) for shape in shapes]),
            **{key: default for key, (_, default) in settings.items()},
        }
        description = register(name)(_made(Layer, name, body))

        class FunctionModule(LayerModule):
            """Calls the function."""

            def __init__(self, node: Node) -> None:
                super().__init__(node)
                self._settings = {key: getattr(node.layer, key) for key in settings}

            def forward(self, *tensors: Tensor) -> Tensor:
                return function(*tensors, **self._settings)

        FunctionModule.__module__, FunctionModule.__qualname__ = function.__module__, f"{_class_name(name)}Module"
        runs(description)(FunctionModule)
        return description

    return decorate


def loss(name: str, *, activation: str = "identity") -> Callable[[Callable[..., Tensor]], type[Loss]]:
    """Decorator: a function of predictions and targets becomes a registered loss.

    The function gets the output's predictions and the targets, both ``[batch, units]`` (or with steps, or pixels), and gives the loss
    of each position, without the axis of units. Further parameters are settings, as of `layer`. Gradients come by themselves.

    Args:
        name: What files call it.
        activation: Type of the activation that an output gets which names none.

    Returns:
        The class of the description.

    Raises:
        RegistrationError: SP008, as `layer`.

    Example:
        >>> import lamina as lm
        >>> from lamina import custom
        >>> @custom.loss("fourth_power_error")
        ... def fourth_power_error(predictions, targets, factor: float = 1.0):
        ...     '''``factor * mean_j (y_j - t_j)^4``.'''
        ...     return factor * (predictions - targets).pow(4).mean(-1)
        >>> lm.Output(1, loss="fourth_power_error").loss
        FourthPowerError()
    """

    def decorate(function: Callable[..., Tensor]) -> type[Loss]:
        inputs, settings = _parts(name, function)
        if inputs != 2:
            raise _refused(
                name, "a function of predictions and targets", f"one of {inputs} tensors", "write def name(predictions, targets)"
            )
        body: dict[str, Any] = {
            "__doc__": inspect.getdoc(function),
            "__module__": function.__module__,
            "__qualname__": _class_name(name),
            "__annotations__": {**{key: kind for key, (kind, _) in settings.items()}, "natural_activation": ClassVar},
            "natural_activation": activation,
            "examples": classmethod(lambda cls: [cls()]),
            **{key: default for key, (_, default) in settings.items()},
        }
        description = register(name)(_made(Loss, name, body))

        def positions(described: Any, activate: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
            values = {key: getattr(described, key) for key in settings}
            return lambda scores, target: function(activate(scores), target, **values)

        computes(description)(positions)
        return description

    return decorate


def _parts(name: str, function: Callable[..., Tensor]) -> tuple[int, Mapping[str, tuple[Any, Any]]]:
    """How many tensors a function takes, and its settings: annotation and default of each."""
    if not inspect.getdoc(function):
        raise _refused(name, "a docstring: what the function computes", "none", 'write """...""" below the def line')
    signature = inspect.signature(function, eval_str=True)
    gathered = next((p for p in signature.parameters.values() if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)), None)
    if gathered is not None:
        raise _refused(name, "parameters with names", str(gathered), "write each tensor and each setting by its own name")
    plain = [p for p in signature.parameters.values() if p.default is p.empty]
    settings = {p.name: (p.annotation, p.default) for p in signature.parameters.values() if p.default is not p.empty}
    bare = next((key for key, (annotation, _) in settings.items() if annotation is inspect.Parameter.empty), None)
    if bare is not None:
        raise _refused(name, "settings with a type", f"{bare} without one", f"write {bare}: float = ...")
    if not plain:
        raise _refused(name, "at least one tensor", "a function of settings alone", "give the first parameter no default")
    return len(plain), settings


def _made(base: type[D], name: str, body: dict[str, Any]) -> type[D]:
    """A subclass, made as a class statement would make it."""
    kind: Any = type(base)
    made: type[D] = kind(_class_name(name), (base,), body)
    return made


def _class_name(name: str) -> str:
    return "".join(word.capitalize() for word in name.partition("@")[0].split("_"))


def _refused(name: str, expected: str, got: str, fix: str) -> RegistrationError:
    cause = "names, settings and documentation of a component are taken from the function"
    return RegistrationError("SP008", where=f"@custom({name!r})", expected=expected, got=got, cause=cause, fix=fix)

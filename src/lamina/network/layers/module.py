"""An own ``torch.nn.Module`` as a layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lamina.errors import DescriptionError
from lamina.network.layers.layer import Layer, Parameter
from lamina.shapes import Features, Image, Sequence, Shape, Tokens, Volume


class Module(Layer):
    """An own ``torch.nn.Module`` in a network that is written in Python; its code can't go into a file.

    What the module is called with is one batch-first tensor for each input (several in a graph); what it returns must have
    the shape ``output``. Its parameters keep their values and their own names: ``conv.weight`` of a layer called ``mine`` is
    ``mine/conv.weight`` in the network. To make a network with own arithmetic that can be written, loaded and sent to others,
    register it: a `Layer` with ``@register("my_layer")`` and a module with ``@runs``.

    Attributes:
        module: The module; it is used itself, not a copy.
        output: Shape of what it gives for one sample.
        stochastic_module: Whether it draws random numbers in training. None: if it holds a module that is named like dropout.

    Example:
        >>> str(Module(object(), output=Features(8)).infer((Features(4),)))
        '[batch, 8]'
    """

    positional: ClassVar[tuple[str, ...]] = ("module", "output")
    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Sequence, Image, Volume, Tokens)
    input_count: ClassVar[tuple[int, int | None]] = (1, None)

    module: Any
    output: Shape
    stochastic_module: bool | None = None

    @property
    def random(self) -> bool:
        if self.stochastic_module is not None:
            return self.stochastic_module
        inside = self.module.modules() if callable(getattr(self.module, "modules", None)) else ()
        return any("dropout" in type(part).__name__.lower() for part in inside)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return self.output

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        return {name: Parameter(_sizes(value)) for name, value in self._named("named_parameters") if value.requires_grad}

    def buffers(self, inputs: tuple[Shape, ...]) -> Mapping[str, tuple[int, ...]]:
        fixed = {name: _sizes(value) for name, value in self._named("named_parameters") if not value.requires_grad}
        return {**fixed, **{name: _sizes(value) for name, value in self._named("named_buffers")}}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        # What an own module computes is not known.
        return 0

    def to_dict(self, *, full: bool = False) -> dict[str, Any]:
        raise DescriptionError(
            "SP009",
            where=f"layer {self.name or 'module'!r} ({type(self.module).__name__})",
            expected="layers that are registered, which can be written to a file",
            got="an own torch.nn.Module",
            cause="a file must not name code to run",
            fix=f'register it: describe it in a Layer with @register("{type(self.module).__name__.lower()}"), run it in a LayerModule '
            "with @runs; or save the weights alone",
        )

    def _named(self, method: str) -> Iterable[tuple[str, Any]]:
        found = getattr(self.module, method, None)
        named: Iterable[tuple[str, Any]] = found() if callable(found) else ()
        return named


def _sizes(value: Any) -> tuple[int, ...]:
    try:
        return tuple(int(size) for size in value.shape)
    except RuntimeError:
        # A lazy parameter has no shape before its module has run.
        return (0,)

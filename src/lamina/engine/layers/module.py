"""What every runnable layer is: parameters made from the description, and a forward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

import torch
from torch import Tensor, nn

from lamina.errors import RegistrationError
from lamina.network.layers.layer import Layer
from lamina.network.plan import Node

L = TypeVar("L", bound=Layer)


class LayerModule(nn.Module):
    """A node of the plan, runnable.

    The parameters and buffers that the description names exist already when a subclass's ``__init__`` goes on after
    ``super().__init__(node)``, uninitialised (`lamina.engine.build` fills them), as attributes of the same names, so most
    subclasses only write ``forward``. ``forward`` takes one tensor per input, batch first.
    """

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.node = node
        for name, parameter in node.parameters.items():
            self.register_parameter(name, nn.Parameter(torch.empty(parameter.shape)))
        for name, shape in node.buffers.items():
            self.register_buffer(name, torch.zeros(shape))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Run the layer."""
        raise NotImplementedError


_MODULES: dict[type[Layer], type[LayerModule]] = {}

M = TypeVar("M", bound="type[LayerModule]")


def runs(*descriptions: type[Layer]) -> Callable[[M], M]:
    """Class decorator: this module runs these descriptions.

    Raises:
        RegistrationError: EN001, if another module already does.
    """

    def decorate(module: M) -> M:
        for description in descriptions:
            taken = _MODULES.get(description)
            if taken is not None and taken.__qualname__ != module.__qualname__:
                raise RegistrationError(
                    "EN001",
                    where=f"@runs({description.__name__})",
                    expected="one module per description",
                    got=f"{taken.__qualname__} and {module.__qualname__}",
                    cause="two modules claim the same layer",
                    fix="remove one of them, or register a new version of the layer",
                )
            _MODULES[description] = module
        return module

    return decorate


def module_for(node: Node) -> LayerModule:
    """Make the module of a node.

    Raises:
        RegistrationError: EN002, if nothing runs this description.
    """
    for base in type(node.layer).__mro__:
        if base in _MODULES:
            return _MODULES[base](node)
    raise RegistrationError(
        "EN002",
        where=f"layer {node.name!r} ({node.layer.type_name})",
        expected="a module registered with @runs for this description",
        got=f"none for {type(node.layer).__name__}",
        cause="the package that describes the layer did not register how it runs",
        fix=f"add a LayerModule decorated with @runs({type(node.layer).__name__})",
    )

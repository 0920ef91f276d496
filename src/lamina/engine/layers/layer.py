"""What every runnable layer is: parameters made from the description, and a forward pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lamina.engine.activations import ActivationFunction, activation_function, identity
from lamina.engine.implementations import Implementations
from lamina.engine.initializers import initialize
from lamina.engine.losses import LossFunction
from lamina.engine.masks import combined, run_alone
from lamina.engine.noise import noise_module, weight_noise_function
from lamina.engine.randomness import generator
from lamina.engine.state import Memory
from lamina.errors import TrainingError
from lamina.network.initializers import Initializer, Ones
from lamina.network.layers.layer import Layer, Parameter
from lamina.network.plan import Node
from lamina.shapes import Series


@dataclass(frozen=True)
class Head:
    """What makes predictions and a loss of an output's scores.

    Attributes:
        loss: Judges scores.
        activate: From scores to predictions.
        weight: Factor of this output's loss in the sum over all outputs.
    """

    loss: LossFunction
    activate: Callable[[Tensor], Tensor]
    weight: float = 1.0


def _unimplemented(self: nn.Module, *inputs: Tensor) -> Tensor:
    message = f"{type(self).__name__} says nothing of how it runs"
    raise NotImplementedError(message)


class LayerModule(nn.Module):
    """A node of the plan, runnable.

    The parameters and buffers that the description names exist already when a subclass's ``__init__`` goes on after
    ``super().__init__(node)``, as attributes of the same names: parameters uninitialised (`lamina.engine.build` calls
    `initialize`), buffers 0. Most subclasses only write ``forward``, which takes one tensor per input, batch first.
    """

    forward: Callable[..., Tensor] = _unimplemented
    """Run the layer: one tensor per input, batch first, one tensor out."""
    penalty: Tensor | None = None
    """What the last forward pass in training adds to the loss, ``[batch]`` or a scalar; of layers that penalise."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.node = node
        for name, parameter in node.parameters.items():
            self.register_parameter(name, nn.Parameter(torch.empty(parameter.shape)))
        kinds = node.layer.kinds()
        for name, shape in node.buffers.items():
            self.register_buffer(name, torch.zeros(shape, dtype=getattr(torch, kinds[name]) if name in kinds else None))

    def __getstate__(self) -> dict[str, Any]:
        # A penalty belongs to a pass, and its graph can't be copied.
        return {name: value for name, value in self.__dict__.items() if name != "penalty"}

    @property
    def settings(self) -> Layer:
        """The description that says how parameters start and which noise they get: the node's own, or one that it wraps."""
        return self.node.layer

    def initialize(self, seed: int) -> None:
        """Give the parameters their first values, a function of (seed, node name, parameter name) alone."""
        for name, parameter in self.node.parameters.items():
            tensor = self._parameters[name]
            if tensor is None:
                continue
            initialize(tensor, parameter, _initializer(self.settings, parameter), generator(seed, "initial", self.node.name, name))
            if parameter.fills:
                with torch.no_grad():
                    for block, value in zip(tensor.chunk(parameter.blocks, 0), parameter.fills, strict=True):
                        if value is not None:
                            block.fill_(value)

    def head(self) -> Head | None:
        """Loss and activation, if the node is an output that has a loss."""
        return None

    def tensors(self) -> dict[str, Tensor]:
        """Everything that must be kept to have the layer again, by name: parameters, then buffers; not what others own."""
        if self.node.shares is not None:
            return {}
        borrowed = self.node.borrowed
        return {name: value for name, value in self.state_dict(keep_vars=True).items() if name not in borrowed}

    def share(self, owner: LayerModule) -> None:
        """Use the owner's parameters and buffers in place of own ones."""
        for theirs, own in zip(owner.modules(), self.modules(), strict=True):
            own._parameters.update(theirs._parameters)
            own._buffers.update(theirs._buffers)

    def inner_modules(self) -> list[tuple[str, LayerModule]]:
        """Modules of the networks that the layer holds, each with its name below this layer's."""
        return []

    # -- sequences of different lengths -----------------------------------------------------------------------------

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        """Output and its mask; asked where an input has a mask, and always of layers that make one.

        By default a stepwise layer just runs, and any other computes sequences of the same length together, their real steps
        alone: right, but slow. Layers that can do better override this.

        Args:
            inputs: One tensor per input.
            masks: For each input which steps are real, ``[batch, steps]``; None: all.
        """
        node = self.node
        shape = node.output_shape
        if node.layer.stepwise:
            return self.forward(*inputs), combined(masks) if shape.has_steps else None
        if all(mask is None for mask in masks):
            return self.forward(*inputs), None
        steps = None
        if shape.has_steps:
            known = tuple(s.replace(steps=x.shape[1]) if s.has_steps else s for s, x in zip(node.input_shapes, inputs, strict=True))
            steps = node.layer.infer(known).dims[0]
        charged: list[tuple[Tensor, Tensor]] = []

        def charge(rows: Tensor) -> None:
            if self.penalty is not None:
                charged.append((rows, self.penalty.expand(len(rows))))

        found = run_alone(self.forward, inputs, masks, steps=steps, whole=not self.training, after=charge)
        if charged:
            rows, prices = (torch.cat(parts) for parts in zip(*charged, strict=True))
            self.penalty = prices.new_zeros(len(inputs[0])).index_put((rows,), prices)
        return found

    # -- piece by piece ---------------------------------------------------------------------------------------------

    def start_state(self, batch: int) -> Memory:
        """The memory before the first step: tensors by name, batch first; empty for layers without one."""
        return {}

    def step(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...], state: Memory) -> tuple[Tensor, Tensor | None, Memory]:
        """Go on where ``state`` was left, for any number of further steps.

        Args:
            inputs: One tensor per input, with the further steps only.
            masks: For each which steps are real; None: all.
            state: From `start_state` or the last call; not changed.

        Returns:
            Output and mask for these steps, and the new memory.

        Raises:
            TrainingError: EN041, if the layer has to see all steps at once.
        """
        if not self.node.can_step:
            raise _all_at_once(self.node)
        if self.node.layer.makes_mask or any(mask is not None for mask in masks):
            return (*self.run_masked(inputs, masks), state)
        return self.forward(*inputs), None, state


def _all_at_once(node: Node) -> TrainingError:
    return TrainingError(
        "EN041",
        where=f"layer {node.name!r} ({node.layer.type_name or type(node.layer).__name__})",
        expected="a layer that can be run piece by piece: a recurrent one, causal attention or convolution, or one of each step by itself",
        got="one that has to see all steps at once",
        cause="a network can be stepped, and trained by truncated backpropagation, only if every layer can",
        fix="leave the layer out, replace it by a causal one, or give the network whole sequences",
    )


def _initializer(layer: Layer, parameter: Parameter) -> Initializer:
    if parameter.initializer is None and parameter.role == "gain":
        return Ones()
    found = getattr(layer, parameter.initializer or ("initializer" if parameter.role == "weight" else "bias_initializer"))
    if not isinstance(found, Initializer):
        message = f"{type(layer).__name__}: a parameter names the setting {parameter.initializer!r}, which is no initialiser"
        raise TypeError(message)
    return found


def _of_items(run: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The same for every step of a series by itself: where a tensor has its features is told by its number of axes."""
    return lambda x: run(x.flatten(0, 1)).reshape(x.shape)


class ParametricModule(LayerModule):
    """A layer with the settings of `lamina.network.layers.layer.ParametricLayer`; subclasses write ``compute``.

    Training adds noise to the input, then to copies of the parameters; the activation comes last. Outside training there is
    no noise.
    """

    compute: Callable[..., Tensor] = _unimplemented
    """What the layer does with its inputs before the activation. Parameters are read as attributes, each time anew."""
    activates: ClassVar[bool] = True
    """Whether the activation comes last; not where it has another place (recurrent layers) or is left to the loss."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = self.settings
        activation = activation_function(layer.activation) if self.activates else identity
        self._activation: ActivationFunction | None = None if activation is identity else activation
        self._noise = noise_module(layer.dropout) if layer.dropout is not None else None
        self._films = tuple(isinstance(shape, Series) for shape in node.input_shapes)
        noises = {} if layer.weight_noise is None else {n: weight_noise_function(layer.weight_noise, p) for n, p in node.parameters.items()}
        self._weight_noises = {name: noise for name, noise in noises.items() if noise is not None}
        self._noisy = self._noise is not None or bool(self._weight_noises)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Noise on the input, ``compute``, activation."""
        y: Tensor = self.perturbed(self.compute, inputs) if self._noisy and self.training else self.compute(*inputs)
        activation = self._activation
        return y if activation is None else activation(y)

    def activated(self, y: Tensor) -> Tensor:
        """The layer's activation of what `noisily` gave."""
        return y if self._activation is None else self._activation(y)

    def noisily(self, run: Callable[..., Any], inputs: tuple[Tensor, ...]) -> Any:
        """Another way to compute the layer, ``run(*inputs)``, with the noise that training puts on inputs and parameters."""
        return self.perturbed(run, inputs) if self._noisy and self.training else run(*inputs)

    def perturbed(self, run: Callable[..., Any], inputs: tuple[Tensor, ...]) -> Any:
        """Run with noise on the inputs, and on copies of the parameters."""
        if self._noise is not None:
            apply: Callable[[Tensor], Tensor] = self._noise
            inputs = tuple(
                (_of_items(apply) if film else apply)(x) for x, film in zip(inputs, self._films, strict=False)
            )  # some name the first only
        if not self._weight_noises:
            return run(*inputs)
        kept = dict(self._parameters)
        try:
            # Attributes are looked up in this dict, so that compute finds the noisy copies under the usual names.
            for name, noise in self._weight_noises.items():
                parameter = kept[name]
                if parameter is not None:
                    self._parameters[name] = noise(parameter)  # type: ignore[assignment]
            return run(*inputs)
        finally:
            self._parameters.update(kept)


_MODULES: Implementations[type[LayerModule]] = Implementations("layer", "runs", of="a LayerModule", taken="EN001", missing="EN002")
runs = _MODULES.register
"""Class decorator: this module runs these descriptions."""


def module_for(node: Node) -> LayerModule:
    """Make the module of a node.

    Raises:
        RegistrationError: EN002, if nothing runs this description.
    """
    layer = node.layer
    return _MODULES.find(layer, where=f"layer {node.name!r} ({layer.type_name or type(layer).__name__})")(node)

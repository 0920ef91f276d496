"""Layers whose weights are made of others: divided by their largest stretch, or of a direction and a length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

from pydantic import model_validator

from lamina.network.layers.layer import Layer, Parameter, ParametricLayer
from lamina.shapes import Features, Image, Sequence, Shape, Volume
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count

_SETTINGS = frozenset(ParametricLayer.model_fields) - frozenset(Layer.model_fields)


class NormedWeights(Layer):
    """What these share: everything but the weights is the wrapped layer's.

    Attributes:
        layer: A layer with weights, such as dense or a convolution, without name and inputs.
    """

    positional: ClassVar[tuple[str, ...]] = ("layer",)

    layer: Layer

    @model_validator(mode="after")
    def _wraps_weights(self) -> Self:
        inner = self.layer
        judges = hasattr(inner, "loss")
        if isinstance(inner, NormedWeights) or judges or not hasattr(inner, "learning_rate_factor"):
            raise wrong_value(
                expected="a layer with weights of its own: dense, a convolution, a recurrent layer ...",
                cause="losses stand in the network itself" if judges else f"a {inner.type_name} has no weights, or they are not its own",
                fix="wrap a dense layer, and put a loss layer behind it" if judges else "write layer: {type: dense, units: ...}",
            )
        if inner.name is not None or inner.inputs:
            raise wrong_value(
                expected=f"a layer without name and inputs inside {self.type_name}",
                cause=f"the {self.type_name} layer is the one that stands in the network",
                fix=f"give name and inputs to the {self.type_name} layer",
            )
        return self

    def __getattr__(self, name: str) -> Any:
        # What holds for the parameters (l1, frozen ...) is said in the wrapped layer, and asked of the one in the network.
        if name in _SETTINGS:
            return getattr(self.layer, name)
        return super().__getattr__(name)  # type: ignore[misc]

    @property
    def accepts(self) -> tuple[type[Shape], ...]:  # type: ignore[override]
        """What the wrapped layer takes."""
        return self.layer.accepts

    @property
    def further(self) -> tuple[type[Shape], ...] | None:  # type: ignore[override]
        """What the wrapped layer takes after the first input."""
        return self.layer.further

    @property
    def input_count(self) -> tuple[int, int | None]:  # type: ignore[override]
        """As many as the wrapped layer's."""
        return self.layer.input_count

    @property
    def flattens(self) -> bool:  # type: ignore[override]
        """Whether the wrapped layer does."""
        return self.layer.flattens

    @property
    def stepwise(self) -> bool:  # type: ignore[override]
        """Whether the wrapped layer is."""
        return self.layer.stepwise

    @property
    def memory(self) -> bool:  # type: ignore[override]
        """Whether the wrapped layer has one."""
        return self.layer.memory

    @property
    def takes_masks(self) -> bool:  # type: ignore[override]
        """Whether the wrapped layer does."""
        return self.layer.takes_masks

    @property
    def makes_mask(self) -> bool:  # type: ignore[override]
        """Whether the wrapped layer does."""
        return self.layer.makes_mask

    @property
    def penalizes(self) -> bool:  # type: ignore[override]
        """Whether the wrapped layer does."""
        return self.layer.penalizes

    @property
    def random(self) -> bool:
        return self.layer.random

    @property
    def axis(self) -> int:
        """Axis of a weight that counts output units: the second of transposed convolutions, else the first."""
        from lamina.network.layers.transposed import TransposedConvolution

        return 1 if isinstance(self.layer, TransposedConvolution) else 0

    def with_defaults(self, defaults: Mapping[str, Any]) -> Self:
        inner = self.layer.with_defaults(defaults)
        return self if inner is self.layer else self.replace(layer=inner)

    def whole_inputs(self, count: int) -> tuple[int, ...]:
        return self.layer.whole_inputs(count)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        output = self.layer.infer(inputs)
        if not self.normed(inputs) or self.layer.buffers(inputs) or self.layer.borrowed(inputs):
            raise self.refuse(
                "NN095",
                expected="a layer that has matrices or filters of its own, which training alone changes",
                got=self.layer.type_name or type(self.layer).__name__,
                cause="there is nothing whose size could be held, or the weights are another layer's",
                fix="wrap a dense layer, a convolution or a recurrent layer, and let this one stand in the network by itself",
            )
        return output

    def normed(self, inputs: tuple[Shape, ...]) -> dict[str, Parameter]:
        """Those parameters of the wrapped layer that are made of others: its weights of two and more axes."""
        found = self.layer.parameters(inputs)
        return {name: parameter for name, parameter in found.items() if parameter.role == "weight" and len(parameter.shape) > 1}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        # Weights are made once a batch, whatever number of samples it has.
        return self.layer.flops(inputs, output)

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return self.layer.activation_size(inputs, output)


def part(weight: str, name: str) -> str:
    """Name of something that a weight is made of: ``gain`` of ``weight``, ``weight_hh_gain`` of ``weight_hh``."""
    return name if weight == "weight" else f"{weight}_{name}"


@register("spectral_norm")
class SpectralNorm(NormedWeights):
    """A layer whose weights stretch nothing by more than about 1 (Miyato et al. 2018): ``W / s``, ``s`` its largest singular value.

    A weight of more than two axes is seen as a matrix with a row for each output unit. In training each pass improves two vectors
    by power iteration, ``u = W v / |W v|`` and ``v = W' u / |W' u|``, and divides by ``s = u' W v``, in whose gradient both are
    constants; at prediction, and of a frozen layer, they stay. It is ``torch.nn.utils.parametrizations.spectral_norm``, and as there
    the vectors start with 15 iterations.

    Input and output: the wrapped layer's. Parameters: the wrapped layer's, by the same names; l1, l2 and constraints hold for ``W``.
    Buffers: ``left [rows]`` and ``right [columns]``, of a weight with another name than ``weight`` with that before it.

    Attributes:
        layer: A layer with weights, such as dense or a convolution, without name and inputs.
        iterations: Rounds of power iteration in each pass.

    Example:
        >>> from lamina.network.layers.dense import Dense
        >>> layer = SpectralNorm(Dense(8, activation="leaky_relu"))
        >>> list(layer.parameters((Features(4),))), layer.buffers((Features(4),))
        (['weight', 'bias'], {'left': (8,), 'right': (4,)})
    """

    detached: ClassVar[bool] = True

    iterations: Count = 1

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        return self.layer.parameters(inputs)

    def buffers(self, inputs: tuple[Shape, ...]) -> Mapping[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {}
        for name, parameter in self.normed(inputs).items():
            rows = parameter.shape[self.axis]
            found |= {part(name, "left"): (rows,), part(name, "right"): (parameter.size // rows,)}
        return found

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(layer, iterations=1 + place % 2), shapes) for place, (layer, shapes) in enumerate(_wrapped())]


@register("weight_norm")
class WeightNorm(NormedWeights):
    """A layer whose weights are lengths times directions (Salimans and Kingma 2016): ``W = g V / |V|`` for each output unit.

    Length and direction are trained apart. As ``torch.nn.utils.parametrizations.weight_norm``, along the axis of output units.

    Input and output: the wrapped layer's. Parameters: in place of ``weight``, ``direction`` of the same shape and ``gain [outputs]``; of
    a weight with another name, with that before it. The direction starts as the wrapped layer's weight would, and the gain as its
    length, so that the layer starts as if it were not wrapped. Decay, l1, l2 and constraints hold for the gain alone, where l2 and
    decay are just what they are for ``W``.

    Attributes:
        layer: A layer with weights, such as dense or a convolution, without name and inputs.

    Example:
        >>> from lamina.network.layers.dense import Dense
        >>> {name: p.shape for name, p in WeightNorm(Dense(8)).parameters((Features(4),)).items()}
        {'direction': (8, 4), 'gain': (8,), 'bias': (8,)}
    """

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        normed = self.normed(inputs)
        found: dict[str, Parameter] = {}
        for name, parameter in self.layer.parameters(inputs).items():
            if name not in normed:
                found[name] = parameter
                continue
            # The length of a direction means nothing: as a gain, it isn't decayed.
            found[part(name, "direction")] = replace(parameter, role="gain", initializer=parameter.initializer or "initializer")
            count = parameter.shape[self.axis]
            found[part(name, "gain")] = Parameter((count,), "weight", parameter.fan_in, parameter.fan_out)
        return found

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(layer), shapes) for layer, shapes in _wrapped()]


def _wrapped() -> list[tuple[Layer, tuple[Shape, ...]]]:
    """Layers of all sorts to be wrapped, with shapes for them."""
    from lamina.network.layers.bidirectional import Bidirectional
    from lamina.network.layers.convolution import Conv1d, Conv2d
    from lamina.network.layers.dense import Dense
    from lamina.network.layers.depthwise import SeparableConv1d
    from lamina.network.layers.recurrent import GRU, LSTM
    from lamina.network.layers.transposed import ConvTranspose2d, ConvTranspose3d
    from lamina.network.vertices.bilinear import Bilinear

    image, steps = Image(channels=2, height=5, width=4), Sequence(steps=None, features=3)
    return [
        (Dense(3, activation="tanh", dropout=0.2), (Features(4),)),
        (Conv2d(4, kernel=3, padding="same", groups=2, weight_noise=0.3), (image,)),
        (ConvTranspose2d(3, kernel=2, stride=2, bias=False), (image,)),
        (ConvTranspose3d(2, kernel=2, stride=1), (Volume(channels=2, depth=2, height=2, width=3),)),
        (Conv1d(3, kernel=2, padding="causal"), (steps,)),
        (SeparableConv1d(3, kernel=2), (Sequence(steps=5, features=3),)),
        (LSTM(2), (steps,)),
        (Bidirectional(GRU(2)), (steps,)),
        (Bilinear(3), (Features(2), Features(4))),
    ]

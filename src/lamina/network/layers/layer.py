"""What every layer says of itself: what it takes, what it gives, which parameters it has, what it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.errors import ShapeError
from lamina.network.activations import Activation, Identity
from lamina.network.constraints import Constraint
from lamina.network.initializers import Initializer, XavierUniform, Zeros
from lamina.network.noise import Noise, WeightNoise
from lamina.shapes import Features, Image, Sequence, Shape, Volume
from lamina.spec import Description, wrong_value
from lamina.spec.fields import Names, NonNegative, several

if TYPE_CHECKING:
    from lamina.network.network import Network

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_\-]*$")]
Role = Literal["weight", "bias", "gain"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One trainable tensor of a layer, before it exists.

    Attributes:
        shape: Its sizes.
        role: ``weight`` (initialised by ``initializer``, decayed), ``bias`` (``bias_initializer``) or ``gain`` (ones).
        fan_in: Inputs that feed one output; for initialisers that scale by it.
        fan_out: Outputs that one input feeds.
        blocks: Into how many equal parts along axis 0 the tensor falls that are initialised one by one (4 gates of an LSTM).
        initializer: The layer's setting that says how it starts. None: ``initializer`` for a weight, ``bias_initializer``
            for a bias, ones for a gain.
        fills: For each block the number it starts with instead, None where the initialiser holds; empty: it holds everywhere.
        pretraining: Only pretraining without targets uses it; training with targets leaves it as it is.
    """

    shape: tuple[int, ...]
    role: Role = "weight"
    fan_in: int = 1
    fan_out: int = 1
    blocks: int = 1
    initializer: str | None = None
    fills: tuple[float | None, ...] = ()
    pretraining: bool = False

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Borrowed:
    """A tensor of another node that a layer uses too, as a tied output does.

    Attributes:
        node: Name of the node that owns it.
        parameter: Its name there.
        shape: What the borrower needs it to be.
    """

    node: str
    parameter: str
    shape: tuple[int, ...]


class Layer(Description, family="layer"):
    """Base of all layers and vertices.

    Attributes:
        name: Unique in the network; parameters are called ``name/weight`` and so on. By default made of the type and a number.
        inputs: In a graph, what feeds the layer: names of inputs or other nodes. Empty in a sequential network.
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Sequence, Image, Volume)
    """Shapes the layer takes."""
    stochastic: ClassVar[bool] = False
    """Whether it draws random numbers in training."""
    flattens: ClassVar[bool] = False
    """Whether an image or volume before it is flattened without being asked."""
    input_count: ClassVar[tuple[int, int | None]] = (1, 1)
    """Fewest and most inputs; None: any number. A layer of several inputs is a vertex: it can stand in a graph only."""
    stepwise: ClassVar[bool] = False
    """Whether each step of a sequence is treated by itself, whatever the others hold: masks and state are no concern of it."""
    memory: ClassVar[bool] = False
    """Whether it can be run piece by piece, carrying a memory from one stretch of steps to the next."""
    takes_masks: ClassVar[bool] = True
    """Whether sequences of different lengths can be fed to it."""
    makes_mask: ClassVar[bool] = False
    """Whether it finds out itself which steps are real."""
    clears_mask: ClassVar[bool] = False
    """Whether all steps of what it gives count as real, though it was given some that don't."""
    clears_to_zero: ClassVar[bool] = True
    """Whether steps that are not real are 0 behind a layer that clears the mask."""
    penalizes: ClassVar[bool] = False
    """Whether it adds to the training loss by itself."""
    differentiable: ClassVar[bool] = True
    """Whether a gradient passes; if not, as where values are counted or looked up, no layer before it can learn through it."""
    constant_buffers: ClassVar[bool] = False
    """Whether its buffers are constants, which training leaves as they are."""
    detached: ClassVar[bool] = False
    """Whether, in training, a part of the formula counts as a constant in its gradient."""
    further: ClassVar[tuple[type[Shape], ...] | None] = None
    """Shapes that the inputs after the first may have; None: the same as the first."""
    own_settings: ClassVar[tuple[str, ...]] = ()
    """Settings that the network's ``defaults`` leave alone, since the layer's own default means something."""
    unused_settings: ClassVar[tuple[str, ...]] = ()
    """Inherited settings that do nothing in this layer; setting one is refused."""

    name: Name | None = None
    inputs: Names = ()

    @classmethod
    def adapt(cls, value: Any) -> Any:
        """An own ``torch.nn.Module`` with an attribute ``output_shape`` (a `Shape`) may stand as a layer by itself."""
        # By name, so that nothing here imports torch.
        if not any(base.__name__ == "Module" and base.__module__ == "torch.nn.modules.module" for base in type(value).__mro__):
            return value
        output = getattr(value, "output_shape", None)
        if isinstance(output, Shape):
            from lamina.network.layers.module import Module

            return Module(value, output)
        raise wrong_value(
            expected="a layer, or an own torch.nn.Module together with the shape it gives",
            cause="the output shape of a torch.nn.Module is not known before it runs",
            fix="write lm.Module(module, output=lm.features(COUNT)), with the shape that it gives",
        )

    @model_validator(mode="after")
    def _without_unused(self) -> Self:
        # An archive writes every setting: one that has its default value is no wish of anybody.
        for setting in self.unused_settings:
            if setting in self.model_fields_set and getattr(self, setting) != type(self).model_fields[setting].default:
                raise wrong_value(
                    expected=f"no {setting!r}, for which {self.type_name} has no use",
                    cause="the setting would do nothing",
                    fix=f"remove {setting!r}, or give it to the layer before or after",
                )
        return self

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Shape of the output; raises `ShapeError` through `refuse` if the inputs don't fit.

        `lamina.network.inference` has already checked the number of inputs and that each is one of `accepts`.
        """
        raise NotImplementedError(type(self).__name__)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        """Trainable tensors by name, in their order in the flat vector."""
        return {}

    def buffers(self, inputs: tuple[Shape, ...]) -> Mapping[str, tuple[int, ...]]:
        """Tensors that change in training without being trained (running statistics)."""
        return {}

    def kinds(self) -> Mapping[str, str]:
        """What the numbers of buffers are that are not of the network's type: NumPy's name, by the buffer's."""
        return {}

    def borrowed(self, inputs: tuple[Shape, ...]) -> Mapping[str, Borrowed]:
        """Tensors of other nodes that it uses, by the name it has for each; they are trained, counted and kept there."""
        return {}

    def whole_inputs(self, count: int) -> tuple[int, ...]:
        """Places of those of its ``count`` inputs that must be known as a whole before the first step, when it is run piece by piece."""
        return ()

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Floating point operations of the forward pass for one sample; a multiply-add counts 2, an unknown length 1.

        Adding a bias and a layer's own activation function are not counted.
        """
        return elements(output)

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Numbers a sample adds to what training must remember: the output, 0 for a mere view; an unknown length counts 1."""
        return elements(output)

    def surroundings(self, inputs: tuple[Shape, ...]) -> Network | None:
        """For layers that mean something only beside others: a network with such a layer, for the contract suite."""
        return None

    def with_defaults(self, defaults: Mapping[str, Any]) -> Self:
        """The layer with the network's defaults in all settings that it has and that nobody set on it."""
        skipped = {*self.model_fields_set, *self.own_settings, *self.unused_settings}
        given = {key: value for key, value in defaults.items() if key in type(self).model_fields and key not in skipped}
        return self.replace(**given) if given else self

    @property
    def random(self) -> bool:
        """Whether this layer, as set, draws random numbers in training."""
        return self.stochastic

    def refuse(self, code: str, *, expected: str, got: str, cause: str, fix: str) -> ShapeError:
        """A `ShapeError` about this layer; the caller that knows its place adds name, index and line."""
        return ShapeError(code, where=f"{self.type_name or type(self).__name__}", expected=expected, got=got, cause=cause, fix=fix)


class ParametricLayer(Layer):
    """Base of layers that have weights: the settings that ``defaults`` can give for all of them.

    Attributes:
        activation: Applied to the output; `identity` unless set.
        initializer: How weights start.
        bias: Whether there is a bias.
        bias_initializer: How biases start.
        dropout: Noise on the layer's *input* in training; a number is the probability of dropping.
        weight_noise: Noise on the parameters in training; a number is the probability of dropping a weight (drop-connect).
        l1: Weight of ``sum |w|`` in the loss; weights only.
        l2: Weight of ``sum w^2 / 2`` in the loss; weights only.
        l1_bias: As ``l1``, for biases.
        l2_bias: As ``l2``, for biases.
        weight_decay: Decoupled decay of weights: ``w -= learning_rate * weight_decay * w``. None: the optimiser's own.
        learning_rate_factor: The optimiser's learning rate is multiplied by this for the layer's parameters.
        bias_learning_rate_factor: The same for biases, where it is another; None: ``learning_rate_factor``.
        constraints: What must hold for weights after every update; one, or a list.
        bias_constraints: The same for biases.
        frozen: Parameters keep their values in training, and batch norm its running statistics, by which it then normalises.
    """

    activates_inside: ClassVar[bool] = False
    """Whether the activation works on what the layer remembers, and not on what comes out."""

    activation: Activation = Identity()
    initializer: Initializer = XavierUniform()
    bias: bool = True
    bias_initializer: Initializer = Zeros()
    dropout: Noise | None = None
    weight_noise: WeightNoise | None = None
    l1: NonNegative = 0.0
    l2: NonNegative = 0.0
    l1_bias: NonNegative = 0.0
    l2_bias: NonNegative = 0.0
    weight_decay: NonNegative | None = None
    learning_rate_factor: NonNegative = 1.0
    bias_learning_rate_factor: NonNegative | None = None
    constraints: several(Constraint) = ()  # type: ignore[valid-type]
    bias_constraints: several(Constraint) = ()  # type: ignore[valid-type]
    frozen: bool = False

    def weight_and_bias(self, shape: tuple[int, ...], count: int, fan_in: int, fan_out: int) -> dict[str, Parameter]:
        """The parameters most layers have: a weight of this shape and, unless ``bias`` is off, ``count`` biases."""
        found = {"weight": Parameter(shape, "weight", fan_in, fan_out)}
        if self.bias:
            found["bias"] = Parameter((count,), "bias", fan_in, fan_out)
        return found

    @property
    def random(self) -> bool:
        activation: Activation | None = self.activation  # None in output layers that leave it to their loss
        noisy = self.dropout is not None or self.weight_noise is not None
        return self.stochastic or noisy or (activation is not None and activation.random)


def elements(shape: Shape) -> int:
    """Numbers in one sample of a shape, counting an unknown length as 1."""
    return math.prod(1 if d is None else d for d in shape.dims)


def last_axis(shape: Shape) -> int:
    """Size of the feature axis: the last one, or the channels of images and volumes; never unknown."""
    found = shape.dims[0] if isinstance(shape, Image | Volume) else shape.dims[-1]
    return 1 if found is None else found


def spatial_axes(shape: Shape) -> tuple[int | None, ...]:
    """Sizes of the axes along which windows slide: steps, or height and width, or depth, height and width."""
    return shape.dims[1:] if isinstance(shape, Image | Volume) else shape.dims[:-1]


def with_axes(shape: Shape, count: int, sizes: tuple[int | None, ...]) -> Shape:
    """A shape of the same kind with other features (or channels) and other sizes of the axes that windows slide along."""
    names = shape.axes[1:] if isinstance(shape, Image | Volume) else shape.axes[:-1]
    feature_axis = shape.axes[0] if isinstance(shape, Image | Volume) else shape.axes[-1]
    return type(shape)(**{feature_axis: count, **dict(zip(names, sizes, strict=True))})

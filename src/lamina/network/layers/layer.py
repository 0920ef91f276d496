"""What every layer says of itself: what it takes, what it gives, which parameters it has, what it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from lamina.errors import ShapeError
from lamina.network.activations import Activation, Identity
from lamina.network.constraints import Constraint
from lamina.network.initializers import Initializer, XavierUniform, Zeros
from lamina.network.noise import Noise
from lamina.shapes import Features, Image, Sequence, Shape, Tokens, Volume
from lamina.spec import Description
from lamina.spec.fields import Names, NonNegative, listed

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
    """

    shape: tuple[int, ...]
    role: Role = "weight"
    fan_in: int = 1
    fan_out: int = 1
    blocks: int = 1

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


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

    name: Name | None = None
    inputs: Names = ()

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Shape of the output; raises `ShapeError` through `refuse` if the inputs don't fit.

        `lamina.network.inference` has already checked the number of inputs and that each is one of `accepts`.
        """
        raise NotImplementedError(f"{type(self).__name__}.infer")

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        """Trainable tensors by name, in their order in the flat vector."""
        return {}

    def buffers(self, inputs: tuple[Shape, ...]) -> Mapping[str, tuple[int, ...]]:
        """Tensors that change in training without being trained (running statistics)."""
        return {}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Floating point operations of the forward pass for one sample; a multiply-add counts 2, an unknown length 1."""
        return elements(output)

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
        l1: Weight of ``sum |w|`` in the loss; weights only.
        l2: Weight of ``sum w^2 / 2`` in the loss; weights only.
        l1_bias: As ``l1``, for biases.
        l2_bias: As ``l2``, for biases.
        weight_decay: Decoupled decay of weights: ``w -= learning_rate * weight_decay * w``. None: the optimiser's own.
        learning_rate_factor: The optimiser's learning rate is multiplied by this for the layer's parameters.
        constraints: What must hold for weights after every update.
        bias_constraints: The same for biases.
        frozen: Parameters keep their values in training.
    """

    activation: Activation = Identity()
    initializer: Initializer = XavierUniform()
    bias: bool = True
    bias_initializer: Initializer = Zeros()
    dropout: Noise | None = None
    l1: NonNegative = 0.0
    l2: NonNegative = 0.0
    l1_bias: NonNegative = 0.0
    l2_bias: NonNegative = 0.0
    weight_decay: NonNegative | None = None
    learning_rate_factor: NonNegative = 1.0
    constraints: listed(Constraint) = ()  # type: ignore[valid-type]
    bias_constraints: listed(Constraint) = ()  # type: ignore[valid-type]
    frozen: bool = False

    @property
    def random(self) -> bool:
        return self.stochastic or self.dropout is not None


def elements(shape: Shape) -> int:
    """Numbers in one sample of a shape, counting an unknown length as 1."""
    return math.prod(1 if d is None else d for d in shape.dims)


def last_axis(shape: Shape) -> Any:
    """Size of the feature axis: the last one, or the channels of images and volumes."""
    return shape.dims[0] if isinstance(shape, Image | Volume) else shape.dims[-1]

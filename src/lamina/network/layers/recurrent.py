"""Recurrent layers: the steps of a sequence one after another, with a memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from lamina.network.activations import Activation, Sigmoid, Tanh
from lamina.network.initializers import Initializer, Orthogonal
from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, last_axis
from lamina.shapes import Features, Image, Sequence, Series, Shape, each_step
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, Positive, Probability

Given = Literal["sequence", "last", "state"]
"""What a recurrent layer gives: the output of every step, that of the last real step, or the memory after it."""


class Recurrent(ParametricLayer):
    """What recurrent layers share: ``[batch, steps, n]`` to ``[batch, steps, units]``, or to ``[batch, units]``.

    Of sequences of different lengths each is read as if it were alone: masked steps change nothing that is remembered, and the
    last step is the last real one. In a graph the memory can start with what other nodes give: ``inputs: [x, memory]``, where
    the memory is what a layer of the same kind gives with ``output: state``, or one input for each of its parts (an LSTM's
    ``inputs: [x, hidden, cell]``). Otherwise it starts with zeros.

    Attributes:
        units: Size of the memory and of the output.
        activation: Of what is remembered; tanh. The network's ``defaults`` leave it alone.
        return_sequences: Whether the output of every step is given, or only the last step's.
        output: The same with one more possibility: ``sequence``, ``last``, or ``state``, the memory after the last step, with all
            its parts side by side (an LSTM's hidden then cell; of several layers first all hidden). None: as
            ``return_sequences`` says.
        reverse: Read from the last step to the first. Outputs stand at the steps they belong to (Keras' ``go_backwards`` gives
            them in the order of reading). Such a layer can't be run step by step.
        layers: How many of these one above the other; those above have ``_l1``, ``_l2`` ... at the end of their parameters' names.
        layer_dropout: Between layers: probability of dropping what is passed up, as torch's ``dropout``.
        recurrent_dropout: Probability of dropping what a step takes of the output before it, the same units at all steps of a
            sequence (Gal and Ghahramani 2016), or of each piece of one that is trained in pieces. Training then runs step by
            step, and is slower. ``dropout: {type: spatial_dropout}`` does the same to the input.
        layer_norm: Normalise the two products with the weights, over all gates together, before the biases are added (Ba, Kiros
            and Hinton 2016; Deeplearning4j's ``hasLayerNorm``): parameters ``gain_ih``, ``gain_hh``. Runs step by step.
        epsilon: Added to the variance there.
        recurrent_initializer: How ``weight_hh`` starts, each gate by itself; orthogonal.
        recurrent_bias: Whether there is a second bias, ``bias_hh``, as in torch and cuDNN; Deeplearning4j and Keras have one. The
            network computes the same with a sum of both, but two biases learn about twice as fast as one.
        dropout: Noise on the input, drawn anew for each step.
    """

    positional: ClassVar[tuple[str, ...]] = ("units",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    further: ClassVar[tuple[type[Shape], ...] | None] = (Features,)
    input_count: ClassVar[tuple[int, int | None]] = (1, 2)
    own_settings: ClassVar[tuple[str, ...]] = ("activation",)
    activates_inside: ClassVar[bool] = True
    gates: ClassVar[int]
    """Blocks along axis 0 of the weights, in torch's order."""
    remembered: ClassVar[int]
    """Vectors of ``units`` that training keeps of each step, the output among them."""

    units: Count
    activation: Activation = Tanh()
    return_sequences: bool = True
    output: Given | None = None
    reverse: bool = False
    layers: Count = 1
    layer_dropout: Probability = 0.0
    recurrent_dropout: Probability = 0.0
    layer_norm: bool = False
    epsilon: Positive = 1e-5
    recurrent_initializer: Initializer = Orthogonal()
    recurrent_bias: bool = True

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.output == "sequence" and not self.return_sequences:
            raise wrong_value(
                expected="output: sequence, or return_sequences: false, not both",
                cause="they say opposite things",
                fix="remove return_sequences, which output replaces",
            )
        if not self.bias and not self.recurrent_bias:
            raise wrong_value(
                expected="recurrent_bias: false only with a bias",
                cause="without biases there is no second one",
                fix="remove recurrent_bias",
            )
        if self.layer_dropout and self.layers == 1:
            raise wrong_value(
                expected="layer_dropout only with several layers",
                cause="it is between layers, and there is one",
                fix="set layers: 2, or dropout: ... for the input",
            )
        return self

    @property
    def memory(self) -> bool:  # type: ignore[override]
        """Whether it can be run step by step: not from the last step to the first."""
        return not self.reverse

    @property
    def random(self) -> bool:
        drops = self.layer_dropout > 0 or self.recurrent_dropout > 0
        return super().random or drops or getattr(self, "recurrent_activation", self.activation).random

    @property
    def fused(self) -> bool:
        """Whether torch's own kernel computes this: the activations are the usual ones."""
        usual = isinstance(self.activation, Tanh) and isinstance(getattr(self, "recurrent_activation", Sigmoid()), Sigmoid)
        return usual and not self.layer_norm

    @property
    def gives(self) -> Given:
        """What comes out."""
        return self.output or ("sequence" if self.return_sequences else "last")

    @property
    def width(self) -> int:
        """Size of a step's output."""
        return self.units

    def carried(self) -> dict[str, int]:
        """The parts of the memory with their sizes, for all layers together; the output comes first."""
        return {"hidden": self.layers * self.width}

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        self._check_start(inputs[1:])
        if self.gives == "sequence":
            return Sequence(steps=inputs[0].dims[0], features=self.width)
        return Features(self.width if self.gives == "last" else sum(self.carried().values()))

    def _check_start(self, given: tuple[Shape, ...]) -> None:
        sizes = self.carried()
        wanted = list(sizes.values()) if len(given) == len(sizes) else [sum(sizes.values())]
        if given and [shape.dims[0] for shape in given] != wanted:
            parts = " and ".join(f"{name} [batch, {size}]" for name, size in sizes.items())
            both = f", or both side by side, [batch, {sum(sizes.values())}]" if len(sizes) > 1 else ""
            raise self.refuse(
                "NN003",
                expected=f"a memory to start with: {parts}{both}",
                got=", ".join(map(str, given)),
                cause="the memory that it is given has not the size of its own",
                fix="give what a layer of the same kind and size gives with output: state, or put a dense of this size between",
            )

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        found = dict(self.layer_parameters(last_axis(inputs[0])))
        for number in range(1, self.layers):
            found |= {f"{name}_l{number}": parameter for name, parameter in self.layer_parameters(self.width).items()}
        return found

    def layer_parameters(self, count: int) -> dict[str, Parameter]:
        """Those of one layer that reads ``count`` features."""
        rows = self.gates * self.units
        found = {
            "weight_ih": Parameter((rows, count), "weight", count, self.units, self.gates),
            "weight_hh": Parameter((rows, self.width), "weight", self.width, self.units, self.gates, "recurrent_initializer"),
        }
        if self.bias:
            found["bias_ih"] = Parameter((rows,), "bias", count, self.units, self.gates, fills=self.bias_fills())
        if self.bias and self.recurrent_bias:
            found["bias_hh"] = Parameter((rows,), "bias", self.width, self.units, self.gates)
        if self.layer_norm:
            found |= {name: Parameter((rows,), "gain") for name in ("gain_ih", "gain_hh")}
        return found

    def bias_fills(self) -> tuple[float | None, ...]:
        """Numbers that the gates' parts of ``bias_ih`` start with."""
        return ()

    def step_flops(self, features: int) -> int:
        """Operations of one step of one layer: the two matrix products, and the arithmetic between gates."""
        return 2 * self.gates * self.units * (features + self.width)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        steps = inputs[0].dims[0] or 1
        above = (self.layers - 1) * self.step_flops(self.width)
        return steps * (self.step_flops(last_axis(inputs[0])) + above)

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return (inputs[0].dims[0] or 1) * self.layers * self.remembered * self.units

    @classmethod
    def _examples(cls, **settings: Any) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Sequence(steps=5, features=3)
        one = cls(2)
        return [
            (cls(4), (shape,)),
            (cls(3, return_sequences=False), (Sequence(steps=None, features=3),)),
            (cls(2, bias=False, recurrent_initializer="xavier_uniform", output="state"), (shape,)),
            (cls(3, activation="softsign", **settings), (shape,)),
            (cls(3, reverse=True), (shape,)),
            (cls(2, layers=2, layer_dropout=0.4), (shape,)),
            (cls(2, recurrent_dropout=0.4, output="last"), (shape,)),
            (one, (shape, Features(sum(one.carried().values())))),
        ]


@register("lstm")
class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997, with forget gates): the equations and layouts of ``torch.nn.LSTM``.

    ``c' = f * c + i * g``, ``h = o * activation(c')`` with ``i, f, o = recurrent_activation(...)`` and ``g = activation(...)``.
    Parameters: ``weight_ih [4 units, n]``, ``weight_hh [4 units, units]``, ``bias_ih``, ``bias_hh [4 units]``; gates in the
    order i, f, g, o. With the usual activations torch's fused kernel runs it; others run step by step and are slower.

    Attributes:
        recurrent_activation: Of the gates; sigmoid.
        forget_bias: What the forget gate's part of ``bias_ih`` starts with; 1 as in Deeplearning4j and Keras (torch: 0), so
            that memories last from the start. The part of ``bias_hh`` starts with ``bias_initializer``.
        projection: Size of the output, made of the memory by a further matrix ``weight_hr [projection, units]`` (Sak, Senior and
            Beaufays 2014; torch's ``proj_size``); None: the output is the memory's, of size ``units``.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(LSTM(32).infer((sequence(60, 1),))), str(LSTM(32, return_sequences=False).infer((sequence(60, 1),)))
        ('[batch, 60, 32]', '[batch, 32]')
    """

    input_count: ClassVar[tuple[int, int | None]] = (1, 3)
    gates: ClassVar[int] = 4
    remembered: ClassVar[int] = 6  # four gates, the cell, the output

    recurrent_activation: Activation = Sigmoid()
    forget_bias: float = 1.0
    projection: Count | None = None

    @property
    def width(self) -> int:
        return self.projection or self.units

    def carried(self) -> dict[str, int]:
        return {"hidden": self.layers * self.width, "cell": self.layers * self.units}

    def layer_parameters(self, count: int) -> dict[str, Parameter]:
        found = super().layer_parameters(count)
        if self.layer_norm:
            found |= {"gain_cell": Parameter((self.units,), "gain"), "bias_cell": Parameter((self.units,), "bias", 1, 1)}
        if self.projection is not None:
            found["weight_hr"] = Parameter((self.projection, self.units), "weight", self.units, self.projection)
        return found

    def bias_fills(self) -> tuple[float | None, ...]:
        return (None, self.forget_bias, None, None)

    def step_flops(self, features: int) -> int:
        return super().step_flops(features) + 4 * self.units + 2 * self.units * (self.projection or 0)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Sequence(steps=5, features=3)
        return [
            *cls._examples(recurrent_activation="hard_sigmoid", forget_bias=0.5),
            (cls(4, projection=2, layers=2, output="state"), (shape,)),
            (cls(3, layer_norm=True), (shape,)),
            (cls(2, layers=2, recurrent_bias=False), (shape,)),
            (cls(4, projection=2), (shape, Features(2), Features(4))),
        ]


@register("gru")
class GRU(Recurrent):
    """Gated recurrent unit (Cho et al. 2014), with the equations and layouts of ``torch.nn.GRU`` (reset after the product).

    ``n = activation(W_in x + b_in + r * (W_hn h + b_hn))``, ``h' = (1 - z) * n + z * h`` with ``r, z = recurrent_activation(...)``;
    reset before the product: ``n = activation(W_in x + b_in + W_hn (r * h) + b_hn)``.
    Parameters: ``weight_ih [3 units, n]``, ``weight_hh [3 units, units]``, ``bias_ih``, ``bias_hh [3 units]``; gates in the
    order r, z, n. With the usual activations torch's fused kernel runs it; others run step by step and are slower.

    Attributes:
        recurrent_activation: Of the gates; sigmoid.
        reset_after: Reset what the product with the memory gives, as cuDNN and torch do, and Keras by default; false: reset the
            memory before the product, as in the paper and early Keras, which runs step by step.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(GRU(32).infer((sequence(None, 8),)))
        '[batch, ?, 32]'
    """

    gates: ClassVar[int] = 3
    remembered: ClassVar[int] = 5  # three gates, the recurrent part of the candidate, the output

    recurrent_activation: Activation = Sigmoid()
    reset_after: bool = True

    @model_validator(mode="after")
    def _normalises_whole_products(self) -> Self:
        if self.layer_norm and not self.reset_after:
            raise wrong_value(
                expected="layer_norm with reset_after: true",
                cause="with the reset before it, the product with the memory falls into two, and has no norm as a whole",
                fix="remove reset_after: false, or layer_norm",
            )
        return self

    @property
    def fused(self) -> bool:
        return super().fused and self.reset_after

    def step_flops(self, features: int) -> int:
        return super().step_flops(features) + 5 * self.units

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Sequence(steps=5, features=3)
        more: list[tuple[Layer, tuple[Shape, ...]]] = [(cls(3, reset_after=False), (shape,)), (cls(3, layer_norm=True), (shape,))]
        more.append((cls(3, reset_after=False, recurrent_bias=False), (shape,)))
        return [*cls._examples(recurrent_activation="hard_sigmoid"), *more]


@register("simple_rnn")
class SimpleRNN(Recurrent):
    """Elman network: ``h' = activation(W_ih x + b_ih + W_hh h + b_hh)``, with the layouts of ``torch.nn.RNN``.

    Parameters: ``weight_ih [units, n]``, ``weight_hh [units, units]``, ``bias_ih``, ``bias_hh [units]``.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(SimpleRNN(32, activation="relu").infer((sequence(10, 8),)))
        '[batch, 10, 32]'
    """

    gates: ClassVar[int] = 1
    remembered: ClassVar[int] = 1

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        shape = Sequence(steps=5, features=3)
        more: list[tuple[Layer, tuple[Shape, ...]]] = [(cls(3, layer_norm=True), (shape,)), (cls(3, activation="relu"), (shape,))]
        return [*cls._examples(), *more]


@register("last_step")
class LastStep(Layer):
    """The last step of a sequence: ``[batch, steps, n]`` to ``[batch, n]``; of padded sequences, the last real step.

    Of a series of images it gives the last image.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(LastStep().infer((sequence(None, 32),)))
        '[batch, 32]'
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence, Series)
    memory: ClassVar[bool] = True

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return each_step(inputs[0])

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 0

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (Sequence(steps=5, features=3),)),
            (cls(), (Sequence(steps=None, features=3),)),
            (cls(), (Series(steps=None, item=Image(channels=2, height=3, width=2)),)),
        ]

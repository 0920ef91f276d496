"""Mixture of experts: several feed-forward parts, of which each step uses a few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import model_validator

from lamina.network.activations import Activation, Gelu
from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis
from lamina.shapes import Features, Sequence, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, NonNegative


@register("mixture_of_experts")
class MixtureOfExperts(ParametricLayer):
    """A router sends each vector, or each step, to the ``top`` experts that suit it best (Shazeer et al. 2017).

    With ``p = softmax(R x)`` and the ``top`` largest of them chosen: ``y = sum of g_e expert_e(x)`` with ``g_e = p_e / (sum of the
    chosen p)``, or ``g_e = p_e`` for ``top: 1`` (Fedus et al. 2022), so that the router always learns. An expert is ``V
    activation(W x + b) + c``. Every vector is computed by its experts however many others choose them: there is no capacity, and
    what a sample gets never depends on the others in its batch.

    In training an expert computes only what is sent to it; outside training it computes all vectors, so that a prediction doesn't
    depend, not even in its last digit, on what else is in the batch.

    Input: ``[batch, n]`` or ``[batch, steps, n]``; output the same with ``units`` in place of ``n``.

    Parameters: ``router_weight [experts, n]``; ``hidden_weight [experts, hidden, n]``, ``hidden_bias [experts, hidden]``,
    ``output_weight [experts, units, hidden]``, ``output_bias [experts, units]``; with ``gated`` also ``gate_weight`` and ``gate_bias``,
    like the hidden ones.

    Attributes:
        experts: How many there are.
        top: How many each vector is sent to.
        units: Length of the output's vectors; that of the input's unless set.
        hidden: Width of an expert; four times the features unless set.
        activation: Inside the experts; GELU. The network's ``defaults`` leave it alone.
        gated: Multiply the hidden numbers by a second linear layer of the input: ``activation(G x) * (W x)``.
        balance: Weight of the load-balancing penalty in the training loss: ``experts * sum over experts of (share of the choices) *
            (mean p)``, which is 1 where all experts are used alike.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(MixtureOfExperts(8, top=2, hidden=64).infer((sequence(None, 32),)))
        '[batch, ?, 32]'
    """

    positional: ClassVar[tuple[str, ...]] = ("experts",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Sequence)
    stepwise: ClassVar[bool] = True
    own_settings: ClassVar[tuple[str, ...]] = ("activation",)

    experts: Count
    top: Count = 2
    units: Count | None = None
    hidden: Count | None = None
    activation: Activation = Gelu()
    gated: bool = False
    balance: NonNegative = 0.01

    @model_validator(mode="after")
    def _enough_experts(self) -> Self:
        if self.top > self.experts:
            raise wrong_value(
                expected=f"top of at most {self.experts}, the number of experts",
                cause="each vector is sent to top different experts",
                fix=f"set top: {self.experts}, or more experts",
            )
        return self

    def hidden_for(self, features: int) -> int:
        """Width of an expert."""
        return self.hidden or 4 * features

    @property
    def penalizes(self) -> bool:  # type: ignore[override]
        """Whether the choices shall be balanced."""
        return self.balance > 0

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        units = self.units or last_axis(shape)
        return shape.replace(features=units) if isinstance(shape, Sequence) else Features(units)

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = last_axis(inputs[0])
        wide, units, many = self.hidden_for(count), self.units or count, self.experts
        found = {"router_weight": Parameter((many, count), "weight", count, many)}
        sizes = {"hidden": (wide, count), **({"gate": (wide, count)} if self.gated else {}), "output": (units, wide)}
        for name, (rows, columns) in sizes.items():
            found[f"{name}_weight"] = Parameter((many, rows, columns), "weight", columns, rows, many)
            if self.bias:
                found[f"{name}_bias"] = Parameter((many, rows), "bias", columns, rows, many)
        return found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        count = last_axis(inputs[0])
        steps = elements(inputs[0]) // count
        wide, units = self.hidden_for(count), last_axis(output)
        return 2 * steps * (self.experts * count + self.top * wide * (count * (2 if self.gated else 1) + units))

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        count = last_axis(inputs[0])
        steps = elements(inputs[0]) // count
        wide = self.hidden_for(count) * (3 if self.gated else 2)
        return elements(output) + steps * (self.experts + self.top * (count + wide + last_axis(output)))

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(3, hidden=4), (Features(3),)),
            (cls(4, top=1, hidden=3, units=2, activation="tanh", bias=False), (Sequence(steps=None, features=3),)),
            (cls(2, top=2, hidden=2, gated=True, balance=0.0), (Sequence(steps=5, features=2),)),
        ]

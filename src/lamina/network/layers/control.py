"""Networks that are looped over while a condition holds, and networks chosen between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from lamina.network.layers.container import Container, Inner, only_output
from lamina.network.layers.layer import Layer
from lamina.network.network import Network
from lamina.shapes import Features, Image, Sequence, Series, Shape, Volume
from lamina.spec import register, wrong_value


@register("loop")
class Loop(Container):
    """A network over and over while a condition holds, each sample by itself, ``times`` times at most.

    ``while n < times and condition(x) > 0: x = network(x)``. A sample whose condition no longer holds keeps its value while
    others go on. The gradient flows through the values, not through the decisions (Graves 2016 has a halting that learns).

    Attributes:
        network: One turn; gives the shape that it takes.
        condition: Gives one number for a sample; above 0 it goes on.
        times: Turns at most. There is no loop without a bound.

    Example:
        >>> from lamina.network.layers import Dense
        >>> str(Loop(Dense(2), condition=Dense(1), times=10).infer((Features(2),)))
        '[batch, 2]'
    """

    positional: ClassVar[tuple[str, ...]] = ("network",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Sequence, Image, Volume, Series)

    network: Inner
    condition: Inner
    times: Annotated[int | None, Field(ge=1)] = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.times is None:
            raise wrong_value(
                expected="times: how many turns at most",
                cause="a loop without a bound may never end: in training any condition can come to hold for ever",
                fix="write times: 10, or as many turns as a sample can need",
            )
        return self

    def parts(self) -> Mapping[str, Network]:
        return {"": self.network, "condition/": self.condition}

    def passes(self, inputs: tuple[Shape, ...]) -> int:
        return self.times or 1

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        plans = self.plans(inputs)
        _check_condition(self, only_output(plans["condition/"]))
        output = only_output(plans[""])
        self.same(inputs, output, "a network")
        return output

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        from lamina.network.layers.dense import Dense
        from lamina.network.layers.recurrent import GRU

        ends = [GRU(2, return_sequences=False), Dense(1)]
        return [
            (cls(Dense(3, activation="tanh"), condition=Dense(1), times=4), (Features(3),)),
            (cls(GRU(2), condition=ends, times=2), (Sequence(steps=None, features=2),)),
        ]


@register("conditional")
class Conditional(Container):
    """One of two networks for each sample: ``y = then(x) if condition(x) > 0 else otherwise(x)``.

    Both are computed for the whole batch, and each sample takes what is its own; the gradient flows through what was taken.

    Attributes:
        condition: Gives one number for a sample.
        then: For samples whose number is above 0.
        otherwise: For the others; None passes them on as they are.

    Example:
        >>> from lamina.network.layers import Dense
        >>> str(Conditional(Dense(1), then=Dense(2), otherwise=Dense(2)).infer((Features(4),)))
        '[batch, 2]'
    """

    positional: ClassVar[tuple[str, ...]] = ("condition",)

    condition: Inner
    then: Inner
    otherwise: Inner | None = None

    def parts(self) -> Mapping[str, Network]:
        found: dict[str, Network] = {"condition/": self.condition, "then/": self.then}
        return found if self.otherwise is None else {**found, "otherwise/": self.otherwise}

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        plans = self.plans(inputs)
        _check_condition(self, only_output(plans["condition/"]))
        output = only_output(plans["then/"])
        other = only_output(plans["otherwise/"]) if "otherwise/" in plans else inputs[0]
        if not output.agrees(other):
            raise self.refuse(
                "NN003",
                expected=f"both ways to give one shape: {output}, as then",
                got=f"{other}, as {'otherwise' if self.otherwise else 'the input, which goes on where there is no otherwise'}",
                cause="what comes next takes one shape, whichever way a sample went",
                fix="give the last layers of both networks equal units or filters",
            )
        return output

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        from lamina.network.layers.dense import Dense
        from lamina.network.layers.global_pooling import GlobalAvgPool

        return [
            (cls(Dense(1), then=Dense(2), otherwise=[Dense(3, activation="tanh"), Dense(2)]), (Features(4),)),
            (cls([GlobalAvgPool(), Dense(1)], then=Dense(3)), (Sequence(steps=None, features=3),)),
        ]


def _check_condition(layer: Layer, shape: Shape) -> None:
    if shape != Features(1):
        raise layer.refuse(
            "NN003",
            expected="a condition that gives one number for a sample, [batch, 1]",
            got=str(shape),
            cause="above 0 the condition holds, else it doesn't; there is no other answer",
            fix="end the condition in {type: dense, units: 1}",
        )

"""Places of an axis in any order: given in the description, or by the data."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator

from lamina.network.layers.layer import Layer
from lamina.network.vertices.slice import Cutting
from lamina.network.vertices.vertex import FEATURES, IMAGE, STEPS
from lamina.shapes import Features, Image, Sequence, Series, Shape, Tokens, Volume
from lamina.spec import register, wrong_value
from lamina.spec.fields import listed


@register("gather")
class Gather(Cutting):
    """The places of an axis that ``indices`` lists, in that order; or, without it, the steps that a second input lists.

    With a second input, tokens ``[batch, k]`` whose numbers are steps of the first, ``[batch, steps, ...]`` becomes
    ``[batch, k, ...]``. Of padded sequences only the real steps are counted.

    Attributes:
        indices: Places from 0, or negative from the end; a place may come several times. None: the second input says them.
        axis: Along which axis; see `Slice`. Always ``steps`` if the second input says where.

    Example:
        >>> from lamina.shapes import image, sequence, tokens
        >>> str(Gather([2, 0, 0, -1]).infer((image(3, 8, 8),)))
        '[batch, 4, 8, 8]'
        >>> str(Gather(axis="steps").infer((sequence(20, 3), tokens(2, vocabulary=20))))
        '[batch, 2, 3]'
    """

    positional: ClassVar[tuple[str, ...]] = ("indices",)
    input_count: ClassVar[tuple[int, int | None]] = (1, 2)
    further: ClassVar[tuple[type[Shape], ...] | None] = (Tokens,)

    indices: listed(int) | None = None  # type: ignore[valid-type]

    @property
    def stepwise(self) -> bool:  # type: ignore[override]
        """Whether each step is treated by itself."""
        return self.indices is not None and self.axis != "steps"

    def whole_inputs(self, count: int) -> tuple[int, ...]:
        return (0,) if self.indices is None else ()

    @model_validator(mode="after")
    def _along_steps(self) -> Self:
        if self.indices == ():
            raise wrong_value(
                expected="at least one index",
                cause="an empty list leaves nothing of the input",
                fix="list the places to take, from 0; or remove indices, and give a second input that says them",
            )
        if self.indices is None and self.axis != "steps":
            raise wrong_value(
                expected="indices, or axis: steps",
                cause="a second input can say which steps are taken, and nothing else",
                fix="write indices: [...], the places to take along the axis; or axis: steps, and a second input of tokens",
            )
        return self

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        wanted = 2 if self.indices is None else 1
        if len(inputs) != wanted:
            raise self.refuse(
                "NN012",
                expected="a second input of tokens, which says the steps" if wanted == 2 else "one input, since indices says the places",
                got=f"{len(inputs)} input{'' if len(inputs) == 1 else 's'}",
                cause="either the description says which places are taken, or the data",
                fix="write indices: [...], or add an input of tokens" if wanted == 2 else "remove indices, or the second input",
            )
        size = inputs[0].dims[self.place_in(inputs[0])]
        if self.indices is None:
            return self.resized(inputs[0], inputs[1].dims[0])
        outside = next((index for index in self.indices if size is not None and not -size <= index < size), None)
        if outside is not None:
            raise self.refuse(
                "NN008",
                expected=f"indices from 0 to {(size or 1) - 1}, or negative ones from the end",
                got=f"index {outside} of {inputs[0]}",
                cause=f"the axis {self.axis!r} has {size} places, and the first is number 0",
                fix=f"remove {outside}, or choose another axis",
            )
        return self.resized(inputs[0], len(self.indices))

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return Layer.activation_size(self, inputs, output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        unknown, few = Sequence(steps=None, features=3), Tokens(steps=None, vocabulary=3)
        return [
            (cls([2, 0, 0]), (Features(3),)),
            (cls([-1, 1]), (FEATURES,)),
            (cls([1]), (IMAGE,)),
            (cls([0, 3, 1], axis="width"), (IMAGE,)),
            (cls([0, -1], axis="steps"), (STEPS,)),
            (cls([-1, 0, 1], axis="steps"), (unknown,)),
            (cls([1, 0], axis="steps"), (Tokens(steps=4, vocabulary=5),)),
            (cls(axis="steps"), (STEPS, Tokens(steps=2, vocabulary=3))),
            (cls(axis="steps"), (unknown, few)),
            (cls(axis="steps"), (Series(steps=None, item=Volume(channels=1, depth=2, height=1, width=2)), few)),
            (cls(axis="steps"), (Series(steps=3, item=Image(channels=1, height=2, width=2)), Tokens(steps=4, vocabulary=3))),
        ]

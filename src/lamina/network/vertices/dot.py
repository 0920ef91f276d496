"""Products of vectors, and of every step with every other."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from lamina.network.layers.layer import Layer, elements
from lamina.network.vertices.vertex import FEATURES, STEPS, Vertex, listed_inputs
from lamina.shapes import Features, Sequence, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import listed

Axis = Literal["features", "steps"]


@register("dot")
class Dot(Vertex):
    """The product of two inputs, added up along one axis of each; Keras's Dot.

    Vectors give ``[batch, 1]``. Of sequences, every step of the first meets every step of the second: ``[batch, steps of the
    first, steps of the second]``; with ``axes: steps``, every feature meets every other: ``[batch, features, features]``. A vector
    and a sequence give ``[batch, steps]``. With ``each_step`` steps only meet their like: ``[batch, steps, 1]``.

    Attributes:
        axes: The axis that is added up along: ``features`` or ``steps``; or a list with that of the first and of the second.
        normalize: Bring the vectors along it to length 1 first: cosines.
        each_step: Step by step.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(Dot().infer((sequence(5, 3), sequence(7, 3)))), str(Dot(each_step=True).infer((sequence(None, 3),) * 2))
        ('[batch, 5, 7]', '[batch, ?, 1]')
    """

    positional: ClassVar[tuple[str, ...]] = ("axes",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Sequence)
    further: ClassVar[tuple[type[Shape], ...] | None] = (Features, Sequence)
    input_count: ClassVar[tuple[int, int | None]] = (2, 2)

    axes: Axis | listed(Axis) = "features"  # type: ignore[valid-type]
    normalize: bool = False
    each_step: bool = False

    @property
    def stepwise(self) -> bool:  # type: ignore[override]
        """Whether each step meets its like alone."""
        return self.each_step

    @property
    def takes_masks(self) -> bool:  # type: ignore[override]
        """Steps that become features must be there in every sample."""
        return self.each_step or self.pair == ("steps", "steps")

    @property
    def pair(self) -> tuple[str, ...]:
        """The axis of the first input and that of the second."""
        return (self.axes, self.axes) if isinstance(self.axes, str) else tuple(self.axes)

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        if len(self.pair) != 2:
            raise wrong_value(
                expected="one axis, or a list of two", cause="there are two inputs", fix="write axes: features, or axes: [steps, features]"
            )
        if self.each_step and self.pair != ("features", "features"):
            raise wrong_value(
                expected="axes: features with each_step",
                cause="step by step, only the features are left to be added up",
                fix="remove axes, or each_step",
            )
        return self

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        sizes = [
            dict(zip(("steps", "features") if isinstance(shape, Sequence) else ("features",), shape.dims, strict=True)) for shape in inputs
        ]
        if any(axis not in size for axis, size in zip(self.pair, sizes, strict=True)):
            raise self._refused(inputs, "inputs that have the axes " + " and ".join(self.pair), "features have no steps")
        met = [size.pop(axis) for axis, size in zip(self.pair, sizes, strict=True)]
        if None not in met and met[0] != met[1]:
            raise self._refused(
                inputs, f"equally many {self.pair[0]} of the first as {self.pair[1]} of the second", "numbers meet one by one"
            )
        if self.each_step:
            if not inputs[0].agrees(inputs[1]):
                raise self._refused(inputs, "inputs of one shape, since each_step is set", "every step has its like")
            steps = next((size["steps"] for size in sizes if size.get("steps") is not None), None)
            return Sequence(steps=steps, features=1) if isinstance(inputs[0], Sequence) else Features(1)
        left = [size for part in sizes for size in part.values()]
        if left and left[-1] is None:
            raise self.refuse(
                "NN009",
                expected="a known number of steps, since they become the features of the output",
                got=listed_inputs(self, inputs),
                cause="the length of this sequence is known only from the data",
                fix="give the input its number of steps, or use attention, which takes any",
            )
        return Features(1) if not left else Features(left[0]) if len(left) == 1 else Sequence(steps=left[0], features=left[1])

    def _refused(self, inputs: tuple[Shape, ...], expected: str, cause: str) -> Exception:
        return self.refuse(
            "NN003",
            expected=expected,
            got=listed_inputs(self, inputs),
            cause=cause,
            fix="give the last layers of the branches equal units, or choose other axes",
        )

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        steps = math.prod(size or 1 for size in inputs[0].dims[:-1]) if self.pair[0] == "steps" else inputs[0].dims[-1] or 1
        return 2 * elements(output) * steps + (3 * (elements(inputs[0]) + elements(inputs[1])) if self.normalize else 0)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        other, unknown = Sequence(steps=4, features=3), Sequence(steps=None, features=3)
        return [
            (cls(), (FEATURES,) * 2),
            (cls(normalize=True), (FEATURES,) * 2),
            (cls(), (STEPS, other)),
            (cls(normalize=True), (unknown, other)),
            (cls("steps"), (unknown, unknown)),
            (cls("steps", normalize=True), (STEPS, Sequence(steps=5, features=2))),
            (cls(["steps", "features"]), (STEPS, Sequence(steps=2, features=5))),
            (cls(), (Features(3), STEPS)),
            (cls(["steps", "features"]), (STEPS, Features(5))),
            (cls(each_step=True), (unknown, unknown)),
            (cls(each_step=True, normalize=True), (STEPS, STEPS)),
        ]

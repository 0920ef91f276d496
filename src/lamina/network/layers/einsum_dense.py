"""Dense layers along any axes, written in Einstein's notation."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from lamina.network.layers.layer import Layer, Parameter, ParametricLayer
from lamina.shapes import Features, Image, Sequence, Series, Shape, Volume, each_step, with_steps
from lamina.spec import register, wrong_value

_KINDS: dict[int, type[Shape]] = {1: Features, 2: Sequence, 3: Image, 4: Volume}
_FORM = re.compile(r"(\.\.\.)?([A-Za-z]+)(\.\.\.)?,([A-Za-z]+)->(\.\.\.)?([A-Za-z]+)(\.\.\.)?")
_EXAMPLE = 'write "abc,cd->abd", where a is the batch, b the steps, c the features, and d is new'


def _alone(value: Any) -> Any:
    return (value,) if isinstance(value, int) and not isinstance(value, bool) else tuple(value) if isinstance(value, list) else value


Sizes = Annotated[tuple[Annotated[int, Field(ge=1)] | None, ...], BeforeValidator(_alone)]


@register("einsum_dense")
class EinsumDense(ParametricLayer):
    """``y = activation(einsum(equation, x, weight) + bias)``: a dense layer along any axes, as Keras's ``EinsumDense``.

    The equation has a letter for each axis of the input, of the weight and of the output; ``...`` before or after all letters of input
    and output stands for the axes between batch and letters, or behind them. Input: any shape of numbers. Output: of as many axes as the
    equation says: features, a sequence, an image or a volume; a sequence or series where each step is treated by itself.
    Parameters: ``weight`` with the sizes of its letters, ``bias`` with those of ``bias_axes`` and 1 for the axes behind the first of them.

    Attributes:
        equation: Such as ``"abc,cd->abd"``, a dense layer at each step. The first letter of input and output is the batch, unless ``...``
            stands before.
        output_shape: A size for each letter of the output but the batch; None where the input says it. One number needs no brackets.
        bias_axes: Letters of the output that get a bias; none unless set.

    Example:
        >>> from lamina.shapes import sequence
        >>> layer = EinsumDense("abc,cde->abde", (None, 4, 8), bias_axes="de")
        >>> str(layer.infer((sequence(10, 32),))), layer.parameters((sequence(10, 32),))["weight"].shape
        ('[batch, 10, 4, 8]', (32, 4, 8))
    """

    positional: ClassVar[tuple[str, ...]] = ("equation", "output_shape")
    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Sequence, Image, Volume, Series)
    unused_settings: ClassVar[tuple[str, ...]] = ("bias",)

    equation: str
    output_shape: Sizes
    bias_axes: str | None = None

    @model_validator(mode="after")
    def _readable(self) -> Self:
        found = _FORM.fullmatch(self.equation.replace(" ", ""))
        if found is None or (found[1] and found[3]) or (bool(found[1]), bool(found[3])) != (bool(found[5]), bool(found[7])):
            raise wrong_value(
                expected="an equation INPUT,WEIGHT->OUTPUT of letters, with ... on the same side of INPUT and OUTPUT or not at all",
                cause="the equation can't be read",
                fix=_EXAMPLE,
            )
        self._check_letters(found[2], found[4], found[6], batch=not found[1])
        return self

    def _check_letters(self, given: str, weight: str, made: str, *, batch: bool) -> None:
        problem = next((f"{side} has a letter twice" for side in (given, weight, made) if len({*side}) < len(side)), None)
        if problem is None and batch and (given[0] != made[0] or given[0] in weight):
            problem = f"{given[0]}, the batch, is not first in the output, or stands in the weight"
        if problem is None and not {*made} <= {*given, *weight}:
            problem = f"{min({*made} - {*given} - {*weight})} comes from nowhere"
        if problem is None and not {*weight} <= {*given, *made}:
            problem = f"{min({*weight} - {*given} - {*made})} of the weight has no size"
        if problem is not None:
            raise wrong_value(expected="letters that each say where an axis comes from and goes to", cause=problem, fix=_EXAMPLE)
        wanted = len(made) - batch
        if len(self.output_shape) != wanted:
            raise wrong_value(
                expected=f"{wanted} sizes in output_shape, one for each of {', '.join(made[batch:]) or 'no letters'}",
                cause=f"{len(self.output_shape)} are given",
                fix=f"write output_shape: {[None] * (wanted - 1) + [64] if wanted else []}",
            )
        if self.bias_axes is not None and not (self.bias_axes and {*self.bias_axes} <= {*made[batch:]}):
            raise wrong_value(
                expected=f"letters of the output in bias_axes, {', '.join(made[batch:])}",
                cause="a bias belongs to axes that come out, and not to the batch",
                fix=f"write bias_axes: {made[-1]}, or leave it out",
            )

    # -- letters ------------------------------------------------------------------------------------------------------

    @property
    def sides(self) -> tuple[str, str, str]:
        """Letters of input, weight and output."""
        found: Any = _FORM.fullmatch(self.equation.replace(" ", ""))
        return found[2], found[4], found[6]

    @property
    def leading(self) -> bool:
        """Whether ``...`` stands before the letters, so that the batch is among what it stands for."""
        return self.equation.lstrip().startswith("...")

    @property
    def trailing(self) -> bool:
        """Whether ``...`` stands behind the letters."""
        return "...," in self.equation.replace(" ", "")

    def sizes(self, shape: Shape) -> dict[str, int | None]:
        """The size of each letter but the batch; None where only the data say it.

        Raises:
            ShapeError: NN008, if input and output disagree or there are too few axes; NN009, if a weight needs an unknown size.
        """
        given, weight, made = self.sides
        dims = shape.dims
        letters = given if self.leading else given[1:]
        fits = len(dims) >= len(letters) if self.leading or self.trailing else len(dims) == len(letters)
        if not fits:
            raise self.refuse(
                "NN008",
                expected=f"an input of {len(letters)} axes after the batch, as {self.equation} has",
                got=f"{shape}, which has {len(dims)}",
                cause="the equation has a letter for each axis",
                fix="write a letter for each axis, or ... for those that stay",
            )
        known = dict(zip(letters, dims[len(dims) - len(letters) :] if self.leading else dims, strict=False))
        for letter, size in zip(made if self.leading else made[1:], self.output_shape, strict=True):
            if letter not in known:
                known[letter] = size
            elif size is not None and known[letter] is None and letter not in weight:
                continue  # What the data say stays what they say.
            elif size is not None and known[letter] is not None and known[letter] != size:
                raise self.refuse(
                    "NN008",
                    expected=f"{known[letter]} for {letter}, as in the input {shape}",
                    got=f"{size} in output_shape",
                    cause=f"{letter} is an axis of the input, which keeps its size",
                    fix=f"write null in place of {size}, or another letter if the axis is new",
                )
        unknown = [letter for letter in weight if known.get(letter) is None]
        if unknown:
            raise self.refuse(
                "NN009",
                expected=f"a known size for {unknown[0]}, an axis of the weight",
                got=f"{shape}, output_shape {list(self.output_shape)}",
                cause="weights can't be as many as the data happen to have steps, and new axes need a size",
                fix="describe the input with a fixed number of steps, or give the size in output_shape",
            )
        return known

    # -- shapes -------------------------------------------------------------------------------------------------------

    def between(self, shape: Shape) -> tuple[int | None, ...]:
        """Sizes of the axes that ``...`` stands for."""
        count = len(shape.dims) - len(self.sides[0]) + (not self.leading)
        return shape.dims[:count] if self.leading else shape.dims[len(shape.dims) - count :]

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        known = self.sizes(shape)
        made = self.sides[2]
        own = tuple(known[letter] for letter in (made if self.leading else made[1:]))
        dims = (*self.between(shape), *own) if self.leading else (*own, *self.between(shape)) if self.trailing else own
        if self.stepwise and shape.has_steps:
            return with_steps(self._item(shape, dims[1:]), dims[0])
        return self._kind(dims)

    def _item(self, shape: Shape, dims: tuple[int | None, ...]) -> Shape:
        """What stands at each step; of the kind that it was, if it has as many axes."""
        before = each_step(shape)
        return type(before)(**dict(zip(before.axes, dims, strict=True))) if len(before.axes) == len(dims) else self._kind(dims)

    def _kind(self, dims: tuple[int | None, ...]) -> Shape:
        kind = _KINDS.get(len(dims))
        if kind is None or (None in dims and (kind is not Sequence or dims[1] is None)):
            raise self.refuse(
                "NN001",
                expected="an output of 1 to 4 axes after the batch, of known sizes but for the steps of a sequence",
                got=f"[{', '.join('?' if size is None else str(size) for size in dims)}]",
                cause="there is no shape of such axes",
                fix="choose another equation, or bring the input into another shape before",
            )
        return kind(**dict(zip(kind.axes, dims, strict=True)))

    @property
    def stepwise(self) -> bool:  # type: ignore[override]
        """Whether the equation leaves the first axis after the batch alone."""
        given, weight, made = self.sides
        if self.leading:
            return len(given) == 1
        return len(given) > 1 and len(made) > 1 and given[1] == made[1] and given[1] not in (*weight, *(self.bias_axes or ""))

    @property
    def takes_masks(self) -> bool:  # type: ignore[override]
        """Whether steps that are not real can't reach the others."""
        return self.stepwise

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        known = self.sizes(inputs[0])
        given, weight, made = self.sides
        shape = tuple(known[letter] or 1 for letter in weight)
        fan_in = math.prod(known[letter] or 1 for letter in weight if letter in given)
        fan_out = math.prod(known[letter] or 1 for letter in weight if letter in made)
        found = {"weight": Parameter(shape, "weight", fan_in, fan_out)}
        if self.bias_axes is not None:
            first = min(made.index(letter) for letter in self.bias_axes)
            sizes = tuple((known[letter] or 1) if letter in self.bias_axes else 1 for letter in made[first:])
            found["bias"] = Parameter((*sizes, *(1 for _ in self.between(inputs[0]) if self.trailing)), "bias", fan_in, fan_out)
        return found

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        known = self.sizes(inputs[0])
        return 2 * math.prod(size or 1 for size in (*known.values(), *(self.between(inputs[0]) if self.leading or self.trailing else ())))

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        steps, open_end = Sequence(steps=5, features=3), Sequence(steps=None, features=3)
        picture = Image(channels=2, height=3, width=4)
        return [
            (cls("ab,bc->ac", 4, bias_axes="c", activation="tanh"), (Features(3),)),
            (cls("abc,cd->abd", (None, 4), bias_axes="d"), (open_end,)),
            (cls("...x,xy->...y", 2, bias_axes="y"), (picture,)),
            (cls("abc,bd->adc", (2, 3), bias_axes="d"), (steps,)),
            (cls("abc,cde->abde", (5, 2, 4), bias_axes="be"), (steps,)),
            (cls("abc,cde->abde", (None, 2, 4), bias_axes="d"), (open_end,)),
            (cls("ab...,bc->ac...", 3, bias_axes="c"), (picture,)),
            (cls("abc,bcd->ad", 4), (steps,)),
            (cls("abcde,ef->abcdf", (None, None, None, 2)), (Series(steps=3, item=picture),)),
        ]

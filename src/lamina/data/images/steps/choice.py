"""Steps made of steps: some of them, one of them, in any order; and several pictures in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from lamina.data.images.step import Extent, ImageStep, Share, misfit
from lamina.data.images.steps.colour import Equalize, Invert, Jitter
from lamina.data.images.steps.geometry import AnyFlip, Flip
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, NonNegative, listed, several

if TYPE_CHECKING:
    from lamina.data.images.draws import Draws
    from lamina.data.images.picture import Picture


class Chosen(ImageStep):
    """Base of steps that do what others do, in training; a model that is judged or asked gets pictures as they are.

    Attributes:
        steps: The others; each leaves size and channels as they are.
    """

    varies: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("steps",)
    steps: several(ImageStep)  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.steps:
            raise wrong_value(expected="at least one step", cause="there is nothing to choose from", fix="write steps: [random_flip]")
        return self

    @property
    def joins(self) -> bool:
        return any(step.joins for step in self.steps)

    def size_after(self, size: Extent) -> Extent:
        for step in self.steps:
            after = step.size_after(size)
            if after != size:
                raise misfit(
                    self,
                    expected="steps that leave the size as it is",
                    got=f"{step.type_name}, which gives {' by '.join('?' if side is None else str(side) for side in after)}",
                    cause="whether it is done is left to chance, and all pictures must have one size",
                    fix=f"put {step.type_name} outside of {self.type_name}",
                )
        return size

    def channels_after(self, channels: int) -> int:
        for step in self.steps:
            if step.channels_after(channels) != channels:
                raise misfit(
                    self,
                    expected="steps that leave the channels as they are",
                    got=f"{step.type_name}, which gives {step.channels_after(channels)}",
                    cause="whether it is done is left to chance, and all pictures must have the same channels",
                    fix=f"put {step.type_name} outside of {self.type_name}",
                )
        return channels


@register("sometimes")
class Sometimes(Chosen):
    """Several steps in a row, or none of them, in training.

    Attributes:
        steps: See `Chosen`.
        probability: Of doing them.
    """

    positional: ClassVar[tuple[str, ...]] = ("steps", "probability")
    probability: Share = 0.5

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls([Flip(), Invert()], 0.3)]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        if draws is None or not draws.chance(self.probability):
            return picture
        return _all(self.steps, range(len(self.steps)), picture, draws)


@register("one_of")
class OneOf(Chosen):
    """One of several steps, in training.

    Attributes:
        steps: See `Chosen`.
        weights: How likely each is against the others; all alike by default.
    """

    weights: listed(NonNegative) | None = None  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _each(self) -> Self:
        if self.weights is not None and (len(self.weights) != len(self.steps) or not sum(self.weights)):
            raise wrong_value(
                expected=f"{len(self.steps)} weights, not all 0, one for each step",
                cause="weights and steps belong together one by one",
                fix="give a number for each step",
            )
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls([Flip(), Invert(), Equalize()]), cls([Flip(), Invert()], weights=[3.0, 1.0])]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        if draws is None:
            return picture
        place = draws.choice(range(len(self.steps)), self.weights)
        return _all(self.steps, [place], picture, draws)


@register("some_of")
class SomeOf(Chosen):
    """A few of several steps, each at most once, in training.

    Attributes:
        steps: See `Chosen`.
        count: How many.
        ordered: In the order of the list; otherwise in any.
    """

    positional: ClassVar[tuple[str, ...]] = ("steps", "count")
    count: Count = 2
    ordered: bool = False

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.count > len(self.steps):
            raise wrong_value(
                expected=f"a count of at most {len(self.steps)}", cause="there are not more steps", fix=f"write count: {len(self.steps)}"
            )
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls([Flip(), Invert(), Equalize()]), cls([Flip(), Invert(), AnyFlip("vertical")], 3, ordered=True)]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        if draws is None:
            return picture
        chosen = draws.order(len(self.steps))[: self.count]
        return _all(self.steps, sorted(chosen) if self.ordered else chosen, picture, draws)


@register("pipeline")
class Pipeline(Chosen):
    """Several steps, each with a probability of its own, in training (DataVec's PipelineImageTransform).

    Attributes:
        steps: See `Chosen`.
        probabilities: Of each step; 1 by default.
        shuffle: In any order; otherwise in that of the list.
    """

    probabilities: listed(Share) | None = None  # type: ignore[valid-type]
    shuffle: bool = False

    @model_validator(mode="after")
    def _each(self) -> Self:
        if self.probabilities is not None and len(self.probabilities) != len(self.steps):
            raise wrong_value(
                expected=f"{len(self.steps)} probabilities, one for each step",
                cause="probabilities and steps belong together one by one",
                fix="give a number from 0 to 1 for each step",
            )
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls([Flip(), Jitter(0.2)], probabilities=[0.5, 0.9], shuffle=True), cls([AnyFlip()])]

    def apply(self, picture: Picture, draws: Draws | None) -> Picture:
        if draws is None:
            return picture
        order = draws.order(len(self.steps)) if self.shuffle else range(len(self.steps))
        chances = self.probabilities or (1.0,) * len(self.steps)
        return _all(self.steps, [place for place in order if draws.chance(chances[place])], picture, draws)


def _all(steps: Any, places: Any, picture: Picture, draws: Draws) -> Picture:
    """Some steps in a row; what each draws depends on its place in the list, not on what the others do."""
    for place in places:
        picture = steps[place].apply(picture, draws.child(place))
    return picture

"""What every loss says of itself.

Notation of all formulas: ``y`` is the output after the activation, ``t`` the target, ``j`` runs over the ``k`` units of the
output. One *position* is a whole sample of ``[batch, k]``, a step of ``[batch, steps, k]``, a pixel of
``[batch, k, height, width]``. A formula gives the value of one position; the loss of a sample is the mean over its
positions (with ``over_positions: sum`` their sum), the loss of a batch the (weighted) mean over its samples. Where sequences
of different length are masked, only the real steps are positions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from lamina.network.activations import Activation
from lamina.shapes import Features, Shape
from lamina.spec import Description, registry, wrong_value
from lamina.spec.fields import NonNegative, listed

TargetKind = Literal["classes", "binary", "signs", "same", "groups", "sequences"]


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a loss can't judge an output: parts of a message."""

    expected: str
    got: str
    cause: str
    fix: str


class Loss(Description, family="loss"):
    """Base of all losses.

    Class attributes:
        natural_activation: Type of the activation an output gets that names none; with it the loss has a stable form.
        target: What targets look like. ``classes``: index of the right class at each position, or a distribution over the
            classes shaped like the output. ``binary``: 0 or 1 (or a probability), shaped like the output. ``signs``: -1 or
            1; whole numbers 0 and 1 stand for them. ``same``: numbers shaped like the output. Where the targets have one
            value a position, its axis may be left out: ``[batch]`` for ``[batch, 1]``. ``groups``: a whole number for each
            sample, the same for those that belong together. ``sequences``: labels of any length, whole numbers.
        judges: Shapes of output that it judges; empty: all.
        indices_only: Of ``classes``, only indices.
        needs_probabilities: Outputs must lie between 0 and 1.
        needs_distribution: Outputs of a position must add up to 1.
        target_rule: What target values must be, in words, where `wrong_targets` refuses some.
        lowest_output: Outputs below this are raised to it, and then learn nothing.
        per_sample: The loss of a batch is the mean of the losses of its samples; of an F-measure it isn't.
        by_position: The loss of a sample is made of the losses of its positions, each by itself.
        detached: A part of the formula counts as a constant in its gradient.
        judged_by: Type of the evaluation that compares predictions with targets; empty: one that fits the kind of target.
            ``none``: predictions and targets can't be compared but by the loss.

    Attributes:
        over_positions: ``mean``, or ``sum`` as in Deeplearning4j: then a sequence of twice the length counts twice.
    """

    natural_activation: ClassVar[str] = "identity"
    target: ClassVar[TargetKind] = "same"
    indices_only: ClassVar[bool] = False
    needs_probabilities: ClassVar[bool] = False
    needs_distribution: ClassVar[bool] = False
    target_rule: ClassVar[str] = "finite numbers"
    lowest_output: ClassVar[float] = -math.inf
    per_sample: ClassVar[bool] = True
    by_position: ClassVar[bool] = True
    judges: ClassVar[tuple[type[Shape], ...]] = ()
    detached: ClassVar[bool] = False
    judged_by: ClassVar[str] = ""

    over_positions: Literal["mean", "sum"] = "mean"

    @model_validator(mode="after")
    def _positions_to_sum(self) -> Self:
        if self.over_positions == "sum" and not (self.by_position and self.per_sample):
            raise wrong_value(
                expected=f"no 'over_positions', for which {self.type_name} has no use",
                cause="the loss is not made of the losses of single positions",
                fix="remove 'over_positions'",
            )
        return self

    @property
    def repeats(self) -> bool:
        """Whether a sample that weighs 2 counts as the sample twice."""
        return True

    def natural(self) -> Activation:
        """The activation that fits.

        Raises:
            LookupError: If ``natural_activation`` names none, an error of the class.
        """
        found = registry.get("activation", self.natural_activation)
        if found is None:
            message = f"{type(self).__name__}.natural_activation names no activation: {self.natural_activation!r}"
            raise LookupError(message)
        activation = found()
        if not isinstance(activation, Activation):
            raise TypeError(self.natural_activation)
        return activation

    def target_width(self, units: int) -> int:
        """Values a target has at each position for an output of ``units``, where targets aren't class indices."""
        return units

    def wrong_targets(self, values: Any) -> Any:
        """Which of an array of target values the loss can't judge, as an array of truth values; None: all numbers will do.

        Only operators are used on ``values``, so that any kind of array will do.
        """
        return None

    def misfit(self, units: int) -> Misfit | None:
        """Why this loss can't judge an output of ``units``, or None if it can."""
        return None

    def unfit(self, output: Shape, units: int) -> Misfit | None:
        """Why this loss can't judge an output of this shape, or None if it can."""
        if not self.judges or isinstance(output, self.judges):
            return self.misfit(units)
        kinds = " or ".join(kind.__name__.lower() for kind in self.judges)
        return Misfit(
            expected=f"an output of kind {kinds}",
            got=f"{output}",
            cause=f"{self.type_name} judges {'samples as wholes' if self.judges == (Features,) else 'what a sample has several of'}",
            fix="put a layer before the output that gives such a shape, or use another loss",
        )


class Weighted(Loss):
    """Base of losses that can weigh outputs or classes.

    Attributes:
        weights: A factor for each output unit (each class, where targets are classes); all 1 unless set. The mean is still
            taken over all outputs and samples: weights of 2 double the loss.
    """

    weights: listed(NonNegative) | None = None  # type: ignore[valid-type]

    def misfit(self, units: int) -> Misfit | None:
        if self.weights is None or len(self.weights) == units:
            return None
        return Misfit(
            expected=f"one weight for each of the {units} output units",
            got=f"{len(self.weights)} weights",
            cause="weights belong to output units, one each; for weights of samples give the data a weight",
            fix=f"give {units} weights, or remove weights",
        )


def one_unit(loss: str, instead: str) -> Misfit:
    """A loss that compares units with each other, and an output that has only one."""
    return Misfit(
        expected="at least 2 output units",
        got="1 unit",
        cause=f"{loss} compares the units of an output with each other",
        fix=f"write units: 2, or use {instead} with one unit",
    )

"""Losses for finding things in pictures."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from lamina.network.activations import Activation
from lamina.network.losses.loss import Loss, Misfit
from lamina.shapes import Image, Shape
from lamina.spec import register
from lamina.spec.fields import NonNegative, Positive


def _pairs(value: Any) -> Any:
    return tuple(tuple(item) if isinstance(item, list) else item for item in value) if isinstance(value, list | tuple) else value


Priors = Annotated[tuple[tuple[Positive, Positive], ...], BeforeValidator(_pairs), Field(min_length=1)]
"""Width and height of each prior, in cells of the grid; written as a list of pairs."""


class YoloBoxes(Activation):
    """What makes boxes of scores: sigmoid for centres and certainty, ``prior * exp`` for sizes, softmax over classes; see `Yolo`.

    Attributes:
        priors: Width and height of each prior.
    """

    over_features = True
    low = 0.0

    priors: Priors


@register("yolo")
class Yolo(Loss):
    """The loss of YOLOv2, as Deeplearning4j computes it (Redmon and Farhadi 2017).

    The ``B (5 + C)`` channels of a cell are for each of ``B`` priors: ``x, y`` (where in the cell the centre lies, sigmoid), ``w, h`` (size
    in cells, ``prior * exp``), ``s`` (how sure it is, sigmoid) and the shares of ``C`` classes (softmax). Targets are
    ``[batch, 4 + C, height, width]``: in the cell in which the centre of a thing lies its edges ``left, top, right, bottom`` in cells of
    the grid and its class as one-hot; in all other cells 0.

    Where there is a thing, the box that overlaps it most is responsible (``b``). The loss of a sample is the sum over cells of
    ``coordinates ((x - x*)^2 + (y - y*)^2 + (sqrt(w) - sqrt(w*))^2 + (sqrt(h) - sqrt(h*))^2)_b + (s_b - IoU_b)^2 + sum_c (p_bc - t_c)^2``,
    and of ``nothing s^2`` for all boxes that are not responsible. ``IoU_b`` is the overlap, with its own gradient.

    Attributes:
        priors: Width and height of each prior, in cells.
        coordinates: Weight of places and sizes.
        nothing: Weight of boxes that are responsible for no thing. Where things are rare, 0.5 may teach a fresh network that there
            is nothing anywhere; begin with less.
    """

    positional: ClassVar[tuple[str, ...]] = ("priors",)
    judges: ClassVar[tuple[type[Shape], ...]] = (Image,)
    target_rule = "edges of boxes and one-hot classes: numbers of at least 0"
    by_position = False
    judged_by = "none"

    priors: Priors
    coordinates: NonNegative = 5.0
    nothing: NonNegative = 0.5

    def natural(self) -> Activation:
        return YoloBoxes(priors=self.priors)

    def wrong_targets(self, values: Any) -> Any:
        return values < 0

    def classes(self, units: int) -> int:
        """Kinds of things that an output of so many channels tells apart."""
        return units // len(self.priors) - 5

    def target_width(self, units: int) -> int:
        return 4 + self.classes(units)

    def misfit(self, units: int) -> Misfit | None:
        count = len(self.priors)
        if units % count == 0 and self.classes(units) >= 1:
            return None
        return Misfit(
            expected=f"{count} * (5 + classes) channels, for {count} priors and at least one class",
            got=f"{units} channels",
            cause="every prior has a box of 4 numbers, how sure it is, and a share for each class",
            fix=f"end in a convolution of {count} * (5 + classes) filters, such as {count * 6} for one class, or use yolo_output",
        )

    @classmethod
    def examples(cls) -> list[Any]:
        return [Yolo([[1.0, 1.0], [2.0, 0.5]]), Yolo([[1.5, 1.0]], coordinates=2.0, nothing=1.0)]

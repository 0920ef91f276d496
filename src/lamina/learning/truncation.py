"""Truncated backpropagation through time: long sequences are learned in pieces."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator

from lamina.errors import TrainingError
from lamina.spec import Description, wrong_value
from lamina.spec.fields import Count

WHERE = "train.truncate"
"""What messages call the setting."""


class Truncation(Description):
    """Every batch of sequences is cut along its steps, and each piece makes an update of its own.

    A piece begins with the memory that the piece before it left, through which no gradient flows back. What is left over at the
    end, shorter than the others, is a piece too. A piece's loss is that of a batch of these steps alone; a piece in which no step
    of any sample is real makes no update, but counts as one, so that schedules don't depend on the data.

    Deeplearning4j: ``BackpropType.TruncatedBPTT``, ``tBPTTForwardLength`` (``steps``), ``tBPTTBackwardLength`` (``backward``; there,
    errors of earlier steps are dropped, here the gradient is cut and every step counts).

    Attributes:
        steps: Length of a piece.
        backward: Gradients flow back through at most so many steps: within a piece too, the memory is cut off every so many,
            counted from its end. None: through the whole piece.
        carry: Whether the memory goes on from batch to batch of an epoch: sample i of a batch goes on with sample i of the next.
            Needs ``shuffle: false``.

    Example:
        >>> Truncation(4).lengths(10), Truncation(4, backward=3).stretches(4)
        ([4, 4, 2], [1, 3])
    """

    positional: ClassVar[tuple[str, ...]] = ("steps",)
    steps: Count
    backward: Count | None = None
    carry: bool = False

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.backward is not None and self.backward > self.steps:
            raise wrong_value(
                expected=f"backward of at most {self.steps}, the steps of a piece",
                cause="no gradient flows from one piece into the one before",
                fix=f"raise steps to {self.backward}, or leave backward out to go back through the whole piece",
            )
        return self

    def pieces(self, steps: int) -> int:
        """How many pieces sequences of so many steps are cut into."""
        return -(-steps // self.steps)

    def lengths(self, steps: int) -> list[int]:
        """Lengths of the pieces."""
        return [min(self.steps, steps - start) for start in range(0, steps, self.steps)]

    def stretches(self, length: int) -> list[int]:
        """Lengths of the stretches within a piece through which gradients flow; the first may be shorter."""
        stretch = self.backward or length
        first = length % stretch
        return ([first] if first else []) + [stretch] * (length // stretch)


def too_long(steps: int, length: int) -> TrainingError:
    """A truncation that is longer than the sequences."""
    return TrainingError(
        "TR111",
        where=f"{WHERE}.steps",
        expected=f"at most {length}, the steps of the sequences",
        got=str(steps),
        cause="a piece is longer than the whole; nothing would be truncated",
        fix=f"write steps: {max(1, length // 2)}, or leave truncate out to learn whole sequences",
    )


def not_alike(name: str, steps: int, other: str, others: int) -> TrainingError:
    """Sequences of different lengths, which can't be cut alike."""
    return TrainingError(
        "TR111",
        where=f"{WHERE}, {other}",
        expected=f"{steps} steps, as {name} has",
        got=str(others),
        cause="pieces are cut at the same steps everywhere; the network changes the number of steps, or the data hold others",
        fix="give targets for every step, and layers that keep the number of steps; or leave truncate out",
    )

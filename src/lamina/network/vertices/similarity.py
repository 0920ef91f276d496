"""How alike, or how far from each other, two inputs are; and vectors brought to length 1."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from lamina.network.layers.layer import Layer, elements, with_axes
from lamina.network.vertices.vertex import FEATURES, IMAGE, STEPS, Vertex, listed_inputs
from lamina.shapes import Features, Sequence, Shape, Volume
from lamina.spec import register
from lamina.spec.fields import NonNegative, Positive

Over = Literal["features", "sample"]
_VOLUME = Volume(channels=2, depth=2, height=3, width=2)
_UNKNOWN = Sequence(steps=None, features=3)


class Comparison(Vertex):
    """What vertices share that make one number of two vectors.

    Two inputs of one shape. With ``over: features`` each vector, each step of a sequence, and the channels at each position of an
    image or volume are compared by themselves: ``[batch, 1]``, ``[batch, steps, 1]``, ``[batch, 1, height, width]``. With ``over:
    sample`` all numbers of a sample are one vector (of padded sequences, all real steps), and the output is ``[batch, 1]``.

    Attributes:
        over: ``features`` or ``sample``.
    """

    input_count: ClassVar[tuple[int, int | None]] = (2, 2)

    over: Over = "features"

    @property
    def stepwise(self) -> bool:  # type: ignore[override]
        """Whether each step is compared with its like alone."""
        return self.over == "features"

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        first, second = inputs
        if not first.agrees(second):
            raise self.refuse(
                "NN003",
                expected=f"two inputs of one shape, {first} as the first",
                got=listed_inputs(self, inputs),
                cause="the numbers of both are compared one by one",
                fix="give the last layers of the branches equal units or filters",
            )
        known = second if None in first.dims else first
        if self.over == "sample" or isinstance(known, Features):
            return Features(1)
        return with_axes(known, 1, known.dims[:-1] if isinstance(known, Sequence) else known.dims[1:])

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 3 * elements(inputs[0])

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(), (FEATURES,) * 2),
            (cls(), (STEPS,) * 2),
            (cls(), (_UNKNOWN,) * 2),
            (cls(), (IMAGE,) * 2),
            (cls(over="sample"), (IMAGE,) * 2),
            (cls(over="sample"), (_UNKNOWN,) * 2),
            (cls(over="sample"), (_VOLUME,) * 2),
        ]


@register("cosine_similarity")
class CosineSimilarity(Comparison):
    """``x y / (|x| |y|)``, from -1 to 1; see `Comparison` for shapes.

    Attributes:
        over: ``features`` or ``sample``.
        epsilon: Least length that is divided by, as in ``torch.nn.CosineSimilarity``.

    Example:
        >>> from lamina.shapes import features
        >>> str(CosineSimilarity().infer((features(4), features(4))))
        '[batch, 1]'
    """

    epsilon: Positive = 1e-8

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 6 * elements(inputs[0])


@register("l2_distance")
class L2Distance(Comparison):
    """Euclidean distance ``|x - y|``; see `Comparison` for shapes. Its gradient where both are equal is 0.

    Deeplearning4j's L2Vertex compares whole samples of images and sequences: ``over: sample``.

    Example:
        >>> from lamina.shapes import features
        >>> str(L2Distance().infer((features(4), features(4))))
        '[batch, 1]'
    """


@register("pairwise_distance")
class PairwiseDistance(Comparison):
    """``|x - y + epsilon|`` in the p-norm, as ``torch.nn.PairwiseDistance`` has it; see `Comparison` for shapes.

    Attributes:
        p: The exponent: 1 adds up absolute differences, 2 is the Euclidean distance.
        epsilon: Added to each difference.
        over: ``features`` or ``sample``.

    Example:
        >>> from lamina.shapes import features
        >>> str(PairwiseDistance(1).infer((features(4), features(4))))
        '[batch, 1]'
    """

    positional: ClassVar[tuple[str, ...]] = ("p",)

    p: Annotated[float, Field(gt=0)] = 2.0
    epsilon: NonNegative = 1e-6

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [*super().examples(), (cls(1.5), (FEATURES,) * 2), (cls(3.0, epsilon=0.0), (STEPS,) * 2)]


@register("l2_normalize")
class L2Normalize(Layer):
    """``x / max(|x|, epsilon)``: vectors of length 1. Any shape of numbers, which it keeps.

    Deeplearning4j's L2NormalizeVertex, which takes all numbers of a sample together unless told otherwise: ``over: sample``.

    Attributes:
        over: ``features``: each vector, each step, the channels at each position; ``sample``: all numbers of the sample together
            (of padded sequences, all real steps).
        epsilon: Least length that is divided by.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(L2Normalize().infer((sequence(None, 3),)))
        '[batch, ?, 3]'
    """

    over: Over = "features"
    epsilon: Positive = 1e-8

    @property
    def stepwise(self) -> bool:  # type: ignore[override]
        """Whether each step is brought to length 1 by itself."""
        return self.over == "features"

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return inputs[0]

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 3 * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [(cls(over=over), (shape,)) for over in ("features", "sample") for shape in (FEATURES, _UNKNOWN, IMAGE, _VOLUME)]

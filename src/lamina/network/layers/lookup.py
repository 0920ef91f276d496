"""Numbers and whole numbers turned into tokens: cut into bins, looked up in a list, or scattered over bins."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.network.layers.layer import Layer, elements
from lamina.shapes import Features, Sequence, Shape, Tokens
from lamina.spec import register, wrong_value
from lamina.spec.fields import listed

Bins = Annotated[int, Field(ge=2)]
Salt = Annotated[int, Field(ge=0, lt=2**63)]


@register("discretize")
class Discretize(Layer):
    """The number of the bin that a value falls into: 0 below the first boundary, ``k`` from the k-th on, the last above all.

    Each feature of a vector becomes a token, and so does each step of a sequence of one feature; what has more features becomes one-hot.
    No gradient passes.

    Input: ``[batch, n]``. Output: tokens ``[batch, n]``, or ``[batch, n, bins]`` one-hot. Input: ``[batch, steps, n]``. Output: tokens
    ``[batch, steps]`` if n is 1, or ``[batch, steps, n * bins]`` one-hot. There is one bin more than boundaries.

    Attributes:
        boundaries: Where a new bin begins, ascending.
        output: ``tokens`` (follow with an ``embedding``, or `one_hot` with its modes), or ``one_hot``.

    Example:
        >>> from lamina.shapes import features
        >>> Discretize([0.0, 1.0]).infer((features(3),))
        Tokens(steps=3, vocabulary=3)
    """

    positional: ClassVar[tuple[str, ...]] = ("boundaries",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Features, Sequence)
    stepwise: ClassVar[bool] = True
    differentiable: ClassVar[bool] = False

    boundaries: listed(float)  # type: ignore[valid-type]
    output: Literal["tokens", "one_hot"] = "tokens"

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        bounds = list(self.boundaries)
        if not bounds or any(a >= b for a, b in zip(bounds, bounds[1:], strict=False)):
            raise wrong_value(
                expected="at least one boundary, each above the one before",
                cause="bins lie one after the other and don't overlap",
                fix=f"write boundaries: {sorted({*bounds}) or [0.0]}",
            )
        return self

    @property
    def bins(self) -> int:
        """How many bins there are."""
        return len(self.boundaries) + 1

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        if isinstance(shape, Features):
            tokens = self.output == "tokens"
            return Tokens(steps=shape.count, vocabulary=self.bins) if tokens else Sequence(steps=shape.count, features=self.bins)
        steps, features = shape.dims
        if self.output == "one_hot":
            return Sequence(steps=steps, features=(features or 1) * self.bins)
        if features != 1:
            raise self.refuse(
                "NN001",
                expected="features, or a sequence of one feature: a token has room for one bin",
                got=f"{shape}, {features} features at each step",
                cause="several bins at one step are no token",
                fix="write output: one_hot",
            )
        return Tokens(steps=steps, vocabulary=self.bins)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return len(self.boundaries).bit_length() * elements(inputs[0])

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls([-0.5, 0.0, 1.0]), (Features(4),)),
            (cls([0.1], output="one_hot"), (Features(3),)),
            (cls([0.1, 0.2]), (Sequence(steps=None, features=1),)),
            (cls([-1.0, 1.0], output="one_hot"), (Sequence(steps=None, features=3),)),
        ]


class FromTokens(Layer):
    """What layers share that make other tokens of tokens, step by step."""

    accepts: ClassVar[tuple[type[Shape], ...]] = (Tokens,)
    stepwise: ClassVar[bool] = True
    differentiable: ClassVar[bool] = False

    @property
    def vocabulary_size(self) -> int:
        """How many tokens can come out."""
        raise NotImplementedError(type(self).__name__)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        return Tokens(steps=inputs[0].dims[0], vocabulary=self.vocabulary_size)


@register("integer_lookup")
class IntegerLookup(FromTokens):
    """The place of each whole number in a list: numbers such as 8001 become tokens from 0.

    First comes, if there is one, the place of the number that stands for nothing (``mask_value``), then the places of numbers that the
    list doesn't hold, then the list in its order.

    Attributes:
        vocabulary: The numbers that are known.
        unknown: How many places there are for numbers that are not; of several each takes those that leave it over when divided.
            With 0 an unknown number is an error.
        mask_value: The number that stands for nothing, if there is one; it becomes 0.

    Example:
        >>> from lamina.shapes import tokens
        >>> IntegerLookup([8001, 3000]).infer((tokens(None, vocabulary=10000),))
        Tokens(steps=None, vocabulary=3)
    """

    positional: ClassVar[tuple[str, ...]] = ("vocabulary",)
    vocabulary: listed(int)  # type: ignore[valid-type]
    unknown: Annotated[int, Field(ge=0)] = 1
    mask_value: int | None = None

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        known = [*self.vocabulary, *(() if self.mask_value is None else (self.mask_value,))]
        if not self.vocabulary or len({*known}) < len(known):
            raise wrong_value(
                expected="at least one number, each once, and mask_value not among them",
                cause="a number can have one place only",
                fix=f"write vocabulary: {sorted({*self.vocabulary} - {self.mask_value})}",
            )
        return self

    @property
    def offset(self) -> int:
        """The place of the first number of the list."""
        return self.unknown + (self.mask_value is not None)

    @property
    def vocabulary_size(self) -> int:
        return self.offset + len(self.vocabulary)

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        size = inputs[0].vocabulary if isinstance(inputs[0], Tokens) else 1
        outside = [number for number in self.vocabulary if not 0 <= number < size]
        if outside:
            raise self.refuse(
                "NN008",
                expected=f"numbers from 0 to {size - 1}, which the input can hold",
                got=f"{outside[0]}" + (f" and {len(outside) - 1} more" if len(outside) > 1 else ""),
                cause="the input is described with a smaller vocabulary than the numbers it is looked up for",
                fix=f"describe the input as {{type: tokens, vocabulary: {max(*self.vocabulary, size - 1) + 1}}}"
                if min(self.vocabulary) >= 0
                else "remove the negative numbers: tokens count from 0",
            )
        return super().infer(inputs)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return len(self.vocabulary).bit_length() * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls([3, 7, 1]), (Tokens(steps=5, vocabulary=9),)),
            (cls([3, 7, 1], unknown=3, mask_value=0), (Tokens(steps=None, vocabulary=9),)),
            (cls([2, 0, 1], unknown=0), (Tokens(steps=None, vocabulary=3),)),
        ]


@register("hashing")
class Hashing(FromTokens):
    """Whole numbers scattered over bins, the same way on every machine and for ever.

    With ``mix(salt, number)`` the SplitMix64 generator started at ``salt`` (Steele, Lea and Flood 2014), of which this is the
    number-th output, the bin is ``(mix(salt, number) >> 1) mod bins``. Keras hashes by FarmHash and SipHash: its bins are others.

    Attributes:
        bins: How many bins there are, that of ``mask_value`` included.
        salt: Another one scatters otherwise.
        mask_value: The number that stands for nothing, if there is one; it has bin 0 for itself.

    Example:
        >>> from lamina.shapes import tokens
        >>> Hashing(100).infer((tokens(8, vocabulary=1000000),))
        Tokens(steps=8, vocabulary=100)
    """

    positional: ClassVar[tuple[str, ...]] = ("bins",)
    bins: Bins
    salt: Salt = 0
    mask_value: int | None = None

    @property
    def vocabulary_size(self) -> int:
        return self.bins

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 10 * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(4), (Tokens(steps=5, vocabulary=50),)),
            (cls(5, salt=2**62, mask_value=0), (Tokens(steps=None, vocabulary=9),)),
        ]


@register("hashed_crossing")
class HashedCrossing(FromTokens):
    """Two or more tokens at a step, taken together and scattered over bins: what town *and* hour mean, not each alone.

    As `Hashing`, with ``h = mix(h, number)`` for one input after the other, from ``h = salt`` on; the order of the inputs counts.

    Inputs: tokens ``[batch, steps]`` of equal steps. Output: tokens ``[batch, steps]``.

    Attributes:
        bins: How many bins there are.
        salt: Another one scatters otherwise.

    Example:
        >>> from lamina.shapes import tokens
        >>> HashedCrossing(64).infer((tokens(1, vocabulary=30), tokens(1, vocabulary=24)))
        Tokens(steps=1, vocabulary=64)
    """

    positional: ClassVar[tuple[str, ...]] = ("bins",)
    input_count: ClassVar[tuple[int, int | None]] = (2, None)
    bins: Bins
    salt: Salt = 0

    @property
    def vocabulary_size(self) -> int:
        return self.bins

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        known = [shape.dims[0] for shape in inputs if shape.dims[0] is not None]
        if len({*known}) > 1:
            raise self.refuse(
                "NN003",
                expected=f"inputs of one number of steps, {known[0]} as the first",
                got=", ".join(str(shape) for shape in inputs),
                cause="tokens of the same step are taken together",
                fix="feed sequences of one length, or bring them to one with slice or repeat_vector",
            )
        return Tokens(steps=known[0] if known else None, vocabulary=self.bins)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 10 * len(inputs) * elements(output)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        short, long = Tokens(steps=4, vocabulary=5), Tokens(steps=None, vocabulary=50)
        return [(cls(7), (short, short)), (cls(6, salt=3), (long, long, long))]

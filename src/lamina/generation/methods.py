"""How the next token is chosen: the most probable one, a random one, or the best whole sequence that a search finds."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from lamina.spec import Description, register
from lamina.spec.fields import Count, NonNegative, Positive


class Method(Description, family="generation"):
    """Base of all ways to choose."""


@register("greedy")
class Greedy(Method):
    """At every step the most probable token; of equals, the first."""

    @classmethod
    def examples(cls) -> list[Greedy]:
        return [Greedy()]


@register("sampling")
class Sampling(Method):
    """At every step a token drawn by its probability.

    What is drawn is a function of (seed, sample, step) alone: the same for any batch size. The restrictions apply one after the other,
    each to what the one before has left.

    Attributes:
        temperature: Scores are divided by it before they become probabilities: below 1 likely tokens become likelier.
        top_k: Only this many of the most probable tokens.
        top_p: Only the most probable tokens that together have at least this probability (nucleus sampling, Holtzman et al. 2020).
        seed: Of the draws.
    """

    positional: ClassVar[tuple[str, ...]] = ("temperature", "top_k", "top_p", "seed")
    temperature: Positive = 1.0
    top_k: Count | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: int = 0

    @classmethod
    def examples(cls) -> list[Sampling]:
        return [Sampling(), Sampling(0.7, top_k=3), Sampling(1.5, top_p=0.8, seed=4), Sampling(top_k=4, top_p=0.5)]


@register("beam")
class Beam(Method):
    """The most probable whole sequence that a beam search finds: at every step the best ``width`` beginnings are gone on with.

    Sequences are compared by the sum of their log probabilities divided by ``length ** length_penalty``, where the length counts
    the tokens that were made, the stop token included.

    Attributes:
        width: Beginnings that are kept of each sample. With as many as there are sequences the search is exhaustive.
        length_penalty: 0 compares sums, which favours short sequences; 1 compares means.
    """

    positional: ClassVar[tuple[str, ...]] = ("width", "length_penalty")
    width: Count = 4
    length_penalty: NonNegative = 0.0

    @classmethod
    def examples(cls) -> list[Beam]:
        return [Beam(), Beam(2, length_penalty=1.0)]

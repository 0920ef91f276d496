"""What is hidden from a masked language model."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from lamina.spec import Description, wrong_value

Share = Annotated[float, Field(ge=0, le=1)]


class Masking(Description):
    """Which tokens are hidden, and how.

    Of each sample's tokens that stand for text, ``share`` are chosen, at least one (as in BERT: that many, not each by chance). Of the
    chosen ones ``hidden`` become the mask token, ``random`` any other token, and the rest stay as they are; all are to be told.

    Attributes:
        share: Of the tokens.
        hidden: Of those chosen: become the mask token.
        random: Of those chosen: become a token by chance.
        whole_words: Choose words, all of their parts, not parts.

    Example:
        >>> Masking(0.2, whole_words=True).hidden
        0.8
    """

    positional: ClassVar[tuple[str, ...]] = ("share",)
    share: Annotated[float, Field(gt=0, lt=1)] = 0.15
    hidden: Share = 0.8
    random: Share = 0.1
    whole_words: bool = False

    @model_validator(mode="after")
    def _parts(self) -> Masking:
        if self.hidden + self.random > 1:
            raise wrong_value(
                expected="hidden and random that are 1 together at most",
                cause="they are shares of the chosen tokens; the rest stays as it is",
                fix="write hidden: 0.8 and random: 0.1",
            )
        return self

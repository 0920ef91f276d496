"""What the tokenizers share that cut words into parts: special tokens, a vocabulary, and words that were cut before."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from lamina.data.storage.opening import absolute
from lamina.data.text.counts import WordCounts
from lamina.data.text.tokenizer import SPECIAL, Numbering
from lamina.errors import DataError
from lamina.spec import wrong_value
from lamina.spec.fields import Count, listed

Size = Annotated[int, Field(ge=8)]
CACHED_WORDS, CACHED_LETTERS = 1 << 16, 64
"""So many words of at most so many letters are remembered with their tokens: most words of a text were there before."""
LONGEST = 1000
"""Words of more bytes teach nothing."""


class SubWords(Numbering):
    """Base of tokenizers that cut words into parts of a vocabulary.

    Attributes:
        path: File of a trained tokenizer, relative to the recipe: what it holds is kept with the model. None: it is learned.
        size: Tokens that are learned at most, those that stand for no text included.
        min_count: Parts that are together less often are not put together.
        pad: Name of the token that fills texts up; None: there is none.
        unknown: Name of the token for what the vocabulary can't spell, and for a text without any token.
        begin: Name of the token that texts begin with, where that is wanted.
        end: Name of the token that texts end with, where that is wanted.
        mask: Name of the token for what is hidden.
        vocabulary: Names of all tokens, by number. None: learned, or read from ``path``.
    """

    path: str | None = None
    size: Size = 8000
    min_count: Count = 2
    pad: str | None = "[PAD]"
    unknown: str | None = "[UNK]"
    begin: str | None = "[CLS]"
    end: str | None = "[SEP]"
    mask: str | None = "[MASK]"
    vocabulary: listed(str) | None = None  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        words = self.vocabulary
        if words is not None and (not words or len({*words}) < len(words) or "" in words):
            raise wrong_value(
                expected="a vocabulary of at least one token, each once",
                cause="a token can have one number only",
                fix="remove what is there twice",
            )
        named = [name for what in SPECIAL if (name := getattr(self, what)) is not None]
        if words is None and self.path is None and (len({*named}) < len(named) or "" in named):
            raise wrong_value(
                expected="names for pad, unknown, begin, end and mask that differ",
                cause="each becomes a token of its own",
                fix="name them differently, or write null for those that are not needed",
            )
        return self

    @property
    def is_learned(self) -> bool:
        return self.vocabulary is not None

    @property
    def tokens(self) -> Sequence[str]:
        return self.vocabulary or ()

    @property
    def named(self) -> list[str]:
        """The special tokens that it will have, in their order."""
        return [name for what in SPECIAL if (name := getattr(self, what)) is not None]

    def read(self, path: str) -> Self:
        """The same as a file has it."""
        raise NotImplementedError(type(self).__name__)

    def train(self, counts: WordCounts) -> Self:
        """The same, learned from counted words."""
        raise NotImplementedError(type(self).__name__)

    def learn(self, counts: WordCounts) -> Self:
        if self.path is not None:
            return self.read(self.path)
        if not counts.words:
            raise DataError(
                "DA012",
                where=f"tokenizer {self.type_name}",
                expected="at least one word to learn parts of",
                got=f"{counts.texts} texts without any",
                cause="the column is empty",
                fix="name the column that holds the texts",
            )
        return self.train(counts)

    def taken_over(self, vocabulary: Sequence[str], **changes: Any) -> Self:
        """The same with the vocabulary of a file; special tokens that it hasn't, and that nobody asked for, are none."""
        there = {*vocabulary}
        gone = {what: None for what in SPECIAL if what not in self.model_fields_set and getattr(self, what) not in there}
        made = self.replace(path=None, vocabulary=tuple(vocabulary), **{**gone, **changes})
        for what in SPECIAL:
            made.special(what)
        return made

    def resolve_paths(self, base: Path) -> Self:
        return self if self.path is None else self.replace(path=absolute(self.path, base))

    # -- using it -----------------------------------------------------------------------------------------------------

    @cached_property
    def _known(self) -> dict[str, list[int]]:
        """Words that were cut before."""
        return {}

    def parts(self, word: str) -> list[int]:
        """The tokens of one word."""
        raise NotImplementedError(type(self).__name__)

    def remembered(self, word: str) -> list[int]:
        """As `parts`; a word is cut once."""
        known = self._known
        found = known.get(word)
        if found is None:
            found = self.parts(word)
            if len(word) <= CACHED_LETTERS:
                if len(known) >= CACHED_WORDS:
                    known.clear()
                known[word] = found
        return found

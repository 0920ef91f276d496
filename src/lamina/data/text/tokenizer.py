"""What a tokenizer is: it cuts texts into pieces; some also number the pieces themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from lamina.errors import DataError, nearest
from lamina.spec import Description

if TYPE_CHECKING:
    from lamina.data.text.counts import WordCounts

SPECIAL = ("pad", "unknown", "begin", "end", "mask")
"""What tokens that stand for no text are for."""
BATCH_LETTERS = 1 << 20
"""Texts are cut in batches of about so many letters."""


class Tokenizer(Description, family="tokenizer"):
    """Base of all tokenizers.

    Class attributes:
        glue: What stands between pieces in a row that count as one.
        local: Whether a text that is taken apart where a line begins gives the same pieces; false where they look further.
    """

    glue: ClassVar[str] = " "
    local: ClassVar[bool] = True

    def cut(self, texts: Sequence[str]) -> list[list[str]]:
        """The pieces of each text, in their order.

        Args:
            texts: In Unicode, see `lamina.data.text.texts.checked`.
        """
        raise NotImplementedError(type(self).__name__)

    def resolve_paths(self, base: Path) -> Self:
        """The same with paths relative to the folder of the recipe made absolute."""
        return self


class Numbering(Tokenizer):
    """Base of tokenizers that number their pieces themselves: those of parts of words, whose vocabulary belongs to how they cut.

    Own ones have the fields ``pad``, ``unknown``, ``begin``, ``end`` and ``mask``: names of the tokens that stand for no text, None
    where there is none.
    """

    glue: ClassVar[str] = ""

    @property
    def is_learned(self) -> bool:
        """Whether it can be used; else `learn` comes first."""
        return True

    def count(self, texts: Iterable[str]) -> WordCounts:
        """What `learn` must know of texts: how often the words are there that it will cut into parts."""
        raise NotImplementedError(type(self).__name__)

    def learn(self, counts: WordCounts) -> Self:
        """The same, learned from counted words or read from its file.

        Raises:
            DataError: If there is no word, or the file can't be used.
        """
        return self

    @property
    def tokens(self) -> Sequence[str]:
        """Name of each token, by its number."""
        raise NotImplementedError(type(self).__name__)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The numbers of the tokens of each text, without those that stand for no text."""
        raise NotImplementedError(type(self).__name__)

    def decode(self, numbers: Sequence[int]) -> str:
        """The text that tokens spell; those that stand for no text spell nothing."""
        raise NotImplementedError(type(self).__name__)

    def goes_on(self, token: str) -> bool:
        """Whether a token goes on with the word of the one before it."""
        raise NotImplementedError(type(self).__name__)

    def cut(self, texts: Sequence[str]) -> list[list[str]]:
        tokens = self.tokens
        return [[tokens[number] for number in row] for row in self.encode(texts)]

    @cached_property
    def places(self) -> dict[str, int]:
        """Number of each token, by its name."""
        return {token: number for number, token in enumerate(self.tokens)}

    def special(self, what: str) -> int | None:
        """Number of the token that is there for ``what`` (one of `SPECIAL`); None, if there is none.

        Raises:
            DataError: DA164, if the token that was named is not in the vocabulary.
        """
        name: str | None = getattr(self, what)
        if name is None or name in self.places:
            return None if name is None else self.places[name]
        near = nearest(name, [token for token in self.tokens if not token.isalpha()][:2000])
        raise DataError(
            "DA164",
            where=f"tokenizer {self.type_name}, {what}",
            expected="the name of a token of its vocabulary",
            got=repr(name),
            cause="the vocabulary was made with other names, or without such a token",
            fix=f"did you mean {near!r}? Write {what}: {near!r}" if near else f"write {what}: null, or the name that it has there",
        )


def no_token(tokenizer: Numbering | None, what: str, *, cause: str) -> DataError:
    """What is said where a tokenizer has no token for ``what``."""
    return DataError(
        "DA164",
        where=f"tokenizer {tokenizer.type_name if tokenizer is not None else 'words'}",
        expected=f"a token for {what}",
        got="none",
        cause=f"{cause}, and the tokenizer names none",
        fix=f"name one of its tokens in the tokenizer, such as {what}: '<|endoftext|>'",
    )


def batches(texts: Iterable[str]) -> Iterable[list[str]]:
    """Texts by the batch, so that an endless number of them takes little memory."""
    batch: list[str] = []
    letters = 0
    for text in texts:
        batch.append(text)
        letters += len(text) + 16
        if letters > BATCH_LETTERS:
            yield batch
            batch, letters = [], 0
    if batch:
        yield batch

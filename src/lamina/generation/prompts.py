"""What a network goes on with: text, tokens or nothing but a start token, as arrays with masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.vectorization import TextVectorization

Prompt = Any
"""A text, a list of tokens, a list of either, or an integer array ``[samples, steps]``."""


class Alphabet:
    """Tokens by number and by name.

    Args:
        size: Tokens there are.
        names: Their names, if they have any; characters of running text, say.
        vectorization: How texts became the tokens of training, where they came from texts.
    """

    def __init__(self, size: int, names: Sequence[str] | None, vectorization: TextVectorization | None = None) -> None:
        self.size = size
        self.vectorization = vectorization
        self.names = tuple(names) if names is not None and len(names) == size else None
        self._numbers = {name: number for number, name in enumerate(self.names or ())}

    @property
    def characters(self) -> bool:
        """Whether texts can be read and written: each token is a character."""
        return self.names is not None and all(len(name) == 1 for name in self.names)

    def number(self, token: int | str, where: str) -> int:
        """The number of a token.

        Raises:
            DataError: EN081, if it is none of the vocabulary.
        """
        if isinstance(token, str):
            if token in self._numbers:
                return self._numbers[token]
        elif isinstance(token, int | np.integer) and not isinstance(token, bool) and 0 <= token < self.size:
            return int(token)
        known = f"one of {', '.join(map(repr, self.names[:8]))} ..." if self.names else f"a whole number from 0 to {self.size - 1}"
        raise _unusable(where=where, expected=known, got=repr(token), cause="it is not in the vocabulary of the network")

    def numbers(self, prompt: Any, where: str) -> list[int]:
        """The tokens of one prompt.

        Raises:
            DataError: EN081, if it can't be read.
        """
        if isinstance(prompt, str) and self.vectorization is not None:
            begin = self.vectorization.special["begin"] if self.vectorization.begin else None
            return [*([] if begin is None else [begin]), *self.vectorization.numbers([prompt])[0]]
        if isinstance(prompt, str) and not self.characters:
            raise _unusable(
                where=where,
                expected="whole numbers",
                got=repr(prompt[:40]),
                cause="the tokens of this network are not characters, so text can't be read",
            )
        if not isinstance(prompt, str) and not (isinstance(prompt, Sequence) or (isinstance(prompt, np.ndarray) and prompt.ndim == 1)):
            raise _unusable(
                where=where, expected="a text, or a list of tokens", got=type(prompt).__name__, cause="a prompt is a sequence of tokens"
            )
        return [self.number(token, f"{where}, token {place}") for place, token in enumerate(prompt)]

    def text(self, tokens: Sequence[int]) -> str:
        """What tokens spell: as their tokenizer says; else characters run together, words with spaces between."""
        if self.vectorization is not None:
            return self.vectorization.decode([tokens])[0]
        names = self.names or tuple(map(str, range(self.size)))
        return ("" if self.characters else " ").join(names[token] for token in tokens)


def read_prompts(prompts: Prompt, alphabet: Alphabet, *, samples: int | None, start: int | str | None) -> list[list[int]]:
    """The tokens of every sample's prompt, with the start token before them.

    Args:
        prompts: One prompt, or one for each sample; None: the start token alone.
        alphabet: The vocabulary.
        samples: How many there must be; None: as many as prompts.
        start: The token to begin with.

    Raises:
        DataError: EN081, naming what can't be used.
    """
    first = [] if start is None else [alphabet.number(start, "start")]
    if prompts is None:
        found: list[list[int]] = [[] for _ in range(1 if samples is None else samples)]
    elif _single(prompts):
        found = [alphabet.numbers(prompts, "the prompt")] * (1 if samples is None else samples)
    else:
        found = [alphabet.numbers(one, f"prompt {number}") for number, one in enumerate(prompts)]
    if samples is not None and len(found) != samples:
        raise _unusable(where="the prompts", expected=f"{samples} prompts", got=f"{len(found)}", cause="there is one for each sample")
    found = [[*first, *tokens] for tokens in found]
    if not found or not all(found):
        raise _unusable(
            where="the prompts" if prompts is not None else "generate",
            expected="at least one token to begin with",
            got="none",
            cause="the network gives what comes after a token, so it needs one",
            fix="give start=TOKEN, the token that sequences began with in training, or a prompt",
        )
    return found


def _single(prompts: Any) -> bool:
    if isinstance(prompts, str):
        return True
    if isinstance(prompts, np.ndarray):
        return prompts.ndim == 1
    # A list of numbers is one prompt; so is a list of single words. A list of texts is several.
    return isinstance(prompts, Sequence) and all(isinstance(token, int | np.integer) for token in prompts) and len(prompts) > 0


def _unusable(*, where: str, expected: str, got: str, cause: str, fix: str | None = None) -> DataError:
    return DataError(
        "EN081",
        where=where,
        expected=expected,
        got=got,
        cause=cause,
        fix=fix or "give tokens of the vocabulary that the network was trained with",
    )

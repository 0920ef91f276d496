"""Masked language models: some tokens of each sample are hidden, others each epoch, and what was there is the target."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lamina.data.groups import LazyGroup
from lamina.data.lazy import Address, LazyArray, Samples
from lamina.data.order import mixed
from lamina.data.text.masking import Masking
from lamina.engine.randomness import derive

_JUDGED = Address(seed=0, epoch=0)
"""Where there is no address (when judging), the same tokens are hidden each time."""


class MaskedTokens(LazyGroup):
    """Arrays ``input`` (tokens with some hidden), ``output`` (all tokens) and ``mask`` (which are to be told).

    Args:
        tokens: ``[samples, steps]``.
        masking: Which are hidden, and how.
        mask_token: What hides them.
        no_text: Tokens that are never hidden, and never stand by chance.
        vocabulary: How many tokens there are.
        inside: By token: whether it goes on with the word before it.

    Example:
        >>> tokens = np.array([[2, 5, 6, 7, 0, 0]])
        >>> group = MaskedTokens(tokens, Masking(0.3), mask_token=1, no_text=[0, 1, 2], vocabulary=9)
        >>> drawn = group.take(np.array([0]), Address(seed=3, epoch=0))
        >>> drawn["input"].tolist(), drawn["output"].tolist(), drawn["mask"].tolist()
        ([[2, 5, 6, 1, 0, 0]], [[2, 5, 6, 7, 0, 0]], [[False, False, False, True, False, False]])
    """

    def __init__(
        self,
        tokens: Samples,
        masking: Masking,
        *,
        mask_token: int,
        no_text: Iterable[int],
        vocabulary: int,
        inside: np.ndarray | None = None,
    ) -> None:
        steps = tokens.shape[1:]
        super().__init__(len(tokens), {"input": (steps, "int64"), "output": (steps, "int64"), "mask": (steps, "bool")})
        self.tokens, self.masking, self.mask_token, self.inside = tokens, masking, mask_token, inside
        self.is_text = np.ones(vocabulary, dtype=bool)
        self.is_text[[*no_text]] = False
        self.words = np.flatnonzero(self.is_text)

    def take(self, indices: np.ndarray, address: Address | None = None) -> dict[str, np.ndarray]:
        given = self.tokens.take(indices) if isinstance(self.tokens, LazyArray) else self.tokens[indices]
        tokens = np.asarray(given, dtype=np.int64)
        places = (address or _JUDGED).draws(np.asarray(indices), "mask")
        chosen = self._chosen(tokens, _uniform(places, tokens.shape[1], "which"))
        how, other = _uniform(places, tokens.shape[1], "how"), _uniform(places, tokens.shape[1], "other")
        own = self.masking
        hidden = chosen & (how < own.hidden)
        random = chosen & ~hidden & (how < own.hidden + own.random)
        fed = np.where(hidden, self.mask_token, tokens)
        fed = np.where(random, self.words[np.minimum((other * len(self.words)).astype(np.int64), len(self.words) - 1)], fed)
        return {"input": fed, "output": tokens, "mask": chosen}

    def _chosen(self, tokens: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """Of each row the tokens with the smallest numbers; words as a whole have that of their first token."""
        text = self.is_text[tokens]
        wanted = np.maximum(1, np.rint(text.sum(axis=1) * self.masking.share)).astype(np.int64)
        place = np.arange(tokens.shape[1])
        first = np.broadcast_to(place, tokens.shape)
        if self.masking.whole_words and self.inside is not None:
            # A part goes with what is before it, if that is text too.
            goes_on = self.inside[tokens] & text
            goes_on[:, 1:] &= text[:, :-1]
            goes_on[:, 0] = False
            first = np.maximum.accumulate(np.where(goes_on, 0, place), axis=1)
        key = np.where(text, np.take_along_axis(drawn, first, axis=1), 2.0)
        order = np.argsort(key, axis=1, kind="stable")
        ranked = np.take_along_axis(key, order, axis=1)
        last = np.ones_like(text)
        last[:, :-1] = ranked[:, :-1] != ranked[:, 1:]
        # How many tokens there are up to the end of each word, in the order in which words are chosen.
        ends = np.minimum.accumulate(np.where(last, place + 1, tokens.shape[1] + 1)[:, ::-1], axis=1)[:, ::-1]
        taken = ((ends <= wanted[:, None]) | (ends == ends[:, :1])) & (ranked < 1.5)
        chosen: np.ndarray = np.zeros_like(text)
        np.put_along_axis(chosen, order, taken, axis=1)
        return chosen


def _uniform(places: np.ndarray, steps: int, purpose: str) -> np.ndarray:
    """A number from 0 to 1 for each step of each sample, which depends on the sample's own number alone."""
    base = mixed(derive(0, "masking", purpose), np.arange(steps))
    both = mixed(0, places[:, None] ^ base[None, :])
    drawn: np.ndarray = (both >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return drawn

"""How often words are there: counted text by text, and added up in any order, so that a cluster counts the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


class WordCounts:
    """Words and how often they are there.

    Attributes:
        texts: Texts counted.
        words: How often each word is there.
        holding: In how many texts each word is.

    Example:
        >>> one, other = WordCounts().add([["a", "a", "b"]]), WordCounts().add([["b"], []])
        >>> both = one.merge(other)
        >>> both.texts, both.most_frequent(), both.holding["a"]
        (3, ['a', 'b'], 1)
    """

    def __init__(self) -> None:
        self.texts = 0
        self.words: Counter[str] = Counter()
        self.holding: Counter[str] = Counter()

    def add(self, cut: Iterable[Sequence[str]]) -> WordCounts:
        """Count more texts, each given as its words; itself."""
        for words in cut:
            self.texts += 1
            self.words.update(words)
            self.holding.update({*words})
        return self

    def merge(self, other: WordCounts) -> WordCounts:
        """What both together have counted, as if they were one; both stay as they are."""
        both = WordCounts()
        for part in (self, other):
            both.texts += part.texts
            both.words.update(part.words)
            both.holding.update(part.holding)
        return both

    def most_frequent(self, most: int | None = None, *, least: int = 1) -> list[str]:
        """Words, the most frequent first, equally frequent ones in the order of their code points.

        Args:
            most: At most so many.
            least: Only those that are there so often.
        """
        frequent = ((count, word) for word, count in self.words.items() if count >= least)
        return [word for _, word in sorted(frequent, key=lambda pair: (-pair[0], pair[1]))[:most]]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, from which `from_dict` makes the same."""
        return {"texts": self.texts, "words": {word: [count, self.holding[word]] for word, count in self.words.items()}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> WordCounts:
        """What `to_dict` gave."""
        made = cls()
        made.texts = data["texts"]
        made.words.update({word: counts[0] for word, counts in data["words"].items()})
        made.holding.update({word: counts[1] for word, counts in data["words"].items()})
        return made

"""Byte-pair encoding on bytes, as GPT-2's: any text can be spelt, and comes back letter by letter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import model_validator

from lamina.data.storage.opening import absolute
from lamina.data.text.bert_words import lowered
from lamina.data.text.byte_level import alphabet, blank_first, byte_words, spelt, unspelt
from lamina.data.text.counts import WordCounts
from lamina.data.text.merges import Pair, learn_pairs, put_together
from lamina.data.text.sub_words import LONGEST, SubWords
from lamina.data.text.tokenizer import batches
from lamina.spec import register, wrong_value
from lamina.spec.fields import listed


@register("byte_pair")
class BytePair(SubWords):
    """Words with the blank before them, their bytes put together pair by pair in the order that was learned.

    Whatever is written can be spelt, so that no text is unknown, and `decode` gives it back letter by letter. What is learned is a
    function of the texts alone: again and again the most frequent pair, of several the one of the lower numbers.

    Attributes:
        path: File of a trained one, relative to the recipe: ``tokenizer.json``, or ``vocab.json`` with ``merges_path``. What it holds is
            kept with the model.
        merges_path: ``merges.txt``, beside ``vocab.json``.
        size: Tokens that are learned at most; the 256 bytes are among them.
        min_count: Parts that are together less often are not put together.
        lower: Whether letters are made small.
        add_blank: Whether a text gets a blank in front, so that its first word is like others.
        pad: Name of the token that fills texts up.
        unknown: Name of the token for a text without any token.
        begin: Name of the token that texts begin with, where that is wanted.
        end: Name of the token that texts end with, where that is wanted.
        mask: Name of the token for what is hidden.
        vocabulary: Names of all tokens, by number. None: learned, or read from ``path``.
        merges: Two tokens each, with a blank between, in the order in which they are put together.

    Example:
        >>> pairs = BytePair(size=264, min_count=1).learn(BytePair().count(["low lower lowest"]))
        >>> pairs.cut(["low slow"]), pairs.decode(pairs.encode(["Löwe 3€"])[0])
        ([['low', 'Ġ', 's', 'low']], 'Löwe 3€')
    """

    merges_path: str | None = None
    pad: str | None = "<pad>"
    unknown: str | None = "<unk>"
    begin: str | None = "<s>"
    end: str | None = "</s>"
    mask: str | None = "<mask>"
    lower: bool = False
    add_blank: bool = False
    merges: listed(str) | None = None  # type: ignore[valid-type]

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(size=300, lower=True, add_blank=True, mask=None)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.vocabulary is None) != (self.merges is None):
            raise wrong_value(
                expected="vocabulary and merges together, or neither",
                cause="merges say how the tokens of the vocabulary come about",
                fix="give both, or leave out both",
            )
        if self.merges_path is not None and self.path is None:
            raise wrong_value(
                expected="path beside merges_path",
                cause="merges.txt goes with vocab.json",
                fix="write path: vocab.json",
            )
        if self.path is None and self.size < 256 + len(self.named):
            raise wrong_value(
                expected=f"a size of at least {256 + len(self.named)}",
                cause="there are 256 bytes, and the tokens that stand for no text",
                fix=f"write size: {512} or more",
            )
        wrong = None if self.vocabulary is None else first_wrong(self.vocabulary, self.merges or ())
        if wrong is not None:
            raise wrong_value(expected=wrong[0], cause=wrong[1], fix="give the vocabulary and the merges of one and the same tokenizer")
        return self

    # -- learning -----------------------------------------------------------------------------------------------------

    def _texts(self, texts: Sequence[str]) -> Sequence[str]:
        if self.lower:
            texts = [lowered(text) for text in texts]
        if self.add_blank:
            texts = [text if blank_first(text) else f" {text}" for text in texts]
        return texts

    def count(self, texts: Iterable[str]) -> WordCounts:
        counts = WordCounts()
        if self.path is None:
            for batch in batches(texts):
                counts.add(byte_words(self._texts(batch)))
        return counts

    def read(self, path: str) -> Self:
        from lamina.data.text.tokenizer_files import read_byte_pair

        vocabulary, merges, settings = read_byte_pair(path, self.merges_path)
        given = {name: value for name, value in settings.items() if name not in self.model_fields_set}
        return self.taken_over(vocabulary, merges=tuple(merges), merges_path=None, **given)

    def train(self, counts: WordCounts) -> Self:
        tokens = [*self.named, *sorted(alphabet())]
        numbers = {token: number for number, token in enumerate(tokens)}
        short = (word for word in counts.most_frequent() if len(word.encode()) <= LONGEST)
        words = [([numbers[letter] for letter in spelt(word)], counts.words[word]) for word in short]
        found = learn_pairs(words, tokens, str.__add__, size=self.size, least=self.min_count, forbidden=frozenset(self.named))
        return self.replace(vocabulary=tuple(tokens), merges=tuple(f"{tokens[left]} {tokens[right]}" for left, right in found))

    def resolve_paths(self, base: Path) -> Self:
        made = super().resolve_paths(base)
        return made if self.merges_path is None else made.replace(merges_path=absolute(self.merges_path, base))

    # -- using it -----------------------------------------------------------------------------------------------------

    @cached_property
    def _rules(self) -> dict[Pair, tuple[int, int]]:
        places = self.places
        pairs = (merge.split(" ") for merge in self.merges or ())
        return {(places[left], places[right]): (rank, places[left + right]) for rank, (left, right) in enumerate(pairs)}

    @cached_property
    def _bytes(self) -> list[int]:
        return [self.places[letter] for letter in alphabet()]

    def parts(self, word: str) -> list[int]:
        table = self._bytes
        return put_together([table[byte] for byte in word.encode()], self._rules)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [[token for word in words for token in self.remembered(word)] for words in byte_words(self._texts(texts))]

    def goes_on(self, token: str) -> bool:
        return not token.startswith((alphabet()[ord(" ")], alphabet()[ord("\n")]))

    def decode(self, numbers: Sequence[int]) -> str:
        no_text = {*self.named}
        return unspelt("".join(name for number in numbers if (name := self.tokens[number]) not in no_text))


def first_wrong(vocabulary: Sequence[str], merges: Sequence[str]) -> tuple[str, str] | None:
    """What was expected and why it isn't so, of the first thing that can't be; None, if vocabulary and merges belong together."""
    tokens = {*vocabulary}
    missing = [letter for letter in alphabet() if letter not in tokens]
    if missing:
        return "a vocabulary with a token for each of the 256 bytes", f"{len(missing)} of them are missing, {missing[0]!r} for one"
    seen: set[str] = set()
    for number, merge in enumerate(merges):
        left, blank, right = merge.partition(" ")
        if not (left and blank and right) or " " in right:
            return f"merge {number} to be two tokens with a blank between", f"it is {merge[:60]!r}"
        odd = next((token for token in (left, right, left + right) if token not in tokens), None)
        if odd is not None:
            return f"merge {number} ({merge[:60]!r}) to be of tokens of the vocabulary", f"{odd[:60]!r} is none"
        if merge in seen:
            return "each merge once", f"merge {number}, {merge[:60]!r}, was there before"
        seen.add(merge)
    return None

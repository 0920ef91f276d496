"""WordPiece: words as the longest parts that a vocabulary has, as BERT takes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Self

from lamina.data.text.bert_words import bert_words
from lamina.data.text.counts import WordCounts
from lamina.data.text.merges import learn_pairs
from lamina.data.text.sub_words import LONGEST, SubWords
from lamina.data.text.tokenizer import batches
from lamina.spec import register
from lamina.spec.fields import Count


@register("word_piece")
class WordPiece(SubWords):
    """Words and marks as BERT cuts them, and each word as the longest parts that the vocabulary has, from its start on.

    A word that can't be spelt is the unknown token. What is learned are the parts that are found by putting the most frequent pair
    together, again and again; the outcome is a function of the texts alone.

    Attributes:
        path: File of a trained one, relative to the recipe: ``vocab.txt`` or ``tokenizer.json``. What it holds is kept with the model.
        size: Tokens that are learned at most.
        min_count: Parts that are together less often are not put together.
        letters: Letters that are learned at most, the most frequent ones; words with others teach nothing.
        lower: Whether letters are made small.
        strip_accents: Whether letters lose their accents; None: if they are made small, as in BERT.
        split_chinese: Whether each Chinese character is a word.
        clean: Whether control characters are taken out.
        prefix: What stands before a part that doesn't begin its word.
        longest_word: Longer words are unknown.
        pad: Name of the token that fills texts up.
        unknown: Name of the token for a word that can't be spelt, and for a text without any token.
        begin: Name of the token that texts begin with, where that is wanted.
        end: Name of the token that texts end with, where that is wanted.
        mask: Name of the token for what is hidden.
        vocabulary: Names of all tokens, by number. None: learned, or read from ``path``.

    Example:
        >>> pieces = WordPiece(vocabulary=["[PAD]", "[UNK]", "play", "##ing", "##ed", "!"], begin=None, end=None, mask=None)
        >>> pieces.cut(["Playing! Played; plays"])
        [['play', '##ing', '!', 'play', '##ed', '[UNK]', '[UNK]']]
    """

    letters: Count = 1000
    lower: bool = True
    strip_accents: bool | None = None
    split_chinese: bool = True
    clean: bool = True
    prefix: str = "##"
    longest_word: Count = 100

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(size=60, lower=False, min_count=1, mask=None)]

    # -- learning -----------------------------------------------------------------------------------------------------

    def _words(self, text: str) -> list[str]:
        accents = self.lower if self.strip_accents is None else self.strip_accents
        return bert_words(text, lower=self.lower, strip_accents=accents, split_chinese=self.split_chinese, clean=self.clean)

    def count(self, texts: Iterable[str]) -> WordCounts:
        counts = WordCounts()
        if self.path is None:
            for batch in batches(texts):
                counts.add(self._words(text) for text in batch)
        return counts

    def read(self, path: str) -> Self:
        from lamina.data.text.tokenizer_files import read_word_piece

        vocabulary, settings = read_word_piece(path)
        return self.taken_over(vocabulary, **{name: value for name, value in settings.items() if name not in self.model_fields_set})

    def train(self, counts: WordCounts) -> Self:
        longest = min(self.longest_word, LONGEST)
        words = {word: counts.words[word] for word in counts.most_frequent() if len(word) <= longest}
        often: Counter[str] = Counter()
        for word, count in words.items():
            for letter in word:
                often[letter] += count
        # Each letter can be two tokens: one that begins a word, one inside.
        most = min(self.letters, max(1, (self.size - len(self.named)) // 2))
        letters = sorted(sorted(often, key=lambda letter: (-often[letter], letter))[:most])
        known = {*letters}
        words = {word: count for word, count in words.items() if known.issuperset(word)}
        inner = {letter for word in words for letter in word[1:]}
        tokens = [*self.named, *letters, *(self.prefix + letter for letter in letters if letter in inner)]
        numbers = {token: number for number, token in enumerate(tokens)}
        spelt = [
            ([numbers[letter if place == 0 else self.prefix + letter] for place, letter in enumerate(word)], count)
            for word, count in words.items()
        ]
        learn_pairs(
            spelt,
            tokens,
            lambda left, right: left + right.removeprefix(self.prefix),
            size=self.size,
            least=self.min_count,
            forbidden=frozenset(self.named),
        )
        return self.replace(vocabulary=tuple(tokens))

    # -- using it -----------------------------------------------------------------------------------------------------

    @cached_property
    def _parts(self) -> tuple[dict[str, int], dict[str, int]]:
        """Parts that begin a word, and parts inside one, without their prefix; none of them stands for no text."""
        no_text = {*self.named}
        first = {token: number for number, token in enumerate(self.tokens) if token not in no_text}
        cut = len(self.prefix)
        return first, {token[cut:]: number for token, number in first.items() if token.startswith(self.prefix)}

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.tokens), default=1)

    def parts(self, word: str) -> list[int]:
        first, inner = self._parts
        found: list[int] = []
        at, table = 0, first
        while at < len(word) <= self.longest_word:
            for end in range(min(len(word), at + self._longest), at, -1):
                number = table.get(word[at:end])
                if number is not None:
                    found.append(number)
                    at, table = end, inner
                    break
            else:
                break
        if at == len(word):
            return found
        unknown = self.special("unknown")
        return [] if unknown is None else [unknown]

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [[token for word in self._words(text) for token in self.remembered(word)] for text in texts]

    def goes_on(self, token: str) -> bool:
        return token.startswith(self.prefix)

    def decode(self, numbers: Sequence[int]) -> str:
        names = [self.tokens[number] for number in numbers if self.tokens[number] not in {*self.named}]
        return "".join(name.removeprefix(self.prefix) if name.startswith(self.prefix) else f" {name}" for name in names).strip()

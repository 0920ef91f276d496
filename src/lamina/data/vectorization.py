"""Texts as numbers: cut into words or parts of words, and each the place that it has in a vocabulary."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

import lamina.data.text  # noqa: F401 (registers the tokenizers)
from lamina.data.text.bags import Norm, Rarity, counted, normed, rarities
from lamina.data.text.counts import WordCounts
from lamina.data.text.filling import Side, filled, shortened, tell_of_cutting
from lamina.data.text.texts import checked, checked_one_by_one
from lamina.data.text.tokenizer import SPECIAL, Numbering, Tokenizer, batches, no_token
from lamina.data.text.words import Widths, in_a_row
from lamina.errors import DataError
from lamina.shapes import Features, Shape, Tokens
from lamina.spec import Description, wrong_value
from lamina.spec.fields import Count, listed

if TYPE_CHECKING:
    import numpy as np

NOTHING, UNKNOWN = 0, 1
"""Tokens of what fills a text up to the longest, and of words that are not in the vocabulary."""
Needs = Literal["tokenizer", "vocabulary", "weights"]
_PUNCTUATION = str.maketrans("", "", string.punctuation)


class TextVectorization(Description):
    """How a text becomes an input; with what it has learned it is part of what a model keeps.

    Without ``tokenizer`` as Keras's layer of this name. Tokens: 0 fills texts up to the longest, 1 is a word that the vocabulary doesn't
    hold (and stands for a text without words), then come those for ``begin``, ``end`` and ``mask``, if they are wanted, then the words.
    Tokenizers that cut words into parts number the parts themselves. Let ``{type: embedding, mask_token: 0}`` leave out what fills up.
    The other outputs are vectors with a place for words that are not known, and one for each that is.

    Attributes:
        standardize: What is done to a text first: small letters, no punctuation (ASCII's), or both; None: nothing.
        split: A word is what stands between blanks (``whitespace``), or each ``character``; None: the whole text is one.
        ngrams: Words in a row that count as one, with a blank between: up to so many, or exactly those of a list.
        tokenizer: What cuts texts, in place of the three settings before.
        min_count: Words that are there less often are not in the vocabulary.
        max_tokens: Most places, those of tokens that are no words included; the most frequent words stay.
        length: Tokens of each text, ``begin`` and ``end`` included: the rest is cut off, with a warning. None: as many as there are.
        cut_off: Where what is too much is cut off: at the ``end``, at the ``start``, or from the ``middle``.
        begin: Whether each text begins with a token that says so.
        end: Whether each text ends with one.
        mask: Whether there is a token for what is hidden (masked language models).
        fill_mask: Whether steps that only fill up are masked for all layers, as by an embedding's ``mask_token``, in training and whenever
            the model is asked. It is also what ``data.bucketing`` needs.
        output: ``tokens``; ``multi_hot``: 1 for each word there is; ``counts``: how often; ``tf_idf``: how often, times how rare the word
            is, the mean of all words' for those not known.
        rarity: For ``tf_idf``: ``keras``, ``ln(1 + texts / (1 + texts with the word))``; or ``smooth``,
            ``ln((1 + texts) / (1 + texts with the word)) + 1``, as scikit-learn.
        norm: Vectors are divided by the sum of their numbers (``l1``) or their length (``l2``).
        vocabulary: The words, in their order. None: learned, the most frequent first, equally frequent ones by the alphabet.
        weights: For ``tf_idf``, of each word; learned with the vocabulary.

    Example:
        >>> learned = TextVectorization().fit(["A good film!", "a bad film"])
        >>> learned.vocabulary, learned.encode(["A very good film", "bad"]).tolist()
        (('a', 'film', 'bad', 'good'), [[2, 1, 5, 3], [4, 0, 0, 0]])
        >>> TextVectorization(tokenizer="words", begin=True, end=True).fit(["It's so"]).encode(["so it's"]).tolist()
        [[2, 5, 4, 3]]
    """

    standardize: Literal["lower_and_strip_punctuation", "lower", "strip_punctuation"] | None = "lower_and_strip_punctuation"
    split: Literal["whitespace", "character"] | None = "whitespace"
    ngrams: Widths = (1,)
    tokenizer: Tokenizer | None = None
    min_count: Count = 1
    max_tokens: Annotated[int, Field(ge=3)] | None = None
    length: Count | None = None
    cut_off: Side = "end"
    begin: bool = False
    end: bool = False
    mask: bool = False
    fill_mask: bool = False
    output: Literal["tokens", "multi_hot", "counts", "tf_idf"] = "tokens"
    rarity: Rarity = "keras"
    norm: Norm | None = None
    vocabulary: listed(str) | None = None  # type: ignore[valid-type]
    weights: listed(float) | None = None  # type: ignore[valid-type]

    @model_validator(mode="before")
    @classmethod
    def _tokenizer_alone(cls, value: Any) -> Any:
        """A tokenizer takes the place of what cuts otherwise, so that none of these stands there and does nothing."""
        if not isinstance(value, dict) or value.get("tokenizer") is None:
            return value
        others = [name for name in ("standardize", "split") if value.get(name) is not None]
        if others or value.get("ngrams", 1) not in (1, (1,), [1]):
            raise wrong_value(
                expected="a tokenizer, or standardize, split and ngrams",
                cause=f"{', '.join(others) or 'ngrams'} would do nothing: the tokenizer says how texts are cut",
                fix="remove it, or write it in the tokenizer, such as {type: words, lower: false} or {type: ngrams, sizes: 2}",
            )
        return {**value, "standardize": None, "split": None}

    @model_validator(mode="after")
    def _agree(self) -> Self:
        words = self.vocabulary
        if words is not None and (not words or len({*words}) < len(words) or "" in words):
            raise wrong_value(
                expected="a vocabulary of at least one word, each once",
                cause="a word can have one place only",
                fix="remove what is there twice",
            )
        if self.numbering is not None and (words is not None or self.max_tokens is not None or self.min_count > 1):
            raise wrong_value(
                expected="no vocabulary, max_tokens and min_count beside a tokenizer that numbers its tokens",
                cause="the vocabulary belongs to the tokenizer",
                fix="write size: and min_count: in the tokenizer",
            )
        if words is not None and self.output == "tf_idf" and self.weights is None:
            raise wrong_value(
                expected="vocabulary and weights together, or neither",
                cause="how rare words are is learned with the words",
                fix="give a weight for each word, or leave out both",
            )
        known = None if self._needs_words else len(self.names) - 1
        if self.weights is not None and (self.output != "tf_idf" or len(self.weights) != known):
            raise wrong_value(
                expected="a weight for each word of the vocabulary, and output: tf_idf",
                cause="nothing else uses the weights",
                fix="leave weights out",
            )
        return self

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        tokens = self.output == "tokens"
        if self.length is not None and not tokens:
            raise wrong_value(
                expected="no length", cause="vectors have a place for each word", fix="remove length, or write output: tokens"
            )
        if not tokens and (self.begin or self.end or self.mask or self.fill_mask):
            raise wrong_value(
                expected="no begin, end, mask and fill_mask",
                cause="vectors say which words are there",
                fix="remove them, or write output: tokens",
            )
        if self.norm is not None and tokens:
            raise wrong_value(expected="no norm", cause="tokens are names, not amounts", fix="remove norm, or write output: tf_idf")
        if self.rarity != "keras" and self.output != "tf_idf":
            raise wrong_value(expected="no rarity", cause="only tf_idf uses it", fix="remove rarity, or write output: tf_idf")
        if self.cut_off != "end" and self.length is None:
            raise wrong_value(expected="length beside cut_off", cause="nothing is cut off", fix="write length:, or remove cut_off")
        if self.length is not None and self.length <= self.begin + self.end:
            raise wrong_value(
                expected=f"a length above {self.begin + self.end}",
                cause="begin and end take a place each, and nothing of the text is left",
                fix=f"write length: {self.begin + self.end + 1} or more",
            )
        return self

    # -- learning -----------------------------------------------------------------------------------------------------

    @property
    def numbering(self) -> Numbering | None:
        """The tokenizer, if it numbers its tokens itself."""
        return self.tokenizer if isinstance(self.tokenizer, Numbering) else None

    @property
    def _needs_words(self) -> bool:
        return not self.numbering.is_learned if self.numbering is not None else self.vocabulary is None

    @property
    def needs(self) -> Needs | None:
        """What has to be learned next; None, when it can be used."""
        if self._needs_words:
            return "vocabulary" if self.numbering is None else "tokenizer"
        return "weights" if self.output == "tf_idf" and self.weights is None else None

    def count(self, texts: Iterable[str]) -> WordCounts:
        """What `learn` must know of texts; parts of them may be counted apart, and merged.

        Raises:
            DataError: DA160, for what is no text.
        """
        texts = checked_one_by_one(texts)
        if self.numbering is not None and self.needs == "tokenizer":
            return self.numbering.count(texts)
        counts = WordCounts()
        for batch in batches(texts):
            counts.add(self._cut(batch))
        return counts

    def learn(self, counts: WordCounts) -> Self:
        """The same with what it `needs` next, learned from counted words.

        Raises:
            DataError: DA012, if there is no word.
        """
        if self.needs == "tokenizer" and self.numbering is not None:
            return self.replace(tokenizer=self.numbering.learn(counts))
        if self.needs == "weights":
            return self.replace(weights=rarities(self.names[1:], counts, self.rarity))
        most = None if self.max_tokens is None else self.max_tokens - self._first
        vocabulary = tuple(counts.most_frequent(most, least=self.min_count))
        if not vocabulary:
            raise DataError(
                "DA012",
                where="the texts",
                expected="at least one word" + (f" that is there {self.min_count} times" if self.min_count > 1 else ""),
                got=f"{counts.texts} texts without any",
                cause="the column is empty, or holds nothing but punctuation" if not counts.words else "every word is rarer",
                fix="name the column that holds the texts, or write standardize: lower" if not counts.words else "lower min_count",
            )
        if self.output != "tf_idf":
            return self.replace(vocabulary=vocabulary)
        return self.replace(vocabulary=vocabulary, weights=rarities(vocabulary, counts, self.rarity))

    def fit(self, texts: Iterable[str]) -> Self:
        """The same with all that it needs, learned from these texts unless it has it.

        Raises:
            DataError: DA012, if there is no word in them; DA160, for what is no text.
        """
        learned = self
        # Parts of words are learned first, then how rare they are: whoever goes through once only must be kept.
        if self.numbering is not None and self.output == "tf_idf" and not isinstance(texts, Sequence):
            texts = list(texts)
        while learned.needs is not None:
            learned = learned.learn(learned.count(texts))
        return learned

    def words(self, text: str) -> list[str]:
        """The words of a text, and those in a row that count as one."""
        return self._cut([text])[0]

    def _cut(self, texts: list[str]) -> list[list[str]]:
        if self.tokenizer is not None:
            return self.tokenizer.cut(texts)
        return [self._as_keras(text) for text in texts]

    def _as_keras(self, text: str) -> list[str]:
        style = self.standardize or ""
        text = text.lower() if "lower" in style else text
        text = text.translate(_PUNCTUATION) if "strip" in style else text
        pieces = text.split() if self.split == "whitespace" else list(text) if self.split == "character" else [text] if text else []
        return in_a_row(pieces, self.ngrams, " ")

    # -- using it -----------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Shape:
        """Of one text, once it has learned."""
        return Tokens(steps=self.length, vocabulary=len(self.tokens)) if self.output == "tokens" else Features(len(self.names))

    @property
    def _first(self) -> int:
        """Token of the first word."""
        return 2 + self.begin + self.end + self.mask

    @cached_property
    def special(self) -> dict[str, int | None]:
        """Tokens that stand for no text: ``pad``, ``unknown``, ``begin``, ``end``, ``mask``; None for those that aren't there.

        Raises:
            DataError: DA164, if the tokenizer hasn't one that is wanted.
        """
        if self.numbering is None:
            wanted = [name for name in ("begin", "end", "mask") if getattr(self, name)]
            return {
                "pad": NOTHING,
                "unknown": UNKNOWN,
                **{name: wanted.index(name) + 2 if name in wanted else None for name in SPECIAL[2:]},
            }
        found = {name: self.numbering.special(name) for name in SPECIAL}
        missing = next((name for name in ("begin", "end", "mask") if getattr(self, name) and found[name] is None), None)
        if missing is not None:
            raise no_token(self.numbering, missing, cause=f"{missing}: true asks for one")
        return found

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """Name of each token, by its number."""
        if self.numbering is not None:
            return tuple(self.numbering.tokens)
        wanted = [f"[{name}]" for name in ("begin", "end", "mask") if getattr(self, name)]
        return ("[pad]", "[unknown]", *wanted, *(self.vocabulary or ()))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of each number of a vector."""
        if self.numbering is None:
            return ("[unknown]", *(self.vocabulary or ()))
        return ("[unknown]", *(token for number, token in enumerate(self.tokens) if number not in self._no_words))

    @cached_property
    def _no_words(self) -> frozenset[int]:
        return frozenset(number for number in self.special.values() if number is not None)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {word: place for place, word in enumerate(self.vocabulary or (), start=self._first)}

    @cached_property
    def _told(self) -> set[str]:
        """What was warned of already."""
        return set()

    def numbers(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, as many as it has: neither begun nor ended, cut off nor filled up.

        Raises:
            DataError: DA160, for what is no text.
        """
        texts = checked(texts)
        if self.numbering is not None:
            return self.numbering.encode(texts)
        places = self._places
        return [[places.get(word, UNKNOWN) for word in words] for words in self._cut(texts)]

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Tokens ``[texts, length]``, int64; or vectors ``[texts, words]``, float64.

        Raises:
            DataError: DA160, for what is no text; DA162, if the array would take more memory than there is.
            LaminaWarning: DA161, once, if texts are cut off.
        """
        rows = self.numbers(texts)
        return self.framed(rows) if self.output == "tokens" else self._vectors(rows)

    def framed(self, rows: Sequence[Sequence[int]]) -> np.ndarray:
        """Tokens of texts as one array: begun and ended where that is wanted, cut off and filled up."""
        special, length = self.special, self.length
        before = [special["begin"]] if self.begin else []
        after = [special["end"]] if self.end else []
        most = None if length is None else length - len(before) - len(after)
        if most is not None:
            if "cut" not in self._told and any(len(row) > most for row in rows):
                self._told.add("cut")
                tell_of_cutting(rows, most, length or most, self.cut_off)
            rows = [shortened(row, most, self.cut_off) for row in rows]
        empty = [] if before or after else [self._stand_in]
        whole: list[Any] = [[*before, *row, *after] or empty for row in rows]
        return filled(whole, length, self._filler(whole))

    def real(self, tokens: np.ndarray) -> np.ndarray:
        """Which steps of `encode` are not there only to fill up: all up to the last token that doesn't."""
        import numpy as np

        own = tokens != (NOTHING if self.special["pad"] is None else self.special["pad"])
        own[:, 0] = True
        mask: np.ndarray = np.maximum.accumulate(own[:, ::-1], axis=1)[:, ::-1].copy()
        return mask

    def closed(self, windows: np.ndarray) -> np.ndarray:
        """Windows of tokens ``[samples, steps]``, each begun and ended where that is wanted."""
        import numpy as np

        ends = [self.special[name] if getattr(self, name) else None for name in ("begin", "end")]
        before, after = (np.full((len(windows), int(token is not None)), token or 0, dtype=windows.dtype) for token in ends)
        return np.concatenate([before, windows, after], axis=1)

    def _filler(self, rows: Sequence[Sequence[int]]) -> int:
        """The token that fills up."""
        found = self.special["pad"]
        if found is None and (self.length is not None or len({len(row) for row in rows}) > 1):
            raise no_token(self.numbering, "pad", cause="texts of different lengths are filled up to one")
        return NOTHING if found is None else found

    @property
    def _stand_in(self) -> int:
        """The token that stands for a text without any."""
        return next((found for name in ("unknown", "end", "begin", "pad") if (found := self.special[name]) is not None), NOTHING)

    def _vectors(self, rows: list[list[int]]) -> np.ndarray:
        import numpy as np

        order = {token: place for place, token in enumerate(self._word_tokens)}
        known = [[order.get(token, 0) for token in row] or [0] for row in rows]
        counts = counted(known, len(self.names))
        if self.output == "multi_hot":
            counts = np.minimum(counts, 1)
        elif self.weights is not None:
            counts *= np.array([sum(self.weights) / len(self.weights), *self.weights])
        return normed(counts, self.norm)

    @cached_property
    def _word_tokens(self) -> list[int]:
        """The token of each place of a vector."""
        if self.numbering is None:
            return [UNKNOWN, *range(self._first, len(self.tokens))]
        return [-1, *(number for number in range(len(self.tokens)) if number not in self._no_words)]

    def decode(self, tokens: Sequence[Sequence[int]] | np.ndarray) -> list[str]:
        """The text that each row of tokens spells, as nearly as the tokens tell; those that stand for no text spell nothing."""
        rows = [[int(token) for token in row if int(token) not in self._unspelt] for row in tokens]
        if self.numbering is not None:
            return [self.numbering.decode(row) for row in rows]
        glue = self.tokenizer.glue if self.tokenizer is not None else "" if self.split == "character" else " "
        return [glue.join(self.tokens[token] for token in row) for row in rows]

    @cached_property
    def _unspelt(self) -> frozenset[int]:
        return self._no_words if self.numbering is not None else frozenset({*self._no_words} - {UNKNOWN})

    def resolve_paths(self, base: Path) -> Self:
        """The same with paths relative to the folder of the recipe made absolute."""
        return self if self.tokenizer is None else self.replace(tokenizer=self.tokenizer.resolve_paths(base))

"""Texts as numbers: cut into words, and each word the place that it has in a vocabulary."""

from __future__ import annotations

import math
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from lamina.errors import DataError
from lamina.shapes import Features, Shape, Tokens
from lamina.spec import Description, wrong_value
from lamina.spec.fields import Count, listed

if TYPE_CHECKING:
    import numpy as np

NOTHING, UNKNOWN = 0, 1
"""Tokens of what fills a text up to the longest, and of words that are not in the vocabulary."""
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def _widths(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return tuple(range(1, value + 1))
    return tuple(value) if isinstance(value, list) else value


_WIDTH = {"type": "integer", "minimum": 1}
_WIDTHS = {"anyOf": [_WIDTH, {"type": "array", "items": _WIDTH, "minItems": 1}]}
Widths = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1), BeforeValidator(_widths), WithJsonSchema(_WIDTHS)]


class TextVectorization(Description):
    """How a text becomes an input, as Keras's layer of this name; with its vocabulary it is part of what a model keeps.

    Tokens: 0 fills texts up to the longest, 1 is a word that the vocabulary doesn't hold (and stands for a text without words), words
    count from 2. Let ``{type: embedding, mask_token: 0}`` leave out what fills up. The other outputs are vectors with a place for words
    that are not known, and one for each that is.

    Attributes:
        standardize: What is done to a text first: small letters, no punctuation (ASCII's), or both; None: nothing.
        split: A word is what stands between blanks (``whitespace``), or each ``character``; None: the whole text is one.
        ngrams: Words in a row that count as one, with a blank between: up to so many, or exactly those of a list.
        max_tokens: Most places, those of ``NOTHING`` and ``UNKNOWN`` included; the most frequent words stay.
        length: Tokens of each text: the rest is cut off. None: as many as there are.
        output: ``tokens``; ``multi_hot``: 1 for each word there is; ``counts``: how often; ``tf_idf``: how often, times
            ``ln(1 + texts / (1 + texts with the word))``, the mean of all words' for those not known.
        vocabulary: The words, in their order. None: learned, the most frequent first, equally frequent ones by the alphabet.
        weights: For ``tf_idf``, of each word; learned with the vocabulary.

    Example:
        >>> learned = TextVectorization().fit(["A good film!", "a bad film"])
        >>> learned.vocabulary, learned.encode(["A very good film", "bad"]).tolist()
        (('a', 'film', 'bad', 'good'), [[2, 1, 5, 3], [4, 0, 0, 0]])
    """

    standardize: Literal["lower_and_strip_punctuation", "lower", "strip_punctuation"] | None = "lower_and_strip_punctuation"
    split: Literal["whitespace", "character"] | None = "whitespace"
    ngrams: Widths = (1,)
    max_tokens: Annotated[int, Field(ge=3)] | None = None
    length: Count | None = None
    output: Literal["tokens", "multi_hot", "counts", "tf_idf"] = "tokens"
    vocabulary: listed(str) | None = None  # type: ignore[valid-type]
    weights: listed(float) | None = None  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _agree(self) -> Self:
        words = self.vocabulary
        if words is not None and (not words or len({*words}) < len(words) or "" in words):
            raise wrong_value(
                expected="a vocabulary of at least one word, each once",
                cause="a word can have one place only",
                fix="remove what is there twice",
            )
        if self.output == "tf_idf" and (words is None) != (self.weights is None):
            raise wrong_value(
                expected="vocabulary and weights together, or neither",
                cause="how rare words are is learned with the words",
                fix="give a weight for each word, or leave out both",
            )
        if self.weights is not None and (self.output != "tf_idf" or words is None or len(self.weights) != len(words)):
            raise wrong_value(
                expected="a weight for each word of the vocabulary, and output: tf_idf",
                cause="nothing else uses the weights",
                fix="leave weights out",
            )
        if self.length is not None and self.output != "tokens":
            raise wrong_value(
                expected="no length", cause="vectors have a place for each word", fix="remove length, or write output: tokens"
            )
        return self

    # -- learning -----------------------------------------------------------------------------------------------------

    def words(self, text: str) -> list[str]:
        """The words of a text, and those in a row that count as one."""
        style = self.standardize or ""
        text = text.lower() if "lower" in style else text
        text = text.translate(_PUNCTUATION) if "strip" in style else text
        pieces = text.split() if self.split == "whitespace" else list(text) if self.split == "character" else [text] if text else []
        # Those of one word first, then pairs, as in Keras.
        return [" ".join(pieces[i : i + width]) for width in self.ngrams for i in range(len(pieces) - width + 1)]

    def fit(self, texts: Iterable[str]) -> Self:
        """The same with a vocabulary, learned from these texts unless it has one.

        Raises:
            DataError: DA012, if there is no word in them.
        """
        if self.vocabulary is not None:
            return self
        cut = [self.words(text) for text in texts]
        counts = Counter(word for words in cut for word in words)
        most = None if self.max_tokens is None else self.max_tokens - 2
        vocabulary = tuple(sorted(counts, key=lambda word: (-counts[word], word))[:most])
        if not vocabulary:
            raise DataError(
                "DA012",
                where="the texts",
                expected="at least one word",
                got=f"{len(cut)} texts without any",
                cause="the column is empty, or holds nothing but punctuation",
                fix="name the column that holds the texts, or write standardize: lower",
            )
        if self.output != "tf_idf":
            return self.replace(vocabulary=vocabulary)
        holding = Counter(word for words in cut for word in {*words})
        return self.replace(vocabulary=vocabulary, weights=tuple(math.log(1 + len(cut) / (1 + holding[word])) for word in vocabulary))

    # -- using it -----------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Shape:
        """Of one text, once there is a vocabulary."""
        count = len(self.vocabulary or ())
        return Tokens(steps=self.length, vocabulary=count + 2) if self.output == "tokens" else Features(count + 1)

    @property
    def names(self) -> tuple[str, ...]:
        """Of each number of a vector."""
        return ("[unknown]", *(self.vocabulary or ()))

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Tokens ``[texts, length]``, int64; or vectors ``[texts, words]``, float64."""
        import numpy as np

        places = {word: place for place, word in enumerate(self.vocabulary or (), start=2)}
        rows = [[places.get(word, UNKNOWN) for word in self.words(str(text))] or [UNKNOWN] for text in texts]
        if self.output == "tokens":
            longest = self.length or max((len(row) for row in rows), default=1)
            tokens = np.full((len(rows), longest), NOTHING, dtype=np.int64)
            for number, row in enumerate(rows):
                tokens[number, : len(row)] = row[:longest]
            return tokens
        counts = np.zeros((len(rows), len(places) + 1))
        for number, row in enumerate(rows):
            np.add.at(counts[number], np.array(row) - 1, 1)
        if self.output == "multi_hot":
            return np.minimum(counts, 1)
        if self.weights is None:
            return counts
        weighted: np.ndarray = counts * np.array([sum(self.weights) / len(self.weights), *self.weights])
        return weighted

"""Tokenizers that cut texts into words and characters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from lamina.data.text.cleaning import ENGLISH, Cleaner, cleaned, without_accents
from lamina.data.text.tokenizer import Numbering, Tokenizer
from lamina.errors import DataError
from lamina.spec import register, wrong_value
from lamina.spec.fields import listed

# \w of Rust's regular expressions are letters, marks, digits and connectors by Unicode's annex 18. Chinese characters and hiragana are
# written without blanks: each is a word, as in Unicode's annex 29.
_LETTER = r"[\w--[\p{Han}\p{Hiragana}]]"
WORD = rf"\d+(?:[.,]\d+)+|{_LETTER}+(?:['’]{_LETTER}+)*|[\p{{Han}}\p{{Hiragana}}]"
"""A word, unless ``pattern`` says otherwise."""
MARK = r"[^\w\s]"
"""What is neither a word nor blank."""


def _stop(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


StopWords = Annotated[
    Literal["english"] | tuple[str, ...],
    BeforeValidator(_stop),
    WithJsonSchema({"anyOf": [{"const": "english"}, {"type": "array", "items": {"type": "string"}}]}),
]


class WordTokenizer(Tokenizer):
    """Base of tokenizers that cut into words.

    Attributes:
        lower: Whether letters are made small first.
        strip_accents: Whether letters lose their accents.
        clean: What is done to the words afterwards, one after the other: ``common``, ``lower``, ``endings``, ``punctuation``; see
            `lamina.data.text.cleaning.Cleaner`.
        stop_words: Words to leave out: ``english`` for `lamina.data.text.cleaning.ENGLISH`, or a list.
    """

    lower: bool = True
    strip_accents: bool = False
    clean: listed(Cleaner) = ()  # type: ignore[valid-type]
    stop_words: StopWords = ()

    def cut(self, texts: Sequence[str]) -> list[list[str]]:
        if self.lower:
            texts = [text.lower() for text in texts]
        if self.strip_accents:
            texts = [without_accents(text) for text in texts]
        stop = ENGLISH if self.stop_words == "english" else frozenset(self.stop_words)
        found = self._split(texts)
        return [cleaned(words, self.clean, stop) for words in found] if self.clean or stop else found

    def _split(self, texts: Sequence[str]) -> list[list[str]]:
        raise NotImplementedError(type(self).__name__)


@register("words")
class Words(WordTokenizer):
    r"""Words as Unicode has them: letters, marks, digits and ``_`` in a row.

    An apostrophe between letters belongs to the word (``don't``), a point or comma between digits to the number (``1.50``). Chinese
    characters and hiragana are words for themselves; Thai and its neighbours, written without blanks, are not taken apart.

    Attributes:
        punctuation: ``drop`` leaves out what is no word; ``keep`` makes a word of each such character (emoji too).
        pattern: What a word is instead, as a regular expression (Rust's syntax, which looks neither ahead nor back and can't hang),
            such as ``\b\w\w+\b``, scikit-learn's.

    Example:
        >>> Words().cut(["Don't pay £1.50!"]), Words(punctuation="keep").cut(["No ☺!"])
        ([["don't", 'pay', '1.50']], [['no', '☺', '!']])
    """

    punctuation: Literal["drop", "keep"] = "drop"
    pattern: Annotated[str, Field(min_length=1, max_length=1000)] | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(punctuation="keep", stop_words="english"), cls(pattern=r"\b\w\w+\b", strip_accents=True, clean=["endings"])]

    @model_validator(mode="after")
    def _one_rule(self) -> Words:
        if self.pattern is not None and self.punctuation != "drop":
            raise wrong_value(
                expected="punctuation without pattern",
                cause="the pattern says what a word is, marks included",
                fix=rf"remove punctuation, or write pattern: '\w+|{MARK}'",
            )
        return self

    def _split(self, texts: Sequence[str]) -> list[list[str]]:
        pattern = self.pattern or (WORD if self.punctuation == "drop" else f"{WORD}|{MARK}")
        found = extract(texts, pattern)
        return [[word for word in words if word] for words in found] if self.pattern else found


@register("whitespace")
class Whitespace(WordTokenizer):
    """What stands between blanks, marks included; nothing is changed unless asked for.

    Example:
        >>> Whitespace().cut(["Good, bad"]), Whitespace(clean=["common"]).cut(["Good, bad"])
        ([['Good,', 'bad']], [['good', 'bad']])
    """

    lower: bool = False

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(clean=["common", "endings"], stop_words=["the"])]

    def _split(self, texts: Sequence[str]) -> list[list[str]]:
        return [text.split() for text in texts]


@register("characters")
class Characters(Tokenizer):
    """Every character (code point), blanks included.

    Attributes:
        lower: Whether letters are made small first.
        strip_accents: Whether letters lose their accents.

    Example:
        >>> Characters(lower=True).cut(["Ab c"])
        [['a', 'b', ' ', 'c']]
    """

    glue: ClassVar[str] = ""
    lower: bool = False
    strip_accents: bool = False

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(lower=True, strip_accents=True)]

    def cut(self, texts: Sequence[str]) -> list[list[str]]:
        texts = [text.lower() for text in texts] if self.lower else texts
        return [list(without_accents(text) if self.strip_accents else text) for text in texts]


def _widths(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return tuple(range(1, value + 1))
    return tuple(value) if isinstance(value, list) else value


_WIDTH = {"type": "integer", "minimum": 1}
_WIDTHS = {"anyOf": [_WIDTH, {"type": "array", "items": _WIDTH, "minItems": 1}]}
Widths = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1), BeforeValidator(_widths), WithJsonSchema(_WIDTHS)]
"""A number for all up to it, or a list of exactly those."""


@register("ngrams")
class NGrams(Tokenizer):
    """Several pieces in a row as one: pairs of words, or three letters.

    Attributes:
        sizes: Pieces in a row that count as one: up to so many, or exactly those of a list.
        of: What cuts the pieces: words (a blank stands between them afterwards), or characters.

    Example:
        >>> NGrams(2).cut(["not very good"]), NGrams([3], of="characters").cut(["good"])
        ([['not', 'very', 'good', 'not very', 'very good']], [['goo', 'ood']])
    """

    positional: ClassVar[tuple[str, ...]] = ("sizes",)
    local: ClassVar[bool] = False
    sizes: Widths = (1, 2)
    of: Tokenizer = Words()

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls([2, 3], of="characters"), cls(2, of={"type": "words", "stop_words": "english"})]

    @model_validator(mode="after")
    def _cuts(self) -> NGrams:
        if isinstance(self.of, Numbering | NGrams):
            raise wrong_value(
                expected="a tokenizer that cuts words or characters",
                cause="parts of words that are numbered already make no pieces to put together",
                fix="write of: words, whitespace or characters",
            )
        return self

    def cut(self, texts: Sequence[str]) -> list[list[str]]:
        return [in_a_row(pieces, self.sizes, self.of.glue) for pieces in self.of.cut(texts)]


def in_a_row(pieces: list[str], sizes: tuple[int, ...], glue: str) -> list[str]:
    """Pieces in a row as one; all of the first size stand before those of the next, as in Keras."""
    if sizes == (1,):
        return pieces
    return [glue.join(pieces[i : i + size]) for size in sizes for i in range(len(pieces) - size + 1)]


def extract(texts: Sequence[str], pattern: str) -> list[list[str]]:
    """All places of each text that a regular expression in Rust's syntax fits.

    Raises:
        DataError: DA165, if it is none.
    """
    import polars as pl

    try:
        found: list[list[str]] = pl.Series(texts, dtype=pl.String).str.extract_all(pattern).to_list()
    except pl.exceptions.ComputeError as error:
        raise DataError(
            "DA165",
            where="tokenizer words, pattern",
            expected="a regular expression in Rust's syntax",
            got=repr(pattern),
            cause=" ".join(str(error).split())[:300],
            fix=r"without looking ahead or back, and without \1; for example \b\w\w+\b",
        ) from error
    return found

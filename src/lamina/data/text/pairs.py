"""Two texts as one row of tokens: does one answer the other, follow from it, mean the same?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.text.filling import filled, tell_of_cutting
from lamina.data.text.tokenizer import no_token
from lamina.errors import DataError
from lamina.shapes import Tokens

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset
    from lamina.data.vectorization import TextVectorization

TEXT, SEGMENT = "text", "segment"
"""Names of the inputs: the tokens, and which of the two texts each of them belongs to."""


def encode_pairs(vectorization: TextVectorization, first: Sequence[str], second: Sequence[str]) -> dict[str, np.ndarray]:
    """Pairs of texts as BERT reads them: begin, the first, end, the second, end; and 0 or 1 for each token.

    With ``length`` tokens are taken away from the end of whichever text is longer, until the pair fits, with the warning DA161.

    Args:
        vectorization: Learned, with ``end: true``, whose token stands between the two; ``begin: true`` as it is wanted.
        first: The first text of each pair.
        second: The second.

    Returns:
        ``text`` and ``segment``, ``[pairs, steps]``, int64.

    Raises:
        DataError: DA002, if there are more of one; DA160, for what is no text; DA164, if there is no token to stand between.
        LaminaWarning: DA161, once for each call, if pairs are cut off.

    Example:
        >>> from lamina.data.vectorization import TextVectorization
        >>> words = TextVectorization(tokenizer="words", begin=True, end=True).fit(["who is it", "it is me"])
        >>> pairs = encode_pairs(words, ["who is it"], ["me"])
        >>> words.decode(pairs["text"]), pairs["text"].tolist(), pairs["segment"].tolist()
        (['who is it me'], [[2, 7, 4, 5, 3, 6, 3]], [[0, 0, 0, 0, 0, 1, 1]])
    """
    if len(first) != len(second):
        raise DataError(
            "DA002",
            where="the second texts",
            expected=f"{len(first)}, one for each first text",
            got=f"{len(second)}",
            cause="rows were dropped from one of them and not from the other",
            fix="give as many texts in both; text i of both must be a pair",
        )
    special = vectorization.special
    if special["end"] is None:
        raise no_token(vectorization.numbering, "end", cause="something must stand between the texts of a pair: write end: true")
    begin = [special["begin"]] if vectorization.begin and special["begin"] is not None else []
    pairs = list(zip(vectorization.numbers(first), vectorization.numbers(second), strict=True))
    extra = len(begin) + 2
    if vectorization.length is not None:
        most = vectorization.length - extra
        if most < 2:
            raise DataError(
                "DA006",
                where=f"pairs of length {vectorization.length}",
                expected=f"a length of at least {extra + 2}",
                got=f"{vectorization.length}",
                cause="a token of each text must have room beside those that begin and end them",
                fix=f"write length: {extra + 2} or more",
            )
        if any(len(one) + len(two) > most for one, two in pairs):
            tell_of_cutting([[*one, *two] for one, two in pairs], most, vectorization.length, "end")
        pairs = [_fitting(one, two, most) for one, two in pairs]
    end = special["end"]
    rows = [[*begin, *one, end, *two, end] for one, two in pairs]
    segments = [[0] * (len(begin) + len(one) + 1) + [1] * (len(two) + 1) for one, two in pairs]
    filler = special["pad"]
    if filler is None and len({len(row) for row in rows}) > 1:
        raise no_token(vectorization.numbering, "pad", cause="pairs of different lengths are filled up to one")
    length = vectorization.length
    return {TEXT: filled(rows, length, filler or 0), SEGMENT: filled(segments, length, 0)}


def _fitting(one: list[int], two: list[int], most: int) -> tuple[list[int], list[int]]:
    """Both without the tokens at their ends that are too many; the longer one loses first."""
    size = len(one) + len(two)
    if size <= most:
        return one, two
    short = min(len(one), len(two), most // 2)
    return (one[:short], two[: most - short]) if len(one) <= len(two) else (one[: most - short], two[:short])


def pair_dataset(vectorization: TextVectorization, first: Sequence[str], second: Sequence[str], y: Any = None, **settings: Any) -> Dataset:
    """Pairs of texts as data for a network with the inputs ``text`` and ``segment``.

    Args:
        vectorization: As for `encode_pairs`; learned from these texts, if it isn't yet.
        first: The first text of each pair.
        second: The second.
        y: What is to be learned of each pair, as for `lamina.Dataset.from_arrays`.
        **settings: As there: ``labels``, ``kind``, ``weight``.

    Raises:
        DataError: As `encode_pairs`.

    Example:
        >>> from lamina.data.vectorization import TextVectorization
        >>> words = TextVectorization(tokenizer="words", end=True)
        >>> pair_dataset(words, ["a b", "c"], ["b", "d"], ["same", "other"])
        Dataset(2 samples; text [batch, ?], segment [batch, ?]; targets output)
    """
    from lamina.data.dataset import Dataset

    learned = vectorization.fit([*first, *second])
    arrays = encode_pairs(learned, first, second)
    size = len(learned.tokens)
    shapes = {TEXT: Tokens(steps=learned.length, vocabulary=size), SEGMENT: Tokens(steps=learned.length, vocabulary=2)}
    masks = {name: learned.real(arrays[TEXT]) for name in arrays} if learned.fill_mask else None
    return Dataset.from_arrays(arrays, y, shape=shapes, masks=masks, **settings)

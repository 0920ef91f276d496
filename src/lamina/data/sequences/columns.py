"""Columns of sequences as numbers of each step: what a model keeps of them, and using it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from lamina.data.sequences.problems import odd_row
from lamina.data.sequences.rows import Rows, no_column
from lamina.errors import DataError, nearest
from lamina.shapes import Features, Shape, Tokens, with_steps
from lamina.spec import Description
from lamina.spec.fields import listed

if TYPE_CHECKING:
    import numpy as np

Missing: TypeAlias = Literal["error", "zero", "previous"]
GONE = frozenset(("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"))
"""What means that a value is missing."""
UNKNOWN = 1
"""Token of a word that the vocabulary doesn't hold; 0 fills sequences up."""


class StepColumns(Description):
    """How the values of a row become the numbers of a step.

    Attributes:
        features: Columns, in their order.
        vocabularies: Of those that hold words, the words; each becomes as many columns of 0 and 1.
        tokens: The only column holds words that become tokens: 0 fills sequences up, 1 is a word that is not known, words count from 2.
        lower: Whether words are turned to small letters first.
        missing: What stands for a missing number: ``error`` refuses it; ``zero``; ``previous``, the number of the step before, and
            zero at the first.
    """

    features: listed(str)  # type: ignore[valid-type]
    vocabularies: dict[str, listed(str)] = {}  # type: ignore[valid-type]
    tokens: bool = False
    lower: bool = False
    missing: Missing = "error"

    @property
    def names(self) -> tuple[str, ...]:
        """Of each number of a step."""
        found: list[str] = []
        for name in self.features:
            words = self.vocabularies.get(name)
            found += [name] if words is None or self.tokens else [f"{name}={word}" for word in words]
        return tuple(found)

    def step_shape(self, steps: int | None) -> Shape:
        """Of a sequence of so many steps."""
        if self.tokens:
            return Tokens(steps=steps, vocabulary=len(self.vocabularies[self.features[0]]) + 2)
        return with_steps(Features(len(self.names)), steps)

    def encode(self, rows: Rows, names: tuple[str, ...]) -> np.ndarray:
        """Numbers ``[steps, columns]``, float64; of tokens ``[steps]``, int64.

        Args:
            rows: A sequence.
            names: Of its columns.

        Raises:
            DataError: DA014 for a column that is not there; DA153 for what is no number or missing; DA015 for a category that is not known.
        """
        import numpy as np

        columns = []
        for name in self.features:
            if name not in names:
                raise no_column(name, names, rows.file, "a feature")
            words = self.vocabularies.get(name)
            texts = [values[names.index(name)] for values in rows.values]
            if words is None:
                columns.append(numbers(texts, rows, name, self.missing)[:, None])
            elif self.tokens:
                places = {word: place for place, word in enumerate(words, start=2)}
                return np.array([places.get(_word(text, lower=self.lower), UNKNOWN) for text in texts], dtype=np.int64)
            else:
                columns.append(np.eye(len(words))[places_of(texts, words, rows, name)])
        return np.concatenate(columns, axis=1)


def learn(
    sequences: Sequence[Rows],
    names: tuple[str, ...],
    features: Sequence[str],
    *,
    categorical: Sequence[str] = (),
    tokens: bool = False,
    lower: bool = False,
    least: int = 1,
    most: int | None = None,
    missing: Missing = "error",
) -> StepColumns:
    """Which columns hold words, and which words.

    A column holds words if the first sequence has one in it that is no number.

    Args:
        sequences: All of them.
        names: Of their columns.
        features: Columns to learn from.
        categorical: Columns that hold words though they look like numbers.
        tokens: Whether the words of the only column become tokens.
        lower: As for `StepColumns`.
        least: Rarer words become the token of unknown ones.
        most: Words of the vocabulary for tokens, the most frequent ones.
        missing: As for `StepColumns`.

    Raises:
        DataError: DA014, for a column that is not there.
    """
    if not features:
        raise DataError(
            "DA016",
            where=sequences[0].file,
            expected="columns to learn from",
            got=f"none of {', '.join(names[:12])}",
            cause="every column has another role",
            fix="give the rows another column, or take its role from one: features: [COLUMN]",
        )
    vocabularies: dict[str, tuple[str, ...]] = {}
    for name in features:
        if name not in names:
            raise no_column(name, names, sequences[0].file, "features")
        place = names.index(name)
        if not tokens and name not in categorical and all(is_number(values[place]) for values in sequences[0].values):
            continue
        counts = Counter(_word(values[place], lower=lower) for rows in sequences for values in rows.values)
        kept = [word for word in counts if counts[word] >= least] if tokens else [word for word in counts if word not in GONE]
        ordered = sorted(kept, key=lambda word: (-counts[word], word)) if tokens else sorted(kept)
        vocabularies[name] = tuple(ordered[:most] if tokens else ordered)
    return StepColumns(features=tuple(features), vocabularies=vocabularies, tokens=tokens, lower=lower, missing=missing)


def is_number(text: str) -> bool:
    """Whether a text is a number, or stands for a missing one."""
    if text in GONE:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


def numbers(texts: list[str], rows: Rows, column: str, missing: Missing) -> np.ndarray:
    """A column of numbers, float64.

    Raises:
        DataError: DA153, naming file, line and column of the first that is none, or missing, or not finite.
    """
    import numpy as np

    try:
        found = np.array(texts, dtype=np.float64)
    except ValueError:
        found = np.array([np.nan if text in GONE else _number(text, rows, step, column) for step, text in enumerate(texts)])
    wrong = ~np.isfinite(found)
    if not wrong.any():
        return found
    step = next((place for place in np.flatnonzero(wrong).tolist() if missing == "error" or texts[place] not in GONE), None)
    if step is not None:
        raise odd_row(
            where=f"{rows.where(step)}, column {column!r}",
            expected="a finite number",
            got=repr(texts[step]),
            cause="a measurement is missing" if texts[step] in GONE else "a division by zero before, or an overflow",
            fix="fill it in, or write missing: previous (or zero)" if texts[step] in GONE else "correct it",
        )
    if missing == "zero":
        return np.where(wrong, 0.0, found)
    last = np.maximum.accumulate(np.where(wrong, -1, np.arange(len(found))))
    return np.where(last < 0, 0.0, found[last])


def places_of(texts: list[str], words: Sequence[str], rows: Rows, column: str, code: str = "DA015") -> np.ndarray:
    """The place of each word in a list, int64.

    Raises:
        DataError: DA015 for a category, DA007 for a class that is not known, naming file, line and column.
    """
    import numpy as np

    places = {word: place for place, word in enumerate(words)}
    step = next((step for step, text in enumerate(texts) if text not in places), None)
    if step is not None:
        near = nearest(texts[step], words)
        gone = texts[step] in GONE
        raise DataError(
            "DA015" if code == "DA015" else "DA007",
            where=f"{rows.where(step)}, column {column!r}",
            expected=f"one of {', '.join(words[:10])}{' ...' if len(words) > 10 else ''}",
            got=repr(texts[step]),
            cause="a value is missing" if gone else "a word that was not there in training, or a typo",
            fix=f"did you mean {near!r}?" if near else "correct it, or train on data that hold it too",
        )
    return np.array([places[text] for text in texts], dtype=np.int64)


def _number(text: str, rows: Rows, step: int, column: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise odd_row(
            where=f"{rows.where(step)}, column {column!r}",
            expected="a number, as the column holds in the first sequence",
            got=repr(text[:60]),
            cause="another delimiter, a header within the file, or a word among numbers",
            fix=f"correct it, or write categorical: {column} if the column holds words",
        ) from error


def _word(text: str, *, lower: bool) -> str:
    return text.lower() if lower else text

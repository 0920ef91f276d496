"""Columns of words: each different word once, and a number for each row; arrays of text take many times the memory and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lamina.errors import DataError

if TYPE_CHECKING:
    import polars as pl

Column: TypeAlias = "np.ndarray | Words"
"""Of a table: float64 (NaN where a number is missing), float64 with two axes for lists of numbers, or words."""
SMALL_WHOLE = 1 << 15
"""Whole numbers below this are counted, not sorted."""
WIDE_LETTERS = 1 << 22
"""From so many letters on, a few long texts are not allowed to make all others as wide as they are."""


class Words:
    """A column of words.

    Args:
        codes: For each row which of ``values`` it is, integers.
        values: The different words, sorted; a missing one is ``""``.

    Example:
        >>> words = Words.of(["b", "a", "b"])
        >>> words.values.tolist(), words.codes.tolist(), words[1:].tolist()
        (['a', 'b'], [1, 0, 1], ['a', 'b'])
    """

    dtype = np.dtype("U")
    ndim = 1

    def __init__(self, codes: np.ndarray, values: np.ndarray) -> None:
        self.codes = codes
        self.values = values

    @classmethod
    def of(cls, texts: Sequence[str] | np.ndarray) -> Words:
        """A column of these words."""
        array = texts if isinstance(texts, np.ndarray) and texts.dtype.kind in "US" else as_array([str(text) for text in texts])
        values, codes = np.unique(array, return_inverse=True)
        return cls(codes.astype(np.int32), values)

    @classmethod
    def of_series(cls, series: pl.Series) -> Words:
        """A Polars column of strings, blanks at both ends gone, missing ones as nothing."""
        import polars as pl

        texts = series.cast(pl.String)
        # Rows are looked up once; blanks and order are a matter of the different texts.
        there = texts.unique().drop_nulls()
        raw = texts.cast(pl.Enum(there)).to_physical().cast(pl.Int32).fill_null(len(there)).to_numpy()
        trimmed = there.str.strip_chars()
        if texts.null_count():
            trimmed = pl.concat([trimmed, pl.Series([""], dtype=pl.String)])
        ranked = trimmed.unique().sort()
        places = trimmed.cast(pl.Enum(ranked)).to_physical().cast(pl.Int32).to_numpy()
        return cls(places[raw] if len(places) else np.zeros(0, dtype=np.int32), as_array(ranked.to_list()))

    @classmethod
    def joined(cls, parts: Sequence[Words]) -> Words:
        """Columns one after the other.

        Example:
            >>> Words.joined([Words.of(["b", "a"]), Words.of(["c"])]).tolist()
            ['b', 'a', 'c']
        """
        values = np.unique(np.concatenate([part.values for part in parts]))
        places = [np.searchsorted(values, part.values).astype(np.int32) for part in parts]
        codes = [place[part.codes] for place, part in zip(places, parts, strict=True) if len(part)]
        return cls(np.concatenate(codes) if codes else np.zeros(0, dtype=np.int32), values)

    @property
    def shape(self) -> tuple[int]:
        """Rows."""
        return (len(self.codes),)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, places: Any) -> Any:
        if isinstance(places, int | np.integer):
            return str(self.values[self.codes[places]])
        return Words(self.codes[places], self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:  # noqa: FBT001 (NumPy's protocol)
        array = self.values[self.codes] if len(self.values) else np.zeros(0, dtype=str)
        return array if dtype is None else array.astype(dtype)

    def tolist(self) -> list[str]:
        """The words, row by row."""
        found: list[str] = np.asarray(self).tolist()
        return found

    def different(self) -> list[str]:
        """The words that are there, sorted, without the missing one."""
        there = np.zeros(len(self.values), dtype=bool)
        there[self.codes] = True
        return [word for word in self.values[there].tolist() if word]

    def places(self, names: Sequence[str]) -> np.ndarray:
        """For each row the place of its word among ``names``; -1 for a word that isn't there, -2 for a missing one."""
        found = {name: place for place, name in enumerate(names)}
        table = np.asarray([-2 if not word else found.get(word, -1) for word in self.values.tolist()], dtype=np.int32)
        return table[self.codes] if len(table) else np.zeros(0, dtype=np.int32)


def as_array(texts: Sequence[str]) -> np.ndarray:
    """Texts as an array: each as wide as the longest, or objects where that would waste much memory.

    Example:
        >>> as_array(["a", "bc"]).dtype.kind, as_array(["a", "b" * 5_000_000]).dtype.kind
        ('U', 'O')
    """
    longest, letters = max(map(len, texts), default=0), sum(map(len, texts))
    wide = longest * len(texts)
    return np.asarray(texts, dtype=object if wide > WIDE_LETTERS and wide > 2 * letters - longest else str)


def as_column(values: Any) -> Column:
    """An array as a column of a table: text as words, numbers and truths as float64."""
    if isinstance(values, Words):
        return values
    if isinstance(values, list | tuple) and all(isinstance(value, str) for value in values):
        return Words.of(values)
    array = np.asarray(values)
    if array.dtype.kind in "biuf":
        return array.astype(np.float64)
    try:
        return Words.of(array.astype(str))
    except UnicodeDecodeError:
        # Bytes that are no text are no category of training either, and are shown as they are.
        texts = [value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value) for value in array.tolist()]
        return Words.of(texts)


def as_words(column: Column, names: Sequence[str] = ()) -> Words:
    """A column as words like ``names``: whole numbers without a point, missing ones as nothing; frames have true and false as 1 and 0."""
    if isinstance(column, Words):
        return column
    truths = {name.lower(): name for name in names}
    values, codes = distinct(column)
    if column.dtype.kind in "US":
        return Words(codes, values)
    both = truths.keys() == {"false", "true"} and bool(((values == 0) | (values == 1) | (values != values)).all())
    texts = np.asarray([_text(value, truths if both else None) for value in values.tolist()], dtype=str)
    return _sorted(Words(codes, texts))


def words_of(table: Mapping[str, Column], name: str, where: str, names: Sequence[str] = ()) -> Words:
    """A column of a table as words, see `as_words`.

    Raises:
        DataError: DA005, if its rows hold lists.
    """
    column = table[name]
    if column.ndim != 1:
        raise DataError(
            "DA005",
            where=f"{where}, column {name!r}",
            expected="one word or number in each row",
            got=f"lists of {column.shape[1]}",
            cause="the column held single values when the model was trained",
            fix="give one value for each row",
        )
    return as_words(column, names)


def as_text(column: Column) -> np.ndarray:
    """A column as an array of text, see `as_words`."""
    return np.asarray(as_words(column), dtype=str)


def as_numbers(column: Column) -> np.ndarray | None:
    """A column as float64: the words true and false as 1 and 0, words that are numbers as numbers; None, if one is neither."""
    if not isinstance(column, Words):
        return column.astype(np.float64, copy=False) if column.dtype.kind in "biuf" else as_numbers(Words.of(column))
    there = column.different()
    if there and {word.lower() for word in there} <= {"true", "false"}:
        table = [float("nan") if not word else float(word.lower() == "true") for word in column.values.tolist()]
    elif all(is_number(word) for word in there):
        table = [float("nan") if not is_number(word) else float(word) for word in column.values.tolist()]
    else:
        return None
    return np.asarray(table, dtype=np.float64)[column.codes] if table else np.zeros(0)


def first_odd(column: Words) -> int:
    """Row of the first word that is no number."""
    odd = np.asarray([bool(word) and not is_number(word) for word in column.values.tolist()])
    found = np.flatnonzero(odd[column.codes])
    return int(found[0]) if len(found) else 0


def class_names(column: Column) -> tuple[str, ...]:
    """Names of the classes in sorted order; numbers in the order of numbers."""
    if isinstance(column, Words):
        return tuple(column.different())
    values = distinct(column)[0].tolist()
    return tuple(values) if column.dtype.kind == "U" else tuple(_text(value, None) for value in values)


def distinct(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different values, sorted, and for each row which of them it is; without sorting rows, where they are small whole numbers.

    Example:
        >>> distinct(np.array([7.0, 3.0, 7.0]))
        (array([3., 7.]), array([1, 0, 1]))
    """
    if column.dtype.kind == "f" and column.size:
        low, high = column.min(), column.max()
        if -SMALL_WHOLE < low <= high < SMALL_WHOLE and (column == np.rint(column)).all():
            places = (column - low).astype(np.int64)
            there = np.flatnonzero(np.bincount(places))
            numbers = np.empty(int(high - low) + 1, np.int64)
            numbers[there] = np.arange(len(there))
            return low + there, numbers[places]
    values, codes = np.unique(column, return_inverse=True)
    return values, codes


def is_number(text: Any) -> bool:
    """Whether text can be read as a number."""
    try:
        float(text)
    except (TypeError, ValueError):
        return False
    return True


def _text(value: Any, truths: dict[str, str] | None) -> str:
    if value != value:
        return ""
    if truths is not None:
        return truths["true" if value else "false"]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return repr(value) if isinstance(value, float) else str(value)


def _sorted(words: Words) -> Words:
    """The same with the different words in order, as numbers' texts aren't in that of the numbers."""
    values, places = np.unique(words.values, return_inverse=True)
    return Words(places[words.codes].astype(np.int32), values)

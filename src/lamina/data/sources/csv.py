"""Tables in text files: csv and its relatives, with a role for each column."""

from __future__ import annotations

import os
from collections.abc import Collection
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from lamina.data.sources.table import TableSource
from lamina.data.storage.problems import unreadable
from lamina.data.vectorization import TextVectorization
from lamina.errors import DataError
from lamina.spec import register, wrong_value
from lamina.spec.fields import listed

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.words import Column

WHITESPACE = "whitespace"
DELIMITERS = (",", ";", "\t", "|", WHITESPACE)
"""What a file for prediction may be cut by."""
GONE = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")
"""What means that a value is missing."""


@register("csv")
class Csv(TableSource):
    """Rows of a text file, a sample each; what columns are for is described at `lamina.data.columns.Roles`.

    Attributes:
        path: The file; relative to the recipe.
        delimiter: What stands between values; ``whitespace`` for any number of blanks.
        header: Whether the first line names the columns.
        names: Names of the columns, where there is no header; ``column_1`` ... by default.

    What the columns are for is said as `lamina.data.sources.table.TableSource` describes it.

    Example:
        >>> Csv.from_yaml("{path: flowers.csv, target: species}").target
        ('species',)
    """

    positional: ClassVar[tuple[str, ...]] = ("path",)
    path: str
    delimiter: str = ","
    header: bool = True
    names: listed(str) | None = None  # type: ignore[valid-type]

    @classmethod
    def examples(cls) -> list[Any]:
        words = TextVectorization(max_tokens=1000)
        return [
            cls(path="flowers.csv", target=["species"]),
            cls(path="films.csv", target=["liked"], text="review", vectorize=words),
            cls(path="rows.txt", delimiter=WHITESPACE, header=False, names=["a", "b"]),
        ]

    @model_validator(mode="after")
    def _one_delimiter(self) -> Self:
        if self.delimiter != WHITESPACE and len(self.delimiter) != 1:
            raise wrong_value(
                expected="one character, or the word whitespace",
                cause="values are cut at every place where this one character stands",
                fix='write delimiter: ";" (or "\\t" for tabs)',
            )
        return self

    def marks(self) -> tuple[str, ...]:
        return GONE

    def frame(self) -> pl.LazyFrame:
        import numpy as np
        import polars as pl

        from lamina.data.words import Words

        def series(name: str, column: Column) -> pl.Series:
            if isinstance(column, Words):
                return pl.Series(name, column.tolist(), dtype=pl.String).replace("", None)
            whole = bool((np.isnan(column) | (column == np.floor(column))).all())
            values = pl.Series(name, column, nan_to_null=True)
            return values.cast(pl.Int64) if whole and not np.isinf(column).any() else values

        return pl.DataFrame([series(name, column) for name, column in self.table().items()]).lazy()

    def table(self) -> dict[str, Column]:
        """All columns: float64, or text where a value is none that could be a number.

        Raises:
            DataError: DA031 if the file isn't there, DA032 if a row has another number of values.
        """
        texts = self.categorical if self.text is None else (*self.categorical, self.text)
        return read_table(self.path, delimiter=self.delimiter, header=self.header, names=self.names, texts=texts)


def find_delimiter(path: str | os.PathLike[str], names: Collection[str]) -> str:
    """The delimiter by which the first line of a file holds the most of these names; a comma, if all do as badly.

    Raises:
        DataError: DA031 or DA032, if the file can't be read.
    """
    counts = {mark: len({name.strip() for name in (_rows(Path(path), mark, most=1) or [[]])[0]} & {*names}) for mark in DELIMITERS}
    return max(counts, key=lambda mark: counts[mark])


def read_table(
    path: str | os.PathLike[str],
    *,
    delimiter: str = ",",
    header: bool = True,
    names: tuple[str, ...] | None = None,
    texts: tuple[str, ...] = (),
) -> dict[str, Column]:
    """Columns of a text file by name, see `Csv`.

    Raises:
        DataError: DA031 if the file isn't there, DA032 if a row has another number of values, DA006 if there are no rows.
    """
    rows = _rows(Path(path), delimiter)
    if header:
        found = tuple(name.strip() for name in (rows.pop(0) if rows else ()))
        names = names or found
    if not rows:
        fix = "give a file with rows; header: false if the first line already is one"
        raise DataError("DA006", where=str(path), expected="at least one row", got="none", cause="the file is empty", fix=fix)
    names = names or tuple(f"column_{i + 1}" for i in range(len(rows[0])))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        fix = "rename one of them; if the file has no header, write header: false"
        raise DataError(
            "DA017",
            where=str(path),
            expected="columns with different names",
            got=f"{twice!r} twice",
            cause="the header repeats a name",
            fix=fix,
        )
    odd = next((i for i, row in enumerate(rows) if len(row) != len(names)), None)
    if odd is not None:
        raise DataError(
            "DA032",
            where=f"{path}, row {odd + 1}",
            expected=f"{len(names)} values ({', '.join(names[:6])}{' ...' if len(names) > 6 else ''})",
            got=f"{len(rows[odd])}",
            cause="another delimiter, or one inside a value that is not quoted",
            fix='correct the row, or write the right delimiter: ";" (or "\\t", or whitespace)',
        )
    return {name: _column(column, text=name in texts) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def _rows(path: Path, delimiter: str, most: int | None = None) -> list[list[str]]:
    import csv

    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            if delimiter == WHITESPACE:
                return list(islice((line.split() for line in file if line.strip()), most))
            return list(islice((row for row in csv.reader(file, delimiter=delimiter, strict=True) if row), most))
    except OSError as error:
        raise unreadable(path, error) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            "DA032",
            where=str(path),
            expected="rows of text in UTF-8",
            got=str(error),
            cause="another encoding, an open quote, or no text file at all",
            fix="save the file as csv in UTF-8",
        ) from error


def _column(values: tuple[str, ...], *, text: bool) -> Column:
    import numpy as np

    from lamina.data.words import Words

    stripped = [value.strip() for value in values]
    if not text:
        try:
            return np.array([float(value) if value not in GONE else float("nan") for value in stripped])
        except ValueError:
            pass
    return Words.of(["" if value in GONE else value for value in stripped])

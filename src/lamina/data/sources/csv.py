"""Tables in text files: csv and its relatives, with a role for each column."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, model_validator

from lamina.data.sources.text_table import TextTable
from lamina.data.tables.dialect import GONE, WHITESPACE, Dialect
from lamina.data.vectorization import TextVectorization
from lamina.errors import DataError
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, listed

if TYPE_CHECKING:
    from lamina.data.tables.scan import Layout
    from lamina.data.words import Column

DELIMITERS = (",", ";", "\t", "|", WHITESPACE)
"""What a file for prediction may be cut by."""


@register("csv")
class Csv(TextTable):
    """Rows of text files, a sample each, whose values stand between delimiters.

    What the columns are for is said as `lamina.data.sources.table.TableSource` describes it, what values mean as
    `lamina.data.sources.text_table.TextTable` does. Empty lines are left out. A row with more or fewer values than there are columns
    is an error that names its line.

    Attributes:
        delimiter: What stands between values, a character or several; ``whitespace`` for any number of blanks.
        quote: Stands around values that hold a delimiter, a line end or a quote (doubled); null: quotes are letters like others.
        escape: Stands before a quote or delimiter that is part of a value.
        header: Whether the first line names the columns.
        names: Names of the columns, instead of those of the header or where there is none; ``column_1`` ... by default.
        max_columns: How many columns there may be.

    Example:
        >>> Csv.from_yaml("{path: flowers.csv, target: species}").target
        ('species',)
    """

    delimiter: Annotated[str, Field(min_length=1)] = ","
    quote: str | None = '"'
    escape: str | None = None
    header: bool = True
    names: listed(str) | None = None  # type: ignore[valid-type]
    max_columns: Count = 10_000

    @classmethod
    def examples(cls) -> list[Any]:
        words = TextVectorization(max_tokens=1000)
        return [
            cls(path="flowers.csv", target=["species"]),
            cls(path="films.csv", target=["liked"], text="review", vectorize=words),
            cls(path="rows.txt", delimiter=WHITESPACE, header=False, names=["a", "b"]),
        ]

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        for name in ("quote", "escape"):
            mark = getattr(self, name)
            if mark is not None and (len(mark) != 1 or not mark.isascii() or mark in "\r\n"):
                raise wrong_value(
                    expected=f"one plain character as {name}",
                    cause=f"{mark!r} is none",
                    fix=f"write {name}: null, if there is none",
                )
        given = [mark for mark in (self.delimiter, self.quote, self.escape, self.comment) if mark is not None]
        if len({*given}) < len(given) or "\n" in self.delimiter or "\r" in self.delimiter:
            raise wrong_value(
                expected="different marks for delimiter, quote, escape and comment, and no line end",
                cause="values could not be told apart",
                fix='write delimiter: ";" (or "\\t", or whitespace)',
            )
        return self

    def like(self, path: str, columns: Collection[str] = ()) -> Self:
        """The same in another file; its delimiter is the one by which its header has the columns."""
        made = super().like(path, columns)
        named = self.header and self.names is None and columns
        return made.replace(delimiter=find_delimiter(path, columns, self.delimiter)) if named else made

    def layout(self, strict: dict[str, int]) -> Layout:
        from lamina.data.tables.delimited import Delimited

        dialect = self.dialect(
            delimiter=self.delimiter,
            quote=self.quote,
            escape=self.escape,
            header=self.header,
            names=self.names,
            max_columns=self.max_columns,
        )
        return Delimited(dialect, tuple(strict.items()))


@register("tsv")
class Tsv(Csv):
    r"""Rows of text files, a sample each, whose values stand between tabs; otherwise as `Csv`.

    Example:
        >>> Tsv(path="flowers.tsv", target="species").delimiter
        '\t'
    """

    delimiter: Annotated[str, Field(min_length=1)] = "\t"

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(path="flowers.tsv", target=["species"])]


def find_delimiter(path: str | os.PathLike[str], names: Collection[str], usual: str = ",") -> str:
    """The delimiter by which the first line of a file holds the most of these names; the usual one, if it does as well as any.

    Raises:
        DataError: DA031 or DA032, if the file can't be read.
    """
    from lamina.data.storage import open_file
    from lamina.data.tables.heads import open_table

    file = open_file(path)
    counts: dict[str, int] = {}
    failures: list[DataError] = []
    for mark in dict.fromkeys((usual, *DELIMITERS)):
        try:
            opened = open_table(file, Dialect(delimiter=mark))
        except DataError as error:
            failures.append(error)
            continue
        opened.stream.close()
        counts[mark] = len({*opened.names} & {*names})
    if not counts:
        raise failures[0]
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
    from lamina.data.frames import read_frame

    settings: dict[str, Any] = {} if names is None else {"names": list(names)}
    return read_frame(Csv(path=os.fspath(path), delimiter=delimiter, header=header, categorical=list(texts), **settings).frame())


__all__ = ["DELIMITERS", "GONE", "WHITESPACE", "Csv", "Tsv", "find_delimiter", "read_table"]

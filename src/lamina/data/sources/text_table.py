"""What all tables in text files share: where values are missing, how numbers are written, what bounds reading."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, model_validator

from lamina.data.sources.filed import FileTable
from lamina.data.tables.dialect import GONE, Dialect
from lamina.spec import wrong_value
from lamina.spec.fields import Count, listed

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.tables.scan import Layout


class TextTable(FileTable):
    """Base of sources that read a table from text files, line by line.

    A column is whole numbers if all values of all files are, else numbers if they all are, else text; true and false, times and all
    other kinds are text until ``columns`` says what they are.

    Attributes:
        encoding: Of the text, such as ``utf-8``, ``latin-1``, ``cp1252``, ``utf-16``.
        skip: Lines to leave out at the start of each file.
        comment: What lines begin with that are left out.
        trim: Whether blanks at both ends of values are taken away.
        missing_values: What means that a value is missing; nothing at all always does.
        decimal: The decimal mark of numbers, ``.`` or ``,``.
        thousands: What groups the digits of numbers, such as ``,`` in 1,234.5.
        file_column: Name of a further column with the name of the file that a row is from.
        max_line: Bytes that a line may have.
    """

    encoding: str = "utf-8"
    skip: Annotated[int, Field(ge=0)] = 0
    comment: Annotated[str, Field(min_length=1)] | None = None
    trim: bool = True
    missing_values: listed(str) = GONE  # type: ignore[valid-type]
    decimal: Annotated[str, Field(pattern=r"^[.,]$")] = "."
    thousands: Annotated[str, Field(pattern=r"^[.,' _\u00a0\u202f\u2019]$")] | None = None
    file_column: str | None = None
    max_line: Count = 16 << 20

    @model_validator(mode="after")
    def _written(self) -> Self:
        try:
            text = codecs.lookup(self.encoding)._is_text_encoding
        except LookupError:
            text = False
        if not text:
            raise wrong_value(
                expected="the name of an encoding, such as utf-8, latin-1, cp1252 or utf-16",
                cause=f"there is no encoding {self.encoding!r}",
                fix="write encoding: utf-8, unless the file's program says something else",
            )
        if self.thousands == self.decimal:
            raise wrong_value(
                expected="different marks for thousands and decimals",
                cause=f"{self.decimal!r} can't be both",
                fix='write decimal: "," with thousands: "."',
            )
        return self

    def marks(self) -> tuple[str, ...]:
        return ("", *(mark for mark in self.missing_values if mark))

    def layout(self, strict: dict[str, int]) -> Layout:
        """How the files are cut and parsed; ``strict`` are the types that columns must have."""
        raise NotImplementedError(type(self).__name__)

    def dialect(self, **more: Any) -> Dialect:
        """How the files are written."""
        return Dialect(
            encoding=codecs.lookup(self.encoding).name,
            skip=self.skip,
            comment=self.comment,
            trim=self.trim,
            marks=tuple(dict.fromkeys(self.missing_values)),
            decimal=self.decimal,
            thousands=self.thousands,
            max_line=self.max_line,
            **more,
        )

    def frame(self) -> pl.LazyFrame:
        from lamina.data.tables.kinds import FLOAT, INTEGER, TEXT
        from lamina.data.tables.scan import Scan

        known = {"integer": INTEGER, "float": FLOAT}
        texts = (*self.categorical, *(() if self.text is None else (self.text,)))
        least = dict.fromkeys(texts, TEXT) | {name: known.get(column.kind, TEXT) for name, column in self.columns.items()}
        strict = {name: level for name, level in least.items() if level != TEXT} if self.invalid == "error" else {}
        return Scan(self.files(), self.layout(strict), least, file_column=self.file_column).lazy()

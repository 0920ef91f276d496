"""How a table is written in a text file."""

from __future__ import annotations

from dataclasses import dataclass

WHITESPACE = "whitespace"
GONE = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")
"""What means that a value is missing, unless other marks are given."""
BLOCK = 4 << 20
"""Bytes that are parsed at once: small enough for caches and memory, large enough that the calls don't count."""


@dataclass(frozen=True)
class Dialect:
    """What stands between values, around them, and before them.

    Attributes:
        delimiter: Between values; ``whitespace`` for any number of blanks.
        quote: Around values that hold a delimiter, a quote (doubled) or a line end; None if quotes are letters like others.
        escape: Before a quote or delimiter that is part of a value.
        comment: What lines begin with that are left out.
        skip: Lines to leave out at the start.
        header: Whether the first line then names the columns.
        names: Names of the columns instead.
        encoding: Of the text.
        trim: Whether blanks at both ends of values are taken away.
        marks: What means that a value is missing; an empty one always does.
        decimal: The decimal mark of numbers.
        thousands: What groups the digits of numbers.
        max_line: Bytes that a record may have.
        max_columns: How many there may be.
    """

    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    comment: str | None = None
    skip: int = 0
    header: bool = True
    names: tuple[str, ...] | None = None
    encoding: str = "utf-8"
    trim: bool = True
    marks: tuple[str, ...] = GONE
    decimal: str = "."
    thousands: str | None = None
    max_line: int = 16 << 20
    max_columns: int = 10_000

    @property
    def plain_numbers(self) -> bool:
        """Whether numbers are written as programs do."""
        return self.decimal == "." and self.thousands is None

    @property
    def separator(self) -> str:
        """What stands between values once a block is prepared for the parser, which knows single ASCII characters only."""
        return self.delimiter if len(self.delimiter) == 1 and self.delimiter.isascii() else "\x1f"

    @property
    def quote_byte(self) -> bytes | None:
        """The quote, where there may be one."""
        return None if self.quote is None or self.delimiter == WHITESPACE else self.quote.encode()

"""A block of records as a frame: by Polars where it is right, which is checked, and exactly where it isn't."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lamina.data.tables.blocks import Block, count
from lamina.data.tables.dialect import WHITESPACE, Dialect
from lamina.data.tables.kinds import EMPTY, FLOAT, INTEGER, narrowest, parsed_as
from lamina.data.tables.records import rows
from lamina.data.tables.texts import Parsed, TextParser

if TYPE_CHECKING:
    import polars as pl


class Parser(TextParser):
    """Parses the blocks of one file.

    Args:
        names: Of its columns.
        dialect: How it is written.
        file: For messages.
        strict: Types that columns must have, by name; what is none of them is an error.
    """

    def __init__(self, names: tuple[str, ...], dialect: Dialect, file: str, strict: dict[str, int] | None = None) -> None:
        super().__init__(names, dialect, file, strict)
        # What one block has shown the next ones are spared; either way gives the same.
        self._slow, self._marked = False, False

    def parse(self, block: Block, levels: Sequence[int], *, only: Sequence[str] | None = None) -> Parsed:
        """A block as a frame.

        Args:
            block: Whole records.
            levels: The narrowest types that columns may have.
            only: Columns that are wanted, of a block that is known to be right.

        Raises:
            DataError: DA032, if the records are none; DA051, for a value that is none of its strict type.
        """
        if self.dialect.escape is not None:
            return self._exactly(block, levels)
        data = self._prepared(block)
        if data is None:
            return self._exactly(block, levels)
        made = self._by_polars(data, block, levels, only)
        if made is None:
            less = self._without_empty_lines(data)
            made = None if less is None or len(less) == len(data) else self._by_polars(less, block, levels, only)
        return self._exactly(block, levels) if made is None else made

    # -- by Polars ----------------------------------------------------------------------------------------------------

    def _by_polars(self, data: bytes, block: Block, levels: Sequence[int], only: Sequence[str] | None) -> Parsed | None:
        if not data:
            return Parsed(self.empty(levels), tuple(levels))
        if not self._slow and self.dialect.plain_numbers and any(level != EMPTY for level in levels):
            frame = self._fast(data, levels, only)
            if frame is not None:
                return self._with_new(frame, levels)
        texts = self._texts(data)
        if texts is None:
            return None
        self._slow = any(level != EMPTY for level in levels)
        return self.narrowed(texts, levels, block)

    def _prepared(self, block: Block) -> bytes | None:
        """The block without comments, and with a delimiter that Polars knows; None if only reading it value by value is right."""
        dialect, data = self.dialect, block.data
        quote = dialect.quote_byte
        quoted = quote is not None and quote in data
        if (
            b"\0" in data
            or data.startswith(b"\xef\xbb\xbf")
            or (quote is not None and quoted and not _is_well_quoted(data, quote, dialect))
        ):
            return None
        if b"\r" in data and _has_lone_returns(data):
            if quoted:
                return None
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if dialect.comment is not None:
            if quoted:
                return None
            data = re.sub(rb"(?m)^" + re.escape(dialect.comment.encode()) + rb"[^\n]*\n", b"", data)
        if dialect.delimiter == WHITESPACE:
            data = re.sub(rb"(?m)^[ \t\r]+|[ \t\r]+$", b"", data)
            data = re.sub(rb"[ \t]+", b"\x1f", data)
        # Otherwise the count of delimiters will tell of empty lines.
        if len(self.names) == 1 or dialect.delimiter == WHITESPACE:
            return self._without_empty_lines(data)
        if dialect.separator == "\x1f":
            if quoted or b"\x1f" in data:
                return None
            data = data.replace(dialect.delimiter.encode(), b"\x1f")
        return data

    def _without_empty_lines(self, data: bytes) -> bytes | None:
        quote = self.dialect.quote_byte
        if not (data.startswith((b"\n", b"\r\n")) or b"\n\n" in data or b"\n\r\n" in data):
            return data
        if quote is not None and quote in data:
            return None
        return re.sub(rb"\n(?:\r?\n)+", b"\n", data).lstrip(b"\r\n")

    def _scanned(self, data: bytes, types: Sequence[Any], only: Sequence[str] | None, *, marks: bool = False) -> pl.DataFrame | None:
        import polars as pl

        quote = self.dialect.quote_byte
        try:
            lazy = pl.scan_csv(
                data,
                has_header=False,
                schema={str(place): dtype for place, dtype in enumerate(types)},
                separator=self.dialect.separator,
                quote_char=None if quote is None else self.dialect.quote,
                null_values=self.marks if marks and self.marks else None,
            )
            # Columns have numbers here: some names would mean more than themselves.
            return (lazy if only is None else lazy.select(str(self.names.index(name)) for name in only)).collect()
        except pl.exceptions.PolarsError:
            return None

    def _fast(self, data: bytes, levels: Sequence[int], only: Sequence[str] | None) -> pl.DataFrame | None:
        """The block in the types of the levels; None if it doesn't fit them."""
        types = [parsed_as(level) for level in levels]
        frame = self._scanned(data, types, only, marks=self._marked)
        if frame is None and not self._marked and {INTEGER, FLOAT} & {*levels}:
            frame = self._scanned(data, types, only, marks=True)
            self._marked = frame is not None
        if frame is None or not (self._is_whole(data, frame) if only is None else self._has_no_gaps(data, frame)):
            return None
        known = {str(place): level for place, level in enumerate(levels)}
        return self._named(self.cleaned(frame, blanks=_has_blanks(data, self.dialect.quote_byte), levels=known))

    def _with_new(self, frame: pl.DataFrame, levels: Sequence[int]) -> Parsed:
        """The block with types for the columns that had no values yet."""
        import polars as pl

        found = dict(zip(self.names, levels, strict=True))
        columns = frame.get_columns()
        for place, column in enumerate(columns):
            if found[column.name] == EMPTY:
                found[column.name], columns[place] = narrowest(column, EMPTY, self.dialect)
        return Parsed(pl.DataFrame({column.name: column for column in columns}), tuple(found.values()))

    def _texts(self, data: bytes) -> pl.DataFrame | None:
        import polars as pl

        frame = self._scanned(data, [pl.String] * len(self.names), None)
        if frame is None or not self._is_whole(data, frame):
            return None
        return self._named(self.cleaned(frame, blanks=_has_blanks(data, self.dialect.quote_byte)))

    def _named(self, frame: pl.DataFrame) -> pl.DataFrame:
        frame.columns = [self.names[int(place)] for place in frame.columns]
        return frame

    def _is_whole(self, data: bytes, frame: pl.DataFrame) -> bool:
        """Whether there are as many delimiters and line ends as the rows must have: Polars fills short rows up in silence."""
        import polars as pl

        mark = self.dialect.separator
        marks, ends = count(data, ord(mark)), count(data, 10)
        quote = self.dialect.quote_byte
        if quote is not None and quote in data:
            texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
            inside = pl.sum_horizontal
            if texts:
                found = frame.select(
                    marks=inside(pl.col(texts).str.count_matches(mark, literal=True).sum()),
                    ends=inside(pl.col(texts).str.count_matches("\n", literal=True).sum()),
                )
                marks, ends = marks - int(found["marks"][0]), ends - int(found["ends"][0])
        return marks == frame.height * (len(self.names) - 1) and ends == frame.height

    def _has_no_gaps(self, data: bytes, frame: pl.DataFrame) -> bool:
        """Whether a block of right records has no empty lines, which Polars takes for rows."""
        quote = self.dialect.quote_byte
        if quote is not None and quote in data:
            return not (data.startswith((b"\n", b"\r\n")) or b"\n\n" in data or b"\n\r\n" in data)
        return count(data, ord(self.dialect.separator)) == frame.height * (len(self.names) - 1)

    # -- exactly ------------------------------------------------------------------------------------------------------

    def _exactly(self, block: Block, levels: Sequence[int]) -> Parsed:
        import polars as pl

        found = [value for _, value in rows(block.data, self.dialect, self.names, self.file, block.line)]
        if not found:
            return Parsed(self.empty(levels), tuple(levels))
        frame = pl.DataFrame([pl.Series(str(place), column, dtype=pl.String) for place, column in enumerate(zip(*found, strict=True))])
        return self.narrowed(self._named(self.cleaned(frame, blanks=True)), levels, block)

    def places(self, block: Block) -> Iterator[int]:
        return (line for line, _ in rows(block.data, self.dialect, self.names, self.file, block.line))


def _has_lone_returns(data: bytes) -> bool:
    """Whether a carriage return stands without a line feed."""
    import numpy as np

    letters = np.frombuffer(data, dtype=np.uint8)
    returns = letters == 13
    return bool(returns[-1]) or bool((returns[:-1] & (letters[1:] != 10)).any())


def _has_blanks(data: bytes, quote: bytes | None) -> bool:
    """Whether a value may have blanks at its ends: spaces of any alphabet, and line ends within quotes."""
    return (
        b" " in data or b"\t" in data or (quote is not None and quote in data) or b"\x0b" in data or b"\x0c" in data or not data.isascii()
    )


def _is_well_quoted(data: bytes, quote: bytes, dialect: Dialect) -> bool:
    """Whether every quote is around a value or doubled within: Polars takes others for what they may not be."""
    import numpy as np

    letters = np.frombuffer(data, dtype=np.uint8)
    places = np.flatnonzero(letters == quote[0])
    if len(places) % 2:
        return False
    ends = np.zeros(256, dtype=bool)
    ends[[10, 13, quote[0], dialect.delimiter.encode()[-1]]] = True
    before = np.where(places[::2] > 0, letters[places[::2] - 1], 10)
    ends_after = ends.copy()
    ends_after[dialect.delimiter.encode()[0]] = True
    after = letters[places[1::2] + 1]  # A block ends with a line end.
    return bool(ends[before].all()) and bool(ends_after[after].all())

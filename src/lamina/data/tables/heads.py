"""What stands before the first row: a mark of the encoding, lines to skip, names of columns."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from lamina.data.storage.stream import PIECE
from lamina.data.tables.blocks import Recoded, endless
from lamina.data.tables.dialect import Dialect
from lamina.data.tables.problems import empty, not_text, too_long, too_many, twice
from lamina.data.tables.records import count_lines, records, spans, values
from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.storage.file import DataFile

_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass
class Opened:
    """A file whose first rows come next.

    Attributes:
        stream: The rest, in UTF-8; close it.
        rest: What was read of it already.
        line: Number of the line that ``rest`` begins with.
        names: Of the columns.
    """

    stream: BinaryIO
    rest: bytes
    line: int
    names: tuple[str, ...]


def open_table(file: DataFile, dialect: Dialect) -> Opened:
    """Open a file and read its head.

    Raises:
        DataError: If the head is none, DA006 for an empty file, DA017 for names that stand twice, DA050 and DA052 for lines and
            tables out of bounds.
    """
    stream = _text_of(file, dialect)
    try:
        return _Head(stream, dialect, file.name).read()
    except BaseException:
        stream.close()
        raise


def open_lines(file: DataFile, dialect: Dialect) -> Opened:
    """Open a file whose lines all are rows, but for those to skip.

    Raises:
        DataError: DA006 for an empty file; DA032 and DA050 for what are no lines.
    """
    stream = _text_of(file, dialect)
    try:
        return _Head(stream, dialect, file.name).begin()
    except BaseException:
        stream.close()
        raise


def _text_of(file: DataFile, dialect: Dialect) -> BinaryIO:
    stream = file.open()
    if dialect.encoding in ("utf-8", "utf-8-sig"):
        return stream
    return io.BufferedReader(Recoded(stream, dialect.encoding, file.name), PIECE)


class _Head:
    def __init__(self, stream: BinaryIO, dialect: Dialect, file: str) -> None:
        self.stream, self.dialect, self.file = stream, dialect, file
        self.rest, self.line, self.ended = b"", 1, False

    def begin(self) -> Opened:
        self._more()
        if self.dialect.encoding == "utf-8" and self.rest[:2] in _MARKS:
            got = "the mark of a file in UTF-16"
            raise not_text(self.file, 1, None, got, "utf-8")
        self.rest = self.rest.removeprefix(b"\xef\xbb\xbf")
        for _ in range(self.dialect.skip):
            self._drop(self._line_end())
        if not self.rest and self.ended:
            raise empty(self.file, "none")
        return Opened(self.stream, self.rest, self.line, ())

    def read(self) -> Opened:
        self.begin()
        first = self._record()
        if first is None:
            raise empty(self.file, "none")
        found, taken = first
        names = tuple(f"column_{i + 1}" for i in range(len(found)))
        if self.dialect.header:
            names = tuple(name.strip() for name in found) if self.dialect.trim else tuple(found)
            self._drop(taken)
        names = self._renamed(names)
        if len(names) > self.dialect.max_columns:
            raise too_many(self.file, len(names), self.dialect.max_columns)
        repeated = next((name for name, number in _counted(names).items() if number > 1), None)
        if repeated is not None:
            raise twice(self.file, repeated)
        return Opened(self.stream, self.rest, self.line, names)

    def _renamed(self, names: tuple[str, ...]) -> tuple[str, ...]:
        own = self.dialect.names
        if own is None:
            return names
        if self.dialect.header and len(own) != len(names):
            raise DataError(
                "DA032",
                where=self.file,
                expected=f"{len(own)} columns, as names says ({', '.join(own[:6])}{' ...' if len(own) > 6 else ''})",
                got=f"{len(names)}: {', '.join(names[:6])}",
                cause="names lists more or fewer columns than the file has, or the delimiter is another",
                fix="correct names or delimiter",
            )
        return own

    def _more(self) -> None:
        piece = self.stream.read(PIECE)
        self.ended = not piece
        self.rest += piece
        if b"\r" in self.rest and b"\n" not in self.rest:
            self.rest = self.rest.replace(b"\r", b"\n")

    def _line_end(self) -> int:
        while (end := self.rest.find(b"\n") + 1) == 0:
            if self.ended:
                return len(self.rest)
            if len(self.rest) > self.dialect.max_line:
                raise too_long(self.file, self.line, self.dialect.max_line)
            self._more()
        return end

    def _drop(self, length: int) -> None:
        self.line += count_lines(self.rest[:length])
        self.rest = self.rest[length:]

    def _record(self) -> tuple[list[str], int] | None:
        """Values and length of the first record; empty lines and comments before it are dropped."""
        comment = self.dialect.comment.encode() if self.dialect.comment else None
        while True:
            data = self.rest + b"\n" if self.ended and self.rest[-1:] not in (b"\n", b"") else self.rest
            done = 0
            for start, end in spans(data, self.dialect):
                raw = data[start:end].strip(b"\r\n")
                if raw and not (comment and raw.startswith(comment)):
                    self._drop(start)
                    ((line, text),) = records(data[start:end], self.dialect, self.file, self.line)
                    return values(text, self.dialect, self.file, line), end - start
                done = end
            self._drop(done)
            if self.ended and done >= len(data):
                return None
            if self.ended or len(self.rest) > self.dialect.max_line:
                raise endless(self.rest, self.dialect, self.file, self.line)
            self._more()


def _counted(names: tuple[str, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        found[name] = found.get(name, 0) + 1
    return found

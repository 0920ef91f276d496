"""A stream of text, cut into blocks of whole records; bounded however long its lines are."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from lamina.data.storage.stream import PIECE, Stream
from lamina.data.tables.dialect import BLOCK, Dialect
from lamina.data.tables.problems import misquoted, not_text, too_long
from lamina.data.tables.records import count_lines, end_of_records
from lamina.errors import DataError


@dataclass(frozen=True)
class Block:
    """Whole records of a file.

    Attributes:
        data: UTF-8, ends with a line end.
        line: Number of its first line in the file, from 1.
        lines: How many line ends it has.
    """

    data: bytes
    line: int
    lines: int


def blocks(
    stream: BinaryIO, dialect: Dialect, file: str, *, line: int = 1, rest: bytes = b"", size: int = BLOCK, exact: bool = False
) -> Iterator[Block]:
    """Cut a stream.

    Args:
        stream: UTF-8.
        dialect: How the records are written.
        file: For messages.
        line: Number of the first line.
        rest: What was read of the stream already.
        size: Bytes of a block, about.
        exact: Cut by reading the records instead of counting quotes, which is right unless quotes are letters in some values and
            others hold line ends.

    Raises:
        DataError: DA050, for a record longer than ``dialect.max_line``; DA032, for a quote that is never closed.
    """
    old = None
    while True:
        data = stream.read(size)
        if old is None and data:
            # Some old files end their lines with a carriage return alone.
            old = b"\r" in data and b"\n" not in data + rest
        if old:
            data = data.replace(b"\r", b"\n")
        whole = rest + data
        if not data:
            break
        cut = _cut(whole, dialect, exact=exact)
        if cut == 0 and len(whole) > dialect.max_line:
            raise endless(whole, dialect, file, line)
        if cut:
            block = whole[:cut]
            lines = count(block, 10) if b"\r" not in block else count_lines(block)
            yield Block(block, line, lines)
            line += lines
        rest = whole[cut:]
    if rest:
        if rest[-1:] != b"\n":
            rest += b"\n"
        if _cut(rest, dialect, exact=exact) != len(rest) and end_of_records(rest, dialect) != len(rest):
            raise endless(rest, dialect, file, line)
        yield Block(rest, line, count_lines(rest))


def count(data: bytes, byte: int) -> int:
    """How often a byte stands in some others; faster than ``bytes.count``, and other threads can work meanwhile."""
    import numpy as np

    return int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == byte))


def _cut(data: bytes, dialect: Dialect, *, exact: bool) -> int:
    """Where the last whole record ends; 0, if none does."""
    cut = data.rfind(b"\n") + 1
    quote = dialect.quote_byte
    if not cut or quote is None or quote not in data:
        return cut
    if exact or dialect.escape is not None or dialect.comment is not None:
        return end_of_records(data, dialect)
    # A line end is one of a record if the quotes before it come in pairs.
    open_quotes = count(data[:cut], quote[0])
    for _ in range(64):
        if open_quotes % 2 == 0:
            return cut
        before = data.rfind(b"\n", 0, cut - 1) + 1
        if not before:
            break
        open_quotes -= data.count(quote, before, cut)
        cut = before
    # Quotes inside values that don't begin with one are letters: only reading the records tells.
    return end_of_records(data, dialect)


def endless(data: bytes, dialect: Dialect, file: str, line: int) -> DataError:
    """Why there is no whole record in the bytes that follow the last one."""
    start = end_of_records(data, dialect)
    line += count_lines(data[:start])
    first = data.find(b"\n", start)
    if 0 <= first < len(data) - 1 and dialect.quote_byte is not None:
        opened = data[start : min(first, start + 60)].decode(errors="replace")
        return misquoted(file, line, f"a quote that is not closed within {len(data) - start:,} bytes, in {opened!r}", dialect.quote or "")
    if len(data) - start <= dialect.max_line:
        opened = data[start : start + 60].decode(errors="replace").rstrip("\n")
        return misquoted(file, line, f"a quote that is not closed, in {opened!r}", dialect.quote or "")
    return too_long(file, line, dialect.max_line)


class Recoded(Stream):
    """Text of any encoding as UTF-8.

    Args:
        source: The bytes; closed together with this.
        encoding: Theirs.
        file: For messages.
    """

    def __init__(self, source: BinaryIO, encoding: str, file: str) -> None:
        super().__init__()
        self._source, self._encoding, self._file = source, encoding, file
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._line, self._ended = 1, False

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()

    def piece(self) -> bytes:
        while not self._ended:
            data = self._source.read(PIECE)
            self._ended = not data
            try:
                text = self._decoder.decode(data, final=self._ended)
            except UnicodeDecodeError as error:
                line = self._line + error.object[: error.start].decode(self._encoding, "replace").count("\n")
                got = f"the byte {error.object[error.start]:#04x} ({error.reason})"
                raise not_text(self._file, line, None, got, self._encoding) from None
            except UnicodeError as error:  # Without a place: a file that doesn't even begin as it should.
                raise not_text(self._file, self._line, None, str(error), self._encoding) from None
            self._line += text.count("\n")
            if text:
                return text.encode("utf-8", "surrogatepass")
        return b""

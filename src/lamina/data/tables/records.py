"""Records and values exactly as the dialect says, one after the other: slow, but it knows where each one stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from lamina.data.tables.dialect import WHITESPACE, Dialect
from lamina.data.tables.problems import misquoted, not_text, ragged

_END = rb"(?:\r\n?|\n)"
"""Of a line."""
_COMMENT = re.compile(rb"[^\r\n]*+" + _END)


@lru_cache(maxsize=16)
def _record(dialect: Dialect) -> re.Pattern[bytes]:
    """One record and its line end. A quote means something only where a value begins."""
    mark = re.escape(dialect.delimiter.encode())
    letter = rb"(?:(?!" + mark + rb")[^\r\n])" if len(dialect.delimiter.encode()) > 1 else rb"[^\r\n" + mark + rb"]"
    quote = dialect.quote_byte
    if quote is None:
        return re.compile(rb"[^\r\n]*+" + _END)
    escaped = b"" if dialect.escape is None else re.escape(dialect.escape.encode())
    if escaped:
        letter = rb"(?:" + escaped + rb".|(?!" + escaped + rb")" + letter + rb")"
    inside = rb"(?:[^" + quote + escaped + rb"]++|" + quote * 2 + (rb"|" + escaped + rb"." if escaped else b"") + rb")*+"
    value = rb"(?:" + quote + inside + quote + letter + rb"*+|(?!" + quote + rb")" + letter + rb"*+)"
    return re.compile(value + rb"(?:" + mark + value + rb")*+" + _END, re.DOTALL)


@lru_cache(maxsize=16)
def _value(dialect: Dialect) -> re.Pattern[str]:
    """One value and what follows it."""
    mark = re.escape(dialect.delimiter)
    letter = rf"(?:(?!{mark}).)"
    escaped = "" if dialect.escape is None else re.escape(dialect.escape)
    if escaped:
        letter = rf"(?:{escaped}.|{letter})"
    bare = rf"({letter}*+)"
    if dialect.quote is None:
        return re.compile(rf"(?P<bare>{bare})(?P<end>{mark}|\Z)", re.DOTALL)
    quote = re.escape(dialect.quote)
    inside = rf"(?:[^{quote}{escaped}]++|{quote}{quote}" + (rf"|{escaped}." if escaped else "") + ")*+"
    return re.compile(rf"(?:{quote}(?P<quoted>{inside}){quote}|(?!{quote})(?P<bare>{bare}))(?P<end>{mark}|\Z)", re.DOTALL)


def end_of_records(data: bytes, dialect: Dialect) -> int:
    """Where the last whole record ends."""
    return max((end for _, end in spans(data, dialect)), default=0)


def spans(data: bytes, dialect: Dialect) -> Iterator[tuple[int, int]]:
    """Start and end of each whole record, comment and empty line."""
    pattern, place = _record(dialect), 0
    comment = dialect.comment.encode() if dialect.comment else None
    while place < len(data):
        is_comment = comment is not None and data.startswith(comment, place)
        found = (_COMMENT if is_comment else pattern).match(data, place)
        if found is None:
            return
        yield place, found.end()
        place = found.end()


def records(data: bytes, dialect: Dialect, file: str, line: int) -> Iterator[tuple[int, str]]:
    """Line number and text of each record that is neither empty nor a comment.

    Raises:
        DataError: DA032, for a quote that is never closed, bytes that are no text, and zeros.
    """
    comment = dialect.comment.encode() if dialect.comment else None
    end = 0
    for start, end in spans(data, dialect):
        raw = data[start:end].rstrip(b"\r\n")
        if raw and not (comment is not None and raw.startswith(comment)):
            yield line, text_of(raw, file, line)
        line += count_lines(data[start:end])
    if end < len(data):
        opened = data[end : data.find(b"\n", end)][:60].decode(errors="replace")
        raise misquoted(file, line, f"a quote that is not closed, in {opened!r}", dialect.quote or "")


def count_lines(data: bytes) -> int:
    """How many lines end in some bytes, however they end."""
    ends = data.count(b"\n")
    return ends if b"\r" not in data else ends + data.count(b"\r") - data.count(b"\r\n")


def text_of(data: bytes, file: str, line: int) -> str:
    """Bytes as text.

    Args:
        data: Whole lines.
        file: For messages.
        line: Number of the first.

    Raises:
        DataError: DA032, with the line and the letter in it, for bytes that are no text, and zeros.
    """
    place, got = data.find(b"\0"), "a zero byte"
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        place, got = error.start, f"the byte {data[error.start]:#04x}"
    else:
        if place < 0:
            return text
    letter = len(data[data.rfind(b"\n", 0, place) + 1 : place].decode()) + 1
    raise not_text(file, line + data.count(b"\n", 0, place), None, f"{got} as letter {letter} of the line", "utf-8") from None


def values(text: str, dialect: Dialect, file: str, line: int) -> list[str]:
    """The values of a record, without their quotes.

    Raises:
        DataError: DA032, for letters after a closing quote.
    """
    if dialect.delimiter == WHITESPACE:
        return text.split()
    pattern, place, found = _value(dialect), 0, []
    while True:
        match = pattern.match(text, place)
        if match is None:
            shown = text[place : place + 40]
            quote = dialect.quote or ""
            closed = re.match(f"{re.escape(quote)}[^{re.escape(quote)}]*{re.escape(quote)}(.)", text[place:], re.DOTALL) if quote else None
            got, follows = f"letters around a closing quote, in {shown!r}", closed[1] if closed else ""
            raise misquoted(file, line + text.count("\n", 0, place), got, quote, follows)
        quoted = match["quoted"] if dialect.quote is not None else None
        value = match["bare"] if quoted is None else quoted.replace(f"{dialect.quote}" * 2, f"{dialect.quote}")
        if dialect.escape is not None:
            value = re.sub(re.escape(dialect.escape) + "(.)", r"\1", value, flags=re.DOTALL)
        found.append(value)
        place = match.end()
        if not match["end"]:
            return found


def rows(data: bytes, dialect: Dialect, names: tuple[str, ...], file: str, line: int) -> Iterator[tuple[int, list[str]]]:
    """Line number and values of each record.

    Raises:
        DataError: DA032, for a record with another number of values, and as `records` and `values`.
    """
    for number, text in records(data, dialect, file, line):
        found = values(text, dialect, file, number)
        if len(found) != len(names):
            raise ragged(file, number, names, len(found))
        yield number, found

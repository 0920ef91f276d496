"""Lines of a text file as rows of values, and rows as sequences."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from lamina.data.sequences.problems import odd_row
from lamina.errors import DataError, nearest
from lamina.spec import Description, wrong_value
from lamina.spec.fields import Count, Names, listed

if TYPE_CHECKING:
    from typing import Self

    from lamina.data.storage import DataFile

WHITESPACE = "whitespace"
MOST_LINE = 16 << 20
"""Bytes of one line; more is no row."""
MOST_COLUMNS = 100_000


@dataclass
class Rows:
    """The rows of one sequence.

    Attributes:
        name: What messages call it.
        values: Of each row, a list of texts.
        lines: Where each row stands in its file.
        file: Name of the file.
    """

    name: str
    file: str
    values: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.values)

    def where(self, row: int) -> str:
        """File and line of a row."""
        return f"{self.file}:{self.lines[row]}"


class RowFormat(Description):
    r"""How lines are cut into values, and rows into sequences.

    Attributes:
        each: What a sequence is. ``file``: all rows of a file. ``lines``: always ``count`` rows. ``blank``: what stands between blank
            lines. ``marker``: what stands between lines in which ``marker`` is found. ``key``: rows with the same values in the
            columns ``key``, wherever they are in all files. ``row``: one row, whose values are the steps. ``window``: ``count`` rows,
            beginning at every ``stride``-th one.
        count: Rows of a sequence, for ``lines`` and ``window``.
        marker: A regular expression.
        key: Columns.
        stride: Rows from the beginning of one window to that of the next.
        partial: Whether windows may begin before the first row and end behind the last, and be shorter there.
        delimiter: What stands between values; ``whitespace`` for any number of blanks.
        quote: What stands around values that hold the delimiter; null: nothing does, and quotes are characters like others.
        line: A regular expression for a whole row, in place of ``delimiter``: its groups are the values, and named ones name columns.
        header: Whether the first line of each file names the columns.
        names: Names of the columns, where there is no header; ``column_1`` ... by default.
        skip: Lines at the beginning of each file that are left out.
        comment: Lines that begin with this are left out.

    Example:
        >>> RowFormat(each="blank", delimiter="\t", quote=None, header=False).each
        'blank'
    """

    each: Literal["file", "lines", "blank", "marker", "key", "row", "window"] = "file"
    count: Count | None = None
    marker: str | None = None
    key: Names = ()
    stride: Count = 1
    partial: bool = False
    delimiter: str = ","
    quote: str | None = '"'
    line: str | None = None
    header: bool = True
    names: listed(str) | None = None  # type: ignore[valid-type]
    skip: Annotated[int, Field(ge=0)] = 0
    comment: str | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if (self.each in ("lines", "window")) != (self.count is not None):
            raise wrong_value(
                expected="count together with each: lines or each: window",
                cause="it says of how many rows a sequence is",
                fix="write count: 10, or remove it",
            )
        if (self.each == "marker") != (self.marker is not None) or (self.each == "key") != bool(self.key):
            raise wrong_value(
                expected="marker with each: marker, and key with each: key",
                cause="they say where a sequence ends",
                fix=f"write {self.each}: ... beside it" if self.each in ("marker", "key") else "remove marker and key",
            )
        if self.delimiter != WHITESPACE and len(self.delimiter) != 1:
            raise wrong_value(
                expected="one character, or the word whitespace",
                cause="values are cut at every place where this one character stands",
                fix='write delimiter: ";" (or "\\t" for tabs)',
            )
        if self.quote is not None and len(self.quote) != 1:
            raise wrong_value(expected="one character, or null", cause="it stands around a value", fix="write quote: '\"'")
        for name in ("line", "marker"):
            value = getattr(self, name)
            try:
                found = None if value is None else re.compile(value)
            except re.error as error:
                raise wrong_value(
                    expected=f"{name}: a regular expression", cause=f"{value!r} is none: {error}", fix="correct it"
                ) from error
            if name == "line" and found is not None and not found.groups:
                raise wrong_value(
                    expected="a regular expression with groups",
                    cause="each group is a value",
                    fix=r"such as '(\w+): (.*)'",
                )
        return self

    @property
    def has_header(self) -> bool:
        """Whether a line of each file is none of its rows."""
        return self.header and self.names is None and self.line is None and self.each != "row"


def read_sequences(files: list[DataFile], how: RowFormat) -> tuple[tuple[str, ...], list[Rows]]:
    """Names of the columns, and all sequences of some files.

    Args:
        files: In their order.
        how: How they are cut.

    Raises:
        DataError: DA153, naming file and line; what reading a file raises.
    """
    names: tuple[str, ...] = ()
    found: list[Rows] = []
    keyed: dict[tuple[str, ...], Rows] = {}
    for file in files:
        pieces, own = _pieces(file, how)
        if names and own and own != names:
            raise odd_row(
                where=f"{file.name}:1",
                expected=f"the columns {', '.join(names[:8])}{' ...' if len(names) > 8 else ''}, as in {files[0].name}",
                got=", ".join(own[:8]) + (" ..." if len(own) > 8 else ""),
                cause="the files come from different places, or this one has no header",
                fix="give all files the same columns; without a header, write header: false",
            )
        names = names or own
        if how.each == "file" and not pieces:
            raise _empty(file)
        for rows in pieces:
            if how.each == "key":
                _by_key(rows, names, how.key, keyed)
            elif how.each == "window":
                found += _windows(rows, how)
            elif len(rows):
                found.append(rows)
    found += keyed.values()
    if not found:
        raise _empty(files[0])
    return names, found


def _pieces(file: DataFile, how: RowFormat) -> tuple[list[Rows], tuple[str, ...]]:
    """The rows of a file in pieces, and the names of its columns."""
    names: tuple[str, ...] = how.names or ()
    made: list[Rows] = []
    rows = Rows(file.name, file.name)
    width = len(names)
    header = how.has_header
    cut = _Cutter(how)
    marker = None if how.marker is None else re.compile(how.marker)

    def close() -> Rows:
        if len(rows):
            made.append(rows)
        return Rows(f"{file.name}, sequence {len(made) + 1}", file.name)

    for number, line in _lines(file, how.skip):
        if how.comment is not None and line.startswith(how.comment):
            continue
        if marker is not None and marker.search(line):
            rows = close()
            continue
        if not line.strip():
            if how.each == "blank":
                rows = close()
            continue
        values = cut(line, f"{file.name}:{number}")
        if header:
            names, header = _checked(values, f"{file.name}:{number}"), False
            width = len(names)
            continue
        if how.each != "row":
            if not width:
                names = _grouped(how) or tuple(f"column_{i + 1}" for i in range(len(values)))
                width = len(names)
            if len(values) != width:
                raise odd_row(
                    where=f"{file.name}:{number}",
                    expected=f"{width} values ({', '.join(names[:6])}{' ...' if width > 6 else ''})",
                    got=f"{len(values)}",
                    cause="another delimiter, one inside a value that is not quoted, or a line that was cut off",
                    fix='correct the line, or write the right delimiter: ";" (or "\\t", or whitespace)',
                )
            rows.values.append(values)
            rows.lines.append(number)
        else:
            rows = Rows(f"{file.name}:{number}", file.name, [[value] for value in values], [number] * len(values))
        if how.each == "row" or (how.each == "lines" and len(rows) == how.count):
            rows = close()
    if how.each == "lines" and len(rows):
        raise odd_row(
            where=rows.where(0),
            expected=f"a number of rows that {how.count} divides",
            got=f"{len(rows)} rows after {len(made)} sequences of {how.count}",
            cause="the file ends within a sequence",
            fix="remove the rows that are left over, or correct count",
        )
    close()
    return made, ("value",) if how.each == "row" and not how.names else names


class _Cutter:
    """Cuts a line into values."""

    def __init__(self, how: RowFormat) -> None:
        self.how = how
        self.pattern = None if how.line is None else re.compile(how.line)

    def __call__(self, line: str, where: str) -> list[str]:
        how = self.how
        if self.pattern is not None:
            found = self.pattern.fullmatch(line)
            if found is None:
                raise odd_row(
                    where=where,
                    expected=f"a line that the pattern {how.line!r} fits from end to end",
                    got=repr(line[:80]),
                    cause="the line is of another kind than the others, or the pattern is wrong",
                    fix="correct the pattern; skip and comment leave lines out",
                )
            return [value or "" for value in found.groups()]
        if how.delimiter == WHITESPACE:
            return line.split()
        if how.quote is None or how.quote not in line:
            return [value.strip() for value in line.split(how.delimiter)]
        try:
            return [value.strip() for value in next(csv.reader([line], delimiter=how.delimiter, quotechar=how.quote, strict=True))]
        except csv.Error as error:
            raise odd_row(
                where=where,
                expected="values of which quoted ones end with their quote",
                got=str(error),
                cause="a quote that is a character of its value, or a value over several lines",
                fix="double quotes within quoted values; where quotes are characters like others, write quote: null",
            ) from error


def _lines(file: DataFile, skip: int) -> Iterator[tuple[int, str]]:
    """Numbers and texts of lines, without their ends."""
    with file.open() as stream:
        number = 0
        while line := stream.readline(MOST_LINE + 1):
            number += 1
            where = f"{file.name}:{number}"
            if len(line) > MOST_LINE:
                raise odd_row(
                    where=where,
                    expected=f"lines of at most {MOST_LINE:,} bytes",
                    got="a longer one",
                    cause="the file has no line ends that are known, or is no text",
                    fix="give a text file with a row in each line",
                )
            if number <= skip:
                continue
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise odd_row(
                    where=where,
                    expected="text in UTF-8",
                    got=f"the byte {error.object[error.start]:#04x} at column {error.start + 1}",
                    cause="the file is in another encoding, or is no text",
                    fix="save it as text in UTF-8",
                ) from error
            # A lone carriage return ends a line too, as old spreadsheets write them; the parts share its number.
            for part in text.rstrip("\r\n").split("\r"):
                yield number, part


def _checked(values: list[str], where: str) -> tuple[str, ...]:
    counts = Counter(values)
    if len(counts) < len(values) or len(values) > MOST_COLUMNS:
        twice = next((name for name in values if counts[name] > 1), "")
        raise odd_row(
            where=where,
            expected="columns with different names" if len(counts) < len(values) else f"at most {MOST_COLUMNS:,} columns",
            got=f"{twice!r} {counts[twice]} times" if len(counts) < len(values) else f"{len(values):,}",
            cause="the header repeats a name, or the first line is no header",
            fix="rename one of them; if the files have no header, write header: false",
        )
    return tuple(values)


def _grouped(how: RowFormat) -> tuple[str, ...]:
    """Names of the groups of a pattern."""
    if how.line is None:
        return ()
    pattern = re.compile(how.line)
    named = {number: name for name, number in pattern.groupindex.items()}
    return tuple(named.get(number, f"column_{number}") for number in range(1, pattern.groups + 1))


def _by_key(rows: Rows, names: tuple[str, ...], key: tuple[str, ...], found: dict[tuple[str, ...], Rows]) -> None:
    missing = next((name for name in key if name not in names), None)
    if missing is not None:
        raise no_column(missing, names, rows.file, "key")
    places = [names.index(name) for name in key]
    for values, line in zip(rows.values, rows.lines, strict=True):
        own = tuple(values[place] for place in places)
        sequence = found.get(own)
        if sequence is None:
            shown = ", ".join(f"{name} {value}" for name, value in zip(key, own, strict=True))
            sequence = found[own] = Rows(f"{rows.file}, {shown}", rows.file)
        if sequence.file != rows.file:
            raise odd_row(
                where=f"{rows.file}:{line}",
                expected=f"rows of {sequence.name.partition(', ')[2]} in one file",
                got=f"some in {sequence.file} too",
                cause="two files count their sequences from the same number, or one sequence was torn apart",
                fix="join the files, or give one of them as test_source",
            )
        sequence.values.append(values)
        sequence.lines.append(line)


def _windows(rows: Rows, how: RowFormat) -> list[Rows]:
    size, total = how.count or 1, len(rows)
    starts = range(1 - size, total, how.stride) if how.partial else range(0, total - size + 1, how.stride)
    made = []
    for start in starts:
        first, last = max(start, 0), min(start + size, total)
        made.append(Rows(f"{rows.where(first)}, window", rows.file, rows.values[first:last], rows.lines[first:last]))
    return made


def _empty(file: DataFile) -> DataError:
    return odd_row(
        where=file.name,
        expected="at least one row",
        got="none",
        cause="the file is empty, or nothing but a header and comments",
        fix="leave it out; header: false if its first line already is a row",
    )


def no_column(name: str, names: tuple[str, ...], where: str, role: str) -> DataError:
    """What is said of a column that is not there."""
    near = nearest(name, names)
    return DataError(
        "DA014",
        where=f"{where}, {role}",
        expected=f"the column {name!r}",
        got=f"{', '.join(names[:10])}{' ...' if len(names) > 10 else ''}",
        cause="a typo" if near else "the files have no such column; without a header they are column_1, column_2 ...",
        fix=f"did you mean {near!r}?" if near else "name one of these",
    )

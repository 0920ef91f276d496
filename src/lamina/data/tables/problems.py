"""What is said of text files that are no tables."""

from __future__ import annotations

import json
import reprlib

from lamina.errors import DataError


def place(file: str, line: int, column: str | None = None) -> str:
    """File, line and column, for messages."""
    return f"{file}, line {line:,}" + (f", column {column!r}" if column is not None else "")


def ragged(file: str, line: int, names: tuple[str, ...], found: int) -> DataError:
    """DA032: a row with another number of values."""
    return DataError(
        "DA032",
        where=place(file, line),
        expected=f"{len(names)} values ({', '.join(names[:6])}{' ...' if len(names) > 6 else ''})",
        got=f"{found}",
        cause="another delimiter, or one inside a value that is not quoted",
        fix='correct the row, or write the right delimiter: ";" (or "\\t", or whitespace)',
    )


class MisquotedError(DataError):
    """Quotes that don't come in pairs: in the file, or because it was cut in the wrong place."""


def misquoted(file: str, line: int, got: str, quote: str, follows: str = "") -> DataError:
    """DA032: quotes that don't come in pairs; ``follows`` is what stands behind one as a delimiter would."""
    odd = follows in (";", ",", "|", "\t")
    fix = f"correct the line; if {quote} is a letter like others, write quote: null"
    return MisquotedError(
        "DA032",
        where=place(file, line),
        expected=f"values whose quotes {quote} come in pairs: one before, one after, doubled within",
        got=got,
        cause=f"the values are parted by {follows!r}" if odd else "a quote that is part of a value, or one that was forgotten",
        fix=f"write delimiter: {json.dumps(follows)}" if odd else fix,
    )


def not_text(file: str, line: int, column: str | None, got: str, encoding: str) -> DataError:
    """DA032: bytes that are no text in this encoding."""
    return DataError(
        "DA032",
        where=place(file, line, column),
        expected=f"rows of text in {encoding.upper()}",
        got=got,
        cause="another encoding, a damaged file, or no text file at all",
        fix="write encoding: latin-1 (or cp1252, utf-16), or save the file in UTF-8",
    )


def too_long(file: str, line: int, limit: int) -> DataError:
    """DA050: a line without an end in sight."""
    return DataError(
        "DA050",
        where=place(file, line),
        expected=f"lines (or quoted values) of at most {limit:,} bytes",
        got="a longer one",
        cause="no text file, other line ends, or a quote that was never closed",
        fix=f"correct the file, or allow it: max_line: {8 * limit}",
    )


def too_many(file: str, found: int, limit: int) -> DataError:
    """DA052: more columns than anybody meant."""
    return DataError(
        "DA052",
        where=place(file, 1),
        expected=f"at most {limit:,} columns",
        got=f"{found:,}",
        cause="another delimiter, or a table that lies on its side",
        fix=f"correct delimiter, turn the table, or allow it: max_columns: {found}",
    )


def wrong_type(file: str, line: int, column: str, expected: str, got: str) -> DataError:
    """DA051: a value that is none of its column's."""
    return DataError(
        "DA051",
        where=place(file, line, column),
        expected=expected,
        got=repr(got if len(got) <= 80 else f"{got[:77]}..."),
        cause="a typo, or a mark for missing values that isn't in missing_values",
        fix="correct the value, list its mark under missing_values, or describe the column as a string",
    )


def empty(file: str, got: str) -> DataError:
    """DA006: no rows."""
    fix = "give a file with rows; header: false if the first line already is one"
    return DataError("DA006", where=file, expected="at least one row", got=got, cause="the file is empty", fix=fix)


def twice(file: str, name: str) -> DataError:
    """DA017: a header that repeats a name."""
    return DataError(
        "DA017",
        where=file,
        expected="columns with different names",
        got=f"{name!r} twice",
        cause="the header repeats a name",
        fix="rename one of them; if the file has no header, write header: false",
    )


def other_columns(file: str, first: str, own: tuple[str, ...], wanted: tuple[str, ...]) -> DataError:
    """DA014: files of one table with different columns."""
    missing = [name for name in wanted if name not in own]
    more = [name for name in own if name not in wanted]
    got = ", ".join(
        ([f"without {', '.join(map(repr, missing[:5]))}"] if missing else []) + ([f"with {', '.join(map(repr, more[:5]))}"] if more else [])
    )
    return DataError(
        "DA014",
        where=file,
        expected=f"the columns of {first}: {', '.join(wanted[:8])}",
        got=f"{len(own)} columns, {got}",
        cause="the files are not parts of one table, or a column was renamed",
        fix="give files with the same columns, in any order",
    )


def wrong_width(file: str, line: int, expected: int, found: int) -> DataError:
    """DA032: a line that is shorter or longer than its columns."""
    return DataError(
        "DA032",
        where=place(file, line),
        expected=f"a line of {expected} letters, as widths says",
        got=f"{found}",
        cause="the widths are others, the line is cut off, or tabs stand for blanks",
        fix="correct widths or the line; if lines may end where only blanks follow, write pad: true",
    )


def unmatched(file: str, line: int, text: str, pattern: str) -> DataError:
    """DA032: a line that a pattern doesn't fit."""
    return DataError(
        "DA032",
        where=place(file, line),
        expected=f"a line that fits {pattern if len(pattern) <= 120 else pattern[:117] + '...'}",
        got=repr(text if len(text) <= 120 else f"{text[:117]}..."),
        cause="the pattern is too narrow, or the line is of another kind",
        fix="correct the pattern, or leave such lines out: other: drop",
    )


def broken_record(file: str, line: int, letter: int | None, got: str, expected: str) -> DataError:
    """DA054: a record that can't be read."""
    return DataError(
        "DA054",
        where=place(file, line) + (f", letter {letter:,}" if letter is not None else ""),
        expected=expected,
        got=got,
        cause="the file is damaged, cut off, or of another kind",
        fix="correct the place, or read the file by the source of its kind: json_lines, json, yaml, xml",
    )


def nested(file: str, line: int, column: str | None, expected: str, found: object) -> DataError:
    """DA055: a field that is no value."""
    return DataError(
        "DA055",
        where=place(file, line, column),
        expected=expected,
        got=f"{type(found).__name__}: {reprlib.repr(found)}" if found is not None else "nothing",
        cause="the value lies deeper, or the records somewhere else in the file",
        fix="choose values by their path: fields: {name: user.name, first: tags[0]}; records: is the path to the list of records",
    )


def half_a_letter(file: str, line: int, column: str | None, found: str) -> DataError:
    """DA054: a text of which no letters can be made."""
    return DataError(
        "DA054",
        where=place(file, line, column),
        expected="text" if column is not None else "fields with names of letters",
        got=f"{ascii(found[:60])}, with half a letter in it",
        cause="a text was cut in the middle of a letter that takes two codes, or written by a program that mixes up encodings",
        fix="write the file again; a letter such as \\ud83d\\ude00 needs both of its codes",
    )


def unknown_field(file: str, line: int, name: str, known: tuple[str, ...]) -> DataError:
    """DA055: a field that appears late."""
    return DataError(
        "DA055",
        where=place(file, line, name),
        expected=f"the fields of the first records: {', '.join(known[:10])}",
        got=f"a field {name!r} more",
        cause="records of several kinds, or a field that is rare",
        fix="list what you want: fields: {name: path, ...}; other fields are then left out",
    )


def document_too_large(where: str, limit: str, setting: str) -> DataError:
    """DA046: a document that doesn't go into memory."""
    return DataError(
        "DA046",
        where=where,
        expected=limit,
        got="more",
        cause="it has to be in memory as a whole",
        fix=f"cut it into files (or write JSON lines, which are read line by line), or allow it: {setting}",
    )

"""Files of records with named fields: JSON lines, and whole JSON, YAML and XML documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

from lamina.data.storage.file import DataFile
from lamina.data.tables.blocks import Block, blocks
from lamina.data.tables.dialect import Dialect
from lamina.data.tables.heads import open_lines
from lamina.data.tables.lines import decoded
from lamina.data.tables.problems import broken_record, document_too_large, nested
from lamina.data.tables.scan import Reading
from lamina.data.tables.selection import Selection, reach, steps_of
from lamina.data.tables.texts import Parsed

Format = Literal["json_lines", "json", "yaml", "xml"]
_AT_ONCE = 20_000
"""Records of a document that make a block."""
_LEARNED = 1000
"""Records whose fields are taken, if none are chosen."""


@dataclass(frozen=True)
class Documents:
    """How such files are read.

    Attributes:
        format: Which.
        fields: Names of columns and the paths that lead to their values; None: the fields that the first records have.
        records: Path to the list of records in a document; for XML, the names of the elements that lead to each.
        marks: Texts that mean that a value is missing.
        strict: Types that columns must have.
        most: Bytes that a line, or a document that has to be in memory, may have.
    """

    format: Format
    fields: tuple[tuple[str, str], ...] | None = None
    records: str | None = None
    marks: tuple[str, ...] = ()
    strict: tuple[tuple[str, int], ...] = ()
    most: int = 16 << 20

    def open(self, file: DataFile, *, exact: bool, names: tuple[str, ...] = ()) -> Reading:
        fields, texts = None if self.fields is None else dict(self.fields), self.format == "xml"
        selection = Selection(fields, self.marks, file.name, dict(self.strict), texts=texts)
        content: Iterator[Any]
        parse: Callable[..., Parsed]
        if self.format == "json_lines":
            dialect = Dialect(quote=None, max_line=self.most)
            opened = open_lines(file, dialect)
            stream = opened.stream
            parse = _JsonLines(selection).parse
            content = blocks(stream, dialect, file.name, line=opened.line, rest=opened.rest)
        else:
            stream = file.open()
            parse = _Chosen(selection).parse
            content = _chunks(self._records(stream, file.name))
        try:
            first = next(content, None)
            if names or (first is not None and self.fields is None):
                selection.learn(names or _names_of(_JsonLines(selection).records(first, _LEARNED) if isinstance(first, Block) else first))
        except BaseException:
            stream.close()
            raise

        def again() -> Iterator[Any]:
            if first is not None:
                yield first
                yield from content

        return Reading(selection.names, again(), parse, stream.close, frozenset(name for name, _ in self.strict))

    def _records(self, stream: BinaryIO, file: str) -> Iterator[tuple[int, Any]]:
        if self.format == "xml":
            from lamina.data.tables.xml import xml_records

            yield from xml_records(stream, file, self.records, self.most)
            return
        data = stream.read(self.most + 1)
        if len(data) > self.most:
            raise document_too_large(file, f"a document of at most {self.most:,} bytes", f"max_document: {8 * self.most}")
        for document in _json(data, file) if self.format == "json" else _yaml(data, file):
            found = document if self.records is None else reach(document, steps_of(self.records))
            if self.records is not None and not isinstance(found, list):
                raise nested(file, 1, self.records, "a list of records", found)
            for record in found if isinstance(found, list) else [found]:
                yield 1, record


def _names_of(records: Any) -> list[Any]:
    return list(dict.fromkeys(name for _, record in records[:_LEARNED] if isinstance(record, Mapping) for name in record))


class _Chosen:
    """Parses blocks of records that are in memory already."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    def parse(self, block: Sequence[tuple[int, Any]], levels: Sequence[int], *, only: Sequence[str] | None = None) -> Parsed:
        return self._selection.parsed(block, levels, only)


class _JsonLines:
    """Parses blocks of lines, each a record."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    def parse(self, block: Block, levels: Sequence[int], *, only: Sequence[str] | None = None) -> Parsed:
        return self._selection.parsed(self.records(block), levels, only)

    def records(self, block: Block, most: int | None = None) -> list[tuple[int, Any]]:
        """Line and content of each record; empty lines are left out.

        Raises:
            DataError: DA054, for a line that is no JSON.
        """
        found: list[tuple[int, Any]] = []
        read = json.JSONDecoder().decode
        for number, text in enumerate(decoded(block, self._selection.file).split("\n"), block.line):
            if text and not text.isspace():
                try:
                    found.append((number, read(text)))
                except (json.JSONDecodeError, RecursionError) as error:
                    raise _broken_json(self._selection.file, number, error) from None
                if most is not None and len(found) >= most:
                    break
        return found


def _json(data: bytes, file: str) -> Iterator[Any]:
    try:
        yield json.loads(data.decode("utf-8-sig"))
    except (json.JSONDecodeError, RecursionError) as error:
        raise _broken_json(file, getattr(error, "lineno", 1), error) from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise broken_record(file, line, None, f"the byte {data[error.start]:#04x}", "text in UTF-8") from None


def _broken_json(file: str, line: int, error: Exception) -> Exception:
    if isinstance(error, json.JSONDecodeError):
        return broken_record(file, line, error.colno, error.msg, "a record in JSON")
    return broken_record(file, line, None, "brackets within brackets without end", "a record in JSON")


def _yaml(data: bytes, file: str) -> Iterator[Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        yield from yaml.load_all(data, Loader=loader)  # noqa: S506 (a safe loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (1, None) if mark is None else (mark.line + 1, mark.column + 1)
        told = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise broken_record(file, line, column, told, "a document in YAML") from None


def _chunks(records: Iterator[tuple[int, Any]]) -> Iterator[list[tuple[int, Any]]]:
    found: list[tuple[int, Any]] = []
    for record in records:
        found.append(record)
        if len(found) >= _AT_ONCE:
            yield found
            found = []
    if found:
        yield found

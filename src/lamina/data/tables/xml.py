"""XML as a stream of records, without entities and other ways to blow up memory or to read other files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from lamina.data.storage.stream import PIECE
from lamina.data.tables.problems import broken_record, document_too_large

MOST_DEPTH, MOST_OTHERS = 200, 100


def xml_records(stream: BinaryIO, file: str, records: str | None, most: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line and fields of each record.

    An element with neither children nor attributes is its text. Others are mappings: attributes by ``@name``, children by name (a list
    if there are several), and the text of an element with attributes as ``#text``.

    Args:
        stream: The document.
        file: For messages.
        records: Names of the elements that lead to a record, such as ``catalog/book``; by default each child of the root is one.
        most: Bytes that a record may have.

    Raises:
        DataError: DA054, for what is no XML, and for entities; DA046, for a record that is too large; DA061, if there are only others
            where the records should be.
    """
    reader = _Reader(file, None if records is None else records.strip("/").split("/"), most)
    while piece := stream.read(PIECE):
        yield from reader.feed(piece)
    yield from reader.feed(b"", ended=True)
    if reader.others and records is not None and not reader.count:
        from lamina.data.formats.scanning import not_there

        raise not_there(file, "element", records, [*reader.others])


class _Reader:
    def __init__(self, file: str, path: list[str] | None, most: int) -> None:
        self._file, self._path, self._most = file, path, most
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.EntityDeclHandler = self._entity
        self._parser.ExternalEntityRefHandler = self._entity
        self._stack: list[str] = []
        self._builder: TreeBuilder | None = None
        self._began = (0, 0)
        self._found: list[tuple[int, dict[str, Any]]] = []
        self.count = 0
        self.others: dict[str, None] = {}  # Elements as deep as records, by the names that lead to them.

    def feed(self, data: bytes, *, ended: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            self._parser.Parse(data, ended)
        except expat.ExpatError as error:
            told = expat.errors.messages.get(error.code, str(error))
            raise broken_record(self._file, error.lineno, error.offset + 1, told, "a document in XML") from None
        except (LookupError, ValueError) as error:  # The encoding that the document names isn't there, or none of single bytes.
            raise broken_record(self._file, self._parser.CurrentLineNumber, None, str(error), "XML in a known encoding") from None
        found, self._found = self._found, []
        return iter(found)

    def _is_record(self) -> bool:
        return len(self._stack) == 2 if self._path is None else self._stack == self._path

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._stack) >= MOST_DEPTH:
            raise broken_record(
                self._file, self._parser.CurrentLineNumber, None, f"more than {MOST_DEPTH} elements in each other", "a table"
            )
        self._stack.append(name)
        if self._path is not None and len(self._stack) == len(self._path) and self._stack != self._path and len(self.others) < MOST_OTHERS:
            self.others["/".join(self._stack)] = None
        if self._builder is None and self._is_record():
            self.count += 1
            self._builder = TreeBuilder()
            self._began = (self._parser.CurrentLineNumber, self._parser.CurrentByteIndex)
        if self._builder is not None:
            self._builder.start(name, attributes)
            if self._parser.CurrentByteIndex - self._began[1] > self._most:
                where, limit = f"{self._file}, line {self._began[0]:,}", f"records of at most {self._most:,} bytes"
                raise document_too_large(where, limit, f"max_record: {8 * self._most}")

    def _end(self, name: str) -> None:
        if self._builder is not None:
            self._builder.end(name)
            if self._is_record():
                made = _plain(self._builder.close())
                self._found.append((self._began[0], made if isinstance(made, dict) else {"#text": made}))
                self._builder = None
        self._stack.pop()

    def _text(self, data: str) -> None:
        if self._builder is not None:
            self._builder.data(data)

    def _entity(self, *_: Any) -> int:
        line = self._parser.CurrentLineNumber
        raise broken_record(self._file, line, None, "an entity of its own", "XML without entities, which can hide other files, or a bomb")


def _plain(element: Element) -> Any:
    text = (element.text or "").strip()
    if not len(element) and not element.attrib:
        return text or None
    found: dict[str, Any] = {f"@{name}": value for name, value in element.attrib.items()}
    for child in element:
        value = _plain(child)
        if child.tag not in found:
            found[child.tag] = value
        elif isinstance(found[child.tag], list):
            found[child.tag].append(value)
        else:
            found[child.tag] = [found[child.tag], value]
    if text:
        found["#text"] = text
    return found

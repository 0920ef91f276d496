"""Files of values between delimiters: csv and its relatives."""

from __future__ import annotations

from dataclasses import dataclass

from lamina.data.storage.file import DataFile
from lamina.data.tables.blocks import blocks
from lamina.data.tables.dialect import Dialect
from lamina.data.tables.heads import open_table
from lamina.data.tables.parsing import Parser
from lamina.data.tables.scan import Reading


@dataclass(frozen=True)
class Delimited:
    """How such files are cut and parsed.

    Attributes:
        dialect: How they are written.
        strict: Types that columns must have, see `Parser`.
    """

    dialect: Dialect
    strict: tuple[tuple[str, int], ...] = ()

    def open(self, file: DataFile, *, exact: bool, names: tuple[str, ...] = ()) -> Reading:
        opened = open_table(file, self.dialect)
        parser = Parser(opened.names, self.dialect, file.name, dict(self.strict))
        content = blocks(opened.stream, self.dialect, file.name, line=opened.line, rest=opened.rest, exact=exact)
        strict = frozenset(name for name, _ in self.strict)
        nothing = "the header alone" if self.dialect.header else "none"
        return Reading(opened.names, content, parser.parse, opened.stream.close, strict, nothing=nothing)

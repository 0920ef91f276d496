"""Files of lines: each a text, cut into columns at fixed places, or by a regular expression."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from lamina.data.storage.file import DataFile
from lamina.data.tables.blocks import Block, blocks
from lamina.data.tables.dialect import Dialect
from lamina.data.tables.heads import open_lines
from lamina.data.tables.problems import unmatched, wrong_width
from lamina.data.tables.records import text_of
from lamina.data.tables.scan import Reading
from lamina.data.tables.texts import Parsed, TextParser

if TYPE_CHECKING:
    import polars as pl

LINE = "__lamina_line"


@dataclass(frozen=True)
class Lines:
    """Each line is one value.

    Attributes:
        dialect: How the text is written; without quotes and delimiters.
        names: Of the columns.
        strict: Types that columns must have, see `TextParser`.
    """

    dialect: Dialect
    names: tuple[str, ...]
    strict: tuple[tuple[str, int], ...] = ()

    def open(self, file: DataFile, *, exact: bool, names: tuple[str, ...] = ()) -> Reading:
        opened = open_lines(file, self.dialect)
        parser = self.parser(file.name)
        content = blocks(opened.stream, self.dialect, file.name, line=opened.line, rest=opened.rest)
        return Reading(self.names, content, parser.parse, opened.stream.close, frozenset(dict(self.strict)), parser.left_out)

    def parser(self, file: str) -> LineParser:
        """What parses the blocks of one file."""
        return LineParser(self.names, self.dialect, file, dict(self.strict))


class LineParser(TextParser):
    """Parses blocks of lines, each of which is one value."""

    keeps_empty = True

    def left_out(self) -> int:
        """Lines that were left out because they don't fit."""
        return 0

    def parse(self, block: Block, levels: Sequence[int], *, only: Sequence[str] | None = None) -> Parsed:
        frame = self.lines(block)
        return self.narrowed(self.cleaned(self.columns(frame, block), blanks=True), levels, block)

    def columns(self, lines: pl.DataFrame, block: Block) -> pl.DataFrame:
        """The columns of lines, as texts.

        Raises:
            DataError: DA032, for a line that doesn't fit.
        """
        return lines.rename({LINE: self.names[0]})

    def places(self, block: Block) -> Iterator[int]:
        return (number for number, _ in self.numbered(block))

    def numbered(self, block: Block) -> Iterator[tuple[int, str]]:
        """Number and text of each line that counts."""
        for number, text in enumerate(decoded(block, self.file).split("\n")[:-1], block.line):
            if self._counts(text):
                yield number, text

    def lines(self, block: Block) -> pl.DataFrame:
        """The lines that count, as one column."""
        import polars as pl

        found = pl.Series(LINE, [decoded(block, self.file)[:-1]], dtype=pl.String).str.split("\n").explode()
        frame = found.to_frame()
        if self.dialect.comment is not None:
            frame = frame.filter(~pl.col(LINE).str.starts_with(self.dialect.comment))
        return frame if self.keeps_empty else frame.filter(pl.col(LINE) != "")

    def _counts(self, text: str) -> bool:
        comment = self.dialect.comment
        return (comment is None or not text.startswith(comment)) and (self.keeps_empty or text != "")


@dataclass(frozen=True)
class FixedWidth(Lines):
    """Values stand at fixed places.

    Attributes:
        widths: Letters of each column.
        pad: Whether lines may end early.
    """

    widths: tuple[int, ...] = ()
    pad: bool = False

    def parser(self, file: str) -> LineParser:
        return _FixedWidthParser(self, file)


class _FixedWidthParser(LineParser):
    keeps_empty = False

    def __init__(self, layout: FixedWidth, file: str) -> None:
        super().__init__(layout.names, layout.dialect, file, dict(layout.strict))
        self._layout = layout

    def columns(self, lines: pl.DataFrame, block: Block) -> pl.DataFrame:
        import polars as pl

        widths = self._layout.widths
        starts = [sum(widths[:i]) for i in range(len(widths))]
        line = pl.col(LINE)
        long = line.str.slice(sum(widths)).str.strip_chars() != ""
        wrong = long if self._layout.pad else long | (line.str.len_chars() <= (starts[-1] if len(starts) > 1 else 0))
        place = lines.select(wrong.arg_max() if lines.height else pl.lit(None), any=wrong.any()).row(0)
        if place[1]:
            number, text = next((number, text) for index, (number, text) in enumerate(self.numbered(block)) if index == place[0])
            raise wrong_width(self.file, number, sum(widths), len(text))
        return lines.select(line.str.slice(start, width).alias(name) for name, start, width in zip(self.names, starts, widths, strict=True))


@dataclass(frozen=True)
class RegexLines(Lines):
    """Values are the groups of a regular expression that fits a whole line.

    Attributes:
        pattern: The expression, with one group for each column.
        other: What becomes of lines that it doesn't fit.
    """

    pattern: str = ""
    other: Literal["error", "drop"] = "error"

    def parser(self, file: str) -> LineParser:
        return _RegexParser(self, file)


class _RegexParser(LineParser):
    keeps_empty = False

    def __init__(self, layout: RegexLines, file: str) -> None:
        super().__init__(layout.names, layout.dialect, file, dict(layout.strict))
        self._layout = layout
        self._left_out: dict[int, int] = {}

    def left_out(self) -> int:
        return sum(self._left_out.values())

    def columns(self, lines: pl.DataFrame, block: Block) -> pl.DataFrame:
        import polars as pl

        pattern = rf"\A(?:{self._layout.pattern})\z"
        if _known_to_polars(pattern):
            fits = lines.select(pl.col(LINE).str.contains(pattern)).to_series()
            found = lines.select(pl.col(LINE).str.extract_groups(pattern)).unnest(LINE)
            found.columns = list(self.names)
        else:
            own = re.compile(self._layout.pattern)
            matches = [own.fullmatch(text) for text in lines[LINE].to_list()]
            fits = pl.Series([match is not None for match in matches], dtype=pl.Boolean)
            groups: list[Any] = [(None,) * len(self.names) if match is None else match.groups() for match in matches]
            found = pl.DataFrame(groups, schema=dict.fromkeys(self.names, pl.String), orient="row")
        if not fits.all():
            self._refuse_or_count(fits, block)
            found = found.filter(fits)
        return found

    def _refuse_or_count(self, fits: pl.Series, block: Block) -> None:
        if self._layout.other == "drop":
            self._left_out[block.line] = int((~fits).sum())
            return
        place = (~fits).arg_max()
        number, text = next(found for index, found in enumerate(self.numbered(block)) if index == place)
        raise unmatched(self.file, number, text, self._layout.pattern)

    def places(self, block: Block) -> Iterator[int]:
        own = re.compile(self._layout.pattern)
        return (number for number, text in self.numbered(block) if self._layout.other == "error" or own.fullmatch(text))


@lru_cache(maxsize=16)
def _known_to_polars(pattern: str) -> bool:
    """Whether Polars' regular expressions, which are faster, can say this too; they have no look-around and no references."""
    import polars as pl

    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError:
        return False
    return True


def decoded(block: Block, file: str) -> str:
    """A block with plain line ends.

    Raises:
        DataError: DA032, for bytes that are no text.
    """
    text = text_of(block.data, file, block.line)
    return text if "\r" not in text else text.replace("\r\n", "\n").replace("\r", "\n")

"""What all parsers of text share: values that are missing, the narrowest types, where a wrong value stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamina.data.tables.dialect import Dialect
from lamina.data.tables.kinds import EMPTY, FLOAT, INTEGER, TEXT, dtype_of, first_wrong, join, narrowest
from lamina.data.tables.problems import wrong_type

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Parsed:
    """A block as a frame.

    Attributes:
        frame: Its rows, each column in the type of its level.
        levels: Of the columns, at least as wide as was asked for.
    """

    frame: pl.DataFrame
    levels: tuple[int, ...]


class TextParser(ABC):
    """Parses the blocks of one file.

    Args:
        names: Of its columns.
        dialect: How it is written.
        file: For messages.
        strict: Types that columns must have, by name; what is none of them is an error.
    """

    def __init__(self, names: tuple[str, ...], dialect: Dialect, file: str, strict: dict[str, int] | None = None) -> None:
        self.names, self.dialect, self.file, self.strict = names, dialect, file, strict or {}
        self.marks = [mark for mark in dialect.marks if mark]

    @abstractmethod
    def parse(self, block: Any, levels: Sequence[int], *, only: Sequence[str] | None = None) -> Parsed:
        """A block as a frame; called in threads.

        Args:
            block: A piece of the file.
            levels: The narrowest types that columns may have.
            only: Columns that are wanted, of a block that is known to be right.

        Raises:
            DataError: If it can't be understood; DA051, for a value that is none of its strict type.
        """

    @abstractmethod
    def places(self, block: Any) -> Iterator[int]:
        """The line of each row of a block."""

    def cleaned(self, frame: pl.DataFrame, *, blanks: bool, levels: Mapping[str, int] | None = None) -> pl.DataFrame:
        """Texts trimmed, marks of missing values taken for what they mean.

        Args:
            frame: The values.
            blanks: Whether there are blanks at all.
            levels: Of the columns; all are text unless given.
        """
        import polars as pl

        changed = []
        for place, name in enumerate(frame.columns):
            level = TEXT if levels is None else levels[name]
            if level in (EMPTY, TEXT):
                value = pl.nth(place).str.strip_chars() if blanks and self.dialect.trim else pl.nth(place)
                changed.append(value.replace(["", *self.marks], None))
            elif level == FLOAT and {"NaN", "nan"} & {*self.marks}:
                changed.append(pl.nth(place).fill_nan(None))
        return frame.with_columns(changed)

    def narrowed(self, texts: pl.DataFrame, levels: Sequence[int], block: Any) -> Parsed:
        """Texts in the narrowest types from these on.

        Raises:
            DataError: DA051, for a value that is none of its strict type.
        """
        import polars as pl

        made, found = [], []
        for name, level in zip(self.names, levels, strict=True):
            own, column = narrowest(texts[name], level, self.dialect)
            wanted = self.strict.get(name)
            if wanted is not None and join(own, wanted) != wanted:
                self.refuse(texts[name], name, wanted, block)
            made.append(column)
            found.append(own)
        return Parsed(pl.DataFrame(dict(zip(self.names, made, strict=True))), tuple(found))

    def refuse(self, texts: pl.Series, name: str, wanted: int, block: Any) -> None:
        """Say which value of a column is none of its type.

        Raises:
            DataError: DA051, always.
        """
        place = first_wrong(texts, wanted, self.dialect)
        line = next(line for number, line in enumerate(self.places(block)) if number == place)
        expected = "a whole number" if wanted == INTEGER else "a number"
        raise wrong_type(self.file, line, name, expected, str(texts[place]))

    def empty(self, levels: Sequence[int]) -> pl.DataFrame:
        """No rows."""
        import polars as pl

        return pl.DataFrame(schema={name: dtype_of(level) for name, level in zip(self.names, levels, strict=True)})

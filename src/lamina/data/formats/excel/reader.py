"""Sheets as tables: one kind of value in each column, and every cell that is of another named as the spreadsheet does."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lamina.data.formats.excel.bounds import EXPECTED, check_workbook
from lamina.data.formats.excel.cells import Range, cell_name
from lamina.data.formats.scanning import damaged, first_line, not_there
from lamina.data.formats.types import plain_frame
from lamina.errors import DataError, DependencyError

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.storage import DataFile

MOST_CELLS = 30_000_000
"""Cells of a sheet; they take about 1 GB."""


@dataclass(frozen=True)
class Sheet:
    """Which cells make the table.

    Attributes:
        sheet: Name of the sheet, or its number from 1.
        range: Rectangle that holds the table; None: all that is filled.
        header: Whether the first row names the columns.
        header_row: That row, from 1, where the table doesn't begin in the first row that is filled.
        skip_rows: Rows after the header to leave out.
        names: Names of the columns, instead of those of the header or where there is none.
        texts: Columns that are read as text, whatever stands in them.
        missing_values: Texts that mean that a value is missing.
        error_cells: What becomes of cells with an error (``#DIV/0!``, ``#N/A``): ``error``, or ``missing``.
        most_cells: Cells that the sheet may have.
    """

    sheet: str | int = 1
    range: Range | None = None
    header: bool = True
    header_row: int | None = None
    skip_rows: int = 0
    names: tuple[str, ...] | None = None
    texts: tuple[str, ...] = ()
    missing_values: tuple[str, ...] = ()
    error_cells: Literal["error", "missing"] = "error"
    most_cells: int = MOST_CELLS


def read_excel(file: DataFile, sheet: Sheet | None = None) -> pl.LazyFrame:
    """A sheet as a table. Of formulas the values that were last computed are read.

    A column is numbers (whole ones if all are), dates, durations or times of the day in seconds, true/false, or text. Empty cells and
    blanks are missing. The sheet is in memory as a whole.

    Args:
        file: The workbook.
        sheet: Which cells; by default the first sheet with a header.

    Raises:
        DependencyError: DA059, if fastexcel isn't installed.
        DataError: DA060, if it is no workbook; DA061 for a sheet that isn't there; DA063, naming the cell, for a value of another kind
            than the rest of its column and for errors; DA006 for a sheet without rows; DA017 for names that stand twice; DA064 for one
            that is too large.
    """
    settings = sheet or Sheet()
    library = _library(file.name)
    path = file.local()
    check_workbook(file, path, settings.most_cells)
    with _quiet(), _reading(file.name):
        book = library.read_excel(path)
        name = _sheet_name(book.sheet_names, settings.sheet, file.name)
        return _Table(book, name, f"{file.name}, sheet {name!r}", settings).read()


def _library(where: str) -> Any:
    try:
        import fastexcel
        import pyarrow  # noqa: F401 (fastexcel needs it to tell of cells)
    except ImportError as error:
        raise DependencyError(
            "DA059",
            where=where,
            expected="the packages fastexcel and pyarrow",
            got=str(error),
            cause="they are an optional part",
            fix="pip install 'lamina[excel]'",
        ) from error
    return fastexcel


@contextmanager
def _reading(where: str) -> Iterator[None]:
    import fastexcel
    import polars as pl

    try:
        yield
    except (fastexcel.FastExcelError, pl.exceptions.PanicException, OSError, ValueError) as error:
        locked = "password" in str(error).lower() or "encrypt" in str(error).lower()
        cause, fix = ("it is protected by a password", "save it without one") if locked else ("", "")
        raise damaged(where, EXPECTED, first_line(error), cause=cause, fix=fix) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Fastexcel logs each column that is empty."""
    loggers = [logging.getLogger(name) for name in ("fastexcel", "calamine")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _sheet_name(names: Sequence[str], wanted: str | int, where: str) -> str:
    if isinstance(wanted, str) and wanted in names:
        return wanted
    if isinstance(wanted, int) and 1 <= wanted <= len(names):
        return names[wanted - 1]
    if isinstance(wanted, str):
        raise not_there(where, "sheet", wanted, names)
    raise DataError(
        "DA061",
        where=where,
        expected=f"a sheet {wanted}",
        got=f"{len(names)} sheets: {', '.join(map(repr, names[:12]))}",
        cause="sheets are counted from 1",
        fix=f"write a number from 1 to {len(names)}, or a name",
    )


class _Table:
    """The cells of one sheet that make a table."""

    def __init__(self, book: Any, name: str, where: str, settings: Sheet) -> None:
        self._book, self._name, self._where, self._settings = book, name, where, settings
        self._range = settings.range or Range()
        self._first = 0

    def _load(self, **options: Any) -> Any:
        return self._book.load_sheet(
            self._name, header_row=None, schema_sample_rows=None, skip_whitespace_tail_rows=True, whitespace_as_null=True, **options
        )

    def _first_row(self) -> int:
        """The first row of the table: as said, or the first that is filled."""
        if self._settings.header_row is not None:
            return self._settings.header_row - 1
        if self._settings.range is not None:
            return self._range.top
        filled = self._load(n_rows=1, dtypes="string")
        return int(self._load(n_rows=1, dtypes="string", skip_rows=0).total_height - filled.total_height)

    def read(self) -> pl.LazyFrame:
        import polars as pl

        from lamina.data.foreign import check_names

        top = self._first_row()
        sheet = self._load(n_rows=1, skip_rows=top, dtypes="string")
        within = [info.absolute_index for info in sheet.selected_columns if self._inside(info.absolute_index)]
        if not within:
            raise self._empty("column")
        names = self._names(sheet, within)
        check_names(names, self._where)
        columns = dict(zip(names, within, strict=True))
        texts = {columns[name]: "string" for name in self._settings.texts if name in columns}
        self._first = int(sheet.available_columns()[0].absolute_index)
        start = top + int(self._settings.header) + self._settings.skip_rows
        stop = self._range.bottom
        # Columns are called by their numbers, by which errors then name them.
        options: dict[str, Any] = {"use_columns": within, "skip_rows": start, "column_names": [str(column) for column in within]}
        if stop is not None:
            options["n_rows"] = max(stop - start, 0)
        frame = self._typed(options, texts, dict(zip(within, names, strict=True)))
        if not len(frame):
            raise self._empty("row")
        # Polars takes the name of a series for a pattern if it looks like one.
        kept = [_settled(column.alias("cells"), self._settings.missing_values).alias(column.name) for column in frame]
        return plain_frame(pl.DataFrame(kept), self._where)

    def _inside(self, column: int) -> bool:
        return column >= self._range.left and (self._range.right is None or column < self._range.right)

    def _empty(self, kind: str) -> DataError:
        return DataError(
            "DA006",
            where=self._where,
            expected="a table with at least one row",
            got=f"no {kind} in it",
            cause="the sheet or the range is empty, or it is another sheet that holds the table",
            fix="name the sheet, the range or the row of the header",
        )

    def _names(self, sheet: Any, within: Sequence[int]) -> list[str]:
        own = self._settings.names
        if own is not None:
            if len(own) != len(within):
                raise DataError(
                    "DA016",
                    where=self._where,
                    expected=f"names for its {len(within)} columns",
                    got=f"{len(own)}: {', '.join(own[:8])}",
                    cause="some are missing, or there are too many",
                    fix="name each column, in order; a range leaves columns out",
                )
            return list(own)
        places = {info.absolute_index: place for place, info in enumerate(sheet.selected_columns)}
        row = sheet.to_polars().row(0) if self._settings.header and len(sheet.to_polars()) else ()
        texts = [row[places[column]] if row else None for column in within]
        return [(text or "").strip() or f"column_{place}" for place, text in enumerate(texts, 1)]

    def _typed(self, options: Mapping[str, Any], texts: Mapping[int, str], names: Mapping[int, str]) -> pl.DataFrame:
        """All columns, each of one kind.

        Raises:
            DataError: DA063, naming a cell.
        """
        import fastexcel
        import polars as pl

        forced: dict[int, str] = dict(texts)
        for _ in range(len(names) + 1):
            try:
                sheet = self._load(**options, dtypes=forced or None, dtype_coercion="strict")
                break
            except fastexcel.UnsupportedColumnTypeCombinationError as error:
                found = re.search(r"for column (\d+)$", str(error), re.MULTILINE)
                column = int(found[1]) if found else -1
                if column not in names or column in forced:
                    raise
                forced[column] = self._settle(column, options, names[column])
        batch, errors = sheet.to_arrow_with_errors()
        for one in () if errors is None else errors.errors:
            self._check(one, names)
        made = pl.from_arrow(batch)
        return pl.DataFrame([column.alias(names[int(column.name)]) for column in made])

    def _settle(self, column: int, options: Mapping[str, Any], name: str) -> str:
        """The type of a column whose cells are of several kinds: text, if most of them are text.

        Raises:
            DataError: DA063, naming the first cell that is of another kind than most, unless it is a mark for a missing value.
        """
        own = {**options, "use_columns": [column], "column_names": [str(column)]}
        errors = self._load(**own, dtypes="float").to_arrow_with_errors()[1]
        first = int(options["skip_rows"])
        words = {one.position[0] - first: one.detail for one in (() if errors is None else errors.errors) if "got 'String(" in one.detail}
        cells = self._load(**own, dtypes="string").to_polars().to_series().to_list()
        kinds = [None if text is None else "text" if row in words else _kind(text) for row, text in enumerate(cells)]
        missing = [kind == "text" and text.strip() in self._settings.missing_values for kind, text in zip(kinds, cells, strict=True)]
        counted = Counter(kind for kind, gone in zip(kinds, missing, strict=True) if kind is not None and not gone)
        if not counted or counted["text"] * 2 > counted.total():
            return "string"
        most = counted.most_common(1)[0][0]
        for row, (kind, gone) in enumerate(zip(kinds, missing, strict=True)):
            if kind not in (None, most) and not gone:
                raise DataError(
                    "DA063",
                    where=self._spot(first + row, column),
                    expected=f"{most}, as most cells of column {name!r} are",
                    got=f"{kind}, {cells[row]!r}",
                    cause="a slip of the pen, a mark for a missing value, or a note within the table",
                    fix=f"correct the cell; list a mark under missing_values; or have the column read as text: columns: {{{name}: string}}",
                )
        return {"a number": "float", "a date": "datetime", "true or false": "boolean"}[most]

    def _check(self, one: Any, names: Mapping[int, str]) -> None:
        """A cell that could not be read as its column: an error, a mark for a missing value, or worse."""
        row, place = one.position
        found = re.search(r"got '(\w+)\((.*)\)'", one.detail, re.DOTALL)
        kind, content = (found[1], found[2].strip('"')) if found else ("", one.detail)
        if (kind == "Error" and self._settings.error_cells == "missing") or content.strip() in self._settings.missing_values:
            return
        column, failed = self._first + place, kind == "Error"
        raise DataError(
            "DA063",
            where=self._spot(row, column),
            expected=f"a value for {names.get(column, 'the column')!r}",
            got=_ERRORS.get(content, content) if failed else content,
            cause="a formula that could not be computed" if kind == "Error" else "it is of another kind than the rest of the column",
            fix="correct the formula, or write error_cells: missing"
            if kind == "Error"
            else "correct the cell, or have the column read as text",
        )

    def _spot(self, row: int, column: int) -> str:
        return f"{self._where}, cell {cell_name(row, column, self._name)}"


def _kind(text: str) -> str:
    """What a cell that is no text holds, by how it is written as text."""
    if text in ("true", "false"):
        return "true or false"
    return "a date" if re.match(r"\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d|P", text) else "a number"


_ERRORS = {
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "GettingData": "#GETTING_DATA",
}


def _settled(column: pl.Series, missing: Sequence[str]) -> pl.Series:
    """Whole numbers as such, times of the day in seconds, marks for missing values as nothing."""
    import datetime

    import polars as pl

    if column.dtype == pl.String and missing:
        return column.set(column.str.strip_chars().is_in(list(missing)), None)
    if column.dtype == pl.Float64:
        there = column.drop_nulls()
        whole = len(there) and bool(((there % 1 == 0) & (there.abs() < 2**53)).all())
        return column.cast(pl.Int64) if whole else column
    if isinstance(column.dtype, pl.Datetime):
        there = column.drop_nulls()
        if len(there) and bool((there < datetime.datetime(1900, 1, 1)).all()):
            return column.dt.time()
    return column

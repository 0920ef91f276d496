"""Tables as sheets of ``.xlsx`` files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

from lamina.data.formats.excel.cells import MOST_COLUMNS, MOST_ROWS, cell_name
from lamina.errors import DataError, DependencyError
from lamina.files import atomic_write

if TYPE_CHECKING:
    import polars as pl

MOST_LETTERS = 32_767
"""Of a cell."""
SHEET = "Sheet1"
ROWS = 16384


def write_excel(rows: pl.LazyFrame | pl.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a table to the only sheet of an ``.xlsx`` file: a bold header, missing values as empty cells, text never as a formula.

    Args:
        rows: The table; times are in UTC or without a zone, for cells know none.
        path: The file.

    Raises:
        DependencyError: DA059, if XlsxWriter isn't installed.
        DataError: DA093, naming cell or column, for what a sheet can't hold: lists, bytes, NaN, infinity, whole numbers beyond 2**53,
            zones, texts of more than 32,767 letters, more than 1,048,576 rows or 16,384 columns.
        OSError: If the file can't be written.

    Example:
        >>> import tempfile, pathlib, polars as pl
        >>> from lamina.data.formats.excel import read_excel
        >>> from lamina.data.storage import open_file
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.xlsx"
        >>> write_excel(pl.DataFrame({"age": [31, None], "city": ["Bern", "=1+1"]}), path)
        >>> read_excel(open_file(path)).collect().rows()
        [(31, 'Bern'), (None, '=1+1')]
    """
    try:
        import xlsxwriter
    except ImportError as error:
        raise DependencyError(
            "DA059",
            where=str(path),
            expected="the package XlsxWriter",
            got=str(error),
            cause="it is an optional part",
            fix="pip install 'lamina[excel]'",
        ) from error
    from lamina.data.formats.types import plain_frame

    frame = plain_frame(rows, "the table")
    schema = frame.collect_schema()
    if len(schema) > MOST_COLUMNS:
        raise _unwritable(str(path), f"at most {MOST_COLUMNS:,} columns", f"{len(schema):,}", "a sheet has no more", "write Parquet or csv")
    kinds = {name: _kind(dtype, name) for name, dtype in schema.items()}

    def fill(file: IO[bytes]) -> None:
        with tempfile.TemporaryDirectory(prefix="lamina-") as folder:
            options = {
                "constant_memory": True,
                "tmpdir": folder,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "default_date_format": "yyyy-mm-dd hh:mm:ss",
            }
            book = xlsxwriter.Workbook(file, options)
            sheet = book.add_worksheet(SHEET)
            try:
                _fill(frame, kinds, book, sheet, str(path))
            except BaseException:
                sheet.row_data_fh.close()  # which the library would leave open
                raise
            book.close()

    atomic_write(path, fill)


def _fill(frame: pl.LazyFrame, kinds: Mapping[str, str], book: Any, sheet: Any, path: str) -> None:
    bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
    for column, name in enumerate(kinds):
        sheet.write_string(0, column, name, bold)
    written = 1
    for batch in frame.collect_batches(chunk_size=ROWS, maintain_order=True):
        for values in batch.iter_rows():
            if written >= MOST_ROWS:
                raise _unwritable(path, f"at most {MOST_ROWS - 1:,} rows", "more", "a sheet has no more", "write Parquet or csv")
            for column, (value, kind) in enumerate(zip(values, kinds.values(), strict=True)):
                if value is not None:
                    _check(value, written, column)
                    formats = (day,) if kind == "date" else ()
                    getattr(sheet, f"write_{_METHODS[kind]}")(written, column, value, *formats)
            written += 1


_METHODS = {"text": "string", "number": "number", "truth": "boolean", "date": "datetime", "moment": "datetime"}


def _kind(dtype: Any, name: str) -> str:
    import polars as pl

    if dtype == pl.String or isinstance(dtype, pl.Enum):
        return "text"
    if dtype.is_numeric():
        return "number"
    if dtype == pl.Boolean:
        return "truth"
    if dtype == pl.Date:
        return "date"
    if isinstance(dtype, pl.Datetime) and dtype.time_zone in (None, "UTC"):
        return "moment"
    zone = isinstance(dtype, pl.Datetime)
    where = f"the table, column {name!r}"
    raise _unwritable(
        where,
        "text, numbers, true/false, dates, or times in UTC",
        str(dtype),
        "cells know no zones" if zone else "cells hold single values",
        "convert it to UTC before" if zone else "convert it to text or to several columns before",
    )


def _check(value: Any, row: int, column: int) -> None:
    where = f"cell {cell_name(row, column)}"
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        raise _unwritable(where, "a finite number", str(value), "a sheet has no such number", "fill it, or make it missing, before")
    if isinstance(value, int) and abs(value) > 2**53:
        raise _unwritable(where, "a whole number up to 2**53", str(value), "a sheet keeps 15 digits", "write it as text")
    if isinstance(value, str) and len(value) > MOST_LETTERS:
        raise _unwritable(where, f"at most {MOST_LETTERS:,} letters", f"{len(value):,}", "a cell holds no more", "write Parquet or csv")


def _unwritable(where: str, expected: str, got: str, cause: str, fix: str) -> DataError:
    return DataError("DA093", where=where, expected=expected, got=got, cause=cause, fix=fix)

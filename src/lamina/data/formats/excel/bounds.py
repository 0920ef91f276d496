"""How many cells a sheet really has, found in its text before calamine takes memory for all of them.

Calamine lays a sheet out as a full rectangle: two cells in opposite corners would make 17 thousand million.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lamina.data.formats.excel.cells import column_number
from lamina.data.formats.scanning import damaged, too_much
from lamina.data.storage.compression import check_ratio, check_size

if TYPE_CHECKING:
    from lamina.data.storage import DataFile
    from lamina.errors import DataError

PIECE = 1 << 20
OVERLAP = 1 << 12
SPARSE, MOST_EMPTY = 2_000_000, 100
"""Sheets with more cells than this must fill one of so many: a few kilobytes could otherwise take a gigabyte."""
MOST_TEXT = 2 << 30
"""Bytes that the texts of all cells may take; each cell has its own copy."""
EXPECTED = "a spreadsheet (.xlsx, .xlsm, .xls or .ods)"
_REFERENCE = re.compile(rb'<(?:\w+:)?c [^>]*?\br="([A-Z]{1,3})(\d{1,7})"')
_ROW = re.compile(rb'<(?:\w+:)?row [^>]*?\br="(\d{1,7})"')
_TEXT = re.compile(rb't="s"[^>]*>(?:<f[^>]*>[^<]*</f>|<f[^>]*/>)?<(?:\w+:)?v>(\d+)<')
_ITEM = re.compile(rb"<(?:\w+:)?si\b[^>]*/>|<(?:\w+:)?si\b.*?</(?:\w+:)?si>", re.DOTALL)
_ODS = re.compile(rb"<table:(table-row|table-cell|covered-table-cell)\b([^>]*)>|</table:table>")
_REPEATED = re.compile(rb'table:number-(?:rows|columns)-repeated="(\d+)"')


def check_workbook(file: DataFile, path: Path, most: int) -> str:
    """See that no sheet of a workbook is larger than it may be; gives its kind: ``xlsx``, ``ods`` or ``xls``.

    Args:
        file: The workbook.
        path: It, on this machine.
        most: Cells that a sheet may have.

    Raises:
        DataError: DA060, if it is none; DA064, if a sheet has more cells; DA046, if it unpacks to too much.
    """
    with path.open("rb") as opened:
        start = opened.read(8)
    if start == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return "xls"  # At most 65,536 rows of 256 columns.
    if start[:4] != b"PK\x03\x04":
        raise damaged(file.name, EXPECTED, f"a file that begins with {start!r}" if start else "an empty file")
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                check_size(f"{file.name}, {info.filename}", info.file_size, file.storage)
                check_ratio(f"{file.name}, {info.filename}", info.compress_size, info.file_size, file.storage)
            names = archive.namelist()
            if "content.xml" in names:
                _check_ods(file, archive, most)
                return "ods"
            sheets = [name for name in names if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)]
            if not sheets:
                got = "a binary workbook (.xlsb)" if any(name.endswith(".bin") for name in names) else "another kind of zip archive"
                raise damaged(file.name, EXPECTED, got, cause="the ending promises another kind of file", fix="save it as .xlsx")
            for name in sheets:
                _check_xlsx(file, archive, name, most)
    except (OSError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise damaged(file.name, EXPECTED, error) from error
    return "xlsx"


def _pieces(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """The text of a member, each piece with the end of the one before, so that no mark is torn apart."""
    with archive.open(name) as opened:
        rest = b""
        while piece := opened.read(PIECE):
            # The last unfinished mark waits for the next piece.
            cut = piece.rfind(b"<")
            if cut < 0:
                rest += piece
                if len(rest) > 64 * PIECE:
                    yield rest
                    rest = rest[-OVERLAP:]
                continue
            yield rest + piece[:cut]
            rest = piece[cut:]
        yield rest


def _check_xlsx(file: DataFile, archive: zipfile.ZipFile, name: str, most: int) -> None:
    letters: set[bytes] = set()
    last, first, rows, cells, texts = 0, 2**31, 0, 0, 0
    for piece in _pieces(archive, name):
        found = _REFERENCE.findall(piece)
        letters |= {letter for letter, _ in found}
        numbers = [int(row) for row in {row for _, row in found} | {*_ROW.findall(piece)}]
        last, first = max([last, *numbers]), min([first, *numbers])
        rows += len(re.findall(rb"<(?:\w+:)?row\b", piece))
        cells += len(re.findall(rb"<(?:\w+:)?c\b", piece))
        texts += piece.count(b't="s"')
    right = max((column_number(letter.decode()) + 1 for letter in letters), default=0)
    # Cells and rows without a reference follow each other.
    height, width = max(last - min(first, last) + 1, rows), max(right, 0 if letters else cells // max(rows, 1))
    if height * width > most:
        raise _too_many(file.name, name, height, width, most)
    if height * width > max(SPARSE, cells * MOST_EMPTY):
        raise _too_empty(file.name, name, height, width, cells)
    if texts:
        _check_texts(file, archive, name, texts)


def _check_texts(file: DataFile, archive: zipfile.ZipFile, name: str, count: int) -> None:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return
    size = archive.getinfo("xl/sharedStrings.xml").file_size
    if count * size <= MOST_TEXT:
        return
    lengths = [len(item.group()) for item in _ITEM.finditer(archive.read("xl/sharedStrings.xml"))]
    total = 0
    for piece in _pieces(archive, name):
        for number in _TEXT.findall(piece):
            place = int(number)
            total += lengths[place] if place < len(lengths) else 0
    if total > MOST_TEXT:
        where, fix = f"{file.name}, {name}", "leave columns of long texts out of the sheet, or save it as csv"
        raise too_much(where, f"at most {MOST_TEXT:,} bytes of text in all cells", f"{total:,}", fix)


class _OdsSize:
    """Rows and columns up to the last that isn't empty; a row or cell may stand for many."""

    def __init__(self) -> None:
        self.row, self.column, self.times = 0, 0, 1
        self.height, self.width, self.filled = 0, 0, 0

    def cell(self, times: int, *, empty: bool) -> None:
        self.column += times
        if not empty:
            self.filled = self.column

    def next_row(self, times: int) -> None:
        self.row += self.times if self.column else 0
        if self.filled:
            self.height, self.width = self.row, max(self.width, self.filled)
        self.column, self.filled, self.times = 0, 0, times


def _check_ods(file: DataFile, archive: zipfile.ZipFile, most: int) -> None:
    size = _OdsSize()
    for piece in _pieces(archive, "content.xml"):
        for mark in _ODS.finditer(piece):
            kind, attributes = mark.group(1), mark.group(2) or b""
            times = int(found.group(1)) if (found := _REPEATED.search(attributes)) else 1
            if kind in (b"table-row", None):
                size.next_row(times)
                if size.height * size.width > most:
                    raise _too_many(file.name, "content.xml", size.height, size.width, most)
                size = size if kind else _OdsSize()
            else:
                size.cell(times, empty=b"office:value-type" not in attributes and b"table:formula" not in attributes)


def _too_empty(where: str, sheet: str, height: int, width: int, filled: int) -> DataError:
    return too_much(
        f"{where}, {sheet}",
        f"at most {MOST_EMPTY} cells of the rectangle around a table for each that is filled",
        f"{height:,} rows and {width:,} columns, {height * width:,} cells, with {filled:,} filled ones",
        "delete what stands far away from the table",
    )


def _too_many(where: str, sheet: str, height: int, width: int, most: int) -> DataError:
    return too_much(
        f"{where}, {sheet}",
        f"at most {most:,} cells in a sheet",
        f"{height:,} rows and {width:,} columns, {height * width:,} cells",
        f"delete what stands far away from the table, or raise most_cells: {2 * height * width}",
    )

"""Spreadsheets: ``.xlsx``, ``.xlsm``, ``.xls`` and ``.ods``, read by calamine through fastexcel; see `read_excel`."""

from lamina.data.formats.excel.cells import cell_name, parse_range
from lamina.data.formats.excel.reader import Sheet, read_excel
from lamina.data.formats.excel.writer import write_excel

__all__ = ["Sheet", "cell_name", "parse_range", "read_excel", "write_excel"]

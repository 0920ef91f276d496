"""Tables in spreadsheets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from lamina.data.sources.filed import FileTable
from lamina.data.tables.dialect import GONE
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, listed

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.formats.excel import Sheet


@register("excel")
class Excel(FileTable):
    """Rows of a sheet of ``.xlsx``, ``.xlsm``, ``.xls`` and ``.ods`` files. Of formulas the values that were last computed are read.

    A column is numbers, dates, durations or times of the day (in seconds), true/false, or text; a cell of another kind than most of
    its column is an error that names it (``Sheet1!B7``), unless most are text, or ``columns`` says that the column is. It needs
    ``pip install 'lamina[excel]'``. What the columns are for is said as `lamina.data.sources.table.TableSource` describes it.

    Attributes:
        sheet: Name of the sheet, or its number from 1.
        range: Cells that hold the table, such as ``B3:F100``, ``B:F`` or ``B3`` (from there on); by default all that are filled.
        header: Whether the first row names the columns.
        header_row: That row, from 1, where it isn't the first that is filled.
        skip_rows: Rows after the header to leave out.
        names: Names of the columns, instead of those of the header or where there is none; ``column_1`` ... by default.
        missing_values: Texts that mean that a value is missing; empty cells always do.
        error_cells: What becomes of cells with an error (``#DIV/0!``, ``#N/A``): ``error``, or ``missing``.
        most_cells: Cells that the sheet may have; 30 million take about 1 GB.

    Example:
        >>> Excel.from_yaml("{path: sales.xlsx, sheet: 2024, range: 'A3:F100', target: price}").sheet
        2024
    """

    sheet: Annotated[int, Field(ge=1)] | str = 1
    range: str | None = None
    header: bool = True
    header_row: Count | None = None
    skip_rows: Annotated[int, Field(ge=0)] = 0
    names: listed(str) | None = None  # type: ignore[valid-type]
    missing_values: listed(str) = GONE  # type: ignore[valid-type]
    error_cells: Literal["error", "missing"] = "error"
    most_cells: Count = 30_000_000

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            cls(path="flowers.xlsx", target="species"),
            cls(path="flowers.xlsx", sheet="Sheet1", range="A1:C4", columns={"size": {"type": "float"}}, target="species"),
        ]

    @model_validator(mode="after")
    def _placed(self) -> Self:
        from lamina.data.formats.excel.cells import parse_range

        if self.range is not None and parse_range(self.range) is None:
            raise wrong_value(
                expected="a range such as B3:F100, B:F, 3:100 or B3",
                cause=f"{self.range!r} is none, or its ends are swapped",
                fix="write the upper left cell, a colon, and the lower right one",
            )
        if self.range is not None and self.header_row is not None:
            raise wrong_value(
                expected="range or header_row, not both",
                cause="the first row of the range is the header",
                fix="let the range begin with the row of the header, and remove header_row",
            )
        if self.header_row is not None and not self.header:
            raise wrong_value(
                expected="header_row without header: false",
                cause="there is no header to be in that row",
                fix="remove one of them; without a header, range says where the rows begin",
            )
        return self

    def frame(self) -> pl.LazyFrame:
        from lamina.data.formats.excel import read_excel
        from lamina.data.formats.scanning import joined

        cells = self._cells()
        return joined(self.files(), lambda file: read_excel(file, cells))

    def _cells(self) -> Sheet:
        from lamina.data.formats.excel import Sheet, parse_range

        # What is left out or set aside is decided row by row, where all values are there to be seen.
        kinds = None if self.invalid != "error" else ("string", "text", "categorical", "image")
        texts = [name for name, column in self.columns.items() if kinds is None or column.kind in kinds]
        return Sheet(
            sheet=self.sheet,
            range=None if self.range is None else parse_range(self.range),
            header=self.header,
            header_row=self.header_row,
            skip_rows=self.skip_rows,
            names=self.names,
            texts=tuple(dict.fromkeys([*texts, *self.categorical, *([self.text] if self.text else [])])),
            missing_values=self.missing_values,
            error_cells=self.error_cells,
            most_cells=self.most_cells,
        )

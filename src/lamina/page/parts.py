"""What reports are made of, whatever they are about: cells, tables, charts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

Cell = str | int | float

MAX_ROWS = 60
"""Most rows of a table that are printed."""


@dataclass(frozen=True)
class Table:
    """Rows of words and numbers.

    Attributes:
        title: What it shows.
        columns: A heading for each column.
        rows: The cells.
        note: A remark below it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def __str__(self) -> str:
        cut = len(self.rows) - MAX_ROWS
        # The last rows of a long table are its averages.
        shown = self.rows if cut <= 0 else (*self.rows[: MAX_ROWS - 3], *self.rows[-3:])
        grid = [self.columns, *(tuple(show(cell) for cell in row) for row in shown)]
        widths = [max(len(row[i]) for row in grid) for i in range(len(self.columns))]
        # Words stand to the left, numbers to the right.
        words = [all(isinstance(row[i], str) for row in self.rows) for i in range(len(self.columns))]
        lines = []
        for row in grid:
            cells = [cell.ljust(width) if word else cell.rjust(width) for cell, width, word in zip(row, widths, words, strict=True)]
            lines.append("  ".join(cells).rstrip())
        if cut > 0:
            lines.insert(len(lines) - 3, f"... {cut} more rows")
        return "\n".join([part for part in (self.title, *lines, self.note) if part])

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        rows = [[plain_number(cell) for cell in row] for row in self.rows]
        return {"title": self.title, "columns": list(self.columns), "rows": rows, "note": self.note}


@dataclass(frozen=True)
class Series:
    """A line or a set of bars in a chart: points ``(x[i], y[i])``."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Chart:
    """Something to draw.

    Attributes:
        kind: ``lines``; ``points``; ``bars`` (x are the edges, one more than y); ``heatmap`` (``matrix`` with ``labels``).
        title: What it shows.
        x_label: Name of the horizontal axis.
        y_label: Name of the vertical axis.
        series: The data of lines and bars.
        matrix: The data of a heat map, row by row.
        labels: Names of its rows and columns.
        diagonal: Whether to draw the line from (0, 0) to (1, 1) for comparison.
        unit_square: Whether both axes run from 0 to 1.
    """

    kind: Literal["lines", "points", "bars", "heatmap"]
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...] = ()
    matrix: tuple[tuple[float, ...], ...] = ()
    labels: tuple[str, ...] = ()
    diagonal: bool = False
    unit_square: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        result: dict[str, Any] = {"kind": self.kind, "title": self.title, "x_label": self.x_label, "y_label": self.y_label}
        if self.matrix:
            return {**result, "labels": list(self.labels), "matrix": [[plain_number(cell) for cell in row] for row in self.matrix]}
        series = [{"name": s.name, "x": [plain_number(v) for v in s.x], "y": [plain_number(v) for v in s.y]} for s in self.series]
        return {**result, "series": series}


def plain_number(value: Cell) -> Any:
    """A cell as JSON knows it: what is not finite becomes None."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show(cell: Cell) -> str:
    """A cell as text: four decimals where that says enough, a dash for what is undefined.

    Example:
        >>> show(0.98765), show(3), show(float("nan")), show(1234567.0)
        ('0.9877', '3', '-', '1.235e+06')
    """
    if not isinstance(cell, float):
        return str(cell)
    if math.isnan(cell):
        return "-"
    return f"{cell:.4f}" if cell == 0 or 1e-3 <= abs(cell) < 1e5 else f"{cell:.4g}"

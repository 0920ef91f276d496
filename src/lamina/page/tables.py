"""Tables as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from lamina.page.parts import Cell, Table, show

_MAX_ROWS = 500
"""Most rows of a table that are written."""


def table_html(table: Table) -> str:
    """A table with its title and note; of very long ones the beginning and the end."""
    cut = len(table.rows) - _MAX_ROWS
    kept = table.rows if cut <= 0 else (*table.rows[: _MAX_ROWS - 3], *table.rows[-3:])
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    rows = "\n".join(_row(row) for row in kept)
    remarks = [table.note] if table.note else []
    remarks += [f"{cut} rows are left out."] if cut > 0 else []
    note = "".join(f'<p class="note">{escape(remark)}</p>' for remark in remarks)
    caption = f"<caption>{escape(table.title)}</caption>" if table.title else ""
    return f'<div class="wide"><table>{caption}<thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>{note}</div>'


def _row(row: Sequence[Cell]) -> str:
    cells = "".join(f"<td>{escape(show(cell))}</td>" for cell in row[1:])
    return f'<tr><th scope="row">{escape(show(row[0]))}</th>{cells}</tr>'

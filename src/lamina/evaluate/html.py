"""The report as one HTML file: tables and inline SVG charts, no script, nothing loaded from anywhere.

Every text is escaped: names of classes come from data. Light and dark follow the reader's system.
"""

from __future__ import annotations

from html import escape

from lamina.evaluate.result import Report, Result
from lamina.page.charts import figure
from lamina.page.document import document
from lamina.page.tables import table_html


def render(report: Report, title: str) -> str:
    """The whole page as text."""
    contents = "\n".join(_section(name, result) for name, result in report.results.items())
    return document(title, f"<h1>{escape(title)}</h1>\n{contents}")


def _section(name: str, result: Result) -> str:
    tables = "\n".join(table_html(table) for table in result.tables)
    charts = "\n".join(figure(chart) for chart in result.charts)
    notes = "\n".join(f'<p class="note">{escape(note)}</p>' for note in result.notes)
    return (
        f"<section>\n<h2>{escape(name)}</h2>\n<p>{result.samples} samples.</p>\n{notes}\n{tables}\n"
        f'<div class="charts">\n{charts}\n</div>\n</section>'
    )

"""The report as one HTML file: tables and inline SVG charts, no script, nothing loaded from anywhere.

Every text is escaped: names of classes come from data. Light and dark follow the reader's system.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from lamina.evaluate.result import Cell, Chart, Report, Result, Series, Table, show

WIDTH, HEIGHT = 420, 320
"""Size of a chart, in SVG units."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 12, 44
_MAX_ROWS = 500
"""Most rows of a table that are written."""
_COLOURS = 6

_STYLE = """
:root { color-scheme: light dark; --ground: #fff; --ink: #1c1e21; --soft: #5c6370; --line: #d5d9e0; --head: #f3f5f8;
  --c0: #0b62a8; --c1: #b3480c; --c2: #1d7a4c; --c3: #8a3ea8; --c4: #a3124a; --c5: #6b5a00; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171c; --ink: #e8eaed; --soft: #a3abb8; --line: #3a414c; --head: #1e232b;
    --c0: #6cb6f5; --c1: #f5a06c; --c2: #6fd3a0; --c3: #d09af0; --c4: #f58ab0; --c5: #e0cc62; } }
body { background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; margin: 0 auto;
  max-width: 70rem; padding: 1rem; }
h1 { font-size: 1.6rem; } h2 { border-bottom: 1px solid var(--line); font-size: 1.3rem; margin-top: 2.5rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 1rem 0; }
caption { font-weight: 600; padding: 0.3rem 0; text-align: left; }
th, td { border-bottom: 1px solid var(--line); padding: 0.2rem 0.8rem; text-align: right; }
th[scope=row], th:first-child { text-align: left; } thead th { background: var(--head); }
.wide { overflow-x: auto; } .note { color: var(--soft); } .charts { display: flex; flex-wrap: wrap; gap: 1.5rem; }
figure { margin: 0; } figcaption { font-weight: 600; } svg { height: auto; max-width: 100%; width: 420px; }
svg text { fill: var(--ink); font-size: 11px; } .axis { stroke: var(--soft); } .grid { stroke: var(--line); }
.cell { fill: var(--c0); } .legend { font-size: 0.85rem; list-style: none; margin: 0; max-width: 420px; padding: 0; }
.legend li { display: inline-block; margin-right: 1rem; } .legend svg { height: 0.8rem; vertical-align: middle; width: 1.6rem; }
"""
_DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 4")
"""Lines differ by dash too, not by colour alone."""


def render(report: Report, title: str) -> str:
    """The whole page as text."""
    contents = "\n".join(_section(name, result) for name, result in report.results.items())
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(title)}</h1>\n{contents}\n</main>\n</body>\n</html>\n"
    )


def _section(name: str, result: Result) -> str:
    tables = "\n".join(_table(table) for table in result.tables)
    charts = "\n".join(_figure(chart) for chart in result.charts)
    notes = "\n".join(f'<p class="note">{escape(note)}</p>' for note in result.notes)
    return (
        f"<section>\n<h2>{escape(name)}</h2>\n<p>{result.samples} samples.</p>\n{notes}\n{tables}\n"
        f'<div class="charts">\n{charts}\n</div>\n</section>'
    )


def _table(table: Table) -> str:
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


def _figure(chart: Chart) -> str:
    drawing = _heatmap(chart) if chart.kind == "heatmap" else _plot(chart)
    legend = _legend(chart) if chart.kind == "lines" and len(chart.series) > 1 else ""
    return (
        f"<figure><figcaption>{escape(chart.title)}</figcaption>\n"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(_spoken(chart))}">{drawing}</svg>{legend}</figure>'
    )


def _spoken(chart: Chart) -> str:
    """What a screen reader says of the chart; the figures themselves stand in the tables."""
    names = ", ".join(series.name for series in chart.series) or ", ".join(chart.labels)
    return f"{chart.title}: {chart.y_label} against {chart.x_label}; {names}"


def _legend(chart: Chart) -> str:
    items = []
    for i, series in enumerate(chart.series):
        line = f'<svg viewBox="0 0 32 10" aria-hidden="true"><path d="M0 5H32" {_stroke(i)}/></svg>'
        items.append(f"<li>{line} {escape(series.name)}</li>")
    return f'<ul class="legend">{"".join(items)}</ul>'


def _stroke(index: int) -> str:
    dash = _DASHES[index // _COLOURS % len(_DASHES)]
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'fill="none" style="stroke:var(--c{index % _COLOURS})" stroke-width="2"{dashes}'


class _Scale:
    """From values to places along one axis of the drawing."""

    def __init__(self, values: Sequence[float], start: float, stop: float, *, bounds: tuple[float, float] | None = None) -> None:
        finite = [value for value in values if math.isfinite(value)] or [0.0]
        self.low, self.high = bounds or (min(finite), max(finite))
        if self.low == self.high:
            self.low, self.high = self.low - 0.5, self.high + 0.5
        self._start, self._stop = start, stop

    def __call__(self, value: float) -> str:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return f"{self._start + share * (self._stop - self._start):.1f}"

    def ticks(self) -> list[float]:
        """About five round values."""
        raw = (self.high - self.low) / 5
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [step * i for i in range(first, first + 12) if step * i <= self.high + step * 1e-6]


def _plot(chart: Chart) -> str:
    xs = [value for series in chart.series for value in series.x]
    ys = [value for series in chart.series for value in series.y]
    unit = (0.0, 1.0) if chart.unit_square else None
    if chart.kind == "bars":
        ys = [0.0, *ys]
    x = _Scale(xs, _LEFT, WIDTH - _RIGHT, bounds=unit)
    y = _Scale(ys, HEIGHT - _BOTTOM, _TOP, bounds=unit)
    parts = [_axes(chart, x, y)]
    if chart.diagonal:
        low, high = max(x.low, y.low), min(x.high, y.high)
        if low < high:
            parts.append(f'<path class="axis" fill="none" stroke-dasharray="3 4" d="M{x(low)} {y(low)}L{x(high)} {y(high)}"/>')
    draw = {"lines": _line, "points": _points, "bars": _bars}[chart.kind]
    parts += [draw(series, i, x, y) for i, series in enumerate(chart.series)]
    return "".join(parts)


def _axes(chart: Chart, x: _Scale, y: _Scale) -> str:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    parts = []
    for tick in x.ticks():
        parts.append(f'<path class="grid" d="M{x(tick)} {_TOP}V{bottom}"/>')
        parts.append(f'<text x="{x(tick)}" y="{bottom + 14}" text-anchor="middle">{tick:.4g}</text>')
    for tick in y.ticks():
        parts.append(f'<path class="grid" d="M{_LEFT} {y(tick)}H{right}"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{y(tick)}" dy="4" text-anchor="end">{tick:.4g}</text>')
    parts.append(f'<path class="axis" fill="none" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>')
    return "".join(parts) + _titles(chart)


def _titles(chart: Chart) -> str:
    middle, half = (_LEFT + WIDTH - _RIGHT) / 2, (HEIGHT - _BOTTOM + _TOP) / 2
    return (
        f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(chart.x_label)}</text>'
        f'<text transform="translate(12 {half}) rotate(-90)" text-anchor="middle">{escape(chart.y_label)}</text>'
    )


def _line(series: Series, index: int, x: _Scale, y: _Scale) -> str:
    points = " ".join(f"{x(a)},{y(b)}" for a, b in zip(series.x, series.y, strict=True))
    return f'<polyline points="{points}" {_stroke(index)}/>'


def _points(series: Series, index: int, x: _Scale, y: _Scale) -> str:
    style = f'style="fill:var(--c{index % _COLOURS})" fill-opacity="0.6"'
    return "".join(f'<circle cx="{x(a)}" cy="{y(b)}" r="2" {style}/>' for a, b in zip(series.x, series.y, strict=True))


def _bars(series: Series, index: int, x: _Scale, y: _Scale) -> str:
    bottom, parts = float(y(0.0)), []
    for left, right, value in zip(series.x, series.x[1:], series.y, strict=False):
        start, stop, top = float(x(left)), float(x(right)), float(y(value))
        box = f'x="{start:.1f}" y="{top:.1f}" width="{max(stop - start - 1, 0.5):.1f}" height="{bottom - top:.1f}"'
        parts.append(f'<rect {box} style="fill:var(--c{index % _COLOURS})"><title>{show(value)}</title></rect>')
    return "".join(parts)


def _heatmap(chart: Chart) -> str:
    count = len(chart.matrix)
    left, size = 84.0, min(WIDTH - 96.0, HEIGHT - 70.0) / max(count, 1)
    parts = []
    for i, row in enumerate(chart.matrix):
        top, total = 10 + i * size, sum(row)
        parts.append(f'<text x="{left - 5}" y="{top + size / 2:.1f}" dy="4" text-anchor="end">{escape(_short(chart.labels[i]))}</text>')
        for j, value in enumerate(row):
            share, corner = value / total if total else 0.0, left + j * size
            box = f'x="{corner:.1f}" y="{top:.1f}" width="{size:.1f}" height="{size:.1f}"'
            # Opacity stops at a half, so that the figure in the cell stays readable in light and dark.
            words = f"{chart.labels[i]} taken for {chart.labels[j]}: {show(value)}"
            parts.append(f'<rect class="cell" {box} fill-opacity="{0.03 + 0.47 * share:.3f}"><title>{escape(words)}</title></rect>')
            if count <= 12:
                middle = f'x="{corner + size / 2:.1f}" y="{top + size / 2:.1f}"'
                parts.append(f'<text {middle} dy="4" text-anchor="middle">{_figure_of(value)}</text>')
    bottom = 10 + count * size
    for j, label in enumerate(chart.labels):
        centre = left + (j + 0.5) * size
        place = f'x="{centre:.1f}" y="{bottom + 14:.1f}" text-anchor="middle"'
        if count > 6:
            place = f'transform="translate({centre + 3:.1f} {bottom + 8:.1f}) rotate(-60)" text-anchor="end"'
        parts.append(f"<text {place}>{escape(_short(label))}</text>")
    parts.append(f'<text x="{left + count * size / 2:.1f}" y="{HEIGHT - 4}" text-anchor="middle">{escape(chart.x_label)}</text>')
    parts.append(
        f'<text transform="translate(12 {10 + count * size / 2:.1f}) rotate(-90)" text-anchor="middle">{escape(chart.y_label)}</text>'
    )
    return "".join(parts)


def _figure_of(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:.3g}"


def _short(label: str) -> str:
    return label if len(label) <= 11 else label[:10] + "\u2026"

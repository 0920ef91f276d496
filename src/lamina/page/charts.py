"""Charts as inline SVG: lines, points, bars, heat maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from lamina.page.parts import Chart, Series, show

WIDTH, HEIGHT = 420, 320
"""Size of a chart, in SVG units."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 12, 44
_COLOURS = 6

_DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 4")
"""Lines differ by dash too, not by colour alone."""


def figure(chart: Chart) -> str:
    """A chart with its title, and a legend where there are several lines."""
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


class Scale:
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
    x = Scale(xs, _LEFT, WIDTH - _RIGHT, bounds=unit)
    y = Scale(ys, HEIGHT - _BOTTOM, _TOP, bounds=unit)
    parts = [_axes(chart, x, y)]
    if chart.diagonal:
        low, high = max(x.low, y.low), min(x.high, y.high)
        if low < high:
            parts.append(f'<path class="axis" fill="none" stroke-dasharray="3 4" d="M{x(low)} {y(low)}L{x(high)} {y(high)}"/>')
    draw = {"lines": _line, "points": _points, "bars": _bars}[chart.kind]
    parts += [draw(series, i, x, y) for i, series in enumerate(chart.series)]
    return "".join(parts)


def _axes(chart: Chart, x: Scale, y: Scale) -> str:
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


def _line(series: Series, index: int, x: Scale, y: Scale) -> str:
    points = " ".join(f"{x(a)},{y(b)}" for a, b in zip(series.x, series.y, strict=True))
    return f'<polyline points="{points}" {_stroke(index)}/>'


def _points(series: Series, index: int, x: Scale, y: Scale) -> str:
    style = f'style="fill:var(--c{index % _COLOURS})" fill-opacity="0.6"'
    return "".join(f'<circle cx="{x(a)}" cy="{y(b)}" r="2" {style}/>' for a, b in zip(series.x, series.y, strict=True))


def _bars(series: Series, index: int, x: Scale, y: Scale) -> str:
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

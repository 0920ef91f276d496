"""The sections on columns: a table of all, and a card for each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from lamina.data.analysis.columns import ColumnProfile, NumberProfile, TextProfile, number_text
from lamina.data.analysis.page.drawings import Classes, bins_of, distribution, ranks_of
from lamina.data.analysis.rules import share
from lamina.page.widgets import readable, sortable, sparkline, visible

if TYPE_CHECKING:
    from lamina.data.analysis.analysis import Analysis

MOST_CARDS = 200
MOST_ROWS = 2000
ABOUT = "\u2248\u2009"
"""What stands before a count that is estimated."""
_OF_NUMBERS = {
    "mean": "mean",
    "std": "deviation",
    "min": "smallest",
    "5%": "5 %",
    "25%": "25 %",
    "50%": "median",
    "75%": "75 %",
    "95%": "95 %",
    "max": "largest",
}
_OF_TIMES = ("first", "middle", "last", "usual_gap", "largest_gap", "gap_after")


def link(name: str, analysis: Analysis) -> str:
    """The name of a column, leading to its card where there is one."""
    place = analysis.places.get(name, MOST_CARDS)
    return visible(name) if place >= MOST_CARDS else f'<a href="#column-{place}">{visible(name)}</a>'


def columns_section(analysis: Analysis) -> str:
    """The table of all columns."""
    skills = {own.name: own.skill for own in analysis.predictivities}
    heads = [("column", "text"), ("kind", "text"), ("distribution", ""), ("missing", "number"), ("different", "number")]
    heads += [("typical", ""), ("range", ""), *([("says of the target", "number")] if skills else [])]
    shown = list(analysis.columns.values())[:MOST_ROWS]
    rows = "".join(_row(column, analysis, skills) for column in shown)
    cut = len(analysis.columns) - len(shown)
    more = f'<p class="note">{cut:,} more columns are left out here.</p>' if cut else ""
    return sortable("All columns: kind, missing and different values, range", heads, rows) + more


def _row(column: ColumnProfile, analysis: Analysis, skills: dict[str, float]) -> str:
    different, error = column.different
    missing = column.missing / column.rows if column.rows else 0.0
    centre, ends = _typical(column, column.figures())
    badge = ' <span class="badge target">target</span>' if column.name == analysis.target else ""
    cells = [
        f'<th scope="row" data-value="{escape(readable(column.name))}">{link(column.name, analysis)}{badge}</th>',
        f'<td class="text">{column.kind}</td><td>{_spark(column)}</td>',
        f'<td data-value="{missing:.6f}">{share(column.missing, column.rows)}{_meter(missing)}</td>',
        f'<td data-value="{different}">{ABOUT if error else ""}{different:,}</td>',
        f'<td class="text brief">{centre}</td><td class="text brief">{ends}</td>',
    ]
    if skills:
        own = skills.get(column.name, math.nan)
        known = not math.isnan(own)
        cells.append(f'<td data-value="{own if known else -1:.6f}">{f"{own:.2f}{_meter(own, good=True)}" if known else ""}</td>')
    return f"<tr>{''.join(cells)}</tr>"


def _meter(part: float, *, good: bool = False) -> str:
    if not part:
        return '<span class="meter none"></span>'
    return f'<span class="meter{" good" if good else ""}"><span style="width:{100 * part:.1f}%"></span></span>'


def _typical(column: ColumnProfile, figures: dict[str, Any]) -> tuple[str, str]:
    """What is in the middle or most frequent, and the ends."""
    if isinstance(column, NumberProfile) and column.ranks.count:
        low, mean, high = (number_text(float(figures[key])) for key in ("min", "mean", "max"))
        return f"mean {mean}", f"{low} \u2026 {high}"
    if figures.get("first") is not None:
        return figures["middle"], f"{figures['first']} \u2026 {figures['last']}"
    most = column.most(1)
    centre = f"{visible(most[0][0], 24)} ({share(most[0][1], column.present)})" if most and most[0][1] > 1 else ""
    if isinstance(column, TextProfile) and column.present:
        return centre, f"{figures['shortest']:,} \u2026 {figures['longest']:,} characters"
    return centre, ""


def _characters(count: float) -> str:
    return f"{count:,} character{'' if count == 1 else 's'}"


def _spark(column: ColumnProfile) -> str:
    ranks = ranks_of(column)
    if ranks is not None:
        return sparkline(bins_of(ranks).counts.tolist(), f"Distribution of {readable(column.name)}")
    most = column.most(16)
    if not most or most[0][1] == 1:
        return ""
    return sparkline([float(count) for _, count in most], f"Counts of the most frequent values of {readable(column.name)}")


def cards_section(analysis: Analysis, classes: Classes) -> str:
    """A card for each column."""
    shown = list(analysis.columns.values())[:MOST_CARDS]
    cards = "".join(_card(place, column, analysis, classes) for place, column in enumerate(shown))
    legend = ""
    if classes.names:
        items = "".join(f'<li><i class="k{i}"></i>{visible(name)}</li>' for i, name in enumerate(classes.names))
        legend = f'<p>Bars are divided by {visible(classes.target)}:</p><ul class="legend" aria-label="Colours">{items}</ul>'
    cut = len(analysis.columns) - len(shown)
    more = f'<p class="note">{cut:,} more columns are left out here.</p>' if cut else ""
    return f'{legend}<div class="cards">{cards}</div>{more}'


def _card(place: int, column: ColumnProfile, analysis: Analysis, classes: Classes) -> str:
    different, error = column.different
    facts = [f"{'about ' if error else ''}{different:,} different"]
    facts += [f"{column.missing:,} missing ({share(column.missing, column.rows)})"] if column.missing else ["none missing"]
    badge = '<span class="badge target">target</span>' if column.name == analysis.target else ""
    alerts = ""
    for finding in [finding for finding in analysis.findings if column.name in finding.columns][:4]:
        about = escape(readable(finding.found))
        alerts += f'<span class="badge {finding.severity}" title="{about}">{escape(finding.entry.title)}</span>'
    numbers = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in _numbers(column))
    parts = [
        f'<div class="head"><h3>{visible(column.name)}</h3><span class="badge kind">{column.kind}</span>{badge}</div>',
        f'<p class="facts">{", ".join(facts)}</p>',
        f'<p class="alerts">{alerts}</p>' if alerts else "",
        distribution(column, classes),
        f'<dl class="numbers">{numbers}</dl>' if numbers else "",
    ]
    return f'<article class="card" id="column-{place}">{"".join(parts)}</article>'


def _numbers(column: ColumnProfile) -> Iterator[tuple[str, str]]:
    """Figures that stand below the drawing."""
    figures = column.figures()
    if isinstance(column, NumberProfile) and column.ranks.count:
        for key, name in _OF_NUMBERS.items():
            yield name, number_text(float(figures[key])) if math.isfinite(float(figures[key])) else "-"
        for key in ("zeros", "negative", "nan", "infinite"):
            if figures[key]:
                yield {"nan": "NaN"}.get(key, key), f"{figures[key]:,} ({share(figures[key], column.rows)})"
    elif isinstance(column, TextProfile) and column.present:
        yield "shortest", _characters(figures["shortest"])
        yield "mean length", _characters(round(figures["mean_length"], 1))
        yield "longest", _characters(figures["longest"])
        for key, name in (("empty", "empty"), ("padded", "with blanks"), ("numeric", "numbers")):
            if figures[key]:
                yield name, f"{figures[key]:,} ({share(figures[key], column.present)})"
    elif figures.get("first") is not None:
        yield from ((key.replace("_", " "), str(figures[key])) for key in _OF_TIMES if figures[key] is not None)
    elif figures.get("longest") is not None:
        yield "shortest", f"{figures['shortest']:,}"
        yield "median length", number_text(float(figures["middle_length"]))
        yield "longest", f"{figures['longest']:,}"

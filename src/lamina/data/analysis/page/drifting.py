"""The section on how another table differs."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from lamina.data.analysis.columns import ColumnProfile, TextProfile
from lamina.data.analysis.drift import ColumnDrift, is_category
from lamina.data.analysis.page.drawings import bins_of, ranks_of, text_of
from lamina.data.analysis.rules import share
from lamina.page.widgets import outlines, readable, sortable, twin_bars, visible

if TYPE_CHECKING:
    from lamina.data.analysis.analysis import Analysis
    from lamina.data.statistics.ranks import Ranks

MOST_DRAWN = 12
_HEADS = [
    ("column", "text"),
    ("stability index", "number"),
    ("distance", "number"),
    ("by chance", "number"),
    ("missing before", "number"),
    ("missing now", "number"),
    ("new categories", "number"),
]
_WORDS = (
    "The stability index says how much the shares of tenths (or of categories) have changed: below 0.1 little, from 0.2 on much. The "
    "distance is that of Kolmogorov and Smirnov, or the largest change of a share; by chance is how probable one as large would be if "
    "nothing had changed."
)


def drift_section(analysis: Analysis) -> str:
    """The table of all columns, and drawings of those that differ most; nothing, if there is no other table."""
    drift, other = analysis.drift, analysis.other
    if drift is None or other is None:
        return ""
    ordered = sorted(drift.columns, key=lambda own: (-own.psi if math.isfinite(own.psi) else math.inf, own.name))
    table = sortable("How columns differ", _HEADS, "".join(_row(own) for own in ordered))
    drawn = [own for own in ordered if math.isfinite(own.psi)][:MOST_DRAWN]
    cards = "".join(_card(own, analysis.columns[own.name], other.columns[own.name]) for own in drawn)
    first, second = (visible(name) for name in drift.names)
    shared = "" if drift.shared_rows is None else f" {drift.shared_rows:,} different rows are in both."
    items = f'<li><i class="k0"></i>{first}: {drift.rows[0]:,} rows</li><li><i class="k1"></i>{second}: {drift.rows[1]:,} rows</li>'
    legend = f'<ul class="legend" aria-label="Colours">{items}</ul>'
    return f'<p>{second} beside {first}.{shared}</p>{table}<p class="note">{_WORDS}</p>{legend}<div class="cards">{cards}</div>'


def _row(own: ColumnDrift) -> str:
    cells = [f'<th scope="row" data-value="{escape(readable(own.name))}">{visible(own.name)}</th>']
    cells += [f'<td data-value="{value:.9g}">{_figure(value)}</td>' for value in (own.psi, own.distance, own.probability)]
    cells += [f'<td data-value="{value:.6f}">{value:.1%}</td>' for value in own.missing]
    return f"<tr>{''.join(cells)}<td>{len(own.new) or ''}</td></tr>"


def _figure(value: float) -> str:
    if math.isnan(value):
        return ""
    return f"{value:.3f}" if value == 0 or value >= 0.001 else f"{value:.0e}"


def _card(own: ColumnDrift, one: ColumnProfile, other: ColumnProfile) -> str:
    level, word = ("error", "much") if own.psi >= 0.2 else ("warning", "some") if own.psi >= 0.1 else ("note", "little")
    badge = f'<span class="badge {level}">{word} \u00b7 {own.psi:.2f}</span>'
    ranks, theirs = ranks_of(one), ranks_of(other)
    words = ""
    if ranks is not None and theirs is not None:
        drawing = _numbers(one, ranks, theirs)
    elif isinstance(one, TextProfile) and isinstance(other, TextProfile) and not (is_category(one) and is_category(other)):
        drawing, words = _numbers(one, one.lengths, other.lengths), '<p class="facts">lengths, in characters</p>'
    else:
        drawing = _categories(one, other)
    return f'<article class="card"><div class="head"><h3>{visible(own.name)}</h3>{badge}</div>{words}{drawing}</article>'


def _numbers(column: ColumnProfile, one: Ranks, other: Ranks) -> str:
    edges = bins_of(one).edges.copy()
    edges[0], edges[-1] = min(edges[0], other.low), max(edges[-1], other.high)
    shares = []
    for ranks in (one, other):
        below = ranks.below(edges)
        below[0] = 0.0
        shares.append((np.diff(below) / ranks.count).tolist())
    ends = [(text_of(column, float(a)), text_of(column, float(b))) for a, b in zip(edges, edges[1:], strict=False)]
    titles = [f"{a} to {b}: {old:.1%} before, {new:.1%} now" for (a, b), old, new in zip(ends, *shares, strict=True)]
    label = f"{readable(column.name)} before and now, from {ends[0][0]} to {ends[-1][1]}"
    low, high = (visible(text_of(column, value)) for value in (min(one.low, other.low), max(one.high, other.high)))
    scale = f'<p class="scale"><span>{low}</span><span>{high}</span></p>'
    return outlines(shares[0], shares[1], titles, label) + scale


def _categories(one: ColumnProfile, other: ColumnProfile) -> str:
    left, right = dict(one.most(None)), dict(other.most(None))
    rates = {name: (left.get(name, 0) / max(1, one.present), right.get(name, 0) / max(1, other.present)) for name in {*left, *right}}
    rows = []
    for name in sorted(rates, key=lambda name: (-sum(rates[name]), name))[:8]:
        before, now = rates[name]
        figure = f"{share(left.get(name, 0), one.present)} \u2192 {share(right.get(name, 0), other.present)}"
        rows.append((visible(name, 24), before, now, figure))
    return twin_bars(rows, f"Shares of values of {readable(one.name)} before and now")

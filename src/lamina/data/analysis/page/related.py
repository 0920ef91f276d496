"""The sections on what hangs together: columns with the target, and with each other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lamina.data.analysis.page.columns import link
from lamina.data.analysis.page.drawings import Classes, distribution
from lamina.data.analysis.rules import share
from lamina.page.widgets import bars, readable, relation_map, sortable, visible

if TYPE_CHECKING:
    from lamina.data.analysis.analysis import Analysis

MOST_RELATED = 30
_MEASURES = {"pearson": "correlation", "cramers_v": "Cramer's V", "correlation_ratio": "correlation ratio", "": ""}
_SKILL = "Share of the error that the column alone removes, on rows it wasn't learned from. 1 is perfect, and suspicious."
_RELATIONS = (
    "Numbers with numbers: Pearson's correlation, and Spearman's of the ranks. Categories with numbers: correlation ratio. "
    "Categories with each other: Cramer's V."
)


def target_section(analysis: Analysis) -> str:
    """The target, and what single columns say of it; nothing, if nothing shall be learned."""
    target = analysis.columns.get(analysis.target or "")
    if target is None:
        return ""
    if target.kind == "integer" and target.different[0] <= 20:
        counts = target.most(20)
        top = counts[0][1] if counts else 1
        rows = [(visible(value), [count / top], f"{count:,} \u00b7 {share(count, target.present)}") for value, count in counts]
        own = bars(rows, f"Classes of {readable(target.name)}")
    else:
        own = distribution(target, Classes(analysis))
    left = f'<div class="panel"><h3>{visible(target.name)}</h3>{own}</div>'
    found = analysis.predictivities[:15]
    if not found:
        return f'<div class="two">{left}</div>'
    skills = [(link(one.name, analysis), [one.skill], f"{one.skill:.3f}") for one in found]
    drawn = bars(skills, "How much single columns say of the target")
    note = f'<p class="note">{_SKILL} {sampled(analysis)}</p>'
    return f'<div class="two">{left}<div class="panel"><h3>What single columns say of it</h3>{drawn}{note}</div></div>'


def sampled(analysis: Analysis) -> str:
    """From how many rows relations come, if not from all."""
    sample = analysis.profile.sample
    return "" if sample.whole else f"From a sample of {int(sample.weights.sum()):,} rows."


def relations_section(analysis: Analysis) -> str:
    """The map of all relations, and the strongest as a table; nothing, where no two columns can be compared."""
    found = analysis.relations
    if len(found.names) < 2:
        return ""
    strength = np.nan_to_num(np.abs(found.strength)) * (1 - np.eye(len(found.names)))
    # The most connected ones, in the order of the table.
    kept = sorted(np.argsort(-strength.max(axis=1), kind="stable")[:MOST_RELATED].tolist())
    names = [found.names[i] for i in kept]
    values = [[float(found.strength[i, j]) for j in kept] for i in kept]

    def title(i: int, j: int) -> str:
        measure = f"{_MEASURES[found.measures[i][j]]} {found.strength[i, j]:.3f}"
        return f"{readable(found.names[i])}, {readable(found.names[j])}: {measure}"

    titles = [[title(i, j) for j in kept] for i in kept]
    label = f"How strongly {len(names)} columns hang together; the strongest pairs stand in the table"
    drawing = relation_map(names, values, titles, label)
    rows = ""
    for one, other, value, rank, measure in [pair for pair in found.pairs() if abs(pair[2]) >= 0.1][:15]:
        ranks = "" if math.isnan(rank) else f"{rank:.3f}"
        rows += f'<tr><th scope="row">{link(one, analysis)}</th><td class="text">{link(other, analysis)}</td>'
        rows += f'<td data-value="{abs(value):.6f}" title="{_MEASURES[measure]}">{value:.3f}</td><td>{ranks}</td></tr>'
    heads = [("column", "text"), ("and", "text"), ("strength", "number"), ("of ranks", "number")]
    left_out = len(found.names) - len(kept) + len(found.left_out)
    less = f" {left_out} less connected columns are left out." if left_out else ""
    note = f'<p class="note">{_RELATIONS} {sampled(analysis)}{less}</p>'
    table = sortable("Strongest pairs", heads, rows) if rows else ""
    return f'<div class="two"><div class="panel">{drawing}</div><div>{table}{note}</div></div>'

"""The page: its head, its findings, and the sections that stand in files of their own."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from lamina.data.analysis.page.columns import ABOUT, cards_section, columns_section, link
from lamina.data.analysis.page.drawings import Classes, ranks_of
from lamina.data.analysis.page.drifting import drift_section
from lamina.data.analysis.page.related import relations_section, target_section
from lamina.data.analysis.rules import share
from lamina.page.document import document
from lamina.page.widgets import readable, sortable, visible
from lamina.version import __version__

if TYPE_CHECKING:
    from lamina.data.analysis.analysis import Analysis
    from lamina.data.analysis.findings import Finding

MOST_OPEN, MOST_OF_A_KIND = 4, 100
"""Findings of one code that are shown at once, and in all."""
_WORDS = {"error": "Error", "warning": "Warning", "note": "Note"}


def render(analysis: Analysis) -> str:
    """The whole page as text."""
    classes = Classes(analysis)
    sections = {
        "Findings": _findings(analysis),
        "Columns": columns_section(analysis),
        "Target": target_section(analysis),
        "Schema": _schema(analysis),
        "Drift": drift_section(analysis),
        "Each column": cards_section(analysis, classes),
        "Relations": relations_section(analysis),
    }
    links, contents = "", ""
    for name, body in sections.items():
        if body:
            key = name.lower().replace(" ", "-")
            links += f'<li><a href="#{key}">{name}</a></li>'
            contents += f'<section id="{key}" aria-labelledby="{key}-head"><h2 id="{key}-head">{name}</h2>{body}</section>\n'
    nav = f'<nav aria-label="Sections"><ul>{links}</ul></nav>'
    own = files("lamina.data.analysis.page")
    return document(
        readable(f"{analysis.name}: data analysis"),
        f"{_header(analysis)}\n{nav}\n{contents}{_footer(analysis)}",
        style=(own / "page.css").read_text(encoding="utf-8"),
        script=(own / "page.js").read_text(encoding="utf-8"),
    )


def _schema(analysis: Analysis) -> str:
    """How many values are what the schema says; nothing without one."""
    if analysis.quality is None:
        return ""
    rows = ""
    for own in analysis.quality.columns:
        figures = "".join(f'<td data-value="{count}">{count:,}</td>' for count in (own.valid, own.invalid, own.missing))
        reasons = "; ".join(f"{escape(readable(words))} ({count:,})" for words, count in own.reasons)
        name = f'<th scope="row">{link(own.name, analysis)}</th>'
        rows += f'<tr>{name}<td class="text">{own.kind}</td>{figures}<td class="text brief">{reasons}</td></tr>'
    heads = [("column", "text"), ("kind", "text"), ("valid", "number"), ("invalid", "number"), ("missing", "number")]
    table = sortable("Values against the schema", [*heads, ("expected, and how many are not that", "")], rows)
    wrong, total = analysis.quality.wrong_rows, analysis.quality.rows
    return f"<p>{wrong:,} of {total:,} rows ({share(wrong, total)}) are not what the schema says.</p>{table}"


def _header(analysis: Analysis) -> str:
    profile = analysis.profile
    cells = profile.rows * max(1, len(profile.columns))
    missing = sum(column.missing for column in profile.columns.values())
    severities = {severity: sum(finding.severity == severity for finding in analysis.findings) for severity in _WORDS}
    about = "" if profile.sample.distinct.exact else ABOUT
    tiles = [
        ("Rows", f"{profile.rows:,}", ""),
        ("Columns", f"{len(profile.columns):,}", _kinds(analysis)),
        ("Missing values", share(missing, cells), f"{missing:,} of {cells:,}"),
        ("Repeated rows", f"{about}{profile.sample.repeated:,}", share(profile.sample.repeated, profile.rows)),
        ("Findings", f"{len(analysis.findings)}", _counted(severities)),
    ]
    drawn = "".join(f"<div><dt>{name}</dt><dd>{value} <small>{note}</small></dd></div>" for name, value, note in tiles)
    words = "What columns hold and how they hang together."
    if analysis.target is not None:
        words = f"What columns hold, how they hang together, and what they say of <strong>{visible(analysis.target)}</strong>."
    return f'<header><h1>{visible(analysis.name, 120)}</h1><p>{words}</p><dl class="tiles">{drawn}</dl></header>'


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for word, count in counts.items() if count)


def _kinds(analysis: Analysis) -> str:
    counts: dict[str, int] = {}
    for column in analysis.columns.values():
        counts[column.kind] = counts.get(column.kind, 0) + 1
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items(), key=lambda item: -item[1]))


def _findings(analysis: Analysis) -> str:
    if not analysis.findings:
        return '<p class="none-found">Nothing that Lamina looks for was found.</p>'
    groups: dict[str, list[Finding]] = {}
    for finding in analysis.findings:
        groups.setdefault(finding.code, []).append(finding)
    return f'<ul class="findings">{"".join(_group(group, analysis) for group in groups.values())}</ul>'


def _group(group: list[Finding], analysis: Analysis) -> str:
    """All findings of one code."""
    entry, severity = group[0].entry, group[0].severity
    badge = f'<span class="badge {severity}">{_WORDS[severity]}</span>'
    lines = []
    for finding in group[:MOST_OF_A_KIND]:
        names = ", ".join(link(name, analysis) for name in finding.columns)
        lines.append(f"<p>{names + ': ' if names else ''}{escape(readable(finding.found))}</p>")
    rest = "".join(lines[MOST_OPEN:])
    more = f"<details><summary>{len(group) - MOST_OPEN:,} more columns</summary>{rest}</details>" if rest else ""
    times = f" <span>\u00d7\u2009{len(group)}</span>" if len(group) > 1 else ""
    about = f"<p>{escape(entry.meaning)}</p><p>{escape(entry.advice)}</p>"
    return (
        f'<li class="{severity}"><p class="head">{badge}<strong>{escape(entry.title)}</strong>{times}<code>{finding.code}</code></p>'
        f"{''.join(lines[:MOST_OPEN])}{more}<details><summary>What it means and what to do</summary>{about}</details></li>"
    )


def _footer(analysis: Analysis) -> str:
    sample = analysis.profile.sample
    words = ["All figures of columns are counted over all rows."]
    worst = max((ranks.error for column in analysis.columns.values() if (ranks := ranks_of(column)) is not None), default=0.0)
    if worst:
        words.append(f"Quantiles of columns with very many different values are right to {max(worst, 1e-4):.2%} of the rows.")
    if any(column.different[1] for column in analysis.columns.values()):
        words.append("Counts with \u2248 are right to about 0.4 %.")
    if not sample.whole:
        words.append(f"Relations come from {int(sample.weights.sum()):,} rows, chosen by their contents.")
    return f"<footer><p>{' '.join(words)} Made by Lamina {escape(__version__)}; this file needs nothing else.</p></footer>"

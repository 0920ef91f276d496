"""Pieces of pages about data: names and values of whatever kind made safe to show, bars, histograms, heat maps of relations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

SHOWN = 48
"""Characters of a name or value that are shown; the rest is said when the pointer rests on it."""


def visible(text: str, most: int = SHOWN) -> str:
    r"""A name or value from data as HTML: escaped, cut off, and with a sign in place of what can't be seen or turns text round.

    Example:
        >>> visible("a<b>"), visible("one\ntwo"), visible("")
        ('a&lt;b&gt;', 'one\\ntwo', '<i>empty</i>')
    """
    if not text:
        return "<i>empty</i>"
    plain = readable(text)
    # A long name may be broken where its words end.
    shown = (escape(plain) if len(plain) <= most else f"{escape(plain[: most - 1])}\u2026").replace(
        "_", "_<wbr>" if len(plain) > 20 else "_"
    )
    return shown if len(plain) <= most else f'<span title="{escape(plain[:400])}">{shown}</span>'


def readable(text: str) -> str:
    """A text with a sign in place of what can't be seen; blanks at its ends are marked too."""
    shown = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
    inner = shown.strip(" ")
    if inner == shown:
        return shown
    start = len(shown) - len(shown.lstrip(" "))
    return "\u2423" * start + inner + "\u2423" * (len(shown) - start - len(inner))


def sparkline(heights: Sequence[float], label: str) -> str:
    """A small histogram for a row of a table."""
    most = max(heights, default=0.0) or 1.0
    step = 96 / max(1, len(heights))
    bars = "".join(
        f'<rect x="{i * step:.1f}" y="{24 - 24 * height / most:.1f}" width="{max(step - 0.8, 0.6):.1f}" height="{24 * height / most:.1f}"/>'
        for i, height in enumerate(heights)
        if height > 0
    )
    return f'<svg class="spark" viewBox="0 0 96 24" role="img" aria-label="{escape(label)}">{bars}</svg>'


def histogram(stacks: Sequence[Sequence[float]], titles: Sequence[str], label: str, marks: Sequence[tuple[float, str]] = ()) -> str:
    """A histogram, of several classes on top of each other.

    Args:
        stacks: For each bar, the height of each class.
        titles: For each bar, what is said when the pointer rests on it.
        label: What a screen reader says of it.
        marks: Places from 0 to 1 with a line, and their names.
    """
    width, height = 320.0, 96.0
    most = max((sum(stack) for stack in stacks), default=0.0) or 1.0
    step = width / max(1, len(stacks))
    parts = []
    for i, (stack, title) in enumerate(zip(stacks, titles, strict=True)):
        bottom, boxes = height, []
        for j, value in enumerate(stack):
            # What is there at all must be seen.
            tall = height * value / most if value <= 0 else max(height * value / most, 1.0)
            bottom -= tall
            if value > 0:
                box = f'x="{i * step + 0.5:.1f}" y="{bottom:.1f}" width="{max(step - 1, 0.8):.1f}" height="{tall:.1f}"'
                boxes.append(f'<rect {box} class="k{j % 6}"/>')
        if boxes:
            parts.append(f"<g><title>{escape(title)}</title>{''.join(boxes)}</g>")
    lines = "".join(
        f'<path class="mark" d="M{place * width:.1f} 0V{height}"><title>{escape(name)}</title></path>'
        for place, name in marks
        if 0 <= place <= 1
    )
    return _stretched(width, height, label, "".join(parts) + lines)


def outlines(one: Sequence[float], other: Sequence[float], titles: Sequence[str], label: str) -> str:
    """Two histograms over each other: the first filled, the second as a line.

    Args:
        one: Heights of the first.
        other: Heights of the second.
        titles: For each bar, what is said when the pointer rests on it.
        label: What a screen reader says of both.
    """
    width, height = 320.0, 96.0
    most = max([*one, *other], default=0.0) or 1.0
    step = width / max(1, len(one))
    parts, line = [], f"M0 {height}"
    for i, (left, right) in enumerate(zip(one, other, strict=True)):
        tall = height * left / most
        box = f'x="{i * step + 0.5:.1f}" y="{height - tall:.1f}" width="{max(step - 1, 0.8):.1f}" height="{tall:.1f}"'
        parts.append(f'<rect {box} class="k0 faint"/>')
        line += f"V{height - height * right / most:.1f}H{(i + 1) * step:.1f}"
    parts.append(f'<path class="second" d="{line}V{height}"/>')
    for i, title in enumerate(titles):
        spot = f'x="{i * step:.1f}" y="0" width="{step:.1f}" height="{height}" fill-opacity="0"'
        parts.append(f"<rect {spot}><title>{escape(title)}</title></rect>")
    return _stretched(width, height, label, "".join(parts))


def _stretched(width: float, height: float, label: str, contents: str) -> str:
    view = f'viewBox="0 0 {width:.0f} {height:.0f}" preserveAspectRatio="none"'
    return f'<svg class="histogram" {view} role="img" aria-label="{escape(label)}">{contents}</svg>'


def sortable(caption: str, heads: Sequence[tuple[str, str]], rows: str) -> str:
    """A table that scrolls by itself where it is too wide, and that the page's script sorts.

    Args:
        caption: Read aloud, not shown.
        heads: Name of each column, and what it is sorted as: ``text``, ``number``, or nothing.
        rows: The rows, HTML already.
    """
    cells = ""
    for name, kind in heads:
        sort = f' class="{kind}" data-sort="{kind}"' if kind else ' class="text"'
        cells += f'<th scope="col"{sort}>{escape(name)}</th>'
    inner = f'<table class="sort"><caption>{escape(caption)}</caption><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">{inner}</div>'


def bars(rows: Sequence[tuple[str, Sequence[float], str]], caption: str) -> str:
    """Bars with a name before and a figure behind each, as a table that can be read aloud.

    Args:
        rows: Name (HTML already), lengths of the parts of the bar from 0 to 1, figure.
        caption: What they show.
    """
    lines = []
    for name, parts, figure in rows:
        fills = "".join(
            f'<span class="k{i % 6}" style="width:{100 * min(max(part, 0), 1):.2f}%"></span>' for i, part in enumerate(parts) if part > 0
        )
        lines.append(f'<tr><th scope="row">{name}</th><td class="bar"><div>{fills}</div></td><td>{escape(figure)}</td></tr>')
    return f'<table class="bars"><caption class="quiet">{escape(caption)}</caption><tbody>{"".join(lines)}</tbody></table>'


def twin_bars(rows: Sequence[tuple[str, float, float, str]], caption: str) -> str:
    """Two bars for each name, one below the other.

    Args:
        rows: Name (HTML already), lengths of both bars from 0 to 1, figure.
        caption: What they show.
    """
    lines = ""
    for name, one, other, figure in rows:
        both = "".join(
            f'<div><span class="{kind}" style="width:{100 * min(max(part, 0), 1):.2f}%"></span></div>'
            for kind, part in (("k0", one), ("k1", other))
        )
        lines += f'<tr><th scope="row">{name}</th><td class="bar twin">{both}</td><td>{escape(figure)}</td></tr>'
    return f'<table class="bars"><caption class="quiet">{escape(caption)}</caption><tbody>{lines}</tbody></table>'


def relation_map(names: Sequence[str], values: Sequence[Sequence[float]], titles: Sequence[Sequence[str]], label: str) -> str:
    """A square for each pair of columns, the stronger the more they have to do with each other; blue together, orange opposed."""
    count = len(names)
    cell = max(14.0, min(44.0, 640.0 / max(1, count)))
    size = min(13.0, max(9.0, cell * 0.42))
    left = 8 + min(22, max((len(_short(name)) for name in names), default=1)) * size * 0.6
    # Names above the columns stand upright.
    width, height = left + count * cell + 4, left + count * cell + 4
    parts = []
    for i, name in enumerate(names):
        middle = left + (i + 0.5) * cell
        shown, whole = escape(_short(name)), escape(readable(name))
        parts.append(f'<text x="{left - 6:.1f}" y="{middle:.1f}" dy="0.35em" text-anchor="end">{shown}<title>{whole}</title></text>')
        turn = f"translate({middle:.1f} {left - 6:.1f}) rotate(-90)"
        parts.append(f'<text transform="{turn}" dy="0.35em">{shown}<title>{whole}</title></text>')
        for j in range(count):
            value, corner = values[i][j], left + j * cell
            box = f'x="{corner:.1f}" y="{left + i * cell:.1f}" width="{cell - 1:.1f}" height="{cell - 1:.1f}"'
            if i == j or math.isnan(value):
                parts.append(f'<rect {box} class="none"/>')
                continue
            kind = "k0" if value >= 0 else "k1"
            parts.append(
                f'<rect {box} class="{kind}" fill-opacity="{0.04 + 0.72 * abs(value):.3f}"><title>{escape(titles[i][j])}</title></rect>'
            )
            if count <= 14 and abs(value) >= 0.095:
                spot = f'x="{corner + cell / 2:.1f}" y="{left + (i + 0.5) * cell:.1f}"'
                parts.append(f'<text class="figure" {spot} dy="0.35em" text-anchor="middle">{_figure(value)}</text>')
    view = f"0 0 {width:.0f} {height:.0f}"
    style = f"max-width:{width:.0f}px;font-size:{size:.1f}px"
    return f'<svg class="relations" viewBox="{view}" style="{style}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def _figure(value: float) -> str:
    """Two decimals without the zero before them."""
    return f"{value:.2f}".replace("0.", ".", 1) if abs(value) < 0.995 else f"{value:.0f}"


def _short(name: str) -> str:
    plain = readable(name)
    return plain if len(plain) <= 22 else plain[:21] + "\u2026"

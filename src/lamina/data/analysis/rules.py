"""When a finding is reported."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from lamina.data.analysis.columns import (
    BooleanProfile,
    ColumnProfile,
    NumberProfile,
    TextProfile,
    TimeProfile,
    number_text,
    span_text,
    time_text,
)
from lamina.data.analysis.findings import Finding
from lamina.data.table.headers import odd_header

if TYPE_CHECKING:
    from lamina.data.analysis.predictivity import Predictivity
    from lamina.data.analysis.profile import Profile
    from lamina.data.analysis.relations import Relations

MISSING_SHARE = 0.2
MANY_CATEGORIES = 1000
FEW_ROWS = 10
IMBALANCE = 10
LEAK = 0.98
ORDER, ROWS_OF_ORDER = 0.999, 20
SAME = 0.99
FAR = 50.0
GAP = 50.0
_AVERAGE_WORDS = 40
"""Characters on average from which a column of different texts is one of texts rather than of names."""


def share(part: float, whole: float) -> str:
    """A part in percent, with as many digits as say something.

    Example:
        >>> share(1, 3), share(1, 100000), share(0, 5), share(5, 5), share(9999, 10000)
        ('33.3%', '<0.1%', '0%', '100%', '99.9%')
    """
    if not part or not whole:
        return "0%"
    found = 100 * part / whole
    return "100%" if part >= whole else "<0.1%" if found < 0.1 else f"{min(found, 99.9):.1f}%"


def of_columns(profile: Profile) -> Iterator[Finding]:
    """What is found in single columns."""
    if not profile.rows:
        return
    odd = odd_header([*profile.columns])
    if odd is not None:
        yield Finding("AN016", (), f"{odd[0][0].upper()}{odd[0][1:]}; {odd[1]}.")
    for name, column in profile.columns.items():
        yield from _of_any(name, column, target=name == profile.target)
        if isinstance(column, NumberProfile):
            yield from _of_numbers(name, column)
        elif isinstance(column, TextProfile):
            yield from _of_texts(name, column, target=name == profile.target)
        elif isinstance(column, TimeProfile) and column.kind == "time":
            yield from _of_times(name, column)


def _of_any(name: str, column: ColumnProfile, *, target: bool) -> Iterator[Finding]:
    if not column.present:
        yield Finding("AN002", (name,), f"All {column.rows} rows are missing.")
        return
    if column.missing and target:
        yield Finding("AN020", (name,), f"{column.missing} of {column.rows} rows ({share(column.missing, column.rows)}).")
    elif column.missing >= MISSING_SHARE * column.rows:
        yield Finding("AN003", (name,), f"{column.missing} of {column.rows} rows ({share(column.missing, column.rows)}) have no value.")
    different, _ = column.different
    if different == 1 and column.present > 1 and not target:
        value = column.most(1)
        suffix = f", all of them {value[0][0]!r}" if value else ""
        yield Finding(
            "AN001", (name,), f"{column.present} values{suffix}" + (f"; {column.missing} are missing." if column.missing else ".")
        )
    if not target and _is_id(column):
        yield Finding("AN005", (name,), f"{different} different values in {column.present} rows.")


def _is_id(column: ColumnProfile) -> bool:
    different, error = column.different
    if column.present < 50 or different < column.present * (1 - 3 * error if error else 1):
        return False
    if isinstance(column, TextProfile):
        return float(column.length_moments.mean()[0]) < _AVERAGE_WORDS
    # Measurements of whole numbers can all differ, too; numbers of rows lie close together.
    return column.kind == "integer" and isinstance(column, NumberProfile) and column.ranks.high - column.ranks.low < 1.5 * column.present


def _of_numbers(name: str, column: NumberProfile) -> Iterator[Finding]:
    if column.nan or column.infinite:
        yield Finding("AN004", (name,), f"{column.nan} are NaN, {column.infinite} infinite, of {column.rows} rows.")
    if column.ranks.count < 50:
        return
    mark = _mark(column)
    if mark is not None:
        value, count, near = mark
        yield Finding(
            "AN014",
            (name,),
            f"{number_text(value)} is there {count} times ({share(count, column.rows)}); the next value is {number_text(near)}.",
        )
        return
    pile = _pile(column)
    if pile is not None:
        value, count, near = pile
        where = f"{number_text(value)} is there {count} times ({share(count, column.rows)}), the values beside it {near} times at most."
        yield Finding("AN015", (name,), where)
    low, first, middle, third, high = column.ranks.quantiles([0, 0.25, 0.5, 0.75, 1]).tolist()
    spread = third - first
    if spread > 0 and max(high - middle, middle - low) > FAR * spread:
        end = high if high - middle > middle - low else low
        times = abs(end - middle) / spread
        yield Finding(
            "AN013",
            (name,),
            f"{number_text(end)} is {times:.0f} times as far from the median {number_text(middle)} as the quartiles are from each other "
            f"({number_text(first)} and {number_text(third)}).",
        )


def _mark(column: NumberProfile) -> tuple[float, int, float] | None:
    """A value at an end of the range that is frequent and far from the others, how often it is there, and the next value."""
    if not column.ranks.exact:
        return None
    values, counts = column.ranks.pairs()
    if len(values) < 4:
        return None
    for end, near, rest in ((-1, -2, values[:-1]), (0, 1, values[1:])):
        gap, spread = abs(values[end] - values[near]), rest[-1] - rest[0]
        if gap > spread and counts[end] >= max(3, 0.001 * column.ranks.count) and _looks_made(float(values[end])):
            return float(values[end]), int(counts[end]), float(values[near])
    return None


def _pile(column: NumberProfile) -> tuple[float, int, int] | None:
    """An end of the range at which values pile up, how often it is there, and how often its neighbours are."""
    if not column.ranks.exact or (column.ranks.distinct or 0) < 30:
        return None
    values, counts = column.ranks.pairs()
    for end, beside in ((-1, counts[-6:-1]), (0, counts[1:6])):
        # Zero is where many things really begin.
        if values[end] != 0 and counts[end] >= 0.01 * column.ranks.count and counts[end] >= 5 * beside.max():
            return float(values[end]), int(counts[end]), int(beside.max())
    return None


def _looks_made(value: float) -> bool:
    """Whether a number is one that people write for missing: -1, 99, 999, -9999 ..."""
    if not value.is_integer():
        return False
    digits = str(abs(int(value)))
    return value == -1 or (len(digits) >= 2 and len(set(digits)) == 1 and digits[0] in "98")


def _of_texts(name: str, column: TextProfile, *, target: bool) -> Iterator[Finding]:
    different, error = column.different
    known = column.present - column.empty
    rest = known - column.numeric
    if rest == 0 and different > 10 and not any(_zero_first(value) for value, _ in column.most(1000)):
        yield Finding("AN007", (name,), "All values are numbers.")
    elif rest > 0 and different > 10 and column.numeric >= 0.5 * known:
        others = [value for value, _ in column.most(None) if value and not _reads_as_number(value)]
        if (len(others) <= 5 and column.frequencies.exact) or column.numeric >= 0.95 * known:
            shown = ", ".join(map(repr, others[:3]))
            found = f"{share(column.numeric, known)} of the values are numbers; {rest} are not" + (f", such as {shown}." if shown else ".")
            yield Finding("AN007", (name,), found)
    if column.padded:
        yield Finding("AN008", (name,), f"{column.padded} of {column.present} values ({share(column.padded, column.present)}).")
    if column.frequencies.exact and different > 1:
        groups: dict[str, list[str]] = defaultdict(list)
        for value, _ in column.most(None):
            groups[" ".join(value.split()).casefold()].append(value)
        twins = [found for found in groups.values() if len(found) > 1]
        # Of long texts, a few in capitals are no categories.
        if twins and different <= MANY_CATEGORIES:
            shown = "; ".join(" and ".join(map(repr, found[:3])) for found in twins[:3])
            yield Finding("AN009", (name,), f"{len(twins)} values in more than one spelling: {shown}.")
    if target:
        if different >= column.present > FEW_ROWS:
            yield Finding("AN026", (name,), f"{different} different values in {column.present} rows.")
    elif different > MANY_CATEGORIES and not _is_id(column):
        about = "about " if error else ""
        yield Finding("AN006", (name,), f"{about}{different} different texts in {column.present} rows: as many inputs, one-hot.")


def _zero_first(text: str) -> bool:
    """Whether a number is written as codes are: 007, 01234."""
    plain = text.strip()
    return len(plain) > 1 and plain[0] == "0" and plain[1].isdigit()


def _reads_as_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _of_times(name: str, column: TimeProfile) -> Iterator[Finding]:
    figures = column.figures()
    different, _ = column.different
    if different > 2:
        yield Finding("AN030", (name,), f"From {figures['first']} to {figures['last']}.")
    if column.ranks.exact and different > 20:
        moments, _ = column.ranks.pairs()
        gaps = np.diff(moments)
        usual, widest = float(np.median(gaps)), int(gaps.argmax())
        if gaps[widest] >= GAP * usual:
            after, before = (time_text(float(moments[place])) for place in (widest, widest + 1))
            found = (
                f"No row between {after} and {before} ({span_text(float(gaps[widest]))}); usually the next comes after {span_text(usual)}."
            )
            yield Finding("AN031", (name,), found)


def of_rows(profile: Profile) -> Iterator[Finding]:
    """What is found in whole rows."""
    sample = profile.sample
    about = "" if sample.distinct.exact else "About "
    if sample.repeated > 3 * sample.distinct.error * sample.rows:
        yield Finding(
            "AN010", (), f"{about}{sample.repeated} of {sample.rows} rows ({share(sample.repeated, sample.rows)}) were there before."
        )


def of_pairs(profile: Profile, relations: Relations) -> Iterator[Finding]:
    """What is found in pairs of columns."""
    frame = profile.sample.frame
    for one, other, strength, rank, measure in relations.pairs():
        if profile.target in (one, other):
            continue
        strongest = max(abs(strength), 0.0 if math.isnan(rank) else abs(rank))
        if strongest < SAME:
            continue
        if frame[one].dtype == frame[other].dtype and frame[one].equals(frame[other], check_names=False):
            where = "" if profile.sample.whole else f" of a sample of {len(frame)}"
            yield Finding("AN011", (one, other), f"They are equal in all rows{where}.")
        else:
            words = {"pearson": "correlation", "cramers_v": "Cramer's V", "correlation_ratio": "correlation ratio"}[measure]
            ranks = "" if math.isnan(rank) else f", of the ranks {rank:.3f}"
            yield Finding("AN012", (one, other), f"Their {words} is {strength:.3f}{ranks}.")


def of_target(profile: Profile, found: list[Predictivity], relations: Relations) -> Iterator[Finding]:
    """What is found about the target, and what columns say of it."""
    target = profile.columns.get(profile.target or "")
    if target is None or not target.present or profile.target is None:
        return
    different, _ = target.different
    if different == 1:
        yield Finding("AN025", (profile.target,), f"{target.present} rows, one value.")
        return
    classes = target.most(None) if isinstance(target, TextProfile | BooleanProfile) else _whole(target)
    if 1 < len(classes) <= MANY_CATEGORIES and len(classes) < target.present:
        (most, many), (least, few) = classes[0], classes[-1]
        if many >= IMBALANCE * few:
            yield Finding("AN021", (profile.target,), f"{most!r} is there {many} times, {least!r} {few} times.")
        rare = [(value, count) for value, count in classes if count < FEW_ROWS]
        if rare:
            shown = ", ".join(f"{value!r} ({count})" for value, count in rare[:5]) + (" ..." if len(rare) > 5 else "")
            yield Finding("AN022", (profile.target,), f"{len(rare)} classes: {shown}.")
    equal = {name for name, count in profile.equal.items() if count >= 0.99 * profile.rows}
    for name in sorted(equal):
        yield Finding("AN023", (name,), f"{profile.equal[name]} of {profile.rows} rows ({share(profile.equal[name], profile.rows)}).")
    for own in found:
        if own.skill >= LEAK and own.name not in equal:
            yield Finding("AN024", (own.name,), f"It removes {share(own.skill, 1)} of the error of not looking at it.")
            equal.add(own.name)
    for one, other, _, rank, _ in relations.pairs():
        name = other if one == profile.target else one
        if profile.target in (one, other) and abs(rank) >= ORDER and name not in equal and different > ROWS_OF_ORDER:
            yield Finding("AN024", (name,), f"It puts the rows into the order of the target: the correlation of the ranks is {rank:.4f}.")


def _whole(column: ColumnProfile) -> list[tuple[str, int]]:
    """Counts of a few whole numbers, which then are classes."""
    if column.kind != "integer" or column.different[0] > 20:
        return []
    return column.most(20)

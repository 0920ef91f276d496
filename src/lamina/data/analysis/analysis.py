"""A table looked at: figures of all columns, how they hang together, what is wrong, as text, as plain data and as a page."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.data.analysis.against_schema import Quality, quality
from lamina.data.analysis.columns import ColumnProfile
from lamina.data.analysis.drift import Drift, compare
from lamina.data.analysis.findings import Finding, ordered
from lamina.data.analysis.predictivity import Predictivity, predictivities
from lamina.data.analysis.profile import Profile
from lamina.data.analysis.relations import Relations, relations
from lamina.data.analysis.rules import of_columns, of_pairs, of_rows, of_target
from lamina.data.table.headers import not_there
from lamina.errors import DataError
from lamina.page.parts import Table, plain_number

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.table.schema import Schema

MOST_PAIRS = 20
"""Pairs of columns that are printed."""


@dataclass(frozen=True)
class Analysis:
    """What was found about a table.

    Attributes:
        profile: All that was counted.
        name: What the table is called.
        drift: How another table differs from it, if there is one.
        other: What was counted of that one.
        quality: How many values are what a schema says, if there is one.
    """

    profile: Profile
    name: str = "table"
    drift: Drift | None = None
    other: Profile | None = field(default=None, repr=False)
    quality: Quality | None = None

    @property
    def columns(self) -> dict[str, ColumnProfile]:
        """What was counted of each column, by name."""
        return self.profile.columns

    @cached_property
    def places(self) -> dict[str, int]:
        """Number of each column, from 0."""
        return {name: place for place, name in enumerate(self.columns)}

    @property
    def target(self) -> str | None:
        """The column that shall be learned."""
        return self.profile.target

    @cached_property
    def relations(self) -> Relations:
        """How columns hang together, in a sample of the rows."""
        return relations(self.profile.sample.frame, self.profile.sample.weights)

    @cached_property
    def predictivities(self) -> list[Predictivity]:
        """What each column says of the target, in a sample of the rows; none without a target."""
        sample = self.profile.sample
        if self.target is None or self.target not in sample.frame.columns:
            return []
        return predictivities(sample.frame, sample.weights, sample.halves, self.target)

    @cached_property
    def findings(self) -> list[Finding]:
        """What is wrong or worth knowing, the worst first."""
        own = [
            *of_columns(self.profile),
            *of_rows(self.profile),
            *of_pairs(self.profile, self.relations),
            *of_target(self.profile, self.predictivities, self.relations),
        ]
        return ordered([*own, *(self.drift.findings if self.drift is not None else ())])

    # -- as text ------------------------------------------------------------------------------------------------------

    def tables(self) -> list[Table]:
        """What is printed: the columns, the target, the strongest relations, the other table."""
        found = [self.column_table()]
        if self.predictivities:
            rows = tuple((own.name, own.skill, own.information) for own in self.predictivities[:MOST_PAIRS])
            note = "skill: share of the error that the column alone removes, on rows it wasn't learned from"
            found.append(Table(f"What columns say of {self.target}", ("column", "skill", "mutual information"), rows, note))
        pairs = [pair for pair in self.relations.pairs() if abs(pair[2]) >= 0.5][:MOST_PAIRS]
        if pairs:
            related = tuple(
                (one, other, strength, "" if math.isnan(rank) else f"{rank:.4f}", measure.replace("_", " "))
                for one, other, strength, rank, measure in pairs
            )
            found.append(
                Table("Columns that hang together", ("column", "and", "strength", "of ranks", "measure"), related, self.sample_note())
            )
        if self.quality is not None:
            found.append(quality_table(self.quality))
        if self.drift is not None:
            found.append(drift_table(self.drift))
        return found

    def column_table(self) -> Table:
        """One row for each column."""
        rows = []
        for name, column in self.columns.items():
            figures = column.figures()
            different, error = column.different
            rows.append(
                (name, column.kind, _percent(column.missing, column.rows), f"{'~' if error else ''}{different}", brief(column, figures))
            )
        title = f"{self.name}: {self.profile.rows} rows, {len(self.columns)} columns"
        return Table(title, ("column", "kind", "missing", "different", "values"), tuple(rows))

    def sample_note(self) -> str:
        """From how many rows relations were computed."""
        sample = self.profile.sample
        return "" if sample.whole else f"from a sample of {int(sample.weights.sum())} of {sample.rows} rows"

    def __str__(self) -> str:
        parts = [*map(str, self.tables()), *map(str, self.findings)]
        return "\n\n".join(parts)

    # -- as data ------------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Plain data (JSON); what isn't defined is None."""
        columns = {}
        for name, column in self.columns.items():
            figures = {key: plain_number(value) for key, value in column.figures().items()}
            columns[name] = {"kind": column.kind, **figures, "most": [list(pair) for pair in column.most(10)]}
        sample = self.profile.sample
        return {
            "name": self.name,
            "rows": self.profile.rows,
            "repeated_rows": sample.repeated,
            "sampled_rows": int(sample.weights.sum()),
            "target": self.target,
            "columns": columns,
            "predictivity": {
                own.name: {"skill": own.skill, "mutual_information": plain_number(own.information)} for own in self.predictivities
            },
            "relations": [
                {"columns": [one, other], "measure": measure, "strength": strength, "rank": plain_number(rank)}
                for one, other, strength, rank, measure in self.relations.pairs()
            ],
            "quality": None if self.quality is None else self.quality.to_dict(),
            "drift": None if self.drift is None else _finite(self.drift.to_dict()),
            "findings": [finding.to_dict() for finding in self.findings],
        }

    def to_json(self, *, indent: int | None = 2) -> str:
        """JSON text."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def to_html(self, path: str | Path) -> None:
        """Write one self-contained page, see `lamina.data.analysis.page`."""
        from lamina.data.analysis.page import render
        from lamina.files import atomic_write_text

        atomic_write_text(Path(path), render(self))


def analyze(
    data: Any, target: str | None = None, *, compare_with: Any = None, schema: Schema | None = None, name: str | None = None
) -> Analysis:
    """Look at a table, which may be larger than memory.

    Args:
        data: A file that a table source reads (by its ending), a table source, or a frame: Polars (lazy, too), pandas, pyarrow.
        target: Column that shall be learned.
        compare_with: Another such table, to see what it has differently.
        schema: What values should be; those that are and aren't are counted.
        name: What to call the table.

    Raises:
        DataError: DA014, for a target that isn't there; others as the source of the file.

    Example:
        >>> import polars as pl
        >>> found = analyze(pl.DataFrame({"age": [20, 30, None], "old": ["no", "no", "no"]}))
        >>> print(found.findings[0])
        [AN001] 'old': the column never changes. 3 values, all of them 'no'.
    """
    frame, own = lazy_frame(data)
    known = frame.collect_schema().names()
    if target is not None and target not in known:
        cause, fix = not_there(target, known)
        raise DataError(
            "DA014",
            where=name or own,
            expected=f"a column {target!r}, to be learned",
            got=f"the columns {', '.join(known[:12])}" + (" ..." if len(known) > 12 else ""),
            cause=cause,
            fix=fix,
        )
    profile = Profile.of(frame, target)
    checked = None if schema is None else quality(frame, schema, name or own)
    if compare_with is None:
        return Analysis(profile, name or own, quality=checked)
    other, theirs = lazy_frame(compare_with)
    second = Profile.of(other, target)
    names = (name or own, theirs if theirs != "table" else "the other table")
    return Analysis(profile, name or own, compare(profile, second, names), second, checked)


def lazy_frame(data: Any) -> tuple[pl.LazyFrame, str]:
    """A table, however it is given, and what to call it.

    Raises:
        DataError: DA090, for a file of an ending that nobody reads, or what is no table; others as its source.
    """
    from lamina.data.foreign import as_polars
    from lamina.data.sources.reading import reader_for
    from lamina.data.sources.table import TableSource

    if isinstance(data, str | os.PathLike):
        return reader_for(data).frame(), Path(data).name
    if isinstance(data, TableSource):
        return data.frame(), Path(data.place()).name
    frame = as_polars(data)
    if frame is None:
        raise DataError(
            "DA090",
            where="the table",
            expected="a path, a table source, or a frame of Polars, pandas or pyarrow",
            got=type(data).__name__,
            cause="this is no table",
            fix="give the path of a file, or make a frame of it: polars.DataFrame(...)",
        )
    return frame, "table"


def brief(column: ColumnProfile, figures: dict[str, Any]) -> str:
    """What a column holds, in a few words."""
    from lamina.data.analysis.columns import number_text

    if not column.present:
        return "nothing"
    if figures.get("mean") is not None:
        low, middle, high = (number_text(float(figures[key])) for key in ("min", "50%", "max"))
        return f"{low} ... {middle} ... {high}, mean {number_text(float(figures['mean']))}"
    if figures.get("first") is not None:
        return f"{figures['first']} to {figures['last']}"
    most = column.most(3)
    if most and most[0][1] > 1:
        return ", ".join(f"{_short(value)} {_percent(count, column.present)}" for value, count in most)
    if figures.get("longest") is not None:
        return f"{figures['shortest']} to {figures['longest']} {'characters' if 'mean_length' in figures else 'long'}"
    return ""


def quality_table(quality: Quality) -> Table:
    """How many values of each column are what the schema says, and what was expected of the others."""
    rows = tuple(
        (own.name, own.kind, own.valid, own.invalid, own.missing, "; ".join(f"{words} ({count})" for words, count in own.reasons))
        for own in quality.columns
    )
    heads = ("column", "kind", "valid", "invalid", "missing", "expected, and how many are not that")
    return Table("Against the schema", heads, rows, f"{quality.wrong_rows} of {quality.rows} rows are not what the schema says")


def drift_table(drift: Drift) -> Table:
    """What columns have differently, the most different first."""
    rows = sorted(drift.columns, key=lambda column: -column.psi if math.isfinite(column.psi) else math.inf)
    cells = tuple(
        (own.name, own.psi, own.distance, own.probability, f"{own.missing[0]:.1%}", f"{own.missing[1]:.1%}", len(own.new)) for own in rows
    )
    title = f"{drift.names[1]} ({drift.rows[1]} rows) beside {drift.names[0]} ({drift.rows[0]} rows)"
    heads = ("column", "stability index", "distance", "by chance", "missing before", "missing now", "new categories")
    return Table(title, heads, cells, "index: below 0.1 alike, from 0.2 on different")


def _percent(part: int, whole: int) -> str:
    from lamina.data.analysis.rules import share

    return share(part, whole)


def _short(text: str) -> str:
    shown = text if text.isprintable() else repr(text)
    return shown if len(shown) <= 24 else shown[:23] + "\u2026"


def _finite(data: Any) -> Any:
    if isinstance(data, float):
        return plain_number(data)
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return data

"""What is counted of one column, by its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from lamina.data.statistics.distinct import Distinct
from lamina.data.statistics.frequencies import Frequencies
from lamina.data.statistics.hashing import MISSING, Hashes
from lamina.data.statistics.moments import Moments
from lamina.data.statistics.ranks import Ranks

if TYPE_CHECKING:
    import polars as pl

Shown = Any
"""A figure of a column: a number, a text, or None where there is none."""
_LONGEST = 200
"""Characters of a text that are kept of it; longer ones are told apart by their hash."""


class ColumnProfile:
    """Base of what is counted of columns: mergeable, and the same for any split of the rows.

    Attributes:
        name: Of the column.
        kind: ``integer``, ``float``, ``boolean``, ``string``, ``time`` ...
        rows: How many there are.
        missing: How many have no value.
        distinct: How many values differ; the missing one isn't counted.
    """

    counts: ClassVar[tuple[str, ...]] = ()
    """Attributes that are simply added up."""

    def __init__(self, name: str, kind: str, limit: int) -> None:
        self.name, self.kind, self.limit = name, kind, limit
        self.rows = self.missing = 0
        self.distinct = Distinct()
        for count in self.counts:
            setattr(self, count, 0)

    @property
    def different(self) -> tuple[int, float]:
        """How many values differ, and the standard error of that, relative."""
        return self.distinct.count, self.distinct.error

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    def add(self, series: pl.Series, hashes: Hashes) -> None:
        """Count the values of some rows."""
        self.rows += len(series)
        self.missing += series.null_count()
        known = hashes[hashes != MISSING]
        self.distinct.add(known)
        if len(known):
            self._add(series.drop_nulls())

    def _add(self, series: pl.Series) -> None:
        """Count values, none of them missing."""

    def merge(self, other: ColumnProfile) -> None:
        """Add all that another one of the same column holds."""
        self.rows += other.rows
        self.missing += other.missing
        self.distinct.merge(other.distinct)
        for count in self.counts:
            setattr(self, count, getattr(self, count) + getattr(other, count))
        for name, part in self._parts().items():
            part.merge(other._parts()[name])

    def _parts(self) -> dict[str, Any]:
        """What else is merged and kept."""
        return {}

    def figures(self) -> dict[str, Shown]:
        """All figures by name."""
        return {
            "rows": self.rows,
            "missing": self.missing,
            "distinct": self.different[0],
            "distinct_error": self.different[1],
            **{count: getattr(self, count) for count in self.counts},
        }

    def most(self, count: int | None = 10) -> list[tuple[str, int]]:
        """The most frequent values; none where they weren't counted."""
        return []

    def state_dict(self) -> dict[str, Any]:
        """Plain data (JSON) that `load_state_dict` reads back."""
        counts = {name: getattr(self, name) for name in ("rows", "missing", *self.counts)}
        parts = {name: part.state_dict() for name, part in {"distinct": self.distinct, **self._parts()}.items()}
        return {"name": self.name, "kind": self.kind, "limit": self.limit, **counts, **parts}

    def load_state_dict(self, state: Mapping[str, Any]) -> Self:
        """Take over a saved state; what was here is forgotten."""
        for name in ("rows", "missing", *self.counts):
            setattr(self, name, int(state[name]))
        for name, part in {"distinct": self.distinct, **self._parts()}.items():
            part.load_state_dict(state[name])
        return self


class NumberProfile(ColumnProfile):
    """Numbers.

    Attributes:
        zeros: How many are zero.
        negative: How many are below zero.
        nan: How many are no number.
        infinite: How many are infinite.
        moments: Of the finite ones.
        ranks: Of the finite ones.
    """

    counts: ClassVar[tuple[str, ...]] = ("zeros", "negative", "nan", "infinite")
    zeros: int
    negative: int
    nan: int
    infinite: int

    def __init__(self, name: str, kind: str, limit: int) -> None:
        super().__init__(name, kind, limit)
        self.moments, self.ranks = Moments(), Ranks(limit)

    def _add(self, series: pl.Series) -> None:
        import polars as pl

        values = (series.cast(pl.Float64) if series.dtype.is_decimal() else series).to_numpy()
        if values.dtype.kind == "f":
            finite = np.isfinite(values)
            if not finite.all():
                self.nan += int(np.isnan(values).sum())
                self.infinite += int(np.isinf(values).sum())
                values = values[finite]
        self.zeros += int((values == 0).sum())
        self.negative += int((values < 0).sum())
        self.moments.add(values[:, None])
        self.ranks.add(values)

    def _parts(self) -> dict[str, Any]:
        return {"moments": self.moments, "ranks": self.ranks}

    @property
    def different(self) -> tuple[int, float]:
        exact = self.distinct.exact or self.ranks.distinct is None or self.infinite
        return super().different if exact else (int(self.ranks.distinct or 0) + (self.nan > 0), 0.0)

    def figures(self) -> dict[str, Shown]:
        found = {**super().figures(), "mean": None, "std": None, **dict.fromkeys(QUANTILES), "quantile_error": self.ranks.error}
        if self.ranks.count:
            found |= {"mean": float(self.moments.mean()[0]), "std": float(self.moments.deviation(corrected=True)[0])}
            found |= dict(zip(QUANTILES, self.ranks.quantiles(list(QUANTILES.values())).tolist(), strict=True))
        return found

    def most(self, count: int | None = 10) -> list[tuple[str, int]]:
        if not self.ranks.exact:
            return []
        values, counts = self.ranks.pairs()
        best = np.lexsort((values, -counts))[:count]
        return [(number_text(float(values[i])), int(counts[i])) for i in best]


QUANTILES = {"min": 0.0, "1%": 0.01, "5%": 0.05, "25%": 0.25, "50%": 0.5, "75%": 0.75, "95%": 0.95, "99%": 0.99, "max": 1.0}
"""Names of the quantiles that are shown, and their shares."""


class TextProfile(ColumnProfile):
    """Texts and categories.

    Attributes:
        empty: How many have no character.
        padded: How many begin or end with a blank.
        numeric: How many can be read as a number.
        frequencies: How often each is there; very long ones stand cut off.
        lengths: Of the texts, in characters.
        length_moments: The same.
    """

    counts: ClassVar[tuple[str, ...]] = ("empty", "padded", "numeric")
    empty: int
    padded: int
    numeric: int

    def __init__(self, name: str, kind: str, limit: int) -> None:
        super().__init__(name, kind, limit)
        self.frequencies = Frequencies()
        self.lengths, self.length_moments = Ranks(1 << 12), Moments()

    def _add(self, series: pl.Series) -> None:
        import polars as pl

        counted = pl.DataFrame({"value": series.cast(pl.String)})["value"].value_counts(sort=False)
        values, counts = counted["value"], counted["count"].to_numpy().astype(np.int64)
        long = values.str.len_chars()
        lengths = long.to_numpy()
        self.empty += int(counts[lengths == 0].sum())
        self.padded += int(counts[(values.str.strip_chars().str.len_chars() != long).to_numpy()].sum())
        self.numeric += int(counts[values.str.strip_chars().cast(pl.Float64, strict=False).is_not_null().to_numpy()].sum())
        self.frequencies.add([text if len(text) <= _LONGEST else text_key(text) for text in values.to_list()], counts.tolist())
        repeated = np.repeat(lengths, counts)
        self.lengths.add(repeated)
        self.length_moments.add(repeated.astype(np.int64)[:, None])

    def _parts(self) -> dict[str, Any]:
        return {"frequencies": self.frequencies, "lengths": self.lengths, "length_moments": self.length_moments}

    def figures(self) -> dict[str, Shown]:
        found = {**super().figures(), "shortest": None, "mean_length": None, "longest": None}
        if self.present:
            found |= {
                "shortest": int(self.lengths.low),
                "mean_length": float(self.length_moments.mean()[0]),
                "longest": int(self.lengths.high),
            }
        return found

    def most(self, count: int | None = 10) -> list[tuple[str, int]]:
        return self.frequencies.most(count)


class BooleanProfile(ColumnProfile):
    """True and false.

    Attributes:
        true: How many are true.
    """

    counts: ClassVar[tuple[str, ...]] = ("true",)
    true: int

    def _add(self, series: pl.Series) -> None:
        self.true += int(series.sum() or 0)

    def most(self, count: int | None = 10) -> list[tuple[str, int]]:
        both = [("true", self.true), ("false", self.present - self.true)]
        return sorted([(value, many) for value, many in both if many], key=lambda pair: -pair[1])[:count]


class TimeProfile(ColumnProfile):
    """Moments, days, times of day and spans of time.

    Attributes:
        ranks: In microseconds; moments since 1970 in UTC.
        unit: What the values are: ``moment``, ``clock`` or ``span``.
    """

    def __init__(self, name: str, kind: str, limit: int) -> None:
        super().__init__(name, kind, limit)
        self.ranks = Ranks(limit)

    def _add(self, series: pl.Series) -> None:
        self.ranks.add(microseconds(series))

    def _parts(self) -> dict[str, Any]:
        return {"ranks": self.ranks}

    def figures(self) -> dict[str, Shown]:
        found = {
            **super().figures(),
            "first": None,
            "last": None,
            "middle": None,
            "usual_gap": None,
            "largest_gap": None,
            "gap_after": None,
        }
        if self.ranks.count:
            low, middle, high = (time_text(value, self.kind) for value in self.ranks.quantiles([0, 0.5, 1]).tolist())
            found |= {"first": low, "middle": middle, "last": high}
            moments, _ = self.ranks.pairs()
            if self.ranks.exact and len(moments) > 2:
                gaps = np.diff(moments)
                widest = int(gaps.argmax())
                usual = float(np.median(gaps))
                found |= {"usual_gap": span_text(usual), "largest_gap": span_text(float(gaps[widest]))}
                found["gap_after"] = time_text(float(moments[widest]), self.kind)
        return found


class ListProfile(ColumnProfile):
    """Lists of numbers, and bytes: their lengths.

    Attributes:
        lengths: How many numbers, or bytes.
    """

    def __init__(self, name: str, kind: str, limit: int) -> None:
        super().__init__(name, kind, limit)
        self.lengths = Ranks(1 << 12)

    def _add(self, series: pl.Series) -> None:
        import polars as pl

        dtype = series.dtype
        lengths = series.bin.size() if dtype == pl.Binary else (series.arr.to_list() if isinstance(dtype, pl.Array) else series).list.len()
        self.lengths.add(lengths.to_numpy())

    def _parts(self) -> dict[str, Any]:
        return {"lengths": self.lengths}

    def figures(self) -> dict[str, Shown]:
        found = {**super().figures(), "shortest": None, "middle_length": None, "longest": None}
        if self.lengths.count:
            low, middle, high = self.lengths.quantiles([0, 0.5, 1]).tolist()
            found |= {"shortest": int(low), "middle_length": middle, "longest": int(high)}
        return found


def kind_of(dtype: pl.DataType) -> tuple[str, type[ColumnProfile]]:
    """The kind of a Polars type, and what counts its values."""
    import polars as pl

    if dtype == pl.Boolean:
        return "boolean", BooleanProfile
    if dtype.is_integer():
        return "integer", NumberProfile
    if dtype.is_numeric():
        return "float", NumberProfile
    if dtype == pl.Time:
        return "clock", TimeProfile
    if dtype == pl.Duration:
        return "span", TimeProfile
    if dtype.is_temporal():
        return "time", TimeProfile
    if dtype == pl.String:
        return "string", TextProfile
    if dtype in (pl.Categorical, pl.Enum):
        return "categorical", TextProfile
    if dtype == pl.Binary:
        return "bytes", ListProfile
    if isinstance(dtype, pl.List | pl.Array):
        return "array", ListProfile
    return "empty" if dtype == pl.Null else "other", ColumnProfile


PROFILES: dict[str, type[ColumnProfile]] = {
    "boolean": BooleanProfile,
    **dict.fromkeys(("integer", "float"), NumberProfile),
    **dict.fromkeys(("time", "clock", "span"), TimeProfile),
    **dict.fromkeys(("string", "categorical"), TextProfile),
    **dict.fromkeys(("bytes", "array"), ListProfile),
    **dict.fromkeys(("empty", "other"), ColumnProfile),
}
"""What counts the values of a kind."""


def microseconds(series: pl.Series) -> np.ndarray:
    """Times as numbers."""
    import polars as pl

    if series.dtype == pl.Time:
        return series.to_physical().to_numpy() / 1000
    if series.dtype == pl.Duration:
        return series.dt.total_microseconds().to_numpy().astype(np.float64)
    zone = getattr(series.dtype, "time_zone", None)
    return series.cast(pl.Datetime("us", zone)).to_physical().to_numpy().astype(np.float64)


def text_key(text: str) -> str:
    """A text as it is counted: a very long one cut off, but still told apart."""
    from lamina.data.statistics.hashing import text_hashes

    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 20]}\u2026 {int(text_hashes([text])[0]):016x}"


def number_text(value: float) -> str:
    """A number as people write it."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"


def time_text(value: float, kind: str = "time") -> str:
    """Microseconds as a moment, a time of day or a span."""
    from datetime import UTC, datetime, timedelta

    if kind == "span":
        return span_text(value)
    if kind == "clock":
        return str(timedelta(microseconds=round(value)))
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=round(value))
    except OverflowError:
        return f"{value / 31556952e6 + 1970:.0f}"
    text = moment.strftime("%Y-%m-%d %H:%M:%S" if moment.time() != datetime.min.time() else "%Y-%m-%d")
    return text if moment.year >= 1000 else text.rjust(len(text) + 4 - len(str(moment.year)), "0")


def span_text(value: float) -> str:
    """Microseconds as a length of time.

    Example:
        >>> span_text(90e6), span_text(86400e6 * 3), span_text(0.5)
        ('1.5 min', '3 days', '0.5 us')
    """
    size = abs(value)
    for name, unit in (("years", 31556952e6), ("days", 86400e6), ("h", 3600e6), ("min", 60e6), ("s", 1e6), ("ms", 1e3)):
        if size >= unit * (2 if name == "years" else 1):
            return f"{value / unit:.4g} {name[:-1] if name == 'days' and value == unit else name}"
    return f"{value:.4g} us"

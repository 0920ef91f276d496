"""Every aggregate and window function: Polars gives what plain Python says of each group, and Spark gives what Polars gives."""

from __future__ import annotations

import inspect
import math
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from lamina.data.expressions import Call, Over, list_functions, parse

NAN, INF = float("nan"), float("inf")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


# Group a is usual, b has one row, c only missing values, d NaN and infinity, e what doesn't fit in 64 bits; of group None.
G = ["a", "b", "a", "c", "a", "d", "d", "a", "c", "e", "d", "a", "e", None, "a", None, "d"]
COLUMNS: dict[str, tuple[str, list[Any]]] = {
    "g": ("string", G),
    "o": ("integer", [5, 1, 3, 1, 3, 2, 1, None, 2, 1, 3, 1, 2, 7, 4, 7, 0]),
    "i": ("integer", [3, 7, None, None, -4, 2, 9, 3, None, 2**63 - 1, 4, 8, 5, 1, 8, None, -1]),
    "x": ("float", [1.5, 2.5, -3.0, None, None, NAN, 1.0, 7.25, None, 1e300, INF, 0.0, -1e300, 4.0, 2.0, 6.0, -2.0]),
    "p": ("boolean", [True, False, None, None, True, True, True, False, None, True, True, True, True, None, True, False, None]),
    "s": ("string", ["b", "x", None, None, "a", "", "é", "b", None, "z", "a", "c", "z", "q", "a", None, "B"]),
    "t": ("time", [None if n % 5 == 2 else utc(2020 + n % 3, 1 + n % 12, 3) for n in range(17)]),
    "lat": ("float", [10.0, 5.0, 20.0, None, 30.0, 89.0, 89.0, -10.0, 1.0, 0.0, 89.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]),
    "lon": ("float", [10.0, 5.0, 175.0, 1.0, -175.0, 0.0, 120.0, 3.0, None, 179.0, 240.0, 0.0, -179.0, 1.0, 1.0, 3.0, 1.0]),
}
ROWS = [dict(zip(COLUMNS, values, strict=True)) for values in zip(*[values for _, values in COLUMNS.values()], strict=True)]


def there(values: Sequence[Any]) -> list[Any]:
    return [value for value in values if value is not None]


def fit(number: int | None) -> int | None:
    return number if number is not None and -(2**63) <= number < 2**63 else None


def no_nan(function: Callable[[list[float]], Any]) -> Callable[[list[Any]], Any]:
    """Of floats: NaN makes NaN, nothing makes nothing."""

    def call(x: list[Any]) -> Any:
        values = there(x)
        if not values:
            return None
        with np.errstate(all="ignore"):
            return NAN if any(isinstance(value, float) and math.isnan(value) for value in values) else function(values)

    return call


def mean(x: list[Any]) -> Any:
    values = [float(value) for value in there(x)]
    with np.errstate(all="ignore"):
        return float(np.mean(values)) if values else None


def spread(ddof: int, function: Callable[..., Any]) -> Callable[[list[Any]], Any]:
    def call(x: list[Any]) -> Any:
        values = [float(value) for value in there(x)]
        if len(values) <= ddof:
            return None
        with np.errstate(all="ignore"):
            return float(function(values, ddof=ddof))

    return call


def midpoint(lat: list[Any], lon: list[Any]) -> tuple[float, float] | None:
    pairs = [(math.radians(a), math.radians(b)) for a, b in zip(lat, lon, strict=True) if a is not None and b is not None]
    if not pairs:
        return None
    x = statistics.fmean([math.cos(a) * math.cos(b) for a, b in pairs])
    y = statistics.fmean([math.cos(a) * math.sin(b) for a, b in pairs])
    z = statistics.fmean([math.sin(a) for a, _ in pairs])
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))


def frequent(values: list[Any]) -> Any:
    counts = Counter(there(values))
    return min([value for value, count in counts.items() if count == max(counts.values())], default=None)


# Oracles get a list of each column that they name, of the rows of one group.
AGGREGATES: list[tuple[str, Callable[..., Any]]] = [
    ("sum(i)", lambda i: fit(sum(there(i)))),
    ("sum(x)", lambda x: float(np.sum([0.0, *there(x)]))),
    ("sum(p)", lambda p: sum(there(p))),
    ("mean(i)", mean),
    ("mean(x)", mean),
    ("mean(p)", mean),
    ("min(i)", lambda i: min(there(i), default=None)),
    ("max(i)", lambda i: max(there(i), default=None)),
    ("min(x)", no_nan(min)),
    ("max(x)", no_nan(max)),
    ("min(s)", lambda s: min(there(s), default=None)),
    ("max(t)", lambda t: max(there(t), default=None)),
    ("range(i)", lambda i: fit(max(there(i)) - min(there(i))) if there(i) else None),
    ("range(x)", no_nan(lambda x: float(np.float64(max(x)) - np.float64(min(x))))),
    ("product(i)", lambda i: float(np.prod([float(value) for value in there(i)]))),
    ("product(x)", lambda x: float(np.prod(there(x)))),
    ("std(i)", spread(1, np.std)),
    ("std_population(i)", spread(0, np.std)),
    ("variance(i)", spread(1, np.var)),
    ("variance_population(i)", spread(0, np.var)),
    ("std(x / 1e290)", lambda x: spread(1, np.std)([None if v is None else v / 1e290 for v in x])),
    ("count()", lambda g: len(g)),
    ("count(x)", lambda x: len(there(x))),
    ("count_distinct(s)", lambda s: len({*there(s)})),
    ("count_distinct(i)", lambda i: len({*there(i)})),
    ("first(x)", lambda x: next(iter(there(x)), None)),
    ("last(x)", lambda x: next(iter(there(x)[::-1]), None)),
    ("first(s)", lambda s: next(iter(there(s)), None)),
    ("last(t)", lambda t: next(iter(there(t)[::-1]), None)),
    ("median(i)", no_nan(lambda i: float(np.median(i)))),
    ("median(x)", no_nan(lambda x: float(np.median(x)))),
    ("quantile(i, 0.3)", no_nan(lambda i: float(np.quantile(np.array(i, dtype=float), 0.3)))),
    ("quantile(x, 0)", no_nan(min)),
    ("quantile(x, 1)", no_nan(max)),
    ("most_frequent(s)", frequent),
    ("most_frequent(i)", frequent),
    ("join_text(s, '|')", lambda s: "|".join(there(s))),
    ("collect(x)", there),
    ("collect(i)", lambda i: [float(value) for value in there(i)]),
    ("collect(s)", there),
    ("all(p)", lambda p: all(there(p))),
    ("any(p)", lambda p: any(there(p))),
    ("any(i > 8)", lambda i: any(value > 8 for value in there(i))),
    ("only(sum(i), p)", lambda i, p: fit(sum(there([a for a, b in zip(i, p, strict=True) if b])))),
    ("only(count(), p)", lambda p: sum(there(p))),
    ("only(count(x), not p)", lambda x, p: len(there([a for a, b in zip(x, p, strict=True) if b is False]))),
    ("only(first(s), i > 3)", lambda s, i: next(iter(there([a for a, b in zip(s, i, strict=True) if b is not None and b > 3])), None)),
    ("only(collect(s), p)", lambda s, p: there([a for a, b in zip(s, p, strict=True) if b])),
    (
        "only(mean(x), x > 0) - mean(x)",
        lambda x: None if not there(x) or (up := mean([v for v in there(x) if v > 0 or v != v])) is None else up - mean(x),
    ),
    ("only(median(x), p)", lambda x, p: no_nan(lambda v: float(np.median(v)))([a for a, b in zip(x, p, strict=True) if b])),
    ("sum(i) / count()", lambda i: None if (total := fit(sum(there(i)))) is None else total / len(i)),
    ("midpoint_latitude(lat, lon)", lambda lat, lon: None if (found := midpoint(lat, lon)) is None else found[0]),
    ("midpoint_longitude(lat, lon)", lambda lat, lon: None if (found := midpoint(lat, lon)) is None else found[1]),
    ("sum(where(p, 1, 0))", lambda p: sum(1 if value else 0 for value in p)),
    ("max(length(s))", lambda s: max([len(value) for value in there(s)], default=None)),
    ("count_distinct(string(x))", lambda x: len({str(value) for value in there(x)})),
]


def shifted(values: list[Any], n: int) -> list[Any]:
    return [values[k - n] if 0 <= k - n < len(values) else None for k in range(len(values))]


def minus(a: Any, b: Any) -> Any:
    return None if a is None or b is None else fit(a - b) if isinstance(a, int) else a - b


def running(function: Callable[[list[Any]], Any]) -> Callable[[list[Any]], list[Any]]:
    return lambda values: [None if value is None else function(there(values[: k + 1])) for k, value in enumerate(values)]


def rolling(n: int, least: int, function: Callable[[list[float]], Any]) -> Callable[[list[Any]], list[Any]]:
    def call(values: list[Any]) -> list[Any]:
        windows = [[float(value) for value in there(values[max(0, k + 1 - n) : k + 1])] for k in range(len(values))]
        with np.errstate(all="ignore"):
            return [float(function(window)) if len(window) >= least else None for window in windows]

    return call


def ranks(values: list[Any], *, dense: bool = False, down: bool = False) -> list[Any]:
    known = there(values)
    pool = {*known} if dense else known
    return [None if value is None else 1 + sum((other > value) if down else (other < value) for other in pool) for value in values]


def filled(values: list[Any]) -> list[Any]:
    found, last = [], None
    for value in values:
        last = value if value is not None else last
        found.append(last)
    return found


def nan_last(values: list[float]) -> list[float]:
    return [INF if math.isnan(value) else value for value in values]


WINDOWS: list[tuple[str, Callable[..., list[Any]]]] = [
    ("lag(i)", lambda i: shifted(i, 1)),
    ("lag(s, 2)", lambda s: shifted(s, 2)),
    ("lead(x, 1)", lambda x: shifted(x, -1)),
    ("lag(t, -1)", lambda t: shifted(t, -1)),
    ("difference(i)", lambda i: [minus(a, b) for a, b in zip(i, shifted(i, 1), strict=True)]),
    ("difference(x, 2)", lambda x: [minus(a, b) for a, b in zip(x, shifted(x, 2), strict=True)]),
    ("cumulative_sum(i)", running(lambda i: fit(sum(i)))),
    ("cumulative_sum(x)", running(lambda x: float(np.sum(x)))),
    ("cumulative_max(i)", running(max)),
    ("cumulative_min(i)", running(min)),
    ("cumulative_max(x)", running(no_nan(max))),
    ("cumulative_min(x)", running(no_nan(min))),
    ("cumulative_count(x)", lambda x: [len(there(x[: k + 1])) for k in range(len(x))]),
    ("row_number()", lambda g: list(range(1, len(g) + 1))),
    ("rank(i)", ranks),
    ("rank(s, True)", lambda s: ranks(s, down=True)),
    ("dense_rank(i)", lambda i: ranks(i, dense=True)),
    ("dense_rank(i, descending=True)", lambda i: ranks(i, dense=True, down=True)),
    ("rolling_sum(i, 2)", rolling(2, 2, np.sum)),
    ("rolling_mean(x, 3, least=1)", rolling(3, 1, np.mean)),
    ("rolling_min(x, 2)", rolling(2, 2, np.min)),
    ("rolling_max(x, 2, 1)", rolling(2, 1, np.max)),
    ("rolling_std(o, 3, 2)", rolling(3, 2, lambda window: np.std(window, ddof=1))),
    ("fill_forward(s)", filled),
    ("fill_backward(i)", lambda i: filled(i[::-1])[::-1]),
    # aggregates beside rows
    ("o - min(o)", lambda o: [minus(value, min(there(o))) for value in o]),
    ("x / mean(o)", lambda x, o: [None if value is None else value / mean(o) for value in x]),
    ("first(s)", lambda s: [next(iter(there(s)), None)] * len(s)),
    ("last(x)", lambda x: [next(iter(there(x)[::-1]), None)] * len(x)),
    ("count_distinct(i)", lambda i: [len({*there(i)})] * len(i)),
    ("count()", lambda i: [len(i)] * len(i)),
    ("collect(s)", lambda s: [there(s)] * len(s)),
    ("join_text(s, '')", lambda s: ["".join(there(s))] * len(s)),
    ("only(sum(o), p)", lambda o, p: [sum(there([a for a, b in zip(o, p, strict=True) if b]))] * len(o)),
    ("median(i) + lag(i)", lambda i: [None if value is None else float(np.median(there(i))) + value for value in shifted(i, 1)]),
    ("quantile(o, 0.25)", lambda o: [float(np.quantile(there(o), 0.25)) if there(o) else None] * len(o)),
    ("most_frequent(s)", lambda s: [frequent(s)] * len(s)),
    ("midpoint_latitude(lat, lon)", lambda lat, lon: [None if (found := midpoint(lat, lon)) is None else found[0]] * len(lat)),
]
OVERS = {
    "groups in order": Over(("g",), ("o",)),
    "groups downward": Over(("g",), ("o",), descending=True),
    "groups as they stand": Over(("g",)),
    "all in order": Over((), ("o",)),
    "all as they stand": Over(),
}


def told(oracle: Callable[..., Any], rows: Sequence[dict[str, Any]], text: str) -> Any:
    """What the oracle says of some rows."""
    names, read = list(inspect.signature(oracle).parameters), [*parse(text).columns]
    if len(read) == 1 and (len(names) == 1 or names[0] not in COLUMNS):
        names = read  # Whatever the parameter is called.
    with np.errstate(all="ignore"):
        return oracle(*[[row[name] for row in rows] for name in names])


def in_order(rows: Sequence[dict[str, Any]], over: Over) -> list[int]:
    """Numbers of rows in the order of windows; what is missing is last, and equal ones stay."""
    numbers = list(range(len(rows)))
    if not over.order:
        return numbers
    sign = -1 if over.descending else 1
    return sorted(numbers, key=lambda n: (rows[n]["o"] is None, sign * (rows[n]["o"] or 0)))


@pytest.fixture(scope="module")
def table(engines: Callable[..., Any]) -> Any:
    return engines(COLUMNS)


@pytest.fixture(scope="module")
def grouped(table: Any) -> dict[Any, dict[str, Any]]:
    texts = [text for text, _ in AGGREGATES]
    return {key: dict(zip(texts, values, strict=True)) for key, values in table.grouped_polars(texts, "g").items()}


@pytest.fixture(scope="module")
def grouped_on_spark(table: Any, interpreted: None) -> dict[Any, dict[str, Any]]:
    texts = [text for text, _ in AGGREGATES]
    return {key: dict(zip(texts, values, strict=True)) for key, values in table.grouped_spark(texts, "g").items()}


@pytest.mark.parametrize(("text", "oracle"), AGGREGATES, ids=[text for text, _ in AGGREGATES])
def test_aggregates_on_polars_are_what_python_says(text: str, oracle: Callable[..., Any], grouped: Any, equal: Callable[..., bool]) -> None:
    assert {*grouped} == {*G}
    for key, values in grouped.items():
        wanted = told(oracle, [row for row in ROWS if row["g"] == key], text)
        assert equal(values[text], wanted), f"{values[text]!r} for {wanted!r} in group {key}"


@pytest.mark.parametrize("text", [text for text, _ in AGGREGATES])
def test_aggregates_on_spark_are_those_of_polars(text: str, grouped: Any, grouped_on_spark: Any, equal: Callable[..., bool]) -> None:
    assert {*grouped} == {*grouped_on_spark}
    for key, values in grouped.items():
        assert equal(values[text], grouped_on_spark[key][text]), f"{values[text]!r} and {grouped_on_spark[key][text]!r} in {key}"


@pytest.mark.parametrize(("text", "oracle"), AGGREGATES, ids=[text for text, _ in AGGREGATES])
def test_aggregates_of_no_rows_at_all(text: str, oracle: Callable[..., Any], table: Any, equal: Callable[..., bool]) -> None:
    from lamina.data.expressions import to_polars

    found = table.frame.head(0).select(to_polars(parse(text), table.kinds)).to_series().to_list()
    if "/ count()" not in text:
        assert equal(found, [told(oracle, [], text)])


@pytest.fixture(scope="module", params=OVERS)
def windows(request: pytest.FixtureRequest, table: Any) -> tuple[Over, dict[str, Any]]:
    over = OVERS[request.param]
    texts = [text for text, _ in WINDOWS]
    return over, dict(zip(texts, table.polars(texts, over), strict=True))


@pytest.mark.parametrize(("text", "oracle"), WINDOWS, ids=[text for text, _ in WINDOWS])
def test_windows_on_polars_are_what_python_says(text: str, oracle: Callable[..., Any], windows: Any, equal: Callable[..., bool]) -> None:
    over, found = windows
    for key in {*G} if over.keys else {"all"}:
        places = [n for n, row in enumerate(ROWS) if key == "all" or row["g"] == key]
        rows = [ROWS[n] for n in places]
        order = in_order(rows, over)
        wanted = told(oracle, [rows[n] for n in order], text)
        for place, value in zip([places[n] for n in order], wanted, strict=True):
            assert equal(found[text][place], value), f"{found[text][place]!r} for {value!r} in {ROWS[place]}"


@pytest.mark.parametrize("name", ["groups in order", "groups downward", "all as they stand"])
def test_windows_on_spark_are_those_of_polars(name: str, table: Any, interpreted: None, equal: Callable[..., bool]) -> None:
    over, texts = OVERS[name], [text for text, _ in WINDOWS]
    found = dict(zip(texts, table.polars(texts, over), strict=True))
    for text, values in zip(texts, table.spark(texts, over), strict=True):
        for row, one, other in zip(ROWS, found[text], values, strict=True):
            assert equal(one, other), f"{text}: {one!r} on Polars, {other!r} on Spark, in {row}"


def test_every_aggregate_and_window_is_among_the_cases() -> None:
    called = {node.function for text, _ in AGGREGATES + WINDOWS for node in parse(text).walk() if isinstance(node, Call)}
    assert {function.name for function in list_functions() if function.level != "row"} <= called

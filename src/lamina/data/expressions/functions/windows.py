"""A value a row, from other rows of the group, in the order that the step gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lamina.data.expressions.functions.function import ANY, FLOAT, INTEGER, SCALAR, At, Builder, Function, Parameter, numeric, same
from lamina.data.expressions.functions.groups import SO_FAR, Ends, ordered

N, X = Parameter("x", ("integer", "float")), Parameter("x", FLOAT)
STEPS = Parameter("n", INTEGER, constant=True, default=1)


def _window(
    name: str,
    parameters: Sequence[Parameter],
    result: Any,
    polars: Builder,
    spark: Builder,
    doc: str,
    example: str = "",
    check: Callable[[Sequence[Any]], tuple[str, str] | None] | None = None,
) -> Function:
    return Function(name, tuple(parameters), result, polars, spark, doc, example or f"{name}(x)", level="window", check=check)


def _shifted(at: At, x: Any, n: int) -> Any:
    return ordered(at, at.api.lag(x, n) if n >= 0 else at.api.lead(x, -n))


def _difference_polars(at: At, x: Any, n: Any) -> Any:
    if at.kind == "integer":
        wide = x.cast(at.api.Int128)
        return (wide - wide.shift(at.values[1])).cast(at.api.Int64, strict=False)
    return x - x.shift(at.values[1])


def _difference_spark(at: At, x: Any, n: Any) -> Any:
    before = _shifted(at, x, at.values[1])
    return at.api.try_subtract(x, before) if at.kind == "integer" else x - before


def _running_polars(name: str) -> Builder:
    def build(at: At, x: Any) -> Any:
        if name == "cum_sum" and at.kind == "integer":
            return x.cast(at.api.Int128).cum_sum().cast(at.api.Int64, strict=False)
        found = getattr(x, name)()
        if name == "cum_sum" or at.kind != "float":
            return found
        # Polars leaves NaN out.
        return at.api.when(x.is_nan().cast(at.api.Int8).cum_max() > 0).then(float("nan")).otherwise(found)

    return build


def _running_spark(name: str) -> Builder:
    def build(at: At, x: Any) -> Any:
        found = ordered(at, getattr(at.api, name)(x), SO_FAR)
        if name == "min" and at.kind == "float":
            found = at.api.when(ordered(at, at.api.bool_or(at.api.isnan(x)), SO_FAR), float("nan")).otherwise(found)
        return at.api.when(x.isNotNull(), found)

    return build


def _rank(*, dense: bool) -> tuple[Builder, Builder]:
    def polars(at: At, x: Any, descending: Any) -> Any:
        return x.rank("dense" if dense else "min", descending=at.values[1]).cast(at.api.Int64)

    def spark(at: At, x: Any, descending: Any) -> Any:
        from pyspark.sql import Window

        from lamina.data.expressions.functions.groups import quoted

        keys = () if at.over is None else at.over.keys
        order = x.desc_nulls_last() if at.values[1] else x.asc_nulls_last()
        window = Window.partitionBy(*[at.api.col(quoted(key)) for key in keys]).orderBy(order)
        rank = at.api.dense_rank() if dense else at.api.rank()
        return at.api.when(x.isNotNull(), rank.over(window).cast("bigint"))

    return polars, spark


def _rolling(name: str, doc: str, polars: str, spark: str) -> Function:
    def on_polars(at: At, x: Any, n: Any, least: Any) -> Any:
        size = at.values[1]
        return getattr(x, polars)(window_size=size, min_samples=_least(at))

    def on_spark(at: At, x: Any, n: Any, least: Any) -> Any:
        ends: Ends = (1 - at.values[1], 0)
        enough = ordered(at, at.api.count(x), ends) >= _least(at)
        found = ordered(at, getattr(at.api, spark)(x), ends)
        if spark == "min":  # To which NaN is larger than all numbers.
            found = at.api.when(ordered(at, at.api.bool_or(at.api.isnan(x)), ends), float("nan")).otherwise(found)
        return at.api.when(enough, found)

    parameters = [X, Parameter("n", INTEGER, constant=True), Parameter("least", INTEGER, constant=True, default=None)]
    return _window(name, parameters, "float", on_polars, on_spark, doc, f"{name}(price, 7)", _size)


def _least(at: At) -> int:
    return int(at.values[1] if at.values[2] is None else at.values[2])


def _size(values: Sequence[Any]) -> tuple[str, str] | None:
    n, least = values[1], values[2]
    if n is None or not 1 <= n <= 1_000_000:
        return "a window of 1 to 1,000,000 rows", "write rolling_mean(x, 7)"
    if least is not None and not 1 <= least <= n:
        return "at least 1 value, and at most as many as the window has rows", "write rolling_mean(x, 7, least=1)"
    return None


def _filled(*, back: bool) -> tuple[Builder, Builder]:
    def polars(at: At, x: Any) -> Any:
        return x.backward_fill() if back else x.forward_fill()

    def spark(at: At, x: Any) -> Any:
        if back:
            return ordered(at, at.api.first(x, ignorenulls=True), (0, None))
        return ordered(at, at.api.last(x, ignorenulls=True), SO_FAR)

    return polars, spark


DESCENDING = Parameter("descending", ("boolean",), constant=True, default=False)

FUNCTIONS = [
    _window(
        "lag",
        [Parameter("x", ANY), STEPS],
        same(),
        lambda at, x, n: x.shift(at.values[1]),
        lambda at, x, n: _shifted(at, x, at.values[1]),
        "The value n rows before.",
        "lag(price, 1)",
    ),
    _window(
        "lead",
        [Parameter("x", ANY), STEPS],
        same(),
        lambda at, x, n: x.shift(-at.values[1]),
        lambda at, x, n: _shifted(at, x, -at.values[1]),
        "The value n rows after.",
        "lead(price, 1)",
    ),
    _window(
        "difference", [N, STEPS], numeric(0), _difference_polars, _difference_spark, "The value minus that n rows before.", "difference(x)"
    ),
    _window("cumulative_sum", [N], same(), _running_polars("cum_sum"), _running_spark("try_sum"), "The sum up to the row."),
    _window("cumulative_max", [N], same(), _running_polars("cum_max"), _running_spark("max"), "The largest value up to the row."),
    _window("cumulative_min", [N], same(), _running_polars("cum_min"), _running_spark("min"), "The smallest value up to the row."),
    _window(
        "cumulative_count",
        [Parameter("x", ANY)],
        "integer",
        lambda at, x: x.cum_count().cast(at.api.Int64),
        lambda at, x: ordered(at, at.api.count(x), SO_FAR),
        "How many values up to the row aren't missing.",
    ),
    _window(
        "row_number",
        [],
        "integer",
        lambda at: at.api.int_range(1, at.api.len() + 1, dtype=at.api.Int64),
        lambda at: ordered(at, at.api.row_number()).cast("bigint"),
        "The place of the row, from 1.",
        "row_number()",
    ),
    _window(
        "rank",
        [Parameter("x", SCALAR), DESCENDING],
        "integer",
        *_rank(dense=False),
        "The place of the value among those of the group, from 1; equal ones share the best, and leave the next places free.",
    ),
    _window(
        "dense_rank",
        [Parameter("x", SCALAR), DESCENDING],
        "integer",
        *_rank(dense=True),
        "The place of the value among the different ones of the group, from 1.",
    ),
    _rolling(
        "rolling_sum",
        "The sum of the last n rows; missing where fewer than `least` values are there (n, unless said).",
        "rolling_sum",
        "sum",
    ),
    _rolling("rolling_mean", "The mean of the last n rows.", "rolling_mean", "avg"),
    _rolling("rolling_min", "The smallest value of the last n rows.", "rolling_min", "min"),
    _rolling("rolling_max", "The largest value of the last n rows.", "rolling_max", "max"),
    _rolling("rolling_std", "The standard deviation of the last n rows, divided by n - 1.", "rolling_std", "stddev_samp"),
    _window("fill_forward", [Parameter("x", ANY)], same(), *_filled(back=False), "The value, or the last before that isn't missing."),
    _window("fill_backward", [Parameter("x", ANY)], same(), *_filled(back=True), "The value, or the next that isn't missing."),
]

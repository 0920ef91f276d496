"""One value of many rows; missing values are left out, and NaN makes NaN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.data.expressions.functions.function import ANY, BOOLEAN, FLOAT, SCALAR, At, Builder, Function, Parameter, numeric, same
from lamina.data.expressions.functions.groups import ALL, ordered, over, row

NUMBERS = ("integer", "float", "boolean")
N, X = Parameter("x", NUMBERS), Parameter("x", FLOAT)


def _aggregate(
    name: str, parameters: Sequence[Parameter], result: Any, polars: Builder, spark: Builder, doc: str, example: str
) -> Function:
    return Function(name, tuple(parameters), result, polars, spark, doc, example, level="aggregate")


def _number(at: At, x: Any) -> Any:
    """Booleans as 0 and 1."""
    if at.kinds[0] != "boolean":
        return x
    return x.cast(at.api.Int64) if hasattr(at.api, "Int64") else x.cast("bigint")


def _in_order(x: Any) -> Any:
    """Values that are added up in the order of the rows: else Polars adds parts as its threads come, and rounding differs each time."""
    return x.implode().list


def _sum_polars(at: At, x: Any) -> Any:
    if at.kind == "integer":
        return _number(at, x).cast(at.api.Int128).sum().cast(at.api.Int64, strict=False)
    return _in_order(x).sum() + 0.0  # The sum of nothing would be -0.0.


def _product_polars(at: At, x: Any) -> Any:
    return _in_order(x).eval(at.api.element().product()).list.first()


def _sum_spark(at: At, x: Any) -> Any:
    numbers = _number(at, x)
    total = over(at, at.api.try_sum(numbers))
    # Nothing sums to 0, but whole numbers that don't fit in 64 bits to nothing.
    return at.api.when(over(at, at.api.count(numbers)) == 0, at.api.lit(0).cast("bigint" if at.kind == "integer" else "double")).otherwise(
        total
    )


def _float(at: At, x: Any) -> Any:
    return x.cast(at.api.Float64) if hasattr(at.api, "Float64") else _number(at, x).cast("double")


def _least_polars(at: At, x: Any) -> Any:
    return x.nan_min() if at.kind == "float" else x.min()


def _most_polars(at: At, x: Any) -> Any:
    return x.nan_max() if at.kind == "float" else x.max()


def _least_spark(at: At, x: Any) -> Any:
    least = over(at, at.api.min(x))
    return _nan_spark(at, x, least) if at.kind == "float" else least


def _most_spark(at: At, x: Any) -> Any:
    return over(at, at.api.max(x))  # NaN is larger than all numbers.


def _nan_spark(at: At, x: Any, otherwise: Any) -> Any:
    return at.api.when(over(at, at.api.bool_or(at.api.isnan(x))), float("nan")).otherwise(otherwise)


def _nan_polars(at: At, x: Any, otherwise: Any) -> Any:
    return at.api.when(x.is_nan().any()).then(float("nan")).otherwise(otherwise)


def _range_polars(at: At, x: Any) -> Any:
    if at.kind == "integer":
        wide = x.cast(at.api.Int128)
        return (wide.max() - wide.min()).cast(at.api.Int64, strict=False)
    return _most_polars(at, x) - _least_polars(at, x)


def _range_spark(at: At, x: Any) -> Any:
    if at.kind == "integer":
        return at.api.try_subtract(_most_spark(at, x), _least_spark(at, x))
    return _most_spark(at, x) - _least_spark(at, x)


def _product_spark(at: At, x: Any) -> Any:
    return at.api.coalesce(over(at, at.api.product(x)), at.api.lit(1.0))


def _count_polars(at: At, x: Any) -> Any:
    if at.kinds[0] != "null":
        return x.count().cast(at.api.Int64)
    return (at.api.len() if at.condition is None else at.condition.sum()).cast(at.api.Int64)


def _count_spark(at: At, x: Any) -> Any:
    if at.kinds[0] != "null":
        return over(at, at.api.count(x))
    return over(at, at.api.count(at.api.lit(1) if at.condition is None else at.api.when(at.condition, 1)))


def _distinct_spark(at: At, x: Any) -> Any:
    if at.over is None:
        return at.api.count_distinct(x)
    return at.api.size(over(at, at.api.collect_set(x))).cast("bigint")


def _end(*, last: bool) -> tuple[Builder, Builder]:
    def polars(at: At, x: Any) -> Any:
        present = x.drop_nulls()
        return present.last() if last else present.first()

    def spark(at: At, x: Any) -> Any:
        if at.over is not None:
            end = at.api.last(x, ignorenulls=True) if last else at.api.first(x, ignorenulls=True)
            return ordered(at, end, ALL)
        place = at.api.when(x.isNotNull(), row(at))
        return at.api.max_by(x, place) if last else at.api.min_by(x, place)

    return polars, spark


def _quantile_polars(at: At, x: Any, q: Any) -> Any:
    return _nan_polars(at, x, x.quantile(at.values[1], interpolation="linear"))


def _quantile_spark(at: At, x: Any, q: Any) -> Any:
    return _nan_spark(at, x, over(at, at.api.percentile(x, at.api.lit(float(at.values[1])))))


def _median_polars(at: At, x: Any) -> Any:
    return _nan_polars(at, x, x.median())


def _median_spark(at: At, x: Any) -> Any:
    return _nan_spark(at, x, over(at, at.api.percentile(x, at.api.lit(0.5))))


def _share(values: Sequence[Any]) -> tuple[str, str] | None:
    return None if 0 <= values[1] <= 1 else ("a share from 0 to 1", "write quantile(x, 0.9)")


def _frequent_polars(at: At, x: Any) -> Any:
    return x.drop_nulls().mode().min()


def _collected_spark(at: At, x: Any) -> Any:
    """The values that are there, in the order of the rows."""
    if at.over is not None:
        return ordered(at, at.api.collect_list(x), ALL)
    pairs = at.api.array_sort(at.api.collect_list(at.api.when(x.isNotNull(), at.api.struct(row(at).alias("row"), x.alias("value")))))
    return at.api.transform(pairs, lambda pair: pair["value"])


def _collection(kinds: Sequence[str], values: Sequence[Any]) -> str:
    return "array" if kinds[0] in ("integer", "float") else f"array[{kinds[0]}]"


def _every_spark(at: At, x: Any) -> Any:
    return at.api.coalesce(over(at, at.api.bool_and(x)), at.api.lit(col=True))


def _some_spark(at: At, x: Any) -> Any:
    return at.api.coalesce(over(at, at.api.bool_or(x)), at.api.lit(col=False))


def _only(at: At, *columns: Any) -> Any:
    raise NotImplementedError  # The engines push the condition into the aggregates of the first argument.


def _spread(name: str, doc: str, ddof: int, *, root: bool, spark: str) -> Function:
    def polars(at: At, x: Any) -> Any:
        return _in_order(x).std(ddof=ddof) if root else _in_order(x).var(ddof=ddof)

    return _aggregate(name, [X], "float", polars, lambda at, x: over(at, getattr(at.api, spark)(x)), doc, f"{name}(x)")


FUNCTIONS = [
    _aggregate("sum", [N], numeric(), _sum_polars, _sum_spark, "The sum; of booleans, how many are true; of nothing, 0.", "sum(sales)"),
    _aggregate(
        "mean",
        [N],
        "float",
        lambda at, x: _in_order(_float(at, x)).mean(),
        lambda at, x: over(at, at.api.avg(_float(at, x))),
        "The mean; of booleans, the share that is true.",
        "mean(price)",
    ),
    _aggregate("min", [Parameter("x", SCALAR)], same(), _least_polars, _least_spark, "The smallest value.", "min(price)"),
    _aggregate("max", [Parameter("x", SCALAR)], same(), _most_polars, _most_spark, "The largest value.", "max(price)"),
    _aggregate(
        "range", [Parameter("x", ("integer", "float"))], numeric(), _range_polars, _range_spark, "Largest minus smallest.", "range(x)"
    ),
    _aggregate("product", [X], "float", _product_polars, _product_spark, "The product, a float; of nothing, 1.", "product(x)"),
    _spread("std", "The standard deviation of a sample, divided by n - 1; of one value, missing.", 1, root=True, spark="stddev_samp"),
    _spread("std_population", "The standard deviation of a population, divided by n.", 0, root=True, spark="stddev_pop"),
    _spread("variance", "The variance of a sample, divided by n - 1; of one value, missing.", 1, root=False, spark="var_samp"),
    _spread("variance_population", "The variance of a population, divided by n.", 0, root=False, spark="var_pop"),
    _aggregate(
        "count",
        [Parameter("x", ANY, default=None)],
        "integer",
        _count_polars,
        _count_spark,
        "How many rows there are; with x, how many of its values aren't missing.",
        "count()",
    ),
    _aggregate(
        "count_distinct",
        [Parameter("x", SCALAR)],
        "integer",
        lambda at, x: x.drop_nulls().n_unique().cast(at.api.Int64),
        _distinct_spark,
        "How many different values there are.",
        "count_distinct(customer)",
    ),
    _aggregate("first", [Parameter("x", ANY)], same(), *_end(last=False), "The first value that isn't missing.", "first(x)"),
    _aggregate("last", [Parameter("x", ANY)], same(), *_end(last=True), "The last value that isn't missing.", "last(x)"),
    _aggregate(
        "median", [X], "float", _median_polars, _median_spark, "The value in the middle, or the mean of the two there.", "median(x)"
    ),
    Function(
        "quantile",
        (X, Parameter("q", FLOAT, constant=True)),
        "float",
        _quantile_polars,
        _quantile_spark,
        "The value below which the share q lies, between neighbours on a straight line.",
        "quantile(x, 0.9)",
        level="aggregate",
        check=_share,
    ),
    _aggregate(
        "most_frequent",
        [Parameter("x", ("string", "integer", "boolean", "time"))],
        same(),
        _frequent_polars,
        lambda at, x: over(at, at.api.mode(x, deterministic=True)),
        "The value that is there most often; of several, the smallest.",
        "most_frequent(city)",
    ),
    _aggregate(
        "join_text",
        [Parameter("x", ("string",)), Parameter("separator", ("string",), constant=True, default=",")],
        "string",
        lambda at, x, separator: x.drop_nulls().str.join(at.values[1]),
        lambda at, x, separator: at.api.array_join(_collected_spark(at, x), at.values[1]),
        "All texts in order, with a separator between.",
        "join_text(word, ' ')",
    ),
    _aggregate(
        "collect",
        [Parameter("x", SCALAR)],
        _collection,
        lambda at, x: (x.cast(at.api.Float64) if at.kinds[0] == "integer" else x).drop_nulls().implode(),
        lambda at, x: _collected_spark(at, x.cast("double") if at.kinds[0] == "integer" else x),
        "All values in order, as an array.",
        "collect(price)",
    ),
    _aggregate("all", [Parameter("x", BOOLEAN)], "boolean", lambda at, x: x.all(), _every_spark, "Whether all are true.", "all(paid)"),
    _aggregate("any", [Parameter("x", BOOLEAN)], "boolean", lambda at, x: x.any(), _some_spark, "Whether one is true.", "any(late)"),
    _aggregate(
        "only",
        [Parameter("x", ANY), Parameter("condition", BOOLEAN)],
        same(),
        _only,
        _only,
        "An aggregate, or a computation of several, of those rows only where the condition holds.",
        "only(sum(sales), region == 'north')",
    ),
]

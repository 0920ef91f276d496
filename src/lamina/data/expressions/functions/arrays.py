"""Arrays of numbers; a missing element makes what is computed of two arrays missing, and is left out of sums and the like of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lamina.data.expressions.functions.function import ARRAY, FLOAT, INTEGER, NUMBERS, SCALAR, At, Builder, Function, Parameter
from lamina.data.expressions.kindnames import kind_inside

V, W = Parameter("a", NUMBERS), Parameter("b", NUMBERS)


def _inner(kinds: Sequence[str], values: Sequence[Any]) -> str:
    return kind_inside(kinds[0])


def _contained(kinds: Sequence[str], values: Sequence[Any]) -> str | None:
    inside, kind = kind_inside(kinds[0]), kinds[1]
    return "boolean" if kind == inside or (kind == "integer" and inside == "float") else None


def _pairs(function: Callable[..., Any]) -> Builder:
    """A number for each pair of arrays, of the products and sums that NumPy makes of all at once."""

    def build(at: At, a: Any, b: Any) -> Any:
        return at.api.map_batches([a, b], lambda columns: _paired(columns, function), return_dtype=at.api.Float64, is_elementwise=True)

    return build


def _paired(columns: Sequence[Any], function: Callable[..., Any]) -> Any:
    import numpy as np
    import polars as pl

    a, b = columns
    if len(a) != len(b):
        length = max(len(a), len(b)) if len(a) and len(b) else 0
        a, b = [one if len(one) == length else one.new_from_index(0, length) for one in (a, b)]
    frame = pl.DataFrame({"a": a, "b": b}).with_row_index("row")
    lengths, others = pl.col("a").list.len(), pl.col("b").list.len()
    nulls = pl.col("a").list.eval(pl.element().is_null()).list.any() | pl.col("b").list.eval(pl.element().is_null()).list.any()
    fine = frame.filter((lengths == others) & ~nulls)
    filled = fine.filter(pl.col("a").list.len() > 0)
    counts = filled["a"].list.len().to_numpy()
    x, y = [filled[name].explode().cast(pl.Float64).to_numpy() for name in ("a", "b")]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)

    def total(values: Any) -> Any:
        return np.add.reduceat(values, starts) if len(values) else np.zeros(len(counts))

    with np.errstate(all="ignore"):
        computed = function(x, y, total)
        nothing = function(np.zeros(1), np.zeros(1), lambda values: values)[0]
    found = pl.DataFrame({"row": filled["row"], "value": np.asarray(computed, dtype=np.float64)})
    made = fine.select("row").join(found, on="row", how="left").with_columns(pl.col("value").fill_null(float(nothing)))
    return frame.select("row").join(made, on="row", how="left", maintain_order="left")["value"]


def _cosine(x: Any, y: Any, total: Callable[[Any], Any]) -> Any:
    import numpy as np

    return 1 - total(x * y) / (np.sqrt(total(x * x)) * np.sqrt(total(y * y)))


def _euclidean(x: Any, y: Any, total: Callable[[Any], Any]) -> Any:
    import numpy as np

    return np.sqrt(total((x - y) ** 2))


def _total(at: At, terms: Any) -> Any:
    """On Spark: the sum of an array; missing if an element is."""
    return at.api.aggregate(terms, at.api.lit(0.0), lambda so_far, one: so_far + one)


def _same_length(at: At, a: Any, b: Any, value: Any) -> Any:
    return at.api.when(at.api.size(a) == at.api.size(b), value)


def _zipped(at: At, a: Any, b: Any, function: Callable[[Any, Any], Any]) -> Any:
    return _same_length(at, a, b, _total(at, at.api.zip_with(a, b, function)))


def _cosine_spark(at: At, a: Any, b: Any) -> Any:
    dot = _zipped(at, a, b, lambda x, y: x * y)
    lengths = at.api.sqrt(_zipped(at, a, a, lambda x, y: x * y)) * at.api.sqrt(_zipped(at, b, b, lambda x, y: x * y))
    quotient = at.api.when(lengths == 0, float("nan")).otherwise(at.api.try_divide(dot, lengths))
    return at.api.when(dot.isNotNull(), 1 - quotient)


def _norm_polars(at: At, a: Any) -> Any:
    squares = a.list.eval(at.api.element() * at.api.element()).list.sum().sqrt()
    return at.api.when(~a.list.eval(at.api.element().is_null()).list.any()).then(squares)


def _present(at: At, a: Any) -> Any:
    """On Spark: the elements that aren't missing."""
    return at.api.filter(a, lambda one: one.isNotNull())


def _mean_spark(at: At, a: Any) -> Any:
    present = _present(at, a)
    return at.api.when(at.api.size(present) > 0, at.api.try_divide(_total(at, present), at.api.size(present)))


def _end_polars(*, largest: bool) -> Builder:
    def build(at: At, a: Any) -> Any:
        end = a.list.max() if largest else a.list.min()
        return at.api.when(a.list.eval(at.api.element().is_nan()).list.any()).then(float("nan")).otherwise(end)

    return build


def _least_spark(at: At, a: Any) -> Any:
    has_nan = at.api.exists(_present(at, a), lambda one: at.api.isnan(one))
    return at.api.when(has_nan, float("nan")).otherwise(at.api.array_min(a))


def _packed(at: At, *columns: Any) -> Any:
    return at.api.concat_list(list(columns)) if hasattr(at.api, "concat_list") else at.api.array(*columns)


def _element_spark(at: At, a: Any, index: Any) -> Any:
    index = at.values[1]
    return at.api.try_element_at(a, at.api.lit(index + 1 if index >= 0 else index))


def _near(values: Sequence[Any]) -> tuple[str, str] | None:
    return None if abs(values[1]) < 2**30 else ("a place in the array", "write element(a, 0)")


FUNCTIONS = [
    Function("pack", (Parameter("x", FLOAT, many=True),), "array", _packed, _packed, "Numbers as one array.", "pack(x, y, z)"),
    Function(
        "element",
        (Parameter("a", ARRAY), Parameter("index", INTEGER, constant=True)),
        _inner,
        lambda at, a, index: a.list.get(at.values[1], null_on_oob=True),
        _element_spark,
        "The element of this index, from 0; negative from the end; missing if there are fewer.",
        "element(a, 0)",
        check=_near,
    ),
    Function(
        "array_length",
        (Parameter("a", ARRAY),),
        "integer",
        lambda at, a: a.list.len().cast(at.api.Int64),
        lambda at, a: at.api.when(a.isNotNull(), at.api.size(a).cast("bigint")),
        "How many elements.",
        "array_length(a)",
        weight=2,
    ),
    Function(
        "array_sum",
        (V,),
        "float",
        lambda at, a: a.list.sum(),
        lambda at, a: _total(at, _present(at, a)),
        "The sum of the elements; of none, 0.",
        "array_sum(a)",
    ),
    Function("array_mean", (V,), "float", lambda at, a: a.list.mean(), _mean_spark, "The mean of the elements.", "array_mean(a)", weight=3),
    Function(
        "array_min",
        (V,),
        "float",
        _end_polars(largest=False),
        _least_spark,
        "The smallest element.",
        "array_min(a)",
        weight=2,
    ),
    Function(
        "array_max",
        (V,),
        "float",
        _end_polars(largest=True),
        lambda at, a: at.api.array_max(a),
        "The largest element.",
        "array_max(a)",
        weight=2,
    ),
    Function(
        "norm",
        (V,),
        "float",
        _norm_polars,
        lambda at, a: at.api.sqrt(_zipped(at, a, a, lambda x, y: x * y)),
        "The Euclidean length.",
        "norm(a)",
        weight=4,
    ),
    Function(
        "dot",
        (V, W),
        "float",
        _pairs(lambda x, y, total: total(x * y)),
        lambda at, a, b: _zipped(at, a, b, lambda x, y: x * y),
        "The sum of the products; missing for arrays of different lengths.",
        "dot(a, b)",
        weight=2,
    ),
    Function(
        "cosine_distance",
        (V, W),
        "float",
        _pairs(_cosine),
        _cosine_spark,
        "1 minus the cosine of the angle between two arrays; NaN where one is of zeros.",
        "cosine_distance(a, b)",
        weight=24,
    ),
    Function(
        "euclidean_distance",
        (V, W),
        "float",
        _pairs(_euclidean),
        lambda at, a, b: at.api.sqrt(_zipped(at, a, b, lambda x, y: (x - y) * (x - y))),
        "The straight distance.",
        "euclidean_distance(a, b)",
        weight=2,
    ),
    Function(
        "manhattan_distance",
        (V, W),
        "float",
        _pairs(lambda x, y, total: total(abs(x - y))),
        lambda at, a, b: _zipped(at, a, b, lambda x, y: at.api.abs(x - y)),
        "The sum of the differences along each axis.",
        "manhattan_distance(a, b)",
        weight=2,
    ),
    Function(
        "array_contains",
        (Parameter("a", ARRAY), Parameter("x", SCALAR)),
        _contained,
        lambda at, a, x: a.list.contains(x.cast(at.api.Float64) if at.kinds[1] == "integer" else x, nulls_equal=False),
        lambda at, a, x: at.api.array_contains(_present(at, a), x.cast("double") if at.kinds[1] == "integer" else x),
        "Whether an element equals x.",
        "array_contains(split_list(tags, ';'), 'new')",
    ),
]

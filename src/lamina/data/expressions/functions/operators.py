"""What the operators of expressions mean; each can be called by name too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.data.expressions.functions.function import BOOLEAN, FLOAT, NUMBER, SCALAR, At, Function, Parameter, numeric, same

A, B = Parameter("a", NUMBER), Parameter("b", NUMBER)


def _wide(at: At, *columns: Any) -> list[Any]:
    """Whole numbers of 128 bits, so that sums and products of two don't overflow."""
    return [column.cast(at.api.Int128) for column in columns] if at.kind == "integer" else list(columns)


def _narrow(at: At, column: Any) -> Any:
    """Back to 64 bits; what doesn't fit is missing."""
    return column.cast(at.api.Int64, strict=False) if at.kind == "integer" else column


def _polars_sum(at: At, a: Any, b: Any) -> Any:
    a, b = _wide(at, a, b)
    return _narrow(at, a + b)


def _polars_difference(at: At, a: Any, b: Any) -> Any:
    a, b = _wide(at, a, b)
    return _narrow(at, a - b)


def _polars_product(at: At, a: Any, b: Any) -> Any:
    a, b = _wide(at, a, b)
    return _narrow(at, a * b)


def _polars_negative(at: At, x: Any) -> Any:
    (wide,) = _wide(at, x)
    return _narrow(at, 0 - wide) if at.kind == "integer" else -x


def spark_quotient(at: At, a: Any, b: Any) -> Any:
    """A quotient of floats as IEEE 754 has it: Spark gives an error, or a missing value, where the divisor is 0."""
    if at.values[1]:
        return a / b
    # 0.0 ** -1 is infinite, with the sign of the zero.
    return at.api.coalesce(at.api.try_divide(a, b), at.api.when(b == 0, a * at.api.pow(b, at.api.lit(-1.0))))


def spark_floor(at: At, x: Any) -> Any:
    """The floor of a float, as a float: Spark gives a whole number of 64 bits, or an error."""
    return at.api.when(at.api.abs(x) < 2.0**52, at.api.floor(x).cast("double")).otherwise(x)


def _spark_floor_quotient(at: At, a: Any, b: Any) -> Any:
    if at.kind == "float":
        return spark_floor(at, spark_quotient(at, a, b))
    divisor = at.api.nullif(b, at.api.lit(0))
    whole = at.api.call_function("div", a, divisor)
    down = at.api.when((a % divisor != 0) & ((a < 0) != (b < 0)), whole - 1).otherwise(whole)
    return at.api.when(b == -1, at.api.try_subtract(at.api.lit(0).cast("bigint"), a)).otherwise(down)


def _polars_floor_quotient(at: At, a: Any, b: Any) -> Any:
    if at.kind == "float":
        return (a / b).floor()
    # The one quotient that may not fit is that by -1.
    return at.api.when(b == -1).then(_polars_negative(at, a)).otherwise(a // b)


def _spark_power(at: At, a: Any, b: Any) -> Any:
    # Java's 1 ** NaN and (-1) ** infinity are NaN; IEEE 754, C and Python say 1.
    one = (a == 1) & b.isNotNull() | (a == -1) & (at.api.abs(b) == float("inf"))
    return at.api.when(one, 1.0).otherwise(at.api.pow(a, b))


def _polars_rest(at: At, a: Any, b: Any) -> Any:
    if at.kind == "integer":
        return a % b
    return at.api.map_batches([a, b], _float_rest, return_dtype=at.api.Float64, is_elementwise=True)


def _float_rest(columns: Sequence[Any]) -> Any:
    """NumPy's remainder, which is Python's; that of Polars loses digits where the quotient is large."""
    import numpy as np
    import polars as pl

    a, b = columns
    length = max(len(a), len(b)) if len(a) and len(b) else 0
    present = a.is_not_null() & b.is_not_null()
    with np.errstate(all="ignore"):
        rest = np.mod(a.fill_null(0.0).to_numpy(), b.fill_null(1.0).to_numpy())
    found = pl.Series(a.name, np.broadcast_to(rest, (length,)).copy())
    return found.zip_with(present if len(present) == length else present.new_from_index(0, length), pl.Series([None], dtype=pl.Float64))


def _spark_rest(at: At, a: Any, b: Any) -> Any:
    rest = at.api.try_mod(a, b)
    signed = at.api.when((rest != 0) & ((rest < 0) != (b < 0)), rest + b).otherwise(rest)
    return signed if at.kind == "integer" else at.api.coalesce(signed, at.api.when(b == 0, a * float("nan")))


def _all_of(at: At, *columns: Any) -> Any:
    found = columns[0]
    for column in columns[1:]:
        found = found & column
    return found


def _any_of(at: At, *columns: Any) -> Any:
    found = columns[0]
    for column in columns[1:]:
        found = found | column
    return found


def _listed(at: At) -> list[Any]:
    """The constants of a list, as the kind that they are compared in."""
    return [float(value) for value in at.values[1]] if at.kinds[1] == "list[float]" else list(at.values[1])


ALIKE = (Parameter("a", SCALAR, alike=True), Parameter("b", SCALAR, alike=True))
CONDITIONS = (Parameter("condition", BOOLEAN, many=True),)


def _compared(name: str, words: str, symbol: str, compare: Any) -> Function:
    return Function(name, ALIKE, "boolean", compare, compare, f"Whether a is {words} b; also `a {symbol} b`.", f"a {symbol} b")


FUNCTIONS = [
    Function(
        "add",
        (A, B),
        numeric(),
        _polars_sum,
        lambda at, a, b: at.api.try_add(a, b) if at.kind == "integer" else a + b,
        "The sum; also `a + b`. Whole numbers beyond 64 bits are missing.",
        "a + b",
    ),
    Function(
        "subtract",
        (A, B),
        numeric(),
        _polars_difference,
        lambda at, a, b: at.api.try_subtract(a, b) if at.kind == "integer" else a - b,
        "The difference; also `a - b`.",
        "a - b",
    ),
    Function(
        "multiply",
        (A, B),
        numeric(),
        _polars_product,
        lambda at, a, b: at.api.try_multiply(a, b) if at.kind == "integer" else a * b,
        "The product; also `a * b`.",
        "a * b",
    ),
    Function(
        "divide",
        (Parameter("a", FLOAT), Parameter("b", FLOAT)),
        "float",
        lambda at, a, b: a / b,
        spark_quotient,
        "The quotient, always a float; also `a / b`. Divided by 0 it is infinite, or NaN for 0 / 0.",
        "a / b",
        weight=3,
    ),
    Function(
        "floor_divide",
        (A, B),
        numeric(),
        _polars_floor_quotient,
        _spark_floor_quotient,
        "The quotient rounded down; also `a // b`. A whole number divided by 0 is missing.",
        "a // b",
        weight=6,
    ),
    Function(
        "mod",
        (A, B),
        numeric(),
        _polars_rest,
        _spark_rest,
        "The remainder, with the sign of b as in Python; also `a % b`. Of whole numbers by 0 it is missing, of floats NaN.",
        "a % b",
        weight=5,
    ),
    Function(
        "pow",
        (Parameter("a", FLOAT), Parameter("b", FLOAT)),
        "float",
        lambda at, a, b: a.pow(b),
        _spark_power,
        "a to the power b, always a float; also `a ** b`.",
        "a ** b",
        weight=3,
    ),
    Function(
        "negative",
        (Parameter("x", NUMBER),),
        same(),
        _polars_negative,
        lambda at, x: at.api.try_subtract(at.api.lit(0).cast("bigint"), x) if at.kind == "integer" else -x,
        "The number with the other sign; also `-x`.",
        "-x",
    ),
    _compared("less", "smaller than", "<", lambda at, a, b: a < b),
    _compared("less_equal", "at most", "<=", lambda at, a, b: a <= b),
    _compared("greater", "larger than", ">", lambda at, a, b: a > b),
    _compared("greater_equal", "at least", ">=", lambda at, a, b: a >= b),
    _compared("equal", "equal to", "==", lambda at, a, b: a == b),
    _compared("not_equal", "different from", "!=", lambda at, a, b: a != b),
    Function("all_of", CONDITIONS, "boolean", _all_of, _all_of, "Whether all conditions hold; also `a and b`.", "a and b"),
    Function("any_of", CONDITIONS, "boolean", _any_of, _any_of, "Whether a condition holds; also `a or b`.", "a or b"),
    Function(
        "negation",
        (Parameter("condition", BOOLEAN),),
        "boolean",
        lambda at, a: ~a,
        lambda at, a: ~a,
        "Whether the condition doesn't hold; also `not a`.",
        "not a",
    ),
    Function(
        "exactly_one",
        (Parameter("a", BOOLEAN), Parameter("b", BOOLEAN)),
        "boolean",
        lambda at, a, b: a ^ b,
        lambda at, a, b: a != b,
        "Whether one of two conditions holds, and the other doesn't.",
        "exactly_one(a, b)",
    ),
    Function(
        "one_of",
        (Parameter("x", SCALAR, alike=True), Parameter("among", ("list",), constant=True, alike=True)),
        "boolean",
        lambda at, x, among: x.is_in(_listed(at)),
        lambda at, x, among: x.isin(_listed(at)),
        "Whether x is among the constants of a list; also `x in [...]`, and `x not in [...]`.",
        "city in ['Bern', 'Basel']",
    ),
]

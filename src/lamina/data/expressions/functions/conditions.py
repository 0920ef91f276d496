"""Missing values, choices, and what a text could be read as."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.data.expressions.functions.function import ANY, BOOLEAN, FLOAT, SCALAR, At, Function, Parameter

INTEGER_TEXT = r"^[+-]?[0-9]{1,19}$"
"""What counts as a whole number in a text."""
NUMBER_TEXT = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?$"
"""What counts as a finite number in a text."""
SPECIAL_TEXT = {"nan": "nan", "+nan": "nan", "-nan": "nan"} | {
    f"{sign}{word}": f"{'-' if sign == '-' else ''}inf" for sign in ("", "+", "-") for word in ("inf", "infinity")
}
"""What counts as another float, in small letters."""


def alike(kinds: Sequence[str], values: Sequence[Any]) -> str:
    """The kind that the arguments have in common (they were made alike, and the last is one of them)."""
    return kinds[-1]


def _where_polars(at: At, condition: Any, a: Any, b: Any) -> Any:
    return at.api.when(condition).then(a).otherwise(b)


def _where_spark(at: At, condition: Any, a: Any, b: Any) -> Any:
    return at.api.when(condition, a).otherwise(b)


def _between(at: At, x: Any, low: Any, high: Any) -> Any:
    return (x >= low) & (x <= high)


X = Parameter("x", FLOAT)
VALUE = Parameter("x", ANY, alike=True)

FUNCTIONS = [
    Function(
        "is_missing",
        (Parameter("x", ANY),),
        "boolean",
        lambda at, x: x.is_null(),
        lambda at, x: x.isNull(),
        "Whether the value is missing; also `x is None`. NaN is a value, not a missing one.",
        "is_missing(income)",
    ),
    Function(
        "is_nan",
        (X,),
        "boolean",
        lambda at, x: x.is_nan(),
        lambda at, x: at.api.when(x.isNotNull(), at.api.isnan(x)),
        "Whether the number is NaN.",
        "is_nan(x)",
        weight=2,
    ),
    Function(
        "is_infinite",
        (X,),
        "boolean",
        lambda at, x: x.is_infinite(),
        lambda at, x: at.api.abs(x) == float("inf"),
        "Whether the number is infinite, with either sign.",
        "is_infinite(x)",
    ),
    Function(
        "is_finite",
        (X,),
        "boolean",
        lambda at, x: x.is_finite(),
        # NaN is larger than all numbers.
        lambda at, x: at.api.abs(x) < float("inf"),
        "Whether the number is neither infinite nor NaN.",
        "is_finite(x)",
    ),
    Function(
        "coalesce",
        (Parameter("x", ANY, many=True, alike=True),),
        alike,
        lambda at, *columns: at.api.coalesce(*columns),
        lambda at, *columns: at.api.coalesce(*columns),
        "The first value that isn't missing.",
        "coalesce(mobile, phone, 'none')",
    ),
    Function(
        "if_missing",
        (VALUE, Parameter("other", ANY, alike=True)),
        alike,
        lambda at, x, other: at.api.coalesce(x, other),
        lambda at, x, other: at.api.coalesce(x, other),
        "The value, or another where it is missing.",
        "if_missing(income, 0.0)",
    ),
    Function(
        "missing_if",
        (VALUE, Parameter("other", SCALAR, alike=True)),
        alike,
        lambda at, x, other: at.api.when((x != other) | other.is_null()).then(x),
        lambda at, x, other: at.api.when((x != other) | other.isNull(), x),
        "The value, or missing where it equals another.",
        "missing_if(age, -1)",
        weight=2,
    ),
    Function(
        "where",
        (Parameter("condition", BOOLEAN), Parameter("a", ANY, alike=True), Parameter("b", ANY, alike=True)),
        alike,
        _where_polars,
        _where_spark,
        "a where the condition holds, else b (where it is missing too); also `a if condition else b`.",
        "where(age >= 18, 'adult', 'minor')",
    ),
    Function(
        "between",
        (Parameter("x", SCALAR, alike=True), Parameter("low", SCALAR, alike=True), Parameter("high", SCALAR, alike=True)),
        "boolean",
        _between,
        _between,
        "Whether x is at least low and at most high.",
        "between(age, 18, 65)",
        weight=2,
    ),
    Function(
        "is_integer",
        (Parameter("x", ("string",)),),
        "boolean",
        lambda at, x: at.api.when(x.is_not_null()).then(x.str.contains(INTEGER_TEXT) & x.cast(at.api.Int64, strict=False).is_not_null()),
        lambda at, x: at.api.when(x.isNotNull(), x.rlike(INTEGER_TEXT.replace("$", r"\z")) & x.try_cast("bigint").isNotNull()),
        "Whether the text is a whole number of 64 bits: a sign and digits, nothing else.",
        "is_integer(text)",
        weight=3,
    ),
    Function(
        "is_number",
        (Parameter("x", ("string",)),),
        "boolean",
        lambda at, x: x.str.contains(NUMBER_TEXT) | x.str.to_lowercase().is_in(list(SPECIAL_TEXT)),
        lambda at, x: x.rlike(NUMBER_TEXT.replace("$", r"\z")) | at.api.lower(x).isin(list(SPECIAL_TEXT)),
        "Whether the text is a number, as `float` reads it.",
        "is_number(text)",
        weight=2,
    ),
]

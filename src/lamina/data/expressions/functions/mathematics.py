"""Functions of numbers, and conversions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from lamina.data.expressions.functions.conditions import INTEGER_TEXT, NUMBER_TEXT, SPECIAL_TEXT, alike
from lamina.data.expressions.functions.function import FLOAT, INTEGER, NUMBER, SCALAR, At, Builder, Function, Parameter, same
from lamina.data.expressions.functions.operators import spark_floor

N, X = Parameter("x", NUMBER), Parameter("x", FLOAT)
_WHOLE = 2.0**52
"""From here on all floats are whole."""


def _simple(name: str, doc: str, polars: Callable[[Any], Any], spark: str | None = None) -> Function:
    """A function of one float, that both engines have."""
    return Function(
        name,
        (X,),
        "float",
        lambda at, x: polars(x),
        lambda at, x: getattr(at.api, spark or name)(x),
        doc,
        f"{name}(x)",
    )


def _logarithm(name: str, doc: str, polars: Callable[[Any], Any], spark: str, zero: float = 0.0) -> Function:
    """A logarithm as IEEE 754 has it: Spark gives a missing value at and below the pole."""

    def build(at: At, x: Any) -> Any:
        beyond = at.api.when(x == zero, float("-inf")).when(x < zero, float("nan"))
        return at.api.coalesce(getattr(at.api, spark)(x), beyond)

    return Function(name, (X,), "float", lambda at, x: polars(x), build, doc, f"{name}(x)", weight=3)


def _log_polars(at: At, x: Any, base: Any) -> Any:
    return x.log() if at.values[1] is None else x.log() / math.log(at.values[1])


def _log_spark(at: At, x: Any, base: Any) -> Any:
    logarithm = at.api.coalesce(at.api.ln(x), at.api.when(x == 0, float("-inf")).when(x < 0, float("nan")))
    return logarithm if at.values[1] is None else logarithm / math.log(at.values[1])


def _positive_base(values: Sequence[Any]) -> tuple[str, str] | None:
    base = values[1]
    return None if base is None or (base > 0 and base != 1) else ("a base above 0 other than 1", "write log(x) for base e, or log(x, 2)")


def _abs_polars(at: At, x: Any) -> Any:
    return x.cast(at.api.Int128).abs().cast(at.api.Int64, strict=False) if at.kind == "integer" else x.abs()


def _abs_spark(at: At, x: Any) -> Any:
    if at.kind == "float":
        return at.api.abs(x)
    return at.api.when(x < 0, at.api.try_subtract(at.api.lit(0).cast("bigint"), x)).otherwise(x)


def _round_polars(at: At, x: Any, digits: Any) -> Any:
    if at.kind == "integer" and at.values[1] >= 0:
        return x
    power = 10.0 ** abs(at.values[1])
    x = x.cast(at.api.Float64)
    up, down = (x * power, power) if at.values[1] >= 0 else (x / power, 1 / power)
    rounded = up.round(0, mode="half_to_even")
    found = at.api.when(up.abs() < _WHOLE).then(rounded / power if at.values[1] >= 0 else rounded * power).otherwise(x)
    return found.cast(at.api.Int64, strict=False) if at.kind == "integer" else found


def _round_spark(at: At, x: Any, digits: Any) -> Any:
    if at.kind == "integer" and at.values[1] >= 0:
        return x
    power = 10.0 ** abs(at.values[1])
    x = x.cast("double")
    up = x * power if at.values[1] >= 0 else x / power
    rounded = at.api.rint(up)
    found = at.api.when(at.api.abs(up) < _WHOLE, rounded / power if at.values[1] >= 0 else rounded * power).otherwise(x)
    return found.try_cast("bigint") if at.kind == "integer" else found


def _digits(values: Sequence[Any]) -> tuple[str, str] | None:
    return None if values[1] is not None and -18 <= values[1] <= 18 else ("between -18 and 18 digits", "write round(x, 2)")


def _ceil_spark(at: At, x: Any) -> Any:
    return x if at.kind == "integer" else at.api.when(at.api.abs(x) < _WHOLE, at.api.ceil(x).cast("double")).otherwise(x)


def _sign_spark(at: At, x: Any) -> Any:
    return at.api.signum(x).cast("bigint") if at.kind == "integer" else at.api.signum(x)


def _clip_polars(at: At, x: Any, low: Any, high: Any) -> Any:
    # NaN would be larger than high.
    beyond = (x > high) & x.is_not_nan() if at.kind == "float" else x > high
    return at.api.when(x < low).then(low).when(beyond).then(high).otherwise(x)


def _clip_spark(at: At, x: Any, low: Any, high: Any) -> Any:
    beyond = (x > high) & ~at.api.isnan(x) if at.kind == "float" else x > high
    return at.api.when(x < low, low).when(beyond, high).otherwise(x)


def _extreme(*, larger: bool) -> tuple[Builder, Builder]:
    """The smallest or largest of several; missing values are left out, NaN is larger than all numbers."""

    def polars(at: At, *columns: Any) -> Any:
        if not larger:
            return at.api.min_horizontal(*columns)
        found = at.api.max_horizontal(*columns)
        if at.kind != "float":
            return found
        # Polars leaves NaN out.
        return at.api.when(at.api.any_horizontal([column.is_nan() for column in columns])).then(float("nan")).otherwise(found)

    def spark(at: At, *columns: Any) -> Any:
        if len(columns) == 1:
            return columns[0]
        return at.api.greatest(*columns) if larger else at.api.least(*columns)

    return polars, spark


def _to_integer_polars(at: At, x: Any) -> Any:
    if at.kinds[0] == "string":
        return at.api.when(x.str.contains(INTEGER_TEXT)).then(x.str.strip_prefix("+").cast(at.api.Int64, strict=False))
    return x.cast(at.api.Int64, strict=False)


def _to_integer_spark(at: At, x: Any) -> Any:
    if at.kinds[0] == "string":
        return at.api.when(x.rlike(INTEGER_TEXT.replace("$", r"\z")), x.try_cast("bigint"))
    return x.try_cast("bigint")


def _to_float_polars(at: At, x: Any) -> Any:
    if at.kinds[0] != "string":
        return x.cast(at.api.Float64)
    special = x.str.to_lowercase().replace_strict({word: float(value) for word, value in SPECIAL_TEXT.items()}, default=None)
    return at.api.when(x.str.contains(NUMBER_TEXT)).then(x.cast(at.api.Float64, strict=False)).otherwise(special)


def _to_float_spark(at: At, x: Any) -> Any:
    if at.kinds[0] != "string":
        return x.cast("double")
    small = at.api.lower(x)
    found = at.api.when(x.rlike(NUMBER_TEXT.replace("$", r"\z")), x.try_cast("double"))
    for value in ("nan", "inf", "-inf"):
        found = found.when(small.isin([word for word, meaning in SPECIAL_TEXT.items() if meaning == value]), float(value))
    return found


TRUE, FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")


def _to_boolean_polars(at: At, x: Any) -> Any:
    if at.kinds[0] == "string":
        small = x.str.to_lowercase()
        return at.api.when(small.is_in(list(TRUE))).then(statement=True).when(small.is_in(list(FALSE))).then(statement=False)
    return x if at.kinds[0] == "boolean" else x != 0


def _to_boolean_spark(at: At, x: Any) -> Any:
    if at.kinds[0] == "string":
        small = at.api.lower(x)
        return at.api.when(small.isin(list(TRUE)), value=True).when(small.isin(list(FALSE)), value=False)
    return x if at.kinds[0] == "boolean" else x != 0


def _to_string_polars(at: At, x: Any) -> Any:
    if at.kinds[0] == "boolean":
        return at.api.when(x).then(at.api.lit("true")).when(~x).then(at.api.lit("false"))
    return x.cast(at.api.String)


SMALLEST, LARGEST = _extreme(larger=False), _extreme(larger=True)
CONVERTIBLE = ("string", "integer", "float", "boolean")
MANY = (Parameter("x", SCALAR, many=True, alike=True),)

FUNCTIONS = [
    Function("abs", (N,), same(), _abs_polars, _abs_spark, "The number without its sign.", "abs(x)", weight=3),
    Function(
        "ceil",
        (N,),
        same(),
        lambda at, x: x if at.kind == "integer" else x.ceil(),
        _ceil_spark,
        "Rounded up; a float stays one.",
        "ceil(x)",
        weight=3,
    ),
    Function(
        "floor",
        (N,),
        same(),
        lambda at, x: x if at.kind == "integer" else x.floor(),
        lambda at, x: x if at.kind == "integer" else spark_floor(at, x),
        "Rounded down; a float stays one.",
        "floor(x)",
        weight=3,
    ),
    Function(
        "round",
        (N, Parameter("digits", INTEGER, constant=True, default=0)),
        same(),
        _round_polars,
        _round_spark,
        "Rounded to a number of digits after the point, halves to the even neighbour, as NumPy does.",
        "round(x, 2)",
        check=_digits,
        weight=3,
    ),
    Function("sign", (N,), same(), lambda at, x: x.sign(), _sign_spark, "-1, 0 or 1.", "sign(x)"),
    _simple("sqrt", "The square root; NaN below 0.", lambda x: x.sqrt()),
    _simple("exp", "e to the power x.", lambda x: x.exp()),
    _simple("expm1", "exp(x) - 1, exact near 0.", lambda x: _numpy(x, "expm1")),
    Function(
        "log",
        (X, Parameter("base", FLOAT, constant=True, default=None)),
        "float",
        _log_polars,
        _log_spark,
        "The logarithm, natural unless a base is given; minus infinity of 0, NaN below.",
        "log(x)",
        check=_positive_base,
        weight=3,
    ),
    _logarithm("log1p", "log(1 + x), exact near 0.", lambda x: x.log1p(), "log1p", -1.0),
    _logarithm("log2", "The logarithm of base 2.", lambda x: x.log(2.0), "log2"),
    _logarithm("log10", "The logarithm of base 10.", lambda x: x.log10(), "log10"),
    _simple("sin", "The sine of an angle in radians.", lambda x: x.sin()),
    _simple("cos", "The cosine of an angle in radians.", lambda x: x.cos()),
    _simple("tan", "The tangent of an angle in radians.", lambda x: x.tan()),
    _simple("asin", "The angle whose sine is x; NaN outside of -1 to 1.", lambda x: x.arcsin()),
    _simple("acos", "The angle whose cosine is x; NaN outside of -1 to 1.", lambda x: x.arccos()),
    _simple("atan", "The angle whose tangent is x.", lambda x: x.arctan()),
    Function(
        "atan2",
        (Parameter("y", FLOAT), X),
        "float",
        lambda at, y, x: at.api.arctan2(y, x),
        lambda at, y, x: at.api.atan2(y, x),
        "The angle of the point (x, y).",
        "atan2(y, x)",
    ),
    _simple("sinh", "The hyperbolic sine.", lambda x: x.sinh()),
    _simple("cosh", "The hyperbolic cosine.", lambda x: x.cosh()),
    _simple("tanh", "The hyperbolic tangent.", lambda x: x.tanh()),
    _simple("degrees", "An angle in radians as degrees.", lambda x: x.degrees()),
    _simple("radians", "An angle in degrees as radians.", lambda x: x.radians()),
    Function(
        "min_of", MANY, alike, *SMALLEST, "The smallest of several values in a row; missing ones are left out.", "min_of(a, b)", weight=2
    ),
    Function(
        "max_of", MANY, alike, *LARGEST, "The largest of several values in a row; missing ones are left out.", "max_of(a, b)", weight=2
    ),
    Function(
        "clip",
        (Parameter("x", NUMBER, alike=True), Parameter("low", NUMBER, alike=True), Parameter("high", NUMBER, alike=True, default=None)),
        alike,
        _clip_polars,
        _clip_spark,
        "x, but at least low and at most high; None is no bound.",
        "clip(x, 0, 1)",
        weight=4,
    ),
    Function(
        "integer",
        (Parameter("x", CONVERTIBLE),),
        "integer",
        _to_integer_polars,
        _to_integer_spark,
        "A whole number: of a text of a sign and digits, of a float without what comes after the point; else missing.",
        "integer(text)",
        weight=2,
    ),
    Function(
        "float",
        (Parameter("x", CONVERTIBLE),),
        "float",
        _to_float_polars,
        _to_float_spark,
        "A float: of a text such as `-1.5e3`, `inf` or `nan`; missing if it is none.",
        "float(text)",
        weight=5,
    ),
    Function(
        "boolean",
        (Parameter("x", CONVERTIBLE),),
        "boolean",
        _to_boolean_polars,
        _to_boolean_spark,
        "A boolean: of true, t, yes, y, 1 and false, f, no, n, 0 in large or small letters; of a number, whether it isn't 0.",
        "boolean(text)",
        weight=2,
    ),
    Function(
        "string",
        (Parameter("x", CONVERTIBLE),),
        "string",
        _to_string_polars,
        None,
        "A text: digits of a number, `true` or `false` of a boolean.",
        "string(x)",
        weight=2,
    ),
]


def _numpy(x: Any, name: str) -> Any:
    import numpy as np
    import polars as pl

    def run(column: Any) -> Any:
        with np.errstate(all="ignore"):
            return getattr(np, name)(column)

    return x.map_batches(run, return_dtype=pl.Float64, is_elementwise=True)

"""Finds functions by name, and takes those of others."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lamina.data.expressions.functions.function import REQUIRED, Function, Parameter
from lamina.errors import DataError, RegistrationError, nearest

GROUPS = ("operators", "conditions", "mathematics", "strings", "times", "arrays", "hashing", "geography", "aggregates", "windows")
"""The chapters of the table, each a module of this package that has them in ``FUNCTIONS``."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")

_table: dict[str, Function] = {}
_own: dict[str, Function] = {}


def list_functions() -> list[Function]:
    """All functions, chapter by chapter, then those that were registered.

    Example:
        >>> [function.name for function in list_functions() if function.group == "geography"]
        ['haversine', 'midpoint_latitude', 'midpoint_longitude']
    """
    return [*_built_in().values(), *_own.values()]


def find_function(name: str) -> Function:
    """The function of this name.

    Raises:
        DataError: DA121, with the nearest name.
    """
    found = _built_in().get(name) or _own.get(name)
    if found is None:
        near = nearest_function(name)
        raise DataError(
            "DA121",
            where="the expression",
            expected="a function of the table (docs/reference/expressions.md) or a registered one",
            got=f"{name}(...)",
            cause="a typo" if near else "there is no function of this name",
            fix=f"did you mean {near!r}?" if near else f"register it with lamina.data.expressions.register_function({name!r}, ...)",
        )
    return found


def nearest_function(name: str) -> str | None:
    """The function that was most probably meant."""
    return _OTHER_NAMES.get(name.lower()) or nearest(name, [*_built_in(), *_own])


def register_function(
    name: str,
    function: Callable[..., Any] | None = None,
    *,
    parameters: Sequence[Parameter],
    result: str,
    doc: str = "",
    polars: Callable[..., Any] | None = None,
    spark: Callable[..., Any] | None = None,
) -> Function:
    """Let expressions call a function of one's own, row by row, by its name.

    Either give ``function``, plain Python on NumPy arrays, one for each argument that is no constant: it gets and gives an array of a
    value a row, and runs on Polars and on Spark in batches (missing numbers come as NaN, other missing values as None; NaN and None
    that it gives are missing). Or give builders for both engines, called with an `At` and an expression an argument. Files hold only
    the name: whoever reads them must have registered the function.

    Args:
        name: What expressions call it: small letters, digits and underscores.
        function: Plain Python on columns.
        parameters: Its arguments.
        result: Kind of what it gives.
        doc: One sentence; by default the first of the function's docstring.
        polars: Builds it on Polars.
        spark: Builds it on Spark; if only ``polars`` is given, that runs on batches.

    Raises:
        RegistrationError: DA127, if the name can't be one or is taken, or there is neither a function nor a builder.

    Example:
        >>> from lamina.data.expressions import parse
        >>> half = register_function("half_of", lambda x: x / 2, parameters=[Parameter("x", ("float",))], result="float", doc="A half.")
        >>> parse("half_of(price) + 1").text
        'half_of(price) + 1'
    """
    from lamina.data.expressions.functions.own import batched

    if not _NAME.fullmatch(name):
        raise _refused(name, "a name of small letters, digits and underscores", "expressions can't call it", f"name it {_plain(name)!r}")
    if name in _built_in():
        raise _refused(name, "a new name", "a function of Lamina has this name", "choose another name")
    if (function is None) == (polars is None):
        raise _refused(name, "either function= or polars=", "there are both or neither", "give one of them")
    builder = batched(name, function, result) if function is not None else polars
    made = Function(
        name=name,
        parameters=tuple(parameters),
        result=result,
        polars=builder or (lambda at, *columns: columns[0]),
        spark=spark,
        doc=doc or (inspect.getdoc(function or polars) or "").partition("\n")[0],
        example=f"{name}({', '.join(parameter.name for parameter in parameters if parameter.default is REQUIRED)})",
    )
    _own[name] = made
    return made


def _built_in() -> dict[str, Function]:
    if not _table:
        loaded: dict[str, Function] = {}
        for group in GROUPS:
            module = importlib.import_module(f"lamina.data.expressions.functions.{group}")
            for function in module.FUNCTIONS:
                loaded[function.name] = replace(function, group=group)
        _table.update(loaded)
    return _table


def _refused(name: str, expected: str, cause: str, fix: str) -> RegistrationError:
    return RegistrationError("DA127", where=f"function {name!r}", expected=expected, got=repr(name), cause=cause, fix=fix)


def _plain(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower()).strip("_0123456789") or "my_function"


# What people of pandas, SQL, Polars and Excel write.
_OTHER_NAMES = {
    "isnull": "is_missing",
    "is_null": "is_missing",
    "isna": "is_missing",
    "is_na": "is_missing",
    "isnan": "is_nan",
    "isfinite": "is_finite",
    "isinf": "is_infinite",
    "fillna": "if_missing",
    "fill_null": "if_missing",
    "ifnull": "if_missing",
    "nvl": "if_missing",
    "ln": "log",
    "power": "pow",
    "avg": "mean",
    "average": "mean",
    "stddev": "std",
    "stdev": "std",
    "var": "variance",
    "nunique": "count_distinct",
    "n_unique": "count_distinct",
    "countunique": "count_distinct",
    "mode": "most_frequent",
    "iff": "where",
    "if_else": "where",
    "case": "where",
    "when": "where",
    "cast": "integer",
    "int": "integer",
    "str": "string",
    "bool": "boolean",
    "len": "length",
    "trim": "strip",
    "ltrim": "lstrip",
    "rtrim": "rstrip",
    "substring": "slice",
    "substr": "slice",
    "regexp_replace": "replace_regex",
    "regexp_extract": "extract_regex",
    "startswith": "starts_with",
    "endswith": "ends_with",
    "upper_case": "upper",
    "lower_case": "lower",
    "shift": "lag",
    "diff": "difference",
    "cumsum": "cumulative_sum",
    "ffill": "fill_forward",
    "bfill": "fill_backward",
    "weekday": "day_of_week",
    "strptime": "parse_time",
    "to_datetime": "parse_time",
    "strftime": "format_time",
    "cbrt": "pow",
    "minimum": "min_of",
    "maximum": "max_of",
    "least": "min_of",
    "greatest": "max_of",
}

"""Actions that compute numbers, with Java's arithmetic: whole numbers divide towards 0; a remainder has the sign of what is divided."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lamina.data.pipeline.datavec.columns import REAL, WHOLE, Column, constant

if TYPE_CHECKING:
    from lamina.data.pipeline.datavec.draft import Draft
    from lamina.data.pipeline.datavec.reading import Node

SCALAR = ("Add", "Subtract", "Multiply", "Divide", "Modulus", "ReverseSubtract", "ReverseDivide", "ScalarMin", "ScalarMax")
SEVERAL = ("Add", "Multiply")
TWO = ("Subtract", "Divide", "Modulus")
FUNCTIONS = {
    "ABS": "abs",
    "ACOS": "acos",
    "ASIN": "asin",
    "ATAN": "atan",
    "CEIL": "ceil",
    "COS": "cos",
    "COSH": "cosh",
    "EXP": "exp",
    "FLOOR": "floor",
    "LOG": "log",
    "LOG10": "log10",
    "SIGNUM": "sign",
    "SIN": "sin",
    "SINH": "sinh",
    "SQRT": "sqrt",
    "TAN": "tan",
    "TANH": "tanh",
}


def operation(op: str, a: str, b: str, *, whole: bool) -> str:
    """An operation of two numbers, as Java computes it.

    Example:
        >>> operation("Divide", "a", "-3", whole=True)
        'sign(a) * sign(-3) * (abs(a) // abs(-3))'
    """
    if op.startswith("Reverse"):
        return operation(op.removeprefix("Reverse"), b, a, whole=whole)
    if op in ("Add", "Subtract", "Multiply"):
        return f"{a} {'+-*'[('Add', 'Subtract', 'Multiply').index(op)]} {b}"
    if op == "Divide":
        return f"sign({a}) * sign({b}) * (abs({a}) // abs({b}))" if whole else f"{a} / {b}"
    if op == "Modulus":
        remainder = f"abs({a}) % abs({b})"
        return f"sign({a}) * ({remainder})" if whole else f"where({a} < 0, -({remainder}), {remainder})"
    # Of NaN and a number Java gives NaN, as a sum does.
    chosen = f"{'min_of' if op == 'ScalarMin' else 'max_of'}({a}, {b})"
    return f"where(is_missing({a}), {a}, {chosen})" if whole else f"where(is_missing({a}) or is_nan({a}), {a}, {chosen})"


def scalar_of(kind: str) -> Callable[[Draft, Node], None]:
    """An action that computes a column with a constant."""
    whole = kind in WHOLE

    def act(draft: Draft, node: Node) -> None:
        column, op = draft.named(node, types=(kind,)), node.choice("mathOp", SCALAR)
        scalar = constant(node.integer("scalar")) if whole else constant(node.number("scalar"))
        if whole and op in ("Divide", "Modulus") and node.integer("scalar") == 0:
            raise node.wrong(key="scalar", expected="a number that isn't 0")
        # Parentheses keep a negative constant apart from the sign before it.
        scalar = f"({scalar})" if scalar.startswith("-") else scalar
        draft.derive({column.own: operation(op, column.x, scalar, whole=whole)})
        limits = [applied(op, limit, node.number("scalar"), whole=whole) for limit in (column.minimum, column.maximum)]
        if None not in limits:
            limits.sort()  # Less of a smaller number is more, and so is its product with a negative one.
        draft.retype(column, kind, minimum=limits[0], maximum=limits[1])

    return act


def applied(op: str, value: float | None, scalar: float, *, whole: bool) -> Any:
    """What becomes of a limit of a column; None where there is none, or none comes of it.

    Example:
        >>> applied("Divide", -7, 2, whole=True)
        -3
    """
    if value is None:
        return None
    if op.startswith("Reverse"):
        return applied(op.removeprefix("Reverse"), scalar, value, whole=whole)
    if scalar == 0 and op in ("Divide", "Modulus"):
        return None
    made = {
        "Add": lambda: value + scalar,
        "Subtract": lambda: value - scalar,
        "Multiply": lambda: value * scalar,
        "Divide": lambda: value / scalar,
        "Modulus": lambda: math.fmod(value, scalar),
        "ScalarMin": lambda: min(value, scalar),
        "ScalarMax": lambda: max(value, scalar),
    }[op]()
    if not math.isfinite(made) or (whole and abs(made) >= 2**63):
        return None
    return math.trunc(made) if whole else made


def columns_of(kind: str) -> Callable[[Draft, Node], None]:
    """An action that makes a column of several."""
    whole = kind in WHOLE

    def act(draft: Draft, node: Node) -> None:
        op, columns = node.choice("mathOp", (*SEVERAL, *TWO)), [draft.find(name, node) for name in node.texts("columns")]
        if len(columns) < 2 or (op in TWO and len(columns) != 2):
            raise node.wrong("columns", "two columns" if op in TWO else "two columns or more")
        values = [column.whole if whole else f"float({column.number})" if column.type not in REAL else column.number for column in columns]
        name = node.text("newColumnName")
        made = f" {'+' if op == 'Add' else '*'} ".join(values) if op in SEVERAL else operation(op, values[0], values[1], whole=whole)
        column = Column(name, draft.free(name), kind)
        draft.derive({column.own: made})
        draft.put(column)

    return act


def function_of(kind: str) -> Callable[[Draft, Node], None]:
    """An action that takes a function of a column."""

    def act(draft: Draft, node: Node) -> None:
        column, name = draft.named(node), node.choice("mathFunction", FUNCTIONS)
        draft.derive({column.own: f"{FUNCTIONS[name]}(float({column.number}))"})
        _kept(draft, column, kind)

    return act


def _min_max(draft: Draft, node: Node) -> None:
    column = draft.named(node)
    low, high, new_low, new_high = (
        node.number("min"),
        node.number("max"),
        node.number("newMin", 0.0),
        node.number("newMax", 1.0),
    )
    if low == high:
        raise node.wrong(key="max", expected="more than min")
    x = f"float({column.number})"
    made = f"{constant((new_high - new_low) / (high - low))} * ({x} - ({constant(low)})) + ({constant(new_low)})"
    _without_nan(draft, column, x, made, minimum=new_low, maximum=new_high)


def _standardize(draft: Draft, node: Node) -> None:
    column = draft.named(node)
    deviation = node.number("stdev")
    draft.derive({column.own: f"(float({column.number}) - ({constant(node.number('mean'))})) / ({constant(deviation)})"})
    _kept(draft, column, "Double")


def _subtract_mean(draft: Draft, node: Node) -> None:
    column = draft.named(node)
    draft.derive({column.own: f"float({column.number}) - ({constant(node.number('mean'))})"})
    _kept(draft, column, "Double")


def _log2_mean(draft: Draft, node: Node) -> None:
    column = draft.named(node)
    low, mean = node.number("columnMin"), node.number("columnMean")
    if mean == low:
        raise node.wrong(key="columnMean", expected="another number than columnMin")
    x = f"float({column.number})"
    inner = f"({x} - ({constant(low)})) / ({constant(mean - low)}) + 1.0"
    _without_nan(draft, column, x, f"{constant(node.number('scalingFactor'))} * log2({inner})", minimum=0.0)


def _without_nan(draft: Draft, column: Column, x: str, made: str, **limits: float) -> None:
    """These normalizers, and no others, make 0 of NaN."""
    draft.derive({column.own: f"where(is_nan({x}), 0.0, {made})"})
    draft.retype(column, "Double", **limits)


def _kept(draft: Draft, column: Column, kind: str) -> None:
    """Limits stay, whatever the values become, unless the type changes."""
    if column.type != kind:
        draft.retype(column, kind)


def convert_to(kind: str) -> Callable[[Draft, Node], None]:
    """An action that makes another kind of column."""

    def act(draft: Draft, node: Node) -> None:
        column = draft.named(node)
        draft.derive({column.own: {"Integer": column.whole, "String": column.text}.get(kind, f"float({column.number})")})
        draft.retype(column, kind)

    return act


def _parse_double(draft: Draft, node: Node) -> None:
    texts = [column for column in draft.columns if column.type == "String"]
    if texts:
        draft.derive({column.own: f"float({column.x})" for column in texts})
    for column in texts:
        draft.retype(column, "Double")


def _fill_integer(draft: Draft, node: Node) -> None:
    column = draft.named(node)
    draft.derive({column.own: f"coalesce({column.whole}, {constant(node.integer('value'))})"})
    _kept(draft, column, column.type if column.type in WHOLE else "Integer")


def _replace_invalid(draft: Draft, node: Node) -> None:
    column = draft.named(node)
    draft.derive({column.own: f"where({column.invalid}, {constant(node.integer('value'))}, {column.whole})"})
    _kept(draft, column, column.type if column.type in WHOLE else "Integer")


ACTIONS = {
    **{f"{kind}MathOpTransform": scalar_of(kind) for kind in ("Integer", "Long", "Double", "Float")},
    **{f"{kind}ColumnsMathOpTransform": columns_of(kind) for kind in ("Integer", "Long", "Double", "Float")},
    **{f"{kind}MathFunctionTransform": function_of(kind) for kind in ("Double", "Float")},
    "MinMaxNormalizer": _min_max,
    "StandardizeNormalizer": _standardize,
    "SubtractMeanNormalizer": _subtract_mean,
    "Log2Normalizer": _log2_mean,
    "ConvertToDouble": convert_to("Double"),
    "ConvertToFloat": convert_to("Float"),
    "ConvertToInteger": convert_to("Integer"),
    "ConvertToString": convert_to("String"),
    "ConvertToStringTransform": convert_to("String"),
    "ParseDoubleTransform": _parse_double,
    "ReplaceEmptyIntegerWithValueTransform": _fill_integer,
    "ReplaceInvalidWithIntegerTransform": _replace_invalid,
}

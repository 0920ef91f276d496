"""DataVec's writables: single values, as constants of expressions."""

from __future__ import annotations

import base64
import binascii
import math
from typing import TYPE_CHECKING, Any

from lamina.data.pipeline.datavec.columns import REAL, WHOLE, constant

if TYPE_CHECKING:
    from lamina.data.pipeline.datavec.reading import Node

NUMBERS = ("IntWritable", "LongWritable", "DoubleWritable", "FloatWritable", "ByteWritable")
WRITABLES = (*NUMBERS, "BooleanWritable", "Text", "NullWritable")
_NONE = {
    "string": "string(null)",
    "categorical": "string(null)",
    "integer": "integer(null)",
    "float": "float(null)",
    "boolean": "boolean(null)",
}


def value_of(node: Node) -> Any:
    """What a writable holds: a number, a truth value, a text, or None.

    Raises:
        DataError: DA242, for something else, such as an array.
    """
    kind, settings = node.kind, node.settings
    if node.data is None or kind == "NullWritable":
        return None
    if kind in ("IntWritable", "LongWritable", "ByteWritable"):
        return settings.integer("value")
    if kind in ("DoubleWritable", "FloatWritable"):
        value = settings.at("value").data
        if value in ("NaN", "Infinity", "-Infinity") or isinstance(value, float):
            return float(value)
        return settings.number("value")
    if kind == "BooleanWritable":
        return settings.flag("value")
    if kind == "Text":
        return _text(settings)
    raise node.error(
        "DA242",
        where="a value",
        expected=f"a value of a class among {', '.join(WRITABLES)}",
        got=node.full_kind,
        cause="values of other classes can't be written as constants",
        fix="add the column by a step of your own",
    )


def _text(settings: Node) -> str:
    if "value" in settings:
        return settings.text("value")
    if settings.at("bytes").data is None:
        return ""
    try:
        content = base64.b64decode(settings.text("bytes"), validate=True)
        return content[: settings.integer("length", len(content))].decode()
    except (binascii.Error, ValueError) as error:
        raise settings.wrong(key="bytes", expected="UTF-8 text in base64") from error


def literal(value: Any, kind: str, zone: str, node: Node) -> str:
    """A value as an expression that gives a column of a type.

    Args:
        value: As `value_of` gives it.
        kind: DataVec's type of the column.
        zone: Zone of times.
        node: For messages.

    Raises:
        DataError: DA242, for a value that such a column can't hold.
    """
    if kind == "Time":
        moment = "integer(null)" if value is None else constant(_number(value, int, node))
        return f"from_epoch_milliseconds({moment})" if zone == "UTC" else f"from_epoch_milliseconds({moment}, {constant(zone)})"
    if value is None:
        shape = {"String": "string", "Categorical": "categorical", "Boolean": "boolean"}.get(kind)
        shape = shape or ("integer" if kind in WHOLE else "float" if kind in REAL else None)
        if shape is not None:
            return _NONE[shape]
    elif kind in WHOLE:
        return constant(_number(value, int, node))
    elif kind in REAL:
        number = _number(value, float, node)
        return constant(number) if math.isfinite(number) else f"float({str(number)!r})"
    elif kind in ("String", "Categorical"):
        return constant(_spelled(value))
    elif kind == "Boolean" and str(value).lower() in ("true", "false"):
        return constant(str(value).lower() == "true")
    raise node.error(
        "DA242",
        where="a value",
        expected=f"a value that a column of the type {kind} can hold",
        got=repr(value)[:80],
        cause="the value is of another type than the column",
        fix="correct the value, or the type of the column",
    )


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _number(value: Any, kind: type[Any], node: Node) -> Any:
    try:
        made = int(float(value)) if kind is int and not isinstance(value, int) else kind(value)
    except (ValueError, OverflowError):
        made = None
    if made is None or (kind is int and not -(2**63) <= made < 2**63):
        raise node.error(
            "DA242",
            where="a value",
            expected="a number",
            got=repr(value)[:80],
            cause="the value is of another type than the column",
            fix="correct the value, or the type of the column",
        )
    return made

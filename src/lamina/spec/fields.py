"""Kinds of values that many descriptions share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema

from lamina.spec.translate import wrong_value

Count = Annotated[int, Field(ge=1)]
"""A whole number of at least 1."""
NonNegative = Annotated[float, Field(ge=0)]
"""A number of at least 0."""
Positive = Annotated[float, Field(gt=0)]
"""A number above 0."""
Probability = Annotated[float, Field(ge=0, lt=1)]
"""A probability below 1."""


def _names(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Names = Annotated[
    tuple[str, ...],
    BeforeValidator(_names),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
"""One name or several; one alone needs no brackets."""
SomeNames = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    BeforeValidator(_names),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
"""The same, and at least one."""


def _as_tuple(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(value)
    raise wrong_value(
        expected="a list",
        cause="one value stands where there can be several",
        fix="write it in brackets, [VALUE], or each value on a line that begins with -",
    )


def listed(item: Any) -> Any:
    """A tuple of any length, written as a list in YAML and JSON."""
    return Annotated[tuple[item, ...], BeforeValidator(_as_tuple)]


def several(family: Any) -> Any:
    """A tuple of members of a family (given by its root), written as a list; one alone needs no brackets; None is none."""

    def check(value: Any) -> Any:
        if value is None:
            return ()
        return tuple(value) if isinstance(value, list | tuple) else (value,)

    one = {"x-lamina-family": family.family}
    schema = {"anyOf": [one, {"type": "array", "items": one}, {"type": "null"}]}
    return Annotated[tuple[family, ...], BeforeValidator(check), WithJsonSchema(schema)]


def _sizes(count: int, least: int) -> Callable[[Any], Any]:
    def check(value: Any) -> int | tuple[int, ...]:
        items = list(value) if isinstance(value, list | tuple) else [value]
        right = all(isinstance(item, int) and not isinstance(item, bool) and item >= least for item in items)
        if not right or (isinstance(value, list | tuple) and len(items) != count):
            several = "" if count == 1 else f", or a list of {count}"
            raise wrong_value(
                expected=f"a whole number of at least {least}{several}",
                cause="the size is not a whole number in this range, or there are not as many as the layer has axes",
                fix="write one number for all axes" + ("" if count == 1 else f", or one for each of the {count} axes"),
            )
        return items[0] if count == 1 or not isinstance(value, list | tuple) else tuple(items)

    return check


def _size_schema(count: int, least: int) -> Any:
    number = {"type": "integer", "minimum": least}
    several = {"type": "array", "items": number, "minItems": count, "maxItems": count}
    return WithJsonSchema({"anyOf": [number, several]})


Size1 = Annotated[int, PlainValidator(_sizes(1, 1)), _size_schema(1, 1)]
Size2 = Annotated[int | tuple[int, int], PlainValidator(_sizes(2, 1)), _size_schema(2, 1)]
Size3 = Annotated[int | tuple[int, int, int], PlainValidator(_sizes(3, 1)), _size_schema(3, 1)]
Pad1 = Annotated[int, PlainValidator(_sizes(1, 0)), _size_schema(1, 0)]
Pad2 = Annotated[int | tuple[int, int], PlainValidator(_sizes(2, 0)), _size_schema(2, 0)]
Pad3 = Annotated[int | tuple[int, int, int], PlainValidator(_sizes(3, 0)), _size_schema(3, 0)]


def spread(value: int | tuple[int, ...], axes: int) -> tuple[int, ...]:
    """One size for each axis.

    Example:
        >>> spread(3, 2), spread((3, 5), 2)
        ((3, 3), (3, 5))
    """
    return value if isinstance(value, tuple) else (value,) * axes

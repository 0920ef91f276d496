"""Expressions as settings of descriptions: a text in files, a tree inside."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from lamina.data.expressions.nodes import Expression, Literal
from lamina.data.expressions.parse import parse
from lamina.errors import DataError
from lamina.spec import wrong_value


def _read(value: Any) -> Expression:
    if isinstance(value, Expression):
        return value
    if isinstance(value, bool | int | float) or value is None:
        try:
            return Literal(value)
        except ValueError as error:
            raise wrong_value(expected="an expression", cause=str(error), fix="write it in quotes") from None
    if not isinstance(value, str):
        raise wrong_value(
            expected="an expression, as a text", cause=f"this is a {type(value).__name__}", fix="write it in quotes, such as 'a / b'"
        )
    try:
        return parse(value)
    except DataError as error:
        found = error.problems[0]
        got, _, place = found.got.partition("\n")
        cause = f"{got}: {found.cause}" + (f"\n{place}" if place else "")
        raise wrong_value(expected=found.expected, cause=cause, fix=found.fix) from None


def _plain(expression: Expression) -> str:
    return expression.text


ExpressionText = Annotated[
    Expression,
    PlainValidator(_read),
    PlainSerializer(_plain),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}),
]
"""An expression, written as a text; a bare number or boolean is that constant."""

"""A small typed language for the columns of a table: parsed once, checked, and run alike on Polars and on Spark."""

from lamina.data.expressions.field import ExpressionText
from lamina.data.expressions.functions import At, Function, Parameter, find_function, list_functions, register_function
from lamina.data.expressions.kindnames import base_kind
from lamina.data.expressions.kinds import kind_of
from lamina.data.expressions.nodes import Call, Column, Expression, Literal, Over
from lamina.data.expressions.parse import parse
from lamina.data.expressions.polars import to_polars
from lamina.data.expressions.spark import to_spark

__all__ = [
    "At",
    "Call",
    "Column",
    "Expression",
    "ExpressionText",
    "Function",
    "Literal",
    "Over",
    "Parameter",
    "base_kind",
    "find_function",
    "list_functions",
    "kind_of",
    "parse",
    "register_function",
    "to_polars",
    "to_spark",
]

"""Expressions on Spark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lamina.data.expressions.functions import At
from lamina.data.expressions.functions.groups import quoted
from lamina.data.expressions.kindnames import base_kind, kind_inside
from lamina.data.expressions.kinds import Typed, resolve
from lamina.data.expressions.nodes import Column, Expression, Literal, Over
from lamina.errors import DependencyError

ROW = "__lamina_row"
"""The column that numbers the rows of a table on Spark, so that they have an order."""


def to_spark(expression: Expression, columns: Mapping[str, str], *, over: Over | None = None, row: str = ROW) -> Any:
    """The expression as a Spark column, for a session whose ``spark.sql.session.timeZone`` is UTC; no other setting matters.

    Args:
        expression: The expression.
        columns: Kind of each column of the frame.
        over: The rows that aggregates and windows look at, each giving a value a row; None leaves aggregates to ``agg``, and lets windows
            run over the whole table.
        row: The column that numbers the rows; read by windows, ``first``, ``last``, ``collect`` and ``join_text``.

    Raises:
        DataError: As `kind_of`.
        DependencyError: If pyspark isn't installed.
    """
    typed = resolve(expression, columns)
    if over is None and typed.level == "window":
        over = Over()
    return _Builder(over, row).build(typed)


class _Builder:
    """Builds from the leaves up."""

    def __init__(self, over: Over | None, row: str, condition: Any = None) -> None:
        self._api, self._over, self._row, self._condition = _spark_functions(), over, row, condition

    def build(self, typed: Typed, wanted: str | None = None) -> Any:
        wanted = wanted or typed.kind
        node = typed.node
        if isinstance(node, Column):
            return self._made(self._api.col(quoted(node.name)), typed.kind, wanted)
        if isinstance(node, Literal):
            return self._constant(node.value, wanted)
        return self._made(self._call(typed), typed.kind, wanted)

    def _call(self, typed: Typed) -> Any:
        function = typed.function
        if function is None:
            raise TypeError(type(typed.node).__name__)
        if function.name == "only":
            inner, condition = typed.arguments
            return _Builder(self._over, self._row, self.build(condition)).build(inner, typed.kind)
        chosen = self._condition if function.level == "aggregate" else None
        columns = []
        for argument, kind in zip(typed.arguments, typed.given, strict=True):
            column = self.build(argument, kind)
            filtered = chosen is not None and not isinstance(argument.node, Literal)
            columns.append(self._api.when(chosen, column) if filtered else column)
        at = At(typed.given, typed.values, typed.kind, self._api, self._over, self._row, chosen)
        if function.spark is not None:
            return function.spark(at, *columns)
        from lamina.data.expressions.batches import on_batches

        return on_batches(function, at, columns)

    def _constant(self, value: Any, kind: str) -> Any:
        if isinstance(value, tuple):
            return None
        if base_kind(kind) == "float" and value is not None:
            value = float(value)
        return self._api.lit(value).cast(spark_type(kind))

    def _made(self, column: Any, kind: str, wanted: str) -> Any:
        if kind == "null" and wanted != "null":
            return column.cast(spark_type(wanted))
        return column.cast("double") if kind == "integer" and wanted == "float" else column


def spark_type(kind: str) -> str:
    """The data type that a column of this kind has on Spark, as Spark writes it.

    Example:
        >>> spark_type("time[Europe/Zurich]"), spark_type("array[string]")
        ('timestamp', 'array<string>')
    """
    plain = base_kind(kind)
    if plain == "array":
        return f"array<{spark_type(kind_inside(kind))}>"
    types = {"integer": "bigint", "float": "double", "boolean": "boolean", "time": "timestamp", "null": "void"}
    return types.get(plain, "binary" if plain == "bytes" else "string")


def _spark_functions() -> Any:
    try:
        from pyspark.sql import functions
    except ImportError as error:
        raise DependencyError(
            "DA128",
            where="an expression on Spark",
            expected="pyspark",
            got="no such package" if isinstance(error, ModuleNotFoundError) else str(error),
            cause="the extra is not installed",
            fix="pip install 'lamina[spark]'",
        ) from None
    return functions

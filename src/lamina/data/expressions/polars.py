"""Expressions on Polars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lamina.data.expressions.functions import At
from lamina.data.expressions.kindnames import base_kind, kind_inside
from lamina.data.expressions.kinds import Typed, resolve
from lamina.data.expressions.nodes import Column, Expression, Literal, Over

if TYPE_CHECKING:
    import polars as pl


def to_polars(expression: Expression, columns: Mapping[str, str], *, over: Over | None = None) -> pl.Expr:
    """The expression for Polars, to be given to ``select``, ``with_columns``, ``filter`` or ``agg``.

    Args:
        expression: The expression.
        columns: Kind of each column of the frame.
        over: The rows that aggregates and windows look at, each giving a value a row; None leaves aggregates to ``agg`` or ``select``,
            and lets windows run over the whole table.

    Raises:
        DataError: As `kind_of`.

    Example:
        >>> import polars as pl
        >>> from lamina.data.expressions import parse
        >>> frame = pl.DataFrame({"price": [1.0, 2.0, 4.0]})
        >>> frame.select(to_polars(parse("price / lag(price, 1)"), {"price": "float"}).alias("ratio"))["ratio"].to_list()
        [None, 2.0, 2.0]
    """
    typed = resolve(expression, columns)
    if over is None and typed.level == "window":
        over = Over()
    built: pl.Expr = _Builder(over).build(typed)
    return built


def named(name: str) -> pl.Expr:
    """A column by its name, even where Polars would take it for a pattern, as ``*`` and ``^a$``.

    Example:
        >>> import polars as pl
        >>> pl.DataFrame({"*": [1], "a": [2]}).select(named("*")).columns
        ['*']
    """
    import polars as pl

    if name != "*" and not (name.startswith("^") and name.endswith("$")):
        return pl.col(name)
    from polars import selectors

    return selectors.by_name(name).as_expr()


def exactly(names: Iterable[str]) -> list[pl.Expr]:
    """Several columns, see `named`."""
    return [named(name) for name in names]


class _Builder:
    """Builds from the leaves up."""

    def __init__(self, over: Over | None, condition: pl.Expr | None = None) -> None:
        import polars as pl

        self._pl, self._over, self._condition = pl, over, condition

    def build(self, typed: Typed, wanted: str | None = None) -> Any:
        wanted = wanted or typed.kind
        node = typed.node
        if isinstance(node, Column):
            column = named(node.name)
            found = column.cast(self._pl.String) if typed.kind == "categorical" else column
            return self._made(found, typed.kind, wanted)
        if isinstance(node, Literal):
            return self._constant(node.value, wanted)
        if typed.function is None:
            raise TypeError(type(node).__name__)
        return self._made(self._call(typed), typed.kind, wanted)

    def _call(self, typed: Typed) -> Any:
        function = typed.function
        if function is None:
            raise TypeError(type(typed.node).__name__)
        if function.name == "only":
            inner, condition = typed.arguments
            return _Builder(self._over, self.build(condition)).build(inner, typed.kind)
        chosen = self._condition if function.level == "aggregate" else None
        columns = []
        for argument, kind in zip(typed.arguments, typed.given, strict=True):
            column = self.build(argument, kind)
            is_column = not isinstance(argument.node, Literal)
            columns.append(column.filter(chosen) if chosen is not None and is_column else column)
        at = At(typed.given, typed.values, typed.kind, self._pl, self._over, condition=chosen)
        found = function.polars(at, *columns)
        return self._spread(found) if function.level != "row" and function.name != "only" else found

    def _spread(self, found: Any) -> Any:
        over = self._over
        if over is None or not (over.keys or over.order):
            return found
        order: dict[str, Any] = {"order_by": exactly(over.order), "descending": over.descending, "nulls_last": True} if over.order else {}
        return found.over(exactly(over.keys) or None, **order)

    def _constant(self, value: Any, kind: str) -> Any:
        if isinstance(value, tuple):
            return None
        if base_kind(kind) == "float" and value is not None:
            value = float(value)
        return self._pl.lit(value, dtype=polars_type(kind))

    def _made(self, column: Any, kind: str, wanted: str) -> Any:
        """The column, made of the wanted kind; only whole numbers become floats, and nothing anything."""
        if kind == "null" and wanted != "null":
            return column.cast(polars_type(wanted))
        if kind != wanted and base_kind(kind) == base_kind(wanted) == "time":
            return column.dt.convert_time_zone(kind_inside(wanted))
        return column.cast(self._pl.Float64) if kind == "integer" and wanted == "float" else column


def polars_type(kind: str) -> Any:
    """The data type that a column of this kind has in Polars.

    Example:
        >>> polars_type("time[Europe/Zurich]")
        Datetime(time_unit='us', time_zone='Europe/Zurich')
    """
    import polars as pl

    plain = base_kind(kind)
    if plain == "time":
        return pl.Datetime("us", kind_inside(kind))
    if plain == "array":
        return pl.List(polars_type(kind_inside(kind)))
    types = {"integer": pl.Int64, "float": pl.Float64, "boolean": pl.Boolean, "bytes": pl.Binary, "null": pl.Null}
    return types.get(plain, pl.String)()

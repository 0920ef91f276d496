"""Steps that make one row of many: groups, pivots, joins, unions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import model_validator

from lamina.data.expressions.field import ExpressionText
from lamina.data.pipeline.step import Step, check_expression, check_kind
from lamina.data.pipeline.steps.deriving import made_column
from lamina.data.sources.source import Source
from lamina.data.table.schema import Schema
from lamina.errors import DataError
from lamina.spec import register, wrong_value
from lamina.spec.fields import Names, listed

if TYPE_CHECKING:
    from pathlib import Path

    from lamina.data.pipeline.frames.frame import Frame

How = Literal["inner", "left", "right", "full"]
Value = str | int | float | bool | None
MOST_VALUES = 5_000_000
"""Of another table that becomes part of a step."""


class Structural(Step):
    """Base of steps after which rows are others than before; all that they make is made again in predictions."""

    def steers(self, schema: Schema) -> bool:
        return True

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        return self.reads(schema)


def aggregated(aggregates: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """Columns that aggregates make.

    Raises:
        DataError: For an expression that is no aggregate, or reads columns that aren't there.
    """
    made = {}
    for name, expression in aggregates.items():
        kind = check_expression(expression, schema, f"column {name!r}", level="aggregate")
        if expression.level != "aggregate":
            raise DataError(
                "DA102",
                where=f"column {name!r}: {expression.text}",
                expected="an expression that makes one value of many rows",
                got="one that makes a value of each row",
                cause="a group becomes one row",
                fix="say which value it shall be, such as sum(x), mean(x), first(x) or count()",
            )
        made[name] = made_column(kind)
    return made


@register("group_by")
class GroupBy(Structural):
    """One row for each combination of keys, with what aggregates make of its rows; in the order in which keys first appear.

    Attributes:
        keys: Columns that say which rows belong together; none: all rows do.
        aggregates: An expression for each new column, such as ``sum(price * pieces)``.
        order: Columns that ``first``, ``last``, ``collect`` and ``join_text`` go by; none: the order of the rows.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> step = GroupBy("shop", {"total": "sum(price)", "sales": "count()"})
        >>> pipeline = Pipeline({"columns": {"shop": "string", "price": "float"}}, [step])
        >>> pipeline.run({"shop": ["b", "a", "b"], "price": [1.0, 2.0, 3.0]}).rows()
        [('b', 4.0, 2), ('a', 2.0, 1)]
    """

    positional: ClassVar[tuple[str, ...]] = ("keys", "aggregates")
    keys: Names
    aggregates: dict[str, ExpressionText]
    order: Names = ()

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(keys="s", aggregates={"total": "sum(a)", "n": "count()"}), cls(keys=["s"], aggregates={"x": "first(a)"}, order="b")]

    @model_validator(mode="after")
    def _some(self) -> Self:
        taken = next((name for name in self.aggregates if name in self.keys), None)
        if not self.aggregates or taken is not None:
            raise wrong_value(
                expected="at least one aggregate, under other names than the keys",
                cause=f"{taken!r} is a key" if taken else "a group needs something that its rows become",
                fix="write aggregates: {n: count()}, say",
            )
        return self

    def output(self, schema: Schema) -> Schema:
        schema.require((*self.keys, *self.order), "keys and order")
        columns = {name: schema.columns[name] for name in self.keys}
        return Schema(columns={**columns, **aggregated(self.aggregates, schema)})

    def reads(self, schema: Schema) -> frozenset[str]:
        return frozenset((*self.keys, *self.order)).union(*(expression.columns for expression in self.aggregates.values()))

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        kept = {name: expression for name, expression in self.aggregates.items() if name in needed}
        first = next(iter(self.aggregates))
        return self.replace(aggregates=kept or {first: self.aggregates[first]})

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        return frame.group(self.keys, self.aggregates, self.order)


@register("pivot")
class Pivot(Structural):
    """Columns of the values of a column: one row for each combination of keys, and a column for each name.

    Attributes:
        keys: Columns that say which rows become one.
        names: Column whose values name the new columns.
        values: Column whose values stand in them.
        columns: The names, in order; rows with others are not looked at.
        aggregate: What several values of the same name become: ``sum``, ``mean``, ``min``, ``max``, ``first``, ``last``, ``count``.
        fill: What stands where a combination of keys has no row of a name; a count is then 0 already.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> columns = {"day": "integer", "what": "string", "x": "float"}
        >>> pipeline = Pipeline({"columns": columns}, [Pivot("day", "what", "x", ["rain", "sun"])])
        >>> pipeline.run({"day": [1, 1, 2], "what": ["sun", "rain", "sun"], "x": [5.0, 1.0, 7.0]}).rows()
        [(1, 1.0, 5.0), (2, None, 7.0)]
    """

    positional: ClassVar[tuple[str, ...]] = ("keys", "names", "values", "columns")
    keys: Names
    names: str
    values: str
    columns: listed(str)  # type: ignore[valid-type]
    aggregate: Literal["sum", "mean", "min", "max", "first", "last", "count"] = "first"
    fill: Value = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            cls(keys="b", names="s", values="a", columns=["x", "y"]),
            cls(keys="b", names="s", values="a", columns=["x"], aggregate="sum", fill=0.0),
        ]

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.columns or len({*self.columns}) < len(self.columns):
            raise wrong_value(
                expected="at least one name, each once", cause="each becomes a column", fix="list the values of the column names"
            )
        return self

    def _aggregates(self) -> dict[str, Any]:
        from lamina.data.expressions.nodes import Column, Literal
        from lamina.data.expressions.parse import parse

        value, name = Column(self.values).text, Column(self.names).text
        chosen = {new: f"{self.aggregate}(where(string({name}) == {Literal(new).text}, {value}, null))" for new in self.columns}
        if self.fill is not None:
            chosen = {new: f"coalesce({text}, {Literal(self.fill).text})" for new, text in chosen.items()}
        return {new: parse(text) for new, text in chosen.items()}

    def output(self, schema: Schema) -> Schema:
        schema.require((*self.keys, self.names, self.values), "keys, names and values")
        check_kind(schema, (self.names,), ("string", "categorical", "text", "integer", "boolean"), "name a column of words")
        kept = {name: schema.columns[name] for name in self.keys}
        if kept:
            self.check_new(Schema(columns=kept), self.columns)
        return Schema(columns={**kept, **aggregated(self._aggregates(), schema)})

    def reads(self, schema: Schema) -> frozenset[str]:
        return frozenset((*self.keys, self.names, self.values))

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        return self

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        return frame.group(self.keys, self._aggregates())


@register("join")
class Join(Structural):
    """Columns of another table beside those of this one, where keys agree. The other table becomes part of the step.

    Attributes:
        table: The other table: its columns by name, each a list of values; or
        source: where it is read from when the pipeline is fitted. A model keeps what was read, and asks for the source no more.
        kinds: Kinds of its columns; of a source, the columns that are taken.
        on: Key columns, called alike in both; or, by the name here, the name there.
        how: ``inner``: rows with a partner alone; ``left``: all of this table; ``right``: all of the other; ``full``: all.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> step = Join({"city": ["Bern", "Ulm"], "people": [134000, 126000]}, {"city": "string", "people": "integer"}, ["city"])
        >>> Pipeline({"columns": {"city": "string"}}, [step]).run({"city": ["Ulm", "Oslo"]}).rows()
        [('Ulm', 126000), ('Oslo', None)]
    """

    positional: ClassVar[tuple[str, ...]] = ("table", "kinds", "on")
    table: dict[str, listed(Value)] | None = None  # type: ignore[valid-type]
    source: Source | None = None
    kinds: dict[str, Literal["string", "integer", "float", "boolean"]]
    on: listed(str) | dict[str, str]  # type: ignore[valid-type]
    how: How = "left"

    @classmethod
    def examples(cls) -> list[Any]:
        table, kinds = {"s": ["x", "y"], "v": [1.5, 2.5]}, {"s": "string", "v": "float"}
        return [
            cls(table=table, kinds=kinds, on=["s"]),
            cls(table={"k": ["x"], "v": [1.5]}, kinds={"k": "string", "v": "float"}, on={"s": "k"}, how="inner"),
        ]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        from lamina.data.sources.table import TableSource

        if (self.table is None) == (self.source is None):
            raise wrong_value(
                got="both" if self.source else "neither",
                expected="table or source",
                cause="one of them says what is joined",
                fix="write source: {type: csv, path: FILE}, or table: {key: [...], value: [...]}",
            )
        if self.source is not None and not isinstance(self.source, TableSource):
            raise wrong_value(expected="a source of a table", got=self.source.type_name, cause="it has no columns", fix="name a table")
        columns = {*self.kinds} if self.table is None else {*self.table}
        lengths = {len(values) for values in (self.table or {}).values()}
        if columns != {*self.kinds} or len(lengths) > 1 or not self.pairs or not {b for _, b in self.pairs} <= columns:
            raise wrong_value(
                expected="a kind for each column of the table, columns of the same length, keys among them",
                cause="the other table is part of the step, and must be whole",
                fix="write table: {key: [...], value: [...]}, kinds: {key: string, value: float}, on: [key]",
            )
        return self

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Names of the keys here and there."""
        return list(self.on.items()) if isinstance(self.on, dict) else [(name, name) for name in self.on]

    def _theirs(self) -> list[str]:
        keys = {there for _, there in self.pairs}
        return [name for name in self.kinds if name not in keys]

    def output(self, schema: Schema) -> Schema:
        schema.require([here for here, _ in self.pairs], "on")
        for here, there in self.pairs:
            own, other = schema.columns[here].kind, self.kinds[there]
            if own != other and {own, other} != {"categorical", "string"}:
                raise DataError(
                    "DA102",
                    where=f"column {here!r}",
                    expected=f"a key of the kind {other}, as {there!r} of the other table",
                    got=own,
                    cause="values of different kinds are never equal",
                    fix="convert one of them before",
                )
        self.check_new(schema, self._theirs())
        return schema.with_columns({name: made_column(self.kinds[name]) for name in self._theirs()})

    def reads(self, schema: Schema) -> frozenset[str]:
        return frozenset(here for here, _ in self.pairs)

    def steers(self, schema: Schema) -> bool:
        return self.how != "left" or self._repeats()

    def _repeats(self) -> bool:
        rows = list(zip(*((self.table or {}).get(there, ()) for _, there in self.pairs), strict=True))
        return len({*rows}) < len(rows)

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        return self.reads(schema) | (needed - {*self._theirs()})

    @property
    def learns(self) -> bool:
        return self.table is None

    def fit(self, frame: Frame, schema: Schema) -> Self:
        """The same step with the rows of its source.

        Raises:
            DataError: DA202, if these are more than a model should keep; what reading the source raises.
        """
        source: Any = self.source
        rows = source.rows(Schema(columns=dict(self.kinds)))[0]
        table = rows.head(MOST_VALUES // len(self.kinds) + 1).collect()
        if len(table) * len(self.kinds) > MOST_VALUES:
            raise DataError(
                "DA202",
                where=source.place(),
                expected=f"at most {MOST_VALUES:,} values in the {len(self.kinds)} columns that kinds names",
                got=f"more than {MOST_VALUES // len(self.kinds):,} rows",
                cause="what is joined is kept with the model, so that a prediction finds the same rows",
                fix="take fewer columns, group or filter the other table before, or join in the database that both come from",
            )
        return self.replace(table=table.to_dict(as_series=False), source=None)

    def resolve_paths(self, base: Path) -> Self:
        return self if self.source is None else self.replace(source=self.source.resolve_paths(base))

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        return frame.join(frame.literal(self.table or {}, self.kinds), self.pairs, self.how)


@register("distinct")
class Distinct(Step):
    """Of rows that agree in some columns the first alone.

    It chooses what is learned from and judged by; a row that a prediction is asked for is never left out.

    Attributes:
        columns: Which; by default all.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> Pipeline({"columns": {"a": "integer"}}, [Distinct()]).run({"a": [2, 1, 2]})["a"].to_list()
        [2, 1]
    """

    positional: ClassVar[tuple[str, ...]] = ("columns",)
    chooses_rows: ClassVar[bool] = True
    columns: Names = ()

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(columns=["s"])]

    def output(self, schema: Schema) -> Schema:
        schema.require(self.columns, "columns")
        return schema

    def reads(self, schema: Schema) -> frozenset[str]:
        return frozenset(self.columns or schema.names)

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        return frame.distinct(self.columns or schema.names)

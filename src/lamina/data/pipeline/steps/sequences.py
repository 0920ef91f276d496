"""Steps that make sequences of rows, and change how long they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.data.expressions.field import ExpressionText
from lamina.data.pipeline.step import Step, check_kind
from lamina.data.pipeline.steps.grouping import Structural, aggregated
from lamina.data.table.schema import Schema, Steps
from lamina.errors import DataError
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, Names

if TYPE_CHECKING:
    from lamina.data.expressions.nodes import Over
    from lamina.data.pipeline.frames.frame import Frame

Value = str | int | float | bool
Unit = Literal["millisecond", "second", "minute", "hour", "day", "week"]
NUMBER, PAD = "__lamina_number", "__lamina_pad"


def steps_of(schema: Schema) -> Steps:
    """Which sequences rows are steps of.

    Raises:
        DataError: DA200, if they stand for themselves.
    """
    if schema.steps is None:
        raise DataError(
            "DA200",
            where="the rows",
            expected="rows that are steps of sequences",
            got="rows that stand for themselves",
            cause="no step before makes sequences of them",
            fix="put {type: to_sequence, keys: [COLUMN], order: [COLUMN]} before",
        )
    return schema.steps


def over(schema: Schema) -> Over:
    """Within which rows, in which order, windows look."""
    from lamina.data.expressions.nodes import Over

    steps = schema.steps
    return Over() if steps is None else Over(keys=tuple(steps.keys), order=tuple(steps.order))


@register("to_sequence")
class ToSequence(Structural):
    """From here on rows are steps of sequences; they are sorted by the keys, and within a sequence by the order.

    Attributes:
        keys: Columns whose values say which sequence a row belongs to.
        order: Columns by which its steps are sorted; none: they stay in the order of the rows.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> columns = {"patient": "string", "day": "integer", "pulse": "float"}
        >>> before = {"type": "window", "columns": {"before": "lag(pulse, 1)"}}
        >>> pipeline = Pipeline({"columns": columns}, [ToSequence("patient", "day"), before])
        >>> pipeline.run({"patient": ["b", "a", "a"], "day": [1, 2, 1], "pulse": [70.0, 64.0, 60.0]}).rows()
        [('a', 1, 60.0, None), ('a', 2, 64.0, 60.0), ('b', 1, 70.0, None)]
    """

    positional: ClassVar[tuple[str, ...]] = ("keys", "order")
    keys: Names
    order: Names = ()

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(keys="s", order="b"), cls(keys=["s", "g"])]

    def output(self, schema: Schema) -> Schema:
        schema.require((*self.keys, *self.order), "keys and order")
        return schema.replace(steps=Steps(keys=self.keys, order=self.order))

    def reads(self, schema: Schema) -> frozenset[str]:
        return frozenset((*self.keys, *self.order))

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        return needed | self.reads(schema)

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        return frame.sort([*self.keys, *self.order])


class _Within(Structural):
    """Base of steps about rows that are steps already."""

    def reads(self, schema: Schema) -> frozenset[str]:
        steps = steps_of(schema)
        return frozenset((*steps.keys, *steps.order))

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        return frozenset(name for name in needed if name in schema) | self.reads(schema)


@register("from_sequence")
class FromSequence(_Within):
    """Rows stand for themselves again, in the order that they have."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]

    def output(self, schema: Schema) -> Schema:
        steps_of(schema)
        return Schema(columns=schema.columns)

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        return frame


@register("split_sequence")
class SplitSequence(_Within):
    """Cut sequences into pieces, which a new column numbers from 0 and which are sequences of their own from then on.

    Attributes:
        length: Steps of a piece; the last one of a sequence may have fewer.
        gap: Instead: a new piece begins where more than so much time lies between two steps, counted in ``unit``.
        unit: Of the gap.
        time: Column of times for ``gap``; sequences are sorted by it.
        column: The new column.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> pipeline = Pipeline({"columns": {"k": "string"}}, [{"type": "to_sequence", "keys": "k"}, SplitSequence(length=2)])
        >>> pipeline.run({"k": ["a", "a", "a"]})["piece"].to_list()
        [0, 0, 1]
    """

    length: Count | None = None
    gap: Count | None = None
    unit: Unit = "second"
    time: str | None = None
    column: str = "piece"

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(length=2), cls(gap=90, unit="minute", time="t")]

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.length is None) == (self.gap is None) or (self.gap is None) != (self.time is None):
            raise wrong_value(
                expected="length alone, or gap and time",
                cause="a sequence is cut after so many steps, or where much time lies between two",
                fix="write length: 100, or gap: 1, unit: hour, time: COLUMN",
            )
        return self

    def output(self, schema: Schema) -> Schema:
        steps = steps_of(schema)
        if self.time is not None:
            check_kind(schema, (self.time,), ("time",), "name a column of times")
        self.check_new(schema, (self.column,))
        longer = Steps(keys=(*steps.keys, self.column), order=steps.order)
        return schema.with_columns({self.column: "integer"}).replace(steps=longer)

    def reads(self, schema: Schema) -> frozenset[str]:
        return super().reads(schema) | frozenset(() if self.time is None else (self.time,))

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        return self

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        from lamina.data.expressions.nodes import Column, Over
        from lamina.data.expressions.parse import parse

        if self.length is not None:
            return frame.with_columns({self.column: parse(f"(row_number() - 1) // {self.length}")}, over(schema))
        steps, time = steps_of(schema), Column(str(self.time)).text
        within = Over(keys=tuple(steps.keys), order=(str(self.time),))
        apart = f"time_difference({time}, lag({time}, 1), {self.unit!r})"
        begun = frame.with_columns({PAD: parse(f"where({apart} > {self.gap}, 1, 0)")}, within)
        made = begun.with_columns({self.column: parse(f"cumulative_sum({PAD})")}, within)
        return made.select([*frame.names, self.column])


@register("trim_sequence")
class TrimSequence(_Within):
    """Leave steps out at one end of each sequence, or keep so many at most.

    Attributes:
        steps: How many are left out.
        keep: Instead: how many stay at most.
        side: Where they are left out: at the ``start`` or the ``end``.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> columns = {"k": "string", "x": "integer"}
        >>> pipeline = Pipeline({"columns": columns}, [{"type": "to_sequence", "keys": "k"}, TrimSequence(keep=2, side="start")])
        >>> pipeline.run({"k": ["a", "a", "a"], "x": [1, 2, 3]})["x"].to_list()
        [2, 3]
    """

    steps: Count | None = None
    keep: Count | None = None
    side: Literal["start", "end"] = "end"

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(steps=1, side="start"), cls(keep=2)]

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.steps is None) == (self.keep is None):
            raise wrong_value(expected="steps or keep", cause="one of them says what is left", fix="write keep: 100, or steps: 1")
        return self

    def output(self, schema: Schema) -> Schema:
        steps_of(schema)
        return schema

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        return self

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        from lamina.data.expressions.parse import parse

        place = "row_number()" if self.side == "start" else "(count() - row_number() + 1)"
        kept = f"{place} > {self.steps}" if self.steps is not None else f"(count() - {place} + 1) <= {self.keep}"
        numbered = frame.with_columns({NUMBER: parse(f"where({kept}, 1, 0)")}, over(schema))
        return numbered.filter(parse(f"{NUMBER} == 1")).select(frame.names)


@register("pad_sequence")
class PadSequence(_Within):
    """Make all sequences equally long: steps are added at the end, and those that are too many are left out there.

    Attributes:
        length: Steps of each sequence afterwards.
        values: What stands in the added steps, by column; missing values elsewhere. Keys have those of the sequence.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> columns = {"k": "string", "x": "integer"}
        >>> pipeline = Pipeline({"columns": columns}, [{"type": "to_sequence", "keys": "k"}, PadSequence(3, {"x": 0})])
        >>> pipeline.run({"k": ["a", "a", "b"], "x": [1, 2, 3]})["x"].to_list()
        [1, 2, 0, 3, 0, 0]
    """

    positional: ClassVar[tuple[str, ...]] = ("length", "values")
    length: Annotated[int, Field(ge=1, le=1_000_000)]
    values: dict[str, Value] = {}

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(length=3), cls(length=2, values={"a": 0.0})]

    def output(self, schema: Schema) -> Schema:
        steps = steps_of(schema)
        schema.require(self.values, "values")
        wrong = next((name for name in self.values if name in steps.keys), None)
        if wrong is not None:
            raise DataError(
                "DA102",
                where=f"column {wrong!r}",
                expected="values of columns that are no keys",
                got="a key of the sequences",
                cause="added steps belong to the sequence that they lengthen",
                fix="leave it out of values",
            )
        return schema

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        values = {name: value for name, value in self.values.items() if name in needed}
        return PadSequence(length=self.length, values=values) if values else PadSequence(length=self.length)

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        from lamina.data.expressions.nodes import Column, Expression
        from lamina.data.expressions.nodes import Literal as Constant
        from lamina.data.expressions.parse import parse

        steps, length, names = steps_of(schema), self.length, frame.names
        kept = TrimSequence(keep=length).apply(frame, schema)
        counted = frame.group(list(steps.keys), {NUMBER: parse("count()")})
        kinds = schema.kinds
        others = [name for name in names if name not in steps.keys]
        # No constant is a missing list: a column of them is.
        lists = {name: f"{PAD}_{place}" for place, name in enumerate(others) if kinds[name].startswith("array")}
        made = {PAD: "array", **{none: kinds[name] for name, none in lists.items()}}
        short = counted.filter(parse(f"{NUMBER} < {length}")).apply(lambda rows: _places(rows, length, [*lists.values()]), made)
        added = short.explode([PAD])
        known = [name for name in others if name not in lists]
        constants: dict[str, Expression] = {name: parse(_constant(kinds[name], self.values.get(name), Constant)) for name in known}
        constants |= {name: Column(none) for name, none in lists.items()}
        whole = kept.union(added.with_columns(constants).select(names))
        return whole.sort(list(steps.keys))


def _places(rows: Any, length: int, missing: list[str]) -> Any:
    """Numbers of the steps that are added, and columns without a list."""
    import polars as pl

    counts = rows[NUMBER].to_list()
    places = pl.Series(PAD, [[float(place) for place in range(count, length)] for count in counts], dtype=pl.List(pl.Float64))
    return pl.DataFrame({PAD: places, **{name: pl.Series([None] * len(counts), dtype=pl.List(pl.Float64)) for name in missing}})


def _constant(kind: str, value: Any, constant: Any) -> str:
    """A constant, or a missing value, of a kind."""
    text = constant(value).text
    if kind in ("integer", "float", "boolean"):
        return f"{kind}({text})" if value is None or kind == "float" else text
    if kind == "time":
        return f"parse_time(string({text}), '%Y-%m-%dT%H:%M:%S', 'UTC')"
    return f"string({text})" if value is None else text


@register("reduce_sequence")
class ReduceSequence(_Within):
    """One row for each sequence.

    Attributes:
        aggregates: An expression for each new column; ``first``, ``last`` and lists go by the order of the steps.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> columns = {"k": "string", "x": "integer"}
        >>> pipeline = Pipeline({"columns": columns}, [{"type": "to_sequence", "keys": "k"}, ReduceSequence({"last": "last(x)"})])
        >>> pipeline.run({"k": ["a", "a", "b"], "x": [1, 2, 3]}).rows()
        [('a', 2), ('b', 3)]
    """

    positional: ClassVar[tuple[str, ...]] = ("aggregates",)
    aggregates: dict[str, ExpressionText]

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(aggregates={"last": "last(a)", "n": "count()"})]

    def output(self, schema: Schema) -> Schema:
        steps = steps_of(schema)
        self.check_new(schema.only(steps.keys), self.aggregates)
        return Schema(columns={**schema.only(steps.keys).columns, **aggregated(self.aggregates, schema)})

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        return self.reads(schema).union(*(expression.columns for expression in self.aggregates.values()))

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        kept = {name: expression for name, expression in self.aggregates.items() if name in needed}
        first = next(iter(self.aggregates))
        return self.replace(aggregates=kept or {first: self.aggregates[first]})

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        steps = steps_of(schema)
        return frame.group(list(steps.keys), self.aggregates, list(steps.order))

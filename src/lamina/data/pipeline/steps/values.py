"""Steps that change the values of several columns the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import model_validator

from lamina.data.expressions.field import ExpressionText
from lamina.data.pipeline.frames.frame import OddRowError
from lamina.data.pipeline.step import Step, check_expression, check_kind
from lamina.data.pipeline.steps.deriving import made_column
from lamina.data.table.schema import column_of
from lamina.errors import DataError
from lamina.spec import register, wrong_value
from lamina.spec.fields import Names, listed

if TYPE_CHECKING:
    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.table.schema import Schema


@register("apply")
class Apply(Step):
    """Compute several columns by the same expression, in which ``x`` stands for each column.

    Attributes:
        columns: Which.
        expression: What becomes of them, such as ``log1p(x)`` or ``lower(strip(x))``.
        into: Name of each result, in which ``{}`` stands for the column's; by default the column itself is changed.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> pipeline = Pipeline({"columns": {"a": "float", "b": "float"}}, [Apply(["a", "b"], "x * 10")])
        >>> pipeline.run({"a": [1.0], "b": [2.0]}).row(0)
        (10.0, 20.0)
    """

    positional: ClassVar[tuple[str, ...]] = ("columns", "expression")
    columns: Names
    expression: ExpressionText
    into: str = "{}"

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(columns=["a", "b"], expression="x + 1"), cls(columns="a", expression="x * x", into="{} squared")]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.columns or "{}" not in self.into:
            raise wrong_value(
                expected="columns, and {} in into",
                cause="each column needs a name for its result",
                fix="write columns: [COLUMN], into: '{} scaled'",
            )
        return self

    def _made(self) -> dict[str, Any]:
        from lamina.data.expressions.nodes import Column

        return {self.into.replace("{}", name): self.expression.substituted({"x": Column(name)}) for name in self.columns}

    def output(self, schema: Schema) -> Schema:
        schema.require(self.columns, "columns")
        made = {name: check_expression(expression, schema, f"column {name!r}") for name, expression in self._made().items()}
        return schema.with_columns({name: made_column(kind) for name, kind in made.items()})

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        kept = [name for name in self.columns if self.into.replace("{}", name) in needed]
        return self.replace(columns=kept) if kept else None

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        made = self._made()
        read = frozenset(name for expression in made.values() for name in expression.columns)
        return read | (needed - made.keys())

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        return frame.with_columns(self._made())


@register("map_values")
class MapValues(Step):
    """Put other words in the place of words.

    Attributes:
        columns: Which.
        values: The new word by the old one; null makes it missing.
        otherwise: What all other words become; by default they stay.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> pipeline = Pipeline({"columns": {"answer": "string"}}, [MapValues("answer", {"Y": "yes", "N": "no", "?": None})])
        >>> pipeline.run({"answer": ["Y", "?", "maybe"]})["answer"].to_list()
        ['yes', None, 'maybe']
    """

    positional: ClassVar[tuple[str, ...]] = ("columns", "values")
    columns: Names
    values: dict[str, str | None]
    otherwise: str | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(columns="s", values={"x": "X", "y": None}), cls(columns=["s"], values={"x": "X"}, otherwise="other")]

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.columns or not self.values:
            raise wrong_value(expected="columns and values", cause="the step would do nothing", fix="write values: {OLD: NEW}")
        return self

    def output(self, schema: Schema) -> Schema:
        check_kind(schema, self.columns, ("string", "categorical", "text"), "write derive with where(...) for other kinds")
        return schema.with_columns(dict.fromkeys(self.columns, column_of("string")))

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        kept = [name for name in self.columns if name in needed]
        return self.replace(columns=kept) if kept else None

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        return needed | frozenset(self.columns)

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        def change(rows: Any) -> Any:
            import polars as pl

            made = {}
            for name in self.columns:
                column = rows[name].alias("value")
                other = column if self.otherwise is None else pl.lit(self.otherwise, dtype=pl.String)
                mapped = column.replace_strict(list(self.values), list(self.values.values()), default=other, return_dtype=pl.String)
                made[name] = pl.select(pl.when(column.is_null()).then(None).otherwise(mapped)).to_series()
            return pl.DataFrame(made)

        return frame.apply(change, dict.fromkeys(self.columns, "string"))


@register("multi_hot")
class MultiHot(Step):
    """A column of true and false for each word that a list written as text may hold, in the place of the column.

    Attributes:
        column: Column of texts such as ``red,blue``.
        values: The words, in order: names of the new columns.
        delimiter: What stands between words.
        names: What the new columns are called instead of the words, in their order.
        strip: Whether blanks around words are left out.
        unknown: Whether another word is an ``error`` or is left out (``ignore``).

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> pipeline = Pipeline({"columns": {"tags": "string"}}, [MultiHot("tags", ["new", "red"])])
        >>> pipeline.run({"tags": ["red, new", "", None]}).rows()
        [(True, True), (False, False), (None, None)]
    """

    positional: ClassVar[tuple[str, ...]] = ("column", "values")
    column: str
    values: listed(str)  # type: ignore[valid-type]
    delimiter: str = ","
    names: listed(str) | None = None  # type: ignore[valid-type]
    strip: bool = True
    unknown: Literal["error", "ignore"] = "error"

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            cls(column="s", values=["x", "y"]),
            cls(column="s", values=["x"], delimiter=";", unknown="ignore"),
            cls(column="s", values=["x", "y"], names=["first", "second"], strip=False),
        ]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.values or len({*self.values}) < len(self.values) or not self.delimiter:
            raise wrong_value(
                expected="words, each once, and a delimiter", cause="each word becomes a column", fix="write values: [red, blue]"
            )
        if self.names is not None and (len(self.names) != len(self.values) or len({*self.names}) < len(self.names)):
            raise wrong_value(
                expected=f"{len(self.values)} different names",
                cause="there is a column for each word",
                fix="write as many names as values, or leave names out",
            )
        return self

    @property
    def made(self) -> tuple[str, ...]:
        """Names of the new columns."""
        return tuple(self.values if self.names is None else self.names)

    def output(self, schema: Schema) -> Schema:
        check_kind(schema, (self.column,), ("string", "text", "categorical"), "name a column of texts")
        self.check_new(schema, self.made, replacing=(self.column,))
        made: dict[str, Any] = {}
        for name, column in schema.columns.items():
            made |= dict.fromkeys(self.made, column_of("boolean")) if name == self.column else {name: column}
        return schema.replace(columns=made)

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        return self if needed & {*self.made} else None

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        return (needed - {*self.made}) | {self.column}

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        def spread(rows: Any) -> Any:
            import polars as pl

            words = rows[self.column].alias("texts").str.split(self.delimiter)
            if self.strip:
                words = words.list.eval(pl.element().str.strip_chars())
            words = words.list.filter(pl.element() != "")
            if self.unknown == "error":
                there = words.explode().drop_nulls().unique()
                strange = sorted({*there.to_list()} - {*self.values})
                if strange:
                    first = words.list.eval(pl.element().is_in(strange)).list.any().arg_true()
                    raise OddRowError(int(first[0]), self._strange(strange))
            return pl.DataFrame({name: words.list.contains(word) for name, word in zip(self.made, self.values, strict=True)})

        return frame.apply(spread, dict.fromkeys(self.made, "boolean")).select(self.output(schema).names)

    def _strange(self, words: list[str]) -> DataError:
        return DataError(
            "DA015",
            where=f"column {self.column!r}",
            expected=f"words among {', '.join(map(repr, self.values[:12]))}",
            got=", ".join(map(repr, words[:6])),
            cause="the list holds a word that has no column, or another delimiter stands between words",
            fix="add it to values, correct delimiter, or write unknown: ignore",
        )

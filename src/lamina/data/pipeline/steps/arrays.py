"""Steps about arrays: made of lists of words, computed element by element, spread over rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import model_validator

from lamina.data.expressions.field import ExpressionText
from lamina.data.pipeline.frames.frame import OddRowError
from lamina.data.pipeline.step import Step, check_kind
from lamina.data.pipeline.steps.grouping import Structural
from lamina.data.table.schema import column_of
from lamina.errors import DataError
from lamina.spec import register, wrong_value
from lamina.spec.fields import Names, listed

if TYPE_CHECKING:
    from lamina.data.expressions.nodes import Expression
    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.table.schema import Schema

ROW, MADE = "__lamina_row", "__lamina_made"


@register("encode_list")
class EncodeList(Step):
    """An array of numbers for the words of a list that is written as text.

    Attributes:
        column: Column of texts such as ``red,blue``.
        values: The words, in order; or the number of each.
        give: What the array holds: the ``numbers`` of the words, in their order; these ``sorted``; sorted and each once (``distinct``); or,
            a place for each of ``values``, their ``counts``, or 1 and 0 for those that are there and aren't (``flags``).
        delimiter: What stands between words; an empty one makes a word of each character.
        strip: Whether blanks around words are left out.
        unknown: Whether another word is an ``error`` or is left out (``ignore``).
        into: The new column; by default the column itself is changed.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> columns = {"tags": "string"}
        >>> Pipeline({"columns": columns}, [EncodeList("tags", ["new", "red"])]).run({"tags": ["red, new", "", None]})["tags"].to_list()
        [[1.0, 0.0], [], None]
        >>> counts = EncodeList("tags", ["a", "b"], give="counts", delimiter="", unknown="ignore")
        >>> Pipeline({"columns": columns}, [counts]).run({"tags": ["banana"]})["tags"].to_list()
        [[3.0, 1.0]]
    """

    positional: ClassVar[tuple[str, ...]] = ("column", "values")
    column: str
    values: dict[str, int] | listed(str)  # type: ignore[valid-type]
    give: Literal["numbers", "sorted", "distinct", "counts", "flags"] = "numbers"
    delimiter: str = ","
    strip: bool = True
    unknown: Literal["error", "ignore"] = "error"
    into: str | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            cls(column="s", values=["x", "y"]),
            cls(column="s", values={"x": 7}, delimiter="", unknown="ignore", into="v"),
            cls(column="s", values=["y", "x"], give="counts", strip=False),
            cls(column="s", values=["y", "x"], give="distinct", into="v"),
        ]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        words = list(self.values)
        if not words or len({*words}) < len(words):
            raise wrong_value(expected="words, each once", cause="each has one number", fix="write values: [red, blue]")
        if isinstance(self.values, dict) and self.give in ("counts", "flags"):
            raise wrong_value(
                expected="a list of words for counts and flags",
                cause="there is a place for each word, in order",
                fix="write values: [red, blue], or give: numbers",
            )
        return self

    @property
    def made(self) -> str:
        """Name of the column that it makes."""
        return self.column if self.into is None else self.into

    def output(self, schema: Schema) -> Schema:
        check_kind(schema, (self.column,), ("string", "text", "categorical"), "name a column of texts")
        length = len(self.values) if self.give in ("counts", "flags") else None
        return schema.with_columns({self.made: column_of("array", **({} if length is None else {"length": length}))})

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        return self if self.made in needed else None

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        return (needed - {self.made}) | {self.column}

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        return frame.apply(self._encoded, {self.made: "array"})

    def _encoded(self, rows: Any) -> Any:
        import polars as pl

        numbers = dict(self.values) if isinstance(self.values, dict) else {word: place for place, word in enumerate(self.values)}
        # Polars takes the name of a series for a pattern if it looks like one.
        texts = rows[self.column].alias("value").cast(pl.String)
        words = texts.str.split(self.delimiter)
        if self.strip:
            words = words.list.eval(pl.element().str.strip_chars())
        words = words.list.filter(pl.element() != "")
        if self.unknown == "error":
            there = words.explode(empty_as_null=False).drop_nulls().unique()
            strange = sorted({*there.to_list()} - {*numbers})
            if strange:
                first = words.list.eval(pl.element().is_in(strange)).list.any().arg_true()
                raise OddRowError(int(first[0]), self._strange(strange))
        if self.give in ("counts", "flags"):
            columns = [words.list.count_matches(word).alias(word) for word in numbers]
            counts = pl.DataFrame(columns).select(pl.concat_list(pl.all().cast(pl.Float64)).alias(self.made)).to_series()
            if self.give == "flags":
                counts = counts.list.eval((pl.element() > 0).cast(pl.Float64))
            return pl.DataFrame({self.made: pl.select(pl.when(texts.is_not_null()).then(counts)).to_series()})
        old, new = list(numbers), [float(number) for number in numbers.values()]
        found = words.list.eval(pl.element().replace_strict(old, new, default=None, return_dtype=pl.Float64)).list.drop_nulls()
        found = found.list.unique() if self.give == "distinct" else found
        return pl.DataFrame({self.made: found if self.give == "numbers" else found.list.sort()})

    def _strange(self, words: list[str]) -> DataError:
        return DataError(
            "DA015",
            where=f"column {self.column!r}",
            expected=f"words among {', '.join(map(repr, list(self.values)[:12]))}",
            got=", ".join(map(repr, words[:6])),
            cause="the list holds a word that has no number, or another delimiter stands between words",
            fix="add it to values, correct delimiter, or write unknown: ignore",
        )


@register("elements")
class Elements(Step):
    """Compute arrays element by element: in the expressions, columns of arrays stand for their elements.

    Attributes:
        columns: An expression for each array, by the name of the column that it makes; arrays in it must be equally long in each row,
            otherwise the result is missing.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> pipeline = Pipeline({"columns": {"v": "array", "scale": "float"}}, [Elements({"w": "sqrt(v) * scale"})])
        >>> pipeline.run({"v": [[1.0, 4.0], []], "scale": [10.0, 1.0]})["w"].to_list()
        [[10.0, 20.0], []]
    """

    positional: ClassVar[tuple[str, ...]] = ("columns",)
    columns: dict[str, ExpressionText]

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(columns={"w": "v * 2 + a"}), cls(columns={"v": "v - v * v"})]

    def output(self, schema: Schema) -> Schema:
        made = {}
        for name, expression in self.columns.items():
            arrays = self._arrays(expression, schema, name)
            lengths = {getattr(schema.columns[one], "length", None) for one in arrays}
            length = next(iter(lengths)) if len(lengths) == 1 else None
            made[name] = column_of("array", **({} if length is None else {"length": length}))
        return schema.with_columns(made)

    def _arrays(self, expression: Expression, schema: Schema, name: str) -> list[str]:
        """Columns of arrays that an expression reads.

        Raises:
            DataError: If there are none, or it gives no numbers.
        """
        from lamina.data.expressions.kinds import kind_of

        where = f"column {name!r}"
        schema.require(expression.columns, where)
        try:
            kind = kind_of(expression, self._known(schema))
        except DataError as error:
            raise error.within(where) from None
        arrays = sorted(one for one in expression.columns if schema.columns[one].kind == "array")
        if not arrays or kind not in ("float", "integer", "boolean"):
            raise DataError(
                "DA102",
                where=f"{where}: {expression.text}",
                expected="an expression of arrays that gives a number for each element",
                got="no array in it" if not arrays else f"an expression of the kind {kind}",
                cause="arrays hold numbers",
                fix="write derive for columns that are none" if not arrays else "compute a number, such as where(v > 0, 1, 0)",
            )
        return arrays

    def _known(self, schema: Schema) -> dict[str, str]:
        return {name: "float" if kind == "array" else kind for name, kind in schema.exact_kinds.items()}

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        kept = {name: expression for name, expression in self.columns.items() if name in needed}
        return Elements(columns=kept) if kept else None

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        read = frozenset(name for expression in self.columns.values() for name in expression.columns)
        return read | (needed - self.columns.keys())

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        known = self._known(schema)
        arrays = {name: self._arrays(expression, schema, name) for name, expression in self.columns.items()}

        def compute(rows: Any) -> Any:
            import polars as pl

            return pl.DataFrame({name: self._computed(rows, name, arrays[name], known) for name in self.columns})

        return frame.apply(compute, dict.fromkeys(self.columns, "array"))

    def _computed(self, rows: Any, name: str, arrays: list[str], known: dict[str, str]) -> Any:
        import polars as pl

        from lamina.data.expressions.polars import to_polars

        expression = self.columns[name]
        first = rows[arrays[0]].list.len()
        agree = pl.Series([True] * len(rows), dtype=pl.Boolean)
        for other in arrays:
            agree = agree & (rows[other].list.len() == first).fill_null(value=False)
        whole = rows.select(sorted(expression.columns)).with_row_index(ROW).filter(agree & (first > 0).fill_null(value=False))
        spread = whole.explode(arrays).with_columns(to_polars(expression, known).cast(pl.Float64).alias(MADE))
        made = spread.group_by(ROW, maintain_order=True).agg(MADE)
        placed = pl.DataFrame({ROW: pl.Series(range(len(rows)), dtype=made[ROW].dtype)}).join(
            made, on=ROW, how="left", maintain_order="left"
        )
        empty = pl.lit([], dtype=pl.List(pl.Float64))
        return placed.select(
            pl.when(agree & (first == 0).fill_null(value=False)).then(empty).otherwise(pl.col(MADE)).alias(name)
        ).to_series()


@register("explode")
class Explode(Structural):
    """A row for each element of arrays, with the values of the other columns; none for an empty or a missing array.

    Rows that are steps of sequences become several steps, one after the other.

    Attributes:
        columns: Columns of arrays, which are equally long in each row.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> pipeline = Pipeline({"columns": {"k": "string", "v": "array"}}, [Explode("v")])
        >>> pipeline.run({"k": ["a", "b", "c"], "v": [[1.0, 2.0], [], [3.0]]}).rows()
        [('a', 1.0), ('a', 2.0), ('c', 3.0)]
    """

    positional: ClassVar[tuple[str, ...]] = ("columns",)
    columns: Names

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(columns="v")]

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.columns or len({*self.columns}) < len(self.columns):
            raise wrong_value(expected="at least one column, each once", cause="the step would do nothing", fix="list columns of arrays")
        return self

    def output(self, schema: Schema) -> Schema:
        check_kind(schema, self.columns, ("array",), "make arrays before, such as by pack(a, b) or split_list(text, ',')")
        return schema.with_columns(dict.fromkeys(self.columns, column_of("float", allow_nan=True, allow_infinite=True)))

    def reads(self, schema: Schema) -> frozenset[str]:
        steps = schema.steps
        return frozenset(self.columns) | frozenset(() if steps is None else (*steps.keys, *steps.order))

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        return frozenset(name for name in needed if name in schema) | self.reads(schema)

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        return self

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        columns = list(self.columns)
        return (frame if len(columns) == 1 else frame.apply(self._agreeing, dict.fromkeys(columns, "array"))).explode(columns)

    def _agreeing(self, rows: Any) -> Any:
        """The arrays, if those of each row are equally long."""
        first = rows[self.columns[0]].list.len().fill_null(0)
        for name in self.columns[1:]:
            apart = (rows[name].list.len().fill_null(0) != first).arg_true()
            if len(apart):
                place = int(apart[0])
                error = DataError(
                    "DA005",
                    where=f"columns {self.columns[0]!r} and {name!r}",
                    expected="arrays that are equally long in each row",
                    got=f"{first[place]} elements beside {rows[name].list.len()[place] or 0} ({len(apart)} rows are so)",
                    cause="elements of one would have no partner",
                    fix="explode the columns one after the other, or make the arrays equally long before",
                )
                raise OddRowError(place, error)
        return rows.select(self.columns)

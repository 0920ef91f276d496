"""Steps for values that are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import model_validator

from lamina.data.pipeline.step import Step, check_kind
from lamina.errors import DataError
from lamina.spec import register, wrong_value
from lamina.spec.fields import Names

if TYPE_CHECKING:
    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.table.schema import Schema

Constant = str | int | float | bool
LEARNED = {"mean": "mean", "median": "median", "most_frequent": "most_frequent", "min": "min", "max": "max"}
FILLED = {"forward": "fill_forward", "backward": "fill_backward"}


@register("fill_missing")
class FillMissing(Step):
    """Put something in the place of missing values.

    Attributes:
        columns: Where.
        value: What: a constant; or ``mean``, ``median``, ``most_frequent``, ``min`` or ``max`` of the training part; or ``forward`` and
            ``backward``, the value of the row before or after, within a sequence where rows are steps.
        indicator: Whether a column ``NAME_missing`` says where something was missing.
        learned: What was found in the training part, by column.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> pipeline = Pipeline({"columns": {"age": "float"}}, [FillMissing("age", "mean")])
        >>> pipeline.fit({"age": [20.0, None, 40.0]}).run({"age": [None, 50.0]})["age"].to_list()
        [30.0, 50.0]
    """

    positional: ClassVar[tuple[str, ...]] = ("columns", "value")
    columns: Names
    value: Constant
    indicator: bool = False
    learned: dict[str, Constant] | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(columns="a", value=0.0), cls(columns=["a", "b"], value="mean", indicator=True), cls(columns="a", value="forward")]

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if not self.columns:
            raise wrong_value(expected="at least one column", cause="the step would do nothing", fix="list the columns by name")
        if self.learned is not None and self.value not in LEARNED:
            raise wrong_value(expected="no learned", cause="a constant is not learned", fix="leave learned out")
        return self

    @property
    def learns(self) -> bool:
        return self.value in LEARNED and self.learned is None

    def output(self, schema: Schema) -> Schema:
        if self.value in ("mean", "median"):
            check_kind(schema, self.columns, ("integer", "float"), "write value: most_frequent for words")
        schema.require(self.columns, "columns")
        for name in self.columns:
            self._check_constant(name, schema.columns[name].kind)
        made = {}
        for name in self.columns:
            if self.value == "mean" and schema.columns[name].kind == "integer":
                from lamina.data.table.schema import column_of

                made[name] = column_of("float")
        return schema.with_columns(made).with_columns(dict.fromkeys(self._indicators(schema), "boolean"))

    def _check_constant(self, name: str, kind: str) -> None:
        value = self.value
        if isinstance(value, str) and value in (*LEARNED, *FILLED):
            return
        fits = {"integer": isinstance(value, int), "float": isinstance(value, int | float), "boolean": isinstance(value, bool)}
        right = fits.get(kind, isinstance(value, str)) and (kind == "boolean" or not isinstance(value, bool))
        if kind in ("bytes", "array", "time") or not right:
            raise DataError(
                "DA102",
                where=f"column {name!r}",
                expected=f"a value of the kind {kind}, or one of {', '.join((*LEARNED, *FILLED))}",
                got=repr(value),
                cause="what is filled in must be what the column holds",
                fix="give another value, or fill this column in a step of its own",
            )

    def _indicators(self, schema: Schema) -> list[str]:
        names = [f"{name}_missing" for name in self.columns] if self.indicator else []
        self.check_new(schema, names)
        return names

    def reads(self, schema: Schema) -> frozenset[str]:
        steps = schema.steps if self.value in FILLED else None
        return frozenset(self.columns) | frozenset(() if steps is None else (*steps.keys, *steps.order))

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        kept = [name for name in self.columns if name in needed or (self.indicator and f"{name}_missing" in needed)]
        return self.replace(columns=kept) if kept else None

    def fit(self, frame: Frame, schema: Schema) -> Self:
        from lamina.data.expressions.nodes import Column
        from lamina.data.expressions.parse import parse
        from lamina.data.pipeline.means import exact_means

        if self.value == "mean":
            found = exact_means(frame, self.columns)
        else:
            found = frame.values({name: parse(f"{self.value}({Column(name).text})") for name in self.columns})
        empty = next((name for name, value in found.items() if value is None or value != value), None)
        if empty is not None:
            raise DataError(
                "DA012",
                where=f"column {empty!r}",
                expected=f"at least one value to take the {self.value} of",
                got="none in the training part",
                cause="the column is empty there",
                fix="drop the column, or fill in a constant",
            )
        return self.replace(learned=found)

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        from lamina.data.expressions.nodes import Column, Literal, Over
        from lamina.data.expressions.parse import parse

        steps = schema.steps
        over = Over() if steps is None else Over(keys=tuple(steps.keys), order=tuple(steps.order))
        changed = {}
        for name in self.columns:
            x = Column(name).text
            if self.value in FILLED:
                changed[name] = parse(f"{FILLED[str(self.value)]}({x})")
            else:
                value = (self.learned or {}).get(name, self.value)
                x = f"float({x})" if self.value == "mean" else x
                changed[name] = parse(f"coalesce({x}, {Literal(value).text})")
        if self.indicator:
            frame = frame.with_columns({f"{name}_missing": parse(f"is_missing({Column(name).text})") for name in self.columns})
        return frame.with_columns(changed, over) if self.value in FILLED else frame.with_columns(changed)


@register("drop_missing")
class DropMissing(Step):
    """Leave out rows with missing values.

    It chooses what is learned from and judged by; a row that a prediction is asked for is never left out.

    Attributes:
        columns: Where a missing value counts; by default anywhere.
        how: Whether ``any`` missing value is enough, or ``all`` must be missing.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> Pipeline({"columns": {"a": "float", "b": "float"}}, [DropMissing("a")]).run({"a": [1.0, None], "b": [None, 2.0]}).rows()
        [(1.0, None)]
    """

    positional: ClassVar[tuple[str, ...]] = ("columns",)
    chooses_rows: ClassVar[bool] = True
    columns: Names = ()
    how: Literal["any", "all"] = "any"

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(columns=["a", "b"], how="all")]

    def output(self, schema: Schema) -> Schema:
        schema.require(self.columns, "columns")
        return schema

    def reads(self, schema: Schema) -> frozenset[str]:
        return frozenset(self.columns or schema.names)

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        from lamina.data.expressions.nodes import Call, Column
        from lamina.data.expressions.parse import parse

        there = tuple(parse(f"not is_missing({Column(name).text})") for name in self.columns or schema.names)
        joined = there[0] if len(there) == 1 else Call("all_of" if self.how == "any" else "any_of", there)
        return frame.filter(joined)

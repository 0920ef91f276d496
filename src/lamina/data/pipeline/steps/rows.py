"""Steps that choose and sort rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lamina.data.expressions.field import ExpressionText
from lamina.data.pipeline.step import Step, check_expression
from lamina.errors import DataError
from lamina.spec import register
from lamina.spec.fields import Names

if TYPE_CHECKING:
    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.table.schema import Schema


@register("filter")
class Filter(Step):
    """Keep the rows for which a condition is true; those for which it is false, or can't be told since a value is missing, go.

    It chooses what is learned from and judged by. A row that a prediction is asked for is never left out.

    Attributes:
        where: The condition, an expression. Aggregates in it look at all rows; where rows are steps, at those of the sequence:
            ``count() >= 10`` keeps sequences of at least 10 steps, ``not any(error)`` those without a wrong one.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> Pipeline({"columns": {"age": "integer"}}, [Filter("age >= 18")]).run({"age": [17, 18, None]})["age"].to_list()
        [18]
    """

    positional: ClassVar[tuple[str, ...]] = ("where",)
    chooses_rows: ClassVar[bool] = True
    where: ExpressionText

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(where="a > 0 and not is_missing(b)"), cls(where="a >= mean(a)")]

    def output(self, schema: Schema) -> Schema:
        kind = check_expression(self.where, schema, "where", level="window")
        if kind not in ("boolean", "null"):
            raise DataError(
                "DA102",
                where=f"where: {self.where.text}",
                expected="a condition, true or false for each row",
                got=f"an expression of the kind {kind}",
                cause="rows are kept for which a condition is true",
                fix="compare it with something, such as a > 0",
            )
        return schema

    def reads(self, schema: Schema) -> frozenset[str]:
        steps = None if self.where.level == "row" else schema.steps
        return self.where.columns | frozenset(() if steps is None else (*steps.keys, *steps.order))

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        from lamina.data.pipeline.steps.sequences import over

        return frame.filter(self.where) if self.where.level == "row" else frame.filter(self.where, over(schema))


@register("sort")
class Sort(Step):
    """Sort rows by columns; equal ones stay in their order, missing values come last.

    Attributes:
        by: Columns, the first one first.
        descending: Whether the largest comes first.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> Pipeline({"columns": {"age": "integer"}}, [Sort("age", descending=True)]).run({"age": [17, None, 18]})["age"].to_list()
        [18, 17, None]
    """

    positional: ClassVar[tuple[str, ...]] = ("by",)
    chooses_rows: ClassVar[bool] = True
    by: Names
    descending: bool = False

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(by="a"), cls(by=["a", "b"], descending=True)]

    def output(self, schema: Schema) -> Schema:
        schema.require(self.by, "by")
        return schema

    def reads(self, schema: Schema) -> frozenset[str]:
        return frozenset(self.by)

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        return frame.sort(self.by, descending=[self.descending] * len(self.by))

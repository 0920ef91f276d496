"""The step that computes columns from columns of the same row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lamina.data.expressions.field import ExpressionText
from lamina.data.pipeline.step import Step, check_expression
from lamina.data.table.schema import column_of
from lamina.spec import register

if TYPE_CHECKING:
    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.table.schema import Schema


@register("derive")
class Derive(Step):
    """Compute columns, new ones or such that are there already, each from the row as it was before the step.

    Attributes:
        columns: An expression for each, by the name of the column that it makes; see the guide on expressions.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> step = Derive({"area": "width * height", "wide": "width > height"})
        >>> Pipeline({"columns": {"width": "float", "height": "float"}}, [step]).run({"width": [2.0], "height": [3.0]}).row(0)
        (2.0, 3.0, 6.0, False)
    """

    positional: ClassVar[tuple[str, ...]] = ("columns",)
    columns: dict[str, ExpressionText]

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(columns={"x": "log1p(a)"}), cls(columns={"a": "a * 2 + 1", "s": "a > b"})]

    def output(self, schema: Schema) -> Schema:
        made = {name: check_expression(expression, schema, f"column {name!r}") for name, expression in self.columns.items()}
        return schema.with_columns({name: made_column(kind) for name, kind in made.items()})

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        kept = {name: expression for name, expression in self.columns.items() if name in needed}
        return Derive(columns=kept) if kept else None

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        read = frozenset(name for expression in self.columns.values() for name in expression.columns)
        return read | (needed - self.columns.keys())

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        return frame.with_columns(self.columns)


def made_column(kind: str) -> Any:
    """What an expression gives: any number may come of dividing, and nothing at all is text that is missing."""
    plain, _, zone = kind.partition("[")
    if plain == "float":
        return column_of("float", allow_nan=True, allow_infinite=True)
    if plain == "time" and zone:
        return column_of("time", zone=zone.removesuffix("]"))
    return column_of("string" if plain == "null" else plain)

"""Steps that choose, leave out and rename columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from lamina.data.pipeline.step import Step
from lamina.errors import DataError
from lamina.spec import register, wrong_value
from lamina.spec.fields import Names

if TYPE_CHECKING:
    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.table.schema import Schema


class _Named(Step):
    """Base of steps that are about columns by name.

    Attributes:
        columns: Which.
    """

    positional: ClassVar[tuple[str, ...]] = ("columns",)
    columns: Names

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(columns=["a", "b"])]

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.columns or len({*self.columns}) < len(self.columns):
            raise wrong_value(
                expected="at least one column, each once",
                cause="the step would do nothing, or the same twice",
                fix="list the columns by name",
            )
        return self


@register("select")
class Select(_Named):
    """Keep these columns, in this order, and leave out all others.

    Attributes:
        columns: What is kept.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> Pipeline({"columns": {"a": "float", "b": "float", "c": "string"}}, [Select(["c", "a"])]).output.names
        ('c', 'a')
    """

    def output(self, schema: Schema) -> Schema:
        schema.require(self.columns, "columns")
        return schema.only(self.columns)

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        return None

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        return frame.select(self.columns)


@register("drop")
class Drop(_Named):
    """Leave these columns out.

    Attributes:
        columns: What is left out.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> Pipeline({"columns": {"a": "float", "b": "float"}}, [Drop("a")]).output.names
        ('b',)
    """

    def output(self, schema: Schema) -> Schema:
        schema.require(self.columns, "columns")
        if len(self.columns) == len(schema.columns):
            raise DataError(
                "DA102",
                where="columns",
                expected="at least one column that stays",
                got=f"all {len(self.columns)} of them",
                cause="a table without columns holds nothing",
                fix="drop fewer columns",
            )
        return schema.without(self.columns)

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        return None

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        return frame.select(self.output(schema).names)


@register("rename")
class Rename(Step):
    """Give columns other names.

    Attributes:
        columns: New name of each column by its old one; names can be exchanged.

    Example:
        >>> from lamina.data.pipeline import Pipeline
        >>> Pipeline({"columns": {"a": "float", "b": "string"}}, [Rename({"a": "b", "b": "a"})]).output.kinds
        {'b': 'float', 'a': 'string'}
    """

    positional: ClassVar[tuple[str, ...]] = ("columns",)
    columns: dict[str, str]

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(columns={"a": "x"}), cls(columns={"a": "b", "b": "a"})]

    def output(self, schema: Schema) -> Schema:
        schema.require(self.columns, "columns")
        self.check_new(schema, self.columns.values(), replacing=tuple(self.columns))
        twice = next((new for new in self.columns.values() if [*self.columns.values()].count(new) > 1), None)
        if twice is not None:
            raise DataError(
                "DA101",
                where=f"column {twice!r}",
                expected="a name of its own for each column",
                got=f"{twice!r} for {' and '.join(repr(old) for old, new in self.columns.items() if new == twice)}",
                cause="two columns would have the same name",
                fix="choose different names",
            )
        return schema.renamed(self.columns)

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        kept = {old: new for old, new in self.columns.items() if new in needed}
        return Rename(columns=kept) if kept else None

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        old = {new: name for name, new in self.columns.items()}
        return frozenset(old.get(name, name) for name in needed)

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        return frame.rename(self.columns)

"""What a step of a pipeline is: it knows the schema that it takes and gives, before any row is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from lamina.data.table.schema import Schema
from lamina.errors import DataError
from lamina.spec import Description

if TYPE_CHECKING:
    from pathlib import Path

    from lamina.data.expressions.nodes import Expression, Level
    from lamina.data.pipeline.frames.frame import Frame


class Step(Description, family="step"):
    """Base of all steps.

    A step is data: it can be written, compared and read again. What it learns from the training part (`fit`) becomes part of it.

    Class attributes:
        chooses_rows: Whether it does nothing but leave rows out or sort them. Such a step makes the training part what it should be; a
            row that an answer is asked for is never left out, so it does not run in predictions.
    """

    chooses_rows: ClassVar[bool] = False

    # -- what a step must say -----------------------------------------------------------------------------------------

    def output(self, schema: Schema) -> Schema:
        """The schema after the step.

        Args:
            schema: The schema before it.

        Raises:
            DataError: Naming the column, if the step can't be taken there; the pipeline adds the number of the step.
        """
        raise NotImplementedError(type(self).__name__)

    def apply(self, frame: Frame, schema: Schema) -> Frame:
        """Take the step.

        Args:
            frame: Rows as ``schema`` says.
            schema: The schema before the step.
        """
        raise NotImplementedError(type(self).__name__)

    # -- what some steps say too --------------------------------------------------------------------------------------

    def reads(self, schema: Schema) -> frozenset[str]:
        """Columns that the step looks at, whichever of the columns after it are needed: those it filters, sorts, joins or computes by.

        `needs` adds them to what is needed after the step. None by default, which is right where each column is made of the one of its
        own name; a step that makes columns of others, or calls them otherwise, says so in `needs`.

        Args:
            schema: The schema before the step.
        """
        return frozenset()

    def restricted(self, needed: frozenset[str], schema: Schema) -> Step | None:
        """The part of the step that makes these columns; None if it makes none of them.

        Args:
            needed: Columns that are needed after the step.
            schema: The schema before the step.
        """
        after = self.output(schema)
        changed = {name for name in needed if name not in schema or schema.columns[name] != after.columns.get(name)}
        return self if changed or self.steers(schema) else None

    def needs(self, needed: frozenset[str], schema: Schema) -> frozenset[str]:
        """Columns that must be there before the step so that these are there after it."""
        return self.reads(schema) | {name for name in needed if name in schema}

    def steers(self, schema: Schema) -> bool:
        """Whether the step does more than make and change columns row by row: groups, joins, sequences."""
        return False

    @property
    def learns(self) -> bool:
        """Whether it must see the training part before it can be taken."""
        return False

    def fit(self, frame: Frame, schema: Schema) -> Self:
        """The same step with what it learned from the training part.

        Raises:
            DataError: DA012, if there is nothing to learn from.
        """
        return self

    def apply_training(self, frame: Frame, schema: Schema, seed: int) -> Frame:
        """Take the step with the very rows that it learned from; differs from `apply` where a row must not see its own target."""
        return self.apply(frame, schema)

    def resolve_paths(self, base: Path) -> Self:
        """The same step with paths made absolute that are relative to a folder."""
        return self

    # -- helps --------------------------------------------------------------------------------------------------------

    def check_new(self, schema: Schema, names: Iterable[str], *, replacing: Sequence[str] = ()) -> None:
        """See that names are free.

        Raises:
            DataError: DA101, if a column of the name is there already.
        """
        taken = [name for name in names if name in schema and name not in replacing]
        if taken:
            raise DataError(
                "DA101",
                where=f"column {taken[0]!r}",
                expected="a name that no column has yet",
                got=f"{taken[0]!r}, which is one of the columns {', '.join(schema.names[:12])}",
                cause="the step would make a second column of this name",
                fix="choose another name, or drop the old column before",
            )


def check_kind(schema: Schema, names: Iterable[str], kinds: Sequence[str], fix: str) -> None:
    """See that columns are there and of one of these kinds.

    Args:
        schema: The schema.
        names: The columns.
        kinds: Such as ``("integer", "float")``.
        fix: What to write if they aren't.

    Raises:
        DataError: DA100 for a column that isn't there, DA102 for one of another kind.
    """
    names = tuple(names)
    schema.require(names, f"column {names[0]!r}" if names else "the columns")
    for name in names:
        if schema.columns[name].kind not in kinds:
            raise DataError(
                "DA102",
                where=f"column {name!r}",
                expected=f"a column of the kind {' or '.join(kinds)}",
                got=schema.columns[name].kind,
                cause="the step does not work on this kind of column",
                fix=fix,
            )


def check_expression(expression: Expression, schema: Schema, where: str, level: Level = "row") -> str:
    """The kind of what an expression gives.

    Raises:
        DataError: Naming ``where``, if it reads columns that aren't there or joins what doesn't go together.
    """
    from lamina.data.expressions.kinds import kind_of

    try:
        return kind_of(expression, schema.exact_kinds, level=level)
    except DataError as error:
        raise error.within(where) from None

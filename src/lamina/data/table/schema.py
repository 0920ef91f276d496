"""The schema of a table: what its columns are called, what they hold, and whether its rows are steps of sequences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

from pydantic import model_validator

from lamina.data.table.columns import ColumnType, Kind
from lamina.errors import DataError, Problem, nearest
from lamina.spec import Description, wrong_value
from lamina.spec.fields import Names


class Steps(Description):
    """Says that rows are steps of sequences.

    Attributes:
        keys: Columns whose values say which sequence a row belongs to.
        order: Columns by which the steps of a sequence are sorted; none: the order of the rows.
    """

    positional: ClassVar[tuple[str, ...]] = ("keys", "order")
    keys: Names
    order: Names = ()


class Schema(Description):
    """Columns of a table, in order.

    Attributes:
        columns: Kind of each column by name.
        steps: Of which sequences the rows are steps; None: each row stands for itself.

    Raises:
        DescriptionError: SP010, for a schema without columns or with steps of columns that aren't there.

    Example:
        >>> schema = Schema({"age": {"type": "integer", "minimum": 0}, "city": "string"})
        >>> print(schema)
        age   integer  minimum 0
        city  string
        >>> Schema.from_yaml(schema.to_yaml()) == schema
        True
    """

    positional: ClassVar[tuple[str, ...]] = ("columns", "steps")
    columns: dict[str, ColumnType]
    steps: Steps | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.columns:
            raise wrong_value(expected="at least one column", cause="a table has columns", fix="name them: columns: {age: integer}")
        own = next((name for name in self.columns if name.startswith("__lamina_")), None)
        if own is not None:
            raise wrong_value(
                expected="names of columns that do not begin with __lamina_",
                cause=f"{own!r} is what pipelines call columns of their own while they run",
                fix="rename the column where the table is made",
            )
        for name in () if self.steps is None else (*self.steps.keys, *self.steps.order):
            if name not in self.columns:
                near = nearest(name, self.columns)
                raise wrong_value(
                    expected=f"steps of columns of the schema: {', '.join(list(self.columns)[:12])}",
                    cause=f"there is no column {name!r}",
                    fix=f"did you mean {near!r}?" if near else "add the column, or name another one",
                )
        return self

    # -- asking it ----------------------------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self.columns)

    @property
    def kinds(self) -> dict[str, Kind]:
        """Kind of each column by name."""
        return {name: column.kind for name, column in self.columns.items()}

    @property
    def exact_kinds(self) -> dict[str, str]:
        """Kind of each column as expressions know it: times with their zone, unless that is UTC."""
        return {name: exact_kind(column) for name, column in self.columns.items()}

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def require(self, names: Iterable[str], where: str) -> None:
        """See that columns are there.

        Raises:
            DataError: DA100 for each that isn't, with the nearest name.
        """
        problems = []
        for name in names:
            if name not in self.columns:
                near = nearest(name, self.columns)
                shown = ", ".join(self.names[:12]) + (" ..." if len(self.names) > 12 else "")
                problems.append(
                    Problem(
                        code="DA100",
                        where=where,
                        expected=f"a column {name!r}",
                        got=f"the columns {shown}",
                        cause="a typo" if near else "no such column is there at this point",
                        fix=f"did you mean {near!r}?" if near else "name one of its columns, or add it before",
                    )
                )
        if problems:
            raise DataError.of(problems)

    # -- changing it --------------------------------------------------------------------------------------------------

    def with_columns(self, columns: Mapping[str, ColumnType | str]) -> Schema:
        """The same with columns added at the end, or changed where they stand."""
        return self.replace(columns={**self.columns, **columns})

    def without(self, names: Iterable[str]) -> Schema:
        """The same without these columns; rows stay steps only if their keys stay."""
        gone = {*names}
        return self.only(name for name in self.columns if name not in gone)

    def only(self, names: Iterable[str]) -> Schema:
        """The same with these columns alone, in this order."""
        kept = {name: self.columns[name] for name in names}
        steps = self.steps
        if steps is not None and not {*steps.keys} <= {*kept}:
            steps = None
        elif steps is not None:
            steps = Steps(keys=steps.keys, order=tuple(name for name in steps.order if name in kept))
        return Schema(columns=kept) if steps is None else Schema(columns=kept, steps=steps)

    def renamed(self, names: Mapping[str, str]) -> Schema:
        """The same with other names for some columns."""
        steps = self.steps
        if steps is not None:
            steps = Steps(keys=[names.get(key, key) for key in steps.keys], order=[names.get(key, key) for key in steps.order])
        columns = {names.get(name, name): column for name, column in self.columns.items()}
        return Schema(columns=columns) if steps is None else Schema(columns=columns, steps=steps)

    # -- comparing and printing it ------------------------------------------------------------------------------------

    def differences(self, other: Schema) -> list[str]:
        """What another schema has differently, a sentence each; none if both are the same.

        Example:
            >>> Schema({"a": "integer", "b": "string"}).differences(Schema({"a": "float"}))
            ["column 'a' is float instead of integer", "column 'b' is missing"]
        """
        found = []
        for name, column in self.columns.items():
            theirs = other.columns.get(name)
            if theirs is None:
                near = nearest(name, [new for new in other.columns if new not in self.columns])
                found.append(f"column {name!r} is missing" + (f"; is it {near!r}?" if near else ""))
            elif theirs.kind != column.kind:
                found.append(f"column {name!r} is {theirs.kind} instead of {column.kind}")
            elif theirs != column:
                found.append(f"column {name!r} asks for {_shown(theirs) or 'nothing'} instead of {_shown(column) or 'nothing'}")
        found += [f"column {name!r} is new" for name in other.columns if name not in self.columns]
        shared = [name for name in self.names if name in other.columns]
        if shared != [name for name in other.names if name in self.columns]:
            found.append(f"the columns stand in another order: {', '.join(other.names[:12])}")
        if self.steps != other.steps:
            found.append(f"rows are {_steps(other.steps)} instead of {_steps(self.steps)}")
        return found

    def __str__(self) -> str:
        names = [name if name.isprintable() else repr(name) for name in self.columns]
        widths = max(map(len, names)), max(len(column.kind) for column in self.columns.values())
        lines = [
            f"{name:<{widths[0]}}  {column.kind:<{widths[1]}}  {_shown(column)}".rstrip()
            for name, column in zip(names, self.columns.values(), strict=True)
        ]
        return "\n".join([*lines, *([] if self.steps is None else [f"rows are {_steps(self.steps)}"])])


def _shown(column: ColumnType) -> str:
    parts: list[str] = []
    for name, value in column.constraints().items():
        if isinstance(value, bool):
            parts += [name.replace("_", " ")] if value else []
        elif isinstance(value, tuple):
            parts.append(f"{', '.join(map(str, value[:8]))}{f' ... ({len(value)})' if len(value) > 8 else ''}")
        elif value is not None:
            parts.append(f"{name.replace('_', ' ')} {value}")
    return "; ".join(parts)


def _steps(steps: Steps | None) -> str:
    if steps is None:
        return "samples of their own"
    return f"steps of the sequences of {', '.join(steps.keys)}" + (f", sorted by {', '.join(steps.order)}" if steps.order else "")


def exact_kind(column: ColumnType) -> str:
    """The kind of a column as expressions know it.

    Example:
        >>> exact_kind(column_of("time", zone="Europe/Zurich"))
        'time[Europe/Zurich]'
    """
    kind = column.kind
    zone = getattr(column, "zone", "UTC") if kind == "time" else "UTC"
    return f"{kind}[{zone}]" if zone != "UTC" else kind


def column_of(kind: str, **settings: Any) -> ColumnType:
    """A column of a kind, by its name.

    Example:
        >>> column_of("integer", minimum=0)
        IntegerColumn(minimum=0)
    """
    from lamina.spec import registry

    found: Any = registry.get("column", kind)
    made: ColumnType = found(**settings)
    return made

"""A process on its way to a pipeline: the columns as DataVec sees them beside the steps that make the same here."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lamina.data.pipeline.datavec.columns import Column
from lamina.data.pipeline.step import Step
from lamina.data.table.schema import Schema
from lamina.errors import DataError, LaminaWarning, nearest

if TYPE_CHECKING:
    from lamina.data.pipeline.datavec.reading import Node

ORDER, KEY, PIECE, WINDOW = "step", "sequence", "piece", "window"


class Draft:
    """What has been made of a process so far.

    DataVec's sequences are lists of rows; here columns say which sequence a row belongs to. They are made beside DataVec's own columns,
    so that nothing that becomes of those takes the sequences apart.

    Attributes:
        columns: The columns as DataVec sees them, in order.
        steps: The steps so far.
        schema: What they give.
        sequences: Whether rows are steps of sequences.
        keys: Columns that say of which, beside DataVec's.
        order: Columns that say in which order, beside DataVec's.
        checked: Names of columns whose invalid values the process deals with; None is all.
        input: What the raw rows must be.
    """

    def __init__(self, columns: Sequence[Column], checked: frozenset[str] | None, spoken: frozenset[str], *, sequences: bool) -> None:
        self.columns: list[Column] = []
        for column in columns:
            self.columns.append(replace(column, own=_different(column.name, {one.own for one in self.columns})))
        self.checked = checked
        self._spoken = spoken
        self.steps: list[Step] = []
        self.sequences = sequences
        self.keys: list[str] = []
        self.order: list[str] = []
        given: dict[str, Any] = {column.own: column.described(loose=self.is_checked(column)) for column in self.columns}
        if sequences:
            self.keys = [_different(KEY, spoken)]
            given = {self.keys[0]: "integer", **given}
        self.input = self.schema = Schema(columns=given)
        if sequences:
            self.add("to_sequence", keys=self.keys)
        self._read_loosely()

    def _read_loosely(self) -> None:
        """Make of text what it spells, in columns where text that spells nothing is dealt with by the process."""
        made = {}
        for column in self.columns:
            if self.is_checked(column) and column.type in ("Integer", "Long", "Double", "Float"):
                made[column.own] = f"{column.kind}({column.x})"
        if made:
            self.derive(made)

    def is_checked(self, column: Column) -> bool:
        """Whether the process deals with invalid values of a column."""
        return self.checked is None or column.name in self.checked

    # -- columns ------------------------------------------------------------------------------------------------------

    def find(self, name: str, node: Node, types: Iterable[str] = (), *, first: bool = False) -> Column:
        """The column of a name: the last, where two have it; or the first, as conditions look for it.

        Raises:
            DataError: DA243, if there is none, or it is of no type among ``types``.
        """
        found = [column for column in self.columns if column.name == name]
        if not found:
            near = nearest(name, [column.name for column in self.columns])
            raise node.error(
                "DA243",
                where=f"column {name[:80]!r}",
                expected=f"one of the columns {', '.join(repr(column.name) for column in self.columns[:12])}",
                got=repr(name)[:80],
                cause="no column has this name at this point",
                fix=f"did you mean {near!r}?" if near else "correct the name",
            )
        column = found[0 if first else -1]
        if types and column.type not in types:
            raise node.error(
                "DA243",
                where=f"column {name!r}",
                expected=f"a column of the type {' or '.join(types)}",
                got=column.type,
                cause="DataVec refuses this, too",
                fix="correct the column, or the action",
            )
        return column

    def named(self, node: Node, key: str = "columnName", types: Iterable[str] = ()) -> Column:
        """The column that a setting names."""
        return self.find(node.text(key), node, types)

    def free(self, name: str, *, hidden: bool = False) -> str:
        """A name that no column here has yet: ``name``, or with a number behind it.

        Args:
            name: What it should be.
            hidden: Whether the column stands beside DataVec's; then no column that the file speaks of may ever need the name.
        """
        taken = {column.own for column in self.columns} | {*self.schema.names} | (self._spoken if hidden else frozenset())
        return _different(name, taken)

    def change(self, column: Column, **values: Any) -> Column:
        """Describe a column anew where it stands."""
        changed = replace(column, **values)
        self.columns[self.columns.index(column)] = changed
        return changed

    def retype(self, column: Column, kind: str, **values: Any) -> Column:
        """A column of another type, where it stands, with none of its old limits."""
        return self.swap(column, [Column(column.name, column.own, kind, **values)])[0]

    def swap(self, column: Column, others: Sequence[Column]) -> Sequence[Column]:
        """Other columns in the place of one."""
        place = self.columns.index(column)
        self.columns[place : place + 1] = others
        return others

    def put(self, column: Column, after: Column | None = None) -> Column:
        """A new column, at the end or behind another."""
        place = len(self.columns) if after is None else self.columns.index(after) + 1
        self.columns.insert(place, column)
        return column

    @property
    def hidden(self) -> list[str]:
        """Columns beside DataVec's."""
        return [*self.keys, *self.order]

    # -- steps --------------------------------------------------------------------------------------------------------

    def add(self, kind: str, **settings: Any) -> None:
        """Take a step.

        Raises:
            DataError: If it can't be taken there.
        """
        from lamina.spec import registry

        component: Any = registry.get("step", kind)
        step: Step = component(**settings)
        self.schema = step.output(self.schema)
        self.steps.append(step)

    def derive(self, made: Mapping[str, str]) -> None:
        """Compute columns."""
        self.add("derive", columns=dict(made))

    def drop(self, names: Iterable[str]) -> None:
        """Leave columns out."""
        self.add("drop", columns=list(names))

    def sequence(self, node: Node) -> None:
        """See that rows are steps of sequences; if not, take all of them as one.

        DataVec describes such a process, and says when it runs that it can't.
        """
        if self.sequences:
            return
        note(node, "it works on sequences, but rows stand for themselves here, which DataVec can't run; all rows are taken as one sequence")
        self.keys, self.order = [self.free(KEY, hidden=True)], []
        self.derive({self.keys[0]: "0"})
        self.add("to_sequence", keys=self.keys)
        self.sequences = True

    def as_sequences(self) -> None:
        """Say, after a step that forgot it, which sequences rows belong to."""
        self.add("to_sequence", keys=self.keys, order=self.order)

    def settle(self, *, order: bool) -> None:
        """Make the schema here what DataVec's is: kinds, words of categories and, if asked for, the order of columns."""
        for column in self.columns:
            own = self.schema.columns[column.own]
            if column.type == "Categorical" and column.states and getattr(own, "values", None) != column.states:
                unknown = "missing" if self.is_checked(column) else "error"
                self.add("categorical", columns=[column.own], values={column.own: column.states}, unknown=unknown)
            elif own.kind != column.kind:
                text = {"string": column.text, "float": column.number, "integer": column.whole, "categorical": column.text}
                self.derive({column.own: text.get(column.kind, column.x)})
        wanted = [*self.keys, *(column.own for column in self.columns), *self.order]
        if order and wanted != list(self.schema.names):
            self.add("select", columns=wanted)


def _different(name: str, taken: Set[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def note(node: Node, text: str) -> None:
    """Say what the file relies on and DataVec does in its own way."""
    source = node.document.source(node.path)
    place = f"{source}: " if source else ""
    warnings.warn(f"[DA246] {place}{node.action}: {text}", LaminaWarning, stacklevel=4)


def outside(node: Node, error: DataError) -> DataError:
    """An error of a step, at the action that asked for it."""
    first = error.problems[0]
    return node.error("DA243", where=first.where, expected=first.expected, got=first.got, cause=first.cause, fix=first.fix)

"""Actions that leave out, add, copy, rename and order columns, and put values in the place of values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lamina.data.pipeline.datavec.columns import KINDS, Column
from lamina.data.pipeline.datavec.conditions import condition
from lamina.data.pipeline.datavec.values import literal, value_of

if TYPE_CHECKING:
    from lamina.data.pipeline.datavec.draft import Draft
    from lamina.data.pipeline.datavec.reading import Node


def _remove(draft: Draft, node: Node) -> None:
    gone = {*node.texts("columnsToRemove")}
    for name in gone:
        draft.find(name, node)
    _keep(draft, node, [column for column in draft.columns if column.name not in gone], "columnsToRemove")


def _keep_some(draft: Draft, node: Node) -> None:
    kept = {*node.texts("columnsToKeep")}
    for name in kept:
        draft.find(name, node)
    _keep(draft, node, [column for column in draft.columns if column.name in kept], "columnsToKeep")


def _keep(draft: Draft, node: Node, kept: list[Column], key: str) -> None:
    if not kept:
        raise node.wrong(key, "at least one column that stays")
    gone = [column.own for column in draft.columns if column not in kept]
    if gone:
        draft.drop(gone)
    draft.columns = kept


def _rename(draft: Draft, node: Node) -> None:
    old, new = node.texts("oldNames"), node.texts("newNames")
    if len(old) != len(new) or not old:
        raise node.wrong(key="newNames", expected="as many names as oldNames")
    names = dict(zip([draft.find(name, node).own for name in old], new, strict=True))
    staying = {column.own for column in draft.columns if column.own not in names} | {*draft.hidden}
    made: dict[str, str] = {}
    for own, name in names.items():
        free, number = name, 2
        while free in staying or free in made.values():
            free, number = f"{name}_{number}", number + 1
        made[own] = free
    draft.columns = [replace(one, name=names[one.own], own=made[one.own]) if one.own in names else one for one in draft.columns]
    changed = {own: name for own, name in made.items() if own != name}
    if changed:
        draft.add("rename", columns=changed)


def _reorder(draft: Draft, node: Node) -> None:
    first = list(dict.fromkeys(draft.find(name, node) for name in node.texts("newOrder")))
    draft.columns = [*first, *(column for column in draft.columns if column not in first)]


def _duplicate(draft: Draft, node: Node) -> None:
    old, new = node.texts("columnsToDuplicate"), node.texts("newColumnNames")
    if len(old) != len(new) or not old:
        raise node.wrong(key="newColumnNames", expected="as many names as columnsToDuplicate")
    copied = [column for column in draft.columns if column in [draft.find(name, node) for name in old]]
    made = {}
    # Names go to the columns in their order in the table, not in that of the list.
    for column, name in zip(copied, new, strict=False):
        copy = draft.put(replace(column, name=name, own=draft.free(name)), after=column)
        made[copy.own] = column.x
    draft.derive(made)


def _add_constant(draft: Draft, node: Node) -> None:
    kind = node.choice("newColumnType", tuple(KINDS))
    if kind in ("Categorical", "Bytes", "NDArray"):
        raise node.wrong(key="newColumnType", expected="a type of which DataVec makes constants: a number, String, Time or Boolean")
    value = value_of(node.at("fixedValue"))
    name = node.text("newColumnName")
    column = Column(name, draft.free(name), kind)
    draft.derive({column.own: literal(value, kind, column.zone, node)})
    draft.put(column)


def _replace_where(draft: Draft, node: Node) -> None:
    column = draft.named(node, "columnToReplace")
    new = literal(value_of(node.at("newValue")), column.type, column.zone, node)
    _where(draft, column, condition(draft, node.at("condition")), new, column.x)


def _replace_where_else(draft: Draft, node: Node) -> None:
    column = draft.named(node, "columnToReplace")
    yes, no = (literal(value_of(node.at(key)), column.type, column.zone, node) for key in ("yesVal", "noVal"))
    # Versions before the first of 2019 wrote the key so.
    _where(draft, column, condition(draft, node.at("condition" if "condition" in node else "condiiton")), yes, no)


def _copy_where(draft: Draft, node: Node) -> None:
    column, source = draft.named(node, "columnToReplace"), draft.named(node, "sourceColumn")
    value = source.x if source.type == column.type else {"integer": source.whole, "float": source.number}.get(column.kind, source.text)
    _where(draft, column, condition(draft, node.at("condition")), value, column.x)


def _where(draft: Draft, column: Column, asked: str, yes: str, no: str) -> None:
    draft.derive({column.own: f"where({asked}, {yes}, {no})"})


ACTIONS = {
    "RemoveColumnsTransform": _remove,
    "RemoveAllColumnsExceptForTransform": _keep_some,
    "RenameColumnsTransform": _rename,
    "ReorderColumnsTransform": _reorder,
    "DuplicateColumnsTransform": _duplicate,
    "AddConstantColumnTransform": _add_constant,
    "ConditionalReplaceValueTransform": _replace_where,
    "ConditionalReplaceValueTransformWithDefault": _replace_where_else,
    "ConditionalCopyValueTransform": _copy_where,
}

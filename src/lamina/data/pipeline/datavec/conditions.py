"""Conditions and filters, as expressions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lamina.data.pipeline.datavec.columns import REAL, WORDS, checked_pattern, constant

if TYPE_CHECKING:
    from lamina.data.pipeline.datavec.columns import Column
    from lamina.data.pipeline.datavec.draft import Draft
    from lamina.data.pipeline.datavec.reading import Node

SIGNS = {"LessThan": "<", "LessOrEqual": "<=", "GreaterThan": ">", "GreaterOrEqual": ">=", "Equal": "==", "NotEqual": "!="}
SETS = {"InSet": "in", "NotInSet": "not in"}
COMPARING = {
    "DoubleColumnCondition": "real",
    "FloatColumnCondition": "real",
    "IntegerColumnCondition": "whole",
    "LongColumnCondition": "whole",
    "TimeColumnCondition": "whole",
    "StringColumnCondition": "text",
    "CategoricalColumnCondition": "text",
}
LOOKING = (
    "NullWritableColumnCondition",
    "InvalidValueColumnCondition",
    "NaNColumnCondition",
    "InfiniteColumnCondition",
    "BooleanColumnCondition",
    "StringRegexColumnCondition",
    "TrivialColumnCondition",
)
CONDITIONS = (*COMPARING, *LOOKING, "BooleanCondition", "SequenceLengthCondition")
FILTERS = ("ConditionFilter", "FilterInvalidValues", "InvalidNumColumns")


def condition(draft: Draft, node: Node, *, whole: bool = False) -> str:
    """A condition as an expression; where a value is missing it can be neither true nor false.

    Args:
        draft: The columns.
        node: The condition.
        whole: Whether it is asked of whole sequences: it holds for one if it does at any step.

    Raises:
        DataError: DA242 or DA243.
    """
    kind, settings = node.kind, node.settings
    if kind == "BooleanCondition":
        return _joined(draft, settings, whole=whole)
    if kind == "SequenceLengthCondition":
        if not whole:
            raise node.error(
                "DA243",
                where="SequenceLengthCondition",
                expected="a filter of sequences around it",
                got="a condition on single rows",
                cause="a row has no length; DataVec refuses this, too",
                fix="use the condition in a filter, after rows were made sequences",
            )
        return _compared("count()", settings, "whole", "length")
    found = _of_column(draft, kind or "", settings)
    return f"any(coalesce({found}, false))" if whole else found


def _joined(draft: Draft, settings: Node, *, whole: bool) -> str:
    kind = settings.choice("type", ("AND", "OR", "NOT", "XOR"))
    parts = [condition(draft, one, whole=whole) for one in settings.items("conditions")]
    wanted = {"NOT": 1, "XOR": 2}.get(kind)
    if not parts or (wanted is not None and len(parts) != wanted):
        raise settings.wrong("conditions", f"{wanted or 'at least one'} for {kind}")
    if kind == "NOT":
        return f"not ({parts[0]})"
    if kind == "XOR":
        return f"exactly_one({parts[0]}, {parts[1]})"
    return "(" + f" {kind.lower()} ".join(f"({part})" for part in parts) + ")"


def _of_column(draft: Draft, kind: str, settings: Node) -> str:
    column = draft.find(settings.text("columnName"), settings, first=True)
    if kind in COMPARING:
        return _comparison(column, COMPARING[kind], settings)
    simple = {
        "NullWritableColumnCondition": f"is_missing({column.x})",
        "InvalidValueColumnCondition": column.invalid,
        "NaNColumnCondition": f"is_nan(float({column.number}))",
        "InfiniteColumnCondition": f"is_infinite(float({column.number}))",
        "BooleanColumnCondition": column.x,
        "TrivialColumnCondition": "true",
    }
    if kind == "BooleanColumnCondition":
        draft.find(column.name, settings, ("Boolean",), first=True)
    if kind == "StringRegexColumnCondition":
        return f"matches({column.text}, {constant(checked_pattern(settings, 'regex'))})"
    return simple[kind]


def _comparison(column: Column, how: str, settings: Node) -> str:
    if how == "text":
        settings.choice("op", ("Equal", "NotEqual", "InSet", "NotInSet"))
        return _compared(column.text, settings, how, "value")
    if how == "whole":
        return _compared(column.whole, settings, how, "value")
    return _compared(f"float({column.number})" if column.type in WORDS else column.number, settings, how, "value", column.type)


def _compared(value: str, settings: Node, how: str, key: str, column: str = "") -> str:
    op = settings.choice("op", (*SIGNS, *SETS))
    if op in SIGNS:
        found = f"{value} {SIGNS[op]} {constant(_read(settings, key, how))}"
        # NaN is larger than all numbers here, and in Java neither larger nor smaller than any.
        return f"{found} and not is_nan({value})" if op.startswith("Greater") and column in (*REAL, *WORDS) else found
    members = settings.at("set")
    if not isinstance(members.data, list):
        raise settings.wrong("set", "a list")
    wanted = tuple(dict.fromkeys(_read(replace(members, data={"value": member}), "value", how) for member in members.data))
    if not wanted:
        return constant(op == "NotInSet")
    if how == "real" and column not in (*REAL, *WORDS):
        value = f"float({value})"
    return f"{value} {SETS[op]} {constant(wanted)}"


def _read(settings: Node, key: str, how: str) -> str | float:
    if how == "text":
        return settings.text(key)
    return settings.integer(key) if how == "whole" else settings.number(key)


def filtered(draft: Draft, node: Node) -> None:
    """Leave rows out, or sequences in which any row says so."""
    kind, settings = node.kind, node.settings
    if kind == "InvalidNumColumns":
        return  # All rows of a table have the same columns.
    if kind == "ConditionFilter":
        going = f"coalesce({condition(draft, settings.at('condition'), whole=draft.sequences)}, false)"
    else:
        going = _invalid(draft, settings)
    draft.add("filter", where=f"not {going}" if going.startswith("coalesce(") else f"not ({going})")


def _invalid(draft: Draft, settings: Node) -> str:
    anywhere = settings.flag("filterAnyInvalid", default="columnsToFilterIfInvalid" not in settings)
    columns = draft.columns if anywhere else [draft.find(name, settings) for name in settings.texts("columnsToFilterIfInvalid")]
    parts = [column.invalid for column in columns]
    found = " or ".join(dict.fromkeys(part for part in parts if part != "false")) or "false"
    return f"any({found})" if draft.sequences else found

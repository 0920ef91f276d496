"""Reducers: many rows to one, by an operation for each column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lamina.data.pipeline.datavec.columns import REAL, WHOLE, WORDS, Column, constant
from lamina.data.pipeline.datavec.conditions import condition
from lamina.data.pipeline.datavec.words import plain_delimiter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lamina.data.pipeline.datavec.draft import Draft
    from lamina.data.pipeline.datavec.reading import Node

NAN = "float('nan')"
SPREAD = {"Stdev": "std", "UncorrectedStdDev": "std_population", "Variance": "variance", "PopulationVariance": "variance_population"}
SAME = ("Min", "Max", "Range", "TakeFirst", "TakeLast")
OPS = (*SAME, "Sum", "Prod", "Mean", *SPREAD, "Count", "CountUnique", "Append", "Prepend")
ON_WORDS = ("Count", "CountUnique", "TakeFirst", "TakeLast", "Append", "Prepend")
ON_TIMES = ("Min", "Max", "Range", "Mean", "Stdev", "Count", "CountUnique", "TakeFirst", "TakeLast")
ON_BYTES = ("TakeFirst", "TakeLast")
ON_NUMBERS = tuple(op for op in OPS if op not in ("Append", "Prepend"))
_OF_NOTHING = {"Count": "0", "CountUnique": "0", "Mean": "0.0", "Append": "''", "Prepend": "''"}
REDUCTIONS = ("GeographicMidpointReduction",)


@dataclass(frozen=True)
class Reduced:
    """A column that a reducer makes.

    Attributes:
        column: The column.
        aggregate: What it is, an aggregate; empty for a key.
        of_nothing: What it is where there is no row at all, if not missing.
    """

    column: Column
    aggregate: str
    of_nothing: str = ""


def reduced(draft: Draft, node: Node, columns: list[Column], *, constants: Iterable[str] = ()) -> list[Reduced]:
    """What a reducer makes, in order.

    Args:
        draft: The columns.
        node: The reducer.
        columns: What it reduces.
        constants: Of these the ones that are the same in all rows: names of columns here.

    Raises:
        DataError: DA242 or DA243.
    """
    settings = node.settings
    keys = set(settings.texts("keyColumns")) if "keyColumns" in settings else set()
    for name in keys:
        draft.find(name, settings)
    default = settings.choice("defaultOp", OPS) if "defaultOp" in settings else None
    ops = {name: _ops(settings.at("opMap"), name) for name in settings.entries("opMap")}
    custom, conditional = settings.entries("customReductions"), settings.entries("conditionalReductions")
    valid_only = {*settings.texts("ignoreInvalidInColumns")} if "ignoreInvalidInColumns" in settings else set()
    found: list[Reduced] = []
    for column in columns:
        name = column.name
        if name in keys:
            found.append(Reduced(column, ""))
            continue
        if name in custom:
            found.append(_midpoint(column, custom[name]))
            continue
        if name in conditional:
            found += _conditional(draft, column, conditional[name], valid=name in valid_only)
            continue
        wanted = ops.get(name) or ([default] if default else [])
        if not wanted:
            raise settings.wrong("defaultOp", f"an operation for column {name!r}, for which opMap has none")
        only = f"not ({column.invalid})" if name in valid_only and column.invalid != "false" else ""
        for op in wanted:
            found.append(_one(column, op, settings, only, constant_there=column.own in constants))
    return found


def _ops(node: Node, name: str) -> list[str]:
    from lamina.data.pipeline.datavec.reading import Node as Part

    listed = node.texts(name)
    for op in listed:
        Part(node.document, (*node.path, name), {"op": op}, node.action).choice("op", OPS)
    return listed


def _conditional(draft: Draft, column: Column, node: Node, *, valid: bool) -> list[Reduced]:
    names, ops = node.texts("outputNames"), node.texts("reductions")
    if len(names) != len(ops):
        raise node.wrong(key="outputNames", expected="as many names as reductions")
    only = condition(draft, node.at("condition"))
    if valid and column.invalid != "false":
        only = f"({only}) and not ({column.invalid})"
    made = []
    for name, op in zip(names, ops, strict=True):
        if op not in OPS:
            raise node.wrong("reductions", f"operations among {', '.join(OPS)}")
        one = _one(column, op, node, only)
        made.append(replace(one, column=replace(one.column, name=name)))
    return made


def _one(column: Column, op: str, node: Node, only: str, *, constant_there: bool = False) -> Reduced:
    numbers = dict.fromkeys((*WHOLE, *REAL), ON_NUMBERS)
    allowed = {**numbers, **dict.fromkeys(WORDS, ON_WORDS), "Time": ON_TIMES, "Bytes": ON_BYTES}.get(column.type, ())
    if op not in allowed:
        raise node.error(
            "DA243",
            where=f"column {column.name!r}",
            expected=f"an operation that DataVec has for {column.type} columns" + (f": {', '.join(allowed)}" if allowed else ""),
            got=op,
            cause="DataVec refuses this, too",
            fix="choose another operation for this column",
        )
    aggregate = operation(column, op, conditional=bool(only))
    if only:
        aggregate = f"only({aggregate}, {only})"
    return Reduced(
        _made(column, op), aggregate, {"Count": "0", "CountUnique": "0", "Mean": "0.0", "Append": "''", "Prepend": "''"}.get(op, "")
    )


def operation(column: Column, op: str, *, conditional: bool = False) -> str:
    """An operation as an aggregate, which gives what DataVec gives."""
    x, numbers = column.x, column.number
    if op in SPREAD:
        # Of a single value DataVec's is 0 / 0.
        return f"coalesce({SPREAD[op]}(float({numbers})), {NAN})"
    if op == "Mean":
        return f"mean(float({numbers}))"
    if op in ("Count", "CountUnique"):
        return "count()" if op == "Count" else f"count_distinct({x})"
    if op in ("TakeFirst", "TakeLast"):
        return f"{op.removeprefix('Take').lower()}({x})"
    if op in ("Append", "Prepend"):
        return f"join_text({x}, '')" if op == "Append" else f"reverse(join_text(reverse({x}), ''))"
    if op in ("Sum", "Prod"):
        found = f"sum({x})" if op == "Sum" else f"product(float({x}))" if column.type in REAL else f"integer(product(float({x})))"
        return f"where(count({x}) == 0, null, {found})" if conditional else found
    if op == "Range" and column.type == "Time":
        zone = "" if column.zone == "UTC" else f", {constant(column.zone)}"
        return f"from_epoch_milliseconds(max({numbers}) - min({numbers}){zone})"
    return f"{op.lower()}({x})"


def _made(column: Column, op: str) -> Column:
    name = f"{op.lower()}({column.name})"
    if op in SAME:
        return replace(column, name=name)
    if op in ("Sum", "Prod"):
        return Column(name, column.own, column.type, zone=column.zone)
    if op in ("Count", "CountUnique"):
        return Column(name, column.own, "Long", minimum=0)
    return Column(name, column.own, "String" if op in ("Append", "Prepend") else "Double")


def _midpoint(column: Column, node: Node) -> Reduced:
    settings = node.settings
    delimiter = plain_delimiter(settings, "delim")
    latitude, longitude = (f"float(split({column.text}, {constant(delimiter)}, {place}))" for place in (0, 1))
    parts = [f"string(midpoint_{name}({latitude}, {longitude}))" for name in ("latitude", "longitude")]
    name = settings.text("newColumnName", f"midpoint({column.name})")
    return Reduced(Column(name, column.own, "String"), f"concat({parts[0]}, {constant(delimiter)}, {parts[1]})")


def named(found: list[Reduced], taken: Iterable[str]) -> list[Reduced]:
    """The same, each column under a name that no other has here."""
    used = {*taken, *(one.column.own for one in found if not one.aggregate)}
    made = []
    for one in found:
        own = one.column.own
        if one.aggregate:
            own, number = one.column.name, 2
            while own in used:
                own, number = f"{one.column.name}_{number}", number + 1
            used.add(own)
        made.append(replace(one, column=replace(one.column, own=own)))
    return made


def reduce(draft: Draft, node: Node) -> None:
    """Rows with the same keys become one; within their sequence, where rows are steps."""
    found = named(reduced(draft, node, draft.columns), draft.hidden)
    keys = [one.column.own for one in found if not one.aggregate]
    made = {one.column.own: one.aggregate for one in found if one.aggregate}
    if draft.sequences:
        from lamina.data.pipeline.datavec.draft import note

        note(node, "it reduces within sequences, which DataVec describes but can't run; each sequence is reduced by itself")
    group(draft, keys, made)
    draft.columns = [one.column for one in found]


def group(draft: Draft, keys: list[str], made: dict[str, str]) -> None:
    """One row for each combination of keys, of each sequence if rows are steps."""
    from lamina.data.pipeline.datavec.columns import Column as Hidden

    order = {name: f"first({Hidden(name, name, 'Long').x})" for name in draft.order}
    if not made and not order:
        draft.add("distinct", columns=[*draft.keys, *keys])
        return
    draft.add("group_by", keys=[*draft.keys, *keys], aggregates={**made, **order}, order=draft.order)
    if draft.sequences:
        draft.as_sequences()

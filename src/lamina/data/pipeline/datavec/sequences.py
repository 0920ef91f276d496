"""Actions that make sequences, take them apart, cut, shift and reduce them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lamina.data.pipeline.datavec.columns import REAL, WHOLE, Column, constant
from lamina.data.pipeline.datavec.draft import KEY, ORDER, PIECE, note
from lamina.data.pipeline.datavec.reductions import NAN, group, named, reduced
from lamina.data.pipeline.datavec.times import duration
from lamina.data.pipeline.datavec.values import literal, value_of

if TYPE_CHECKING:
    from lamina.data.pipeline.datavec.draft import Draft
    from lamina.data.pipeline.datavec.reading import Node

COMPARATORS = ("NumericalColumnComparator", "StringComparator")
SPLITS = ("SequenceSplitTimeSeparation", "SplitMaxLengthSequence")
BY_TEXT = ("TextWritableComparator", "Text$Comparator", "Comparator")
BY_NUMBER = (
    *(f"{kind}WritableComparator" for kind in ("Int", "Long", "Double", "Float")),
    *(f"{kind}Writable$Comparator" for kind in ("Int", "Long", "Double", "Float", "Byte", "Boolean")),
)
DOWNWARDS = ("LongWritable$DecreasingComparator", "DecreasingComparator")
SINGLE = (*BY_TEXT, *BY_NUMBER, *DOWNWARDS)
MOST_LOOKED_BACK, MOST_COMPARED = 200, 30

# -- there and back ---------------------------------------------------------------------------------------------------


def to_sequence(draft: Draft, node: Node) -> None:
    """Rows become steps of sequences, by columns of their own: DataVec's may change, and the sequences must not."""
    if draft.sequences:
        raise _misplaced(node, "rows that stand for themselves", "steps of sequences already")
    made: dict[str, str] = {}
    single = node.flag("singleStepSequencesMode")
    columns = [] if single else [draft.find(name, node) for name in node.texts("keyColumns" if "keyColumns" in node else "keyColumn")]
    if not single and not columns:
        raise node.wrong(key="keyColumns", expected="at least one column")
    for column in columns:
        key = draft.free(f"{KEY}[{column.name}]", hidden=True)
        draft.keys.append(key)
        made[key] = column.x
    if single:
        draft.keys = [draft.free(KEY, hidden=True)]
        draft.add("window", columns={draft.keys[0]: "row_number() - 1"})
    elif node.at("comparator").data is not None:
        draft.order = [draft.free(ORDER, hidden=True)]
        made[draft.order[0]] = _ordered(draft, node.at("comparator"))
    if made:
        draft.derive(made)
    draft.sequences = True
    draft.as_sequences()


def _ordered(draft: Draft, node: Node) -> str:
    settings = node.settings
    if node.kind == "StringComparator":
        return draft.named(settings).text
    column = draft.named(settings, types=(*WHOLE, *REAL, "Time"))
    return column.x if settings.flag("ascending", default=True) else f"-{column.number}"


def from_sequence(draft: Draft, node: Node) -> None:
    """Rows stand for themselves again."""
    if not draft.sequences:
        raise _misplaced(node, "rows that are steps of sequences", "rows that stand for themselves")
    draft.add("from_sequence")
    draft.drop(draft.hidden)
    draft.keys, draft.order, draft.sequences = [], [], False


def _misplaced(node: Node, expected: str, got: str) -> Exception:
    return node.error(
        "DA243", where="the rows", expected=expected, got=got, cause="DataVec refuses this, too", fix="correct the order of the actions"
    )


# -- how long they are ------------------------------------------------------------------------------------------------


def split(draft: Draft, node: Node) -> None:
    """Sequences are cut into several."""
    settings = node.settings
    draft.sequence(node)
    piece = draft.free(PIECE, hidden=True)
    if node.kind == "SplitMaxLengthSequence":
        most = _positive(settings, "maxSequenceLength")
        if settings.flag("equalSplits"):
            size = f"((count() + {most - 1}) // {most})"
            draft.add("window", columns={piece: f"where(count() > {most}, (row_number() - 1) // {size}, 0)"})
        else:
            draft.add("window", columns={piece: f"(row_number() - 1) // {most}"})
    else:
        time = draft.named(settings, "timeColumn", ("Time",))
        gap = duration(settings, "timeQuantity", "timeUnit")
        begun = draft.free(f"{PIECE} begins", hidden=True)
        moment = time.number
        draft.add("window", columns={begun: f"where({moment} - lag({moment}, 1) > {gap}, 1, 0)"})
        draft.add("window", columns={piece: f"cumulative_sum({Column(begun, begun, 'Long').x})"})
        draft.drop([begun])
    draft.keys.append(piece)
    draft.as_sequences()


def _trim(draft: Draft, node: Node) -> None:
    draft.sequence(node)
    steps = node.integer("numStepsToTrim")
    if steps < 0:
        raise node.wrong(key="numStepsToTrim", expected="at least 0")
    if steps:
        draft.add("trim_sequence", steps=steps, side="start" if node.flag("trimFromStart") else "end")


def _trim_to(draft: Draft, node: Node) -> None:
    draft.sequence(node)
    most = _positive(node, "maxLength")
    if node.choice("mode", ("TRIM", "TRIM_OR_PAD")) == "TRIM":
        draft.add("trim_sequence", keep=most, side="end")
        return
    values = [value_of(one) for one in node.items("pad")]
    if len(values) != len(draft.columns):
        raise node.wrong("pad", f"a value for each of the {len(draft.columns)} columns")
    missing = draft.free("padded", hidden=True)
    # Steps that are added are told from others by what they lack, then given their values.
    draft.derive({missing: "false"})
    draft.add("pad_sequence", length=most)
    marked = f"is_missing({Column(missing, missing, 'Boolean').x})"
    draft.derive(
        {
            column.own: f"where({marked}, {literal(value, column.type, column.zone, node)}, {column.x})"
            for column, value in zip(draft.columns, values, strict=True)
        }
    )
    draft.drop([missing])


def _positive(node: Node, key: str) -> int:
    number = node.integer(key)
    if not 1 <= number < 2**31:
        raise node.wrong(key, "at least 1")
    return number


# -- steps around a step ----------------------------------------------------------------------------------------------


def _offset(draft: Draft, node: Node) -> None:
    draft.sequence(node)
    steps, place = node.integer("offsetAmount"), node.choice("operationType", ("InPlace", "NewColumn"))
    if abs(steps) >= 2**31:
        raise node.wrong(key="offsetAmount", expected="a number of steps")
    trims = node.choice("edgeHandling", ("TrimSequence", "SpecifiedValue")) == "TrimSequence"
    names = {*node.texts("columnsToOffset")}
    for name in names:
        draft.find(name, node)
    made: dict[str, str] = {}
    for column in [one for one in draft.columns if one.name in names]:
        moved = replace(column, name=f"sequenceOffset({steps},{column.name})")
        moved = replace(moved, own=draft.free(moved.name))
        shifted = f"lag({column.x}, {steps})" if steps >= 0 else f"lead({column.x}, {-steps})"
        if not trims:
            beyond = f"row_number() <= {steps}" if steps >= 0 else f"row_number() > count() - {-steps}"
            new = literal(value_of(node.at("edgeCaseValue")), column.type, column.zone, node)
            shifted = f"where({beyond}, {new}, {shifted})"
        made[moved.own] = shifted
        draft.put(moved, after=column)
    if made:
        draft.add("window", columns=made)
    if place == "InPlace" and made:
        gone = [column for column in draft.columns if column.name in names]
        draft.drop([column.own for column in gone])
        draft.columns = [column for column in draft.columns if column not in gone]
        note(node, f"DataVec's schema forgets columns that are shifted in place, its rows don't; they are kept as {', '.join(made)}")
    if trims and steps:
        draft.add("trim_sequence", steps=abs(steps), side="start" if steps > 0 else "end")


def _difference(draft: Draft, node: Node) -> None:
    draft.sequence(node)
    column = draft.named(node, types=(*WHOLE, *REAL, "Time"))
    back, name = _positive(node, "lookback"), node.text("newColumnName", column.name)
    kind = "Long" if column.type == "Time" else column.type
    x = column.number
    made = f"{x} - where(row_number() <= {back}, first({x}), lag({x}, {back}))"
    if node.choice("firstStepMode", ("Default", "SpecifiedValue"), "Default") == "SpecifiedValue":
        new = literal(value_of(node.at("specifiedValueWritable")), kind, "UTC", node)
        made = f"where(row_number() <= {back}, {new}, {x} - lag({x}, {back}))"
    own = column.own if name == column.name else draft.free(name)
    draft.add("window", columns={own: made})
    if own != column.own:
        draft.drop([column.own])
    draft.swap(column, [Column(name, own, kind)])


def _moving_window(draft: Draft, node: Node) -> None:
    draft.sequence(node)
    column, op = draft.named(node), node.text("op")
    back, name = _positive(node, "lookback"), node.text("newColumnName")
    made = Column(name, draft.free(name), *_kind_of(column, op, node))
    made = replace(column, name=made.name, own=made.own) if op in ("Min", "Max", "Range", "TakeFirst", "TakeLast") else made
    value = _rolled(column, op, back, node)
    if node.choice("edgeCaseHandling", ("Default", "SpecifiedValue"), "Default") == "SpecifiedValue":
        edge = literal(value_of(node.at("edgeCaseValue")), made.type, made.zone, node)
        value = f"where(row_number() < {back}, {edge}, {value})"
    draft.add("window", columns={made.own: value})
    draft.put(made)


def _kind_of(column: Column, op: str, node: Node) -> tuple[str]:
    kinds = {"Prod": "Double", "Sum": "Double", "Mean": "Double", "Stdev": "Double", "Count": "Integer", "CountUnique": "Integer"}
    same = {"Min", "Max", "Range", "TakeFirst", "TakeLast"}
    if op not in kinds and op not in same:
        raise node.wrong("op", f"one of {', '.join((*same, *kinds))}")
    if op not in ("Count", "CountUnique", "TakeFirst", "TakeLast") and column.type not in (*WHOLE, *REAL, "Time"):
        raise node.wrong("op", f"Count, CountUnique, TakeFirst or TakeLast for a column of the type {column.type}")
    return (kinds.get(op, column.type),)


def _rolled(column: Column, op: str, back: int, node: Node) -> str:
    x, f = column.number, f"float({column.number})"
    if op in ("TakeLast", "Count"):
        return column.x if op == "TakeLast" else f"min_of(row_number(), {back})"
    if op == "TakeFirst":
        return f"where(row_number() < {back}, first({column.x}), lag({column.x}, {back - 1}))"
    most = {"Prod": MOST_LOOKED_BACK, "CountUnique": MOST_COMPARED}.get(op, back)
    if back > most:
        raise node.wrong("lookback", f"at most {most} for {op}")
    if op == "CountUnique":
        lags = [column.x, *(f"lag({column.x}, {step})" for step in range(1, back))]
        seen = [" or ".join(f"{lags[step]} == {other}" for other in lags[:step]) for step in range(1, back)]
        return " + ".join(["1", *(f"where(row_number() > {step} and not ({one}), 1, 0)" for step, one in enumerate(seen, start=1))])
    if op == "Prod":
        return " * ".join([f, *(f"coalesce(lag({f}, {step}), 1.0)" for step in range(1, back))])
    if op == "Stdev":
        return f"coalesce(rolling_std({x}, {back}, 1), {NAN})"
    if op in ("Sum", "Mean"):
        return f"rolling_{op.lower()}({x}, {back}, 1)"
    ends = {"Min": f"rolling_min({x}, {back}, 1)", "Max": f"rolling_max({x}, {back}, 1)"}
    found = ends[op] if op in ends else f"{ends['Max']} - {ends['Min']}"
    if column.type in WHOLE:
        return f"integer({found})"
    zone = "" if column.zone == "UTC" else f", {constant(column.zone)}"
    return f"from_epoch_milliseconds(integer({found}){zone})" if column.type == "Time" else found


# -- fewer steps ------------------------------------------------------------------------------------------------------


def _reduce_sequence(draft: Draft, node: Node) -> None:
    draft.sequence(node)
    found = named([_first(one) for one in reduced(draft, node.at("reducer"), draft.columns)], draft.hidden)
    group(draft, [], {one.column.own: one.aggregate for one in found})
    draft.columns = [one.column for one in found]


def _first(one: Any) -> Any:
    """Keys, too, are reduced where one row is made of all: to the first."""
    return one if one.aggregate else replace(one, column=one.column, aggregate=f"first({one.column.x})")


def rank(draft: Draft, node: Node) -> None:
    """A column with the place of each row, from 0, among all of them sorted; rows stand in this order from then on."""
    settings = node.settings
    column, name = _sorted_by(draft, settings), settings.text("newColumnName")
    if draft.sequences:
        raise _misplaced(node, "rows that stand for themselves", "rows that are steps of sequences")
    comparator = settings.at("comparator")
    down = not settings.flag("ascending", default=True)
    if comparator.kind in DOWNWARDS:
        down = not down
    by_text = comparator.kind in BY_TEXT and (comparator.kind != "Comparator" or column.kind in ("string", "categorical"))
    value = column.text if by_text else column.number
    made = Column(name, draft.free(name), "Long", minimum=0)
    helper = "" if value == column.x or (column.type == "Time" and not by_text) else draft.free(ORDER, hidden=True)
    if helper:
        draft.derive({helper: value})
    draft.add("window", columns={made.own: "row_number() - 1"}, keys=[], order=[helper or column.own], descending=down)
    draft.add("sort", by=[made.own])
    if helper:
        draft.drop([helper])
    draft.put(made)


def _sorted_by(draft: Draft, node: Node) -> Column:
    """The column to sort by, or what was made of one that was reduced: DataVec looks for it only when it runs."""
    wanted = node.text("sortOnColumn")
    made = [column for column in draft.columns if column.name.rstrip(")").endswith(f"({wanted.rstrip(')')}")]
    if any(column.name == wanted for column in draft.columns) or len(made) != 1:
        return draft.find(wanted, node)
    note(node, f"no column is called {wanted!r} any more, and DataVec stops when it runs; {made[0].name!r}, which was made of it, is taken")
    return made[0]


ACTIONS = {
    "SequenceTrimTransform": _trim,
    "SequenceTrimToLengthTransform": _trim_to,
    "SequenceOffsetTransform": _offset,
    "SequenceDifferenceTransform": _difference,
    "SequenceMovingWindowReduceTransform": _moving_window,
    "ReduceSequenceTransform": _reduce_sequence,
}

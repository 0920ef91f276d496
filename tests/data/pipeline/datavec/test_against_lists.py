"""Whole processes against DataVec's own way: an executor on lists of rows, written from its documentation, and random processes."""

from __future__ import annotations

import json
import math
import random
import statistics
import warnings
from typing import Any

import pytest

from lamina.data.pipeline.datavec import pipeline_from_datavec

Row = dict[str, Any]
STATES = ("red", "green", "blue")


class Lists:
    """Rows as lists, sequences as lists of lists, and DataVec's actions on them.

    Attributes:
        types: Type of each column, in order.
        rows: The rows; of each sequence, where they are steps.
        sequences: Whether they are.
    """

    def __init__(self, types: dict[str, str], rows: list[Row]) -> None:
        self.types, self.rows, self.sequences = dict(types), [rows], False

    def each(self, function: Any) -> None:
        """Change every row."""
        self.rows = [[function(dict(row)) for row in one] for one in self.rows]

    def reordered(self, names: list[str]) -> None:
        self.types = {name: self.types[name] for name in names}

    def behind(self, name: str, new: dict[str, str]) -> None:
        """Put columns behind another, or in its place if it has another type no more."""
        made: dict[str, str] = {}
        for one, kind in self.types.items():
            made[one] = kind
            if one == name:
                made |= new
        self.types = made

    def instead(self, name: str, new: dict[str, str]) -> None:
        self.behind(name, new)
        if name not in new:
            del self.types[name]


def quotient(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def remainder(a: int, b: int) -> int:
    return a - quotient(a, b) * b


OPS = {
    "Add": lambda a, b: a + b,
    "Subtract": lambda a, b: a - b,
    "Multiply": lambda a, b: a * b,
    "Divide": quotient,
    "Modulus": remainder,
    "ReverseSubtract": lambda a, b: b - a,
    "ScalarMin": min,
    "ScalarMax": max,
}
HOLDS = {
    "LessThan": lambda a, b: a < b,
    "LessOrEqual": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "Equal": lambda a, b: a == b,
    "NotEqual": lambda a, b: a != b,
    "InSet": lambda a, b: a in b,
}


def condition(rng: random.Random, lists: Lists) -> tuple[dict[str, Any], Any]:
    """A condition as DataVec writes it, and as a function of a row."""
    if rng.random() < 0.3:
        parts = [condition(rng, lists) for _ in range(2)]
        kind = rng.choice(["AND", "OR", "XOR"])
        joined = {"AND": lambda a, b: a and b, "OR": lambda a, b: a or b, "XOR": lambda a, b: a != b}[kind]
        made = {"BooleanCondition": {"type": kind, "conditions": [part for part, _ in parts]}}
        return made, lambda row: joined(parts[0][1](row), parts[1][1](row))
    name = rng.choice([name for name, kind in lists.types.items() if kind in ("Integer", "String", "Categorical")])
    kind = lists.types[name]
    op = rng.choice(list(HOLDS) if kind == "Integer" else ["Equal", "NotEqual", "InSet"])
    one = rng.randint(-5, 5) if kind == "Integer" else rng.choice([*STATES, "RED", "x"])
    value = [one, one if kind == "Integer" else "red"] if op == "InSet" else one
    setting = {"set": value} if op == "InSet" else {"value": value}
    return {f"{kind}ColumnCondition": {"columnName": name, "op": op, **setting}}, lambda row: HOLDS[op](row[name], value)


def integer(rng: random.Random, lists: Lists) -> str:
    return rng.choice([name for name, kind in lists.types.items() if kind == "Integer"])


def act(rng: random.Random, lists: Lists, number: int) -> dict[str, Any] | None:
    """Draw an action, take it on the lists, and give it as DataVec writes it; None if none was possible."""
    kind = rng.choice([*ROWS, *(IN_SEQUENCES if lists.sequences else ["sequence", "reduce"])])
    return MAKERS[kind](rng, lists, number)


def _scalar(rng: random.Random, lists: Lists, number: int) -> dict[str, Any]:
    name, op = integer(rng, lists), rng.choice(list(OPS))
    scalar = rng.choice([-3, -2, 2, 3, 5])
    lists.each(lambda row: row | {name: OPS[op](row[name], scalar)})
    return transform("IntegerMathOpTransform", columnName=name, mathOp=op, scalar=scalar)


def _columns(rng: random.Random, lists: Lists, number: int) -> dict[str, Any]:
    names, op, new = [integer(rng, lists), integer(rng, lists)], rng.choice(["Add", "Subtract", "Multiply"]), f"n{number}"
    lists.types[new] = "Integer"
    lists.each(lambda row: row | {new: OPS[op](row[names[0]], row[names[1]])})
    return transform("IntegerColumnsMathOpTransform", newColumnName=new, mathOp=op, columns=names)


def _duplicate(rng: random.Random, lists: Lists, number: int) -> dict[str, Any]:
    name, new = rng.choice(list(lists.types)), f"d{number}"
    lists.behind(name, {new: lists.types[name]})
    lists.each(lambda row: row | {new: row[name]})
    return transform("DuplicateColumnsTransform", columnsToDuplicate=[name], newColumnNames=[new])


def _remove(rng: random.Random, lists: Lists, number: int) -> dict[str, Any] | None:
    name = rng.choice(list(lists.types))
    if name == "step" or [*lists.types.values()].count(lists.types[name]) < 2:
        return None
    del lists.types[name]
    return transform("RemoveColumnsTransform", columnsToRemove=[name])


def _rename(rng: random.Random, lists: Lists, number: int) -> dict[str, Any] | None:
    name, new = rng.choice(list(lists.types)), f"r{number}"
    if name == "step":
        return None
    lists.types = {new if one == name else one: kind for one, kind in lists.types.items()}
    lists.each(lambda row: row | {new: row[name]})
    return transform("RenameColumnsTransform", oldNames=[name], newNames=[new])


def _reorder(rng: random.Random, lists: Lists, number: int) -> dict[str, Any]:
    first = rng.sample(list(lists.types), 2)
    lists.reordered([*first, *(name for name in lists.types if name not in first)])
    return transform("ReorderColumnsTransform", newOrder=first)


def _one_hot(rng: random.Random, lists: Lists, number: int) -> dict[str, Any] | None:
    names = [name for name, kind in lists.types.items() if kind == "Categorical"]
    if len(names) < 2:
        return None
    name = rng.choice(names)
    lists.instead(name, {f"{name}[{state}]": "Integer" for state in STATES})
    lists.each(lambda row: row | {f"{name}[{state}]": int(row[name] == state) for state in STATES})
    return transform("CategoricalToOneHotTransform", columnName=name)


def _word(rng: random.Random, lists: Lists, number: int) -> dict[str, Any]:
    name = rng.choice([name for name, kind in lists.types.items() if kind == "String"])
    which = rng.choice(["upper", "append", "map", "except"])
    functions = {
        "upper": str.upper,
        "append": lambda word: f"{word}!",
        "map": lambda word: {"red": "x", "x": "red"}.get(word, word),
        "except": lambda word: word if word in ("red", "x") else "other",
    }
    lists.each(lambda row: row | {name: functions[which](row[name])})
    return {
        "upper": transform("ChangeCaseStringTransform", column=name, caseType="UPPER"),
        "append": transform("AppendStringColumnTransform", columnName=name, toAppend="!"),
        "map": transform("StringMapTransform", columnName=name, map={"red": "x", "x": "red"}),
        "except": transform("MapAllStringsExceptListTransform", columnName=name, newValue="other", exceptions=["red", "x"]),
    }[which]


def _replace(rng: random.Random, lists: Lists, number: int) -> dict[str, Any]:
    name, (asked, holds) = integer(rng, lists), condition(rng, lists)
    lists.each(lambda row: row | ({name: 7} if holds(row) else {}))
    value = {"IntWritable": {"value": 7}}
    return transform("ConditionalReplaceValueTransform", columnToReplace=name, newValue=value, condition=asked)


def _filter(rng: random.Random, lists: Lists, number: int) -> dict[str, Any] | None:
    if lists.sequences:
        # Conditions joined in sequences are asked part by part; of one part both ways are the same.
        name, limit = integer(rng, lists), rng.randint(5, 40)
        asked: Any = {"IntegerColumnCondition": {"columnName": name, "op": "GreaterThan", "value": limit}}
        left = [one for one in lists.rows if not any(row[name] > limit for row in one)]
    else:
        asked, holds = condition(rng, lists)
        left = [[row for row in lists.rows[0] if not holds(row)]]
    if sum(map(len, left)) < 4:
        return None
    lists.rows = left
    return {"filter": {"ConditionFilter": {"condition": asked}}}


def _sequence(rng: random.Random, lists: Lists, number: int) -> dict[str, Any]:
    keys = [rng.choice([name for name, kind in lists.types.items() if kind in ("Integer", "Categorical", "String")])]
    down = rng.random() < 0.5
    groups: dict[Any, list[Row]] = {}
    for row in lists.rows[0]:
        groups.setdefault(row[keys[0]], []).append(row)
    order = {True: lambda row: -row["step"], False: lambda row: row["step"]}[down]
    lists.rows = [sorted(groups[key], key=order) for key in sorted(groups)]
    lists.sequences = True
    comparator = {"NumericalColumnComparator": {"columnName": "step", "ascending": not down}}
    return {"convertToSequence": {"keyColumns": keys, "comparator": comparator}}


def _reduce(rng: random.Random, lists: Lists, number: int) -> dict[str, Any]:
    key = rng.choice([name for name, kind in lists.types.items() if kind in ("Categorical", "String")])
    groups: dict[Any, list[Row]] = {}
    for row in lists.rows[0]:
        groups.setdefault(row[key], []).append(row)
    types: dict[str, str] = {}
    functions: dict[str, Any] = {}
    for name, kind in lists.types.items():
        if name in (key, "step"):
            types[name if name == key else f"min({name})"] = kind
            functions[name if name == key else f"min({name})"] = (name, min if name == "step" else lambda values: values[0])
        elif kind == "Integer":
            types[f"sum({name})"], functions[f"sum({name})"] = kind, (name, sum)
        else:
            types[f"takelast({name})"], functions[f"takelast({name})"] = kind, (name, lambda values: values[-1])
    ops = {name: ["Sum"] for name, kind in lists.types.items() if kind == "Integer" and name != "step"}
    reduced = [{new: make([row[name] for row in rows]) for new, (name, make) in functions.items()} for rows in groups.values()]
    lists.types, lists.rows = types, [reduced]
    # Back to the name that the others ask for.
    lists.types = {"step" if name == "min(step)" else name: kind for name, kind in lists.types.items()}
    lists.each(lambda row: row | {"step": row["min(step)"]})
    settings = {"keyColumns": [key], "defaultOp": "TakeLast", "opMap": {**ops, "step": ["Min"]}, "customReductions": {}}
    return {"reducer": {"Reducer": settings}, "then": transform("RenameColumnsTransform", oldNames=["min(step)"], newNames=["step"])}


def _trim(rng: random.Random, lists: Lists, number: int) -> dict[str, Any] | None:
    start = rng.random() < 0.5
    left = [one for one in ([*one[1:]] if start else [*one[:-1]] for one in lists.rows) if one]
    if sum(map(len, left)) < 4:
        return None
    lists.rows = left
    return transform("SequenceTrimTransform", numStepsToTrim=1, trimFromStart=start)


def _split(rng: random.Random, lists: Lists, number: int) -> dict[str, Any]:
    most = rng.randint(2, 4)
    lists.rows = [one[place : place + most] for one in lists.rows for place in range(0, len(one), most)]
    return {"sequenceSplit": {"SplitMaxLengthSequence": {"maxSequenceLength": most, "equalSplits": False}}}


def _offset(rng: random.Random, lists: Lists, number: int) -> dict[str, Any]:
    name, steps = integer(rng, lists), rng.choice([-2, -1, 1, 2])
    new = f"sequenceOffset({steps},{name})"
    lists.behind(name, {new: "Integer"})
    lists.rows = [
        [row | {new: one[place - steps][name] if 0 <= place - steps < len(one) else -1} for place, row in enumerate(one)]
        for one in lists.rows
    ]
    settings = {"columnsToOffset": [name], "offsetAmount": steps, "operationType": "NewColumn", "edgeHandling": "SpecifiedValue"}
    return transform("SequenceOffsetTransform", **settings, edgeCaseValue={"IntWritable": {"value": -1}})


def _difference(rng: random.Random, lists: Lists, number: int) -> dict[str, Any] | None:
    name, back = integer(rng, lists), rng.randint(1, 3)
    if name == "step":
        return None
    lists.rows = [[row | {name: row[name] - one[max(0, place - back)][name]} for place, row in enumerate(one)] for one in lists.rows]
    return transform("SequenceDifferenceTransform", columnName=name, newColumnName=name, lookback=back)


def _rolling(rng: random.Random, lists: Lists, number: int) -> dict[str, Any]:
    name, back, op, new = integer(rng, lists), rng.randint(1, 3), rng.choice(["Max", "Min", "Mean", "Sum", "TakeFirst"]), f"w{number}"
    make = {"Max": max, "Min": min, "Mean": statistics.fmean, "Sum": sum, "TakeFirst": lambda values: values[0]}[op]
    lists.types[new] = "Double" if op in ("Mean", "Sum") else "Integer"
    lists.rows = [
        [row | {new: make([step[name] for step in one[max(0, place - back + 1) : place + 1]])} for place, row in enumerate(one)]
        for one in lists.rows
    ]
    return transform("SequenceMovingWindowReduceTransform", columnName=name, newColumnName=new, lookback=back, op=op)


def _back(rng: random.Random, lists: Lists, number: int) -> dict[str, Any]:
    lists.rows = [[row for one in lists.rows for row in one]]
    lists.sequences = False
    return {"convertFromSequence": {}}


ROWS = ("scalar", "columns", "duplicate", "remove", "rename", "reorder", "one_hot", "word", "replace", "filter")
IN_SEQUENCES = ("trim", "split", "offset", "difference", "rolling", "back")
MAKERS = {
    "scalar": _scalar,
    "columns": _columns,
    "duplicate": _duplicate,
    "remove": _remove,
    "rename": _rename,
    "reorder": _reorder,
    "one_hot": _one_hot,
    "word": _word,
    "replace": _replace,
    "filter": _filter,
    "sequence": _sequence,
    "reduce": _reduce,
    "trim": _trim,
    "split": _split,
    "offset": _offset,
    "difference": _difference,
    "rolling": _rolling,
    "back": _back,
}


def transform(kind: str, **settings: Any) -> dict[str, Any]:
    return {"transform": {kind: settings}}


@pytest.mark.parametrize("seed", range(40))
def test_random_processes(seed: int) -> None:
    rng = random.Random(seed)
    types = {"a": "Integer", "b": "Integer", "s": "String", "c": "Categorical", "e": "Categorical", "step": "Integer"}
    rows = [
        {
            "a": rng.randint(-9, 9),
            "b": rng.randint(-9, 9),
            "s": rng.choice([*STATES, "x", ""]),
            "c": rng.choice(STATES),
            "e": rng.choice(STATES),
            "step": place,
        }
        for place in rng.sample(range(100), 24)
    ]
    lists, actions = Lists(types, rows), []
    for number in range(14):
        made = act(rng, lists, number)
        if made is not None:
            then = made.pop("then", None)
            actions += [made, *([then] if then else [])]
    columns = [{kind: {"name": name, **({"stateNames": STATES} if kind == "Categorical" else {})}} for name, kind in types.items()]
    text = json.dumps({"initialSchema": {"Schema": {"columns": columns}}, "actionList": actions})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipeline = pipeline_from_datavec(text)
    found = pipeline.run({name: [row[name] for row in rows] for name in types})
    visible = [name for name in found.columns if name in lists.types]
    assert visible == list(lists.types)
    expected = [tuple(row[name] for name in lists.types) for one in lists.rows for row in one]
    assert len(found) == len(expected)
    for one, other in zip(found.select(visible).rows(), expected, strict=True):
        for a, b in zip(one, other, strict=True):
            assert a == b or (isinstance(a, float) and math.isclose(a, b, rel_tol=1e-9)), (one, other)

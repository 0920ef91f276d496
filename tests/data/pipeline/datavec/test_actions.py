"""Actions on rows: each with what it is given, and what DataVec makes of it, worked out by hand from its documentation and source."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lamina.data.pipeline import Pipeline
from lamina.data.pipeline.datavec import pipeline_from_datavec

Part = Mapping[str, Any]
PACKAGE = "org.datavec.api."


def column(name: str, kind: str, **settings: Any) -> dict[str, Any]:
    return {kind: {"name": name, **settings}}


def process(columns: Sequence[Part], *actions: Part, sequences: bool = False) -> str:
    schema = {"SequenceSchema" if sequences else "Schema": {"columns": list(columns)}}
    return json.dumps({"initialSchema": schema, "actionList": list(actions)})


def transform(kind: str, **settings: Any) -> dict[str, Any]:
    return {"transform": {kind: settings}}


def loaded(columns: Sequence[Part], *actions: Part, sequences: bool = False) -> Pipeline:
    pipeline = pipeline_from_datavec(process(columns, *actions, sequences=sequences))
    assert Pipeline.from_yaml(pipeline.to_yaml()) == pipeline, "it reads back from YAML"
    return pipeline


def modern(data: Any, slot: str = "") -> Any:
    """The same process in the dialect of later versions: classes stand under @class, in the objects themselves."""
    homes = {"initialSchema", "inputSchema", "transform", "filter", "sequenceSplit", "calculateSortedRank"}
    homes |= {"condition", "comparator", "windowFunction", "newValue", "fixedValue", "columns[]", "conditions[]", "edgeCaseValue"}
    if isinstance(data, list):
        return [modern(one, f"{slot}[]") for one in data]
    if not isinstance(data, dict):
        return data
    if slot in homes and len(data) == 1 and isinstance(next(iter(data.values())), dict):
        kind, settings = next(iter(data.items()))
        kind = f"{kind}MetaData" if slot == "columns[]" else kind
        return {"@class": f"{PACKAGE}{kind}", **modern(settings)}
    return {key: modern(value, key) for key, value in data.items()}


NAN = math.nan
DAY = 86_400_000


@dataclass(frozen=True)
class Case:
    """An action.

    Attributes:
        name: For messages.
        columns: Of the rows.
        action: What is done.
        rows: Values of each column.
        expected: Values of each column afterwards, in order.
        before: Actions before.
    """

    name: str
    columns: list[Any]
    action: dict[str, Any]
    rows: dict[str, list[Any]]
    expected: dict[str, list[Any]]
    before: tuple[dict[str, Any], ...] = field(default=())


def _number(kind: str, op: str, scalar: float, values: list[Any], expected: list[Any]) -> Case:
    action = transform(f"{kind}MathOpTransform", columnName="x", mathOp=op, scalar=scalar)
    return Case(f"{kind} {op} {scalar}", [column("x", kind)], action, {"x": values}, {"x": expected})


def _text(kind: str, settings: dict[str, Any], values: list[Any], expected: list[Any]) -> Case:
    action = transform(kind, columnName="s", **settings)
    return Case(kind, [column("s", "String")], action, {"s": values}, {"s": expected})


def _time(values: list[int], settings: dict[str, Any], expected: dict[str, list[Any]], kind: str, zone: str = "UTC") -> Case:
    columns = [column("t", "Time", timeZone=zone), column("i", "Integer")]
    rows = {"t": values, "i": list(range(len(values)))}
    return Case(kind, columns, transform(kind, columnName="t", **settings), rows, {"i": rows["i"], **expected})


MATHEMATICS = [
    _number("Integer", "Add", 2, [1, -3], [3, -1]),
    _number("Integer", "Subtract", 2, [1, -3], [-1, -5]),
    _number("Integer", "Multiply", -2, [1, -3], [-2, 6]),
    _number("Integer", "Divide", 2, [7, -7, 6], [3, -3, 3]),
    _number("Integer", "Divide", -2, [7, -7], [-3, 3]),
    _number("Integer", "Modulus", 3, [7, -7, 6], [1, -1, 0]),
    _number("Integer", "Modulus", -3, [7, -7], [1, -1]),
    _number("Integer", "ReverseSubtract", 10, [7, -7], [3, 17]),
    _number("Integer", "ReverseDivide", -10, [3, -4], [-3, 2]),
    _number("Long", "ScalarMin", 0, [7, -7, None], [0, -7, None]),
    _number("Long", "ScalarMax", 0, [7, -7, None], [7, 0, None]),
    _number("Long", "Divide", 10**12, [9 * 10**18 + 7], [9_000_000]),
    _number("Double", "Divide", 4.0, [1.0, -2.0], [0.25, -0.5]),
    _number("Double", "Modulus", 2.0, [5.5, -5.5], [1.5, -1.5]),
    _number("Double", "ReverseDivide", 1.0, [4.0, -0.5], [0.25, -2.0]),
    _number("Double", "ScalarMax", 0.0, [1.5, -1.5], [1.5, 0.0]),
    _number("Float", "ReverseSubtract", 1.0, [0.25], [0.75]),
    *(
        Case(
            f"DoubleMathFunction {name}",
            [column("x", "Double")],
            transform("DoubleMathFunctionTransform", columnName="x", mathFunction=name),
            {"x": [0.5, 0.25]},
            {"x": [function(0.5), function(0.25)]},
        )
        for name, function in {
            "ABS": abs,
            "ACOS": math.acos,
            "ASIN": math.asin,
            "ATAN": math.atan,
            "CEIL": lambda x: float(math.ceil(x)),
            "COS": math.cos,
            "COSH": math.cosh,
            "EXP": math.exp,
            "FLOOR": lambda x: float(math.floor(x)),
            "LOG": math.log,
            "LOG10": math.log10,
            "SIGNUM": lambda x: math.copysign(1.0, x),
            "SIN": math.sin,
            "SINH": math.sinh,
            "SQRT": math.sqrt,
            "TAN": math.tan,
            "TANH": math.tanh,
        }.items()
    ),
    *(
        Case(
            f"{kind}ColumnsMathOp {op}",
            [column("a", kind), column("b", kind)],
            transform(f"{kind}ColumnsMathOpTransform", newColumnName="c", mathOp=op, columns=["a", "b"]),
            {"a": [7, -7], "b": [2, 2]},
            {"a": [7, -7], "b": [2, 2], "c": expected},
        )
        for kind, op, expected in [
            ("Integer", "Add", [9, -5]),
            ("Integer", "Subtract", [5, -9]),
            ("Integer", "Divide", [3, -3]),
            ("Long", "Modulus", [1, -1]),
            ("Long", "Multiply", [14, -14]),
            ("Double", "Divide", [3.5, -3.5]),
            ("Double", "Modulus", [1.0, -1.0]),
            ("Float", "Multiply", [14.0, -14.0]),
        ]
    ),
    Case(
        "MinMaxNormalizer",
        [column("x", "Double")],
        transform("MinMaxNormalizer", columnName="x", min=10.0, max=20.0, newMin=-1.0, newMax=1.0),
        {"x": [10.0, 15.0, 25.0, NAN]},
        {"x": [-1.0, 0.0, 2.0, 0.0]},
    ),
    Case(
        "StandardizeNormalizer",
        [column("x", "Double")],
        transform("StandardizeNormalizer", columnName="x", mean=2.0, stdev=0.5),
        {"x": [2.0, 3.0]},
        {"x": [0.0, 2.0]},
    ),
    Case(
        "SubtractMeanNormalizer",
        [column("x", "Double")],
        transform("SubtractMeanNormalizer", columnName="x", mean=-2.0),
        {"x": [2.0]},
        {"x": [4.0]},
    ),
    Case(
        "Log2Normalizer",
        [column("x", "Double")],
        transform("Log2Normalizer", columnName="x", columnMean=3.0, columnMin=1.0, scalingFactor=0.5),
        {"x": [1.0, 3.0, 7.0, NAN]},
        {"x": [0.0, 0.5, 1.0, 0.0]},
    ),
    Case("ConvertToInteger", [column("x", "Double")], transform("ConvertToInteger", columnName="x"), {"x": [2.9, -2.9]}, {"x": [2, -2]}),
    Case("ConvertToInteger of text", [column("x", "String")], transform("ConvertToInteger", columnName="x"), {"x": ["12"]}, {"x": [12]}),
    Case("ConvertToDouble", [column("x", "String")], transform("ConvertToDouble", columnName="x"), {"x": ["1.5", "2"]}, {"x": [1.5, 2.0]}),
    Case("ConvertToString", [column("x", "Integer")], transform("ConvertToString", columnName="x"), {"x": [12]}, {"x": ["12"]}),
    Case("ConvertToString of times", [column("x", "Time")], transform("ConvertToString", columnName="x"), {"x": [DAY]}, {"x": [str(DAY)]}),
    Case(
        "ParseDouble",
        [column("a", "String"), column("b", "Integer"), column("c", "String")],
        transform("ParseDoubleTransform"),
        {"a": ["1"], "b": [2], "c": ["-.5"]},
        {"a": [1.0], "b": [2], "c": [-0.5]},
    ),
    Case(
        "ReplaceEmptyInteger",
        [column("x", "Integer", maxAllowedValue=5)],
        transform("ReplaceEmptyIntegerWithValueTransform", columnName="x", value=-1),
        {"x": ["3", "", "9"]},
        {"x": [3, -1, 9]},
    ),
    Case(
        "ReplaceInvalid",
        [column("x", "Integer", minAllowedValue=0, maxAllowedValue=5)],
        transform("ReplaceInvalidWithIntegerTransform", columnName="x", value=-1),
        {"x": ["3", "", "9", "-2", "abc", "2.5", "3000000000"]},
        {"x": [3, -1, -1, -1, -1, -1, -1]},
    ),
]

WORDS = [
    _text("AppendStringColumnTransform", {"toAppend": "!"}, ["a", ""], ["a!", "!"]),
    _text("ChangeCaseStringTransform", {"caseType": "UPPER"}, ["aB", "ß"], ["AB", "SS"]),
    _text("ChangeCaseStringTransform", {"caseType": "LOWER"}, ["aB"], ["ab"]),
    _text("RemoveWhiteSpaceTransform", {}, [" a\tb \n c"], ["abc"]),
    _text("ReplaceEmptyStringTransform", {"value": "none"}, ["a", "", None], ["a", "none", "none"]),
    _text("ReplaceStringTransform", {"map": {"[aeiou]": "_", "_(.)": "$1-"}}, ["hello", "sky"], ["hl-l_", "sky"]),
    _text("MapAllStringsExceptListTransform", {"newValue": "other", "exceptions": ["a", "b"]}, ["a", "c", "b"], ["a", "other", "b"]),
    _text("StringMapTransform", {"map": {"a": "x", "x": "y"}}, ["a", "x", "b"], ["x", "y", "b"]),
    Case(
        "Concatenate",
        [column("a", "String"), column("b", "String")],
        transform("ConcatenateStringColumns", newColumnName="c", delimiter="-", columnsToConcatenate=["b", "a"]),
        {"a": ["1", "2"], "b": ["x", ""]},
        {"a": ["1", "2"], "b": ["x", ""], "c": ["x-1", "-2"]},
    ),
    Case(
        "StringListToCategoricalSet",
        [column("x", "Integer"), column("s", "String"), column("y", "Integer")],
        transform(
            "StringListToCategoricalSetTransform", columnName="s", newColumnNames=["A", "B"], categoryTokens=["a", "b"], delimiter="\\|"
        ),
        {"x": [1, 2, 3], "s": ["a|b", "", "b"], "y": [4, 5, 6]},
        {"x": [1, 2, 3], "A": ["true", "false", "false"], "B": ["true", "false", "true"], "y": [4, 5, 6]},
    ),
    Case(
        "StringToCategorical",
        [column("s", "String")],
        transform("StringToCategoricalTransform", columnName="s", stateNames=["b", "a"]),
        {"s": ["a", "b"]},
        {"s": ["a", "b"]},
    ),
    Case(
        "CategoricalToInteger",
        [column("s", "Categorical", stateNames=["b", "a"])],
        transform("CategoricalToIntegerTransform", columnName="s"),
        {"s": ["a", "b", "a"]},
        {"s": [1, 0, 1]},
    ),
    Case(
        "CategoricalToOneHot",
        [column("x", "Integer"), column("s", "Categorical", stateNames=["b", "a"]), column("y", "Integer")],
        transform("CategoricalToOneHotTransform", columnName="s"),
        {"x": [1, 2], "s": ["a", "b"], "y": [3, 4]},
        {"x": [1, 2], "s[b]": [0, 1], "s[a]": [1, 0], "y": [3, 4]},
    ),
    Case(
        "IntegerToOneHot",
        [column("x", "Integer")],
        transform("IntegerToOneHotTransform", columnName="x", minValue=-1, maxValue=1),
        {"x": [1, -1]},
        {"x[-1]": [0, 1], "x[0]": [0, 0], "x[1]": [1, 0]},
    ),
    Case(
        "IntegerToCategorical",
        [column("x", "Integer")],
        transform("IntegerToCategoricalTransform", columnName="x", map={"0": "no", "1": "yes"}),
        {"x": [1, 0]},
        {"x": ["yes", "no"]},
    ),
    Case(
        "FirstDigit",
        [column("x", "String"), column("y", "Integer")],
        transform("FirstDigitTransform", inputColumn="x", outputColumn="d", mode="INCLUDE_OTHER_CATEGORY"),
        {"x": ["123", "-45", "0.5", "abc", "", "-"], "y": [0] * 6},
        {"x": ["123", "-45", "0.5", "abc", "", "-"], "d": ["1", "4", "0", "Other", "Other", "Other"], "y": [0] * 6},
    ),
    Case(
        "Pivot",
        [column("x", "Integer"), column("k", "Categorical", stateNames=["a", "b"]), column("v", "Double"), column("y", "Integer")],
        transform("PivotTransform", keyColumn="k", valueColumn="v"),
        {"x": [1, 2], "k": ["b", "a"], "v": [0.5, 1.5], "y": [3, 4]},
        {"x": [1, 2], "k[a]": [0.0, 1.5], "k[b]": [0.5, 0.0], "y": [3, 4]},
    ),
]

_ABC = [column("a", "Integer"), column("b", "Integer"), column("c", "Integer")]
_ONE = {"a": [1], "b": [2], "c": [3]}
_LARGE = {"IntegerColumnCondition": {"columnName": "a", "op": "GreaterThan", "value": 1}}
CHOOSING = [
    Case("Remove", _ABC, transform("RemoveColumnsTransform", columnsToRemove=["b"]), _ONE, {"a": [1], "c": [3]}),
    Case("Keep", _ABC, transform("RemoveAllColumnsExceptForTransform", columnsToKeep=["c", "a"]), _ONE, {"a": [1], "c": [3]}),
    Case(
        "Rename", _ABC, transform("RenameColumnsTransform", oldNames=["a", "b"], newNames=["b", "a"]), _ONE, {"b": [1], "a": [2], "c": [3]}
    ),
    Case("Reorder", _ABC, transform("ReorderColumnsTransform", newOrder=["c"]), _ONE, {"c": [3], "a": [1], "b": [2]}),
    Case(
        "Duplicate: names go to columns in the order of the table",
        _ABC,
        transform("DuplicateColumnsTransform", columnsToDuplicate=["c", "a"], newColumnNames=["x", "y"]),
        _ONE,
        {"a": [1], "x": [1], "b": [2], "c": [3], "y": [3]},
    ),
    *(
        Case(
            f"AddConstant {kind}",
            [column("a", "Integer")],
            transform("AddConstantColumnTransform", newColumnName="n", newColumnType=kind, fixedValue=value),
            {"a": [1, 2]},
            {"a": [1, 2], "n": [expected, expected]},
        )
        for kind, value, expected in [
            ("Integer", {"DoubleWritable": {"value": 2.0}}, 2),
            ("Double", {"IntWritable": {"value": -2}}, -2.0),
            ("Double", {"DoubleWritable": {"value": "NaN"}}, NAN),
            ("String", {"Text": {"bytes": base64.b64encode("süß and more".encode()).decode(), "length": 5}}, "süß"),
            ("String", {"NullWritable": {}}, None),
            ("Boolean", {"BooleanWritable": {"value": True}}, True),
        ]
    ),
    Case(
        "ConditionalReplace",
        _ABC,
        transform("ConditionalReplaceValueTransform", columnToReplace="b", newValue={"IntWritable": {"value": 9}}, condition=_LARGE),
        {"a": [1, 2, None], "b": [3, 4, 5], "c": [0, 0, 0]},
        {"a": [1, 2, None], "b": [3, 9, 5], "c": [0, 0, 0]},
    ),
    Case(
        "ConditionalReplaceWithDefault",
        _ABC,
        transform(
            "ConditionalReplaceValueTransformWithDefault",
            columnToReplace="b",
            yesVal={"IntWritable": {"value": 9}},
            noVal={"IntWritable": {"value": 7}},
            condition=_LARGE,
        ),
        {"a": [1, 2], "b": [3, 4], "c": [0, 0]},
        {"a": [1, 2], "b": [7, 9], "c": [0, 0]},
    ),
    Case(
        "ConditionalCopy",
        _ABC,
        transform("ConditionalCopyValueTransform", columnToReplace="b", sourceColumn="c", condition=_LARGE),
        {"a": [1, 2], "b": [3, 4], "c": [5, 6]},
        {"a": [1, 2], "b": [3, 6], "c": [5, 6]},
    ),
]

_NOON = 1_700_049_599_123  # 2023-11-15 11:59:59.123 UTC
TIMES = [
    Case(
        f"StringToTime {pattern} {zone}",
        [column("s", "String")],
        transform("ConvertToString", columnName="s"),
        {"s": texts},
        {"s": list(map(str, expected))},
        before=(transform("StringToTimeTransform", columnName="s", timeFormat=pattern, timeZone=zone),),
    )
    for pattern, zone, texts, expected in [
        ("YYYY-MM-dd hh:mm:ss", "UTC", ["1970-01-02 12:00:01", "1970-01-02 11:00:00"], [DAY + 1000, DAY + 39_600_000]),
        ("yyyy-MM-dd'T'HH:mm:ss.SSS", "UTC", [" 1970-01-01T00:00:01.250 "], [1250]),
        ("dd/MM/yy", "UTC", ["02/01/70", "01/01/45"], [DAY, 2_366_841_600_000]),
        ("d MMM yyyy", "UTC", ["2 Jan 1970", "1 January 1970"], [DAY, 0]),
        ("HH:mm", "UTC", ["01:30"], [5_400_000]),
        ("MM-dd", "UTC", ["01-02"], [946_771_200_000]),
        ("yyyy", "UTC", ["1971"], [365 * DAY]),
        ("h a, d.M.yyyy", "UTC", ["12 AM, 1.1.1970", "1 PM, 1.1.1970"], [0, 46_800_000]),
        ("yyyy-MM-dd HH:mm", "Europe/Berlin", ["1970-01-01 01:00", "1980-07-01 02:00"], [0, 331_257_600_000]),
        ("yyyy-MM-dd HH:mm", "+02:00", ["1970-01-01 02:00"], [0]),
        ("yyyy-MM-dd HH:mm:ssZ", "UTC", ["1970-01-01 02:00:00+0200"], [0]),
        ("'%' yyyy-MM-dd 'o''clock'", "UTC", ["% 1970-01-02 o'clock"], [DAY]),
        (None, "UTC", ["1970-01-02T00:00:01.5", "1970-01-02", "01/02/1970 00:00:01", "19700102"], [DAY + 1000, DAY, DAY + 1000, DAY]),
    ]
] + [
    Case(
        "DeriveColumnsFromTime",
        [column("t", "Time", timeZone="Asia/Tokyo"), column("i", "Integer")],
        transform("RemoveColumnsTransform", columnsToRemove=["t"]),
        {"t": [_NOON], "i": [7]},
        {
            "text": ["15-11-2023 20:59:59.123"],
            "hour": [20],
            "dow": [3],
            "sod": [75_599],
            "half": [1],
            "ck": [8],
            "week": [46],
            "odd": ["Wed Wednesday 8 PM 2023 319 20 3 008"],
            "i": [7],
        },
        before=(
            transform(
                "DeriveColumnsFromTimeTransform",
                columnName="t",
                insertAfter="t",
                inputTimeZone="UTC",
                derivedColumns=[
                    {"columnName": "text", "columnType": "String", "format": "dd-MM-YYYY HH:mm:ss.SSS", "dateTimeZone": "Asia/Tokyo"},
                    {"columnName": "hour", "columnType": "Integer", "fieldType": {"fieldType": "hourOfDay"}},
                    {"columnName": "dow", "columnType": "Integer", "fieldType": {"fieldType": "dayOfWeek"}},
                    {"columnName": "sod", "columnType": "Integer", "fieldType": {"fieldType": "secondOfDay"}},
                    {"columnName": "half", "columnType": "Integer", "fieldType": {"fieldType": "halfdayOfDay"}},
                    {"columnName": "ck", "columnType": "Integer", "fieldType": {"fieldType": "clockhourOfHalfday"}},
                    {"columnName": "week", "columnType": "Integer", "fieldType": {"fieldType": "weekOfWeekyear"}},
                    {"columnName": "odd", "columnType": "String", "format": "EEE EEEE h a x D C e hhh", "dateTimeZone": "Asia/Tokyo"},
                ],
            ),
        ),
    ),
    *(
        Case(
            f"TimeMathOp {op} {unit}",
            [column("t", "Time", timeZone="Europe/Berlin")],
            transform("ConvertToString", columnName="t"),
            {"t": [0, DAY]},
            {"t": list(map(str, expected))},
            before=(transform("TimeMathOpTransform", columnName="t", mathOp=op, timeQuantity=amount, timeUnit=unit),),
        )
        for op, amount, unit, expected in [
            ("Add", 1, "HOURS", [3_600_000, DAY + 3_600_000]),
            ("Subtract", 2, "DAYS", [-2 * DAY, -DAY]),
            ("Add", 1500, "MICROSECONDS", [1, DAY + 1]),
            ("ScalarMax", 1000, "MILLISECONDS", [1000, DAY]),
            ("ScalarMin", 1000, "MILLISECONDS", [0, 1000]),
        ]
    ),
]


def _condition(condition: dict[str, Any], kept: list[int], columns: list[Any], **rows: list[Any]) -> Case:
    name = f"ConditionFilter {condition}"[:90]
    numbered = {"i": list(range(len(next(iter(rows.values()))))), **rows}
    expected = {key: [values[place] for place in kept] for key, values in numbered.items()}
    return Case(name, [column("i", "Integer"), *columns], {"filter": {"ConditionFilter": {"condition": condition}}}, numbered, expected)


def _asked(kind: str, **settings: Any) -> dict[str, Any]:
    return {f"{kind}Condition": {"columnName": "x", **settings}}


_DOUBLE, _STRING, _INT = [column("x", "Double")], [column("x", "String")], [column("x", "Integer")]
_NUMBERS = [1.0, 2.0, 3.0, None]
CONDITIONS = [
    _condition(_asked("DoubleColumn", op="LessThan", value=2.0), [1, 2, 3], _DOUBLE, x=_NUMBERS),
    _condition(_asked("DoubleColumn", op="LessOrEqual", value=2.0), [2, 3], _DOUBLE, x=_NUMBERS),
    _condition(_asked("DoubleColumn", op="GreaterThan", value=2.0), [0, 1, 3], _DOUBLE, x=_NUMBERS),
    _condition(_asked("DoubleColumn", op="GreaterOrEqual", value=2.0), [0, 3], _DOUBLE, x=_NUMBERS),
    _condition(_asked("DoubleColumn", op="Equal", value=2.0), [0, 2, 3], _DOUBLE, x=_NUMBERS),
    _condition(_asked("DoubleColumn", op="NotEqual", value=2.0), [1, 3], _DOUBLE, x=_NUMBERS),
    _condition(_asked("DoubleColumn", op="InSet", set=[1.0, 3.0]), [1, 3], _DOUBLE, x=_NUMBERS),
    _condition(_asked("DoubleColumn", op="NotInSet", set=[1.0, 3.0]), [0, 2, 3], _DOUBLE, x=_NUMBERS),
    _condition(_asked("DoubleColumn", op="LessThan", value=2.0), [1], _DOUBLE, x=[1.0, NAN]),
    _condition(_asked("IntegerColumn", op="Equal", value=2), [1], _DOUBLE, x=[2.9, 3.0]),
    _condition(_asked("LongColumn", op="InSet", set=[2]), [1], _INT, x=[2, 3]),
    _condition(_asked("TimeColumn", op="GreaterThan", value=1000), [0], [column("x", "Time")], x=[1000, 1001]),
    _condition(_asked("StringColumn", op="InSet", set=["a", "b"]), [1, 2], _STRING, x=["a", "c", None]),
    _condition(_asked("StringColumn", op="NotEqual", value="a"), [0], _STRING, x=["a", "c"]),
    _condition(_asked("CategoricalColumn", op="Equal", value="a"), [1], [column("x", "Categorical", stateNames=["a", "b"])], x=["a", "b"]),
    _condition(_asked("StringRegexColumn", regex="a+"), [1, 2], _STRING, x=["aa", "ab", ""]),
    _condition(_asked("NullWritableColumn"), [0], _DOUBLE, x=[1.0, None]),
    _condition(_asked("NaNColumn"), [0, 2], _DOUBLE, x=[1.0, NAN, None]),
    _condition(_asked("InfiniteColumn"), [0, 2], _DOUBLE, x=[1.0, -math.inf, NAN]),
    _condition(_asked("BooleanColumn"), [1], [column("x", "Boolean")], x=[True, False]),
    _condition(_asked("InvalidValueColumn"), [0, 3], [column("x", "Double", maxAllowedValue=5.0)], x=["1.5", "x", "6", "NaN"]),
    _condition(
        {
            "BooleanCondition": {
                "type": "AND",
                "conditions": [
                    {"BooleanCondition": {"type": "NOT", "conditions": [_asked("DoubleColumn", op="Equal", value=2.0)]}},
                    {
                        "BooleanCondition": {
                            "type": "XOR",
                            "conditions": [
                                _asked("DoubleColumn", op="LessThan", value=2.0),
                                _asked("DoubleColumn", op="LessThan", value=3.0),
                            ],
                        }
                    },
                ],
            }
        },
        [0, 1, 3],
        _DOUBLE,
        x=[1.0, 2.0, 2.5, 3.0],
    ),
    _condition(
        {"BooleanCondition": {"type": "OR", "conditions": [_asked("NullWritableColumn"), _asked("DoubleColumn", op="Equal", value=2.0)]}},
        [0],
        _DOUBLE,
        x=[1.0, 2.0, None],
    ),
    Case(
        "FilterInvalidValues of all columns",
        [column("x", "Integer", minAllowedValue=0), column("s", "String", minLength=1), column("c", "Categorical", stateNames=["a"])],
        {"filter": {"FilterInvalidValues": {"filterAnyInvalid": True}}},
        {"x": ["1", "-1", "2", "3", "?"], "s": ["a", "b", "", "d", "e"], "c": ["a", "a", "a", "b", "a"]},
        {"x": [1], "s": ["a"], "c": ["a"]},
    ),
    Case(
        "InvalidNumColumns",
        _INT,
        {"filter": {"InvalidNumColumns": {}}},
        {"x": [1]},
        {"x": [1]},
    ),
]

_V, _W = column("v", "NDArray", shape=[2]), column("w", "NDArray", shape=[2])


def _array(kind: str, expected: dict[str, list[Any]], **settings: Any) -> Case:
    return Case(f"{kind} {settings}", [_V, _W], transform(kind, **settings), {"v": [[1.0, 4.0]], "w": [[2.0, 0.5]]}, expected)


def _bag(kind: str, expected: list[Any], **settings: Any) -> Case:
    given = {"columnName": "s", "newColumnName": "n", "vocabulary": ["b", "a"], "delimiter": " ", "ignoreUnknown": True, **settings}
    rows = {"i": [1, 2], "s": ["a b a x", ""]}
    columns = [column("i", "Integer"), column("s", "String")]
    return Case(f"{kind} {settings}", columns, transform(kind, **given), rows, {"i": [1, 2], "n": expected})


ARRAYS = [
    _array("NDArrayScalarOpTransform", {"v": [[2.0, 8.0]], "w": [[2.0, 0.5]]}, columnName="v", mathOp="Multiply", scalar=2.0),
    _array("NDArrayScalarOpTransform", {"v": [[-1.0, -0.25]], "w": [[2.0, 0.5]]}, columnName="v", mathOp="ReverseDivide", scalar=-1.0),
    _array("NDArrayScalarOpTransform", {"v": [[1.0, 3.0]], "w": [[2.0, 0.5]]}, columnName="v", mathOp="ScalarMin", scalar=3.0),
    _array("NDArrayMathFunctionTransform", {"v": [[1.0, 2.0]], "w": [[2.0, 0.5]]}, columnName="v", mathFunction="SQRT"),
    _array(
        "NDArrayColumnsMathOpTransform",
        {"v": [[1.0, 4.0]], "w": [[2.0, 0.5]], "n": [[0.5, 8.0]]},
        newColumnName="n",
        mathOp="Divide",
        columns=["v", "w"],
    ),
    *(
        _array(
            "NDArrayDistanceTransform",
            {"v": [[1.0, 4.0]], "w": [[2.0, 0.5]], "n": [expected]},
            newColumnName="n",
            distance=distance,
            firstCol="v",
            secondCol="w",
        )
        for distance, expected in {
            "COSINE": 4.0 / math.sqrt(17 * 4.25),
            "EUCLIDEAN": math.sqrt(13.25),
            "MANHATTAN": 4.5,
        }.items()
    ),
    _bag("StringListToCountsNDArrayTransform", [[1.0, 2.0], [0.0, 0.0]], binary=False),
    _bag("StringListToCountsNDArrayTransform", [[1.0, 1.0], [0.0, 0.0]], binary=True),
    _bag("StringListToIndicesNDArrayTransform", [[0.0, 1.0, 1.0], []], binary=False),
    _bag("StringListToIndicesNDArrayTransform", [[0.0, 1.0], []], binary=True),
]

CASES = [*MATHEMATICS, *WORDS, *CHOOSING, *TIMES, *CONDITIONS, *ARRAYS]


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{place}-{case.name}"[:60]) for place, case in enumerate(CASES)])
def test_action(case: Case) -> None:
    found = loaded(case.columns, *case.before, case.action).run(case.rows)
    assert list(found.columns) == list(case.expected)
    moments = [name for name, dtype in found.schema.items() if isinstance(dtype, pl.Datetime)]
    found = found.with_columns(pl.col(moments).dt.epoch("ms"))
    expected = pl.DataFrame(case.expected, schema=found.schema, strict=False, nan_to_null=False)
    assert_frame_equal(found, expected, check_exact=not any(isinstance(dtype, pl.Float64) for dtype in found.dtypes), rel_tol=1e-12)


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{place}-{case.name}"[:60]) for place, case in enumerate(CASES)])
def test_later_versions_write_it_otherwise(case: Case) -> None:
    early = process(case.columns, *case.before, case.action)
    late = json.dumps(modern(json.loads(early)))
    assert "@class" in late
    assert pipeline_from_datavec(late) == pipeline_from_datavec(early)

"""Actions on sequences, reducers and windows: held against what DataVec's documentation and source say of lists of rows."""

from __future__ import annotations

import json
import math
import statistics
import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest

from lamina.data.pipeline import Pipeline
from lamina.data.pipeline.datavec import pipeline_from_datavec

NAN = math.nan
COLUMNS = [
    {"String": {"name": "k"}},
    {"Time": {"name": "t"}},
    {"Double": {"name": "x"}},
    {"Integer": {"name": "n"}},
    {"String": {"name": "s"}},
]
ROWS = {
    "k": ["b", "a", "a", "b", "a", "a"],
    "t": [4000, 3000, 1000, 2000, 9000, 2500],
    "x": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0],
    "n": [1, 2, 3, 4, 5, 6],
    "s": ["p", "q", "r", "s", "t", "u"],
}
# The sequences by t: a: n = 3, 6, 2, 5; b: n = 4, 1.


def actions(*parts: Any, columns: Any = COLUMNS, first: bool = True) -> Pipeline:
    comparator = {"NumericalColumnComparator": {"columnName": "t", "ascending": True}}
    made = {"convertToSequence": {"singleStepSequencesMode": False, "keyColumns": ["k"], "comparator": comparator}}
    text = json.dumps({"initialSchema": {"Schema": {"columns": columns}}, "actionList": [*([made] if first else []), *parts]})
    pipeline = pipeline_from_datavec(text)
    assert Pipeline.from_yaml(pipeline.to_yaml()) == pipeline
    return pipeline


def transform(kind: str, **settings: Any) -> dict[str, Any]:
    return {"transform": {kind: settings}}


def column(pipeline: Pipeline, name: str, rows: Any = ROWS) -> list[Any]:
    return pipeline.run(rows)[name].to_list()


def sequences(pipeline: Pipeline, name: str, rows: Any = ROWS) -> list[list[Any]]:
    """Values of a column, sequence by sequence."""
    keys = list(pipeline.output.steps.keys)
    found = pipeline.run(rows).group_by(keys, maintain_order=True).agg(pl.col(name))
    return found[name].to_list()


def test_sequences_are_sorted_and_told_apart_whatever_becomes_of_their_keys() -> None:
    assert sequences(actions(), "n") == [[3, 6, 2, 5], [4, 1]]
    changed = actions(
        transform("RemoveColumnsTransform", columnsToRemove=["k", "t"]),
        transform("IntegerMathOpTransform", columnName="n", mathOp="Multiply", scalar=10),
        {"convertFromSequence": {}},
    )
    assert changed.output.names == ("x", "n", "s")
    assert changed.output.steps is None
    assert column(changed, "n") == [30, 60, 20, 50, 40, 10]
    down = {"NumericalColumnComparator": {"columnName": "x", "ascending": False}}
    two = {"convertToSequence": {"keyColumns": ["k", "s"], "comparator": down}}
    assert len(sequences(actions(two, first=False), "n")) == 6
    one = {"convertToSequence": {"keyColumns": ["k"], "comparator": down}}
    assert sequences(actions(one, first=False), "x") == [[32.0, 16.0, 4.0, 2.0], [8.0, 1.0]]
    text = {"convertToSequence": {"keyColumns": ["k"], "comparator": {"StringComparator": {"columnName": "s"}}}}
    assert sequences(actions(text, first=False), "s") == [["q", "r", "t", "u"], ["p", "s"]]
    single = {"convertToSequence": {"singleStepSequencesMode": True, "keyColumns": None, "comparator": None}}
    assert sequences(actions(single, first=False), "n") == [[1], [2], [3], [4], [5], [6]]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (transform("SequenceTrimTransform", numStepsToTrim=1, trimFromStart=True), [[6, 2, 5], [1]]),
        (transform("SequenceTrimTransform", numStepsToTrim=3, trimFromStart=False), [[3]]),
        (transform("SequenceTrimTransform", numStepsToTrim=0, trimFromStart=False), [[3, 6, 2, 5], [4, 1]]),
        (transform("SequenceTrimToLengthTransform", maxLength=3, mode="TRIM"), [[3, 6, 2], [4, 1]]),
        ({"sequenceSplit": {"SplitMaxLengthSequence": {"maxSequenceLength": 3, "equalSplits": False}}}, [[3, 6, 2], [5], [4, 1]]),
        ({"sequenceSplit": {"SplitMaxLengthSequence": {"maxSequenceLength": 3, "equalSplits": True}}}, [[3, 6], [2, 5], [4, 1]]),
        (
            {"sequenceSplit": {"SequenceSplitTimeSeparation": {"timeColumn": "t", "timeQuantity": 1500, "timeUnit": "MILLISECONDS"}}},
            [[3, 6, 2], [5], [4], [1]],
        ),
        ({"filter": {"ConditionFilter": {"condition": {"SequenceLengthCondition": {"op": "LessThan", "length": 3}}}}}, [[3, 6, 2, 5]]),
        ({"filter": {"ConditionFilter": {"condition": {"SequenceLengthCondition": {"op": "InSet", "set": [4]}}}}}, [[4, 1]]),
        (
            {"filter": {"ConditionFilter": {"condition": {"IntegerColumnCondition": {"columnName": "n", "op": "Equal", "value": 6}}}}},
            [[4, 1]],
        ),
    ],
)
def test_how_long_sequences_are(action: dict[str, Any], expected: list[list[int]]) -> None:
    assert sequences(actions(action), "n") == expected


def test_invalid_values_take_the_whole_sequence_with_them() -> None:
    columns = [*COLUMNS[:3], {"Integer": {"name": "n", "maxAllowedValue": 5}}, COLUMNS[4]]
    action = {"filter": {"FilterInvalidValues": {"filterAnyInvalid": False, "columnsToFilterIfInvalid": ["n"]}}}
    assert sequences(actions(action, columns=columns), "n") == [[4, 1]]


def test_padding() -> None:
    pad = [{"Text": {"bytes": "LQ==", "length": 1}}, {"LongWritable": {"value": 0}}, {"DoubleWritable": {"value": -1.0}}]
    pad += [{"IntWritable": {"value": -1}}, {"NullWritable": {}}]
    pipeline = actions(transform("SequenceTrimToLengthTransform", maxLength=3, mode="TRIM_OR_PAD", pad=pad))
    assert sequences(pipeline, "n") == [[3, 6, 2], [4, 1, -1]]
    assert sequences(pipeline, "s") == [["r", "u", "q"], ["s", "p", None]]
    assert sequences(pipeline, "k")[1] == ["b", "b", "-"]


@pytest.mark.parametrize(
    ("settings", "expected", "others"),
    [
        ({"offsetAmount": 1, "edgeHandling": "TrimSequence"}, [[3, 6, 2], [4]], [[32.0, 2.0, 16.0], [1.0]]),
        ({"offsetAmount": -1, "edgeHandling": "TrimSequence"}, [[6, 2, 5], [1]], [[4.0, 32.0, 2.0], [8.0]]),
        (
            {"offsetAmount": 3, "edgeHandling": "SpecifiedValue", "edgeCaseValue": {"IntWritable": {"value": -9}}},
            [[-9, -9, -9, 3], [-9, -9]],
            [[4.0, 32.0, 2.0, 16.0], [8.0, 1.0]],
        ),
        (
            {"offsetAmount": -1, "edgeHandling": "SpecifiedValue", "edgeCaseValue": {"NullWritable": {}}},
            [[6, 2, 5, None], [1, None]],
            [[4.0, 32.0, 2.0, 16.0], [8.0, 1.0]],
        ),
    ],
)
def test_offsets(settings: dict[str, Any], expected: list[list[Any]], others: list[list[Any]]) -> None:
    name = f"sequenceOffset({settings['offsetAmount']},n)"
    pipeline = actions(transform("SequenceOffsetTransform", columnsToOffset=["n"], operationType="NewColumn", **settings))
    assert (sequences(pipeline, name), sequences(pipeline, "x")) == (expected, others)
    names = [one for one in pipeline.output.names if one in ("k", "t", "x", "n", "s", name)]
    assert names == ["k", "t", "x", "n", name, "s"]
    with pytest.warns(match=r"\[DA246\].*forgets"):
        pipeline = actions(transform("SequenceOffsetTransform", columnsToOffset=["n"], operationType="InPlace", **settings))
    assert sequences(pipeline, name) == expected
    assert "n" not in pipeline.output


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"lookback": 1}, [[0.0, 28.0, -30.0, 14.0], [0.0, -7.0]]),
        ({"lookback": 2, "firstStepMode": "Default"}, [[0.0, 28.0, -2.0, -16.0], [0.0, -7.0]]),
        (
            {"lookback": 1, "firstStepMode": "SpecifiedValue", "specifiedValueWritable": {"DoubleWritable": {"value": 0.5}}},
            [[0.5, 28.0, -30.0, 14.0], [0.5, -7.0]],
        ),
    ],
)
def test_differences(settings: dict[str, Any], expected: list[list[float]]) -> None:
    assert sequences(actions(transform("SequenceDifferenceTransform", columnName="x", newColumnName="d", **settings)), "d") == expected
    in_place = actions(transform("SequenceDifferenceTransform", columnName="x", newColumnName="x", **settings))
    assert sequences(in_place, "x") == expected
    moments = actions(transform("SequenceDifferenceTransform", columnName="t", newColumnName="t", lookback=1))
    assert sequences(moments, "t") == [[0, 1500, 500, 6000], [0, 2000]]


def test_moving_windows_against_lists() -> None:
    values = [[4.0, 32.0, 2.0, 16.0], [8.0, 1.0]]
    made = {
        "Sum": math.fsum,
        "Mean": statistics.fmean,
        "Min": min,
        "Max": max,
        "Range": lambda window: max(window) - min(window),
        "Prod": math.prod,
        "Stdev": lambda window: statistics.stdev(window) if len(window) > 1 else NAN,
        "Count": len,
        "CountUnique": lambda window: len({*window}),
        "TakeFirst": lambda window: window[0],
        "TakeLast": lambda window: window[-1],
    }
    for op, function in made.items():
        for back in (1, 2, 3):
            pipeline = actions(transform("SequenceMovingWindowReduceTransform", columnName="x", newColumnName="w", lookback=back, op=op))
            expected = [[function(one[max(0, end - back) : end]) for end in range(1, len(one) + 1)] for one in values]
            for found, wanted in zip(sequences(pipeline, "w"), expected, strict=True):
                assert np.allclose(found, wanted, equal_nan=True), (op, back)
    rows = {**ROWS, "n": [1, 2, 2, 1, 3, 2]}
    unique = actions(transform("SequenceMovingWindowReduceTransform", columnName="n", newColumnName="w", lookback=3, op="CountUnique"))
    assert (sequences(unique, "n", rows), sequences(unique, "w", rows)) == ([[2, 2, 2, 3], [1, 1]], [[1, 1, 1, 2], [1, 1]])
    edge = {"edgeCaseHandling": "SpecifiedValue", "edgeCaseValue": {"DoubleWritable": {"value": -1.0}}}
    pipeline = actions(transform("SequenceMovingWindowReduceTransform", columnName="n", newColumnName="w", lookback=2, op="Sum", **edge))
    assert sequences(pipeline, "w") == [[-1.0, 9.0, 8.0, 7.0], [-1.0, 5.0]]


OPS = ["Min", "Max", "Range", "Sum", "Prod", "Mean", "Stdev", "UncorrectedStdDev", "Variance", "PopulationVariance", "Count", "CountUnique"]
OPS += ["TakeFirst", "TakeLast"]


def reducer(**settings: Any) -> dict[str, Any]:
    empty = {"customReductions": {}, "conditionalReductions": {}, "ignoreInvalidInColumns": [], "opMap": {}}
    return {"Reducer": {**empty, **settings}}


def test_reducers_against_numpy() -> None:
    pipeline = actions({"reducer": reducer(keyColumns=["k"], defaultOp="Count", opMap={"x": OPS, "s": ["Append", "Prepend"]})}, first=False)
    names = ["k", "count(t)", *(f"{op.lower()}(x)" for op in OPS), "count(n)", "append(s)", "prepend(s)"]
    assert list(pipeline.output.names) == names
    found = {row["k"]: row for row in pipeline.run(ROWS).to_dicts()}
    for key, values in {"a": [2.0, 4.0, 16.0, 32.0], "b": [1.0, 8.0]}.items():
        expected = {
            "min": min(values),
            "max": max(values),
            "range": np.ptp(values),
            "sum": sum(values),
            "prod": np.prod(values),
            "mean": np.mean(values),
            "stdev": np.std(values, ddof=1),
            "uncorrectedstddev": np.std(values),
            "variance": np.var(values, ddof=1),
            "populationvariance": np.var(values),
            "count": len(values),
            "countunique": len(values),
            "takefirst": values[0],
            "takelast": values[-1],
        }
        for op, value in expected.items():
            assert math.isclose(found[key][f"{op}(x)"], value, rel_tol=1e-12), (key, op)
    assert (found["a"]["append(s)"], found["a"]["prepend(s)"], found["b"]["count(t)"]) == ("qrtu", "utrq", 2)
    alone = actions({"reducer": reducer(keyColumns=["s"], defaultOp="Stdev", opMap={"k": ["TakeFirst"]})}, first=False)
    assert alone.output.kinds["stdev(n)"] == "float"
    assert all(math.isnan(value) for value in column(alone, "stdev(x)")), "of one value DataVec gives NaN"


def test_times_and_whole_numbers_reduced() -> None:
    ops = {"t": ["Min", "Range", "Mean"], "n": ["Sum", "Prod", "Range"], "k": ["CountUnique"], "s": ["TakeLast"]}
    pipeline = actions({"reducer": reducer(defaultOp="TakeFirst", opMap=ops)}, first=False)
    row = pipeline.run(ROWS).with_columns(pl.selectors.datetime().dt.epoch("ms")).row(0, named=True)
    expected = {"countunique(k)": 2, "min(t)": 1000, "range(t)": 8000, "mean(t)": 21_500 / 6, "takefirst(x)": 1.0}
    assert {name: row[name] for name in expected} == pytest.approx(expected)
    assert (row["sum(n)"], row["prod(n)"], row["range(n)"], row["takelast(s)"]) == (21, 720, 5, "u")


def test_conditional_reductions_and_those_that_leave_invalid_values_out() -> None:
    columns = [COLUMNS[0], COLUMNS[1], {"Double": {"name": "x", "maxAllowedValue": 10.0}}, *COLUMNS[3:]]
    large = {"IntegerColumnCondition": {"columnName": "n", "op": "GreaterThan", "value": 3}}
    settings = reducer(
        keyColumns=["k"],
        defaultOp="TakeFirst",
        opMap={"x": ["Sum", "Count", "Mean"]},
        conditionalReductions={
            "n": {"columnName": "n", "outputNames": ["big", "many"], "reductions": ["Sum", "Count"], "condition": large}
        },
        ignoreInvalidInColumns=["x"],
    )
    pipeline = actions({"reducer": settings}, columns=columns, first=False)
    found = pipeline.run({**ROWS, "x": ["1", "2", "4", "8", "16", "?"]}).drop("takefirst(t)", "takefirst(s)")
    assert found.rows(named=True) == [
        {"k": "b", "sum(x)": 9.0, "count(x)": 2, "mean(x)": 4.5, "big": 4, "many": 1},
        {"k": "a", "sum(x)": 6.0, "count(x)": 2, "mean(x)": 3.0, "big": 11, "many": 2},
    ]


def test_the_middle_of_places() -> None:
    columns = [{"String": {"name": "k"}}, {"String": {"name": "p"}}]
    custom = {"p": {"GeographicMidpointReduction": {"delim": ","}}}
    pipeline = actions({"reducer": reducer(keyColumns=["k"], defaultOp="Count", customReductions=custom)}, columns=columns, first=False)
    found = pipeline.run({"k": ["a", "a"], "p": ["0,10", "0,20"]})["midpoint(p)"][0]
    latitude, longitude = map(float, found.split(","))
    assert (latitude, longitude) == pytest.approx((0.0, 15.0), abs=1e-9)


def test_a_sequence_reduced_to_one_step() -> None:
    pipeline = actions(transform("ReduceSequenceTransform", reducer=reducer(defaultOp="TakeLast", opMap={"x": ["Sum"]})))
    assert sequences(pipeline, "sum(x)") == [[54.0], [9.0]]
    assert sequences(pipeline, "takelast(n)") == [[5], [1]]
    assert pipeline.output.steps is not None


def windows(ms: list[int], size: int, every: int, *, empty: bool) -> list[list[int]]:
    """The windows that DataVec's documentation describes, of times in order: places of the rows in each."""
    first = ms[0] // every * every + every - size
    found = []
    while first <= ms[-1] // every * every:
        inside = [place for place, moment in enumerate(ms) if first <= moment < first + size]
        found += [inside] if inside or empty else []
        first += every
    return found


@pytest.mark.parametrize("empty", [True, False])
@pytest.mark.parametrize(("size", "every"), [(2, 1), (1, 1), (3, 1), (4, 2)])
def test_overlapping_windows_of_time(size: int, every: int, *, empty: bool) -> None:
    ms = [0, 100, 200, 1000, 1500, 2000, 5000]  # As in DataVec's own test.
    function = {
        "timeColumn": "t",
        "windowSize": size,
        "windowSizeUnit": "SECONDS",
        "windowSeparation": every * 1000,
        "windowSeparationUnit": "MILLISECONDS",
        "addWindowStartTimeColumn": True,
        "addWindowEndTimeColumn": True,
        "excludeEmptyWindows": not empty,
    }
    ops = {"n": ["Count", "Sum", "TakeLast"], "x": ["Mean"], "s": ["Append"], "windowEndTime": ["Max"]}
    settings = {"reducer": reducer(defaultOp="TakeFirst", opMap=ops), "windowFunction": {"OverlappingTimeWindowFunction": function}}
    pipeline = actions(transform("ReduceSequenceByWindowTransform", **settings))
    rows = {"k": ["a"] * 7, "t": ms, "x": [float(2**n) for n in range(7)], "n": list(range(7)), "s": list("opqrstu")}
    expected = windows(ms, size * 1000, every * 1000, empty=empty)
    found = pipeline.run(rows)
    names = ["takefirst(k)", "takefirst(t)", "mean(x)", "count(n)", "sum(n)", "takelast(n)", "append(s)"]
    names += ["takefirst(windowStartTime)", "max(windowEndTime)"]
    assert [name for name in found.columns if name in names] == names
    assert found["count(n)"].to_list() == [len(inside) for inside in expected]
    assert found["takelast(n)"].to_list() == [inside[-1] if inside else None for inside in expected]
    assert found["append(s)"].to_list() == ["".join("opqrstu"[place] for place in inside) for inside in expected]
    assert found["mean(x)"].to_list() == [np.mean([2.0**place for place in inside]) if inside else 0.0 for inside in expected]
    starts = found["takefirst(windowStartTime)"].dt.epoch("ms")
    assert (found["max(windowEndTime)"].dt.epoch("ms") - starts).unique().to_list() == [size * 1000]
    assert starts.is_sorted()


def test_windows_behind_each_other_and_their_offset() -> None:
    function = {"timeColumn": "t", "windowSize": 1, "windowSizeUnit": "SECONDS", "offsetAmount": 250, "offsetUnit": "MILLISECONDS"}
    function |= {"addWindowStartTimeColumn": True, "excludeEmptyWindows": True}
    settings = {"reducer": reducer(defaultOp="TakeFirst", opMap={"n": ["Count"]}), "windowFunction": {"TimeWindowFunction": function}}
    pipeline = actions(transform("ReduceSequenceByWindowTransform", **settings))
    rows = {"k": ["a"] * 4, "t": [0, 749, 750, 1749], "x": [0.0] * 4, "n": [0] * 4, "s": [""] * 4}
    found = pipeline.run(rows)
    # Windows change where time plus offset does; DataVec tells this sum as the start.
    assert found["count(n)"].to_list() == [2, 2]
    assert found["takefirst(windowStartTime)"].dt.epoch("ms").to_list() == [0, 1000]


@pytest.mark.parametrize(
    ("comparator", "by", "ascending", "expected"),
    [
        ("LongWritableComparator", "t", True, [2, 3, 5, 1, 0, 4]),
        ("DoubleWritableComparator", "x", False, [5, 4, 3, 2, 1, 0]),
        ("TextWritableComparator", "k", True, [1, 2, 4, 5, 0, 3]),
        ("TextWritableComparator", "k", False, [0, 3, 1, 2, 4, 5]),
        ("TextWritableComparator", "x", True, [0, 4, 1, 5, 2, 3]),
        ("LongWritable$DecreasingComparator", "t", False, [2, 3, 5, 1, 0, 4]),
    ],
)
def test_ranks(comparator: str, by: str, expected: list[int], *, ascending: bool) -> None:
    action = {"newColumnName": "r", "sortOnColumn": by, "comparator": {comparator: {}}, "ascending": ascending}
    found = actions({"calculateSortedRank": {"CalculateSortedRank": action}}, first=False).run(ROWS)
    assert found["r"].to_list() == [0, 1, 2, 3, 4, 5]
    assert [number - 1 for number in found["n"]] == expected
    assert found.columns == ["k", "t", "x", "n", "s", "r"]


def test_texts_become_steps() -> None:
    rows = {"k": ["a", "a"], "t": [2, 1], "x": [0.0, 1.0], "n": [1, 2], "s": ["ab a", "ba"]}
    settings = {"columnName": "s", "newColumnName": "c", "exceptionOnUnknown": False}
    letters = actions(transform("TextToCharacterIndexTransform", characterIndexMap={"a": 5, "b": 0}, **settings))
    assert (sequences(letters, "c", rows), sequences(letters, "n", rows)) == ([[0, 5, 5, 0, 5]], [[2, 2, 1, 1, 1]])
    later = transform("SequenceTrimTransform", numStepsToTrim=1, trimFromStart=True)
    words = actions(transform("TextToTermIndexSequenceTransform", wordIndexMap={"a": 1, "ab": 2}, delimiter=" ", **settings), later)
    assert sequences(words, "c", rows) == [[1]]
    strict = transform("TextToTermIndexSequenceTransform", wordIndexMap={"a": 1}, delimiter=" ", **{**settings, "exceptionOnUnknown": True})
    with pytest.raises(Exception, match="DA015"):
        actions(strict).run(rows)


def test_sequences_from_the_start() -> None:
    text = json.dumps(
        {
            "initialSchema": {"SequenceSchema": {"columns": [{"Integer": {"name": "n"}}]}},
            "actionList": [transform("SequenceTrimTransform", numStepsToTrim=1, trimFromStart=True)],
        }
    )
    pipeline = pipeline_from_datavec(text)
    assert pipeline.input.names == ("sequence", "n")
    assert pipeline.run({"sequence": [0, 0, 1, 1], "n": [1, 2, 3, 4]}).rows() == [(0, 2), (1, 4)]


def test_rows_taken_as_one_sequence() -> None:
    with pytest.warns(match=r"\[DA246\].*all rows are taken as one sequence"):
        pipeline = actions(transform("SequenceTrimTransform", numStepsToTrim=4, trimFromStart=True), first=False)
    assert column(pipeline, "n") == [5, 6]
    with warnings.catch_warnings(), pytest.raises(Exception, match="DA243"):
        actions({"convertFromSequence": {}}, first=False)

"""Whole files: DataVec's own regression file, YAML, classes of a user's own, and files that are wrong."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from polars.testing import assert_frame_equal

from lamina.data.pipeline import Pipeline
from lamina.data.pipeline.datavec import load_datavec, pipeline_from_datavec, schema_from_datavec
from lamina.data.pipeline.datavec.columns import read_schema
from lamina.data.pipeline.datavec.conditions import FILTERS
from lamina.data.pipeline.datavec.known import TRANSFORMS
from lamina.data.pipeline.datavec.reading import read
from lamina.data.pipeline.datavec.sequences import SPLITS
from lamina.data.pipeline.steps import Derive
from lamina.errors import DataError, LaminaError

FILE = "dl4j/misc/datavec-api/regression_test/100a/transformprocess_regression_100a.json"
SMALL = {
    "initialSchema": {"Schema": {"columns": [{"Double": {"name": "x"}}, {"String": {"name": "s"}}]}},
    "actionList": [{"transform": {"DoubleMathOpTransform": {"columnName": "x", "mathOp": "Add", "scalar": 1}}}],
}
# What DataVec describes in this file and could not run itself, or does otherwise than it says.
astray = pytest.mark.filterwarnings("ignore:\\[DA246\\]:lamina.errors.LaminaWarning")


@pytest.fixture(scope="module")
def file(shared_fixtures: Path) -> Path:
    return shared_fixtures / FILE


def rows(count: int = 60) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    state = [["State1", "State2"][place] for place in rng.integers(0, 2, count)]
    return pl.DataFrame(
        {
            "Cat": state[::-1],
            "Cat2": state,
            "Dbl": np.round(rng.normal(size=count), 2),
            "Dbl2": np.round(rng.normal(size=count), 2),
            "Int": [*map(str, rng.integers(0, 3, count - 1)), "?"],
            "Int2": rng.integers(0, 11, count),
            "Long": rng.integers(-5, 9, count),
            "Long2": rng.integers(-5, 9, count),
            "Str": ["State1"] * count,
            "Str2": [f"2016-01-{1 + row % 28:02d} {1 + row % 12:02d}:00:00" for row in range(count)],
            "Str3": ["text"] * count,
            "TimeCol": rng.integers(0, 10**12, count),
            "TimeCol2": rng.integers(0, 10**7, count),
        }
    )


@astray
def test_the_regression_file_gives_the_columns_that_it_records(file: Path) -> None:
    pipeline = load_datavec(file)
    assert Pipeline.from_yaml(pipeline.to_yaml()) == pipeline
    assert schema_from_datavec(file.read_text()).columns["Int2"].constraints() == {"minimum": 0, "maximum": 10}
    whole = read(file.read_text(), "file")
    recorded = whole.at("actionList").at(len(whole.data["actionList"]) - 1).at("transform").settings.at("inputSchema")
    theirs, as_sequences = read_schema(recorded)
    assert as_sequences
    before = pipeline.schemas()[-2]
    # The file has two columns of one name, and forgets a column whose values its rows keep.
    ours = {name: column for name, column in before.columns.items() if name not in ("sequence", "sequenceOffset(1,testColSeq)")}
    assert [name.removesuffix("_2") for name in ours] == [column.name for column in theirs]
    assert [column.kind for column in ours.values()] == [column.kind for column in theirs]
    states = [getattr(column, "values", None) or () for column in ours.values()]
    assert states == [column.states for column in theirs]
    assert tuple(before.steps.keys) == ("sequence",)


def runnable(file: Path) -> Pipeline:
    """The process with a word that its later actions know, so that all of them run: with its own, DataVec stops at action 24."""
    return pipeline_from_datavec(file.read_text().replace('"newValue" : "Other"', '"newValue" : "StrA"'))


@astray
def test_the_regression_file_runs(file: Path) -> None:
    with pytest.raises(DataError, match="DA015"):  # As DataVec: an action makes 'Other' of all text, another knows it not.
        load_datavec(file).run(rows())
    found = runnable(file).run(rows())
    assert len(found) > 5
    assert found["takefirst(takefirst(StrA))"].unique().to_list() == ["true"]
    ranks = found["rankColName"].to_list()
    assert ranks == list(range(1, len(found) + 1)), "the first step was cut off by the offset"
    assert found["mean(20,rankColName)"].to_list() == [np.mean(range(max(0, rank - 19), rank + 1)) for rank in ranks]
    assert found["someTextCol"].unique().to_list() == ["some values"]


@astray
@pytest.mark.slow  # Spark plans 70 steps behind each other.
@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
@pytest.mark.filterwarnings("ignore:It is preferred to specify type hints:UserWarning")
def test_the_regression_file_runs_on_spark(file: Path, spark: Any) -> None:
    pipeline, few = runnable(file), rows(24)
    given = spark.createDataFrame(few.to_arrow(compat_level=pl.CompatLevel.oldest()))
    assert_frame_equal(pipeline.run(given.coalesce(2)), pipeline.run(few), rel_tol=1e-12)


def test_yaml_as_datavec_writes_it() -> None:
    text = """---
initialSchema: !<Schema>
  columns:
  - !<Double>
    name: "x"
    allowNaN: false
  - !<org.datavec.api.transform.metadata.StringMetaData>
    name: "s"
actionList:
- transform: !<DoubleMathOpTransform>
    columnName: "x"
    mathOp: "Add"
    scalar: 1.0
- filter: !<ConditionFilter>
    condition: !<NullWritableColumnCondition>
      columnName: "s"
"""
    found = pipeline_from_datavec(text).run({"x": [1.0, 2.0], "s": ["a", None]})
    assert found.rows() == [(2.0, "a")]


def test_a_pattern_that_only_java_knows_matters_where_it_is_asked_for() -> None:
    schema = {"Schema": {"columns": [{"String": {"name": "s", "regex": "(?=a).*"}}]}}
    process = {"initialSchema": schema, "actionList": []}
    assert pipeline_from_datavec(json.dumps(process)).run({"s": ["b"]})["s"].to_list() == ["b"]
    process["actionList"] = [{"filter": {"FilterInvalidValues": {"columnsToFilterIfInvalid": ["s"]}}}]
    with pytest.raises(DataError, match=r"DA243.*action 1 \(FilterInvalidValues\)"):
        pipeline_from_datavec(json.dumps(process))
    with pytest.raises(DataError, match="DA242"):
        schema_from_datavec(json.dumps(schema))


def test_every_action_has_a_row_among_the_names_of_other_frameworks() -> None:
    rows = yaml.safe_load((Path(__file__).parents[4] / "docs" / "vocabulary.yaml").read_text())["deeplearning4j"]["DataVec"]
    named = {name.strip() for row in rows for name in row.split(",")}
    known = {*TRANSFORMS, *FILTERS, *SPLITS}
    assert known <= named
    assert named - known == {
        *("Reducer", "Join", "ConvertToSequence", "ConvertFromSequence", "CalculateSortedRank"),
        *("TransformProcess", "Schema", "SequenceSchema"),
    }


def test_two_columns_of_one_name_stay_apart() -> None:
    double = {"newColumnName": "x", "mathOp": "Add", "columns": ["x", "x"]}
    later = {"columnName": "x", "mathOp": "Multiply", "scalar": 10}
    actions = [{"transform": {"DoubleColumnsMathOpTransform": double}}, {"transform": {"DoubleMathOpTransform": later}}]
    pipeline = pipeline_from_datavec(json.dumps({**SMALL, "actionList": actions}))
    assert pipeline.run({"x": [1.5], "s": ["a"]}).to_dicts() == [{"x": 1.5, "s": "a", "x_2": 30.0}]


def test_classes_of_ones_own() -> None:
    own = {"transform": {"@class": "com.acme.Smooth", "columnName": "x", "strength": 2}}
    strange = {"filter": {"com.acme.Odd": {}}}
    condition = {"BooleanCondition": {"type": "NOT", "conditions": [{"@class": "com.acme.Blue"}]}}
    nested = {"filter": {"ConditionFilter": {"condition": condition}}}
    text = json.dumps({**SMALL, "actionList": [own, *SMALL["actionList"], strange, nested]})
    with pytest.raises(DataError) as caught:
        pipeline_from_datavec(text)
    assert [problem.code for problem in caught.value.problems] == ["DA241"] * 3
    assert [problem.where.partition(" (")[0] for problem in caught.value.problems] == ["action 1", "action 3", "action 4"]
    assert "com.acme.Blue" in str(caught.value)
    text = json.dumps({**SMALL, "actionList": [own, *SMALL["actionList"]]})

    def smooth(settings: dict[str, Any], schema: Any) -> list[Any]:
        assert schema.names == ("x", "s")
        return [Derive({settings["columnName"]: f"x * {settings['strength']}", "new": "upper(s)"})]

    found = pipeline_from_datavec(text, replaced={"com.acme.Smooth": smooth}).run({"x": [1.5], "s": ["a"]})
    assert found.to_dicts() == [{"x": 4.0, "s": "a", "new": "A"}]


def _with(**settings: Any) -> str:
    return json.dumps({**SMALL, "actionList": [{"transform": {"DoubleMathOpTransform": settings}}]})


def _action(kind: str, **settings: Any) -> str:
    return json.dumps({**SMALL, "actionList": [{"transform": {kind: settings}}]})


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "DA240", "initialSchema"),
        ("{", "DA240", "the JSON or YAML"),
        ("[1, 2]", "DA240", "actionList"),
        (json.dumps({**SMALL, "actionList": 3}), "DA240", "no list"),
        ("[" * 300 + "]" * 300, "DA240", "deep"),
        (json.dumps({**SMALL, "actionList": [{}]}), "DA242", "action 1"),
        (json.dumps({**SMALL, "initialSchema": {"Schema": {"columns": []}}}), "DA242", "at least one column"),
        (json.dumps({**SMALL, "initialSchema": {"Schema": {"columns": [{"Complex": {"name": "x"}}]}}}), "DA242", "Complex"),
        (_with(columnName="x", mathOp="Add"), "DA242", "scalar"),
        (_with(columnName="x", mathOp="Plus", scalar=1), "DA242", "ScalarMin"),
        (_with(columnName="y", mathOp="Add", scalar=1), "DA243", "one of the columns 'x', 's'"),
        (_with(columnName="s", mathOp="Add", scalar=1), "DA243", "of the type Double"),
        (_action("DoubleMathOpTransfrom", columnName="x"), "DA241", "a typo of DoubleMathOpTransform"),
        (_action("ReplaceStringTransform", columnName="s", map={"(": "x"}), "DA242", "regular expressions"),
        (_action("StringToTimeTransform", columnName="s", timeFormat="ww", timeZone="UTC"), "DA245", "can be read"),
        (_action("StringToTimeTransform", columnName="s", timeFormat="yyyy", timeZone="Mars/Olympus"), "DA245", "Mars/Olympus"),
        (
            _with(columnName="x", mathOp="Add", scalar=1, inputSchema={"Schema": {"columns": [{"Integer": {"name": "x"}}]}}),
            "DA244",
            "x (Integer), as the file says",
        ),
        (json.dumps({**SMALL, "actionList": [{"reducer": {"Reducer": {"defaultOp": "Sum"}}}]}), "DA243", "DataVec refuses this, too"),
    ],
)
def test_what_is_wrong_is_told(text: str, code: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        pipeline_from_datavec(text, "process.json")
    assert caught.value.code == code
    assert words in str(caught.value)


def test_a_flood_of_columns_is_refused() -> None:
    columns = [{"Integer": {"name": f"n{number}"}} for number in range(12)]
    names = [next(iter(column.values()))["name"] for column in columns]
    hot = [{"transform": {"IntegerToOneHotTransform": {"columnName": name, "minValue": 0, "maxValue": 9_999}}} for name in names]
    with pytest.raises(DataError, match="at most 100000 columns"):
        pipeline_from_datavec(json.dumps({"initialSchema": {"Schema": {"columns": columns}}, "actionList": hot}))


def test_places_in_the_file_are_told(tmp_path: Path) -> None:
    path = tmp_path / "process.json"
    path.write_text(json.dumps(SMALL, indent=1).replace('"Add"', '"Plus"'))
    with pytest.raises(DataError, match=r"process\.json:\d+:\d+: action 1 \(DoubleMathOpTransform\), mathOp"):
        load_datavec(path)
    with pytest.raises(DataError, match="DA240"):
        load_datavec(tmp_path / "nowhere.json")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="UTF-8"):
        load_datavec(path)


@astray
def test_damaged_files_give_nothing_but_errors_of_ours(file: Path) -> None:
    rng = random.Random(7)
    whole = json.loads(file.read_text())
    refused = 0
    for _ in range(300):
        data = copy.deepcopy(whole)
        data["actionList"] = (
            rng.sample(data["actionList"], rng.randint(1, 4)) if rng.random() < 0.7 else data["actionList"][: rng.randint(1, 30)]
        )
        for _ in range(rng.randint(0, 3)):
            _damage(data, rng)
        try:
            pipeline_from_datavec(json.dumps(data))
        except LaminaError:
            refused += 1
    assert 50 < refused < 300, "some are refused, some are whole enough"


def _damage(data: Any, rng: random.Random) -> None:
    part = data
    while True:
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(part[key], dict | list) and part[key] and rng.random() < 0.9:
            part = part[key]
            continue
        part[key] = rng.choice([None, 3, -1, 2**70, 1e308, "", "x", "Dbl", [], {}, True, [[]], {"a": {}}, "\ud800"])
        return

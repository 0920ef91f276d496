"""Pipelines: checked when described, fitted on the training part, pruned for serving."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from lamina.data.pipeline import Pipeline
from lamina.errors import DataError
from lamina.spec import registry
from lamina.testing.steps import check_column, check_step, sample_rows, sample_schema

COLUMNS = {"age": "integer", "city": "string", "price": "float"}
ROWS = {"age": [30, None, 50], "city": ["Bern", "Ulm", "Bern"], "price": [1.0, 2.0, 3.0]}


def examples(family: str) -> list:
    return [pytest.param(e, id=f"{name}-{i}") for name, kind in registry.components(family) for i, e in enumerate(kind.examples())]


@pytest.mark.parametrize("step", examples("step"))
def test_step(step) -> None:
    check_step(step)


@pytest.mark.parametrize("column", examples("column"))
def test_column(column) -> None:
    check_column(column)


@pytest.mark.parametrize(
    ("steps", "code", "words"),
    [
        ([{"type": "drop", "columns": "city"}, {"type": "select", "columns": ["cty"]}], "DA100", "step 2 (select), columns"),
        ([{"type": "derive", "columns": {"x": "agee + 1"}}], "DA122", "did you mean age?"),
        ([{"type": "derive", "columns": {"x": "city + 1"}}], None, "step 1 (derive), column 'x'"),
        ([{"type": "rename", "columns": {"age": "city"}}], "DA101", "column 'city'"),
        ([{"type": "filter", "where": "age + 1"}], "DA102", "a condition"),
        ([{"type": "fill_missing", "columns": "city", "value": "mean"}], "DA102", "column 'city'"),
        ([{"type": "trim_sequence", "keep": 2}], "DA200", "to_sequence"),
        ([{"type": "group_by", "keys": "city", "aggregates": {"x": "age + 1"}}], "DA124", "step 1 (group_by), column 'x'"),
        ([{"type": "bucketize", "columns": "city", "edges": [1.0]}], "DA102", "column 'city'"),
        ([{"type": "drop", "columns": ["age", "city", "price"]}], "DA102", "at least one column"),
    ],
)
def test_wrong_steps_are_found_when_they_are_described(steps: list, code: str | None, words: str) -> None:
    with pytest.raises(DataError) as caught:
        Pipeline({"columns": COLUMNS}, steps)
    assert code is None or caught.value.code == code
    assert words in str(caught.value)
    assert f"step {len(steps)} ({steps[-1]['type']})" in caught.value.problems[0].where


def test_every_kind_of_frame_gives_the_same() -> None:
    duckdb = pytest.importorskip("duckdb")
    pipeline = Pipeline({"columns": COLUMNS}, [{"type": "derive", "columns": {"x": "price * 2 + coalesce(age, 0)"}}])
    frame = pl.DataFrame(ROWS)
    arrow_rows = pa.table(frame.to_arrow(compat_level=pl.CompatLevel.oldest()))
    expected = [32.0, 4.0, 56.0]
    records = frame.to_dicts()
    for rows in (
        frame,
        frame.lazy(),
        frame.to_pandas(),
        arrow_rows,
        duckdb.sql("select * from arrow_rows"),
        ROWS,
        records,
        pd.DataFrame(ROWS),
    ):
        assert pipeline.run(rows)["x"].to_list() == expected, type(rows)
    assert pipeline.run(records[0])["x"].to_list() == expected[:1]


def test_missing_and_renamed_columns_are_named() -> None:
    pipeline = Pipeline({"columns": COLUMNS}, [])
    with pytest.raises(DataError) as caught:
        pipeline.run({"age": [1], "City": ["Bern"], "price": [1.0]})
    assert caught.value.code == "DA014"
    assert "did you mean 'City'?" in str(caught.value)
    with pytest.raises(DataError, match="DA018"):
        pipeline.run(np.zeros((2, 3)))


def test_nothing_is_learned_from_anything_but_what_fit_was_given() -> None:
    pipeline = Pipeline({"columns": COLUMNS}, [{"type": "fill_missing", "columns": "age", "value": "mean"}])
    with pytest.raises(DataError, match="DA104"):
        pipeline.run(ROWS)
    fitted = pipeline.fit({"age": [10, 20], "city": ["a", "b"], "price": [0.0, 0.0]})
    assert fitted.run(ROWS)["age"].to_list() == [30.0, 15.0, 50.0]
    assert pipeline.learns
    assert not fitted.learns


def test_serving_asks_for_no_more_than_an_answer_takes() -> None:
    pipeline = Pipeline(
        {"columns": {**COLUMNS, "note": "string", "sold": "boolean"}},
        [
            {"type": "filter", "where": "sold"},
            {"type": "rename", "columns": {"city": "town"}},
            {"type": "derive", "columns": {"double": "price * 2", "shout": "upper(note)"}},
            {"type": "fill_missing", "columns": ["age", "price"], "value": 0},
            {"type": "drop", "columns": "note"},
        ],
    )
    served = pipeline.serving(["double", "town"])
    assert served.input.names == ("city", "price")
    assert [step.type_name for step in served.steps] == ["rename", "derive"]
    assert served.run({"city": ["Bern"], "price": [2.0]}).to_dicts() == [{"town": "Bern", "price": 2.0, "double": 4.0}]
    judged = pipeline.serving(["double"], choosing=True)
    assert judged.input.names == ("price", "sold")
    assert judged.run({"price": [1.0, 2.0], "sold": [True, False]})["double"].to_list() == [2.0]


def test_target_encoding_is_out_of_fold() -> None:
    rng = np.random.default_rng(5)
    rows = {"c": [f"k{i}" for i in range(200)], "y": rng.normal(size=200).tolist()}
    pipeline = Pipeline(
        {"columns": {"c": "string", "y": "float"}}, [{"type": "target_encode", "columns": "c", "target": "y", "smoothing": 0.0}]
    )
    fitted, train = pipeline.fit_apply(rows, seed=1)
    mean = float(np.mean(rows["y"]))
    # Each category is seen once, so out of fold nothing is known of it: the row's own target must not shine through.
    assert np.allclose(train.collect()["c"].to_numpy(), mean)
    assert np.allclose(fitted.run(rows)["c"].to_numpy(), rows["y"])


def test_target_encoding_is_the_mean_of_the_other_folds() -> None:
    rows = {"c": ["a", "b"] * 50, "y": [float(i % 7) for i in range(100)]}
    pipeline = Pipeline(
        {"columns": {"c": "string", "y": "float"}}, [{"type": "target_encode", "columns": "c", "target": "y", "smoothing": 3.0}]
    )
    found = pipeline.fit_apply(rows, seed=1)[1].collect()
    frame, mean = pl.DataFrame(rows), float(np.mean(rows["y"]))
    values = set(zip(frame["c"].to_list(), found["c"].to_list(), strict=True))
    # Five folds, two categories: ten values, each from fewer rows than there are.
    assert 2 < len(values) <= 10
    assert all(abs(value - mean) < 3 for _, value in values)


def test_explain_shows_the_schema_at_each_step() -> None:
    shown = Pipeline(sample_schema(), [{"type": "drop", "columns": ["a", "b"]}]).explain()
    assert "after step 1 (drop)" in shown
    assert shown.count("  s  string") == 2
    assert len(sample_rows().columns) == 5


@pytest.mark.parametrize(
    ("step", "word"),
    [
        ({"type": "one_hot", "columns": "a", "values": {"a": ["x"]}}, "y"),
        ({"type": "integer_encode", "columns": "a", "values": {"a": ["x"]}}, "y"),
        ({"type": "multi_hot", "column": "a", "values": ["x"], "delimiter": ","}, "x,y"),
    ],
)
def test_a_word_that_is_not_known_is_named_with_its_row(step: dict, word: str) -> None:
    rows = pl.DataFrame({"a": ["x"] * 200_000 + [word, word]})
    with pytest.raises(DataError, match="row 200001, column 'a'") as found:
        Pipeline({"columns": {"a": "string"}}, [step]).run(rows)
    assert found.value.problems[0].code == "DA015"

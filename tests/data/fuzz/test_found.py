"""What fuzzing found once, each as small as it gets."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import wave
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import xlsxwriter

from lamina.data.config import DataConfig, prepare
from lamina.data.pipeline import Pipeline
from lamina.data.sources import Source
from lamina.errors import DataError, DescriptionError, LaminaError

PATTERNS = ("^a$", "*")
"""Names that Polars takes for patterns of names."""


def prepared(path: Path, **more: Any) -> Any:
    source = {key: more.pop(key) for key in ("target", "features", "missing") if key in more}
    return prepare(DataConfig.from_dict({"source": {"type": "csv", "path": str(path), **source}, **more}), seed=1)


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize(
    "step",
    [
        {"type": "one_hot", "columns": ["NAME"]},
        {"type": "integer_encode", "columns": ["NAME"]},
        {"type": "integer_encode", "columns": ["NAME", "a"]},
        {"type": "target_encode", "columns": ["NAME"], "target": "n"},
        {"type": "map_values", "columns": ["NAME"], "values": {"x": "y"}},
        {"type": "multi_hot", "column": "NAME", "values": ["x", "y"]},
        {"type": "fill_missing", "columns": ["NAME"], "value": "most_frequent"},
        {"type": "group_by", "keys": ["NAME"], "aggregates": {"m": "sum(n)"}, "order": ["NAME"]},
        {"type": "join", "table": {"k": ["x"], "v": [1.5]}, "kinds": {"k": "string", "v": "float"}, "on": {"NAME": "k"}},
        {"type": "sort", "by": ["NAME"]},
        {"type": "distinct", "columns": ["NAME"]},
        {"type": "rename", "columns": {"NAME": "b"}},
        {"type": "window", "columns": {"w": "lag(n, 1)"}, "keys": ["NAME"], "order": ["NAME"]},
        {"type": "to_sequence", "keys": ["NAME"]},
    ],
    ids=lambda step: step["type"],
)
def test_names_that_look_like_patterns_are_names(name: str, step: dict[str, Any]) -> None:
    def called(own: str) -> pl.DataFrame:
        steps = json.loads(json.dumps(step).replace("NAME", own))
        rows = pl.DataFrame({own: ["x", "y", "x"], "a": ["u", "v", "w"], "n": [1, 2, 3]})
        return Pipeline({"columns": {own: "string", "a": "string", "n": "integer"}}, [steps]).fit(rows).run(rows)

    found, wanted = called(name), called("plain")
    assert found.columns == [column.replace("plain", name) for column in wanted.columns]
    assert found.rows() == wanted.rows()


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("ending", ["parquet", "xlsx"])
def test_files_with_such_names_are_read(tmp_path: Path, name: str, ending: str) -> None:
    path, rows = tmp_path / f"rows.{ending}", pl.DataFrame({name: ["x", "y"], "a": [1.5, 2.5]})
    if ending == "parquet":
        rows.write_parquet(path)
    else:
        rows.write_excel(path)
    found = Source.from_dict({"type": "parquet" if ending == "parquet" else "excel", "path": str(path)}).rows()[0].collect()
    assert found.rows() == rows.rows()
    assert found.columns == rows.columns


def test_names_with_two_underscores_are_free_but_for_ours() -> None:
    step = {"type": "join", "table": {"k": ["x"], "v": [1.5]}, "kinds": {"k": "string", "v": "float"}, "on": {"__left": "k"}}
    rows = {"__left": ["x"], "__right": ["y"], "__row": ["z"]}
    assert Pipeline({"columns": dict.fromkeys(rows, "string")}, [step]).run(rows).rows() == [("x", "y", "z", 1.5)]
    with pytest.raises(DescriptionError, match="__lamina_row"):
        Pipeline({"columns": {"__lamina_row": "string"}}, [])


@pytest.mark.parametrize(
    "steps",
    [
        [{"type": "filter", "where": "x > 9"}],
        [{"type": "filter", "where": "x > 9"}, {"type": "to_sequence", "keys": ["s"]}],
        [{"type": "filter", "where": "x > 9"}, {"type": "fill_missing", "columns": ["s"], "value": "forward"}],
    ],
)
@pytest.mark.parametrize("split", [{}, {"split": {"test": 0.5}}, {"split": {"type": "by_time", "test": 0.5}}])
def test_a_table_of_which_nothing_is_left(tmp_path: Path, steps: list[Any], split: dict[str, Any]) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("x,s,y\n1,a,0.5\n2,b,1.5\n")
    with pytest.raises(DataError) as caught:
        prepared(path, target="y", transform=steps, **split)
    assert caught.value.code == "DA006"


@pytest.mark.parametrize("missing", ["zero", "mean", "median"])
def test_gaps_in_sequences_of_any_length_are_filled(tmp_path: Path, missing: str) -> None:
    """What stands in a gap is of the column, not of the step, and the steps that only fill up don't count."""
    path = tmp_path / "rows.csv"
    path.write_text("k,x,z\na,2,1\na,,1\na,4,1\na,9,1\nb,5,1\n")
    made = prepared(path, missing=missing, transform=[{"type": "to_sequence", "keys": ["k"]}])
    filled = {"zero": 0.0, "mean": 5.0, "median": 4.5}[missing]
    assert np.asarray(made.train.inputs["input"])[0, 1, 0] == filled
    for steps in (1, 2, 7):
        rows = {"k": ["c"] * steps, "x": [None] + [3.0] * (steps - 1), "z": [1] * steps}
        found = made.preprocessing.inputs(rows)["input"]
        assert found.shape == (1, steps, 2)
        assert found[0, 0, 0] == filled


def test_half_a_letter_is_no_text(tmp_path: Path) -> None:
    for number, line in enumerate((r'{"a": "x\ud83d"}', r'{"\ud83d": 1}')):
        path = tmp_path / f"{number}.jsonl"
        path.write_text(f"{line}\n")
        with pytest.raises(DataError, match="half a letter") as caught:
            Source.from_dict({"type": "json_lines", "path": str(path)}).rows()
        assert caught.value.code == "DA054"
        assert str(caught.value).encode()


@pytest.fixture
def plain(tmp_path: Path) -> Any:
    path = tmp_path / "rows.csv"
    path.write_text("x,s,y\n1,a,0.5\n2,b,1.5\n3,a,2.5\n")
    return prepared(path, target="y", normalize="standardize").preprocessing


def test_records_are_taken_without_steps_too(plain) -> None:
    wanted = plain.inputs({"x": [2], "s": ["b"]})["input"]
    assert np.array_equal(plain.inputs([{"x": 2, "s": "b"}])["input"], wanted)
    assert np.array_equal(plain.inputs({"x": 2, "s": "b"})["input"], wanted)


@pytest.mark.parametrize(
    "odd", [{"x": [float("nan"), None, (1, 2)], "s": ["a"] * 3}, [{"x": {"u": 1}, "s": "a"}], [{"x": object, "s": "a"}]]
)
def test_records_with_odd_values_are_refused(plain, odd: Any) -> None:
    with pytest.raises(LaminaError):
        plain.inputs(odd)


def test_numbers_too_large_for_the_network_are_said(plain, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        plain.inputs({"x": [1e308], "s": ["a"]})
    assert caught.value.code == "DA001"
    path = tmp_path / "large.csv"
    path.write_text("x,y\n1,0.5\n2,1e300\n")
    with pytest.raises(DataError, match="target") as caught:
        prepared(path, target="y")
    assert caught.value.code == "DA001"


def test_whole_numbers_of_records_have_64_bits() -> None:
    pipeline = Pipeline({"columns": {"a": "integer"}}, [{"type": "derive", "columns": {"b": "a + 1"}}])
    for rows in ([{"a": 1}, {"a": 10**30}], {"a": [2**64 - 1]}, {"a": 10**30}):
        with pytest.raises(DataError, match="64 bits|kind each"):
            pipeline.run(rows)


def test_ranges_are_found_without_a_question_for_each() -> None:
    """Ten thousand ranges, one within the other, took a quarter of an hour; more than some hundred are refused."""
    rows = {"a": [float(number) for number in range(500)]}
    many = Pipeline({"columns": {"a": "float"}}, [{"type": "bucketize", "columns": ["a"], "edges": [*map(float, range(1, 5000))]}])
    assert many.run(rows)["a"].to_list() == list(range(500))
    with pytest.raises(DescriptionError, match="256"):
        Pipeline({"columns": {"a": "float"}}, [{"type": "bucketize", "columns": ["a"], "count": 10_000}])


def test_values_at_and_beyond_the_edges_of_ranges() -> None:
    step = {"type": "bucketize", "columns": ["a"], "edges": [0.0, 1.0], "labels": ["low", "middle", "high"]}
    pipeline = Pipeline({"columns": {"a": {"type": "float", "allow_nan": True, "allow_infinite": True}}}, [step])
    values = [None, -np.inf, -0.5, 0.0, 0.5, 1.0, np.inf, np.nan]
    rows = pl.DataFrame({"a": pl.Series(values, dtype=pl.Float64, strict=False)})
    assert pipeline.run(rows)["a"].to_list() == [None, "low", "low", "middle", "middle", "high", "high", "high"]


def test_pictures_that_do_not_go_into_memory_are_refused(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (8, 4)).save(tmp_path / "a.png")
    for prepare_step in ({"type": "resize", "size": 100_000}, {"type": "resize", "size": 100_000, "mode": "short_side"}):
        source = {"type": "image_folder", "path": str(tmp_path), "label": "none", "size": 8, "prepare": prepare_step}
        with pytest.raises(DataError) as caught:
            np.asarray(prepare(DataConfig.from_dict({"source": source}), seed=1).train.inputs["input"])
        assert caught.value.code == "DA138"


def test_sequences_without_a_column_to_learn_from(tmp_path: Path) -> None:
    (tmp_path / "run.csv").write_text("y\n1\n2\n")
    with pytest.raises(DataError) as caught:
        Source.from_dict({"type": "sequence_files", "path": str(tmp_path), "target": "y"}).read()
    assert caught.value.code == "DA016"


def test_tokens_that_are_no_numbers(tmp_path: Path) -> None:
    (tmp_path / "poem.txt").write_text("a cat sat on a mat and a dog sat on a log " * 9)
    source = {"type": "running_text", "path": str(tmp_path / "poem.txt"), "steps": 4, "vectorize": {"tokenizer": "words"}}
    kept = prepare(DataConfig.from_dict({"source": source}), seed=1).preprocessing
    for odd in (np.nan, np.inf, 1e300, -1.0, 0.5):
        with pytest.raises(DataError):
            kept.inputs(np.full((1, 4), odd))


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("ending", ["arrow", "db"])
def test_tables_with_such_names_are_scanned(tmp_path: Path, name: str, ending: str) -> None:
    rows = pl.DataFrame({"x y": ["x", "y"], name: [1, 2]})
    path = tmp_path / f"rows.{ending}"
    if ending == "arrow":
        rows.write_ipc(path)
        source = {"type": "arrow", "path": str(path)}
    else:
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute(f'create table t ("x y" text, "{name}" integer)')
            database.executemany("insert into t values (?, ?)", rows.rows())
            database.commit()
        source = {"type": "sql", "url": f"sqlite:///{path}", "table": "t"}
    found = Source.from_dict(source).rows()[0]
    assert found.collect().equals(rows)
    assert found.select([name]).collect().rows() == [(1,), (2,)]


@pytest.mark.parametrize(
    "step",
    [
        {"type": "time_windows", "time": "t", "size": 60, "unit": "week", "offset": 2**40, "aggregates": {"n": "count()"}},
        {"type": "time_windows", "time": "t", "size": 2**40, "every": 1, "unit": "millisecond", "aggregates": {"n": "count()"}},
        {"type": "pad_sequence", "length": 2**31},
    ],
)
def test_steps_that_would_fill_the_memory_are_refused(step: dict[str, Any]) -> None:
    with pytest.raises(DescriptionError):
        Pipeline({"columns": {"t": "time", "s": "string"}}, [{"type": "to_sequence", "keys": ["s"]}, step])


def test_a_sheet_with_a_cell_far_away_takes_no_gigabyte(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "far.xlsx") as book:
        sheet = book.add_worksheet()
        for row in range(3):
            sheet.write_row(row, 0, ["a", "b"] if row == 0 else [row, 2.5])
        sheet.write(1_048_575, 4, "far")
    with pytest.raises(DataError, match="far away") as caught:
        Source.from_dict({"type": "excel", "path": str(tmp_path / "far.xlsx")}).rows()
    assert caught.value.code == "DA064"


def test_a_picture_that_is_none(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (8, 4)).save(tmp_path / "a.png")
    source = {"type": "image_folder", "path": str(tmp_path), "label": "none", "size": 8}
    kept = prepare(DataConfig.from_dict({"source": source}), seed=1).preprocessing
    with pytest.raises(DataError) as caught:
        np.asarray(kept.inputs([str(tmp_path / "a.png"), 7])["input"])
    assert caught.value.code == "DA130"


def test_a_sound_whose_head_says_one_sample_in_a_second(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(1)
        file.writeframes(b"\0\1" * 400)
    source = {"type": "audio_folder", "path": str(tmp_path), "label": "none", "rate": 768_000, "seconds": 0.05}
    with pytest.raises(DataError) as caught:
        np.asarray(prepare(DataConfig.from_dict({"source": source}), seed=1).train.inputs["input"])
    assert caught.value.code == "DA148"


def test_a_prediction_that_looks_at_no_column_has_rows() -> None:
    pipeline = Pipeline({"columns": {"a": "float", "b": "float"}}, [{"type": "derive", "columns": {"c": "1.5"}}])
    assert pipeline.serving(["c"]).run({"a": [1.0, 2.0], "b": [1.0, 2.0]})["c"].to_list() == [1.5, 1.5]


def test_clips_filled_with_silence_are_as_long_as_the_longest(tmp_path: Path) -> None:
    for place, count in enumerate((200, 50)):
        with wave.open(str(tmp_path / f"{place}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(4000)
            file.writeframes(b"\0\x40" * count)
    source = {"type": "audio_folder", "path": str(tmp_path), "label": "none", "fill": "silence"}
    found = np.asarray(prepare(DataConfig.from_dict({"source": source}), seed=1).train.inputs["input"])
    assert found.shape == (2, 200, 1)
    assert found[0].all()
    assert found[1, :50].all()
    assert not found[1, 50:].any()


def test_arrays_that_are_no_columns_or_samples(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.array(3.0))
    text = np.array(["a", "b"])
    text.view(np.uint32)[1] = 0xD800
    np.save(tmp_path / "text.npy", text)
    (tmp_path / "none.mat").write_bytes(MATLAB_HEAD)
    for source, code in (
        ({"type": "arrays", "inputs": str(tmp_path / "one.npy")}, "DA003"),
        ({"type": "numpy", "path": str(tmp_path / "text.npy"), "target": "text"}, "DA063"),
        ({"type": "arrays", "inputs": str(tmp_path / "one.npy"), "targets": str(tmp_path / "text.npy")}, "DA003"),
        ({"type": "matlab", "path": str(tmp_path / "none.mat")}, "DA006"),
    ):
        with pytest.raises(DataError) as caught:
            Source.from_dict(source).read()
        assert caught.value.code == code


MATLAB_HEAD = b"MATLAB 5.0 MAT-file".ljust(116) + bytes(8) + b"\x00\x01IM"
"""The head of a file without a variable."""


@pytest.mark.parametrize("classes", [[[]], [["a"]], [{}], [None]])
def test_classes_that_are_no_names(classes: Any) -> None:
    with pytest.raises(DescriptionError):
        Source.from_dict({"type": "segmentation", "path": "a", "masks": "b", "classes": classes})


def test_what_is_learned_is_read_back_whatever_its_letters() -> None:
    """Readers of YAML refuse some letters that JSON may have."""
    words = sorted(
        {chr(code) for code in (0x7F, 0x80, 0x85, 0x89, 0x9F, 0xA0, 0x2028, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF, 0x1F600)} | {"\n", '"', "\\"}
    )
    fitted = Pipeline({"columns": {"a": "string"}}, [{"type": "categorical", "columns": ["a"]}]).fit({"a": words})
    for text in (fitted.to_json(), fitted.to_yaml()):
        assert Pipeline.from_yaml(text) == fitted
    assert Pipeline.from_dict(json.loads(fitted.to_json())) == fitted


def test_a_part_of_which_steps_that_learn_leave_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("x,s,y\n1,,0.5\n2,,1.5\n3,,2.5\n4,,1\n")
    steps = [{"type": "fill_missing", "columns": ["x"], "value": "mean"}, {"type": "drop_missing"}]
    with pytest.raises(DataError) as caught:
        prepared(path, target="y", transform=steps, split={"test": 0.5})
    assert caught.value.code == "DA006"


def test_very_large_numbers_are_made_normal(tmp_path: Path) -> None:
    rows = {"a": [1.0, 2.0, 1e308, -1e308, 5.0]}
    fitted = Pipeline({"columns": {"a": "float"}}, [{"type": "normalize", "columns": "a", "how": "power"}]).fit(rows)
    assert np.isfinite(fitted.run(rows)["a"].to_numpy()).all()


def test_errors_of_archives_always_say_what_came(tmp_path: Path) -> None:
    path = tmp_path / "rows.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", b"a,b\n1,2\n")
    whole = path.read_bytes()
    for place in range(len(whole)):
        for value in (0, 1, 0xFF):
            path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            found = None
            try:
                Source.from_dict({"type": "csv", "path": str(path)}).frame().collect()
            except LaminaError as error:
                found = error
            assert found is None or all(problem.got.strip() and problem.cause.strip() for problem in found.problems)


def test_a_column_that_a_learned_step_took_away_is_named() -> None:
    steps = [{"type": "one_hot", "columns": ["a"]}, {"type": "normalize", "columns": ["a"], "how": "max_abs"}]
    pipeline = Pipeline({"columns": {"a": "integer", "b": "integer"}}, steps)
    with pytest.raises(DataError) as caught:
        pipeline.fit({"a": [1, 2], "b": [1, 2]})
    assert caught.value.code == "DA100"
    assert "step 2 (normalize)" in caught.value.problems[0].where


@pytest.mark.parametrize("missing", ["mean", "median"])
def test_the_mean_of_very_large_numbers(tmp_path: Path, missing: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("x,y\n1.5e308,0.5\n1.5e308,1.5\n,0.25\n1.5e308,0.5\n1.5e308,0.5\n")
    source = {"type": "csv", "path": str(path), "target": "y", "missing": missing}
    made = prepare(DataConfig.from_dict({"source": source}), seed=1, dtype="float64")
    np.testing.assert_allclose(np.asarray(made.train.inputs["input"]), 1.5e308)


def test_a_join_with_no_columns_at_all() -> None:
    with pytest.raises(DescriptionError, match="a kind for each column"):
        Pipeline(
            {"columns": {"time": "string"}},
            [{"type": "join", "table": {}, "kinds": {"k": "string", "v": "integer"}, "on": {"time": "k"}, "how": "full"}],
        )


def test_bytes_that_are_no_text_in_a_column_that_nobody_asks_for(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,c,y\n1,x,0.5\n2,y,1.5\n")
    data = prepared(path, target="y", features=["a", "c"])
    found = data.preprocessing.inputs({"a": [1.0, 2.0], "c": ["x", "y"], "odd": [b"\xff", None]})["input"]
    assert np.array_equal(found, data.train.inputs["input"])
    with pytest.raises(DataError) as caught:
        data.preprocessing.inputs({"a": [1.0, 2.0], "c": [b"\xff", "y"]})
    assert caught.value.code in ("DA005", "DA015", "DA103")


def test_dates_beyond_all_calendars(tmp_path: Path) -> None:
    path = tmp_path / "rows.arrow"
    days = pl.Series("d", [2**31 - 1, 0], dtype=pl.Int32)
    pl.DataFrame({"d": days, "y": [0.5, 1.5]}).with_columns(pl.col("d").cast(pl.Date)).write_ipc(path)
    with pytest.raises(LaminaError):
        prepare(DataConfig.from_dict({"source": {"type": "arrow", "path": str(path), "target": "y"}}), seed=1)


def test_lists_of_words_in_a_column_that_looks_like_a_pattern() -> None:
    pipeline = Pipeline(
        {"columns": {"^a$": "string"}}, [{"type": "encode_list", "column": "^a$", "values": ["x", "z"], "unknown": "ignore"}]
    )
    assert len(pipeline.run({"^a$": ["x,z", "z", None]})) == 3


def test_sequences_with_lists_are_padded() -> None:
    steps = [{"type": "to_sequence", "keys": ["k"], "order": []}, {"type": "pad_sequence", "length": 2, "values": {}}]
    pipeline = Pipeline({"columns": {"k": "string", "v": "array"}}, steps)
    found = pipeline.run({"k": ["a", "b", "b"], "v": [[1.0, 2.0], [3.0], [4.0]]})
    assert found.rows() == [("a", [1.0, 2.0]), ("a", None), ("b", [3.0]), ("b", [4.0])]


@pytest.mark.parametrize(
    "word", ["1e999", "1e5", "5.", "010", "1_000", "~", "null", "true", "on", ".inf", "0x1f", "12:30", "2024-01-01", "", "="]
)
def test_words_that_look_like_numbers_stay_words(word: str) -> None:
    described = DataConfig.from_dict({"source": {"type": "csv", "path": "a.csv", "categorical": [word], "target": "y"}})
    assert DataConfig.from_yaml(described.to_yaml()) == described


@pytest.mark.parametrize("encoding", ["latyn-1", "utf-7", "big5"])
def test_xml_in_an_encoding_that_is_none_here(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "rows.xml"
    path.write_text(f'<?xml version="1.0" encoding="{encoding}"?>\n<rows><row a="1"/></rows>')
    with pytest.raises(DataError, match="DA054"):
        prepare(DataConfig.from_dict({"source": {"type": "xml", "path": str(path)}}), seed=1)


def test_whole_numbers_beyond_floats_among_floats_of_pandas() -> None:
    import pandas as pd

    from lamina.data.foreign import as_polars

    found = as_polars(pd.DataFrame({"a": pd.Series([10**400, -(10**400), 0.5], dtype=object)}))
    assert found.lazy().collect()["a"].to_list() == [float("inf"), float("-inf"), 0.5]


def test_lists_of_things_have_an_end() -> None:
    with pytest.raises(DescriptionError, match="most"):
        Source.from_dict({"type": "detection", "path": "a", "annotations": "b", "most": 2**63})


@pytest.mark.parametrize(
    "source",
    [
        {"target": "y", "features": ["c"], "categorical": ["c"]},
        {"target": "y", "text": "c", "ignore": ["n"]},
        {"target": "c", "features": ["n"]},
        {"target": "y", "features": ["c", "n"]},
    ],
)
@pytest.mark.parametrize("odd", [(1, 2), ["x"], [[1], [2, 3]], {"a": 1}])
def test_lists_where_there_was_one_value(tmp_path: Path, source: dict[str, Any], odd: Any) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("c,n,y\nx,1,0.5\ny,2,1.5\nx,3,1\n")
    data = prepare(DataConfig.from_dict({"source": {"type": "csv", "path": str(path), **source}}), seed=1)
    with pytest.raises(LaminaError):
        data.preprocessing.dataset([{"c": odd, "n": 1, "y": 0.5}])


@pytest.mark.parametrize("kind", ["TIMESTAMP", "DATE", "TEXT", "REAL"])
def test_columns_of_a_database_whose_names_look_like_patterns(tmp_path: Path, kind: str) -> None:
    values = {"TIMESTAMP": "2024-03-31T02:30:00", "DATE": "2024-03-31", "TEXT": "a", "REAL": 0.5}
    with contextlib.closing(sqlite3.connect(tmp_path / "rows.db")) as base, base:
        base.execute(f'CREATE TABLE t ("^a$" {kind}, y REAL)')
        base.execute("INSERT INTO t VALUES (?, 1.5)", (values[kind],))
    source = Source.from_dict({"type": "sql", "url": f"sqlite:///{tmp_path / 'rows.db'}", "table": "t"})
    found = source.frame().lazy().collect()
    assert found.columns == ["^a$", "y"]
    assert len(found) == 1


@pytest.mark.parametrize(
    "values", [["x", "y", None], [1.5, None, 2], [True, False, None], [b"a", b"", None], ["2024-01-01", "2024-05-06", "x"]]
)
def test_frames_of_pandas_whose_names_look_like_patterns(values: list[Any]) -> None:
    import pandas as pd

    from lamina.data.foreign import as_polars

    kinds = ["object", *(["category", "string"] if isinstance(values[0], str) else [])]
    times = pd.Series(pd.to_datetime(["2024-01-01", None, "2024-05-06"]))
    for column in (
        *(pd.Series(values, dtype=kind) for kind in kinds),
        times,
        times.astype(object),
        times.dt.tz_localize("UTC"),
        times - times[0],
    ):
        found, plain = (as_polars(pd.DataFrame({name: column})).lazy().collect() for name in ("^a$", "a"))
        assert found["^a$"].to_list() == plain["a"].to_list()


@pytest.mark.parametrize("values", [[1, 2], ["x", "1"], ["1", "2"], [1.5, None], [[1.0], [2.0]], [True, None]])
def test_records_of_json_whose_names_look_like_patterns(tmp_path: Path, values: list[Any]) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps({"^a$": value}) for value in values))
    found = Source.from_dict({"type": "json_lines", "path": str(path)}).frame().lazy().collect()
    assert found.columns == ["^a$"]
    assert len(found) == len(values)


@pytest.mark.parametrize("kind", ["csv", "text_folder", "running_text"])
def test_no_path_at_all(kind: str) -> None:
    with pytest.raises(DescriptionError, match="path"):
        Source.from_dict({"type": kind, "path": []})

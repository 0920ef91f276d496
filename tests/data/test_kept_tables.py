"""A model that was trained on a table reads later tables as it read that one, and judges what it is given in the data's own terms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import lamina as lm
from lamina.data.config import DataConfig, Prepared, prepare
from lamina.errors import DataError
from lamina.predictions import read_inputs

ROWS = [
    ("007", "?", "true", 2.0, 1),
    ("010", "4.5", "false", 1.0, 2),
    ("007", "NA", "true", 0.5, 3),
    ("100", "1.5", "false", 3.0, 1),
    ("010", "2.0", "true", 1.0, 2),
    ("100", "", "false", 1.0, 3),
]


def write(path: Path, *, delimiter: str = ",") -> Path:
    lines = [delimiter.join(map(str, row)) for row in [("zip", "size", "owner", "weight", "grade"), *ROWS]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    source = f"{{type: csv, path: {write(tmp_path / 'homes.csv')}, target: grade, weight: weight, categorical: [zip], missing: mean}}"
    return prepare(DataConfig.from_yaml(f"{{source: {source}, normalize: standardize}}"), seed=1)


@pytest.fixture
def model(prepared: Prepared) -> lm.Model:
    made = lm.Model(lm.Sequential([lm.Output(3)]), seed=1)
    made.fit(prepared.train, epochs=1, progress=False)
    return made


def test_the_preprocessing_of_the_data_becomes_that_of_the_model(model: lm.Model, prepared: Prepared) -> None:
    assert model.preprocessing is prepared.preprocessing


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " "])
def test_a_csv_file_is_read_as_in_training(model: lm.Model, prepared: Prepared, tmp_path: Path, delimiter: str) -> None:
    expected = model.predict(prepared.train)
    if delimiter == " ":
        path = tmp_path / "blanks.csv"
        path.write_text(write(path).read_text().replace(",", " ").replace("100  false", "100 ? false"))
    else:
        path = write(tmp_path / "new.csv", delimiter=delimiter)
    np.testing.assert_array_equal(model.predict(read_inputs(path, model)), expected)
    np.testing.assert_array_equal(model.predict(path), expected)


def test_weights_of_a_csv_file_count_in_judging_too(model: lm.Model, prepared: Prepared, tmp_path: Path) -> None:
    path = write(tmp_path / "new.csv")
    weight = model.dataset(path).weight
    assert weight is not None
    np.testing.assert_array_equal(weight, [row[3] for row in ROWS])
    assert model.judge(path).metrics == model.judge(prepared.train).metrics


def test_grades_are_names_of_classes_not_their_places(model: lm.Model, prepared: Prepared, tmp_path: Path) -> None:
    frame = {"zip": ["007", "010"], "size": [1.0, 2.0], "owner": ["true", "false"]}
    dataset = model.dataset(frame, [1, 2])
    assert dataset.targets["output"].tolist() == [0, 1]
    with pytest.raises(DataError, match="did you mean|train on data that hold this class"):
        model.dataset(frame, [0, 1])


def test_a_test_source_is_weighted_as_the_source(tmp_path: Path) -> None:
    source = f"{{type: csv, path: {write(tmp_path / 'a.csv')}, target: grade, weight: weight, categorical: [zip], missing: zero}}"
    both = prepare(DataConfig.from_yaml(f"{{source: {source}, test_source: {source}}}"), seed=1)
    assert both.test is not None
    assert both.test.weight is not None
    np.testing.assert_array_equal(both.test.weight, [row[3] for row in ROWS])


def test_a_raw_data_set_goes_through_the_models_own_preprocessing() -> None:
    prepared = prepare(DataConfig.from_yaml("{source: wine, normalize: standardize}"), seed=1)
    model = lm.Model(lm.Sequential([lm.Output(3)]), seed=1)
    model.fit(prepared.train, epochs=1, progress=False)
    raw = DataConfig.from_yaml("{source: wine}").source.read().train
    np.testing.assert_array_equal(model.predict(raw), model.predict(prepared.train))
    assert model.judge(raw).metrics == model.judge(prepared.train).metrics


def test_classes_of_a_data_set_are_matched_by_name() -> None:
    x, names = np.random.default_rng(0).normal(size=(30, 2)), np.array(["ant", "bee", "cow"] * 10)
    model = lm.Model(lm.Sequential(lm.features(2), [lm.Output(3)]), seed=1)
    model.fit(x, names, epochs=1, progress=False)
    some = names != "ant"
    assert model.dataset(lm.Dataset.from_arrays(x[some], names[some])).targets["output"].tolist() == [1, 2] * 10
    with pytest.raises(DataError, match="did you mean 'cow'"):
        model.evaluate(lm.Dataset.from_arrays(x, np.where(names == "cow", "cows", names)))


def test_a_table_encoded_otherwise_is_refused() -> None:
    frame = pl.DataFrame({"city": ["Bern", "Zug", "Chur", "Zug"], "y": [0, 1, 0, 1]})
    model = lm.Model(lm.Sequential([lm.Output(2)]), seed=1)
    model.fit(frame, target="y", epochs=1, progress=False)
    other = frame.with_columns(city=pl.Series(["Bern", "Thun", "Chur", "Thun"]))
    with pytest.raises(DataError, match=r"give the frame itself") as caught:
        model.predict(lm.Dataset.from_frame(other, target="y"))
    assert caught.value.code == "DA022"


def test_a_float64_model_takes_any_data_set() -> None:
    x, y = np.random.default_rng(0).normal(size=(12, 2)), [0, 1, 2] * 4
    model = lm.Model(lm.Sequential(lm.features(2), [lm.Output(3)]), seed=1, dtype="float64")
    data = lm.Dataset.from_arrays(x, y)
    model.fit(data, epochs=1, progress=False)
    assert model.predict(data).dtype == np.float64
    assert model.judge(data).metrics["loss"] > 0


def test_figures_of_scaled_targets_are_in_their_own_units() -> None:
    prepared = prepare(DataConfig.from_yaml("{source: diabetes, normalize_targets: standardize}"), seed=1)
    model = lm.Model(lm.Sequential([lm.Output(1, loss="mse")]), seed=1)
    run = model.fit(prepared.train, validation=prepared.train, epochs=1, progress=False)
    raw = DataConfig.from_yaml("{source: diabetes}").source.read().train
    right = raw.targets["output"][:, 0]
    report = model.evaluate(raw)
    mae = np.abs(model.predict(raw)[:, 0] - right).mean()
    assert report.metrics["mae"] == pytest.approx(mae, rel=1e-5)
    assert report.metrics["mae"] > 10
    assert run.history[-1]["validation/mae"] == pytest.approx(mae, rel=1e-5)
    # The loss is what training minimises.
    assert report.metrics["loss"] == pytest.approx(report.metrics["mse"] / right.var(), rel=1e-4)


def test_categories_that_are_almost_equal_numbers_stay_apart() -> None:
    frame = pl.DataFrame({"a": [0.12345671, 0.12345672, float("inf")], "y": [0, 1, 1]})
    data = lm.Dataset.from_frame(frame, target="y", categorical=["a"])
    assert data.inputs["input"].tolist() == np.eye(3).tolist()


def test_true_and_false_are_the_same_in_files_and_frames(model: lm.Model, prepared: Prepared, tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"zip": [row[0] for row in ROWS], "size": [None, 4.5, None, 1.5, 2.0, None], "owner": [row[2] == "true" for row in ROWS]}
    )
    np.testing.assert_array_equal(model.predict(frame), model.predict(prepared.train))
    # And the other way: trained on a frame, given a file.
    other = lm.Model(lm.Sequential([lm.Output(2)]), seed=1)
    flags = pl.DataFrame({"on": [True, False, True, False], "y": [True, False, True, False]})
    other.fit(flags, target="y", epochs=1, progress=False)
    path = tmp_path / "flags.csv"
    path.write_text("on,y\ntrue,true\nfalse,false\nTrue,True\nFalse,False\n")
    np.testing.assert_array_equal(other.predict(path), other.predict(flags))


def test_a_frame_may_say_what_its_target_is_and_so_does_the_loss() -> None:
    frame = pl.DataFrame({"a": [0.1, 0.5, 0.2, 0.9], "grade": [1, 2, 3, 1]})
    assert lm.Dataset.from_frame(frame, target="grade").schema.targets["output"].kind == "classes"
    assert lm.Dataset.from_frame(frame, target="grade", kind="numbers").schema.targets["output"].kind == "numbers"
    model = lm.Model(lm.Sequential(lm.features(1), [lm.Output(1, loss="mse")]), seed=1)
    run = model.fit(frame, target="grade", validation=0, epochs=1, progress=False)
    assert model.schema is not None
    assert model.schema.targets["output"].kind == "numbers"
    assert list(run.history[0]) == ["epoch", "step", "train/loss"]

"""What is fitted is fitted on the training part alone, and raw rows become the same numbers in training and in prediction."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import datasets, preprocessing

from lamina.data.config import DataConfig, prepare, split_raw
from lamina.data.normalizers import Fitted, Linear, MinMax, Robust, Scale, Standardize
from lamina.data.preprocessing import Preprocessing
from lamina.errors import DataError, DescriptionError

TABLE = """Age,City,income,when,who,split,price
30,Bern,1000,3,a,train,10.5
41,Ulm,,1,a,train,11
25,Bern,3000,2,b,train,9
52,Genf,500,5,b,train,20
33,Ulm,800,4,c,validation,12.5
44,Bern,900,6,c,test,13
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(TABLE)
    return path


def config(path, **changes) -> DataConfig:
    source = {"type": "csv", "path": str(path), "target": "price", "ignore": "when", "group": "who", "part": "split", "missing": "mean"}
    return DataConfig(**{"source": {**source, **changes.pop("source", {})}, "split": "predefined", "normalize": "standardize", **changes})


@pytest.mark.parametrize(
    ("normalizer", "oracle"),
    [
        (Standardize(), preprocessing.StandardScaler()),
        (MinMax(), preprocessing.MinMaxScaler()),
        (MinMax(-1.0, 2.0), preprocessing.MinMaxScaler((-1, 2))),
        (Robust(), preprocessing.RobustScaler()),
    ],
    ids=range(4),
)
def test_scales_are_those_of_scikit_learn(normalizer, oracle) -> None:
    rng = np.random.default_rng(0)
    train, new = rng.normal(size=(300, 6)) * [1, 10, 1e-3, 1e4, 1, 5] + [0, 1e6, 0, -3, 7, 1e3], rng.normal(size=(20, 6))
    train[:, 4] = new[:, 4] = 7
    np.testing.assert_allclose(normalizer.fit(train).apply(new), oracle.fit(train).transform(new), rtol=1e-9, atol=1e-9)


def test_a_large_offset_costs_no_digits() -> None:
    rows = np.random.default_rng(0).normal(size=(1000, 1))
    near, far = Standardize().fit(rows), Standardize().fit(rows + 2.0**30)
    np.testing.assert_allclose(far.apply(rows + 2.0**30), near.apply(rows), atol=1e-6)


def test_images_are_scaled_by_channel() -> None:
    images = np.random.default_rng(0).normal(size=(50, 3, 4, 4)) * np.array([1, 5, 9]).reshape(3, 1, 1)
    scaled = Standardize().fit(images).apply(images)
    np.testing.assert_allclose(scaled.mean(axis=(0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=(0, 2, 3)), 1)
    assert Scale(1 / 255).fit(images).apply(np.full((1, 3, 4, 4), 255, dtype=np.uint8)).max() == 1.0


def test_ends_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(DescriptionError, match="exchange low and high"):
        MinMax(1.0, 0.0)


@pytest.mark.parametrize(
    ("name", "load"),
    [(n, getattr(datasets, f"load_{n}")) for n in ("digits", "iris", "wine", "breast_cancer")] + [("diabetes", datasets.load_diabetes)],
)
def test_bundled_data_are_those_of_scikit_learn(name, load) -> None:
    oracle = load(scaled=False) if name == "diabetes" else load()
    raw = split_raw(DataConfig(source=name), 0).parts["train"]
    np.testing.assert_array_equal(raw.inputs["input"].reshape(len(raw), -1), oracle.data)
    np.testing.assert_array_equal(raw.targets["output"].reshape(-1), oracle.target)
    if name not in ("digits", "diabetes"):
        assert raw.schema.targets["output"].labels == tuple(oracle.target_names)
    if name != "digits":
        assert raw.columns.names == tuple(oracle.feature_names)


def test_only_the_training_part_is_fitted() -> None:
    section = DataConfig.from_yaml("{source: wine, split: {validation: 0.2, test: 0.2}, normalize: standardize}")
    prepared, raw = prepare(section, 4), split_raw(section, 4).parts
    oracle = preprocessing.StandardScaler().fit(raw["train"].inputs["input"])
    for name, part in prepared.parts.items():
        np.testing.assert_allclose(part.inputs["input"], oracle.transform(raw[name].inputs["input"]), rtol=1e-5, atol=1e-6)
        assert part.inputs["input"].dtype == np.float32
    np.testing.assert_allclose(prepared.train.inputs["input"].mean(axis=0), 0, atol=1e-6)
    assert abs(prepared.test.inputs["input"].mean(axis=0)).max() > 1e-3


def test_pixels_are_scaled_unless_told_otherwise() -> None:
    assert prepare(DataConfig(source="digits"), 0).train.inputs["input"].max() == 1.0
    assert prepare(DataConfig(source="digits", normalize=None), 0).train.inputs["input"].max() == 16.0
    assert prepare(DataConfig(source="digits", normalize="standardize"), 0).train.inputs["input"].min() < 0


def test_a_table_with_all_roles(table) -> None:
    prepared = prepare(config(table), 0, dtype="float64")
    raw = split_raw(config(table), 0).parts
    assert {name: len(part) for name, part in prepared.parts.items()} == {"train": 4, "validation": 1, "test": 1}
    assert raw["train"].columns.names == ("Age", "City=Bern", "City=Genf", "City=Ulm", "income")
    filled = raw["train"].inputs["input"].copy()
    filled[1, 4] = np.mean([1000, 3000, 500])
    np.testing.assert_allclose(prepared.train.inputs["input"], preprocessing.StandardScaler().fit_transform(filled))
    assert prepared.schema.targets["output"].kind == "numbers"
    assert prepared.test.targets["output"].tolist() == [[13.0]]


NEW = {"City": ["Ulm", "Bern"], "Age": [20, 60], "income": [700.0, None]}


def test_new_rows_become_the_same_numbers_in_every_form(table, tmp_path) -> None:
    fitted = prepare(config(table), 0).preprocessing
    polars, pandas = pl.DataFrame(NEW), pd.DataFrame(NEW)
    polars.write_csv(tmp_path / "new.csv")
    wanted = fitted.inputs(polars)["input"]
    assert wanted.dtype == np.float32
    assert np.isfinite(wanted).all()
    for other in (pandas, tmp_path / "new.csv", str(tmp_path / "new.csv"), {**NEW, "income": [700.0, np.nan]}):
        np.testing.assert_array_equal(fitted.inputs(other)["input"], wanted)
    whole = prepare(config(table), 0)
    np.testing.assert_array_equal(fitted.dataset(table).inputs["input"][:4], whole.train.inputs["input"])
    assert fitted.dataset(polars, [[1.0], [2.0]]).targets["output"].tolist() == [[1.0], [2.0]]


def test_what_is_kept_does_the_same(table) -> None:
    fitted = prepare(config(table, normalize_targets="min_max"), 0).preprocessing
    data, arrays = fitted.to_archive()
    again = Preprocessing.from_archive(json.loads(json.dumps(data)), arrays)
    frame = pl.DataFrame(NEW)
    np.testing.assert_array_equal(again.inputs(frame)["input"], fitted.inputs(frame)["input"])
    assert again.schema == fitted.schema
    scaled = again.dataset(table).targets["output"]
    assert (scaled.min(), scaled.max()) == (0, 1)
    np.testing.assert_allclose(again.restore_target("output", scaled)[:, 0], [10.5, 11, 9, 20, 12.5, 13], rtol=1e-6)
    unfitted = {**data, "scaled": {"input": ["no"], "target": []}}
    for broken in ({**data, "columns": {"odd": 1}}, {**data, "dtype": "object"}, {}, [], unfitted):
        with pytest.raises((DataError, DescriptionError)):
            Preprocessing.from_archive(broken, arrays)


def test_labels_of_new_rows_are_those_of_training(tmp_path) -> None:
    path = tmp_path / "flowers.csv"
    path.write_text("size,species\n1,rose\n2,iris\n3,rose\n4,iris\n")
    section = DataConfig(source={"type": "csv", "path": str(path), "target": "species"})
    fitted = prepare(section, 0).preprocessing
    found = fitted.dataset(pl.DataFrame({"species": ["rose", "iris"], "size": [1, 2]}))
    assert found.targets["output"].tolist() == [1, 0]
    with pytest.raises(DataError, match="did you mean 'rose'"):
        fitted.dataset(pl.DataFrame({"species": ["rosa"], "size": [1]}))
    other = tmp_path / "test.csv"
    other.write_text("species,size\nrose,5\nrose,6\n")
    tested = prepare(section.replace(test_source={"type": "csv", "path": str(other), "target": "species"}), 0)
    assert tested.test.targets["output"].tolist() == [1, 1]
    assert tested.test.schema == tested.train.schema


@pytest.mark.parametrize(
    ("code", "words", "rows"),
    [
        ("DA014", ["'Age'", "did you mean 'age'"], {"age": [1], "City": ["Ulm"], "income": [1]}),
        ("DA014", ["'income'"], {"Age": [1], "City": ["Ulm"]}),
        ("DA015", ["row 2", "'City'", "did you mean 'Bern'"], {"Age": [1, 2], "City": ["Ulm", "Bren"], "income": [1, 1]}),
        ("DA005", ["row 1", "'Age'", "'old'"], {"Age": ["old"], "City": ["Ulm"], "income": [1]}),
        ("DA018", ["City"], np.zeros((2, 5))),
    ],
    ids=range(5),
)
def test_new_rows_that_are_not_as_in_training_are_named(table, code, words, rows) -> None:
    fitted = prepare(config(table), 0).preprocessing
    with pytest.raises(DataError) as caught:
        fitted.inputs(pl.DataFrame(rows) if isinstance(rows, dict) else rows)
    assert caught.value.code == code
    for word in words:
        assert word in str(caught.value), str(caught.value)


@pytest.mark.parametrize(
    ("code", "words", "text", "source"),
    [
        ("DA001", ["row 2", "'b'", "missing: mean"], "a,b,y\n1,2,x\n3,,y\n", {}),
        ("DA001", ["row 1", "'y'", "answer"], "a,y\n1,\n2,x\n", {}),
        ("DA005", ["row 2", "'a'", "'?x'"], "a,y\n1,u\n?x,v\n", {"numeric": "a"}),
        ("DA006", ["at least one row"], "a,y\n", {}),
        ("DA006", ["at least one row"], "", {}),
        ("DA014", ["'z'", "a, y"], "a,y\n1,u\n", {"target": "z"}),
        ("DA014", ["did you mean 'Age'"], "Age,y\n1,u\n", {"features": "age"}),
        ("DA016", ["features"], "a,y\n1,u\n", {"features": ["a", "y"]}),
        ("DA016", ["6", "1"], "a,y\n1,u\n", {"shape": {"type": "sequence", "steps": 3, "features": 2}}),
        ("DA017", ["'a' twice"], "a,a,y\n1,2,u\n", {}),
        ("DA032", ["line 3", "3 values", "4"], "a,b,y\n1,2,u\n1,2,3,u\n", {}),
        ("DA032", ["UTF-8"], b"a,y\n\xff\xfe,u\n", {}),
    ],
    ids=range(12),
)
def test_files_that_cannot_be_used_are_named(tmp_path, code, words, text, source) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError) as caught:
        prepare(DataConfig(source={"type": "csv", "path": str(path), "target": "y", **source}), 0)
    assert caught.value.code == code
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_a_file_that_is_not_there(tmp_path) -> None:
    (tmp_path / "iris.csv").write_text("a\n1\n")
    section = DataConfig.from_yaml("{source: {type: csv, path: irsi.csv, target: y}}").resolve_paths(tmp_path)
    with pytest.raises(DataError, match=r"did you mean 'iris\.csv'") as caught:
        section.schema()
    assert caught.value.code == "DA031"
    assert str(tmp_path) in caught.value.problems[0].where


def test_rows_as_sequences(tmp_path) -> None:
    path = tmp_path / "rows.txt"
    path.write_text("1  2 3   4 0\n5 6 7 8 1\n")
    section = DataConfig.from_yaml(
        f"source: {{type: csv, path: {path}, delimiter: whitespace, header: false, target: column_5, "
        "shape: {type: sequence, steps: 2, features: 2}}"
    )
    part = prepare(section, 0).train
    assert part.inputs["input"].tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    assert part.schema.targets["output"].labels == ("0", "1")


def test_categories_that_look_like_numbers(tmp_path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("zip;y\n8000;1.5\n3000;2.5\n")
    section = DataConfig(source={"type": "csv", "path": str(path), "target": "y", "delimiter": ";", "categorical": "zip"})
    assert prepare(section, 0).train.columns.names == ("zip=3000", "zip=8000")


def test_iris_as_a_file_is_iris(shared_data) -> None:
    path = shared_data / "uci-small" / "iris.csv"
    section = DataConfig(source={"type": "csv", "path": str(path), "header": False, "target": "column_5"})
    part = prepare(section, 0, dtype="float64").train
    assert part.schema.targets["output"].labels == ("Iris-setosa", "Iris-versicolor", "Iris-virginica")
    assert part.targets["output"].tolist() == datasets.load_iris().target.tolist()
    # Two rows of the UCI file differ from Fisher's paper, which scikit-learn follows.
    assert (part.inputs["input"] != datasets.load_iris().data).any(axis=1).sum() <= 2


def test_two_places_for_the_test_part_are_refused() -> None:
    with pytest.raises(DescriptionError, match="test part from one place"):
        DataConfig.from_yaml("{source: iris, test_source: iris, split: {test: 0.2}}")
    with pytest.raises(DataError, match="holds other data") as caught:
        prepare(DataConfig.from_yaml("{source: iris, test_source: wine}"), 0)
    assert caught.value.code == "DA022"


def test_describing_loads_neither_numpy_nor_torch(root) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from lamina.data.config import DataConfig; "
        "DataConfig.from_yaml('{source: mnist, split: {validation: 0.1}, normalize: standardize}').schema(); "
        "sys.exit(bool({'torch', 'numpy', 'polars', 'pandas', 'sklearn'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, env={"PYTHONPATH": str(root / "src")}).returncode == 0


def test_fitted_numbers_survive_as_arrays() -> None:
    fitted = Linear(np.array([1.0, 2.0]), np.array([3.0, 4.0]), 1)
    again = Fitted.from_arrays(fitted.to_arrays())
    assert again.axis == 1
    np.testing.assert_array_equal(again.apply(np.ones((1, 2))), [[0, -4]])

"""A normalizer for each input and each column."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from lamina.data.config import DataConfig, prepare
from lamina.data.dataset import Dataset
from lamina.data.normalizers import ByName, MinMax, Standardize
from lamina.data.preprocessing import Preprocessing
from lamina.errors import DataError, DescriptionError

FRAME = pl.DataFrame(
    {
        "age": [20.0, 40.0, 60.0, 30.0],
        "income": [1e3, 1e4, 1e5, 1e6],
        "rooms": [1.0, 2.0, 3.0, 4.0],
        "sex": ["f", "m", "f", "m"],
        "y": ["a", "b", "a", "b"],
    }
)


def test_columns_of_a_table(tmp_path) -> None:
    FRAME.write_csv(tmp_path / "people.csv")
    text = f"{{source: {{type: csv, path: {tmp_path}/people.csv, target: y}}, normalize: {{age: min_max, income: log}}}}"
    section = DataConfig.from_yaml(text)
    assert DataConfig.from_yaml(section.to_yaml()) == section
    made = prepare(section, 0, dtype="float64").preprocessing
    rows = made.inputs(FRAME)["input"]
    names = made.columns.inputs["input"].names
    by_name = dict(zip(names, rows.T, strict=True))
    np.testing.assert_allclose(by_name["age"], [0, 0.5, 1, 0.25])
    np.testing.assert_allclose(by_name["income"], np.log1p(FRAME["income"].to_numpy()))
    np.testing.assert_array_equal(by_name["rooms"], [1, 2, 3, 4])
    np.testing.assert_array_equal(by_name["sex=f"], [1, 0, 1, 0])
    again = Preprocessing.from_archive(*made.to_archive())
    assert np.array_equal(again.inputs(FRAME)["input"], rows)


def test_the_rest_and_what_is_left_alone() -> None:
    data = Dataset.from_frame(FRAME, target="y")
    normalizer = ByName({"rooms": None}, rest={"type": "standardize"})
    rows = Preprocessing.fit(data, normalize=normalizer, dtype="float64").prepare(data).inputs["input"]
    np.testing.assert_array_equal(rows[:, 2], [1, 2, 3, 4])
    np.testing.assert_allclose(rows[:, [0, 1, 3, 4]].mean(axis=0), 0, atol=1e-12)


def test_inputs_by_name() -> None:
    rng = np.random.default_rng(0)
    inputs = {"numbers": rng.normal(size=(30, 4)), "image": rng.integers(0, 256, (30, 1, 5, 5)), "left": rng.normal(size=(30, 2))}
    data = Dataset.from_arrays(inputs, {"a": rng.normal(size=30), "b": rng.normal(size=30) * 9})
    made = Preprocessing.fit(
        data,
        normalize=ByName({"numbers": {"type": "standardize"}, "image": {"type": "image"}}),
        normalize_targets=ByName({"b": {"type": "standardize"}}),
        dtype="float64",
    )
    ready = made.prepare(data)
    np.testing.assert_allclose(ready.inputs["numbers"].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(ready.inputs["image"], inputs["image"] / 255, rtol=1e-6)
    np.testing.assert_array_equal(ready.inputs["left"], data.inputs["left"])
    np.testing.assert_array_equal(ready.targets["a"], data.targets["a"])
    assert abs(ready.targets["b"].std() - 1) < 1e-6
    np.testing.assert_allclose(made.restore_target("b", ready.targets["b"]), data.targets["b"], atol=1e-5)


@pytest.mark.parametrize("names", [{"aeg": {"type": "standardize"}}, {"sex": None}])
def test_names_that_are_not_there(names) -> None:
    with pytest.raises(DataError) as caught:
        Preprocessing.fit(Dataset.from_frame(FRAME, target="y"), normalize=ByName(names))
    assert caught.value.code == "DA174"
    with pytest.raises(DataError, match="DA174"):
        Preprocessing.fit(Dataset.from_arrays(np.ones((3, 2)), np.ones((3, 1)) * [[1.5], [2], [3]]), normalize_targets=ByName(names))


def test_who_forgot_the_type_is_told() -> None:
    with pytest.raises(DescriptionError) as caught:
        DataConfig.from_yaml("{source: iris, normalize: {low: -1.0}}")
    assert "type" in str(caught.value)
    with pytest.raises(DescriptionError, match="standardize"):
        DataConfig.from_yaml("{source: iris, normalize: {age: standardise}}")


def test_equal_normalizers_share_their_work_but_not_their_numbers() -> None:
    rows = np.random.default_rng(1).normal(size=(20, 4))
    each = ByName({}, rest=Standardize()).fit_columns(rows, "abcd")
    np.testing.assert_array_equal(each.apply(rows), Standardize().fit(rows).apply(rows))
    alone = ByName({}, rest=MinMax(per="all")).fit_columns(rows, "abcd")
    np.testing.assert_array_equal(alone.apply(rows), MinMax().fit(rows).apply(rows))

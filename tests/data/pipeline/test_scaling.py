"""The step that scales columns, against scikit-learn, forwards and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn import preprocessing as sk

from lamina.data.config import DataConfig, prepare
from lamina.data.normalizers import Normalizer
from lamina.data.pipeline import Pipeline
from lamina.data.pipeline.steps import Normalize
from lamina.errors import DataError, DescriptionError, LaminaError

RNG = np.random.default_rng(3)
VALUES = np.concatenate([RNG.lognormal(size=80), RNG.normal(size=40) ** 2 + 0.1])
SCALERS: dict[str, tuple[Any, Any]] = {
    "standardize": ("standardize", sk.StandardScaler()),
    "min_max": ({"type": "min_max", "low": -1.0, "high": 1.0}, sk.MinMaxScaler((-1, 1))),
    "max_abs": ("max_abs", sk.MaxAbsScaler()),
    "robust": ("robust", sk.RobustScaler()),
    "power": ("power", sk.PowerTransformer()),
    "quantile": ({"type": "quantile", "quantiles": 50}, sk.QuantileTransformer(n_quantiles=50)),
}


def frame(values: Any, **more: Any) -> pl.DataFrame:
    return pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64, strict=False), **more})


@pytest.mark.parametrize("name", SCALERS)
def test_numbers_are_those_of_scikit_learn(name: str) -> None:
    how, scaler = SCALERS[name]
    rows = frame([None, *VALUES, None])
    fitted = Pipeline({"columns": {"x": "float"}}, [Normalize("x", how)]).fit(rows)
    found = fitted.run(rows)["x"]
    assert found[0] is None
    assert found[-1] is None
    np.testing.assert_allclose(found.drop_nulls().to_numpy(), scaler.fit_transform(VALUES[:, None])[:, 0], rtol=1e-6, atol=1e-6)
    later = frame([0.3, None, 2.0])
    np.testing.assert_allclose(fitted.run(later)["x"].drop_nulls(), scaler.transform([[0.3], [2.0]])[:, 0], rtol=1e-6, atol=1e-6)
    again = Pipeline.from_yaml(fitted.to_yaml())
    assert again == fitted
    assert again.run(later).equals(fitted.run(later))
    back = Pipeline(fitted.output, [fitted.steps[0].inverse()])
    np.testing.assert_allclose(back.run(fitted.run(rows))["x"].drop_nulls(), VALUES, rtol=1e-6, atol=1e-9)
    assert fitted.steps[0].inverse().inverse() == fitted.steps[0]


def test_whole_numbers_become_floats_and_columns_without_a_normalizer_stay() -> None:
    step = Normalize(["a", "b", "c"], {"a": "standardize", "b": {"type": "min_max"}})
    pipeline = Pipeline({"columns": dict.fromkeys("abc", "integer")}, [step])
    assert pipeline.output.kinds == {"a": "float", "b": "float", "c": "integer"}
    found = pipeline.fit({"a": [1, 3], "b": [2, 4], "c": [5, 6]}).run({"a": [1, 5], "b": [3, None], "c": [7, 8]})
    assert found.rows() == [(-1.0, 0.5, 7), (3.0, None, 8)]


def test_one_range_for_several_columns() -> None:
    step = Normalize(["a", "b"], {"type": "min_max", "per": "all"})
    fitted = Pipeline({"columns": {"a": "float", "b": "integer"}}, [step]).fit({"a": [0.0, 2.0], "b": [4, 8]})
    assert fitted.run({"a": [4.0], "b": [4]}).rows() == [(0.5, 0.5)]


def test_a_prediction_asks_for_the_columns_it_needs() -> None:
    steps = [Normalize(["x", "y"], {"x": "standardize", "y": {"type": "min_max"}})]
    fitted = Pipeline({"columns": {"x": "float", "y": "float"}}, steps).fit({"x": [1.0, 3.0], "y": [0.0, 4.0]})
    part = fitted.serving(["y"])
    assert part.input.names == ("y",)
    assert part.run({"y": [1.0]})["y"].to_list() == [0.25]


def test_in_a_recipe_the_training_part_alone_is_learned_from(tmp_path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("x,y,part\n1,0,train\n3,1,train\n100,0,test\n")
    config = {
        "source": {"type": "csv", "path": str(path), "target": "y", "part": "part"},
        "transform": [{"type": "normalize", "columns": "x", "how": "standardize"}, {"type": "derive", "columns": {"z": "x * x"}}],
        "split": {"type": "predefined", "holds": ["train", "test"]},
    }
    made = prepare(DataConfig.from_dict(config), seed=1, dtype="float64")
    assert np.asarray(made.train.inputs["input"]).tolist() == [[-1.0, 1.0], [1.0, 1.0]]
    assert made.preprocessing.inputs([{"x": 5}])["input"].tolist() == [[3.0, 9.0]]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"columns": [], "how": "standardize"}, "at least one column"),
        ({"columns": "x", "how": {"y": "standardize"}}, "'y' is none of the columns"),
        ({"columns": "x", "how": "standardise"}, "did you mean 'standardize'"),
        ({"columns": "x", "how": "standardize", "inverted": True}, "can't be undone"),
        ({"columns": "x", "how": "standardize", "learned": {"x": {"kind": "linear"}}}, "damaged"),
        ({"columns": "x", "how": "standardize", "learned": {"x": {"kind": "nope"}}}, "damaged"),
        ({"columns": "x", "how": "standardize", "learned": {"x": {"offset": 0.0, "factor": 0.0, "axis": -99}}}, "damaged"),
    ],
)
def test_wrong_settings(step: dict[str, Any], words: str) -> None:
    with pytest.raises(DescriptionError, match=words):
        Normalize.from_dict(step)


def test_wrong_columns_and_values() -> None:
    def run(kind: str, values: list[Any], how: Any = "standardize") -> Any:
        allowed = {"type": kind, **({"allow_nan": True} if kind == "float" else {})}
        return Pipeline({"columns": {"x": allowed}}, [Normalize("x", how)]).fit({"x": values})

    for kind, values, how, code, words in (
        ("string", ["a"], "standardize", "DA102", "step 1 (normalize), column 'x'"),
        ("float", [None, None], "standardize", "DA012", "column 'x'"),
        ("float", [1.0, float("nan")], "standardize", "DA001", "column 'x'"),
        ("float", [1.0, -1.0], {"type": "power", "method": "box_cox"}, "DA171", "column 'x'"),
    ):
        with pytest.raises(LaminaError) as caught:
            run(kind, values, how)
        assert caught.value.code == code
        assert words in caught.value.problems[0].where
    fitted = run("float", [1.0, 2.0, 5.0], {"type": "power", "method": "box_cox"})
    with pytest.raises(DataError) as caught:
        fitted.run({"x": [1.0, None, 3.0, -1.0]})
    assert caught.value.code == "DA171"
    assert "row 4" in str(caught.value)
    assert "column 'x'" in str(caught.value)


def test_every_normalizer_can_be_a_step() -> None:
    from lamina.spec import registry

    rows = frame([1.0, 2.0, 3.5, None, 2.0])
    for name, kind in registry.components("normalizer"):
        for how in kind.examples():
            if name == "by_name":
                continue
            assert isinstance(how, Normalizer)
            fitted = Pipeline({"columns": {"x": "float"}}, [Normalize("x", how)]).fit(rows)
            found = fitted.run(rows)["x"]
            back = Pipeline(fitted.output, [fitted.steps[0].inverse()]).run({"x": found})["x"]
            np.testing.assert_allclose(back.drop_nulls(), rows["x"].drop_nulls(), rtol=1e-9, err_msg=f"{how}")
            assert Pipeline.from_yaml(fitted.to_json()).run(rows)["x"].equals(found)

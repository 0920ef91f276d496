"""Arrays, tensors, lists and frames become checked data; what can't be used is named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from lamina.data.dataset import Dataset, as_dataset, as_inputs
from lamina.data.schema import DataSchema, Target
from lamina.errors import DataError
from lamina.shapes import features, image, sequence, tokens

X = np.arange(12.0).reshape(4, 3)
Y = [0, 1, 2, 1]


def refused(code: str, *words: str, call) -> None:
    with pytest.raises(DataError) as caught:
        call()
    problem = caught.value.problems[0]
    assert problem.code == code
    assert all([problem.expected, problem.got, problem.cause, problem.fix])
    text = str(caught.value)
    for word in words:
        assert word in text, text


@pytest.mark.parametrize("x", [X, X.tolist(), torch.tensor(X), torch.tensor(X, requires_grad=True), X.astype(np.int32)], ids=range(5))
@pytest.mark.parametrize("y", [Y, np.array(Y), torch.tensor(Y)], ids=range(3))
def test_all_that_holds_numbers_is_the_same(x, y) -> None:
    data = Dataset.from_arrays(x, y)
    assert data.inputs["input"].dtype == np.float32
    np.testing.assert_array_equal(data.inputs["input"], X)
    assert data.targets["output"].dtype == np.int64
    assert data.targets["output"].tolist() == Y
    assert data.schema == DataSchema(inputs={"input": features(3)}, targets={"output": Target("classes", count=3)})


def test_frames_of_both_kinds_are_the_same() -> None:
    columns = {"age": [1, 2, 3], "city": ["Bern", "Ulm", "Bern"], "bought": ["yes", "no", "yes"]}
    made = [Dataset.from_frame(kind(columns), target="bought") for kind in (pl.DataFrame, pd.DataFrame)]
    for data in made:
        assert data.inputs["input"].tolist() == [[1, 1, 0], [2, 0, 1], [3, 1, 0]]
        assert data.columns.names == ("age", "city=Bern", "city=Ulm")
        assert data.schema.targets["output"].labels == ("no", "yes")
        assert data.targets["output"].tolist() == [1, 0, 1]
    assert made[0].columns == made[1].columns


@pytest.mark.parametrize(
    ("y", "target"),
    [
        (["b", "a", "b", "c"], Target("classes", labels=("a", "b", "c"))),
        ([True, False, True, True], Target("classes", labels=("False", "True"))),
        ([0.5, 1, 2, 3], Target("numbers", shape=features(1))),
        ([[1, 0], [0, 1], [0, 1], [1, 0]], Target("classes", count=2)),
        ([[1, 1], [0, 1], [0, 0], [1, 0]], Target("multilabel", shape=features(2))),
        ([[1.5, 1], [0, 1], [0, 0], [1, 0]], Target("numbers", shape=features(2))),
    ],
    ids=range(6),
)
def test_values_say_what_a_target_is(y, target) -> None:
    assert Dataset.from_arrays(X, y).schema.targets["output"] == target


def test_labels_may_name_more_classes_than_are_there() -> None:
    assert Dataset.from_arrays(X, Y, labels=list("abcd")).schema.targets["output"].width == 4


@pytest.mark.parametrize(("axes", "kind"), [((5,), "features"), ((5, 2), "sequence"), ((1, 5, 5), "image"), ((1, 2, 5, 5), "volume")])
def test_axes_say_what_a_sample_is(axes, kind) -> None:
    assert Dataset.from_arrays(np.zeros((2, *axes))).schema.inputs["input"].type_name == kind


def test_tokens_stay_whole() -> None:
    data = Dataset.from_arrays([[1, 2], [0, 4]], shape=tokens(2, 5))
    assert data.inputs["input"].dtype == np.int64
    refused("DA009", "sample 1", "from 0 to 3", call=lambda: Dataset.from_arrays([[1, 2], [0, 4]], shape=tokens(2, 4)))
    refused("DA009", "sample 0", call=lambda: Dataset.from_arrays([[1.5, 2]], shape=tokens(2, 4)))


def nan_at(*place) -> np.ndarray:
    x = X.copy()
    x[place] = np.nan
    return x


@pytest.mark.parametrize(
    ("code", "words", "call"),
    [
        ("DA001", ["sample 2", "column 1", "nan"], lambda: Dataset.from_arrays(nan_at(2, 1), Y)),
        ("DA001", ["sample 3", "inf"], lambda: Dataset.from_arrays(np.where(X == 9, np.inf, X), Y)),
        ("DA001", ["sample 0", "float32"], lambda: Dataset.from_arrays(np.full((2, 2), 1e300))),
        ("DA001", ["target 'output'", "sample 1"], lambda: Dataset.from_arrays(X, [0.5, np.nan, 1.5, 2])),
        ("DA002", ["target 'output'", "4 samples", "3"], lambda: Dataset.from_arrays(X, Y[:3])),
        ("DA003", ["[batch, 4]", "[4, 3]"], lambda: Dataset.from_arrays(X, Y, shape=features(4))),
        ("DA003", ["reshape(-1, 3, 1)"], lambda: Dataset.from_arrays(X, Y, shape=sequence(3, 1))),
        ("DA003", ["transpose(0, 3, 1, 2)"], lambda: Dataset.from_arrays(np.zeros((2, 8, 6, 3)), shape=image(3, 8, 6))),
        ("DA003", ["batch axis", "x[None]"], lambda: Dataset.from_arrays(np.zeros((3, 8, 6)), shape=image(3, 8, 6))),
        ("DA003", ["reshape(-1, 1)"], lambda: Dataset.from_arrays([1.0, 2.0], [0, 1])),
        ("DA004", ["rows of the same length"], lambda: Dataset.from_arrays([[1, 2], [3]], [0, 1])),
        ("DA005", ["sample 1", "None"], lambda: Dataset.from_arrays([[1.0, 2.0], [3.0, None]], [0, 1])),
        ("DA005", ["numbers"], lambda: Dataset.from_arrays([["a", "b"], ["c", "d"]], [0, 1])),
        ("DA006", ["at least one sample"], lambda: Dataset.from_arrays(np.zeros((0, 3)), np.zeros(0, dtype=int))),
        ("DA007", ["sample 1", "0.5"], lambda: Dataset.from_arrays(X, [0, 0.5, 1, 2], kind="classes")),
        ("DA007", ["sample 1", "-1"], lambda: Dataset.from_arrays(X, [0, -1, 1, 1])),
        ("DA007", ["sample 2", "0 to 1"], lambda: Dataset.from_arrays(X, Y, labels=["no", "yes"])),
        ("DA007", ["sample 0", "did you mean 'rose'"], lambda: Dataset.from_arrays(X[:2], ["rosr", "iris"], labels=["rose", "iris"])),
        ("DA008", ["'b' is missing"], lambda: Dataset.from_arrays({"a": X}, Y, shape={"a": features(3), "b": features(2)})),
        ("DA010", ["weight"], lambda: Dataset.from_arrays(X, Y, weight=[1, 1, 1, -1])),
    ],
    ids=range(20),
)
def test_what_cannot_be_used_is_named(code, words, call) -> None:
    refused(code, *words, call=call)


def test_data_for_a_trained_model_are_held_to_its_schema() -> None:
    schema = Dataset.from_arrays(X, ["a", "b", "c", "b"]).schema
    again = as_dataset((X, ["c", "c", "a", "b"]), schema=schema)
    assert again.targets["output"].tolist() == [2, 2, 0, 1]
    assert again.schema == schema
    refused("DA007", "sample 3", "'d'", call=lambda: as_dataset(X, ["a", "b", "c", "d"], schema=schema))
    refused("DA003", "[4, 2]", call=lambda: as_dataset(X[:, :2], Y, schema=schema))


def test_one_array_goes_to_the_only_input_whatever_its_name() -> None:
    assert list(as_inputs(X, shapes={"pixels": features(3)})) == ["pixels"]
    assert list(as_inputs(X)) == ["input"]
    assert as_inputs(X, dtype="float64")["input"].dtype == np.float64


def test_taking_keeps_everything_together() -> None:
    data = Dataset.from_arrays(X, Y, weight=[1, 2, 3, 4]).replace(groups=np.array(list("abcd")))
    part = data.take(np.array([3, 1]))
    assert part.inputs["input"].tolist() == X[[3, 1]].tolist()
    assert (part.weight.tolist(), part.groups.tolist(), part.targets["output"].tolist()) == ([4, 2], ["d", "b"], [1, 1])


def test_splitting_off_a_fraction_keeps_classes() -> None:
    data = Dataset.from_arrays(np.arange(100.0)[:, None], np.repeat([0, 1], [80, 20]))
    train, held = data.split_off(0.25, seed=3)
    assert (len(train), len(held), int(held.targets["output"].sum())) == (75, 25, 5)
    assert sorted([*train.inputs["input"][:, 0], *held.inputs["input"][:, 0]]) == list(range(100))


def test_loading_torch_is_not_needed(root) -> None:
    import subprocess
    import sys

    code = "import sys; from lamina.data.dataset import Dataset; Dataset.from_arrays([[1, 2]], [0]); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, env={"PYTHONPATH": str(root / "src")}).returncode == 0

"""Several data sets as one: rows, masks, weights and origins stay together."""

from __future__ import annotations

import numpy as np
import pytest

from lamina.data.config import DataConfig, prepare
from lamina.data.dataset import Dataset
from lamina.data.lazy import InMemory, LazyArray
from lamina.errors import DataError


def test_rows_weights_and_origins() -> None:
    one = Dataset.from_arrays([[1.0], [2.0]], ["a", "b"], weight=[1, 3])
    two = Dataset.from_arrays(InMemory(np.array([[5.0]])), ["b"], ["a", "b"])
    both = Dataset.joined({"one": one, "two": two})
    assert isinstance(both.inputs["input"], LazyArray)
    assert both.inputs["input"][:].tolist() == [[1.0], [2.0], [5.0]]
    assert both.targets["output"].tolist() == [0, 1, 1]
    assert both.weight.tolist() == [1.0, 3.0, 1.0]
    assert both.groups.tolist() == ["one", "one", "two"]


def test_sequences_of_different_lengths_are_filled_up() -> None:
    one = Dataset.from_sequences([[[1.0], [2.0], [3.0]], [[4.0]]], [[0, 1, 0], [1]])
    two = Dataset.from_sequences([[[5.0], [6.0]]], [[1, 1]])
    both = Dataset.joined({"one": one, "two": two.replace(schema=one.schema)})
    assert both.inputs["input"][..., 0].tolist() == [[1, 2, 3], [4, 0, 0], [5, 6, 0]]
    assert both.input_masks["input"].sum(axis=1).tolist() == [3, 1, 2]
    assert both.target_masks["output"].sum(axis=1).tolist() == [3, 1, 2]


def test_unlike_data_sets_are_refused() -> None:
    one = Dataset.from_arrays([[1.0], [2.0]], ["a", "b"])
    for other, said in (
        (Dataset.from_arrays([[1.0, 2.0]], ["a"]), "input 'input'"),
        (Dataset.from_arrays([[1.0]], ["c"]), "target 'output'"),
    ):
        with pytest.raises(DataError, match="DA024") as caught:
            Dataset.joined({"one": one, "other": other})
        assert said in caught.value.problems[0].where


def test_a_recipe_joins_tables_by_the_columns_of_the_first(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("size,colour,kind\n1,red,x\n2,blue,y\n3,red,x\n")
    (tmp_path / "b.csv").write_text("kind,colour,size\ny,blue,7\nx,blue,8\n")
    text = """
    source:
      type: joint
      sources:
        old: {type: csv, path: a.csv, target: kind}
        new: {type: csv, path: b.csv, target: kind}
    """
    config = DataConfig.from_yaml(text).resolve_paths(tmp_path)
    train = prepare(config, 0).train
    assert train.inputs["input"].tolist() == [[1, 0, 1], [2, 1, 0], [3, 0, 1], [7, 1, 0], [8, 1, 0]]
    assert train.targets["output"].tolist() == [0, 1, 0, 1, 0]
    assert train.groups.tolist() == ["old"] * 3 + ["new"] * 2
    assert config.schema() == train.schema

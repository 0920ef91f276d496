"""Recipes from data to a judged model, where the parts are called otherwise or scaled otherwise than usual."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import lamina as lm
from lamina.launch import train_recipe
from lamina.train.recipe import Recipe

GRAPH = """
data: {source: wine, split: {validation: 0.2, test: 0.2, stratify: true}, normalize: standardize}
network:
  type: graph
  inputs: {chemistry: {type: features, count: 13}}
  nodes:
    hidden: {type: dense, units: 8, activation: tanh, inputs: chemistry}
    both: {type: concat, inputs: [chemistry, hidden]}
    grape: {type: output, units: 3, inputs: both}
  outputs: grape
train: {epochs: 2, progress: false}
"""


def test_a_graph_may_call_its_only_input_and_output_as_it_likes(tmp_path: Path) -> None:
    run = train_recipe(Recipe.from_yaml(GRAPH), run_dir=tmp_path / "run")
    assert run.report is not None
    x = np.ones((3, 13))
    kept = lm.load(tmp_path / "run" / "model.lamina")
    np.testing.assert_array_equal(kept.predict(x), run.model.predict(x))
    assert len(kept.predict_labels(x)) == 3

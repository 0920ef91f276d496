"""Weights of classes against scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

import lamina as lm
from lamina.data.schema import DataSchema, Target
from lamina.errors import LaminaError
from lamina.train.class_weights import check_class_weights, weighted_by_class
from lamina.train.recipe import Recipe

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)).astype(np.float32)
Y = RNG.choice(3, size=60, p=[0.7, 0.2, 0.1])
NAMES = np.array(["common", "rare", "rarest"])


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    weighted = weighted_by_class(lm.Dataset.from_arrays(X, Y), "balanced")
    np.testing.assert_allclose(weighted.weight, compute_sample_weight("balanced", Y), rtol=1e-12)
    given = compute_class_weight("balanced", classes=np.arange(3), y=Y)
    np.testing.assert_allclose(weighted.weight, given[Y], rtol=1e-12)


def test_a_class_that_does_not_occur_is_not_counted() -> None:
    data = lm.Dataset.from_arrays(X, np.where(Y == 1, 0, Y), labels=list(NAMES))
    np.testing.assert_allclose(
        weighted_by_class(data, "balanced").weight, compute_sample_weight("balanced", np.where(Y == 1, 0, Y)), rtol=1e-12
    )


def test_weights_by_label_and_those_that_samples_had() -> None:
    own = np.linspace(0.5, 1.5, 60)
    data = lm.Dataset.from_arrays(X, NAMES[Y], weight=own)
    found = weighted_by_class(data, {"rare": 3.0, "rarest": 5.0})
    np.testing.assert_allclose(found.weight, np.array([1.0, 3.0, 5.0])[Y] * own)


def model() -> lm.Model:
    return lm.Model(lm.Sequential(lm.features(3), [lm.Dense(4, activation="tanh"), lm.Output(3)]), seed=4)


@pytest.mark.parametrize("setting", ["balanced", {0: 1, 1: 3.0, "2": 5}])
def test_training_counts_samples_as_if_they_had_these_weights(setting: Any) -> None:
    weight = compute_sample_weight("balanced" if setting == "balanced" else {0: 1, 1: 3, 2: 5}, Y)
    ours, theirs = model(), model()
    settings: dict[str, Any] = {"epochs": 2, "batch_size": 16, "validation": (X, Y), "progress": False}
    run = ours.fit(X, Y, class_weights=setting, **settings)
    other = theirs.fit(lm.Dataset.from_arrays(X, Y, weight=weight), **settings)
    for name, array in theirs.parameters().items():
        np.testing.assert_allclose(ours.parameters()[name], array, atol=1e-7)
    assert run.history[-1]["validation/loss"] == pytest.approx(other.history[-1]["validation/loss"], abs=1e-6)
    assert ours.evaluate(X, Y).metrics["loss"] == run.history[-1]["validation/loss"]


def test_what_can_not_be_weighed_is_said() -> None:
    classes, numbers = Target("classes", labels=["yes", "no"]), Target("numbers", shape=lm.features(1))
    schema = DataSchema.single(lm.features(3), classes)
    for setting, targets, word in (
        ({"yess": 2.0}, {"output": classes}, "did you mean 'yes'?"),
        ("balanced", {"output": numbers}, "numbers"),
        ("balanced", {"a": classes, "b": classes}, "'a'"),
    ):
        with pytest.raises(LaminaError) as caught:
            check_class_weights(setting, schema.replace(targets=targets))  # type: ignore[arg-type]
        assert caught.value.code == "TR112"
        assert word in str(caught.value)
    with pytest.raises(LaminaError) as caught:
        model().fit(X, Y, class_weights={"0": 0, "1": 0, "2": 0}, progress=False)
    assert caught.value.code == "TR112"
    with pytest.raises(LaminaError) as caught:
        model().fit(X, Y, class_weights={"0": -1.0}, progress=False)
    assert caught.value.code == "SP004"


def test_a_recipe_knows_its_labels() -> None:
    recipe = {
        "data": {"source": "iris"},
        "network": {"type": "sequential", "layers": [{"type": "output", "units": 3}]},
        "train": {"class_weights": {"setosa": 2.0}},
    }
    Recipe.from_dict(recipe).check()
    recipe["train"] = {"class_weights": {"setossa": 2.0}}
    with pytest.raises(LaminaError) as caught:
        Recipe.from_dict(recipe).check()
    assert caught.value.code == "TR112"
    assert "setosa" in str(caught.value)

"""Truncated backpropagation through time in a whole run: counted in pieces, resumed within a batch, refused where it can't be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.errors import LaminaError
from lamina.learning.truncation import Truncation
from lamina.train.recipe import Recipe

STEPS = 10
X = np.random.default_rng(0).normal(size=(26, STEPS, 3)).astype(np.float32)
Y = (np.cumsum(X.sum(axis=2), axis=1) > 0).astype(np.int64)


def model(*further: Any) -> lm.Model:
    layers = [lm.LSTM(4, dropout=0.1), *further, lm.Output(2)]
    return lm.Model(lm.Sequential(lm.sequence(None, 3), layers), seed=4)


@pytest.mark.parametrize("step", [3, 4, 12])
@pytest.mark.parametrize("carry", [False, True])
def test_killed_within_a_batch_and_resumed_is_never_killed(check_resumes: Any, step: int, carry: bool) -> None:
    """26 samples are 3 batches, 10 steps are 3 pieces."""
    ways = {"truncate": {"steps": 4, "carry": carry}, "shuffle": False, "epochs": 2}
    whole = check_resumes(step, model, (X, Y), **ways)
    assert [row["step"] for row in whole.history] == [9, 18]


def test_stopped_by_a_signal_within_a_batch_and_resumed(check_resumes: Any) -> None:
    check_resumes(5, model, (X, Y), gently=True, truncate={"steps": 4}, epochs=2)


def test_one_piece_is_a_plain_step() -> None:
    plain, whole = model(), model()
    first = plain.fit(X, Y, epochs=2, batch_size=8, progress=False)
    second = whole.fit(X, Y, epochs=2, batch_size=8, truncate={"steps": STEPS}, progress=False)
    for one, other in zip(first.history, second.history, strict=True):
        assert one["train/loss"] == pytest.approx(other["train/loss"], rel=1e-6)
    for name, array in plain.parameters().items():
        np.testing.assert_allclose(whole.parameters()[name], array, atol=1e-6)


def test_ends_within_a_batch_after_max_steps() -> None:
    run = model().fit(X, Y, epochs=2, batch_size=8, truncate=Truncation(3), max_steps=6, progress=False)
    assert run.history[-1]["step"] == 6


def test_sequences_of_different_lengths() -> None:
    lengths = np.random.default_rng(1).integers(1, STEPS + 1, 26)
    masks = np.arange(STEPS) < lengths[:, None]
    garbled = np.where(masks[:, :, None], X, 99.0).astype(np.float32)
    found = []
    for x in (X, garbled):
        net = model()
        net.fit(lm.Dataset.from_arrays(x, Y, masks=masks, kind="classes"), epochs=1, batch_size=8, truncate={"steps": 4}, progress=False)
        found.append(net.parameters())
    for name, array in found[0].items():
        np.testing.assert_array_equal(array, found[1][name])


REFUSED = [
    ([lm.Bidirectional(lm.LSTM(3), name="both")], {"steps": 4}, "TR110", "'both'"),
    ([lm.LastStep(name="last")], {"steps": 4}, "TR110", "output_1"),
    ([], {"steps": 11}, "TR111", "at most 10"),
    ([], {"steps": 4, "carry": True}, "TR110", "shuffle: false"),
    ([], {"steps": 4, "backward": 5}, "SP004", "backward"),
]


@pytest.mark.parametrize(("further", "truncate", "code", "word"), REFUSED, ids=lambda case: str(case)[:20])
def test_what_can_not_be_cut_is_said(further: list[Any], truncate: dict[str, Any], code: str, word: str) -> None:
    y = Y if not any(isinstance(layer, lm.LastStep) for layer in further) else Y[:, -1]
    with pytest.raises(LaminaError) as caught:
        model(*further).fit(X, y, truncate=truncate, progress=False)
    assert caught.value.code == code
    assert word in str(caught.value)
    assert "11" in str(caught.value) or code != "TR111"


@pytest.mark.parametrize("beside", [{"accumulate": 2}, {"sharpness": "sam"}, {"optimizer": "lbfgs"}])
def test_what_does_not_go_together(beside: dict[str, Any]) -> None:
    with pytest.raises(LaminaError) as caught:
        model().fit(X, Y, truncate={"steps": 4}, progress=False, **beside)
    assert caught.value.code == "SP004"


def test_features_and_own_modules_have_no_steps_to_cut() -> None:
    import torch

    with pytest.raises(LaminaError) as caught:
        lm.Model(lm.Sequential(lm.features(3), [lm.Output(2)])).fit(X[:, 0], Y[:, 0], truncate={"steps": 4}, progress=False)
    assert caught.value.code == "TR110"
    with pytest.raises(LaminaError) as caught:
        lm.Model(torch.nn.Linear(3, 2), loss="cross_entropy").fit(X, Y, truncate={"steps": 4}, progress=False)
    assert caught.value.code == "TR110"


def test_a_recipe_says_it_before_anything_is_read() -> None:
    recipe = Recipe.from_dict(
        {
            "data": {"source": "iris"},
            "network": {"type": "sequential", "layers": [{"type": "output", "units": 3}]},
            "train": {"truncate": {"steps": 4}},
        }
    )
    with pytest.raises(LaminaError) as caught:
        recipe.check()
    assert caught.value.code == "TR110"

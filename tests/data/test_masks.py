"""Sequences of different lengths from the list that a user holds to figures and predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.data.loader import Loader
from lamina.data.masks import pad
from lamina.errors import DataError, LaminaError

RNG = np.random.default_rng(3)
LENGTHS = [9, 4, 1, 6, 9, 2, 5]


def sequences(features: int = 2) -> list[np.ndarray]:
    return [RNG.normal(size=(length, features)) for length in LENGTHS]


def test_lists_are_filled_up_and_masked() -> None:
    data = lm.Dataset.from_sequences(sequences(), list("abaabba"))
    assert data.inputs["input"].shape == (7, 9, 2)
    assert data.input_masks["input"].sum(1).tolist() == LENGTHS
    assert str(data.schema.inputs["input"]) == "[batch, ?, 2]"
    part = data.take(np.array([1, 5]))
    assert part.input_masks["input"].sum(1).tolist() == [4, 2]


def test_targets_of_each_step_have_masks_too() -> None:
    tags = [[step % 2 for step in range(length)] for length in LENGTHS]
    data = lm.Dataset.from_sequences(sequences(), tags)
    assert data.targets["output"].shape == (7, 9, 1)
    assert (data.target_masks["output"] == data.input_masks["input"]).all()


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("resident", [0, 1 << 20])
def test_batches_bring_their_masks(workers: int, resident: int) -> None:
    data = lm.Dataset.from_sequences(sequences(), list("abaabba"))
    for batch in Loader(data, 3, seed=5, workers=workers, resident_bytes=resident):
        assert batch.masks is not None
        rows = batch.indices.numpy()
        assert (batch.masks.inputs["input"].numpy() == data.input_masks["input"][rows]).all()
        assert batch.masks.targets == {}


def test_weights_and_masks_keep_apart() -> None:
    data = lm.Dataset.from_sequences(sequences(), list("abaabba"), weight=np.arange(7.0) + 1)
    for batch in Loader(data, 4, shuffle=False):
        assert batch.weight is not None
        assert batch.weight.tolist() == (batch.indices.numpy() + 1.0).tolist()
        assert batch.masks is not None
        assert batch.masks.inputs["input"].dtype.is_floating_point is False


@pytest.fixture(scope="module")
def trained() -> tuple[lm.Model, lm.Dataset, list[np.ndarray], list[list[int]]]:
    given = sequences()
    tags = [[int(step[0] > 0) for step in sequence] for sequence in given]
    data = lm.Dataset.from_sequences(given, tags)
    model = lm.Model(lm.Sequential(lm.sequence(None, 2), [lm.Bidirectional(lm.GRU(4)), lm.Output(2)]), seed=1)
    model.fit(data, epochs=3, batch_size=3, progress=False)
    return model, data, given, tags


def test_each_sequence_is_answered_as_alone(trained: Any) -> None:
    model, data, given, _ = trained
    together = model.predict(data)
    for row, sequence in enumerate(given):
        alone = model.predict(np.asarray(sequence)[None])
        np.testing.assert_allclose(together[row, : len(sequence)], alone[0], atol=1e-6)
        assert (together[row, len(sequence) :] == 0).all()


def test_figures_count_real_steps_only(trained: Any) -> None:
    model, data, given, tags = trained
    right = total = 0
    for sequence, wanted in zip(given, tags, strict=True):
        right += int((model.predict(np.asarray(sequence)[None])[0].argmax(1) == wanted).sum())
        total += len(wanted)
    report = model.evaluate(data)
    accuracy = next(value for key, value in report.metrics.items() if key.endswith("accuracy"))
    assert accuracy == pytest.approx(right / total, abs=1e-12)


@pytest.mark.filterwarnings("ignore::lamina.LaminaWarning")  # one sequence doesn't hold all classes
def test_the_loss_is_the_mean_of_each_alone(trained: Any) -> None:
    model, data, given, tags = trained
    alone = [model.evaluate(lm.Dataset.from_sequences([x], [y])).metrics["loss"] for x, y in zip(given, tags, strict=True)]
    assert model.evaluate(data).metrics["loss"] == pytest.approx(float(np.mean(alone)), rel=1e-5)


@pytest.mark.parametrize("batch_size", [1, 2, 7])
def test_figures_are_the_same_for_any_batch_and_shard(trained: Any, batch_size: int) -> None:
    model, data, _, _ = trained
    whole = model.evaluate(data).metrics
    assert model.evaluate(data, batch_size=batch_size).metrics == whole
    first, second = (model.judge(data, shard=(k, 2), batch_size=batch_size) for k in (0, 1))
    assert first.merge(second).metrics == whole


def test_normalizers_are_fitted_to_real_steps() -> None:
    from lamina.data.normalizers import Standardize
    from lamina.data.preprocessing import Preprocessing

    given = sequences()
    data = lm.Dataset.from_sequences(given, list("abaabba"))
    scales = Preprocessing.fit(data, normalize=Standardize()).input_scales["input"]
    rows = np.concatenate(given).astype(np.float32).astype(np.float64)
    np.testing.assert_allclose(scales.offset, rows.mean(0), rtol=1e-6)
    np.testing.assert_allclose(1 / scales.factor, rows.std(0), rtol=1e-6)


@pytest.mark.parametrize(
    ("masks", "expected"),
    [
        ({"inptu": np.ones((2, 3), bool)}, "did you mean 'input'"),
        (np.ones((2, 4), bool), r"\[2, 3\]"),
        (np.full((2, 3), 2), "true or false"),
        (np.array([[True, True, False], [False, False, False]]), "none for sample 1"),
        ({"output": np.ones((2, 1), bool)}, "for the samples that have this target"),
    ],
)
def test_a_mask_that_does_not_fit_names_itself(masks: Any, expected: str) -> None:
    with pytest.raises(DataError, match=expected) as caught:
        lm.Dataset.from_arrays(np.zeros((2, 3, 1)), [0, 1], masks=masks)
    assert caught.value.code == "DA023"


@pytest.mark.parametrize("odd", [[], [[1.0]], 3.0])
def test_a_sequence_unlike_the_others_is_named(odd: Any) -> None:
    with pytest.raises(DataError, match="sample 1"):
        pad([[[1.0, 2.0]], odd], "input 'input'")


def test_what_cannot_take_masks_is_said_before_training() -> None:
    data = lm.Dataset.from_sequences(sequences(), list("abaabba"))
    data = data.replace(schema=data.schema.replace(inputs={"input": lm.sequence(9, 2)}))
    model = lm.Model(lm.Sequential(lm.sequence(9, 2), [lm.Flatten(), lm.Output(2)]))
    with pytest.raises(LaminaError, match="NN014"):
        model.fit(data, epochs=1, progress=False)


def test_of_several_inputs_a_mask_says_which() -> None:
    x = {"left": np.zeros((2, 3, 1)), "right": np.zeros((2, 3, 1))}
    with pytest.raises(DataError, match="DA023") as caught:
        lm.Dataset.from_arrays(x, [0, 1], masks=np.ones((2, 3), bool))
    assert "give a dict: {'left': mask}" in str(caught.value)

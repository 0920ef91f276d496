"""Models run piece by piece."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import lamina as lm
from lamina.data.normalizers import Standardize
from lamina.data.preprocessing import Preprocessing
from lamina.engine.build import build
from lamina.engine.state import State
from lamina.errors import LaminaError, ShapeError, TrainingError

X = np.random.default_rng(0).normal(size=(4, 6, 2)).astype(np.float32)


def model() -> lm.Model:
    return lm.Model(lm.Sequential(lm.sequence(6, 2), [lm.GRU(3, name="memory"), lm.LSTM(4, layers=2), lm.Output(1, loss="mse")]), seed=1)


def test_pieces_give_what_the_whole_gives_and_the_state_can_be_kept(tmp_path: Path) -> None:
    it = model()
    first, state = it.step(X[:, :2])
    state.save(tmp_path / "state.safetensors")
    kept = State.load(tmp_path / "state.safetensors")
    rest, _ = it.step(X[:, 2:], kept)
    np.testing.assert_allclose(np.concatenate([first, rest], 1), it.predict(X), atol=1e-6)
    again, _ = it.step(X[:, 2:], state)
    np.testing.assert_array_equal(rest, again)
    for name, array in state.to_arrays().items():
        np.testing.assert_array_equal(array, kept.to_arrays()[name])


def test_what_is_given_as_a_whole_is_computed_once() -> None:
    nodes = {
        "read": lm.Bidirectional(lm.GRU(2, output="last"), inputs=["past"]),
        "write": lm.GRU(4, inputs=["future", "read"]),
        "end": lm.Output(1, loss="mse", inputs=["write"]),
    }
    it = lm.Model(lm.Graph({"past": lm.sequence(None, 2), "future": lm.sequence(None, 2)}, nodes, ["end"]), seed=1)
    wanted = it.predict({"past": X, "future": X[:, ::-1].copy()})
    first, state = it.step(X[:, :2:-1].copy(), given={"past": X})
    rest, _ = it.step(X[:, 2::-1].copy(), state)
    np.testing.assert_allclose(np.concatenate([first, rest], 1), wanted, atol=1e-6)


def test_masked_steps_change_nothing() -> None:
    it, mask = model(), np.arange(6)[None] < np.array([[6], [3], [1], [4]])
    _, whole = it.step(X, masks={"input": mask})
    for row, count in enumerate(mask.sum(1)):
        _, alone = it.step(X[row : row + 1, :count])
        for name, array in alone.to_arrays().items():
            if name != "batch":
                np.testing.assert_allclose(whole.to_arrays()[name][row], array[0], atol=1e-6)


def test_scaled_data_are_scaled_in_pieces_too() -> None:
    data = lm.Dataset.from_arrays(X * 50 + 7, X[:, -1, :1] * 3 + 100, shape=lm.sequence(6, 2), kind="numbers")
    it = lm.Model(lm.Sequential(lm.sequence(6, 2), [lm.GRU(3, return_sequences=False), lm.Output(1, loss="mse")]), seed=1)
    it.preprocessing = Preprocessing.fit(data, normalize=Standardize(), normalize_targets=Standardize())
    it.schema = data.schema
    _, state = it.step((X * 50 + 7)[:, :4])
    last, _ = it.step((X * 50 + 7)[:, 4:], state)
    np.testing.assert_allclose(last, it.predict(X * 50 + 7), rtol=1e-5)


def test_a_state_of_another_batch_or_network_is_refused() -> None:
    it = model()
    _, state = it.step(X)
    with pytest.raises(ShapeError, match="EN042") as caught:
        it.step(X[:2], state)
    assert "select" in caught.value.problems[0].fix
    other = lm.Model(lm.Sequential(lm.sequence(6, 2), [lm.GRU(3, name="other"), lm.Output(1, loss="mse")]))
    with pytest.raises(ShapeError, match="EN042") as caught:
        other.step(X, state)
    assert "'other'" in str(caught.value) or "'memory'" in str(caught.value)
    wider = lm.Model(lm.Sequential(lm.sequence(6, 2), [lm.GRU(5, name="memory"), lm.LSTM(4, layers=2), lm.Output(1, loss="mse")]))
    with pytest.raises(ShapeError, match="EN042"):
        wider.step(X, state)


def test_a_file_that_is_no_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"nothing of the kind")
    for path in (tmp_path / "x", tmp_path / "missing"):
        with pytest.raises(ShapeError, match="EN042"):
            State.load(path)
    with pytest.raises(LaminaError, match="AR020"):
        model().step(X)[1].save(tmp_path / "no" / "folder")


def test_a_layer_that_has_to_see_everything_is_named() -> None:
    it = lm.Model(lm.Sequential(lm.sequence(None, 2), [lm.Bidirectional(lm.GRU(3), name="both"), lm.Output(1, loss="mse")]))
    with pytest.raises(TrainingError, match="'both'"):
        it.step(X)


def test_memories_within_layers_are_kept_under_their_own_names(tmp_path: Path) -> None:
    inner = lm.layers.Nested([lm.GRU(3), lm.layers.Repeat(lm.GRU(3), times=2)])
    model = lm.Model(lm.Sequential(lm.sequence(None, 2), [inner, lm.Output(1, loss="mse")]), seed=1)
    first, second = X[:, :2], X[:, 2:]
    _, state = model.step(first)
    state.save(tmp_path / "state")
    wanted, _ = model.step(second, state)
    found, _ = model.step(second, lm.generation.State.load(tmp_path / "state"))
    np.testing.assert_array_equal(found, wanted)


def test_inputs_and_masks_that_nobody_takes_are_named() -> None:
    shapes = {"a": lm.sequence(None, 2), "b": lm.sequence(None, 2)}
    network = build(lm.Graph(shapes, {"sum": lm.Add(inputs=["a", "b"])}, "sum").resolve(), 0).eval()
    x = torch.zeros(2, 1, 2)
    with pytest.raises(LaminaError, match="EN005"):
        network.start_state(2, {"c": x})
    with pytest.raises(LaminaError, match="EN042") as caught:
        network.start_state(3, {"a": x})
    assert "3 samples" in str(caught.value)
    with pytest.raises(LaminaError, match="EN040") as caught:
        network.advance({"a": x, "b": x}, network.start_state(2), {"c": torch.ones(2, 1, dtype=torch.bool)})
    assert "'c'" in str(caught.value)

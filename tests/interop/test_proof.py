"""Numeric proof."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lamina as lm
from lamina import interop
from lamina.errors import InteropError, ProofError
from lamina.model import Model

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


@pytest.fixture
def model() -> Model:
    layers = [lm.Dense(3, activation="tanh", name="one"), lm.Dense(3, activation="relu", name="two"), lm.Output(2, name="end")]
    return lm.Model(lm.Sequential(lm.features(4), layers), seed=1)


def test_it_holds_for_what_rounding_makes_and_for_no_more(model: Model) -> None:
    y = model.predict(X)
    proof = interop.verify(model, {"x": X, "y": y * (1 + 5e-5)})
    assert proof.holds
    assert 1e-6 < proof.outputs[0].relative < 5e-5
    assert interop.verify(model, {"x": X, "y": y + 9e-6}).holds
    wrong = interop.verify(model, {"x": X, "y": y + 1e-3})
    assert not wrong.holds
    assert 0.9e-3 < wrong.outputs[0].absolute < 1.1e-3
    with pytest.raises(ProofError, match="IO007") as caught:
        wrong.check("a.zip")
    assert caught.value.exit_code == 3
    assert not interop.verify(model, {"x": X, "y": np.full_like(y, np.nan)}).holds


def test_the_first_layer_that_differs_is_named(model: Model) -> None:
    arrays = {name: array for name, array in model.parameters().items()}
    one = np.tanh(X @ arrays["one/weight"].T + arrays["one/bias"])
    two = np.maximum(one @ arrays["two/weight"].T + arrays["two/bias"], 0)
    stored = {"x": X, "y": model.predict(X), "activations/one": one, "activations/two": two}
    proof = interop.verify(model, stored)
    assert (proof.first, proof.layers) == (None, 2)
    changed = interop.verify(model, {**stored, "activations/two": two + 0.1, "activations/one": one})
    assert changed.first is not None
    assert changed.first.name == "two"
    assert "two" in str(changed)


def test_several_inputs_and_outputs_by_name_or_number(tmp_path: Path) -> None:
    nodes = {"sum": lm.Add(inputs=["a", "b"]), "p": lm.Output(2, inputs=["sum"]), "q": lm.Output(1, loss="mse", inputs=["sum"])}
    model = lm.Model(lm.Graph({"a": lm.features(4), "b": lm.features(4)}, nodes, ["p", "q"]), seed=2)
    found = model.predict({"a": X, "b": 2 * X})
    np.savez(tmp_path / "io.npz", x_a=X, x1=2 * X, y0=found["p"], q=found["q"])
    assert interop.verify(model, tmp_path / "io.npz").holds
    assert len(interop.verify(model, tmp_path / "io.npz").to_dict()["outputs"]) == 2


def test_what_is_no_proof_is_refused(model: Model, tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", X)
    (tmp_path / "text.npz").write_text("nothing")
    np.savez(tmp_path / "object.npz", x=np.array([{}], dtype=object), y=X)
    for path in ("one.npy", "text.npz", "object.npz", "none.npz"):
        with pytest.raises(InteropError, match="IO008"):
            interop.verify(model, tmp_path / path)
    for arrays in ({"y": X}, {"x": X}, {"x": X, "y": X[:3]}, {"x": X, "y": np.zeros((6, 5))}):
        with pytest.raises(InteropError, match="IO008"):
            interop.verify(model, arrays)

"""The way out: ``.keras`` files, opened by Keras and read again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina import interop
from lamina.errors import InteropError
from lamina.interop.exporting import export

os.environ.setdefault("KERAS_BACKEND", "torch")
pytest.importorskip("keras")
L = lm.layers
PICTURE, STEPS = lm.image(3, 8, 7), lm.sequence(None, 3)
NETWORKS: dict[str, tuple[Any, list[Any]]] = {
    "lenet": (lm.image(1, 12, 12), [lm.Conv2d(4, kernel=3, activation="relu"), lm.MaxPool2d(2), L.Flatten(), lm.Dense(5), lm.Output(3)]),
    "flattened": (PICTURE, [lm.Conv2d(4, kernel=3, padding=1, stride=2), L.BatchNorm(activation="leaky_relu"), lm.Output(3)]),
    "recurrent": (STEPS, [lm.LSTM(4), lm.GRU(3), L.Bidirectional(lm.LSTM(2)), lm.Dense(3), L.GlobalAvgPool(), lm.Output(2)]),
    "stacked": (STEPS, [L.GRU(4, reset_after=False, layers=2), L.SimpleRNN(3, return_sequences=False), lm.Output(2)]),
    "tokens": (lm.tokens(6, 9), [L.Embedding(4), L.MultiHeadAttention(2, causal=True), L.LayerNorm(), L.LastStep(), lm.Output(2)]),
    "pictures": (
        PICTURE,
        [
            *(L.DepthwiseConv2d(3, multiplier=2, padding="same"), L.SeparableConv2d(4, kernel=3), L.GroupNorm(2), L.Upsampling2d(2)),
            *(L.ConvTranspose2d(3, kernel=3, stride=2, padding="same"), L.PReLU(), L.Permute([2, 3, 1]), L.AvgPool2d(2), L.RMSNorm()),
            *(
                L.LayerNorm(over="sample"),
                L.ZeroPadding2d(((1, 0), (0, 2))),
                L.Cropping2d(((0, 0), (1, 0))),
                L.GlobalMaxPool(),
                lm.Output(2),
            ),
        ],
    ),
    "steps": (lm.sequence(6, 3), [L.Conv1d(4, kernel=2, padding="causal"), L.MaxPool1d(2), L.Dropout(0.2), L.Flatten(), lm.Output(2)]),
    "zeros": (
        PICTURE,
        [
            *(L.Conv2d(4, kernel=3, activation="relu"), L.MaxPool2d(3, stride=2, padding=1), L.MaxPool2d(2, padding="ceil")),
            *(L.SqueezeExcite(2), L.ElementwiseMultiplication(0.5), lm.Output(2)),
        ],
    ),
    "nested": (PICTURE, [L.Residual([L.Conv2d(3, kernel=3, padding="same"), L.BatchNorm()]), L.Reshape(lm.image(2, 12, 7)), lm.Output(2)]),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NETWORKS)
def test_keras_gives_the_same_and_so_does_what_is_read_again(name: str, tmp_path: Path) -> None:
    shape, layers = NETWORKS[name]
    model = lm.Model(lm.Sequential(shape, layers), seed=3)
    written = export(model, tmp_path / "model.keras")
    assert written.proof is not None
    assert written.proof.holds
    again = interop.load(tmp_path / "model.keras", layout="lamina")
    generator = np.random.default_rng(0)
    sizes = [5 if n is None else n for n in shape.dims]
    x = generator.integers(0, 9, (3, *sizes)) if shape.dtype == "int" else generator.normal(size=(3, *sizes)).astype("float32")
    np.testing.assert_allclose(again.predict(x), model.predict(x), rtol=1e-4, atol=1e-5)


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    shape, layers = NETWORKS["lenet"]
    model = lm.Model(lm.Sequential(shape, layers), seed=3)
    for name in ("a", "b"):
        export(model, tmp_path / f"{name}.keras", verify=False)
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()


def test_all_that_keras_has_not_is_named_at_once(tmp_path: Path) -> None:
    layers = [L.LSTM(4, layer_norm=True), lm.Dense(3, activation="rational_tanh"), L.SinusoidalPositions(), lm.Output(2)]
    with pytest.raises(InteropError, match="IO004") as caught:
        export(lm.Model(lm.Sequential(STEPS, layers), seed=3), tmp_path / "model.keras")
    assert [problem.where.split("(")[1] for problem in caught.value.problems] == ["lstm)", "dense)", "sinusoidal_positions)"]
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["char_lstm", "text_cnn", "resnet18", "squeezenet1_1"])
def test_networks_of_the_zoo_go_and_come_back(name: str, tmp_path: Path) -> None:
    settings = {"input": lm.image(3, 64, 64)} if name in ("resnet18", "squeezenet1_1") else {}
    model = lm.Model(getattr(lm.zoo, name)(**settings), seed=1)
    export(model, tmp_path / "model.keras")
    again = interop.load(tmp_path / "model.keras", layout="lamina")
    assert model.plan is not None
    (shape,) = model.plan.inputs.values()
    sizes = [7 if n is None else n for n in shape.dims]
    generator = np.random.default_rng(0)
    x = generator.integers(0, 60, (2, *sizes)) if shape.dtype == "int" else generator.normal(size=(2, *sizes)).astype("float32")
    np.testing.assert_allclose(again.predict(x), model.predict(x), rtol=1e-4, atol=1e-5)

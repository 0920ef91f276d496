# ruff: noqa: E501 (a row of the table is a model)
"""Models that Keras 3 makes here and now, of every kind of layer, against what it computes with them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamina import interop

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
L: Any = keras.layers
pytestmark = [
    pytest.mark.filterwarnings(r"ignore:\[IO012\]:lamina.errors.LaminaWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

VECTOR, STEPS, PICTURE, VOLUME, FILM = (6,), (5, 4), (7, 6, 3), (5, 4, 6, 2), (3, 5, 6, 2)
FIRST = {"data_format": "channels_first"}


def both(word: str) -> tuple[tuple[int | None, ...], Callable[[], list[Any]]]:
    return STEPS, lambda: [L.Bidirectional(L.LSTM(3, return_sequences=True), merge_mode=word)]


CHAINS: dict[str, tuple[tuple[int | None, ...], Callable[[], list[Any]]]] = {
    "dense": (VECTOR, lambda: [L.Dense(5, activation="gelu"), L.Dense(3, use_bias=False, activation="softmax")]),
    "dense on steps": (STEPS, lambda: [L.Dense(3, activation="softmax")]),
    "dense on pictures": (PICTURE, lambda: [L.Dense(4, activation="softmax"), L.Flatten(), L.Dense(2)]),
    "conv1d": (STEPS, lambda: [L.Conv1D(4, 3, padding="causal", dilation_rate=2), L.Conv1D(4, 2, strides=2, padding="same", groups=2)]),
    "conv2d": (PICTURE, lambda: [L.Conv2D(4, (3, 2), padding="same", strides=2), L.Conv2D(2, 2, activation="softmax"), L.Flatten()]),
    "conv3d": (VOLUME, lambda: [L.Conv3D(3, 2, padding="same"), L.MaxPooling3D(2, padding="same"), L.GlobalAveragePooling3D()]),
    "transposed 1d": (STEPS, lambda: [L.Conv1DTranspose(3, 3, strides=2, padding="same"), L.Conv1DTranspose(2, 2, strides=3)]),
    "transposed 2d": (PICTURE, lambda: [L.Conv2DTranspose(3, 3, strides=2, padding="same"), L.Conv2DTranspose(2, (2, 3))]),
    "transposed 3d": (VOLUME, lambda: [L.Conv3DTranspose(2, 2, strides=2)]),
    "separable": (PICTURE, lambda: [L.SeparableConv2D(4, 3, depth_multiplier=2, padding="same"), L.DepthwiseConv2D(2, depth_multiplier=2)]),
    "separable 1d": (STEPS, lambda: [L.SeparableConv1D(4, 2, depth_multiplier=2), L.DepthwiseConv1D(2, padding="same")]),
    "pools": (PICTURE, lambda: [L.MaxPooling2D(3, 2, padding="same"), L.AveragePooling2D(2, 1, padding="same"), L.GlobalMaxPooling2D()]),
    "pools 1d": (STEPS, lambda: [L.MaxPooling1D(2, 1, padding="same"), L.AveragePooling1D(2), L.GlobalMaxPooling1D()]),
    "kept pools": (PICTURE, lambda: [L.GlobalAveragePooling2D(keepdims=True), L.Conv2D(2, 1)]),
    "adaptive": (PICTURE, lambda: [L.AdaptiveAveragePooling2D((3, 2)), L.AdaptiveMaxPooling2D(1), L.Flatten()]),
    "borders": (PICTURE, lambda: [L.ZeroPadding2D(((1, 2), (0, 1))), L.Cropping2D(((1, 0), (2, 1))), L.UpSampling2D((2, 3))]),
    "borders 1d": (STEPS, lambda: [L.ZeroPadding1D((1, 2)), L.Cropping1D((1, 0)), L.UpSampling1D(2)]),
    "borders 3d": (VOLUME, lambda: [L.ZeroPadding3D(1), L.Cropping3D(((1, 0), (0, 1), (1, 1))), L.UpSampling3D(2)]),
    "bilinear": (PICTURE, lambda: [L.UpSampling2D(2, interpolation="bilinear")]),
    "norms": (PICTURE, lambda: [L.BatchNormalization(), L.GroupNormalization(3), L.LayerNormalization(), L.LayerNormalization(axis=[1, 2, 3])]),
    "norms of vectors": (VECTOR, lambda: [L.BatchNormalization(scale=False), L.RMSNormalization(), L.UnitNormalization(), L.GroupNormalization(2)]),
    "norms of steps": (STEPS, lambda: [L.BatchNormalization(axis=1), L.LayerNormalization(center=False), L.UnitNormalization()]),
    "lstm": (STEPS, lambda: [L.LSTM(3, return_sequences=True, recurrent_activation="hard_sigmoid"), L.LSTM(2, go_backwards=True)]),
    "backwards": (STEPS, lambda: [L.GRU(3, return_sequences=True, go_backwards=True), L.SimpleRNN(2, activation="relu")]),
    "gru": (STEPS, lambda: [L.GRU(3, return_sequences=True, reset_after=False), L.GRU(3, use_bias=False)]),
    "cells": (STEPS, lambda: [L.RNN(L.GRUCell(3), return_sequences=True), L.RNN([L.LSTMCell(3), L.LSTMCell(2)])]),
    **{f"both {word}": both(word) for word in ("concat", "sum", "ave", "mul")},
    "both ends": (STEPS, lambda: [L.Bidirectional(L.GRU(3))]),
    "masked": (STEPS, lambda: [L.Masking(), L.LSTM(3)]),
    "masked steps": (STEPS, lambda: [L.Masking(), L.GRU(3, return_sequences=True), L.Dense(2)]),
    "masked both": (STEPS, lambda: [L.Masking(), L.Bidirectional(L.LSTM(3, return_sequences=True)), L.Dense(2)]),
    "masked stack": (STEPS, lambda: [L.Masking(), L.LSTM(3, return_sequences=True), L.Dropout(0.5), L.LSTM(2)]),
    "masked mean": (STEPS, lambda: [L.Masking(), L.GlobalAveragePooling1D()]),
    "masked in vain": (STEPS, lambda: [L.Masking(), L.Conv1D(2, 2)]),
    "film": (FILM, lambda: [L.ConvLSTM2D(3, 2, padding="same", return_sequences=True), L.BatchNormalization(), L.ConvLSTM2D(2, 2)]),
    "film 1d": ((3, 5, 2), lambda: [L.ConvLSTM1D(3, 2, return_sequences=True), L.TimeDistributed(L.Flatten()), L.LSTM(2)]),
    "film to volume": (FILM, lambda: [L.ConvLSTM2D(3, 2, padding="same", return_sequences=True), L.Conv3D(2, 2)]),
    "each step": (FILM, lambda: [L.TimeDistributed(L.Conv2D(3, 2, activation="relu")), L.TimeDistributed(L.GlobalMaxPooling2D()), L.GRU(2)]),
    "each step dense": (STEPS, lambda: [L.TimeDistributed(L.Dense(3, activation="tanh"))]),
    "activations": (PICTURE, lambda: [L.LeakyReLU(0.2), L.ELU(0.7), L.PReLU(), L.PReLU(shared_axes=[1, 2]), L.Softmax(axis=2), L.ReLU(0.3, 0.1, 0.05)]),
    "words": (VECTOR, lambda: [L.Activation(word) for word in ("silu", "mish", "hard_sigmoid", "softsign", "celu", "log_sigmoid", "squareplus", "leaky_relu", "hard_silu", "sparse_plus", "tanh_shrink", "soft_shrink", "exponential")]),
    "shapes": (PICTURE, lambda: [L.Permute((2, 3, 1)), L.Reshape((9, 14)), L.Permute((2, 1)), L.Flatten(), L.RepeatVector(3)]),
    "reshaped": (VECTOR, lambda: [L.Dense(12), L.Reshape((2, 3, -1)), L.Conv2D(2, 2), L.Reshape((-1,))]),
    "einsum": (STEPS, lambda: [L.EinsumDense("abc,cd->abd", (5, 6), bias_axes="d"), L.EinsumDense("abc,bd->adc", (3, 6), bias_axes="c")]),
    "noise": (PICTURE, lambda: [L.GaussianNoise(0.1), L.SpatialDropout2D(0.2), L.AlphaDropout(0.1), L.GaussianDropout(0.1), L.Dropout(0.2)]),
    "scaled": (PICTURE, lambda: [L.Rescaling(1 / 127.5, offset=-1), L.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0])]),
    "cut out": (PICTURE, lambda: [L.CenterCrop(4, 4), L.Resizing(3, 5)]),
    "first 2d": ((3, 7, 6), lambda: [L.Conv2D(4, 2, **FIRST), L.BatchNormalization(axis=1), L.MaxPooling2D(2, **FIRST), L.Flatten(**FIRST), L.Dense(2)]),
    "first 1d": ((4, 5), lambda: [L.Conv1D(3, 2, **FIRST), L.GlobalAveragePooling1D(**FIRST)]),
    "film first": ((3, 2, 5, 6), lambda: [L.ConvLSTM2D(2, 2, return_sequences=True, **FIRST), L.TimeDistributed(L.Conv2D(2, 2, **FIRST))]),
}  # fmt: skip


def shaken(model: Any) -> Any:
    """Other weights than those that a layer starts with."""
    generator = np.random.default_rng(1)
    model.set_weights([np.abs(w) * 0.5 + 0.3 if w.size == 0 else _drawn(generator, w) for w in model.get_weights()])
    return model


def _drawn(generator: np.random.Generator, w: np.ndarray) -> np.ndarray:
    if w.dtype.kind != "f":
        return w
    return (w + generator.uniform(0.05, 0.3, size=w.shape)).astype(w.dtype)


def same(model: Any, folder: Path, *arrays: np.ndarray, legacy: bool = True) -> None:
    wanted = model.predict(list(arrays) if len(arrays) > 1 else arrays[0], verbose=0)
    listed = list(wanted.values()) if isinstance(wanted, dict) else wanted if isinstance(wanted, list | tuple) else [wanted]
    for name in ("model.keras", *(["model.h5"] if legacy else [])):
        model.save(folder / name)
        imported = interop.read(folder / name)
        assert imported.report.complete, str(imported.report)
        found = imported.model().outputs(dict(zip([tensor.name for tensor in model.inputs], arrays, strict=True)))
        for one, other in zip(found.values(), listed, strict=True):
            assert one.shape == other.shape, name
            assert (np.abs(one - other) <= 1e-5 + 1e-4 * np.abs(other)).all(), (name, np.abs(one - other).max())


def data(shape: tuple[int | None, ...], seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(3, *[4 if n is None else n for n in shape])).astype("float32")
    if len(shape) == 2:
        x[1, 3:], x[2, :2] = 0, 0
    return x


@pytest.mark.parametrize("name", CHAINS)
def test_chains(name: str, tmp_path: Path) -> None:
    shape, layers = CHAINS[name]
    same(shaken(keras.Sequential([L.Input(shape, name="x"), *layers()])), tmp_path, data(shape))


def test_merging(tmp_path: Path) -> None:
    a, b = L.Input((4, 5, 3), name="a"), L.Input((4, 5, 3), name="b")
    x, y = L.Conv2D(3, 1)(a), L.Conv2D(3, 2, padding="same")(b)
    joined = [kind()([x, y]) for kind in (L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum)]
    side = L.Concatenate(axis=1)([L.Concatenate()(joined), L.Concatenate()(joined[::-1])])
    gate = L.Dense(18)(L.GlobalAveragePooling2D()(side))
    spread = L.Multiply()([side, L.Reshape((1, 1, 18))(gate)])
    vector = L.Dot(axes=-1, normalize=True)([gate, gate])
    same(shaken(keras.Model([a, b], [spread, vector])), tmp_path, data((4, 5, 3)), data((4, 5, 3), 1))


def test_attention(tmp_path: Path) -> None:
    a, b = L.Input((5, 4), name="a"), L.Input((3, 4), name="b")
    one = L.MultiHeadAttention(2, 3, value_dim=5)(a, b)
    two = L.MultiHeadAttention(2, 3, use_bias=False, output_shape=4)(a, a, use_causal_mask=True)
    three = L.GroupQueryAttention(3, 4, 2)(a, b)
    four, five = L.Attention(use_scale=True)([a, b]), L.AdditiveAttention()([a, b])
    same(shaken(keras.Model([a, b], L.Concatenate()([one, two, three, four, five]))), tmp_path, data((5, 4)), data((3, 4), 1), legacy=False)


def test_memories_that_come_and_go(tmp_path: Path) -> None:
    a, b = L.Input((5, 4), name="a"), L.Input((3, 4), name="b")
    _, h, c = L.LSTM(3, return_state=True)(a)
    whole, h2, c2 = L.LSTM(3, return_sequences=True, return_state=True)(b, initial_state=[h, c])
    turned, state = L.GRU(2, return_sequences=True, return_state=True)(whole)
    same(shaken(keras.Model([a, b], [turned, state, h2, c2])), tmp_path, data((5, 4)), data((3, 4), 1), legacy=False)


def test_shared_and_nested(tmp_path: Path) -> None:
    inner_in = L.Input((6,), name="inner_in")
    deep = keras.Sequential([L.Input((4,)), L.Dense(4), L.BatchNormalization(), L.Dense(3)], name="deep")
    inner = keras.Model(inner_in, deep(L.Dense(4, activation="tanh")(inner_in)), name="inner")
    a, b = L.Input((6,), name="a"), L.Input((6,), name="b")
    common = L.Dense(6, activation="relu")
    x, y = inner(common(a)), inner(common(b))
    same(shaken(keras.Model([a, b], L.Dense(2)(L.Concatenate()([x, y, L.Subtract()([x, y])])))), tmp_path, data((6,)), data((6,), 1))


def test_tokens(tmp_path: Path) -> None:
    model = keras.Sequential([L.Input((None,), name="x"), L.Embedding(9, 4, mask_zero=True), L.Bidirectional(L.GRU(3)), L.Dense(2)])
    same(shaken(model), tmp_path, np.array([[1, 2, 3, 0, 0], [4, 0, 5, 6, 0], [7, 8, 1, 2, 3]]))


@pytest.mark.parametrize(
    "optimizer",
    ["SGD", "momentum", "nesterov", "Adam", "amsgrad", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Lion"],
)
def test_training_goes_on_as_keras_would(optimizer: str, tmp_path: Path) -> None:
    o = keras.optimizers
    made = {
        "momentum": lambda: o.SGD(0.05, momentum=0.9),
        "nesterov": lambda: o.SGD(0.05, momentum=0.9, nesterov=True),
        "amsgrad": lambda: o.Adam(0.01, amsgrad=True),
    }.get(optimizer, lambda: getattr(o, optimizer)(0.01))()
    model = shaken(keras.Sequential([L.Input((6,), name="x"), L.Dense(5, activation="tanh"), L.Dense(3, activation="softmax")]))
    model.compile(made, "sparse_categorical_crossentropy")
    x, y = data((6,)), np.array([0, 1, 2])
    for _ in range(3):
        model.train_on_batch(x, y)
    model.save(tmp_path / "model.keras")
    imported = interop.load(tmp_path / "model.keras")
    for _ in range(3):
        model.train_on_batch(x, y)
    imported.fit(x, y, epochs=3, batch_size=3, shuffle=False, go_on=True, progress=False)
    np.testing.assert_allclose(imported.predict(x), model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)

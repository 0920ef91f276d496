"""Layers against what Deeplearning4j computes, written out in NumPy from the flat vector of parameters as its code lays it out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamina import interop
from lamina.testing.dl4j import LAYERS, layer, loss, write_zip

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(layers: list[dict[str, Any]], weights: Any, name: str = "model.zip", **settings: Any) -> Path:
        return write_zip(tmp_path / name, layers, weights, **settings)

    return make


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def drawn(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=count).astype("float32") / 2


class Flat:
    """The flat vector, taken apart from the front."""

    def __init__(self, vector: np.ndarray) -> None:
        self.vector, self.place = vector, 0

    def take(self, *shape: int, order: str = "F") -> np.ndarray:
        count = int(np.prod(shape))
        self.place += count
        return self.vector[self.place - count : self.place].astype("float64").reshape(shape, order=order)  # type: ignore[call-overload, no-any-return]


def lstm(x: np.ndarray, w: np.ndarray, rw: np.ndarray, b: np.ndarray, n: int) -> np.ndarray:
    """Steps of [batch, features, steps]; blocks: candidate, forget, output, input; peepholes in the last three columns."""
    h, c, out = np.zeros((len(x), n)), np.zeros((len(x), n)), []
    holes = rw[:, 4 * n :]
    for step in range(x.shape[2]):
        z = x[:, :, step] @ w + h @ rw[:, : 4 * n] + b
        a, f, o, g = (z[:, k * n : (k + 1) * n] for k in range(4))
        if holes.size:
            f, g = f + c * holes[:, 0], g + c * holes[:, 2]
        c = sigmoid(f) * c + sigmoid(g) * np.tanh(a)
        if holes.size:
            o = o + c * holes[:, 1]
        h = sigmoid(o) * np.tanh(c)
        out.append(h)
    return np.stack(out, axis=2)


def same(path: Path, x: Any, wanted: np.ndarray, **options: Any) -> None:
    found = interop.load(path, **options).predict(x)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("holes", [0, 3])
def test_lstm(write: Write, holes: int) -> None:
    x, n = drawn(2 * 3 * 7).reshape(2, 3, 7), 4
    vector = drawn(3 * 16 + 4 * (16 + holes) + 16 + 4 * 2 + 2, 1)
    flat = Flat(vector)
    w, rw, b = flat.take(3, 16), flat.take(4, 16 + holes), flat.take(16)
    h = lstm(x, w, rw, b, n)
    v, c = flat.take(4, 2), flat.take(2)
    wanted = np.einsum("bnt,nk->bkt", h, v) + c[:, None]
    kind = "GravesLSTM" if holes else "LSTM"
    recurrent = layer(kind, "TanH", gateActivationFn={"@class": "org.nd4j.linalg.activations.impl.ActivationSigmoid"}, nin=3, nout=4)
    path = write([recurrent, layer("RnnOutputLayer", nin=4, nout=2, lossFn=loss("MSE"))], vector)
    same(path, x, wanted)
    same(path, x.transpose(0, 2, 1), wanted.transpose(0, 2, 1), layout="lamina")


@pytest.mark.parametrize("mode", ["CONCAT", "ADD", "MUL", "AVERAGE"])
def test_bidirectional(write: Write, mode: str) -> None:
    x, n = drawn(2 * 3 * 5).reshape(2, 3, 5), 2
    vector = drawn(2 * (3 * 8 + 2 * 8 + 8), 2)
    flat = Flat(vector)
    forward = lstm(x, flat.take(3, 8), flat.take(2, 8), flat.take(8), n)
    backward = lstm(x[:, :, ::-1], flat.take(3, 8), flat.take(2, 8), flat.take(8), n)[:, :, ::-1]
    wanted = {"CONCAT": np.concatenate([forward, backward], 1), "ADD": forward + backward, "MUL": forward * backward}
    wanted["AVERAGE"] = (forward + backward) / 2
    inner = layer("LSTM", "TanH", nin=3, nout=2)
    path = write([layer("Bidirectional", package=LAYERS + "recurrent.", fwd=inner, bwd=inner, mode=mode)], vector)
    same(path, x, wanted[mode])


def test_both_dialects_say_the_same(write: Write) -> None:
    new = [layer("DenseLayer", "TanH", nin=3, nout=4, layerName="a"), layer("OutputLayer", "Softmax", nin=4, nout=2, lossFn=loss("MCXENT"))]
    old = [
        {"dense": {"activationFunction": "tanh", "nin": 3, "nout": 4, "layerName": "a", "updater": "ADAM", "learningRate": 0.01}},
        {
            "output": {
                "activationFn": {"Softmax": {}},
                "nin": 4,
                "nout": 2,
                "lossFunction": "MCXENT",
                "updater": "ADAM",
                "learningRate": 0.01,
            }
        },
    ]
    vector = drawn(3 * 4 + 4 + 4 * 2 + 2)
    one, other = interop.read(write(new, vector, "new.zip")), interop.read(write(old, vector, "old.zip"))
    assert one.network == other.network
    assert {name: array.tolist() for name, array in one.arrays.items()} == {name: array.tolist() for name, array in other.arrays.items()}
    assert one.origin is not None
    assert other.origin is not None
    assert one.origin.learning == other.origin.learning


def test_dense_flatten_and_normalisation(write: Write) -> None:
    x = drawn(5 * 2 * 4 * 3).reshape(5, 2, 4, 3)
    vector = np.concatenate([drawn(2), drawn(2, 1), drawn(2, 2), np.abs(drawn(2, 3)) + 0.1, drawn(24 * 3 + 3, 4)])
    gamma, beta, mean, var = vector[:2], vector[2:4], vector[4:6], vector[6:8]
    flat = Flat(vector[8:])
    normed = (x - mean[:, None, None]) / np.sqrt(var[:, None, None] + 1e-5) * gamma[:, None, None] + beta[:, None, None]
    wanted = np.maximum(normed.reshape(5, -1) @ flat.take(24, 3) + flat.take(3), 0)
    before = {"1": {"@class": "org.x.CnnToFeedForwardPreProcessor", "inputHeight": 4, "inputWidth": 3, "numChannels": 2}}
    layers = [layer("BatchNormalization", nout=2, decay=0.9, eps=1e-5), layer("DenseLayer", "ReLU", nin=24, nout=3)]
    same(write(layers, vector, inputPreProcessors=before), x, wanted)


def test_logarithms_of_deviations(write: Write) -> None:
    x, vector = drawn(4 * 3).reshape(4, 3), drawn(12)
    gamma, beta, mean, logs = vector.reshape(4, 3).astype("float64")
    wanted = (x - mean) / np.sqrt(10 ** (2 * logs) + 1e-5) * gamma + beta
    same(write([layer("BatchNormalization", nout=3, useLogStd=True)], vector), x, wanted)


def convolved(x: np.ndarray, w: np.ndarray, stride: int = 1, groups: int = 1) -> np.ndarray:
    """Cross-correlation without padding, written out; ``w [out, in / groups, kh, kw]``."""
    rows, columns = ((x.shape[2 + k] - w.shape[2 + k]) // stride + 1 for k in range(2))
    found = np.zeros((len(x), len(w), rows, columns))
    each = len(w) // groups
    for o in range(len(w)):
        own = x[:, (o // each) * w.shape[1] : (o // each + 1) * w.shape[1]]
        for i in range(rows):
            for j in range(columns):
                window = own[:, :, i * stride : i * stride + w.shape[2], j * stride : j * stride + w.shape[3]]
                found[:, o, i, j] = (window * w[o]).sum(axis=(1, 2, 3))
    return found


def test_convolutions_of_images(write: Write) -> None:
    x = drawn(2 * 2 * 7 * 6).reshape(2, 2, 7, 6)
    count = 3 + 3 * 2 * 3 * 2 + 6 + 3 * 3 * 3 * 2 + 4 + 2 * 6 * 2 * 2 + 4 * 12
    vector = drawn(count, 3)
    flat = Flat(vector)
    b, w = flat.take(3), flat.take(3, 2, 3, 2, order="C")
    first = np.tanh(convolved(x, w, 1) + b[:, None, None])
    b, w = flat.take(6), flat.take(3, 3, 3, 2, order="C")  # [kH, kW, nIn, multiplier]
    depth = np.stack([w[:, :, o // 2, o % 2] for o in range(6)])[:, None]
    padded = np.pad(first, ((0, 0), (0, 0), (1, 1), (1, 1)))
    second = convolved(padded, depth, 1, groups=3) + b[:, None, None]
    b, w, p = flat.take(4), flat.take(2, 6, 2, 2, order="C"), flat.take(4, 12, 1, 1, order="C")
    depth = np.stack([w[o % 2, o // 2] for o in range(12)])[:, None]
    wanted = convolved(convolved(second, depth, 1, groups=6), p, 1) + b[:, None, None]
    layers = [
        layer("ConvolutionLayer", "TanH", nin=2, nout=3, kernelSize=[3, 2], stride=[1, 1], padding=[0, 0], convolutionMode="Truncate"),
        layer("DepthwiseConvolution2D", nin=3, nout=6, depthMultiplier=2, kernelSize=[3, 3], stride=[1, 1], convolutionMode="Same"),
        layer("SeparableConvolution2D", nin=6, nout=4, depthMultiplier=2, kernelSize=[2, 2], stride=[1, 1], convolutionMode="Truncate"),
    ]
    path = write(layers, vector)
    same(path, x, wanted)
    assert interop.inspect(path).assumed


def test_convolutions_along_steps_and_through_volumes(write: Write) -> None:
    x = drawn(2 * 3 * 8).reshape(2, 3, 8)
    vector = drawn(4 + 4 * 3 * 2)
    flat = Flat(vector)
    b, w = flat.take(4), flat.take(4, 3, 2, 1, order="C")
    wanted = convolved(x[..., None], w)[..., 0] + b[:, None]
    same(
        write([layer("Convolution1DLayer", nin=3, nout=4, kernelSize=[2, 1], stride=[1, 1], convolutionMode="Truncate")], vector), x, wanted
    )
    volume, vector = drawn(2 * 2 * 4 * 4 * 4).reshape(2, 2, 4, 4, 4), drawn(3 + 3 * 2 * 8)
    flat = Flat(vector)
    b, w = flat.take(3), flat.take(3, 2, 2, 2, 2, order="C")
    windows = np.lib.stride_tricks.sliding_window_view(volume, (2, 2, 2), axis=(2, 3, 4))
    wanted = np.einsum("bcdhwxyz,ocxyz->bodhw", windows, w) + b[:, None, None, None]
    same(write([layer("Convolution3D", nin=2, nout=3, kernelSize=[2, 2, 2], stride=[1, 1, 1], dataFormat="NCDHW")], vector), volume, wanted)


def test_transposed_convolution(write: Write) -> None:
    x, vector = drawn(2 * 2 * 3 * 4).reshape(2, 2, 3, 4), drawn(3 + 2 * 3 * 2 * 2)
    flat = Flat(vector)
    b, w = flat.take(3), flat.take(2, 3, 2, 2, order="C")
    wanted = np.zeros((2, 3, 6, 8)) + b[:, None, None]
    for i in range(3):
        for j in range(4):
            wanted[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2] += np.einsum("bc,coxy->boxy", x[:, :, i, j], w)
    same(write([layer("Deconvolution2D", nin=2, nout=3, kernelSize=[2, 2], stride=[2, 2])], vector), x, wanted)


def test_embeddings(write: Write) -> None:
    vector = drawn(5 * 3 + 3)
    flat = Flat(vector)
    w, b = flat.take(5, 3), flat.take(3)
    tokens = np.array([[4], [0], [2]])
    same(write([layer("EmbeddingLayer", nin=5, nout=3, hasBias=True)], vector), tokens, w[tokens[:, 0]] + b)
    words = np.array([[1, 4, 0], [2, 2, 3]])
    sequence = write([layer("EmbeddingSequenceLayer", nin=5, nout=3, hasBias=False)], vector[:15], "sequence.zip")
    same(sequence, words, w[words].transpose(0, 2, 1))
    same(sequence, words[:, None], w[words].transpose(0, 2, 1))


def test_small_layers(write: Write) -> None:
    x = drawn(4 * 3).reshape(4, 3)
    vector = drawn(6 + 3)
    factor, bias, slope = vector[:3], vector[3:6], vector[6:]
    y = x * factor + bias
    layers = [
        layer("ElementWiseMultiplicationLayer", nin=3, nout=3),
        layer("PReLULayer", inputShape=[3]),
        layer("RepeatVector", package=LAYERS + "misc.", n=2),
    ]
    wanted = np.where(y > 0, y, y * slope)
    same(write(layers, vector), x, np.repeat(wanted[:, :, None], 2, axis=2))


def test_films_go_through_convolutions_step_by_step(write: Write) -> None:
    x = drawn(2 * 2 * 4 * 4 * 5).reshape(2, 32, 5)
    vector = drawn(3 + 3 * 2 * 4 + 27 * 8 + 2 * 8 + 8)
    flat = Flat(vector)
    b, w = flat.take(3), flat.take(3, 2, 2, 2, order="C")
    frames = [convolved(x[:, :, t].reshape(2, 2, 4, 4), w) + b[:, None, None] for t in range(5)]
    seen = np.stack([frame.reshape(2, -1) for frame in frames], axis=2)
    wanted = lstm(seen, flat.take(27, 8), flat.take(2, 8), flat.take(8), 2)
    before = {
        "0": {"@class": "p.RnnToCnnPreProcessor", "inputHeight": 4, "inputWidth": 4, "numChannels": 2},
        "1": {"@class": "p.CnnToRnnPreProcessor", "inputHeight": 3, "inputWidth": 3, "numChannels": 3},
    }
    layers = [layer("ConvolutionLayer", nin=2, nout=3, kernelSize=[2, 2], stride=[1, 1]), layer("LSTM", "TanH", nin=27, nout=2)]
    same(write(layers, vector, inputPreProcessors=before), x, wanted)


def test_a_bernoulli_autoencoder_of_the_later_dialect_gives_its_mean(write: Write) -> None:
    x, sizes = drawn(3 * 5).reshape(3, 5), [(5, 4), (4, 2), (4, 2), (2, 4), (4, 5)]
    vector = drawn(sum(a * b + b for a, b in sizes))
    flat = Flat(vector)
    hidden = np.tanh(x @ flat.take(5, 4) + flat.take(4))
    wanted = hidden @ flat.take(4, 2) + flat.take(2)
    known = {"@class": "o.d.n.c.l.variational.BernoulliReconstructionDistribution", "activationFn": {"@class": "o.ActivationSigmoid"}}
    more = {
        "encoderLayerSizes": [4],
        "decoderLayerSizes": [4],
        "pzxActivationFn": {"@class": "o.ActivationIdentity"},
        "outputDistribution": known,
    }
    same(write([layer("VariationalAutoencoder", "TanH", package=LAYERS + "variational.", nin=5, nout=2, **more)], vector), x, wanted)


def test_lists_and_sequences_of_different_lengths_keep_the_axes_of_the_source(write: Write) -> None:
    path = write(
        [layer("LSTM", "TanH", nin=3, nout=4), layer("RnnOutputLayer", nin=4, nout=2, lossFn=loss("MSE"))], drawn(48 + 64 + 16 + 10)
    )
    model = interop.load(path)
    x = drawn(2 * 3 * 5).reshape(2, 3, 5)
    wanted = model.predict(x)
    np.testing.assert_array_equal(model.predict(x.tolist()), wanted)
    np.testing.assert_array_equal(model.predict([x[0], x[1]]), wanted)
    short = model.predict([x[0], x[1, :, :3]])
    np.testing.assert_allclose(short[1, :, :3], wanted[1, :, :3], atol=1e-6)


def test_a_boltzmann_machine_of_the_old_dialect(write: Write) -> None:
    x, vector = drawn(4 * 3).reshape(4, 3), drawn(6 + 2 + 3)
    old = {"RBM": {"activationFunction": "sigmoid", "nin": 3, "nout": 2, "hiddenUnit": "BINARY", "visibleUnit": "BINARY", "k": 2}}
    flat = Flat(vector)
    same(write([old], vector), x, sigmoid(x @ flat.take(3, 2) + flat.take(2)))


def test_boxes_and_weights_of_losses_in_both_spellings(write: Write) -> None:
    boxes = {"dataType": "FLOAT", "shape": [2, 2], "ordering": "c", "data": [1.0, 2.0, 3.0, 4.0]}
    for priors in (boxes, [[1.0, 2.0], [3.0, 4.0]]):
        convolution = layer("ConvolutionLayer", nin=1, nout=12, kernelSize=[1, 1])
        path = write([convolution, layer("Yolo2OutputLayer", package=LAYERS + "objdetect.", boundingBoxes=priors)], drawn(24))
        assert interop.read(path).described().steps()[-1].layer.loss.priors == ((1.0, 2.0), (3.0, 4.0))  # type: ignore[attr-defined]
    for weights in ([0.5, 2.0], {"array": [[0.5, 2.0]]}, {"shape": [1, 2], "ordering": "c", "data": [0.5, 2.0]}):
        path = write([layer("OutputLayer", nin=2, nout=2, lossFn={**loss("MSE"), "weights": weights})], drawn(6))
        assert interop.read(path).described().steps()[-1].layer.loss.weights == (0.5, 2.0)  # type: ignore[attr-defined]

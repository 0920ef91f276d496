"""Bytes that are scaled in the batch give the same bits as bytes that were scaled before."""

from __future__ import annotations

import numpy as np
import pytest

import lamina as lm
from lamina.data.dataset import Dataset
from lamina.data.loader import Loader
from lamina.data.normalizers import MinMax, Scale, Standardize
from lamina.data.preprocessing import Preprocessing
from lamina.data.scaled_bytes import ScaledBytes

EVERY = np.arange(512, dtype=np.uint8).reshape(16, 2, 4, 4)
SCALES = [None, Scale(1 / 255), Scale(1 / 127.5, 127.5), Scale(0.1, 3.0), Scale(2.0), Scale(1 / 3)]


def raw(bytes_: np.ndarray = EVERY) -> Dataset:
    inner = Dataset.from_arrays(bytes_, np.arange(len(bytes_)) % 2)
    return inner.replace(inputs={"input": bytes_})


@pytest.mark.parametrize("scale", SCALES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits(scale, dtype, monkeypatch) -> None:
    plain = Preprocessing.fit(raw(), normalize=scale, dtype=dtype).prepare(raw())
    monkeypatch.setattr("lamina.data.scaled_bytes.LEAST", 1)
    kept = Preprocessing.fit(raw(), normalize=scale, dtype=dtype).prepare(raw())
    assert isinstance(kept.inputs["input"], ScaledBytes)
    assert kept.inputs["input"].dtype == dtype
    np.testing.assert_array_equal(kept.inputs["input"][:], plain.inputs["input"])
    batches = [
        [b.inputs["input"].tolist() for b in Loader(data, 3, seed=1, resident_bytes=resident)]
        for data in (kept, plain)
        for resident in (0, 1 << 20)
    ]
    assert all(other == batches[0] for other in batches[1:])


@pytest.mark.parametrize("scale", [Standardize(), MinMax()], ids=str)
def test_scales_that_differ_by_channel_are_taken_before(scale, monkeypatch) -> None:
    monkeypatch.setattr("lamina.data.scaled_bytes.LEAST", 1)
    kept = Preprocessing.fit(raw(), normalize=scale).prepare(raw())
    assert isinstance(kept.inputs["input"], np.ndarray)


def test_small_images_are_scaled_at_once() -> None:
    assert isinstance(Preprocessing.fit(raw(), normalize=Scale(1 / 255)).prepare(raw()).inputs["input"], np.ndarray)


def test_training_judging_and_predicting(monkeypatch) -> None:
    x = np.random.default_rng(0).integers(0, 256, (60, 1, 6, 6)).astype("uint8")
    net = lm.Sequential(lm.image(1, 6, 6), [lm.Conv2d(3, kernel=3), lm.Output(2)])
    found = []
    for least in (1, 1 << 30):
        monkeypatch.setattr("lamina.data.scaled_bytes.LEAST", least)
        ready = Preprocessing.fit(raw(x), normalize=Scale(1 / 255)).prepare(raw(x))
        model = lm.Model(net, seed=1)
        model.fit(ready, epochs=2, batch_size=16, validation=0.2, progress=False)
        found.append((model.predict(x).tolist(), model.evaluate(ready).metrics))
    assert found[0] == found[1]

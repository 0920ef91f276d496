"""Pictures that are arrays already: varied in training, and in training only."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from lamina.data.config import DataConfig, prepare
from lamina.data.dataset import Dataset
from lamina.data.images.steps.geometry import AnyFlip
from lamina.data.images.varied import varied
from lamina.data.loader import Loader
from lamina.errors import DataError

CONFIG = "{source: mnist, augment: [{type: random_crop, size: 28, padding: 3}, {type: random_affine, degrees: 10}], split: {validation: 5}}"


@pytest.fixture(autouse=True)
def digits(tmp_path, monkeypatch) -> np.ndarray:
    """A small data set in the files of MNIST."""
    (tmp_path / "mnist").mkdir()
    pixels = np.random.default_rng(3).integers(0, 256, (20, 28, 28)).astype(np.uint8)
    for part in ("train", "t10k"):
        head = struct.pack(">IIII", 2051, 20, 28, 28)
        (tmp_path / "mnist" / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + pixels.tobytes()))
        body = struct.pack(">II", 2049, 20) + (np.arange(20) % 10).astype(np.uint8).tobytes()
        (tmp_path / "mnist" / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(body))
    monkeypatch.setenv("LAMINA_DATA", str(tmp_path))
    return pixels


def test_training_is_varied_and_nothing_else() -> None:
    config = DataConfig.from_yaml(CONFIG)
    plain, data = prepare(config.replace(augment=()), 1), prepare(config, 1)
    assert np.array_equal(data.train.inputs["input"][:], plain.train.inputs["input"])
    assert np.array_equal(data.test.inputs["input"], plain.test.inputs["input"])
    assert np.array_equal(data.validation.inputs["input"], plain.validation.inputs["input"])
    epochs = []
    for settings in ({"batch_size": 4}, {"batch_size": 7, "workers": 2}, {"batch_size": 4, "epoch": 1}):
        number = settings.pop("epoch", 0)
        batches = Loader(data.train, shuffle=False, seed=5, **settings).epoch(number)
        epochs.append(np.concatenate([batch.inputs["input"].numpy() for batch in batches]))
    assert np.array_equal(epochs[0], epochs[1])
    assert not np.array_equal(epochs[0], epochs[2])
    assert not np.array_equal(epochs[0], plain.train.inputs["input"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{source: mnist, augment: [{type: random_crop, size: 24}]}", "leaves size and channels"),
        ("{source: mnist, augment: [mosaic]}", "four have four"),
        ("{source: mnist, augment: [{type: color_jitter, hue: 0.1}]}", "saturation and hue"),
        ("{source: iris, augment: [random_flip]}", "an input of images"),
    ],
)
def test_what_does_not_fit_is_found_before_anything_runs(text, said) -> None:
    with pytest.raises(DataError, match=said) as caught:
        DataConfig.from_yaml(text).schema()
    assert caught.value.code == "DA138"


def test_numbers_that_are_no_pixels_and_targets_with_places_are_refused() -> None:
    floats = Dataset.from_arrays(np.zeros((3, 1, 4, 5)), [0, 1, 0])
    with pytest.raises(DataError, match="input 'input' of float32"):
        varied(floats, [AnyFlip()])
    pixels = floats.replace(inputs={"input": np.zeros((3, 1, 4, 5), np.uint8)})
    assert len(varied(pixels, [AnyFlip()])) == 3
    placed = pixels.replace(targets={"output": np.zeros((3, 4, 5), np.int64)})
    with pytest.raises(DataError, match="places in the picture"):
        varied(placed, [AnyFlip()])

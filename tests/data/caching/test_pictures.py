"""Decoded pictures are kept, and what is drawn on them is drawn all the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lamina.data.images.photos as photos
from lamina.data.caching import Memory
from lamina.data.config import DataConfig, prepare
from lamina.data.loader import Loader
from lamina.errors import DataError

SIZES = [(40, 30), (50, 60), (33, 44), (64, 48), (41, 37)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for number, size in enumerate(SIZES):
        place = tmp_path / "photos" / ("a", "b")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (*size, 3), dtype=np.uint8)).save(place / f"{number}.png")
    return tmp_path


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    names: list[str] = []
    real = photos.decode

    def counted(data, name, *given):
        names.append(name)
        return real(data, name, *given)

    monkeypatch.setattr(photos, "decode", counted)
    return names


def epochs(folder: Path, cache: str, source: str) -> list:
    text = f"{{source: {{type: image_folder, path: photos, {source}}}{cache}}}"
    train = prepare(DataConfig.from_yaml(text).resolve_paths(folder), 0).train
    return [[b.inputs["input"].numpy() for b in Loader(train, 2, seed=3, workers=2).epoch(epoch)] for epoch in range(3)]


def same(one: list, other: list) -> bool:
    return all(np.array_equal(a, b) for first, second in zip(one, other, strict=True) for a, b in zip(first, second, strict=True))


SOURCES = {
    "prepared": "size: [20, 24]",
    "augmented": "size: [20, 24], augment: [{type: flip}]",
    "many sizes": "prepare: [{type: resize, size: 26, mode: short_side}, {type: random_crop, size: [16, 16]}]",
    "drawn while prepared": "prepare: [{type: resize, size: [20, 24]}, {type: random_crop, size: [16, 16]}]",
}


@pytest.mark.parametrize("kind", SOURCES)
def test_pictures_are_decoded_once(folder, decoded, kind) -> None:
    plain = epochs(folder, "", SOURCES[kind])
    decoded.clear()
    assert same(epochs(folder, ", cache: memory", SOURCES[kind]), plain)
    assert len(decoded) <= 5 + 5  # five pictures; checks before training look at some
    assert len(set(decoded)) == 5


def test_a_file_serves_the_next_run(folder, decoded) -> None:
    plain = epochs(folder, "", SOURCES["prepared"])
    cache = ", cache: {type: disk, path: kept}"
    assert same(epochs(folder, cache, SOURCES["prepared"]), plain)
    decoded.clear()
    assert same(epochs(folder, cache, SOURCES["prepared"]), plain)
    assert decoded == []
    Image.fromarray(np.zeros((40, 40, 3), dtype=np.uint8)).save(folder / "photos" / "a" / "0.png")
    assert not same(epochs(folder, cache, SOURCES["prepared"]), plain)
    augmented = epochs(folder, "", SOURCES["augmented"])
    assert same(epochs(folder, cache, SOURCES["augmented"]), augmented)
    decoded.clear()
    assert same(epochs(folder, cache, SOURCES["augmented"]), augmented)
    assert decoded == []
    with pytest.raises(DataError, match="(?s)DA188.*cache: memory"):
        epochs(folder, cache, SOURCES["many sizes"])


def test_what_finds_no_room_is_decoded_again(folder, decoded) -> None:
    plain = epochs(folder, "", SOURCES["augmented"])
    decoded.clear()
    assert same(epochs(folder, ", cache: {type: memory, limit: 3 kB}", SOURCES["augmented"]), plain)
    assert len(decoded) > 10
    assert Memory("3 kB").limit == 3000

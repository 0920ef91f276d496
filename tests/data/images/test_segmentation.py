"""Images with masks: every pixel its class, moved along with the picture."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lamina.data.groups import take_all
from lamina.data.lazy import Address
from lamina.data.sources import Segmentation
from lamina.errors import DataError, DescriptionError
from lamina.testing.data import check_source


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Four pictures in which the colour says the class."""
    monkeypatch.chdir(tmp_path)
    for name in ("photos/a", "masks/a", "colours/a"):
        (tmp_path / name).mkdir(parents=True)
    rng = np.random.default_rng(3)
    for number in range(4):
        classes = np.kron(rng.integers(0, 3, (4, 5)), np.ones((8, 8), int))
        Image.fromarray(np.array([[10, 10, 10], [250, 0, 0], [0, 250, 0]], np.uint8)[classes]).save(tmp_path / f"photos/a/{number}.png")
        Image.fromarray(classes.astype(np.uint8)).save(tmp_path / f"masks/a/{number}.png")
        Image.fromarray(np.array([[0, 0, 0], [128, 64, 0], [0, 0, 200]], np.uint8)[classes]).save(tmp_path / f"colours/a/{number}_mask.png")
    return tmp_path


def read(**settings):
    given = {"path": "photos", "masks": "masks", "classes": ["ground", "rust", "leaf"], "size": [32, 40], **settings}
    return Segmentation.from_dict({"type": "segmentation", **given}).read().train


def shown(pixels: np.ndarray) -> np.ndarray:
    """The class that the colours of a picture say; -1 where they are mixed or lie outside."""
    red, green = pixels[:, 0].astype(int), pixels[:, 1].astype(int)
    plain = (red < 20) & (green < 20) & (pixels[:, 2] == 10)
    return np.where(red > 240, 1, np.where(green > 240, 2, np.where(plain, 0, -1)))


def test_every_pixel_has_its_class(folder) -> None:
    dataset = read()
    assert np.array_equal(dataset.targets["output"][:], shown(dataset.inputs["input"][:]))
    assert dataset.schema.targets["output"].labels == ("ground", "rust", "leaf")
    codes = {"ground": [0, 0, 0], "rust": [128, 64, 0], "leaf": [0, 0, 200]}
    coloured = read(masks="colours", mask_name="{name}_mask", classes=codes)
    assert np.array_equal(coloured.targets["output"][:], dataset.targets["output"][:])
    rest = read(classes={"rust": 1}, other="rest")
    assert rest.schema.targets["output"].labels == ("rust", "rest")
    assert np.array_equal(rest.targets["output"][:], (dataset.targets["output"][:] != 1).astype(int))


def test_the_contract_of_sources(folder) -> None:
    check_source(Segmentation("photos", "masks", ["ground", "rust", "leaf"], size=(8, 9)))


def test_masks_are_moved_along(folder) -> None:
    augment = ["random_flip", {"type": "random_affine", "degrees": 20.0, "scale": [0.8, 1.25]}, "mosaic", "rand_augment"]
    dataset = read(augment=augment[:3], prepare=[{"type": "random_resized_crop", "size": (32, 40)}])
    for epoch in range(20):
        drawn = take_all({"x": dataset.inputs["input"], "y": dataset.targets["output"]}, np.arange(4), Address(seed=1, epoch=epoch))
        seen = shown(drawn["x"])
        known = seen >= 0
        assert (seen[known] == drawn["y"][known]).mean() > 0.97
        assert known.mean() > 0.3


def test_what_is_no_class_is_named(folder) -> None:
    with pytest.raises(DataError, match=r"masks/a/\d\.png, row \d+, column \d+") as caught:
        read(classes=["ground", "rust"]).targets["output"][:]
    assert caught.value.code == "DA139"
    with pytest.raises(DataError, match="drawn as colours") as caught:
        read(masks="colours", mask_name="{name}_mask").targets["output"][:]
    assert caught.value.code == "DA139"


def test_pairs(folder) -> None:
    with pytest.raises(DataError, match="a mask a/0_m below masks") as caught:
        read(mask_name="{name}_m")
    assert caught.value.code == "DA140"
    for file in (folder / "colours" / "a").iterdir():
        file.rename(folder / "photos" / "a" / file.name)
    together = read(masks="photos", mask_name="{name}_mask", classes={"ground": [0, 0, 0], "rust": [128, 64, 0], "leaf": [0, 0, 200]})
    assert len(together) == 4
    Image.new("L", (10, 10)).save(folder / "masks" / "a" / "0.png")
    with pytest.raises(DataError, match="32 by 40") as caught:
        read(path="photos/a/0.png", masks="masks/a/0.png").inputs["input"][:]
    assert caught.value.code == "DA139"


def test_wrong_settings() -> None:
    for settings in ({"mask_name": "x"}, {"classes": {"a": 1, "b": 1}}, {"classes": {"a": 1, "b": [1, 2, 3]}}, {"classes": []}):
        with pytest.raises(DescriptionError):
            read(**settings)


def test_masks_are_kept_in_a_cache_too(folder, monkeypatch) -> None:
    from lamina.data.config import DataConfig, prepare
    from lamina.data.loader import Loader

    monkeypatch.setenv("LAMINA_CACHE", str(folder / "cache"))
    source = {"type": "segmentation", "path": "photos", "masks": "masks", "classes": ["ground", "rust", "leaf"], "augment": ["random_flip"]}
    found = []
    for cache in (None, "memory", "disk", "disk"):
        config = DataConfig.from_dict({"source": source, "cache": cache} if cache else {"source": source})
        loader = Loader(prepare(config, 1).train, 2, shuffle=False, seed=2)
        found.append(
            [array for epoch in range(2) for batch in loader.epoch(epoch) for array in (batch.inputs["input"], batch.targets["output"])]
        )
    assert all(np.array_equal(one, other) for again in found[1:] for one, other in zip(found[0], again, strict=True))

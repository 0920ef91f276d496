"""Colours and tones of images against Pillow, the standard library and NumPy."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from PIL import ImageEnhance, ImageOps
from scipy import ndimage
from torch import Tensor

from lamina.engine import colours, tones
from lamina.engine.build import build
from lamina.errors import DescriptionError, ShapeError
from lamina.network import layers as L
from lamina.shapes import Image
from lamina.testing.layers import plan_of

F64 = torch.float64
BYTES = (0.0, 255.0)


def run(layer: L.Layer, x: Tensor, *, seed: int | None = None) -> Tensor:
    """At prediction, or in training with a seed."""
    shape = Image(channels=x.shape[1], height=x.shape[2], width=x.shape[3])
    network = build(plan_of(layer, (shape,)), 3, dtype=x.dtype).train(seed is not None)
    if seed is not None:
        torch.manual_seed(seed)
    y: Tensor = network(x)["tested"]
    return y


def pictures(count: int = 3, channels: int = 3, height: int = 8, width: int = 7) -> Tensor:
    """Whole numbers from 0 to 255, as a file has them; some colours stand often."""
    generator = torch.Generator().manual_seed(4)
    wide = torch.randint(0, 256, (count, channels, height, width), generator=generator)
    narrow = torch.randint(60, 80, (count, channels, height, width), generator=generator)
    return torch.where(torch.rand(wide.shape, generator=generator) < 0.5, wide, narrow).double()


def pillow(x: Tensor, change: Callable[[Any], Any]) -> np.ndarray:
    """What Pillow makes of each image, ``[batch, channels, height, width]``."""
    made = []
    for image in x.byte().numpy():
        one = len(image) == 1
        picture = Picture.fromarray(image[0] if one else image.transpose(1, 2, 0))
        found = np.asarray(change(picture), dtype=float)
        made.append(found[None] if found.ndim == 2 else found.transpose(2, 0, 1))
    return np.stack(made)


def test_hue_saturation_and_value_are_the_standard_librarys() -> None:
    x = torch.rand((2, 3, 6, 6), dtype=F64, generator=torch.Generator().manual_seed(0))
    x[0, :, 0] = 0.0
    x[0, :, 1] = 0.4
    x[0, 1, 2] = x[0, 0, 2]
    found = colours.to_hsv(x)
    for b, i, j in np.ndindex(2, 6, 6):
        assert found[b, :, i, j].tolist() == pytest.approx(colorsys.rgb_to_hsv(*x[b, :, i, j].tolist()))
    assert torch.allclose(colours.from_hsv(found), x)
    turned = found.clone()
    turned[:, 0] += 0.7
    for b, i, j in np.ndindex(2, 6, 6):
        h, s, v = turned[b, :, i, j].tolist()
        assert colours.from_hsv(turned)[b, :, i, j].tolist() == pytest.approx(colorsys.hsv_to_rgb(h % 1, s, v))


def test_grey_is_pillows() -> None:
    x = pictures()
    # Pillow rounds to whole levels.
    assert np.abs(run(L.Grayscale(), x).numpy() - pillow(x, lambda p: p.convert("L"))).max() <= 0.51
    three = run(L.Grayscale(3), x)
    assert torch.equal(three, run(L.Grayscale(), x).repeat(1, 3, 1, 1))


def test_standardised_by_fixed_numbers() -> None:
    x = pictures()
    found = run(L.ImageStandardize(preset="vgg16"), x).numpy()
    assert np.allclose(found, x.numpy() - np.array([123.68, 116.779, 103.939])[:, None, None])
    assert np.allclose(run(L.ImageStandardize([10.0], [2.0, 4.0, 8.0]), x).numpy(), (x.numpy() - 10) / np.array([2, 4, 8])[:, None, None])


@pytest.mark.parametrize("bits", [1, 3, 5, 8])
@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_posterisation_is_pillows(bits: int, dtype: torch.dtype) -> None:
    x = torch.arange(256.0, dtype=F64).reshape(1, 1, 16, 16)
    expected = pillow(x, lambda p: ImageOps.posterize(p, bits))
    assert np.array_equal(run(L.RandomPosterization(bits, value_range=BYTES), x.to(dtype), seed=0).numpy(), expected)
    # Levels that were divided by 255 are found again.
    found = run(L.RandomPosterization(bits), (x / 255).to(dtype), seed=0) * 255
    assert np.allclose(found.numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("threshold", [0, 51, 204])
def test_solarisation_is_pillows(threshold: int) -> None:
    x = pictures()
    share = threshold / 255
    found = run(L.Solarization(threshold=(share, share), value_range=BYTES), x, seed=0)
    assert np.allclose(found.numpy(), pillow(x, lambda p: ImageOps.solarize(p, threshold)))
    lighter = run(L.Solarization(addition=(0.2, 0.2), threshold=(0.5, 0.5), value_range=BYTES), x, seed=0).numpy()
    added = np.minimum(x.numpy() + 51, 255)
    assert np.allclose(lighter, np.where(added < 127.5, added, 255 - added))


def test_inversion_is_pillows() -> None:
    x = pictures()
    assert np.array_equal(run(L.RandomInvert(1.0, value_range=BYTES), x, seed=0).numpy(), pillow(x, ImageOps.invert))


def test_auto_contrast_is_pillows_but_for_rounding() -> None:
    x = pictures()
    found = run(L.AutoContrast(value_range=BYTES), x).numpy()
    assert np.abs(found - pillow(x, ImageOps.autocontrast)).max() < 1 + 1e-9  # It cuts off what is behind the point.
    low, high = x.amin((2, 3), keepdim=True).numpy(), x.amax((2, 3), keepdim=True).numpy()
    assert np.allclose(found, (x.numpy() - low) / (high - low) * 255)
    even = torch.full((1, 1, 3, 3), 7.0, dtype=F64)
    assert torch.equal(run(L.AutoContrast(value_range=BYTES), even), even)


@pytest.mark.parametrize("bins", [256, 32])
def test_equalisation_by_the_formula(bins: int) -> None:
    x = pictures()
    found = run(L.Equalization(bins=bins, value_range=BYTES), x).numpy()
    for b, c in np.ndindex(3, 3):
        level = np.floor(x[b, c].numpy() / 255 * (bins - 1) + 1e-3).astype(int)
        sums = np.cumsum(np.bincount(level.ravel(), minlength=bins))
        first = sums[level.min()]
        expected = np.round((sums[level] - first) / (level.size - first) * 255)
        assert np.allclose(found[b, c], expected)
    even = torch.full((1, 2, 3, 3), 7.0, dtype=F64)
    assert torch.equal(run(L.Equalization(value_range=BYTES), even), even)


def test_equalisation_is_near_pillows() -> None:
    x = pictures(channels=1, height=64, width=64)
    found = run(L.Equalization(value_range=BYTES), x).numpy()
    # Pillow divides the pixels into steps of whole numbers; levels that both find differ by that.
    assert np.abs(found - pillow(x, ImageOps.equalize)).mean() < 4


@pytest.mark.parametrize(("limit", "tiles", "size"), [(4.0, (2, 2), (8, 8)), (2.0, (3, 2), (10, 9)), (0.0, (1, 1), (6, 5))])
def test_local_equalisation_by_loops(limit: float, tiles: tuple[int, int], size: tuple[int, int]) -> None:
    x = pictures(1, 2, *size)
    found = run(L.Clahe(limit, tiles, value_range=BYTES), x).numpy()
    tall, wide = -(-size[0] // tiles[0]), -(-size[1] // tiles[1])
    for c in range(2):
        plain = x[0, c].numpy().astype(int)
        padded = np.pad(plain, ((0, tall * tiles[0] - size[0]), (0, wide * tiles[1] - size[1])), mode="symmetric")
        tables = np.zeros((*tiles, 256))
        for i, j in np.ndindex(*tiles):
            histogram = np.bincount(padded[i * tall : (i + 1) * tall, j * wide : (j + 1) * wide].ravel(), minlength=256).astype(float)
            if limit:
                most = limit * tall * wide / 256
                above = np.maximum(histogram - most, 0).sum()
                histogram = np.minimum(histogram, most) + above / 256
            sums = np.cumsum(histogram)
            tables[i, j] = np.clip((sums - sums[0]) / (tall * wide - sums[0]) * 255, 0, 255)
        for row, column in np.ndindex(*size):
            down, across = (row - tall / 2) / tall, (column - wide / 2) / wide
            value = 0.0
            for i, share_i in ((np.floor(down), 1 - down % 1), (np.floor(down) + 1, down % 1)):
                for j, share_j in ((np.floor(across), 1 - across % 1), (np.floor(across) + 1, across % 1)):
                    tile = int(np.clip(i, 0, tiles[0] - 1)), int(np.clip(j, 0, tiles[1] - 1))
                    value += share_i * share_j * tables[tile][plain[row, column]]
            assert found[0, c, row, column] == pytest.approx(value)


@pytest.mark.parametrize("factor", [0.0, 0.25, 0.5, 0.9])
def test_sharpness_is_pillows(factor: float) -> None:
    x = pictures(channels=1)
    found = run(L.RandomSharpness((factor, factor), value_range=BYTES), x, seed=0).numpy()
    # It rounds the smooth image, and cuts off what is behind the point in the end.
    assert np.abs(found - pillow(x, lambda p: ImageEnhance.Sharpness(p).enhance(2 * factor))).max() < 1.5


def test_brightness_contrast_and_paleness() -> None:
    x = pictures()
    plain = x.numpy()
    found = run(L.RandomBrightness((-0.2, -0.2), value_range=BYTES), x, seed=0).numpy()
    assert np.allclose(found, np.clip(plain - 51, 0, 255))
    found = run(L.RandomContrast((0.5, 0.0), value_range=BYTES), x, seed=7).numpy()
    mean = plain.mean((2, 3), keepdims=True)
    factors = ((found - mean) / (plain - mean)).reshape(3, -1)
    assert np.ptp(factors, axis=1).max() < 1e-9
    assert ((factors > 0.5) & (factors < 1)).all()
    grey = (plain * np.array([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdims=True)
    found = run(L.RandomColorDegeneration((0.3, 0.3), value_range=BYTES), x, seed=0).numpy()
    assert np.allclose(found, 0.7 * plain + 0.3 * grey)


def test_saturation_and_hue_by_the_standard_library() -> None:
    x = pictures(1)
    found = run(L.RandomSaturation((0.6, 0.6), value_range=BYTES), x, seed=0)[0]
    turned = run(L.RandomHue((0.4, 0.4), value_range=BYTES), x.repeat(12, 1, 1, 1), seed=0)
    signs = set()
    for i, j in np.ndindex(8, 7):
        h, s, v = colorsys.rgb_to_hsv(*(x[0, :, i, j] / 255).tolist())
        assert found[:, i, j].tolist() == pytest.approx([255 * c for c in colorsys.hsv_to_rgb(h, min(1.5 * s, 1), v)])
        either = [[255 * c for c in colorsys.hsv_to_rgb((h + sign * 0.2) % 1, s, v)] for sign in (1, -1)]
        for number, image in enumerate(turned):
            sign = 0 if np.allclose(image[:, i, j].numpy(), either[0]) else 1
            assert np.allclose(image[:, i, j].numpy(), either[sign])
            if s > 0.1:
                signs.add((number, sign))
    assert len(signs) == 12
    assert {sign for _, sign in signs} == {0, 1}


def test_jitter_is_one_after_the_other() -> None:
    x = pictures() / 255
    found = run(L.RandomColorJitter(brightness=(0.1, 0.1), saturation=(0.0, 0.0)), x, seed=0).numpy()
    lighter = np.clip(x.numpy() + 0.1, 0, 1)
    assert np.allclose(found, lighter.max(1, keepdims=True))
    assert torch.equal(run(L.RandomColorJitter(hue=0.2), x), x)


def test_blur_is_scipys() -> None:
    x = pictures(2, 2)
    found = run(L.RandomBlur((5, 3), deviation=(1.2, 1.2), value_range=BYTES), x, seed=0).numpy()

    def kernel(reach: int) -> np.ndarray:
        weights: np.ndarray = np.exp(-0.5 * (np.arange(-reach, reach + 1) / 1.2) ** 2)
        return weights / weights.sum()

    expected = ndimage.correlate1d(ndimage.correlate1d(x.numpy(), kernel(2), 2, mode="reflect"), kernel(1), 3, mode="reflect")
    assert np.allclose(found, expected)


def test_erased_rectangles() -> None:
    x = torch.full((200, 2, 20, 30), 0.5, dtype=F64)
    found = run(L.RandomErasing(0.5, scale=(0.2, 0.4), fill_value=9.0), x, seed=3)
    erased = (found == 9.0).numpy()
    assert ((found == 0.5) | (found == 9.0)).all()
    hit = erased.any((1, 2, 3))
    assert 70 < hit.sum() < 130
    for image in erased[hit]:
        assert (image[0] == image[1]).all()
        rows, columns = image[0].any(1), image[0].any(0)
        assert image[0].sum() == rows.sum() * columns.sum()
        assert 0.2**0.5 * 20 - 1 <= rows.sum() <= 0.4**0.5 * 20 + 1
        assert 0.2**0.5 * 30 - 1 <= columns.sum() <= 0.4**0.5 * 30 + 1
    noise = run(L.RandomErasing(value_range=(2.0, 3.0)), x, seed=3)
    changed = noise[noise != 0.5]
    assert 2 <= float(changed.min()) < 2.1 < 2.9 < float(changed.max()) < 3


RANDOM: list[L.Layer] = [
    L.RandomBrightness(0.3),
    L.RandomContrast(0.5),
    L.RandomSaturation(0.9),
    L.RandomHue(0.9),
    L.RandomColorDegeneration(0.9),
    L.RandomColorJitter(brightness=0.2, contrast=0.2),
    L.RandomSharpness(1.0),
    L.RandomBlur(deviation=(0.3, 2.0)),
    L.RandomErasing(),
    L.Solarization(threshold=0.9),
    L.RandomPosterization((1, 8)),
]


@pytest.mark.parametrize("layer", RANDOM, ids=lambda layer: layer.type_name)
def test_each_image_has_draws_of_its_own_and_prediction_has_none(layer: L.Layer) -> None:
    x = (pictures(1) / 255).repeat(6, 1, 1, 1)
    found = run(layer, x, seed=2)
    assert torch.equal(found, run(layer, x, seed=2))
    assert len({tuple(image.flatten().tolist()) for image in found}) >= (4 if isinstance(layer, L.RandomPosterization) else 6)
    assert torch.equal(run(layer, x), x)
    assert 0 <= float(found.min()) <= float(found.max()) <= 1


@pytest.mark.parametrize("layer", [L.RandomGrayscale(0.3), L.RandomInvert(0.3), L.RandomErasing(0.3)], ids=lambda layer: layer.type_name)
def test_some_images_are_changed_as_often_as_said(layer: L.Layer) -> None:
    x = (pictures(1) / 255).repeat(500, 1, 1, 1)
    changed = (run(layer, x, seed=1) != x).any(3).any(2).any(1)
    assert 110 < int(changed.sum()) < 190


def test_levels_survive_division() -> None:
    for dtype in (torch.float32, F64):
        x = torch.arange(256, dtype=dtype) / 255
        assert tones.levels(x, (0.0, 1.0)).tolist() == list(range(256))


@pytest.mark.parametrize("make", [L.Grayscale, lambda: L.RandomHue(0.1), L.RandomGrayscale, lambda: L.RandomColorJitter(hue=0.1)])
def test_colours_need_three_channels(make: Callable[[], L.Layer]) -> None:
    with pytest.raises(ShapeError) as caught:
        make().infer((Image(channels=1, height=4, width=4),))
    assert caught.value.code == "NN085"
    assert "read the images in colour" in str(caught.value)


@pytest.mark.parametrize(
    ("make", "fix"),
    [
        (lambda: L.RandomPosterization(9), "bits: [3, 6]"),
        (lambda: L.RandomBlur(4), "[5, 5]"),
        (lambda: L.RandomErasing(scale=(0.5, 1.5)), "scale: [0.02, 0.33]"),
        (lambda: L.RandomColorJitter(), "brightness: 0.2"),
        (lambda: L.AutoContrast(value_range=(1, 1)), "value_range: [0, 1]"),
        (lambda: L.ImageStandardize([0.5], preset="vgg16"), "remove preset"),
        (lambda: L.ImageStandardize([0.5], [0.0]), "std: [1.0]"),
        (lambda: L.RandomHue(-0.1), "[LOW, HIGH]"),
        (lambda: L.RandomContrast(2.0), "[BELOW, ABOVE]"),
    ],
)
def test_settings_that_mean_nothing_are_refused(make: Callable[[], L.Layer], fix: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        make()
    assert fix in str(caught.value)
    assert L.ImageStandardize([0.5, 0.5]).type_name == "image_standardize"


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="3 numbers"):
        L.ImageStandardize([0.5, 0.5]).infer((Image(channels=3, height=4, width=4),))
    with pytest.raises(ShapeError, match=r"tiles: \[4, 4\]"):
        L.Clahe().infer((Image(channels=3, height=4, width=4),))


HALF: list[L.Layer] = [
    L.Resizing(5, 4, interpolation="lanczos3"),
    L.RandomBlur((5, 5), deviation=(1.0, 1.0)),
    L.RandomSharpness((1.0, 1.0)),
    L.Equalization(),
    L.Clahe(tiles=2),
]


@pytest.mark.parametrize("layer", HALF, ids=lambda layer: layer.type_name)
def test_half_precision_of_the_network_costs_images_nothing(layer: L.Layer) -> None:
    x = (pictures() / 255).float()
    with torch.autocast("cpu", torch.bfloat16):
        found = run(layer, x, seed=1)
    assert found.dtype == torch.float32
    assert torch.equal(found, run(layer, x, seed=1))
    with torch.autocast("cpu", torch.bfloat16):
        assert run(layer, x.bfloat16(), seed=1).dtype == torch.float32

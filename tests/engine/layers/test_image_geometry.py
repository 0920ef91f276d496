"""Images resized, cut, turned and bent, against torch, Pillow, SciPy and loops in NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.build import build
from lamina.engine.layers.image_geometry import homography, smoothed
from lamina.engine.network import NetworkModule
from lamina.engine.warping import folded, sampled
from lamina.errors import DescriptionError
from lamina.network import layers as L
from lamina.shapes import Image
from lamina.testing.layers import plan_of

F64 = torch.float64


def network(layer: L.Layer, x: Tensor, *, training: bool = False) -> NetworkModule:
    shape = Image(channels=x.shape[1], height=x.shape[2], width=x.shape[3])
    return build(plan_of(layer, (shape,)), 3, dtype=F64).train(training)


def run(layer: L.Layer, x: Tensor, *, seed: int | None = None) -> Tensor:
    """At prediction, or in training with a seed."""
    if seed is not None:
        torch.manual_seed(seed)
    y: Tensor = network(layer, x, training=seed is not None)(x)["tested"]
    return y


def images(count: int, channels: int, height: int, width: int) -> Tensor:
    return torch.rand((count, channels, height, width), generator=torch.Generator().manual_seed(1), dtype=F64)


# -- size -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_resizing_is_torchs(mode: Any, antialias: bool) -> None:
    x = images(2, 3, 9, 7)
    for size in ((4, 5), (12, 15), (9, 3)):
        found = run(L.Resizing(*size, interpolation=mode, antialias=antialias), x)
        assert torch.equal(found, F.interpolate(x, size, mode=mode, antialias=antialias))


def test_resizing_by_nearest_and_area() -> None:
    x = images(1, 2, 6, 8)
    assert torch.equal(run(L.Resizing(3, 4, interpolation="area"), x), F.avg_pool2d(x, 2))
    pixels = np.array([int((j + 0.5) * 8 / 5) for j in range(5)])
    assert torch.equal(run(L.Resizing(6, 5, interpolation="nearest"), x), x[:, :, :, pixels])


@pytest.mark.parametrize("size", [(5, 4), (20, 11)])
def test_lanczos_is_pillows(size: tuple[int, int]) -> None:
    x = images(1, 1, 12, 9)
    found = run(L.Resizing(*size, interpolation="lanczos3", antialias=True), x)
    picture = Picture.fromarray(x[0, 0].float().numpy()).resize(size[::-1], Picture.Resampling.LANCZOS)
    assert np.allclose(found[0, 0].numpy(), np.asarray(picture), atol=1e-5)


def test_lanczos_keeps_what_is_even_and_knows_five_lobes() -> None:
    x = torch.ones((1, 1, 8, 8), dtype=F64)
    for mode in ("lanczos3", "lanczos5"):
        assert torch.allclose(run(L.Resizing(5, 13, interpolation=mode), x), torch.ones(1, 1, 5, 13, dtype=F64))
    line = images(1, 1, 1, 9)
    found = run(L.Resizing(1, 14, interpolation="lanczos5"), line)[0, 0, 0].numpy()
    for place, value in enumerate(found):
        distances = np.arange(9) + 0.5 - (place + 0.5) * 9 / 14
        weights = np.where(np.abs(distances) < 5, np.sinc(distances) * np.sinc(distances / 5), 0)
        assert value == pytest.approx((weights * line[0, 0, 0].numpy()).sum() / weights.sum())


def test_proportions_are_kept_by_cutting_or_adding() -> None:
    x = images(1, 1, 6, 10)
    assert torch.equal(run(L.Resizing(3, 3, crop_to_aspect_ratio=True), x), F.interpolate(x[:, :, :, 2:8], (3, 3), mode="bilinear"))
    padded = F.pad(x, (0, 0, 2, 2), value=7.0)
    found = run(L.Resizing(5, 5, pad_to_aspect_ratio=True, fill_value=7.0), x)
    assert torch.allclose(found, F.interpolate(padded, (5, 5), mode="bilinear"))


def test_the_middle_is_cut_out_or_enlarged() -> None:
    x = images(2, 2, 7, 8)
    assert torch.equal(run(L.CenterCrop(4, 3), x), x[:, :, 1:5, 2:5])
    assert torch.equal(run(L.CenterCrop(14, 14), x), F.interpolate(x[:, :, :, :7], (14, 14), mode="bilinear"))
    assert torch.equal(run(L.RandomCrop(4, 3), x), x[:, :, 1:5, 2:5])


def test_random_crops_come_from_everywhere_and_one_by_one() -> None:
    x = torch.arange(30.0, dtype=F64).reshape(1, 1, 5, 6).repeat(400, 2, 1, 1)
    found = run(L.RandomCrop(3, 4), x, seed=5)
    corners = found[:, 0, 0, 0].long()
    assert {*corners.tolist()} == {row * 6 + column for row in range(3) for column in range(3)}
    counts = torch.bincount(corners)[torch.unique(corners)]
    assert counts.min() > 20
    expected = corners[:, None, None] + torch.arange(3)[:, None] * 6 + torch.arange(4)
    assert torch.equal(found[:, 1].long(), expected)


# -- the sampler ------------------------------------------------------------------------------------------------------

MODES = {"constant": "grid-constant", "nearest": "nearest", "reflect": "reflect", "wrap": "grid-wrap"}


@pytest.mark.parametrize("fill", list(MODES))
@pytest.mark.parametrize("order", [0, 1])
def test_places_are_looked_up_as_by_scipy(fill: Any, order: int) -> None:
    x = images(2, 2, 5, 4)
    places = 30 * torch.rand((2, 2, 6, 7), dtype=F64, generator=torch.Generator().manual_seed(2)) - 12
    found = sampled(x, places[:, 0], places[:, 1], "bilinear" if order else "nearest", fill, 0.3)
    for i in range(2):
        for c in range(2):
            coordinates = [places[i, 1].numpy(), places[i, 0].numpy()]
            expected = ndimage.map_coordinates(x[i, c].numpy(), coordinates, order=order, mode=MODES[fill], cval=0.3)
            assert np.allclose(found[i, c].numpy(), expected, atol=1e-12)


def test_the_sampler_is_torchs_grid_sample_too() -> None:
    x = images(2, 3, 6, 5)
    theta = torch.tensor([[[0.8, 0.3, 0.1], [-0.2, 1.1, -0.3]]], dtype=F64).repeat(2, 1, 1)
    grid = F.affine_grid(theta, [2, 3, 6, 5], align_corners=True)
    for fill, mode in (("constant", "zeros"), ("nearest", "border")):
        found = sampled(x, (grid[..., 0] + 1) * 2, (grid[..., 1] + 1) * 2.5, "bilinear", fill, 0.0)  # type: ignore[arg-type]
        assert torch.allclose(found, F.grid_sample(x, grid, padding_mode=mode, align_corners=True))


def test_lines_without_ends() -> None:
    places = torch.arange(-7.0, 9.0)
    assert folded(places, 3, "wrap").tolist() == [p % 3 for p in range(-7, 9)]
    assert folded(places, 3, "nearest").tolist() == [min(max(p, 0), 2) for p in range(-7, 9)]
    mirror = np.pad(np.arange(3), 9, mode="symmetric")[2:18]
    assert folded(places, 3, "reflect").tolist() == mirror.tolist()


# -- geometry ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("turns", "how"), [(0.25, Picture.Transpose.ROTATE_90), (0.5, Picture.Transpose.ROTATE_180)])
def test_quarter_turns_are_pillows(turns: float, how: Any) -> None:
    x = images(2, 1, 6, 6)
    found = run(L.RandomRotation((turns, turns), fill="constant"), x, seed=0)
    for i in range(2):
        picture = Picture.fromarray(x[i, 0].float().numpy()).transpose(how)
        assert np.allclose(found[i, 0].numpy(), np.asarray(picture), atol=1e-6)


def test_mirrors_are_pillows() -> None:
    x = images(64, 1, 4, 5)
    for mode, how in (("horizontal", Picture.Transpose.FLIP_LEFT_RIGHT), ("vertical", Picture.Transpose.FLIP_TOP_BOTTOM)):
        found = run(L.RandomFlip(mode), x, seed=4)
        turned = 0
        for before, after in zip(x, found, strict=True):
            mirrored = np.asarray(Picture.fromarray(before[0].float().numpy()).transpose(how))
            same = torch.equal(before, after)
            assert same or np.array_equal(after[0].float().numpy(), mirrored)
            turned += not same
        assert 18 < turned < 46
    both = run(L.RandomFlip("both"), x, seed=4)
    kinds = {tuple(torch.equal(y, x[i].flip(axes)) for axes in ([], [1], [2], [1, 2])) for i, y in enumerate(both)}
    assert len(kinds) == 4


def test_translations_move_down_and_right() -> None:
    x = images(2, 2, 5, 4)
    found = run(L.RandomTranslation((0.4, 0.4), (-0.25, -0.25), fill="constant", fill_value=9.0), x, seed=0)
    expected = torch.full_like(x, 9.0)
    expected[:, :, 2:, :3] = x[:, :, :3, 1:]
    assert torch.allclose(found, expected)
    assert torch.allclose(run(L.RandomTranslation((0.4, 0.4), (-0.25, -0.25), fill="wrap"), x, seed=0), x.roll((2, -1), (2, 3)))


def test_zoom_and_shear_ask_where_they_say() -> None:
    x = images(1, 1, 7, 5)
    rows, columns = np.mgrid[:7, :5].astype(float)
    found = run(L.RandomZoom((-0.5, -0.5), (0.3, 0.3)), x, seed=0)[0, 0].numpy()
    places = [(rows - 3) * 0.5 + 3, (columns - 2) * 1.3 + 2]
    assert np.allclose(found, ndimage.map_coordinates(x[0, 0].numpy(), places, order=1, mode="reflect"))
    even = run(L.RandomZoom((-0.5, -0.5)), x, seed=0)[0, 0].numpy()
    places = [(rows - 3) * 0.5 + 3, (columns - 2) * 0.5 + 2]
    assert np.allclose(even, ndimage.map_coordinates(x[0, 0].numpy(), places, order=1, mode="reflect"))
    found = run(L.RandomShear((0.2, 0.2), (0.4, 0.4), fill="nearest"), x.repeat(20, 1, 1, 1), seed=0)[:, 0].numpy()
    slanted = [
        ndimage.map_coordinates(x[0, 0].numpy(), [rows + s * 0.4 * columns, columns + s * 0.2 * rows], order=1, mode="nearest")
        for s in (-1, 1)
    ]
    signs = {next(i for i, wanted in enumerate(slanted) if np.allclose(y, wanted)) for y in found}
    assert signs == {0, 1}


def test_rotations_against_grid_sample() -> None:
    x = images(1, 2, 6, 8)
    angle = 0.07 * 2 * math.pi
    # In torch's coordinates, from -1 to 1 on either axis, the sides have the same length.
    ratio = 7 / 5
    theta = torch.tensor([[[math.cos(angle), -math.sin(angle) / ratio, 0], [math.sin(angle) * ratio, math.cos(angle), 0]]], dtype=F64)
    expected = F.grid_sample(x, F.affine_grid(theta, [1, 2, 6, 8], align_corners=True), align_corners=True)
    assert torch.allclose(run(L.RandomRotation((0.07, 0.07), fill="constant"), x, seed=0), expected)


def test_four_points_go_to_four_points() -> None:
    generator = torch.Generator().manual_seed(0)
    start, end = (torch.rand((5, 4, 2), generator=generator, dtype=F64) for _ in range(2))
    matrix = homography(start, end).numpy()
    for i in range(5):
        for point, wanted in zip(start[i].numpy(), end[i].numpy(), strict=True):
            found = matrix[i] @ [*point, 1.0]
            assert np.allclose(found[:2] / found[2], wanted)


def test_perspective_shows_the_old_corners_at_the_moved_ones() -> None:
    # Each pixel of this image is its own place, so that what comes out says where it came from.
    rows, columns = torch.meshgrid(torch.arange(9.0, dtype=F64), torch.arange(7.0, dtype=F64), indexing="ij")
    x = torch.stack([columns, rows])[None].repeat(6, 1, 1, 1)
    found = run(L.RandomPerspective(0.4, fill="nearest"), x, seed=3).numpy()
    torch.manual_seed(3)
    share = (torch.rand((6, 4, 2), dtype=F64) * 0.4 - 0.2).numpy()
    corners = np.array([[0, 0], [6, 0], [0, 8], [6, 8]], dtype=float)
    for image, moved in zip(found, corners + share * [6, 8], strict=True):
        # The least squares answer of the eight equations, found anew.
        equations, answers = [], []
        for (px, py), (qx, qy) in zip(moved, corners, strict=True):
            equations += [[px, py, 1, 0, 0, 0, -px * qx, -py * qx], [0, 0, 0, px, py, 1, -px * qy, -py * qy]]
            answers += [qx, qy]
        a, b, c, d, e, f, g, h = np.linalg.lstsq(np.array(equations), np.array(answers), rcond=None)[0]
        for row, column in ((4, 3), (2, 5), (7, 1)):
            k = g * column + h * row + 1
            wanted = np.clip([(a * column + b * row + c) / k, (d * column + e * row + f) / k], 0, [6, 8])
            assert np.allclose(image[:, row, column], wanted)
    assert torch.equal(run(L.RandomPerspective(0.4, 0.0), x, seed=3), x)


def test_elastic_noise_is_smoothed_by_a_gaussian_and_moves_as_far_as_said() -> None:
    noise = torch.randn((2, 2, 20, 24), dtype=F64)
    found = smoothed(noise, torch.tensor([[1.3], [0.0]], dtype=F64), 6)
    kernel = np.exp(-0.5 * (np.arange(-6, 7) / 1.3) ** 2)
    kernel /= kernel.sum()
    expected = ndimage.correlate1d(ndimage.correlate1d(noise[0, 0].numpy(), kernel, 0, mode="constant"), kernel, 1, mode="constant")
    assert np.allclose(found[0, 0].numpy(), expected)
    assert torch.allclose(found[1], noise[1])
    rows, columns = torch.meshgrid(torch.arange(40.0, dtype=F64), torch.arange(40.0, dtype=F64), indexing="ij")
    x = torch.stack([columns, rows])[None].repeat(8, 1, 1, 1)
    moved = (run(L.RandomElastic((1.0, 1.0), fill="nearest"), x, seed=1) - x)[:, :, 8:-8, 8:-8]
    assert 0.02 * 40 < float(moved.square().mean().sqrt()) < 0.04 * 40
    assert torch.equal(run(L.RandomElastic(1.0, 0.0), x, seed=1), x)


RANDOM: list[Callable[[], L.Layer]] = [
    lambda: L.RandomRotation(0.2),
    lambda: L.RandomTranslation(0.3, 0.3),
    lambda: L.RandomShear(0.3, 0.2),
    lambda: L.RandomZoom(0.3),
    lambda: L.RandomPerspective(),
    lambda: L.RandomElastic(),
]


@pytest.mark.parametrize("make", RANDOM)
def test_each_image_has_draws_of_its_own_and_prediction_has_none(make: Callable[[], L.Layer]) -> None:
    x = images(1, 2, 16, 15).repeat(6, 1, 1, 1)
    found = run(make(), x, seed=2)
    assert torch.equal(found, run(make(), x, seed=2))
    assert len({tuple(image.flatten().tolist()) for image in found}) == 6
    assert torch.equal(run(make(), x), x)


def test_draws_stay_within_their_bounds() -> None:
    x = torch.arange(101.0, dtype=F64).reshape(1, 1, 1, 101).repeat(500, 1, 1, 1)
    # What stood at 50 now stands where the image shows 50.
    shift = 50 - run(L.RandomTranslation(0.0, (-0.1, 0.3), fill="nearest"), x, seed=1)[:, 0, 0, 50]
    assert -10.1 <= float(shift.min()) < -8
    assert 28 < float(shift.max()) <= 30.3
    assert abs(float(shift.mean()) - 10.1) < 2


@pytest.mark.parametrize(
    ("make", "fix"),
    [
        (lambda: L.RandomRotation(1.5), "[LOW, HIGH]"),
        (lambda: L.RandomZoom((0.3, -0.3)), "[LOW, HIGH]"),
        (lambda: L.RandomPerspective(0.7), "0.5"),
        (lambda: L.Resizing(4, 4, interpolation="nearest", antialias=True), "remove antialias"),
        (lambda: L.Resizing(4, 4, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "remove one of the two"),
    ],
)
def test_settings_that_mean_nothing_are_refused(make: Callable[[], L.Layer], fix: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        make()
    assert fix in str(caught.value)

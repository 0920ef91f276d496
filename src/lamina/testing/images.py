"""Contract suites of steps that change images, and of preparations that a model keeps: what every one of them must do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lamina.data.images.draws import Draws
from lamina.data.images.picture import Picture
from lamina.data.images.step import ImageStep
from lamina.data.images.things import Things
from lamina.data.preparation import Preparation
from lamina.errors import DataError
from lamina.testing.promises import check_round_trips, promise

SIZE = (60, 80)
SEEDS = (3, 4, 5, 6, 7, 8)


def check_image_step(step: ImageStep) -> None:
    """Run the whole contract on a step: sizes, types, what is drawn, what lies over the picture.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    check_round_trips(step)
    done = 0
    for channels, dtype in ((3, np.uint8), (1, np.uint8), (4, np.uint8), (3, np.uint16)):
        try:
            size, deep = step.size_after(SIZE), step.channels_after(channels)
        except DataError as error:
            promise(error.code == "DA138", "what can't be changed is refused with DA138")
            continue
        done += 1
        picture = sample_picture(channels, dtype)
        # Points of several pictures are no points of one.
        picture = replace(picture, points=None) if step.joins else picture
        for seed in (None, *SEEDS):
            _check_one(step, picture, seed, (size, deep))
        quiet = step.apply(picture, None)
        promise(
            step.varies or _same(step.apply(picture, _draws(picture, 3)), quiet), "what does not vary does the same with and without draws"
        )
    promise(done, "it can change pictures of some kind")
    _check_sizes(step)


def _check_one(step: ImageStep, picture: Picture, seed: int | None, after: tuple[tuple[int | None, int | None], int]) -> None:
    before = Picture(picture.pixels.copy(), _copied(picture.mask), picture.things, _copied(picture.points))
    found = step.apply(picture, _draws(picture, seed))
    promise(_same(picture, before), "the given picture stays as it was")
    promise(_same(found, step.apply(picture, _draws(picture, seed))), "the same draws give the same picture")
    (height, width), channels = after
    promise(height in (None, found.size[0]) and width in (None, found.size[1]), f"size_after says the size: {after[0]}, not {found.size}")
    promise(found.channels == channels, f"channels_after says the channels: {channels}, not {found.channels}")
    promise(found.pixels.dtype == picture.pixels.dtype, "pixels keep their type")
    promise(found.mask is not None and found.mask.shape == found.size, "the mask has the size of the picture")
    promise(found.things is not None and (found.points is None) == (picture.points is None), "boxes and points come along")
    if found.mask is not None and picture.mask is not None:
        known = {*np.unique(picture.mask).tolist(), getattr(step, "mask_fill", 0), 0}
        promise({*np.unique(found.mask).tolist()} <= known, "a mask holds no class that was not there")
    if found.things is not None and len(found.things):
        low, high = found.things.boxes[:, :2], found.things.boxes[:, 2:]
        promise(bool((low >= 0).all() and (high <= [found.size[1], found.size[0]]).all()), "boxes lie within the picture")


def _check_sizes(step: ImageStep) -> None:
    """A decoder that makes a picture smaller may leave at least what the step needs."""
    wanted = step.least((600, 800), None)
    promise(wanted is None or (wanted[0] > 0 and wanted[1] > 0), "least is above 0")


def check_preparation(preparation: Preparation) -> None:
    """Run the contract on a preparation, for what every one must do: read back, and leave prepared arrays alone.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    check_round_trips(preparation)


def sample_picture(channels: int = 3, dtype: type = np.uint8) -> Picture:
    """A picture with a mask of three classes, two boxes and three points, always the same."""
    rng = np.random.default_rng(5)
    height, width = SIZE
    waves = np.sin(np.arange(height)[:, None, None] / 7 + np.arange(width)[None, :, None] / 11 + np.arange(channels)) * 0.4 + 0.5
    top = np.iinfo(dtype).max
    pixels: np.ndarray = np.clip(waves * top + rng.normal(size=(height, width, channels)) * 0.05 * top, 0, top).astype(dtype)
    mask = np.zeros(SIZE, dtype=np.int64)
    mask[10:30, 20:50], mask[25:45, 40:70] = 1, 2
    points = np.array([[20.0, 10.0], [40.0, 30.0], [70.0, 45.0]])
    return Picture(pixels, mask, Things.of([[20, 10, 50, 30], [40, 25, 70, 45]], [1, 2]), points)


def _draws(picture: Picture, seed: int | None) -> Draws | None:
    if seed is None:
        return None
    draws = Draws(seed)
    draws.others, draws.count = (lambda index, own: Picture(picture.pixels[:, ::-1], picture.mask, picture.things)), 3
    return draws


def _copied(array: np.ndarray | None) -> np.ndarray | None:
    return None if array is None else array.copy()


def _same(one: Picture, other: Picture) -> bool:
    def equal(a: np.ndarray | None, b: np.ndarray | None) -> bool:
        return (a is None) == (b is None) and (a is None or b is None or np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))

    boxes = [None if picture.things is None else picture.things.boxes for picture in (one, other)]
    return equal(one.pixels, other.pixels) and equal(one.mask, other.mask) and equal(*boxes) and equal(one.points, other.points)

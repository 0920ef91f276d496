"""Values of pixels changed: brighter, paler, spread; whole numbers in, whole numbers out, in the type they had."""

from __future__ import annotations

from typing import Any

import numpy as np

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in how bright a pixel seems (ITU-R BT.601), as Pillow takes them."""


def by_table(pixels: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Each value replaced by what a table says of it; ``[values]``, or one for each channel ``[values, channels]``."""
    whole = whole_numbers(table, pixels.dtype)
    if whole.ndim == 1:
        found: np.ndarray = np.take(whole, pixels)
        return found
    return np.stack([np.take(whole[:, channel], pixels[..., channel]) for channel in range(pixels.shape[2])], axis=-1)


def whole_numbers(values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Rounded, and kept within what a pixel can be."""
    whole: np.ndarray = np.clip(np.rint(values), 0, np.iinfo(dtype).max).astype(dtype)
    return whole


def grey(pixels: np.ndarray) -> np.ndarray:
    """How bright each pixel seems, ``[height, width]``, float32; opacity does not count."""
    if pixels.shape[2] == 1:
        return pixels[..., 0].astype(np.float32)
    found: np.ndarray = pixels[..., :3].astype(np.float32) @ np.asarray(LUMA, dtype=np.float32)
    return found


def _levels(pixels: np.ndarray) -> np.ndarray:
    return np.arange(np.iinfo(pixels.dtype).max + 1, dtype=np.float64)


def opaque(change: Any) -> Any:
    """Let a function see colours alone; opacity, the fourth channel, stays as it is."""

    def changed(pixels: np.ndarray, *values: Any, **settings: Any) -> np.ndarray:
        if pixels.shape[2] != 4:
            found: np.ndarray = change(pixels, *values, **settings)
            return found
        return np.concatenate([change(pixels[..., :3], *values, **settings), pixels[..., 3:]], axis=2)

    changed.__doc__ = change.__doc__
    return changed


@opaque
def brightened(pixels: np.ndarray, factor: float) -> np.ndarray:
    """All values times a factor."""
    return by_table(pixels, _levels(pixels) * factor)


@opaque
def contrasted(pixels: np.ndarray, factor: float) -> np.ndarray:
    """A blend with the mean brightness: 0 is one grey, 1 as it was."""
    mean = float(np.rint(grey(pixels).mean(dtype=np.float64)))
    return by_table(pixels, mean + (_levels(pixels) - mean) * factor)


@opaque
def saturated(pixels: np.ndarray, factor: float) -> np.ndarray:
    """A blend with the grey picture: 0 is grey, 1 as it was."""
    pale = grey(pixels)[..., None]
    return whole_numbers(pale + (pixels - pale) * np.float32(factor), pixels.dtype)


@opaque
def gamma_corrected(pixels: np.ndarray, gamma: float) -> np.ndarray:
    """``x ** gamma`` of values from 0 to 1."""
    top = np.iinfo(pixels.dtype).max
    return by_table(pixels, (_levels(pixels) / top) ** gamma * top)


@opaque
def inverted(pixels: np.ndarray) -> np.ndarray:
    """The negative."""
    found: np.ndarray = np.iinfo(pixels.dtype).max - pixels
    return found


@opaque
def posterized(pixels: np.ndarray, bits: int) -> np.ndarray:
    """The first bits of each value alone."""
    width = 8 * pixels.dtype.itemsize
    found: np.ndarray = pixels & pixels.dtype.type(((1 << bits) - 1) << (width - bits))
    return found


@opaque
def solarized(pixels: np.ndarray, threshold: float) -> np.ndarray:
    """The negative of what is at or above a threshold, given from 0 to 255."""
    top = np.iinfo(pixels.dtype).max
    return np.where(pixels >= threshold / 255 * top, top - pixels, pixels).astype(pixels.dtype)


@opaque
def stretched(pixels: np.ndarray, cutoff: float = 0.0) -> np.ndarray:
    """Each channel stretched until its darkest value is 0 and its lightest the highest there is.

    Args:
        pixels: The picture.
        cutoff: Share of the darkest and of the lightest pixels that don't count.
    """
    levels, top = _levels(pixels), np.iinfo(pixels.dtype).max
    tables = []
    for channel in range(pixels.shape[2]):
        counts = np.cumsum(np.bincount(pixels[..., channel].ravel(), minlength=len(levels)))
        left_out = cutoff * counts[-1]
        low, high = int(np.searchsorted(counts, left_out, side="right")), int(np.searchsorted(counts, counts[-1] - left_out))
        tables.append((levels - low) * (top / (high - low)) if high > low else levels)
    return by_table(pixels, np.stack(tables, axis=1))


@opaque
def equalized(pixels: np.ndarray, *, brightness: bool = False) -> np.ndarray:
    """Levels spread so that all are about equally frequent: each becomes the share of pixels at or below it.

    Args:
        pixels: The picture.
        brightness: Spread how bright pixels seem, and keep their colours; otherwise each channel is spread for itself.
    """
    top = np.iinfo(pixels.dtype).max
    if brightness and pixels.shape[2] == 3:
        light = whole_numbers(grey(pixels), pixels.dtype)[..., None]
        spread = equalized(light).astype(np.float32)
        # Colours keep their distance from grey.
        return whole_numbers(pixels.astype(np.float32) - light + spread, pixels.dtype)
    tables = []
    for channel in range(pixels.shape[2]):
        counts = np.cumsum(np.bincount(pixels[..., channel].ravel(), minlength=top + 1))
        first = counts[np.argmax(counts > 0)]
        rest = counts[-1] - first
        tables.append((counts - first) * (top / rest) if rest else np.arange(top + 1.0))
    return by_table(pixels, np.stack(tables, axis=1))


@opaque
def sharpened(pixels: np.ndarray, factor: float) -> np.ndarray:
    """A blend with the smoothed picture: 0 is smooth, 1 as it was, 2 sharper; the outermost pixels stay."""
    if min(pixels.shape[:2]) < 3:
        return pixels
    values = pixels.astype(np.float32)
    rows = values[:-2] + values[1:-1] + values[2:]
    smooth = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] + 4 * values[1:-1, 1:-1]) / 13
    # The smoothed picture has whole numbers too, as in Pillow.
    blend = np.rint(smooth)
    blend += (values[1:-1, 1:-1] - blend) * np.float32(factor)
    found = pixels.copy()
    found[1:-1, 1:-1] = whole_numbers(blend, pixels.dtype)
    return found


def blurred(pixels: np.ndarray, deviation: float) -> np.ndarray:
    """Under a Gaussian of this many pixels, out to three and a half of them; mirrored at the edges."""
    reach = int(np.ceil(3.5 * deviation))
    if not reach:
        return pixels
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    values = pixels.astype(np.float32)
    for axis in (0, 1):
        size = values.shape[axis]
        padded = np.pad(values, [(reach, reach) if own == axis else (0, 0) for own in range(3)], mode="symmetric")
        parts = (
            np.take(padded, range(place, place + size), axis) if axis else padded[place : place + size] for place in range(2 * reach + 1)
        )
        values = np.zeros_like(values)
        for weight, part in zip(weights, parts, strict=True):
            values += weight * part
    return whole_numbers(values, pixels.dtype)


@opaque
def locally_equalized(pixels: np.ndarray, limit: float, tiles: tuple[int, int]) -> np.ndarray:
    """See `lamina.engine.tones.locally_equalized`, whose arithmetic this is, on 256 levels."""
    from lamina.engine.tones import locally_equalized as spread

    return _through_torch(pixels, lambda x: spread(x, (0.0, 1.0), limit, tiles))


@opaque
def hue_turned(pixels: np.ndarray, share: float) -> np.ndarray:
    """Hues moved by a share of the full circle."""
    from lamina.engine.colours import from_hsv, to_hsv

    def turn(x: Any) -> Any:
        found = to_hsv(x)
        found[:, 0] += share
        return from_hsv(found)

    return _through_torch(pixels, turn)


def _through_torch(pixels: np.ndarray, change: Any) -> np.ndarray:
    """A change that the engine makes of values from 0 to 1."""
    import torch

    top = float(np.iinfo(pixels.dtype).max)
    values = torch.from_numpy(pixels.astype(np.float32) / np.float32(top)).permute(2, 0, 1)[None]
    found: np.ndarray = change(values)[0].permute(1, 2, 0).numpy()
    return whole_numbers(found * np.float32(top), pixels.dtype)

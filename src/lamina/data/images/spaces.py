"""Colours in other coordinates, each brought to the range that a pixel has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lamina.data.images.tones import LUMA, whole_numbers

if TYPE_CHECKING:
    from lamina.data.images.steps.colour import Space


def converted(pixels: np.ndarray, space: Space) -> np.ndarray:
    """Red, green and blue as something else, three channels again.

    ``hsv``: hue (a full circle is the whole range), saturation, value. ``ycbcr``: brightness and two differences, as in JPEG files.
    ``lab``: lightness, and two differences around the middle of the range, in CIE L*a*b* of sRGB under D65; a step of ``a`` or ``b`` is
    one level of 255.
    """
    if space == "bgr":
        return pixels[..., ::-1]
    top = np.iinfo(pixels.dtype).max
    unit = pixels.astype(np.float64) / top
    made = {"hsv": _hsv, "ycbcr": _ycbcr, "lab": _lab}[space](unit)
    return whole_numbers(made * top, pixels.dtype)


def _hsv(unit: np.ndarray) -> np.ndarray:
    value, low = unit.max(axis=-1), unit.min(axis=-1)
    spread = value - low
    safe = np.where(spread > 0, spread, 1)
    red, green, blue = np.moveaxis(unit, -1, 0)
    sixths = np.select([value == red, value == green], [((green - blue) / safe) % 6, (blue - red) / safe + 2], (red - green) / safe + 4)
    return np.stack([np.where(spread > 0, sixths / 6, 0), np.where(value > 0, spread / np.where(value > 0, value, 1), 0), value], axis=-1)


def _ycbcr(unit: np.ndarray) -> np.ndarray:
    red, _, blue = LUMA
    light = unit @ np.asarray(LUMA)
    middle = 128 / 255
    return np.stack([light, middle + (unit[..., 2] - light) / (2 * (1 - blue)), middle + (unit[..., 0] - light) / (2 * (1 - red))], axis=-1)


_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
_WHITE = np.array([0.95047, 1.0, 1.08883])


def _lab(unit: np.ndarray) -> np.ndarray:
    linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
    ratios = linear @ _XYZ.T / _WHITE
    roots = np.where(ratios > (6 / 29) ** 3, np.cbrt(ratios), ratios / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(roots, -1, 0)
    return np.stack([(116 * y - 16) / 100, (500 * (x - y) + 128) / 255, (200 * (y - z) + 128) / 255], axis=-1)

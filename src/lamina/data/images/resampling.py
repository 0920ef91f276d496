"""Pixels at other places: sizes changed, pictures turned and bent. Integers in, integers out."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.data.images.step import Interpolation

Size = tuple[int, int]


def resized(pixels: np.ndarray, size: Size, interpolation: Interpolation = "bilinear") -> np.ndarray:
    """Pixels ``[height, width, channels]`` (or of a mask, ``[height, width]``) at another size.

    The arithmetic is Pillow's, in whole numbers: ``bilinear`` and ``bicubic`` of 8 bits run on torch's kernels, which differ from Pillow
    by at most one level of 255 (bicubic: two) and are several times faster.

    Example:
        >>> resized(np.array([[[0], [100]]], dtype=np.uint8), (1, 1)).tolist()
        [[[50]]]
    """
    if pixels.shape[:2] == size:
        return pixels
    from lamina.data.images.step import MOST_PIXELS, too_large

    if size[0] * size[1] > MOST_PIXELS:
        raise too_large(*size)
    if interpolation == "nearest":
        rows, columns = (_nearest(new, old) for new, old in zip(size, pixels.shape, strict=False))
        nearest: np.ndarray = pixels[rows[:, None], columns[None]]
        return nearest
    if interpolation in ("bilinear", "bicubic"):
        return _with_torch(pixels, size, interpolation)
    return _by_channels(pixels, lambda image, how: image.resize(size[::-1], how[interpolation]))


def _nearest(new: int, old: int) -> np.ndarray:
    return (2 * np.arange(new) + 1) * old // (2 * new)


def _with_torch(pixels: np.ndarray, size: Size, interpolation: str) -> np.ndarray:
    import torch
    from torch.nn.functional import interpolate

    # Views with negative strides, as of pictures in the mirror, make no tensor.
    if not pixels.flags.writeable or min(pixels.strides) < 0:
        pixels = pixels.copy()
    tensor = torch.from_numpy(pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32)).permute(2, 0, 1)[None]
    found = interpolate(tensor, size=size, mode=interpolation, antialias=True)
    if pixels.dtype != np.uint8:
        found = found.round_().clamp_(0, float(np.iinfo(pixels.dtype).max))
    result: np.ndarray = found[0].permute(1, 2, 0).numpy()
    return result if pixels.dtype == np.uint8 else result.astype(pixels.dtype)


def warped(pixels: np.ndarray, matrix: Any, size: Size, interpolation: Interpolation, fill: Any) -> np.ndarray:
    """Pixels seen through a 3 by 3 matrix.

    Args:
        pixels: ``[height, width, channels]``, or a mask ``[height, width]``.
        matrix: Where a point ``[x, y, 1]`` of the picture goes.
        size: Of the new picture.
        interpolation: ``nearest``, ``bilinear`` or ``bicubic``; nothing is merged.
        fill: What stands where the picture does not reach.
    """
    from PIL import Image

    back = np.linalg.inv(np.asarray(matrix, dtype=np.float64))
    back = back / back[2, 2]
    straight = bool(np.allclose(back[2], (0, 0, 1), rtol=0, atol=1e-12))
    kind = Image.Transform.AFFINE if straight else Image.Transform.PERSPECTIVE
    numbers = tuple(back.ravel()[: 6 if straight else 8].tolist())
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    fills = np.broadcast_to(np.asarray(fill, dtype=np.float64), (channels,)).tolist()

    def transform(image: Any, how: dict[str, Any], band: int | None = None) -> Any:
        colours = fills if band is None else [fills[band]]
        colour = tuple(round(value) for value in colours) if len(colours) > 1 else colours[0] if image.mode == "F" else round(colours[0])
        return image.transform(size[::-1], kind, numbers, resample=how[interpolation], fillcolor=colour)

    return _by_channels(pixels, transform)


def _by_channels(pixels: np.ndarray, change: Any) -> np.ndarray:
    """A change of Pillow's, of all channels at once where Pillow has such pictures."""
    from PIL import Image

    how = {
        "nearest": Image.Resampling.NEAREST,
        "bilinear": Image.Resampling.BILINEAR,
        "bicubic": Image.Resampling.BICUBIC,
        "lanczos": Image.Resampling.LANCZOS,
        "box": Image.Resampling.BOX,
    }
    if pixels.dtype == np.uint8 and (pixels.ndim == 2 or pixels.shape[2] in (1, 3)):
        flat = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
        found = np.array(change(Image.fromarray(np.ascontiguousarray(flat)), how))
        return found[..., None] if pixels.ndim == 3 and found.ndim == 2 else found
    bands = [pixels] if pixels.ndim == 2 else [pixels[..., band] for band in range(pixels.shape[2])]
    changed = [_band(bands[number], change, how, number) for number in range(len(bands))]
    return changed[0] if pixels.ndim == 2 else np.stack(changed, axis=-1)


def _band(band: np.ndarray, change: Any, how: dict[str, Any], number: int) -> np.ndarray:
    """One channel as numbers between which nothing is lost."""
    import inspect

    from PIL import Image

    own = {"band": number} if "band" in inspect.signature(change).parameters else {}
    found = np.asarray(change(Image.fromarray(np.ascontiguousarray(band, dtype=np.float32)), how, **own))
    limits = np.iinfo(band.dtype)
    whole: np.ndarray = np.clip(np.rint(found), limits.min, limits.max).astype(band.dtype)
    return whole

"""From the bytes of an image file to pixels: every kind of pixel named and handled, everything bounded, the file named in errors."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.images.decoding import Decoding
from lamina.errors import DataError, LaminaWarning

if TYPE_CHECKING:
    from types import ModuleType

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "PPM", "TGA", "JPEG2000", "AVIF", "ICO", "PCX", "SGI")
"""Formats that are read: those whose decoders run no other program (Pillow gives EPS to Ghostscript)."""
ENDINGS = (
    *(".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm", ".pnm"),
    *(".tga", ".jp2", ".avif", ".jfif"),
)
"""Endings of files that are taken for images."""
MOST_BYTES = 256 * 1024 * 1024
"""Of a file."""
GAP = 2.0
"""A photo is decoded smaller only where at least so many decoded pixels are left for each pixel that is wanted (Pillow's reducing gap)."""

Size = tuple[int, int]
Least = Callable[[Size], "tuple[float, float] | None"]


@dataclass(frozen=True)
class Decoded:
    """What was read.

    Attributes:
        pixels: ``[height, width, channels]``, uint8 or uint16.
        original: Height and width of the whole image; larger than the pixels where it was decoded smaller.
    """

    pixels: np.ndarray
    original: Size


def decode(data: bytes, name: str, channels: int, how: Decoding, least: Least | None = None) -> Decoded:
    """Pixels of an image file.

    Args:
        data: The bytes of the file.
        name: For messages.
        channels: 1 (grey), 3 (red, green, blue) or 4 (and opacity).
        how: See `Decoding`.
        least: From the size of the image to the least size that is needed; None for all pixels.

    Raises:
        DataError: DA130, if it can't be decoded; DA131, if it is too large.
    """
    check_bytes(len(data), name)
    fast = _fast_jpeg(data, name, channels, how, least)
    if fast is not None:
        return fast
    # Decoders raise all kinds of errors at damaged files: struct, zlib, index, value, memory errors.
    try:
        return _slow(data, name, channels, how, least)
    except DataError:
        raise
    except Exception as error:
        raise unreadable(name, error, data) from error


def from_memory(value: Any, name: str, channels: int, how: Decoding) -> Decoded:
    """Pixels of a picture that is decoded already: one of Pillow's, or an array ``[height, width]`` or ``[height, width, channels]``.

    Raises:
        DataError: DA130, for an array of other numbers than pixels; DA131, if it is too large.
    """
    from PIL import Image

    turn = 1
    if isinstance(value, np.ndarray):
        deep = value.dtype == np.uint16
        if value.dtype not in (np.uint8, np.uint16) or not (value.ndim == 2 or (value.ndim == 3 and value.shape[2] in (1, 3, 4))):
            raise unreadable(name, f"an array {list(value.shape)} of {value.dtype}; pixels are uint8 or uint16, [height, width, 1, 3 or 4]")
        _check_size((value.shape[0], value.shape[1]), name, how)
        flat = value[..., 0] if value.ndim == 3 and value.shape[2] == 1 else value
        if deep and flat.ndim == 3:
            raise unreadable(name, "16 bits in colour, which files are not read with either")
        value = Image.fromarray(np.ascontiguousarray(flat))
    elif not isinstance(value, Image.Image):
        raise unreadable(name, f"{type(value).__name__}; pixels are an array, a picture of Pillow, or the bytes or path of a file")
    else:
        _check_size((value.size[1], value.size[0]), name, how)
        turn = _orientation(value) if how.orient else 1
    try:
        pixels = _turn(_pixels(value, name, channels, how), turn)
    except DataError:
        raise
    except Exception as error:
        raise unreadable(name, error) from error
    return Decoded(pixels, (pixels.shape[0], pixels.shape[1]))


def read_size(data: bytes, name: str, how: Decoding) -> Size:
    """Height and width as they will be decoded, from the head of the file alone.

    Raises:
        DataError: DA130 or DA131.
    """
    try:
        with _open(data, name, how) as image:
            width, height = image.size
            turned = how.orient and _orientation(image) >= 5
    except DataError:
        raise
    except Exception as error:
        raise unreadable(name, error, data) from error
    return (width, height) if turned else (height, width)


def decode_mask(data: bytes, name: str, how: Decoding, *, coloured: bool = False) -> np.ndarray:
    """The classes in an image file: numbers of a palette or grey values ``[height, width]``, or colours ``[height, width, 3]``.

    Args:
        data: The bytes of the file.
        name: For messages.
        how: Whether to turn it as EXIF says, and how large it may be.
        coloured: Give colours, those of a palette too. Otherwise a file of colours is an error, unless it is grey in fact.

    Raises:
        DataError: DA130 or DA131; DA139, for colours where there should be numbers.
    """
    check_bytes(len(data), name)
    try:
        with _open(data, name, how) as image:
            image.load()
            turn = _orientation(image) if how.orient else 1
            if coloured:
                return _turn(np.array(image.convert("RGB")), turn)
            numbers = image.mode in ("P", "L", "1") or image.mode.startswith("I")
            values = np.array(image if numbers else image.convert("RGB"))
    except DataError:
        raise
    except Exception as error:
        raise unreadable(name, error, data) from error
    if values.ndim == 3:
        if (values != values[..., :1]).any():
            raise DataError(
                "DA139",
                where=name,
                expected="a mask of grey values or numbers of a palette",
                got="colours",
                cause="classes are given as numbers, but drawn as colours",
                fix="write colours in classes: {road: [128, 64, 128], ...}",
            )
        values = values[..., 0]
    whole = values.astype(np.uint8) if values.dtype == bool else values
    return _turn(whole[..., None], turn)[..., 0]


def check_bytes(size: int, name: str) -> None:
    """See that a file is no larger than any image should be.

    Raises:
        DataError: DA131.
    """
    if size > MOST_BYTES:
        raise DataError(
            "DA131",
            where=name,
            expected=f"an image file of at most {MOST_BYTES // 1024**2} MiB",
            got=f"{size // 1024**2} MiB",
            cause="it is no image, or one that was made to fill the memory",
            fix="remove it, or make it smaller",
        )


def unreadable(name: str, error: Exception | str, data: bytes = b"x") -> DataError:
    """An image that can't be decoded."""
    said = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    said = re.sub(r" <_io\.BytesIO object at \w+>", "", said).splitlines()[0][:200] if said else type(error).__name__
    return DataError(
        "DA130",
        where=name,
        expected=f"an image of one of the kinds {', '.join(sorted({*FORMATS} - {'DIB'}))}",
        got=said if data else "an empty file",
        cause="the file was cut off while it was copied, is damaged, or is no image",
        fix="copy it anew, remove it, or write unreadable: drop in the source, to leave out such files and be told of them",
    )


# -- JPEG, the short way ----------------------------------------------------------------------------------------------


@cache
def simplejpeg() -> ModuleType | None:
    """The decoder of the extra ``jpeg``, if it is installed: the same pixels as Pillow's, in less time."""
    try:
        import simplejpeg as module
    except ImportError:
        return None
    return module  # type: ignore[no-any-return]


def _fast_jpeg(data: bytes, name: str, channels: int, how: Decoding, least: Least | None) -> Decoded | None:
    """None, if it is no plain JPEG, or anything about it is odd: then Pillow has the last word."""
    module = simplejpeg()
    if module is None or how.depth != 8 or channels == 4 or data[:3] != b"\xff\xd8\xff":
        return None
    try:
        height, width, space, _ = module.decode_jpeg_header(data)
        if space not in ("YCbCr", "Gray"):
            return None
        turn = jpeg_orientation(data) if how.orient else 1
        original = (width, height) if turn >= 5 else (height, width)
        _check_size(original, name, how)
        factor = _reduction(original, how, least)
        smaller = {} if factor == 1 else {"min_height": -(-height // factor), "min_width": -(-width // factor), "min_factor": factor}
        pixels = module.decode_jpeg(data, "GRAY" if channels == 1 else "RGB", **smaller)
    except (ValueError, RuntimeError, MemoryError):
        return None
    return Decoded(_turn(pixels, turn), original)


def jpeg_orientation(data: bytes) -> int:
    """The orientation that EXIF gives (1 to 8), found without decoding; 1 where there is none."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == 0xE1 and data[place + 4 : place + 10] == b"Exif\0\0":
            from PIL import Image

            exif = Image.Exif()
            try:
                exif.load(data[place + 4 : place + 2 + length])
                return _valid(exif.get(0x0112, 1))
            except Exception:  # noqa: BLE001 - damaged EXIF says nothing, as it does to Pillow
                return 1
        # The picture itself begins; EXIF stands before it.
        if marker == 0xDA or length < 2:
            return 1
        place += 2 + length
    return 1


# -- everything else, with Pillow -------------------------------------------------------------------------------------


def _open(data: bytes, name: str, how: Decoding) -> Any:
    from PIL import Image

    image = Image.open(io.BytesIO(data), formats=FORMATS)
    _check_size((image.size[1], image.size[0]), name, how)
    return image


def _slow(data: bytes, name: str, channels: int, how: Decoding, least: Least | None) -> Decoded:
    with _open(data, name, how) as image:
        turn = _orientation(image) if how.orient else 1
        width, height = image.size
        original = (width, height) if turn >= 5 else (height, width)
        factor = _reduction(original, how, least)
        if image.format in ("JPEG", "MPO") and how.depth == 8 and image.mode in ("RGB", "L"):
            grey = channels == 1 or image.mode == "L"
            # Brightness is stored apart in a JPEG: asked for grey, the decoder gives it as it is.
            image.draft("L" if grey else "RGB", (max(1, width // factor), max(1, height // factor)))
        elif getattr(image, "is_animated", False) and image.format != "MPO":
            _say_first_frame(name)
        image.load()
        pixels = _pixels(image, name, channels, how)
    return Decoded(_turn(pixels, turn), original)


def _pixels(image: Any, name: str, channels: int, how: Decoding) -> np.ndarray:
    """Pixels of any mode as ``[height, width, channels]`` of the wanted depth."""
    mode = image.mode
    if mode.startswith("I"):
        return _deep(image, name, channels, how)
    if mode == "F":
        raise unreadable(name, "floating point pixels, whose range nobody knows")
    if mode in ("P", "PA", "LA", "La", "RGBa") or (mode in ("L", "RGB") and "transparency" in image.info):
        transparent = mode != "P" or "transparency" in image.info
        image = image.convert("RGBA" if transparent else "RGB")
    wanted = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    if image.mode == "RGBA" and channels != 4:
        from PIL import Image

        behind = Image.new("RGBA", image.size, (*_background(how), 255))
        image = Image.alpha_composite(behind, image)
    pixels = np.array(image if image.mode == wanted else image.convert(wanted))
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    return pixels if how.depth == 8 else pixels.astype(np.uint16) * np.uint16(257)


def _deep(image: Any, name: str, channels: int, how: Decoding) -> np.ndarray:
    """Grey values of 16 bits."""
    values = np.asarray(image)
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise unreadable(name, f"values from {values.min()} to {values.max()}, which are no grey values of 16 bits")
    # 65535 / 257 is 255: the ends of both ranges meet.
    grey = values.astype(np.uint16) if how.depth == 16 else ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if channels == 1:
        return grey[..., None]
    pixels = np.repeat(grey[..., None], channels, axis=2)
    if channels == 4:
        pixels[..., 3] = 255 if how.depth == 8 else 65535
    return pixels


def _background(how: Decoding) -> tuple[int, ...]:
    colour = how.background if isinstance(how.background, tuple) else (how.background,) * 3
    return tuple(round(value) for value in (colour * 3)[:3])


def _orientation(image: Any) -> int:
    try:
        return _valid(image.getexif().get(0x0112, 1))
    except Exception:  # noqa: BLE001 - damaged EXIF says nothing
        return 1


def _valid(value: Any) -> int:
    return int(value) if isinstance(value, int) and 1 <= value <= 8 else 1


def _turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels as they should be seen."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    down, across = {1: (1, 1), 2: (1, -1), 3: (-1, -1), 4: (-1, 1), 5: (1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}[orientation]
    return pixels if orientation == 1 else np.ascontiguousarray(pixels[::down, ::across])


def _check_size(size: Size, name: str, how: Decoding) -> None:
    height, width = size
    if height * width > how.most_pixels or not height * width:
        raise DataError(
            "DA131",
            where=name,
            expected=f"an image of 1 to {how.most_pixels:,} pixels",
            got=f"{width:,} by {height:,}",
            cause="it was made to fill the memory, or is a scan of unusual size",
            fix="cut it into pieces, or raise most_pixels in the source if it is to be trusted",
        )


def _reduction(size: Size, how: Decoding, least: Least | None) -> int:
    """1, 2, 4 or 8: by how much the decoder may make an image smaller."""
    wanted = least(size) if how.scaled and least is not None else None
    if wanted is None:
        return 1
    room = min(size[0] / wanted[0], size[1] / wanted[1]) / GAP
    return 8 if room >= 8 else 4 if room >= 4 else 2 if room >= 2 else 1


_SAID: set[str] = set()


def _say_first_frame(name: str) -> None:
    if "frames" in _SAID:
        return
    _SAID.add("frames")
    warnings.warn(
        f"[DA134] {name}: only the first frame of an animation or a file of several pages is used, here and in all others",
        LaminaWarning,
        stacklevel=2,
    )

"""Frames of films, one after the other, within bounds: Pillow for animated images, PyAV or OpenCV for videos."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from lamina.data.films.problems import no_decoder, undecodable

MOST_FRAMES = 100_000
"""An hour at 28 frames a second; more is a damaged header, or no clip."""
MOST_PIXELS = 64_000_000
"""Of one frame."""


def frames_of(data: bytes, where: str, wanted: Callable[[int], bool]) -> Iterator[tuple[int, Any]]:
    """Number and picture (an image of Pillow's) of those frames that are wanted.

    Args:
        data: All bytes of the file; their beginning says what it is.
        where: Name of the file, for messages.
        wanted: Says it for the number of a frame, from 0; others are passed over as cheaply as can be.

    Raises:
        DataError: DA156, naming the frame that can't be decoded, or what is too large.
        DependencyError: DA157, for a video without a decoder.
    """
    if _is_animated(data):
        return _pillow(data, where, wanted)
    av, cv2 = _module("av"), _module("cv2")
    if av is not None:
        return _av(av, data, where, wanted)
    if cv2 is not None:
        return _cv2(cv2, data, where, wanted)
    if not data or not _is_video(data):
        raise _no_film(data, where)
    raise no_decoder(where)


def count_frames(data: bytes, where: str) -> int:
    """How many frames there are; headers of videos often don't say, or say it wrongly, so they are gone through.

    Raises:
        DataError: As `frames_of`.
        DependencyError: As `frames_of`.
    """
    if _is_animated(data):
        with _opened(data, where) as film:
            try:
                count = getattr(film, "n_frames", 1)
            except Exception as error:
                raise _broken(where, 0, error) from error
            return _bounded(count, where)
    seen: list[int] = []

    def noted(number: int) -> bool:
        seen.append(number)
        return False

    for _ in frames_of(data, where, noted):
        pass
    return len(seen)


def _is_animated(data: bytes) -> bool:
    return data[:4] in (b"GIF8", b"\x89PNG", b"II*\0", b"MM\0*") or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def _is_video(data: bytes) -> bool:
    head = data[:12]
    known = (b"RIFF", b"\x1aE\xdf\xa3", b"OggS", b"FLV\x01", b"0&\xb2u", b"\0\0\x01\xba", b"\0\0\x01\xb3")
    return head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free") or head[:4] in known or head[:1] == b"G"


def _bounded(count: int, where: str) -> int:
    if count > MOST_FRAMES:
        raise undecodable(
            where,
            expected=f"at most {MOST_FRAMES:,} frames",
            got=f"{count:,} or more",
            cause="a damaged header, or a film of hours",
            fix="cut it into clips before",
        )
    return count


def _no_film(data: bytes, where: str) -> Exception:
    return undecodable(
        where,
        expected="a film: animated GIF, WebP or PNG, TIFF, or a video",
        got="an empty file" if not data else f"a file that begins with {data[:12].hex(' ')}",
        fix="leave it out",
    )


def _opened(data: bytes, where: str) -> Any:
    from PIL import Image

    try:
        film = Image.open(io.BytesIO(data), formats=("GIF", "WEBP", "PNG", "TIFF"))
    except Exception as error:  # Decoders of damaged files raise whatever comes of it: struct.error, IndexError, SyntaxError ...
        raise undecodable(where=where, expected="an animated image", got=f"{type(error).__name__}: {error}") from error
    if film.width * film.height > MOST_PIXELS:
        film.close()
        raise _too_large(where, film.width, film.height)
    if not _is_whole(data):
        film.close()
        raise _cut_off(where, "the end of the file before that of the film")
    return film


def _is_whole(data: bytes) -> bool:
    """Whether the mark that ends a file of this kind is there; Pillow takes a missing one for the end."""
    if data[:4] == b"GIF8":
        return data.rstrip(b"\0\r\n")[-1:] == b";"
    if data[:4] == b"\x89PNG":
        return b"IEND\xaeB`\x82" in data[-64:]
    return data[:4] != b"RIFF" or len(data) >= 8 + int.from_bytes(data[4:8], "little")


def _pillow(data: bytes, where: str, wanted: Callable[[int], bool]) -> Iterator[tuple[int, Any]]:
    with _opened(data, where) as film:
        number = 0
        while True:
            _bounded(number, where)
            try:
                film.seek(number)
            except EOFError:
                return
            except Exception as error:
                raise _broken(where, number, error) from error
            try:
                picture = _plain(film) if wanted(number) else None
            except Exception as error:
                raise _broken(where, number, error) from error
            if picture is not None:
                yield number, picture
            number += 1


def _plain(film: Any) -> Any:
    """A picture in colours or grey, 8 bits a channel, of its own."""
    from PIL import Image

    film.load()
    if film.mode.startswith("I;16") or film.mode == "I":
        # 16 bits: the upper 8 of them.
        return Image.fromarray((np.asarray(film).astype(np.uint32) >> 8).clip(max=255).astype(np.uint8))
    return film.convert("L" if film.mode in ("1", "L", "LA") else "RGB")


def _av(av: ModuleType, data: bytes, where: str, wanted: Callable[[int], bool]) -> Iterator[tuple[int, Any]]:
    number = 0
    try:
        with av.open(io.BytesIO(data)) as container:
            if not container.streams.video:
                raise undecodable(
                    where, expected="a film with pictures", got="none", cause="the file holds sound alone", fix="leave it out"
                )
            promised = container.streams.video[0].frames
            for frame in container.decode(container.streams.video[0]):
                _bounded(number, where)
                if frame.width * frame.height > MOST_PIXELS:
                    raise _too_large(where, frame.width, frame.height)
                if wanted(number):
                    yield number, frame.to_image()
                number += 1
    except (av.error.FFmpegError, ValueError, MemoryError) as error:
        raise _broken(where, number, error) from error
    _check_all(number, promised, where)


def _cv2(cv2: ModuleType, data: bytes, where: str, wanted: Callable[[int], bool]) -> Iterator[tuple[int, Any]]:
    from PIL import Image

    with tempfile.TemporaryDirectory(prefix="lamina-") as folder:
        # OpenCV reads files alone, and looks at their endings.
        path = Path(folder) / f"film{Path(where).suffix or '.avi'}"
        path.write_bytes(data)
        film = cv2.VideoCapture(str(path))
        try:
            if not film.isOpened():
                raise undecodable(where, expected="a video that OpenCV can decode", got="one that it can't open")
            number, promised = 0, int(film.get(cv2.CAP_PROP_FRAME_COUNT))
            while film.grab():
                _bounded(number, where)
                if wanted(number):
                    there, frame = film.retrieve()
                    if not there:
                        raise _broken(where, number, "OpenCV gives no picture")
                    if frame.shape[0] * frame.shape[1] > MOST_PIXELS:
                        raise _too_large(where, frame.shape[1], frame.shape[0])
                    yield number, Image.fromarray(np.ascontiguousarray(frame[:, :, ::-1]))
                number += 1
        finally:
            film.release()
    _check_all(number, promised, where)


def _broken(where: str, number: int, error: object) -> Exception:
    said = f"{type(error).__name__}: {error}" if isinstance(error, Exception) else str(error)
    return undecodable(where=f"{where}, frame {number}", expected="a frame that can be decoded", got=said)


def _check_all(number: int, promised: int, where: str) -> None:
    """See that a video has the frames that its header promises, give or take what encoders miscount."""
    if number == 0 or promised - number > max(2, promised // 100):
        raise _cut_off(where, f"{number} of {promised} frames")


def _cut_off(where: str, got: str) -> Exception:
    return undecodable(where, expected="a whole film", got=got, cause="the file was cut off while it was copied or written")


def _too_large(where: str, width: int, height: int) -> Exception:
    return undecodable(
        where,
        expected=f"frames of at most {MOST_PIXELS:,} pixels",
        got=f"{width:,} by {height:,}",
        cause="a damaged or made-up header",
        fix="make the film smaller before",
    )


def _module(name: str) -> ModuleType | None:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        return None

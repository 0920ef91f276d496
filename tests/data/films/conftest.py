"""Films that tests write."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def picture(number: int, size: tuple[int, int] = (24, 32)) -> Image.Image:
    """A grey picture that is brighter the later it comes, with a darker half."""
    pixels = np.full((*size, 3), 20 * (number + 1), dtype=np.uint8)
    pixels[:, size[1] // 2 :] //= 2
    return Image.fromarray(pixels)


def gif(count: int) -> bytes:
    """An animated GIF."""
    buffer = io.BytesIO()
    first, *others = (picture(number) for number in range(count))
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=40)
    return buffer.getvalue()


def avi(count: int, rate: int = 25) -> bytes:
    """A video of JPEGs (MJPEG in AVI), its container written out here."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)

    def group(name: bytes, *parts: bytes) -> bytes:
        return chunk(b"LIST", name + b"".join(parts))

    frames = []
    for number in range(count):
        buffer = io.BytesIO()
        picture(number).save(buffer, "JPEG", quality=95)
        frames.append(buffer.getvalue())
    height, width = 24, 32
    largest = max(map(len, frames))
    main = struct.pack("<14I", 1_000_000 // rate, largest * rate, 0, 0x10, count, 0, 1, largest, width, height, 0, 0, 0, 0)
    stream = b"vidsMJPG" + struct.pack("<IHHIIIIIIII4H", 0, 0, 0, 0, 1, rate, 0, count, largest, 10_000, 0, 0, 0, width, height)
    bitmap = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, b"MJPG", width * height * 3, 0, 0, 0, 0)
    headers = group(b"hdrl", chunk(b"avih", main), group(b"strl", chunk(b"strh", stream), chunk(b"strf", bitmap)))
    movie = group(b"movi", *(chunk(b"00dc", frame) for frame in frames))
    places, index = 4, b""
    for frame in frames:
        index += b"00dc" + struct.pack("<III", 0x10, places, len(frame))
        places += 8 + len(frame) + len(frame) % 2
    body = b"AVI " + headers + movie + chunk(b"idx1", index)
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.fixture
def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``films/KIND/KIND_N.gif`` of 3 to 8 frames, in the working directory."""
    monkeypatch.chdir(tmp_path)
    for number, count in enumerate((3, 8, 5, 4)):
        kind = ("up", "down")[number % 2]
        (tmp_path / "films" / kind).mkdir(parents=True, exist_ok=True)
        (tmp_path / "films" / kind / f"{kind}_{number}.gif").write_bytes(gif(count))
    return tmp_path / "films"

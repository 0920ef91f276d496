"""FLAC, MP3 and Ogg Vorbis through miniaudio, within bounds."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from lamina.data.audio.ogg import check_pages
from lamina.data.audio.problems import cut_off, unreadable
from lamina.errors import DependencyError

_PREFIX = {"flac": "flac", "mp3": "mp3", "ogg": "vorbis"}
_NAMES = {"flac": "FLAC", "mp3": "MP3", "ogg": "Ogg Vorbis"}


def header(data: bytes, kind: str, where: str) -> tuple[int, int, int]:
    """Rate, channels and samples of each channel, as a file says of itself.

    Args:
        data: All bytes of the file.
        kind: ``flac``, ``mp3`` or ``ogg``.
        where: Its name, for messages.

    Raises:
        DataError: DA145, if it can't be read.
        DependencyError: DA149, without miniaudio.
    """
    found = _call(data, kind, "get_info", where)
    return int(found.sample_rate), int(found.nchannels), int(found.num_frames)


def decode(data: bytes, kind: str, where: str) -> tuple[np.ndarray, int]:
    """Samples ``[samples, channels]``, float32 with a full scale of 1, and how many there are in a second.

    Raises:
        DataError: DA145, if it can't be read; DA146, if there are fewer samples than it says.
        DependencyError: DA149, without miniaudio.
    """
    _, _, promised = header(data, kind, where)
    found = _call(data, kind, "read" if kind == "ogg" else "read_f32", where)
    values = np.asarray(found.samples)
    if values.dtype.kind == "i":
        values = values.astype(np.float32) * np.float32(2.0 ** (1 - 8 * values.dtype.itemsize))
    samples = values.astype(np.float32, copy=False).reshape(-1, found.nchannels)
    if len(samples) < promised:
        raise cut_off(where, len(data), expected=f"{promised:,} samples, as the header says", got=f"{len(samples):,}")
    if not np.isfinite(samples).all():
        raise unreadable(where, None, expected="finite samples", got="others among them")
    return samples, int(found.sample_rate)


def _call(data: bytes, kind: str, what: str, where: str) -> Any:
    miniaudio = _miniaudio(kind, where)
    if kind == "ogg":
        check_pages(data, where)
    try:
        return getattr(miniaudio, f"{_PREFIX[kind]}_{what}")(bytes(data))
    except (miniaudio.MiniaudioError, ValueError, ZeroDivisionError, MemoryError, OverflowError) as error:
        raise unreadable(where, None, expected=f"a sound in {_NAMES[kind]}", got=f"{type(error).__name__}: {error}") from error


def _miniaudio(kind: str, where: str) -> ModuleType:
    try:
        import miniaudio
    except ImportError as error:
        raise DependencyError(
            "DA149",
            where=where,
            expected=f"the package miniaudio, which decodes {_NAMES[kind]}",
            got=str(error),
            cause="only WAV is read without it",
            fix="pip install 'lamina[audio]', or convert the files to WAV",
        ) from error
    module: ModuleType = miniaudio
    return module

"""A sound in memory, and reading one from the bytes of a file, whatever their kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lamina.data.audio.problems import unreadable
from lamina.data.audio.wav import Layout, read_wav, wav_layout

MOST_BYTES = 1 << 30
"""Samples of one file take at most this much memory as float32: 9 hours at 8 kHz, 1.7 hours of stereo at 22 kHz."""
LARGEST_RATE = 768_000
"""No recorder gives more samples in a second; a rate above is a damaged header."""


@dataclass(frozen=True, eq=False)
class Sound:
    """Samples of one or more channels.

    Attributes:
        samples: ``[samples, channels]``, float32; whole numbers of a file are divided so that full scale is 1.
        rate: Samples in a second.
    """

    samples: np.ndarray
    rate: int

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        return f"Sound({self.seconds:.3g} s at {self.rate} Hz, {self.channels} channel{'s' if self.channels > 1 else ''})"

    @property
    def channels(self) -> int:
        """How many there are."""
        return int(self.samples.shape[1])

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate


@dataclass(frozen=True)
class Extent:
    """What the header of a file says.

    Attributes:
        rate: Samples in a second.
        channels: How many.
        samples: Of each channel.
    """

    rate: int
    channels: int
    samples: int


def read_sound(data: bytes, where: str) -> Sound:
    """The sound in the bytes of a file: WAV by Lamina itself; FLAC, MP3 and Ogg Vorbis through miniaudio.

    Args:
        data: All bytes of the file; their beginning says what it is, not its name.
        where: Name of the file, for messages.

    Raises:
        DataError: DA145 if it is no sound or damaged, DA146 if it ends too early, DA147 if it is larger than any sound should be.
        DependencyError: DA149, if the extra ``audio`` is needed and not there.

    Example:
        >>> from lamina.data.audio.wav import write_wav
        >>> read_sound(write_wav(np.zeros((80, 2)), 8000), "beep.wav")
        Sound(0.01 s at 8000 Hz, 2 channels)
    """
    _bounded(extent_of(data, where), where)
    kind = kind_of(data)
    if kind == "wav":
        layout = wav_layout(data, where)
        return Sound(read_wav(data, layout, where), layout.rate)
    from lamina.data.audio.compressed import decode

    samples, rate = decode(data, kind, where)
    return Sound(samples, rate)


def extent_of(data: bytes, where: str) -> Extent:
    """Rate, channels and length as the header says, without decoding.

    Raises:
        DataError: As `read_sound`.
        DependencyError: As `read_sound`.
    """
    kind = kind_of(data)
    if kind == "wav":
        layout: Layout = wav_layout(data, where)
        found = Extent(layout.rate, layout.channels, layout.samples)
    elif kind:
        from lamina.data.audio.compressed import header

        found = Extent(*header(data, kind, where))
    else:
        raise _no_sound(data, where)
    if not 1 <= found.rate <= LARGEST_RATE:
        raise unreadable(where, None, expected=f"a rate from 1 to {LARGEST_RATE:,} samples in a second", got=f"{found.rate:,}")
    if found.samples == 0:
        raise unreadable(where, None, expected="at least one sample", got="a header without samples", cause="the recording was empty")
    return found


def kind_of(data: bytes) -> str:
    """``wav``, ``flac``, ``mp3`` or ``ogg`` by the first bytes; an empty text for all else.

    Example:
        >>> kind_of(b"fLaC..."), kind_of(b"<html>")
        ('flac', '')
    """
    start = bytes(data[:12])
    if start[:4] in (b"RIFF", b"RIFX", b"RF64") and start[8:12] == b"WAVE":
        return "wav"
    if start[:4] == b"fLaC":
        return "flac"
    if start[:4] == b"OggS":
        return "ogg"
    # A frame of MPEG layer 3 begins with eleven bits that are set; ID3 stands before the first one.
    if start[:3] == b"ID3" or (len(start) > 1 and start[0] == 0xFF and start[1] & 0xE6 == 0xE2):
        return "mp3"
    return ""


def _no_sound(data: bytes, where: str) -> Exception:
    empty = len(data) == 0
    return unreadable(
        where,
        None if empty else 0,
        expected="a sound: WAV, FLAC, MP3 or Ogg Vorbis",
        got="an empty file" if empty else f"a file that begins with {bytes(data[:12]).hex(' ')}",
        cause="nothing was written to it, or the copy failed" if empty else "the file is of another kind, whatever its name says",
        fix="leave it out, or convert it to WAV",
    )


def _bounded(found: Extent, where: str) -> None:
    size = found.samples * found.channels * 4
    if size > MOST_BYTES:
        from lamina.data.audio.problems import too_large

        raise too_large(where, size, MOST_BYTES, found.samples / found.rate)

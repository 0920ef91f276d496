"""WAV files: the layout of RIFF, read within bounds; every number of a header is checked before it is believed."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from lamina.data.audio.problems import cut_off, unreadable

PCM, FLOAT, A_LAW, MU_LAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_NAMES = {PCM: "whole numbers", FLOAT: "floats", A_LAW: "A-law", MU_LAW: "mu-law"}
_SUBFORMAT = bytes.fromhex("000000001000800000aa00389b71")
"""What follows the two bytes of the format in the GUID of an extensible header."""
_UNKNOWN = 0xFFFFFFFF


@dataclass(frozen=True)
class Layout:
    """Where samples are in a file, and what they are.

    Attributes:
        rate: Samples in a second.
        channels: How many.
        format: One of `PCM`, `FLOAT`, `A_LAW`, `MU_LAW`.
        width: Bytes of a sample.
        start: Byte at which the samples begin.
        samples: Of each channel.
        order: ``<``, or ``>`` for RIFX.
    """

    rate: int
    channels: int
    format: int
    width: int
    start: int
    samples: int
    order: str


def wav_layout(data: bytes, where: str) -> Layout:
    """Read the header of a WAV file: RIFF, RIFX or RF64.

    Sizes that no sample depends on (that of the whole file, and bytes per second) are not looked at: recorders that are switched
    off leave them wrong. Chunks after the samples are not read.

    Args:
        data: All bytes of the file.
        where: Its name, for messages.

    Raises:
        DataError: DA145, naming the byte of a number that can't be right; DA146, if samples are missing.
    """
    if len(data) < 12 or data[:4] not in (b"RIFF", b"RIFX", b"RF64") or data[8:12] != b"WAVE":
        raise unreadable(where, 0, expected="RIFF, a size and WAVE", got=bytes(data[:12]).hex(" ") or "nothing")
    order = ">" if data[:4] == b"RIFX" else "<"
    place, format_, large = 12, None, None
    while True:
        if place + 8 > len(data):
            raise cut_off(where, len(data), expected="a chunk 'data' with the samples", got="the end of the file before it")
        name, (size,) = bytes(data[place : place + 4]), struct.unpack_from(f"{order}I", data, place + 4)
        start = place + 8
        if name == b"data":
            if format_ is None:
                raise unreadable(where, place, expected="the chunk 'fmt ' before the samples", got="the chunk 'data'")
            if size == _UNKNOWN and large is not None:
                size = large
            return _layout(format_, start, size, len(data), order, where)
        if start + size > len(data):
            raise cut_off(where, place + 4, expected=f"the {size:,} bytes of the chunk {_shown(name)}", got=f"{len(data) - start:,}")
        if name == b"fmt ":
            format_ = _format(data, start, size, order, where)
        elif name == b"ds64" and size >= 16:
            large = struct.unpack_from(f"{order}Q", data, start + 8)[0]
        place = start + size + size % 2


def read_wav(data: bytes, layout: Layout, where: str) -> np.ndarray:
    """The samples ``[samples, channels]``, float32 with a full scale of 1.

    Raises:
        DataError: DA145, for a float that is not finite.
    """
    count = layout.samples * layout.channels
    raw = np.frombuffer(data, dtype=np.uint8, offset=layout.start, count=count * layout.width)
    if layout.format == FLOAT:
        values = raw.view(f"{layout.order}f{layout.width}")
        with np.errstate(over="ignore"):
            found = values.astype(np.float32)
        if not np.isfinite(np.sum(found, dtype=np.float64)) and not (fine := np.isfinite(found)).all():
            place = int(np.argmin(fine))
            raise unreadable(
                where,
                layout.start + place * layout.width,
                expected="a number that is finite as float32",
                got=f"{values[place]}, sample {place // layout.channels} of channel {place % layout.channels + 1}",
                cause="the program that wrote it divided by zero",
            )
        return found.reshape(-1, layout.channels)
    if layout.format in (A_LAW, MU_LAW):
        return _companding(layout.format)[raw].reshape(-1, layout.channels)
    return _whole(raw, layout).reshape(-1, layout.channels)


def write_wav(samples: np.ndarray, rate: int) -> bytes:
    """A WAV file of float32 samples ``[samples, channels]`` or ``[samples]``.

    Example:
        >>> data = write_wav(np.array([0.5, -0.25]), 8000)
        >>> read_wav(data, wav_layout(data, "it"), "it").tolist()
        [[0.5], [-0.25]]
    """
    array = np.asarray(samples, dtype="<f4")
    array = array.reshape(len(array), -1)
    channels, content = array.shape[1], array.tobytes()
    head = struct.pack("<HHIIHH", FLOAT, channels, rate, rate * channels * 4, channels * 4, 32)
    chunks = b"WAVEfmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


@dataclass(frozen=True)
class _Format:
    tag: int
    channels: int
    rate: int
    width: int


def _format(data: bytes, start: int, size: int, order: str, where: str) -> _Format:
    if size < 16:
        raise unreadable(where, start - 4, expected="a chunk 'fmt ' of at least 16 bytes", got=f"{size}")
    tag, channels, rate, _, block, bits = struct.unpack_from(f"{order}HHIIHH", data, start)
    if tag == EXTENSIBLE:
        if size < 40:
            raise unreadable(where, start - 4, expected="a chunk 'fmt ' of at least 40 bytes, as the format is extensible", got=f"{size}")
        (tag,) = struct.unpack_from(f"{order}H", data, start + 24)
        if bytes(data[start + 26 : start + 40]) != _SUBFORMAT:
            raise unreadable(
                where, start + 24, expected="a known format of samples", got=f"the GUID {bytes(data[start + 24 : start + 40]).hex()}"
            )
    if tag not in _NAMES:
        raise unreadable(
            where,
            start,
            expected=f"samples that are {', '.join(f'{name} ({number})' for number, name in _NAMES.items())}",
            got=f"format {tag}",
            cause="the samples are compressed in another way, or the header is damaged",
            fix="convert it to WAV with whole numbers (PCM)",
        )
    if channels == 0:
        raise unreadable(where, start + 2, expected="at least one channel", got="0")
    if rate == 0:
        raise unreadable(where, start + 4, expected="at least one sample in a second", got="0")
    width, rest = divmod(block, channels)
    widths = {PCM: (1, 2, 3, 4), FLOAT: (4, 8)}.get(tag, (1,))
    if rest or width not in widths:
        got = f"{block} bytes for {channels} channels"
        raise unreadable(where, start + 12, expected=f"{' or '.join(map(str, widths))} bytes for each channel", got=got)
    # Samples of 12 or 20 bits stand in the upper bits of 2 or 3 bytes; floats fill theirs.
    if not (width - 1) * 8 < bits <= width * 8 or (tag != PCM and bits != width * 8):
        raise unreadable(where, start + 14, expected=f"samples of {width * 8} bits in {width} bytes", got=f"{bits} bits")
    return _Format(tag, channels, rate, width)


def _layout(found: _Format, start: int, size: int, length: int, order: str, where: str) -> Layout:
    block = found.channels * found.width
    if start + size > length:
        seconds = size / block / found.rate
        raise cut_off(
            where, length, expected=f"{size:,} bytes of samples ({seconds:,.1f} s) from byte {start} on", got=f"{length - start:,}"
        )
    if size % block:
        raise unreadable(
            where, start - 4, expected=f"a number of bytes that {found.channels} channels of {found.width} bytes divide", got=f"{size:,}"
        )
    return Layout(found.rate, found.channels, found.tag, found.width, start, size // block, order)


def _whole(raw: np.ndarray, layout: Layout) -> np.ndarray:
    scale = np.float32(2.0 ** (1 - 8 * layout.width))
    if layout.width == 1:  # The only ones without a sign.
        return (raw.astype(np.float32) - 128) * scale
    if layout.width == 3:
        # As the upper three bytes of whole numbers with four.
        wide = np.zeros((len(raw) // 3, 4), dtype=np.uint8)
        triples = raw.reshape(-1, 3)
        wide[:, 1:] = triples if layout.order == "<" else triples[:, ::-1]
        return (wide.view("<i4")[:, 0] >> 8).astype(np.float32) * scale
    return raw.view(f"{layout.order}i{layout.width}").astype(np.float32) * scale


def _companding(format_: int) -> np.ndarray:
    """What each of 256 codes of ITU-T G.711 stands for, float32."""
    code = np.arange(256)
    if format_ == MU_LAW:
        code = ~code & 0xFF
        exponent, mantissa = code >> 4 & 7, code & 15
        size, negative = (((mantissa << 3) + 0x84) << exponent) - 0x84, code & 0x80 != 0
    else:
        code = code ^ 0x55
        exponent, mantissa = code >> 4 & 7, code & 15
        size = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0))
        negative = code & 0x80 == 0
    values: np.ndarray = (np.where(negative, -size, size) / 32768).astype(np.float32)
    return values


def _shown(name: bytes) -> str:
    return repr(name.decode("latin-1"))

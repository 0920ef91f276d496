"""WAV files against SciPy, the standard library's `wave` and `audioop`; damaged headers."""

from __future__ import annotations

import io
import struct
import warnings
import wave

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.io import wavfile

from lamina.data.audio.sound import Sound, extent_of, read_sound
from lamina.data.audio.wav import write_wav
from lamina.errors import DataError


def values(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, size=shape)


def written(samples: np.ndarray, rate: int = 8000) -> bytes:
    buffer = io.BytesIO()
    wavfile.write(buffer, rate, samples)
    return buffer.getvalue()


@pytest.mark.parametrize("channels", [1, 2, 6, 19])
@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "f4", "f8"])
def test_scipys_files_are_read_as_scipy_reads_them(kind: str, channels: int) -> None:
    wanted = values((101, channels))
    dtype = np.dtype(kind)
    if dtype.kind == "f":
        stored, expected = wanted.astype(dtype), wanted
    else:
        info = np.iinfo(dtype)
        stored = (wanted * info.max / 2 + (info.max / 2 if kind == "u1" else 0)).astype(dtype)
        expected = (stored.astype(np.float64) - (128 if kind == "u1" else 0)) / (128 if kind == "u1" else -float(info.min))
    data = written(stored, 22050)
    found = read_sound(data, "it")
    assert found.rate == 22050
    assert found.samples.shape == (101, channels)
    assert found.samples.dtype == np.float32
    assert np.allclose(found.samples, expected, atol=1e-7)
    assert np.array_equal(np.squeeze(stored), wavfile.read(io.BytesIO(data))[1])
    extent = extent_of(data, "it")
    assert (extent.rate, extent.channels, extent.samples) == (22050, channels, 101)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_the_standard_librarys_files(width: int) -> None:
    raw = np.random.default_rng(1).integers(0, 256, size=50 * 2 * width, dtype=np.uint8).tobytes()
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((2, width, 11025, 0, "NONE", "not compressed"))
        file.writeframes(raw)
    numbers = [
        int.from_bytes(raw[i : i + width], "little", signed=width > 1) - (128 if width == 1 else 0) for i in range(0, len(raw), width)
    ]
    expected = np.array(numbers).reshape(-1, 2) / 2.0 ** (8 * width - 1)
    assert np.allclose(read_sound(buffer.getvalue(), "it").samples, expected, atol=1e-7)


def fmt(tag: int, channels: int, rate: int, bits: int, *, width: int = 0, order: str = "<", more: bytes = b"") -> bytes:
    width = width or bits // 8
    return struct.pack(f"{order}HHIIHH", tag, channels, rate, rate * channels * width, channels * width, bits) + more


def riff(*chunks: tuple[bytes, bytes], name: bytes = b"RIFF", order: str = "<") -> bytes:
    body = b"".join(key + struct.pack(f"{order}I", len(value)) + value + b"\0" * (len(value) % 2) for key, value in chunks)
    return name + struct.pack(f"{order}I", 4 + len(body)) + b"WAVE" + body


GUID = bytes.fromhex("000000001000800000aa00389b71")


def test_extensible_headers_odd_chunks_and_bits_that_are_not_used() -> None:
    content = np.array([1 << 12, -(1 << 15)], dtype="<i2").tobytes()
    extensible = fmt(0xFFFE, 1, 16000, 12, width=2, more=struct.pack("<HHI", 22, 12, 4) + struct.pack("<H", 1) + GUID)
    data = riff((b"LIST", b"odd"), (b"fmt ", extensible), (b"fact", b"\x02\0\0\0"), (b"data", content), (b"id3 ", b"title"))
    found = read_sound(data, "it")
    assert found.samples[:, 0].tolist() == [0.125, -1.0]
    float_ = fmt(0xFFFE, 2, 16000, 32, more=struct.pack("<HHI", 22, 32, 3) + struct.pack("<H", 3) + GUID)
    data = riff((b"fmt ", float_), (b"data", np.array([0.5, -0.25], dtype="<f4").tobytes()))
    assert read_sound(data, "it").samples.tolist() == [[0.5, -0.25]]


@pytest.mark.parametrize("kind", ["i2", "i4", "f4", "f8"])
def test_the_other_order_of_bytes(kind: str) -> None:
    stored = (values((20,)) * (1 if kind[0] == "f" else 1000)).astype(f">{kind}")
    tag, bits = 3 if kind[0] == "f" else 1, stored.itemsize * 8
    data = riff((b"fmt ", fmt(tag, 1, 8000, bits, order=">")), (b"data", stored.tobytes()), name=b"RIFX", order=">")
    same = riff((b"fmt ", fmt(tag, 1, 8000, bits)), (b"data", stored.astype(f"<{kind}").tobytes()))
    assert np.array_equal(read_sound(data, "it").samples, read_sound(same, "it").samples)
    assert np.array_equal(wavfile.read(io.BytesIO(data))[1], stored)


def test_three_bytes_in_the_other_order() -> None:
    data = riff((b"fmt ", fmt(1, 1, 8000, 24, order=">")), (b"data", bytes([0x40, 0, 0, 0xC0, 0, 0])), name=b"RIFX", order=">")
    assert read_sound(data, "it").samples[:, 0].tolist() == [0.5, -0.5]


def test_files_above_four_gigabytes_say_their_size_elsewhere() -> None:
    content = np.array([1 << 14], dtype="<i2").tobytes()
    large = struct.pack("<QQQI", 100, len(content), 1, 0)
    data = bytearray(riff((b"ds64", large), (b"fmt ", fmt(1, 1, 8000, 16)), (b"data", content), name=b"RF64"))
    place = data.index(b"data") + 4
    data[place : place + 4] = b"\xff\xff\xff\xff"
    assert read_sound(bytes(data), "it").samples.tolist() == [[0.5]]


@pytest.mark.parametrize(("tag", "name"), [(6, "alaw2lin"), (7, "ulaw2lin")])
def test_telephone_sound_is_that_of_g711(tag: int, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        audioop = pytest.importorskip("audioop", reason="the standard library has no audioop from Python 3.13 on")
    codes = bytes(range(256))
    found = read_sound(riff((b"fmt ", fmt(tag, 1, 8000, 8)), (b"data", codes)), "it").samples[:, 0]
    assert np.array_equal(found * 32768, np.frombuffer(getattr(audioop, name)(codes, 2), dtype="<i2"))


def test_real_recordings_are_read_as_scipy_reads_them(shared_data: object) -> None:
    from pathlib import Path

    files = sorted((Path(str(shared_data)) / "fsdd-500" / "recordings").glob("*.wav"))[::25]
    assert len(files) == 20
    for file in files:
        rate, expected = wavfile.read(file)
        found = read_sound(file.read_bytes(), file.name)
        assert found.rate == rate == 8000
        assert np.array_equal(found.samples[:, 0] * 32768, expected)


WHOLE = riff((b"fmt ", fmt(1, 2, 8000, 16)), (b"data", bytes(80)))


@pytest.mark.parametrize(
    ("field", "offset", "value", "code", "byte"),
    [
        ("RIFF", 0, b"RAFF", "DA145", 0),
        ("WAVE", 8, b"AVI ", "DA145", 0),
        ("no chunk of the format", 12, b"fmtt", "DA145", 36),
        ("size of fmt, short", 16, struct.pack("<I", 4), "DA145", 16),
        ("size of fmt, long", 16, struct.pack("<I", 1 << 31), "DA146", 16),
        ("format", 20, struct.pack("<H", 85), "DA145", 20),
        ("extensible without room", 20, struct.pack("<H", 0xFFFE), "DA145", 16),
        ("no channels", 22, struct.pack("<H", 0), "DA145", 22),
        ("channels", 22, struct.pack("<H", 3), "DA145", 32),
        ("no rate", 24, struct.pack("<I", 0), "DA145", 24),
        ("rate", 24, struct.pack("<I", 4_000_000_000), "DA145", None),
        ("block", 32, struct.pack("<H", 7), "DA145", 32),
        ("wide block", 32, struct.pack("<H", 16), "DA145", 32),
        ("bits", 34, struct.pack("<H", 0), "DA145", 34),
        ("more bits", 34, struct.pack("<H", 17), "DA145", 34),
        ("no data", 36, b"date", "DA146", 124),
        ("size of data, 4 GB", 40, struct.pack("<I", 0xFFFFFFF0), "DA146", 124),
        ("size of data, unknown", 40, struct.pack("<I", 0xFFFFFFFF), "DA146", 124),
        ("size of data, odd", 40, struct.pack("<I", 79), "DA145", 40),
        ("size of data, none", 40, struct.pack("<I", 0), "DA145", None),
    ],
)
def test_each_field_of_a_header(field: str, offset: int, value: bytes, code: str, byte: int | None) -> None:
    data = WHOLE[:offset] + value + WHOLE[offset + len(value) :]
    with pytest.raises(DataError) as raised:
        read_sound(data, "take 1.wav")
    assert raised.value.code == code
    assert raised.value.problems[0].where == ("take 1.wav" if byte is None else f"take 1.wav, byte {byte}")


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_samples_that_are_no_numbers(value: float) -> None:
    with pytest.raises(DataError, match=r"\[DA145\] it.wav, byte 66(.|\n)*sample 1 of channel 1"):
        read_sound(written(np.array([0.0, value, 1.0])), "it.wav")


@pytest.mark.parametrize("length", [0, 3, 11, 12, 19, 30, 43, 44, 45, 123])
def test_a_file_that_ends_too_early(length: int) -> None:
    with pytest.raises(DataError) as raised:
        read_sound(WHOLE[:length], "it")
    assert raised.value.code in ("DA145", "DA146")
    assert f"byte {length}" in str(raised.value) or length < 44


def attempt(data: bytes) -> tuple[Sound | None, str]:
    """The sound, or the code of the error."""
    try:
        return read_sound(data, "it"), ""
    except DataError as error:
        return None, error.code


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, 59), value=st.binary(min_size=1, max_size=6), size=st.none() | st.integers(0, 130))
@example(place=22, value=b"\xff\xff", size=None)
def test_no_change_of_a_file_does_more_than_raise_our_error(place: int, value: bytes, size: int | None) -> None:
    data = (WHOLE[:place] + value + WHOLE[place + len(value) :])[:size]
    found, code = attempt(data)
    assert code in ("", "DA145", "DA146")
    assert found is None or (0 < found.samples.nbytes <= 4 * len(data) and np.isfinite(found.samples).all())


@given(st.binary(max_size=64))
def test_what_is_no_sound_is_refused(data: bytes) -> None:
    with pytest.raises(DataError) as raised:
        read_sound(b"\0" + data, "it")
    assert raised.value.code == "DA145"


def test_a_file_that_would_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamina.data.audio.sound.MOST_BYTES", 100)
    with pytest.raises(DataError, match="DA147"):
        read_sound(WHOLE, "it")


def test_what_is_written_is_read() -> None:
    samples = values((30, 3)).astype(np.float32)
    found = read_sound(write_wav(samples, 16000), "it")
    assert np.array_equal(found.samples, samples)
    assert (len(found), found.channels, found.seconds) == (30, 3, 30 / 16000)
    assert np.array_equal(wavfile.read(io.BytesIO(write_wav(samples, 16000)))[1], samples)
    assert repr(Sound(samples, 10)) == "Sound(3 s at 10 Hz, 3 channels)"

"""FLAC, MP3 and Ogg Vorbis against libsndfile; damaged files, and a machine without the decoder."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data.audio.ogg import checksum
from lamina.data.audio.sound import extent_of, kind_of, read_sound
from lamina.errors import DataError, DependencyError

soundfile = pytest.importorskip("soundfile", reason="without libsndfile there is nothing to compare with")
pytest.importorskip("miniaudio", reason="the extra audio is not installed")

TONE = (0.5 * np.sin(np.arange(4000) * 0.2)[:, None] * np.array([1.0, -0.5])).astype(np.float32)


def written(kind: str, subtype: str | None = None, samples: np.ndarray = TONE) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 16000, format=kind, subtype=subtype)
    return buffer.getvalue()


@pytest.mark.parametrize(("kind", "subtype"), [("FLAC", "PCM_S8"), ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", None), ("MP3", None)])
@pytest.mark.parametrize("channels", [1, 2])
def test_libsndfile_hears_the_same(kind: str, subtype: str | None, channels: int) -> None:
    data = written(kind, subtype, TONE[:, :channels])
    expected, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    found = read_sound(data, "it")
    assert (found.rate, found.samples.shape) == (rate, expected.shape)
    # Lossless ones to the last bit; Vorbis comes from the decoder in 16 bits.
    assert np.allclose(found.samples, expected, atol=0 if kind == "FLAC" else 4e-5)
    assert kind_of(data) == kind.lower()
    extent = extent_of(data, "it")
    assert (extent.rate, extent.channels, extent.samples) == (16000, channels, 4000)


@pytest.mark.parametrize("kind", ["FLAC", "OGG"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_file_that_ends_too_early(kind: str, share: float) -> None:
    data = written(kind)
    with pytest.raises(DataError) as raised:
        read_sound(data[: int(len(data) * share)], "it.bin")
    assert raised.value.code in ("DA145", "DA146")
    assert raised.value.problems[0].where.startswith("it.bin")


def test_a_header_that_promises_hours_costs_no_memory() -> None:
    data = bytearray(written("FLAC"))
    data[21] |= 0x0F  # The upper four of the 36 bits that count the samples.
    with pytest.raises(DataError, match=r"\[DA147\] it"):
        read_sound(bytes(data), "it")


@pytest.mark.parametrize("kind", ["FLAC", "MP3", "OGG"])
def test_damage_does_no_more_than_raise_our_error(kind: str) -> None:
    whole = written(kind)

    @settings(max_examples=60, deadline=None, database=None)
    @given(place=st.integers(0, len(whole) - 1), value=st.binary(min_size=1, max_size=8), size=st.none() | st.integers(0, len(whole)))
    def damaged(place: int, value: bytes, size: int | None) -> None:
        try:
            found = read_sound((whole[:place] + value + whole[place + len(value) :])[:size], "it")
        except DataError as error:
            code = error.code
        else:
            code = "" if np.isfinite(found.samples).all() and found.samples.nbytes < 1 << 22 else "wrong"
        assert code in ("", "DA145", "DA146", "DA147")

    damaged()


def test_a_page_of_ogg_with_another_content_than_its_checksum_is_refused_before_it_is_decoded() -> None:
    data = bytearray(written("OGG"))
    data[len(data) // 2] ^= 1
    with pytest.raises(DataError, match=r"\[DA145\] it.ogg, byte \d+(.|\n)*checksum"):
        read_sound(bytes(data), "it.ogg")


def test_checksums_are_those_of_a_division_bit_by_bit() -> None:
    data, register = np.random.default_rng(0).bytes(50), 0
    for byte in data:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1) ^ (0x104C11DB7 if register & 0x80000000 else 0)
    assert checksum(data) == register


def test_without_the_decoder_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = written("FLAC")
    monkeypatch.setitem(sys.modules, "miniaudio", None)
    with pytest.raises(DependencyError, match=r"\[DA149\](.|\n)*pip install 'lamina\[audio\]'"):
        read_sound(data, "it.flac")

"""Compressed files: whole or an error that says where they end; never more than is allowed."""

from __future__ import annotations

import bz2
import functools
import gzip
import lzma
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import zstandard

from lamina.data.storage import Storage, open_file
from lamina.errors import DataError

TEXT = b"".join(b"%d,%d\n" % (i, i * i) for i in range(60_000))
PACK = {
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
    ".bz2": bz2.compress,
    ".xz": functools.lru_cache(4)(functools.partial(lzma.compress, preset=0)),
}


@pytest.fixture(params=PACK)
def ending(request: pytest.FixtureRequest) -> str:
    return request.param


def test_content(tmp_path: Path, ending: str, cache: Path) -> None:
    path = tmp_path / f"rows.csv{ending}"
    path.write_bytes(PACK[ending](TEXT))
    file = open_file(path)
    assert file.read() == TEXT
    assert file.size is None
    assert file.stored_size == path.stat().st_size
    assert file.suffix == ".csv"
    assert file.local().read_bytes() == TEXT
    assert file.local().name == "rows.csv"
    with file.open() as stream:
        lines = [stream.readline() for _ in range(3)]
    assert lines == [b"0,0\n", b"1,1\n", b"2,4\n"]


def test_several_members_and_padding(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"rows.csv{ending}"
    path.write_bytes(PACK[ending](TEXT) + PACK[ending](b"") + PACK[ending](b"end") + bytes(700 if ending == ".gz" else 0))
    assert open_file(path).read() == TEXT + b"end"


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.999])
def test_cut_off(tmp_path: Path, ending: str, share: float, cache: Path) -> None:
    path = tmp_path / f"rows.csv{ending}"
    whole = PACK[ending](TEXT)
    length = min(int(len(whole) * share), len(whole) - 1)
    path.write_bytes(whole[:length])
    file = open_file(path)
    for call in (file.read, file.local):
        with pytest.raises(DataError, match="DA047") as caught:
            call()
        assert f"rows.csv{ending}, byte {length:,}" in str(caught.value)
        assert "cut off" in str(caught.value)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_damaged(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"rows.csv{ending}"
    raw = bytearray(PACK[ending](np.random.default_rng(0).bytes(500_000)))
    if ending == ".zst":  # Content that doesn't pack is stored as it is, so that only a checksum could tell; the head is structure.
        raw[0] ^= 0xFF
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(DataError, match="DA047"):
        open_file(path).read()
    path.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(DataError, match="DA047"):
        open_file(path).read()


def exhaust(stream) -> None:
    while stream.read(1 << 16):
        pass


def test_bombs_are_stopped_early(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"bomb.csv{ending}"
    path.write_bytes(PACK[ending](bytes(150 << 20)))
    file = open_file(path)
    tracemalloc.start()
    with file.open() as stream, pytest.raises(DataError, match="DA046") as caught:
        exhaust(stream)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 130 << 20
    assert "max_ratio" in str(caught.value)
    with pytest.raises(DataError, match="DA046.*\n.*at most 1,000 bytes"):
        open_file(path, storage=Storage(max_size=1000)).read()
    with open_file(path, storage=Storage(max_ratio=1e6)).open() as stream:
        assert len(stream.read(100 << 20)) == 100 << 20


def test_zstd_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from lamina.errors import DependencyError

    (tmp_path / "a.csv.zst").write_bytes(zstandard.compress(TEXT))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(DependencyError, match=r"lamina\[zstd\]"):
        open_file(tmp_path / "a.csv.zst").read()


def test_a_full_disk_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(TEXT))
    (tmp_path / "taken").write_text("a file where the cache should be")
    monkeypatch.setenv("LAMINA_CACHE", str(tmp_path / "taken"))
    with pytest.raises(DataError, match=r"DA049.*a\.csv\.gz"):
        open_file(tmp_path / "a.csv.gz").local()

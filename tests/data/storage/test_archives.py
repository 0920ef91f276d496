"""Archives are folders, unless they are hostile or damaged."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from lamina.data.storage import Storage, open_file, open_files
from lamina.errors import DataError

FILES = {"rows/2.csv": b"two", "rows/10.csv": b"ten" * 100_000, "rows/deep/1.csv": b"one", "note.txt": b"note", "__MACOSX/x": b"?"}


def make_zip(path: Path, files=FILES, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def make_tar(path: Path, files=FILES) -> Path:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    data = buffer.getvalue()
    packed = {".gz": gzip.compress, ".tgz": gzip.compress, ".zst": zstandard.compress}.get(path.suffix, bytes)
    path.write_bytes(packed(data))
    return path


@pytest.fixture(params=["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.zst", "A.ZIP"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / request.param
    return make_zip(path) if path.suffix.lower() == ".zip" else make_tar(path)


def test_members(archive: Path, cache: Path) -> None:
    base, name = archive.parent, archive.name
    found = {str(file.relative): file.read() for file in open_files(f"{name}!rows/*.csv", base)}
    assert list(found.items()) == [("2.csv", b"two"), ("10.csv", b"ten" * 100_000)]
    assert [str(file.relative) for file in open_files(f"{name}!**/*.csv", base)] == ["rows/2.csv", "rows/10.csv", "rows/deep/1.csv"]
    assert [str(file.relative) for file in open_files(f"{name}!rows", base)] == ["2.csv", "10.csv", "deep/1.csv"]
    assert [str(file.relative) for file in open_files(name, base)] == ["note.txt", "rows/2.csv", "rows/10.csv", "rows/deep/1.csv"]
    one = open_file(f"{name}!rows/10.csv", base)
    assert one.name == f"{archive}!rows/10.csv"
    assert one.size == 300_000
    assert one.suffix == ".csv"
    path = one.local()
    assert path.read_bytes() == FILES["rows/10.csv"]
    assert path.is_relative_to(cache)
    assert open_file(f"{name}!rows/10.csv", base).local() == path


def test_a_member_that_is_not_there(archive: Path) -> None:
    with pytest.raises(DataError, match="DA041") as caught:
        open_files(f"{archive}!rows/3.csv")
    assert "did you mean 'rows/2.csv'?" in str(caught.value)
    with pytest.raises(DataError, match="DA041"):
        open_files(f"{archive}!*.parquet")


def test_compressed_members_and_archives_in_archives(tmp_path: Path) -> None:
    inner = make_zip(tmp_path / "inner.zip", {"x.csv.gz": gzip.compress(b"deep")}).read_bytes()
    outer = make_zip(tmp_path / "outer.zip", {"folder/inner.zip": inner})
    assert open_file(f"{outer}!folder/inner.zip!x.csv.gz").read() == b"deep"
    assert open_file(f"{outer}!folder/inner.zip").read() == inner
    for number in range(3):
        outer = make_zip(tmp_path / f"deeper{number}.zip", {"a.zip": outer.read_bytes()})
    with pytest.raises(DataError, match="DA040.*\n.*at most 3 archives"):
        open_files(f"{outer}!a.zip!a.zip!a.zip!folder/inner.zip")


@pytest.mark.parametrize("name", ["/etc/rows.csv", "../rows.csv", "a/../../rows.csv", "C:/rows.csv", "a\\..\\..\\rows.csv", "\\rows.csv"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_that_lead_out(tmp_path: Path, name: str, kind: str) -> None:
    files = {"good.csv": b"1", name: b"2"}
    path = make_zip(tmp_path / "a.zip", files) if kind == "zip" else make_tar(tmp_path / "a.tar", files)
    for asked in (path, f"{path}!good.csv"):
        with pytest.raises(DataError, match="DA045") as caught:
            open_files(asked)
        assert "rows.csv" in str(caught.value)


def test_links_twins_and_passwords(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, kind in (("soft.csv", tarfile.SYMTYPE), ("hard.csv", tarfile.LNKTYPE), ("pipe.csv", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        archive.addfile(tarfile.TarInfo("good.txt"), io.BytesIO())
    for name in ("soft.csv", "hard.csv", "pipe.csv"):
        with pytest.raises(DataError, match="DA045") as caught:
            open_files(f"{tmp_path}/a.tar!{name}")
        assert name in str(caught.value)
    assert open_file(f"{tmp_path}/a.tar!good.txt").read() == b""
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("twin.csv", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("twin.csv", "2")
    for name in ("link.csv", "twin.csv"):
        with pytest.raises(DataError, match="DA045") as caught:
            open_files(f"{tmp_path}/a.zip!{name}")
        assert name in str(caught.value)
    raw = bytearray(make_zip(tmp_path / "locked.zip", {"x.csv": b"1"}).read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(raw)
    with pytest.raises(DataError, match="DA045.*x.csv"):
        open_files(tmp_path / "locked.zip")


def test_bombs(tmp_path: Path) -> None:
    bomb = make_zip(tmp_path / "bomb.zip", {"zeros.csv": bytes(80 << 20)})
    with pytest.raises(DataError, match="DA046") as caught:
        open_files(bomb)
    assert "max_ratio" in str(caught.value)
    file = open_file(f"{bomb}!zeros.csv", storage=Storage(max_ratio=2000))
    assert len(file.read()) == 80 << 20
    small = open_file(f"{make_zip(tmp_path / 'a.zip')}!rows/10.csv", storage=Storage(max_size=1000))
    with pytest.raises(DataError, match="DA046.*rows/10.csv"):
        small.read()


def test_a_zip_that_lies_about_its_sizes(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "liar.zip", {"x.csv": bytes(1 << 20)})
    raw = path.read_bytes()
    assert raw.count(struct.pack("<L", 1 << 20)) == 2
    path.write_bytes(raw.replace(struct.pack("<L", 1 << 20), struct.pack("<L", 1 << 10)))
    with pytest.raises(DataError, match="DA044.*x.csv"):
        open_file(f"{path}!x.csv").read()


@pytest.mark.parametrize("kind", ["a.zip", "a.tar", "a.tar.gz"])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9])
def test_archives_that_are_cut_off(tmp_path: Path, kind: str, share: float) -> None:
    path = tmp_path / kind
    make_zip(path, method=zipfile.ZIP_STORED) if kind == "a.zip" else make_tar(path)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])
    with pytest.raises(DataError, match="DA04[47]") as caught:
        [file.read() for file in open_files(path)]
    assert kind in str(caught.value)


def test_damage_in_the_middle_is_seen(tmp_path: Path) -> None:
    for path in (make_zip(tmp_path / "a.zip", method=zipfile.ZIP_STORED), make_tar(tmp_path / "a.tar")):
        raw = bytearray(path.read_bytes())
        place = raw.index(b"rows/deep/1.csv") if path.suffix == ".tar" else raw.index(b"tenten") + 1000
        raw[place : place + 4] = b"\xff\xfe\xfd\xfc"
        path.write_bytes(raw)
        with pytest.raises(DataError, match="DA044"):
            [file.read() for file in open_files(path)]


def test_an_archive_that_changes(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip")
    file = open_file(f"{path}!rows/2.csv")
    assert file.read() == b"two"
    make_zip(path, {"rows/2.csv": b"other"})
    with pytest.raises(DataError, match="DA04[34]"):
        file.read()

"""Archives as folders: zip and tar, whose members are files like all others; nothing is ever unpacked by a member's own name."""

from __future__ import annotations

import io
import re
import stat
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lamina.data.storage.compression import check_ratio, check_size
from lamina.data.storage.problems import damaged_archive, refused_member
from lamina.data.storage.stream import PIECE, Stream, Watched
from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.storage.file import DataFile, Origin

_TAR = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
ENDINGS = (".zip", *_TAR)


def is_archive(name: str) -> bool:
    """Whether a name ends as archives do.

    Example:
        >>> is_archive("photos.tar.gz"), is_archive("rows.csv.gz")
        (True, False)
    """
    return name.lower().endswith(ENDINGS)


def members_of(file: DataFile, wanted: Callable[[str], bool]) -> Iterator[tuple[str, Origin]]:
    """Names and origins of the members that are wanted, in the order of the archive.

    Raises:
        DataError: DA044, if it can't be read; DA045, for members with harmful names, and for wanted ones that are links, encrypted,
            or not the only ones of their name; DA046, if their content is out of bounds.
    """
    found = _tar_members(file) if file.relative.name.lower().endswith(_TAR) else _zip_members(file)
    taken: set[str] = set()
    for name, refusal, origin in found:
        _check_name(file.name, name)
        if not wanted(name):
            continue
        if refusal is not None:
            raise refused_member(file.name, name, refusal[0], cause=refusal[1], fix="unpack the archive by hand, and give the folder")
        if name in taken:
            cause, fix = "a second file would hide the first", "make the archive anew from a folder"
            raise refused_member(file.name, name, "the same name twice", cause=cause, fix=fix)
        taken.add(name)
        yield name, origin


def _check_name(archive: str, name: str) -> None:
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) or ".." in parts or "\0" in name:
        raise refused_member(
            archive,
            name,
            "a path that leads out of the archive",
            cause="it would be written over other files when somebody unpacks it: the archive is hostile, or badly made",
            fix="ask who made it, or make it anew from a folder",
        )


def _zip_members(file: DataFile) -> Iterator[tuple[str, tuple[str, str] | None, Origin]]:
    archive = _Zip(file)
    infos = archive.infos()
    read, size = file.stored_size or 0, sum(info.file_size for info in infos)
    check_ratio(file.name, read, size, file.storage)
    for info in infos:
        if not info.filename:
            got = "a member without a name"
            raise damaged_archive(file.name, got)
        if info.is_dir():
            continue
        refusal = None
        if stat.S_ISLNK(info.external_attr >> 16):
            refusal = ("a link", "a link may lead anywhere")
        elif info.flag_bits & 1:
            refusal = ("an encrypted member", "it can't be read without its password")
        yield info.filename, refusal, _ZipMember(archive, info)


class _Zip:
    """An open zip file, shared by its members."""

    def __init__(self, file: DataFile) -> None:
        self.file = file
        self._open: zipfile.ZipFile | None = None
        self._lock = threading.Lock()

    def handle(self) -> zipfile.ZipFile:
        with self._lock:
            if self._open is None:
                path = self.file.local()
                try:
                    self._open = zipfile.ZipFile(path)
                except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
                    raise damaged_archive(self.file.name, error) from error
            return self._open

    def infos(self) -> list[zipfile.ZipInfo]:
        return self.handle().infolist()

    def __getstate__(self) -> dict[str, DataFile]:
        return {"file": self.file}

    def __setstate__(self, state: dict[str, DataFile]) -> None:
        self.__init__(state["file"])  # type: ignore[misc]


class _ZipMember:
    def __init__(self, archive: _Zip, info: zipfile.ZipInfo) -> None:
        self._archive, self._info = archive, info

    def state(self) -> tuple[object, ...]:
        return self._info.file_size, self._info.CRC, self._archive.file.fingerprint

    def stream(self, state: tuple[object, ...]) -> BinaryIO:
        file, where = self._archive.file, f"{self._archive.file.name}!{self._info.filename}"
        check_size(where, self._info.file_size, file.storage)
        check_ratio(where, self._info.compress_size, self._info.file_size, file.storage)

        def broken(error: Exception) -> DataError:
            return damaged_archive(where, error, cause="the archive is damaged or cut off, or packed in a way that Python can't read")

        try:
            source = self._archive.handle().open(self._info)
        except (zipfile.BadZipFile, OSError, EOFError, zlib.error, NotImplementedError, RuntimeError, ValueError) as error:
            raise broken(error) from error
        return Watched(source, file.verify, broken)  # type: ignore[return-value]

    def path(self) -> Path | None:
        return None


def _tar_members(file: DataFile) -> Iterator[tuple[str, tuple[str, str] | None, Origin]]:
    path = file.local()
    try:
        with tarfile.open(path, "r:") as archive:
            for info in archive:
                if info.isdir():
                    continue
                refusal = None
                if not info.isreg() or info.issparse():
                    kind = "a link" if info.issym() or info.islnk() else "no plain file"
                    refusal = (kind, "links and devices may lead anywhere")
                yield info.name.removeprefix("./"), refusal, _TarMember(file, path, info.name, info.offset_data, info.size)
            end = archive.offset
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError) as error:
        raise damaged_archive(file.name, error) from error
    # tarfile takes a damaged head for the end.
    with path.open("rb") as raw:
        raw.seek(end)
        block = raw.read(512)
    if block != bytes(512):
        got = f"no mark of the end at byte {end:,}"
        raise damaged_archive(file.name, got, cause="the archive is cut off, or damaged in the middle")


class _TarMember:
    def __init__(self, file: DataFile, path: Path, name: str, start: int, size: int) -> None:
        self._file, self._path, self._name, self._start, self._size = file, path, name, start, size

    def state(self) -> tuple[object, ...]:
        return self._size, self._start, self._file.fingerprint

    def stream(self, state: tuple[object, ...]) -> BinaryIO:
        where = f"{self._file.name}!{self._name}"
        check_size(where, self._size, self._file.storage)
        try:
            source = self._path.open("rb", buffering=0)
            source.seek(self._start)
        except OSError as error:
            raise damaged_archive(where, error) from error
        return _Part(source, self._size, where, self._file.verify)  # type: ignore[return-value]

    def path(self) -> Path | None:
        return None


class _Part(Stream):
    """The next bytes of an open file."""

    def __init__(self, source: io.FileIO, size: int, where: str, verify: Callable[[], None]) -> None:
        super().__init__()
        self._source, self._left, self._where, self._verify = source, size, where, verify

    def close(self) -> None:
        self._source.close()
        super().close()

    def piece(self) -> bytes:
        if not self._left:
            self._verify()
            return b""
        found = self._source.read(min(self._left, PIECE))
        if not found:
            raise damaged_archive(self._where, f"{self._left:,} bytes too few", cause="the archive is cut off")
        self._left -= len(found)
        return found

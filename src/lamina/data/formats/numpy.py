"""NumPy's ``.npy`` and ``.npz``: mapped into memory where that can be, bounded by the size of the file, never unpickled."""

from __future__ import annotations

import ast
import hashlib
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from lamina.data.formats.held import IN_MEMORY_BYTES, Held, native, refuse_kind
from lamina.data.formats.scanning import damaged, too_much
from lamina.data.storage.cache import kept
from lamina.data.storage.compression import check_ratio, check_size
from lamina.data.stored import Stored
from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.lazy import Samples
    from lamina.data.storage import DataFile

NPY, NPZ = "a whole .npy file", "a whole .npz file"
HEADER_BYTES, HEADER_DEPTH = 16 << 20, 16
_FAILURES = (OSError, EOFError, ValueError, RuntimeError, struct.error, zlib.error, zipfile.BadZipFile, NotImplementedError, OverflowError)


@dataclass(frozen=True)
class Header:
    """What an ``.npy`` says of itself.

    Attributes:
        shape: Of the array.
        dtype: Of its values.
        fortran: Whether the first axis is the fastest.
        offset: Bytes before the values.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    offset: int

    @property
    def nbytes(self) -> int:
        """Bytes of the values; any size, for the header may say anything."""
        size = self.dtype.itemsize
        for length in self.shape:
            size *= length
        return size


def read_numpy(file: DataFile) -> dict[str, Held]:
    """The arrays of a file by name; that of an ``.npy`` is called like the file.

    Raises:
        DataError: DA060, if it is damaged or of another kind; DA062, for arrays of objects, which are never unpickled; DA064, if a
            header declares another size than the file has.
    """
    with file.local().open("rb") as opened:
        start = opened.read(6)
    if start == b"\x93NUMPY":
        return {PurePosixPath(file.relative.name).stem: _npy(file.local(), file.name)}
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _npz(file)
    raise damaged(file.name, "a file of NumPy (.npy or .npz)", f"a file that begins with {start!r}" if start else "an empty file")


@contextmanager
def _reading(where: str, expected: str) -> Iterator[None]:
    try:
        yield
    except _FAILURES as error:
        raise damaged(where, expected, error) from error


def _npy(path: Path, where: str) -> Held:
    size = path.stat().st_size
    with _reading(where, NPY), path.open("rb") as opened:
        header = read_header(opened, where)
    if header.offset + header.nbytes != size:
        raise _other_size(where, header, size - header.offset)

    def mapped() -> np.ndarray:
        if not header.nbytes:
            return np.empty(header.shape, header.dtype)
        with _reading(where, NPY):
            order: Any = "F" if header.fortran else "C"
            return np.memmap(path, header.dtype, "r", header.offset, header.shape, order)

    return _held(where, header, mapped)


def _held(where: str, header: Header, mapped: Any) -> Held:
    whole: list[np.ndarray] = []

    def rows(start: int, stop: int) -> np.ndarray:
        if not whole:
            whole.append(mapped())
        return np.array(whole[0][start:stop])

    def samples() -> Samples:
        array = mapped()
        if not isinstance(array, np.memmap):
            return native(array)
        return Stored(array).astype(array.dtype.newbyteorder("="))

    return Held(where, header.shape, header.dtype, rows, samples)


def _npz(file: DataFile) -> dict[str, Held]:
    path, found = file.local(), {}
    with _reading(file.name, NPZ):
        # Opened and closed for each member that is read: nothing stays open that is not used.
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
        for info in infos:
            name = info.filename.removesuffix(".npy")
            if name in found:
                raise DataError(
                    "DA017",
                    where=file.name,
                    expected="arrays with different names",
                    got=f"{name!r} twice",
                    cause="the archive was written by hand, or is damaged",
                    fix="write it with np.savez",
                )
            if info.filename.endswith(".npy"):
                where = f"{file.name}, array {name!r}"
                with _reading(where, NPZ):
                    found[name] = _member(file, path, info, where)
    if not found:
        raise damaged(file.name, NPZ, "no array in it", cause="it is another kind of zip archive, or nothing was saved in it")
    return found


def _member(file: DataFile, path: Path, info: zipfile.ZipInfo, where: str) -> Held:
    check_size(where, info.file_size, file.storage)
    check_ratio(where, info.compress_size, info.file_size, file.storage)
    with zipfile.ZipFile(path) as archive, archive.open(info) as opened:
        header = read_header(opened, where)
    if header.offset + header.nbytes != info.file_size:
        raise _other_size(where, header, info.file_size - header.offset)
    order: Any = "F" if header.fortran else "C"

    def whole() -> np.ndarray:
        with _reading(where, NPZ):
            if info.compress_type == zipfile.ZIP_STORED and header.nbytes:
                place = _place(path, info)
                return np.memmap(path, header.dtype, "r", place + header.offset, header.shape, order)
            with zipfile.ZipFile(path) as archive, archive.open(info) as opened:
                if header.nbytes <= IN_MEMORY_BYTES:
                    opened.read(header.offset)
                    # Read to the end: only then the checksum is looked at.
                    values = np.frombuffer(opened.read() or b"", header.dtype)
                    return values.reshape(header.shape, order=order)
        number = hashlib.blake2b(f"{file.fingerprint}/{info.filename}".encode(), digest_size=16).hexdigest()
        unpacked = kept("array.npy", number, where, lambda: _opened(path, info))
        return np.memmap(unpacked, header.dtype, "r", header.offset, header.shape, order)

    return _held(where, header, whole)


def _opened(path: Path, info: zipfile.ZipInfo) -> Any:
    archive = zipfile.ZipFile(path)
    member = archive.open(info)
    # The member has a handle of its own; the archive's is not needed any more.
    archive.close()
    return member


def _place(path: Path, info: zipfile.ZipInfo) -> int:
    """Where the bytes of a member that isn't compressed begin."""
    with path.open("rb") as opened:
        opened.seek(info.header_offset)
        local = opened.read(30)
    if len(local) < 30 or not local.startswith(b"PK\x03\x04"):
        message = "the archive's list of members points at something else"
        raise zipfile.BadZipFile(message)
    name, extra = struct.unpack("<HH", local[26:30])
    return int(info.header_offset) + 30 + int(name) + int(extra)


def read_header(opened: IO[bytes], where: str) -> Header:
    """The head of an ``.npy``; text that is looked at, never run.

    Raises:
        DataError: DA060, if it is none; DA062 for arrays of objects.
    """
    start = opened.read(8)
    if len(start) < 8 or start[:6] != b"\x93NUMPY" or start[6] not in (1, 2, 3):
        raise damaged(where, NPY, f"a header that begins with {start!r}")
    kind = "<H" if start[6] == 1 else "<I"
    (length,) = struct.unpack(kind, opened.read(struct.calcsize(kind)))
    if length > HEADER_BYTES:
        raise too_much(where, f"a header of at most {HEADER_BYTES:,} bytes", f"{length:,}", "write the array anew")
    raw = opened.read(length)
    text = raw.decode("utf-8" if start[6] == 3 else "latin-1")
    if len(raw) < length or _depth(text) > HEADER_DEPTH:
        raise damaged(where, NPY, "a header that is cut off or nested too deeply")
    try:
        # Python 2 wrote whole numbers as 10L.
        data = ast.literal_eval(re.sub(r"(?<=\d)L\b", "", text) if start[6] < 3 else text)
        shape, fortran = data["shape"], data["fortran_order"]
        descr = data["descr"]
        dtype = np.lib.format.descr_to_dtype(descr)
    except (SyntaxError, ValueError, TypeError, KeyError, AttributeError, RecursionError, MemoryError) as error:
        raise damaged(where, NPY, f"a header that can't be read: {error}") from error
    if not isinstance(shape, tuple) or not all(type(axis) is int and axis >= 0 for axis in shape) or len(shape) > 32:
        raise damaged(where, NPY, f"a header with the shape {str(shape)[:80]}")
    if dtype.hasobject:
        raise refuse_kind(
            where,
            "an array of Python objects",
            cause="objects are stored as a pickle, which can run anything when it is read; it was not read",
            fix="save numbers or text: array.astype(float) or array.astype(str), whichever they are",
        )
    return Header(shape, dtype, bool(fortran), 8 + struct.calcsize(kind) + length)


def _depth(text: str) -> int:
    depth = most = 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        most = max(most, depth)
    return most


def _other_size(where: str, header: Header, size: int) -> DataError:
    shape = " x ".join(map(str, header.shape)) or "a single value"
    if header.nbytes > size:
        return too_much(
            where, f"{size:,} bytes, which are there", f"{shape} of {header.dtype}, {header.nbytes:,} bytes", "get the file once more"
        )
    return damaged(where, NPY, f"{size:,} bytes for {shape} of {header.dtype}, which take {header.nbytes:,}")


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays by name, each to be mapped into memory later; whole or not at all.

    Raises:
        DataError: DA062, for arrays of objects.
    """
    from lamina.files import atomic_write

    for name, array in arrays.items():
        if array.dtype.hasobject:
            where = f"{path}, array {name!r}"
            raise refuse_kind(where, "Python objects", cause="they would have to be pickled")

    def fill(file: IO[bytes]) -> None:
        np.savez(file, allow_pickle=False, **dict(arrays))

    atomic_write(path, fill)

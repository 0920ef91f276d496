"""Samples kept in a file that later runs, and other processes, read too."""

from __future__ import annotations

import hashlib
import os
import weakref
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lamina.data.caching.cache import WHERE, Bytes, Cache, unkeepable
from lamina.errors import DataError
from lamina.spec import register

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.caching.keeper import Keeper
    from lamina.data.groups import LazyGroup

VERSION = 1
_HEADER = 4096
_MARK = 1 << 32
"""Set in the checksum of every sample that is there; holes in a file read as 0."""


@register("disk")
class Disk(Cache):
    """Keeps samples in a file, named by what they are made of; another content makes another file.

    Several processes may fill and read it at once, and a killed one leaves nothing half kept: each sample has a checksum, and one
    that doesn't fit is made anew.

    Of a table, which may be larger than memory, the rows are kept: they are written to files as they come, read from there batch by
    batch, and gone when training is over.

    Attributes:
        path: Folder of the file, relative to the recipe; by default ``samples`` or ``tables`` below ``LAMINA_CACHE``.
        limit: Bytes a file, or all files of a table, may take; data that need more are refused.
    """

    positional: ClassVar[tuple[str, ...]] = ("path",)
    path: str | None = None
    limit: Bytes | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls("kept"), cls("kept", limit="1 GB")]

    def resolve_paths(self, base: Path) -> Self:
        return self if self.path is None else self.replace(path=str(base / self.path))

    def start(self) -> Keeper:
        from lamina.data.caching.keeper import Keeper

        folder = self.folder("samples")
        return Keeper(lambda group: FileStore(group, folder, self.limit))

    def folder(self, below: str) -> Path:
        """Where files lie: in ``path``, or in a folder of this name below ``LAMINA_CACHE``."""
        from lamina.data.storage.cache import cache_folder

        return cache_folder() / below if self.path is None else Path(self.path)


class FileStore:
    """Keeps the samples of a group in a file with a place for each.

    Args:
        group: Whose; it must know what its samples are made of.
        folder: Where.
        limit: Bytes the file may take.

    Raises:
        DataError: DA188, if the group doesn't know what it is made of, or the file would be too large; DA189, if there is another
            file in its place.
    """

    def __init__(self, group: LazyGroup, folder: Path, limit: int | None = None) -> None:
        import numpy as np

        fingerprint = group.fingerprint
        if fingerprint is None:
            raise unkeepable(
                got=f"{type(group).__name__}, which can't say what its samples are made of",
                cause="a file that outlives the run must be known to hold the same samples",
                fix="write cache: memory; an own LazyArray needs a fingerprint",
            )
        shapes = ";".join(f"{name} {shape} {dtype.str}" for name, (shape, dtype) in group.arrays.items())
        self._head = f"lamina samples {VERSION}\n{fingerprint}\n{group.count} samples: {shapes}\n".encode()
        self._parts = {
            name: (shape, dtype, int(np.prod(shape, dtype=np.int64)) * dtype.itemsize) for name, (shape, dtype) in group.arrays.items()
        }
        self._stride = 8 + sum(size for _, _, size in self._parts.values())
        digest = hashlib.blake2b(self._head, digest_size=16).hexdigest()
        self.path = folder / f"{digest}.samples"
        self._create(folder, _HEADER + group.count * self._stride, limit)
        self._file = os.open(self.path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
        weakref.finalize(self, os.close, self._file)
        self._check()

    def _create(self, folder: Path, size: int, limit: int | None) -> None:
        """Make the file, with all its places empty, unless it is there; two who do it at once get the same one."""
        import shutil
        import tempfile

        if self.path.exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if size > (free if limit is None else min(free, limit)):
            within = f"a limit of {limit:,} bytes" if limit is not None and limit < free else f"{free:,} bytes free in {folder}"
            raise unkeepable(
                got=f"{size:,} bytes of samples, with {within}",
                cause="the samples take more room as arrays than in their own files",
                fix="raise limit or free some space, make the samples smaller (size), or write cache: memory",
            )
        handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", suffix=".part", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(self._head.ljust(_HEADER, b"\0"))
                file.truncate(size)
                file.flush()
                os.fsync(file.fileno())
            # A link fails where another process was faster; a replacement would take its file away under its hands.
            os.link(name, self.path)
        except FileExistsError:
            pass
        finally:
            Path(name).unlink(missing_ok=True)

    def _check(self) -> None:
        if os.pread(self._file, len(self._head) + 1, 0)[: len(self._head)] == self._head:
            return
        raise DataError(
            "DA189",
            where=f"{WHERE}, {self.path}",
            expected=f"the samples that its name stands for, written by version {VERSION}",
            got="another beginning",
            cause="the file was overwritten or damaged",
            fix=f"delete it; it is made anew: rm {self.path}",
        )

    def read(self, samples: np.ndarray, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        import numpy as np

        there = np.zeros(len(samples), dtype=bool)
        for row, sample in enumerate(samples.tolist()):
            record = os.pread(self._file, self._stride, _HEADER + sample * self._stride)
            if len(record) != self._stride or int.from_bytes(record[:8], "little") != _checksum(record[8:]):
                continue
            there[row], start = True, 8
            for name, (shape, dtype, size) in self._parts.items():
                arrays[name][row] = np.frombuffer(record, dtype, size // max(1, dtype.itemsize), start).reshape(shape)
                start += size
        return there

    def write(self, samples: np.ndarray, arrays: Mapping[str, np.ndarray]) -> None:
        import numpy as np

        for row, sample in enumerate(samples.tolist()):
            content = b"".join(np.ascontiguousarray(arrays[name][row], dtype).tobytes() for name, (_, dtype, _) in self._parts.items())
            # One write for a sample and its checksum: of a half-written one the checksum is wrong.
            os.pwrite(self._file, _checksum(content).to_bytes(8, "little") + content, _HEADER + sample * self._stride)


def _checksum(content: bytes) -> int:
    return zlib.crc32(content) | _MARK

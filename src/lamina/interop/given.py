"""The files of a model, as they were given."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from lamina.errors import InteropError
from lamina.interop.zips import ZipMembers

HEAD = 4096
"""Bytes at the beginning of a file by which its format is recognised."""


class Given:
    """One or several files, of which one may be a folder.

    Args:
        paths: The files; the first is the one that describes the network, where there are several.

    Attributes:
        paths: The same as paths.

    Raises:
        InteropError: IO001, if one of them isn't there.
    """

    def __init__(self, paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> None:
        listed = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
        self.paths = tuple(Path(path) for path in listed)
        missing = [path for path in self.paths if not path.exists()]
        if missing or not self.paths:
            raise InteropError(
                "IO001",
                where=", ".join(map(str, missing)) or "the paths",
                expected="files of a model",
                got="no such file" if missing else "no path",
                cause="the path is mistyped, or the file isn't there yet",
                fix="check the path",
            )

    @property
    def path(self) -> Path:
        """The first."""
        return self.paths[0]

    @cached_property
    def head(self) -> bytes:
        """The beginning of the first file; of a folder, nothing."""
        if self.path.is_dir():
            return b""
        with self.path.open("rb") as file:
            return file.read(HEAD)

    @property
    def is_zip(self) -> bool:
        """Whether the first file is a zip archive."""
        return self.head.startswith(b"PK\x03\x04")

    @cached_property
    def members(self) -> ZipMembers:
        """The members of the first file, a zip archive.

        Raises:
            InteropError: IO002 or IO003.
        """
        return ZipMembers(self.path)

    def __str__(self) -> str:
        return ", ".join(map(str, self.paths))

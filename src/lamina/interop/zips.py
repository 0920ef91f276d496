"""Members of zip files, bounded: nothing is unpacked that is larger than its file can honestly be."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path

from lamina.interop.problems import damaged, too_large

MOST_MEMBERS = 100_000
"""Members a model may have."""
FREE_BYTES = 64 * 1024 * 1024
"""What the members together may have in any case ..."""
MOST_GROWTH = 24
"""... and by how much more they may grow for each byte of the file: weights hardly shrink, and beside them may be much that is zero."""
FAULTS = (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError, struct.error, zlib.error)


class ZipMembers:
    """The members of a zip file, checked against its size.

    Args:
        path: The file.

    Raises:
        InteropError: IO002, if it is damaged; IO003, if its members are larger than its size allows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                infos = archive.infolist()
        except FAULTS as error:
            raise damaged(where=str(path), expected="a whole zip file", got=str(error) or type(error).__name__) from error
        if len(infos) > MOST_MEMBERS:
            raise too_large(where=str(path), expected=f"at most {MOST_MEMBERS:,} members", got=f"{len(infos):,}")
        self.sizes = {info.filename: info.file_size for info in infos}
        room = FREE_BYTES + MOST_GROWTH * path.stat().st_size
        if sum(info.file_size for info in infos) > room:
            raise too_large(
                where=str(path),
                expected=f"members of at most {room:,} bytes together in a file of {path.stat().st_size:,}",
                got=f"{sum(info.file_size for info in infos):,} bytes",
            )

    def __contains__(self, name: str) -> bool:
        return name in self.sizes

    def where(self, name: str) -> str:
        """A member's place, for messages."""
        return f"{self.path}, member {name}"

    def read(self, name: str, most: int | None = None) -> bytes:
        """The bytes of a member.

        Args:
            name: The member.
            most: Most bytes it may have.

        Raises:
            InteropError: IO002, if it isn't there or is damaged; IO003, if it is too large.
        """
        if name not in self.sizes:
            raise damaged(where=self.where(name), expected=f"one of {', '.join(list(self.sizes)[:8])}", got="no such member")
        size = self.sizes[name]
        if most is not None and size > most:
            raise too_large(where=self.where(name), expected=f"at most {most:,} bytes", got=f"{size:,}")
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(name) as file:
                # One byte more than declared shows a member that goes on.
                found = file.read(size + 1)
        except FAULTS as error:
            raise damaged(where=self.where(name), expected=f"{size:,} bytes", got=str(error) or type(error).__name__) from error
        if len(found) != size:
            raise damaged(where=self.where(name), expected=f"{size:,} bytes", got=f"{len(found):,}")
        return found

"""Writing files so that a crash leaves either the old one or the new one, never half of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO


def atomic_write(path: str | os.PathLike[str], fill: Callable[[IO[bytes]], object]) -> None:
    """Write a file through a temporary one in the same folder: fill, fsync, rename, fsync of the folder.

    Args:
        path: Where the file shall be. What was there stays until the new one is safe.
        fill: Writes the content into the open binary file it is given.

    Raises:
        OSError: If the folder is missing, the disk is full and so on; the temporary file is removed.

    Example:
        >>> import tempfile, pathlib
        >>> target = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
        >>> atomic_write(target, lambda file: file.write(b"kept"))
        >>> target.read_text()
        'kept'
    """
    target = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=TEMPORARY, dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes the file readable by its owner alone; a model is as public as any other new file.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


TEMPORARY = ".part"
"""How names of temporary files end; a killed process may leave one behind, which nothing ever reads."""


def atomic_write_text(path: str | os.PathLike[str], text: str) -> None:
    """`atomic_write` for text in UTF-8."""
    atomic_write(path, lambda file: file.write(text.encode()))


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Make the names in a folder safe on disk; a rename is only then."""
    if os.name == "nt":  # Windows can't open folders, and syncs names with the files.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    # The mask can only be read by setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask

"""One process at a time in a run directory.

The operating system's own file lock is what holds; it ends with the process, however that ends, so a lock is never stale. What
stands in the file (process, host, time since boot) is for the message alone.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lamina.errors import StartError

LOCK = ".lock"


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold a folder while the body runs.

    Raises:
        StartError: TR003, if another process holds it.
    """
    path = folder / LOCK
    descriptor = _acquire(path)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(_owner()).encode())
        yield
    finally:
        # Removed while still held: whoever opened it before sees below that it is no longer the file of this name.
        if os.name != "nt":
            path.unlink(missing_ok=True)
        os.close(descriptor)


def _acquire(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if not _try_lock(descriptor):
            held = _shown(descriptor)
            os.close(descriptor)
            raise StartError(
                "TR003",
                where=str(path.parent),
                expected="a folder in which nothing else trains",
                got=held,
                cause="the same run was started or resumed twice",
                fix="wait for it or stop it, or give this run another --run-dir",
            )
        try:
            same = os.path.samestat(os.fstat(descriptor), path.stat())
        except FileNotFoundError:
            same = False
        if same:
            return descriptor
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            # A byte far behind the text, so that others can still read who holds the lock.
            os.lseek(descriptor, 1 << 20, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _owner() -> dict[str, object]:
    return {"process": os.getpid(), "host": platform.node(), "seconds_since_boot": round(time.monotonic())}


def _shown(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        owner = json.loads(os.read(descriptor, 4096))
        return f"process {owner['process']} on {owner['host']} trains here"
    except (ValueError, KeyError, TypeError):
        return "another process trains here"

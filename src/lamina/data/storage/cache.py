"""Where files are kept that were fetched or unpacked: below ``LAMINA_CACHE``; all of it may be deleted at any time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from lamina.data.storage.problems import no_room
from lamina.files import atomic_write

CACHE, OFFLINE = "LAMINA_CACHE", "LAMINA_OFFLINE"
_COPY = 1 << 20


def cache_folder() -> Path:
    """Where downloads are kept: ``LAMINA_CACHE``, or ``~/.cache/lamina``."""
    own = os.environ.get(CACHE)
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lamina"


def is_offline() -> bool:
    """Whether ``LAMINA_OFFLINE`` forbids to use the network."""
    return os.environ.get(OFFLINE, "") not in ("", "0")


def kept(name: str, fingerprint: str, where: str, source: Callable[[], BinaryIO]) -> Path:
    """The file of this fingerprint in the cache, written there first if need be; whole or not at all.

    Args:
        name: Its name, without folders.
        fingerprint: Names the folder.
        where: For messages.
        source: Opens what is written.

    Raises:
        DataError: DA049, if there is no room; what the source raises.
    """
    target = cache_folder() / "files" / fingerprint / name
    if target.is_file():
        return target
    with source() as content:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(target, lambda file: shutil.copyfileobj(content, file, _COPY))
        except OSError as error:
            raise no_room(where, cache_folder(), error) from error
    return target

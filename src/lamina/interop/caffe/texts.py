"""Text files, bounded."""

from __future__ import annotations

from pathlib import Path

from lamina.interop.problems import damaged, too_large

MOST_BYTES = 1 << 25


def text_of(path: Path) -> str:
    """The characters of a file.

    Raises:
        InteropError: IO003, if it is larger than any network is; IO002, if it is no text.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise too_large(where=str(path), expected=f"at most {MOST_BYTES:,} bytes of text", got=f"{size:,}")
    try:
        return path.read_bytes().decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise damaged(where=str(path), expected="text in UTF-8", got=repr(error.object[error.start : error.start + 20])) from error

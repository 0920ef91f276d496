"""Texts as they come: are they texts at all, and how much memory would they take?"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lamina.errors import DataError

SHARE = 0.5
"""Of the machine's memory, the most that one array of texts may take."""
UNKNOWN_MEMORY = 8 << 30
"""Bytes that a machine has that doesn't say."""


def checked(texts: Sequence[Any], where: str = "the texts", start: int = 0) -> list[str]:
    """The same texts, found to be texts.

    Args:
        texts: Strings.
        where: For messages.
        start: Number of the first one, for messages.

    Raises:
        DataError: DA160, naming the first that is no text in Unicode.

    Example:
        >>> checked(["a", "b"])
        ['a', 'b']
    """
    if isinstance(texts, str):
        raise _no_text(where=where, expected="a list of texts", got="one text", fix="write it in brackets: [text]")
    for number, text in enumerate(texts, start):
        if not isinstance(text, str):
            shown = f"{str(text)[:40]!r} ({type(text).__name__})"
            raise _no_text(
                where=f"{where}, number {number}", expected="a text", got=shown, fix="give an empty text for one that is missing"
            )
        if not text.isascii() and not _whole(text):
            place = next(place for place, letter in enumerate(text) if "\ud800" <= letter <= "\udfff")
            raise _no_text(
                where=f"{where}, number {number}, character {place}",
                expected="text in Unicode",
                got=f"{text[place]!r}, half of a character",
                fix='mend the text where it was cut, or leave the half out: text.encode("utf-8", "ignore").decode()',
            )
    return list(texts)


def checked_one_by_one(texts: Iterable[Any], where: str = "the texts") -> Iterator[str]:
    """As `checked`, for texts that come one after the other."""
    for number, text in enumerate(texts):
        yield checked([text], where, number)[0]


def _whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_text(*, where: str, expected: str, got: str, fix: str) -> DataError:
    return DataError("DA160", where=where, expected=expected, got=got, cause="the column holds something else, or is damaged", fix=fix)


def memory_bytes() -> int:
    """Bytes of memory that the machine has."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # pragma: no cover - Windows doesn't say
        return UNKNOWN_MEMORY


def check_room(rows: int, width: int, *, what: str, fix: str, width_is: str) -> None:
    """See that an array of 8-byte numbers can be made.

    Args:
        rows: Texts.
        width: Numbers for each.
        what: What they become, such as ``tokens``.
        fix: What would make them fewer.
        width_is: Where the width comes from.

    Raises:
        DataError: DA162, if it would take more than `SHARE` of the memory.
    """
    wanted, most = rows * width * 8, int(memory_bytes() * SHARE)
    if wanted > most:
        raise DataError(
            "DA162",
            where=f"{rows:,} texts as {what}",
            expected=f"at most {most / 2**30:.1f} GiB, half of this machine's memory",
            got=f"{wanted / 2**30:,.1f} GiB: {rows:,} rows of {width:,} numbers of 8 bytes",
            cause=width_is,
            fix=fix,
        )

"""Formats of times, in the directives of Python's ``strftime``, taken apart so that both engines read and write them alike."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

DIRECTIVES = "YymdHIMSfpbBaAjz%"
SHORT_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# What each directive reads: one or two digits between other characters, two next to another number.
_LOOSE = {
    "m": "1[0-2]|0?[1-9]",
    "d": "3[01]|[12][0-9]|0?[1-9]",
    "H": "2[0-3]|[01]?[0-9]",
    "I": "1[0-2]|0?[1-9]",
    "M": "[0-5]?[0-9]",
    "S": "[0-5]?[0-9]",
}
_STRICT = {
    "Y": "[0-9]{4}",
    "y": "[0-9]{2}",
    "m": "1[0-2]|0[1-9]",
    "d": "3[01]|[12][0-9]|0[1-9]",
    "H": "2[0-3]|[01][0-9]",
    "I": "1[0-2]|0[1-9]",
    "M": "[0-5][0-9]",
    "S": "[0-5][0-9]",
    "f": "[0-9]{1,6}",
    "p": "[AaPp][Mm]",
    "z": "Z|[+-][0-9]{2}:?[0-9]{2}",
}


class FormatError(ValueError):
    """A format that both engines can't follow.

    Attributes:
        fix: What to write.
    """

    def __init__(self, *, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.fix = fix


@dataclass(frozen=True)
class TimeFormat:
    """A format taken apart.

    Attributes:
        pieces: Directives (their letter) and the text between, in order; a directive is a pair of True and its letter.
        pattern: A regular expression of the whole text, a group for each directive of ``read``.
        read: Directives that carry something, in order of their groups.
    """

    pieces: tuple[tuple[bool, str], ...]
    pattern: str
    read: tuple[str, ...]


@functools.lru_cache(maxsize=256)
def take_apart(text: str) -> TimeFormat:
    """The parts of a format.

    Raises:
        FormatError: For a directive that isn't there.

    Example:
        >>> take_apart("%d.%m.%Y").read
        ('d', 'm', 'Y')
    """
    pieces: list[tuple[bool, str]] = []
    expanded = text.replace("%%", "\0").replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S").replace("%R", "%H:%M").replace("\0", "%%")
    at = 0
    while at < len(expanded):
        letter = expanded[at]
        if letter != "%":
            pieces.append((False, letter))
            at += 1
            continue
        directive = expanded[at + 1 : at + 2]
        if directive not in DIRECTIVES or not directive:
            known = " ".join([f"%{one}" for one in DIRECTIVES])
            raise FormatError(problem=f"there is no %{directive} here", fix=f"use {known} %F %T")
        pieces.append((False, "%") if directive == "%" else (True, directive))
        at += 2
    pattern, read = "", []
    for index, (is_directive, piece) in enumerate(pieces):
        if not is_directive:
            pattern += re.escape(piece) if piece.isascii() else piece
        elif piece in ("b", "B", "a", "A"):
            names = MONTHS if piece in "bB" else DAYS
            words = [name if piece in "BA" else name[:3] for name in names]
            choices = "|".join(["".join([f"[{letter.upper()}{letter.lower()}]" for letter in word]) for word in words])
            pattern += f"({choices})" if piece in "bB" else f"(?:{choices})"
            read += [piece] if piece in "bB" else []
        elif piece == "j":
            pattern += "(?:[0-9]{1,3})"
        else:
            beside = pieces[index - 1 : index] + pieces[index + 1 : index + 2]
            tight = any((kind and one in "YymdHIMSfj") or (not kind and one.isdigit()) for kind, one in beside)
            pattern += f"({_STRICT[piece] if tight or piece not in _LOOSE else _LOOSE[piece]})"
            read.append(piece)
    return TimeFormat(tuple(pieces), pattern, tuple(read))


def check_reading(text: str) -> None:
    """Whether a time can be read by a format.

    Raises:
        FormatError: If a part is missing or there twice.
    """
    read = take_apart(text).read
    parts = ["".join([one for one in read if one in same]) for same in ("Yy", "mbB", "d", "HI", "M", "S", "f", "p", "z")]
    if any(len(part) > 1 for part in parts):
        raise FormatError(problem="a part is there twice", fix="name the year, month, day, hour, minute and second once")
    if "%j" in text.replace("%%", ""):
        raise FormatError(problem="%j (day of the year) can be written, not read", fix="read month and day")
    if not parts[0] or not parts[1] or not parts[2]:
        raise FormatError(
            problem="the year, the month or the day is missing", fix="write a format such as '%Y-%m-%d'; complete the text with concat"
        )
    if ("I" in read) != ("p" in read):
        raise FormatError(problem="%I and %p (hours of 12, AM or PM) belong together", fix="write both, or %H")

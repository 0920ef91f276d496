"""Patterns of Joda-Time, as expressions that read and write times the same way."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamina.data.pipeline.datavec.columns import constant

if TYPE_CHECKING:
    from lamina.data.pipeline.datavec.reading import Node

PIVOT = 2045
"""Of a year of two digits: the last that it can mean, as Joda-Time has it in 2026; it moves along with the years there."""
_LETTERS = re.compile(r"([A-Za-z])\1*")
_QUOTED = re.compile(r"'((?:[^']|'')*)(?:'|$)")
_READ = {"M": "%m", "d": "%d", "H": "%H", "h": "%I", "m": "%M", "s": "%S", "a": "%p", "Z": "%z"}
_TWO = {"M": "%m", "d": "%d", "H": "%H", "h": "%I", "m": "%M", "s": "%S"}
_PARTS = {"M": "month", "d": "day", "H": "hour", "m": "minute", "s": "second", "D": "day_of_year", "w": "week", "e": "day_of_week"}


@dataclass(frozen=True)
class Token:
    """A part of a pattern: a letter and how often it stands there, or the text between.

    Attributes:
        letter: The letter; empty for text.
        count: How often.
        text: The text.
    """

    letter: str = ""
    count: int = 0
    text: str = ""


def tokens(pattern: str) -> list[Token]:
    """The parts of a pattern.

    Example:
        >>> [token.letter or token.text for token in tokens("yyyy-MM-dd'T'HH")]
        ['y', '-', 'M', '-', 'd', 'T', 'H']
    """
    found: list[Token] = []
    place = 0
    while place < len(pattern):
        letters = _LETTERS.match(pattern, place)
        if letters is not None:
            found.append(Token(letters[1], len(letters[0])))
            place = letters.end()
            continue
        if pattern[place] != "'":
            found.append(Token(text=pattern[place]))
            place += 1
            continue
        quoted = _QUOTED.match(pattern, place)
        text = "" if quoted is None else quoted[1]
        # Two quotes stand for one, inside of quoted text and alone.
        found.append(Token(text=text.replace("''", "'") or "'"))
        place = len(pattern) if quoted is None else quoted.end()
    return found


# -- reading ----------------------------------------------------------------------------------------------------------


def reading(x: str, pattern: str, zone: str, node: Node, key: str) -> str:
    """A text as a time; missing where it doesn't fit.

    Args:
        x: The text, an expression.
        pattern: Of Joda-Time.
        zone: In which clocks show it.
        node: For messages.
        key: Setting with the pattern.

    Raises:
        DataError: DA245, for a pattern that can't be followed.
    """
    parts = tokens(pattern)
    letters = [part.letter for part in parts if part.letter]
    # A part that isn't there is that of the start of 1970; of 2000, where there is a day of the year without a year.
    year = {"y", "Y"} & {*letters}
    before, after, front, back = "", "", "", ""
    if not year:
        front, before = ("2000-", "%Y-") if {"M", "d"} & {*letters} else ("1970-", "%Y-")
    if "M" not in letters:
        front, before = f"{front}01-", f"{before}%m-"
    if "d" not in letters:
        front, before = f"{front}01-", f"{before}%d-"
    if "h" in letters and "a" not in letters:
        back, after = " AM", " %p"
    if "a" in letters and "h" not in letters:
        raise _refused(node, key, "a together with h, the hours that it is about")
    choices = [_read(part, node, key) for part in parts]
    formats = ["".join(one) for one in itertools.product(*choices)]
    text = x
    if front or back:
        pieces = [constant(piece) if piece else "" for piece in (front, "", back)]
        text = f"concat({', '.join(filter(None, (pieces[0], x, pieces[2])))})"
    moments = [f"parse_time({text}, {constant(before + one + after)}, {constant(zone)})" for one in formats]
    moment = moments[0] if len(moments) == 1 else f"coalesce({', '.join(moments)})"
    if any(part.letter in ("y", "Y") and part.count == 2 for part in parts):
        return f"where(year({moment}) > {PIVOT}, add_time({moment}, -100, 'year'), {moment})"
    return moment


def _read(part: Token, node: Node, key: str) -> list[str]:
    """What a part can be in a format of Python."""
    if not part.letter:
        return [part.text.replace("%", "%%")]
    if part.letter in ("y", "Y"):
        return ["%y" if part.count == 2 else "%Y"]
    if part.letter == "M" and part.count >= 3:
        return ["%b", "%B"]
    if part.letter == "E":
        return ["%a", "%A"]
    if part.letter == "S":
        return ["%f"]
    if part.letter in _READ:
        return [_READ[part.letter]]
    raise _refused(node, key, "letters among y Y M d E H h m s S a Z, which can be read")


# -- writing ----------------------------------------------------------------------------------------------------------


def writing(t: str, pattern: str, zone: str, node: Node, key: str) -> str:
    """A time as text.

    Args:
        t: The time, an expression.
        pattern: Of Joda-Time.
        zone: In which it is told.
        node: For messages.
        key: Setting with the pattern.

    Raises:
        DataError: DA245, for a pattern that can't be followed.
    """
    pieces: list[str] = []
    plain = ""
    where = constant(zone)
    for part in tokens(pattern):
        simple = _written(part)
        if simple is not None:
            plain += simple
            continue
        if plain:
            pieces.append(f"format_time({t}, {constant(plain)}, {where})")
            plain = ""
        pieces.append(_computed(part, t, zone, node, key))
    if plain or not pieces:
        pieces.append(f"format_time({t}, {constant(plain)}, {where})")
    return pieces[0] if len(pieces) == 1 else f"concat({', '.join(pieces)})"


def _written(part: Token) -> str | None:
    """A part as a directive of Python; None for one that must be computed."""
    if not part.letter:
        return part.text.replace("%", "%%")
    if part.letter in ("y", "Y") and part.count in (1, 2, 3, 4):
        return "%y" if part.count == 2 else "%Y"
    if part.letter == "M" and part.count >= 3:
        return "%b" if part.count == 3 else "%B"
    if part.letter == "E":
        return "%a" if part.count <= 3 else "%A"
    if part.letter == "a":
        return "%p"
    if part.letter == "S" and part.count == 6:
        return "%f"
    if part.letter == "G":
        return "AD"
    return _TWO.get(part.letter) if part.count == 2 else None


def _computed(part: Token, t: str, zone: str, node: Node, key: str) -> str:
    where = constant(zone)
    hour = f"hour({t}, {where})"
    thursday = f"add_time(to_zone({t}, {where}), 4 - day_of_week({t}, {where}), 'day')"
    numbers = {letter: f"{name}({t}, {where})" for letter, name in _PARTS.items()} | {
        "h": f"(({hour} + 11) % 12 + 1)",
        "K": f"({hour} % 12)",
        "k": f"(({hour} + 23) % 24 + 1)",
        "y": f"year({t}, {where})",
        "Y": f"year({t}, {where})",
        "x": f"year({thursday}, {where})",
        "C": f"(year({t}, {where}) // 100)",
    }
    if part.letter == "S":
        digits = f"slice(format_time({t}, '%f', {where}), 0, {min(part.count, 6)})"
        return digits if part.count < 6 else f"pad_right({digits}, {part.count}, '0')"
    if part.letter in numbers:
        value = f"string({numbers[part.letter]})"
        return value if part.count == 1 else f"pad_left({value}, {part.count}, '0')"
    if zone == "UTC" and part.letter in ("z", "Z"):
        names = {1: "+0000", 2: "+00:00"}
        return constant(names.get(part.count, "UTC") if part.letter == "Z" else "UTC" if part.count < 4 else "Coordinated Universal Time")
    raise _refused(node, key, "letters among G C x w e E y Y D M a K h H k d m s S; z and Z in UTC")


def _refused(node: Node, key: str, expected: str) -> Exception:
    return node.error(
        "DA245",
        where=key,
        expected=expected,
        got=repr(node.at(key).data)[:80],
        cause="the pattern asks for something that can't be told in the same way here",
        fix="change the pattern, or register a function that reads the text and derive the column by it",
        place=(*node.path, key),
    )

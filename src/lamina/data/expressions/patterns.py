r"""Regular expressions that mean the same to Polars (Rust) and to Spark (Java): a common subset, read and written anew for each.

What there is: characters, ``.`` (all but a line feed), ``[a-z]`` and ``[^a-z]``, ``\d \D \w \W \s \S`` (of ASCII), ``\b``, ``^``
and ``$`` (start and end of the text), groups ``( )`` and ``(?: )``, ``|``, ``* + ? {2,5}`` and these with ``?`` behind, and ``(?i)`` in
front. Looking ahead or behind, references to groups, possessive quantifiers and classes by property are refused: one of the engines has
none, or means another thing by it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

MOST_CHARACTERS = 2_000
MOST_REPEATS = 1_000
MOST_NESTING = 50
_SETS = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\x0b\f\r "}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_WORD = "[0-9A-Za-z_]"
_JAVA_EDGE = f"(?:(?<={_WORD})(?!{_WORD})|(?<!{_WORD})(?={_WORD}))"


class PatternError(ValueError):
    """A pattern that isn't of the common subset.

    Attributes:
        at: Where in the pattern.
        fix: What to write.
    """

    def __init__(self, at: int, message: str, fix: str) -> None:
        super().__init__(message)
        self.at, self.fix = at, fix


@dataclass(frozen=True)
class Pattern:
    """A pattern for both engines.

    Attributes:
        rust: As Polars takes it.
        java: As Spark takes it.
        groups: How many groups it has.
        empty: Whether it can match an empty text.
        native: Whether Java matches it in bounded time and stack, and every group takes part in every match; if not, Polars runs it
            for Spark too.
    """

    rust: str
    java: str
    groups: int
    empty: bool
    native: bool

    @property
    def whole(self) -> tuple[str, str]:
        """For Polars and for Spark: the pattern that must match all of a text."""
        return f"^(?:{self.rust})$", rf"\A(?:{self.java})\z"


@functools.lru_cache(maxsize=256)
def read_pattern(text: str) -> Pattern:
    r"""The pattern for both engines.

    Raises:
        PatternError: If it isn't of the common subset.

    Example:
        >>> read_pattern(r"(?i)id (\d+)$").java
        '[Ii][Dd] ([0-9]+)\\z'
    """
    if len(text) > MOST_CHARACTERS:
        raise PatternError(0, f"a pattern of {len(text)} characters", f"write one of at most {MOST_CHARACTERS}")
    reader = _Reader(text)
    rust, java, empty = reader.alternatives(0)
    if reader.at < len(text):
        raise PatternError(reader.at, "a closing bracket without an opening one", r"write \) for the character")
    return Pattern(rust, java, reader.groups, empty, reader.native)


def read_replacement(text: str, groups: int) -> tuple[str, str]:
    """For Polars and for Spark: the text that replaces a match; ``$1`` or ``${1}`` is what a group matched, ``$$`` a dollar.

    Raises:
        PatternError: If it names a group that isn't there.

    Example:
        >>> read_replacement("$2-$1", 2)
        ('${2}-${1}', '$2-$1')
    """
    rust, java, at = "", "", 0
    while at < len(text):
        letter = text[at]
        at += 1
        if letter == "\\":
            rust, java = rust + "\\", java + "\\\\"
            continue
        if letter != "$":
            # Java reads as many digits after a dollar as there are groups.
            java += f"\\{letter}" if letter.isascii() and letter.isdigit() and java[-2:-1] == "$" else letter
            rust += letter
            continue
        if text[at : at + 1] == "$":
            rust, java, at = rust + "$$", java + r"\$", at + 1
            continue
        braced = text[at : at + 1] == "{"
        number = text[at + braced : at + braced + 1]
        if not (number.isascii() and number.isdigit()) or (braced and text[at + 2 : at + 3] != "}"):
            raise PatternError(at - 1, "a dollar without the number of a group", "write $1 for the first group, $$ for a dollar")
        if int(number) > groups:
            raise PatternError(at - 1, f"the pattern has {groups} groups, there is no ${number}", "put ( ) around what you want to keep")
        rust, java, at = rust + "${" + number + "}", java + f"${number}", at + 1 + 2 * braced
    return rust, java


class _Reader:
    """Reads from left to right, and writes both dialects; what it gives is rust, java, and whether an empty text matches."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.groups, self.native = text, 0, 0, True
        self.ignores_case = text.startswith("(?i)")
        self.at = 4 if self.ignores_case else 0

    def alternatives(self, depth: int) -> tuple[str, str, bool]:
        if depth > MOST_NESTING:
            raise PatternError(self.at, "too many groups inside one another", "write a simpler pattern")
        rusts, javas, empties, groups = [], [], [], self.groups
        while True:
            rust, java, empty = self._sequence(depth)
            rusts.append(rust)
            javas.append(java)
            empties.append(empty)
            if self._next() != "|":
                break
            self.at += 1
        if len(rusts) > 1 and self.groups > groups:
            self.native = False  # A group that took no part is missing on Polars, and empty on Spark.
        return "|".join(rusts), "|".join(javas), any(empties)

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _sequence(self, depth: int) -> tuple[str, str, bool]:
        rust, java, empty = "", "", True
        while self._next() not in ("", "|", ")"):
            start, groups = self.at, self.groups
            one_rust, one_java, one_empty, is_group = self._atom(depth)
            mark, least, most = self._quantifier(start)
            if mark:
                if one_rust in ("^", "$") or one_java == _JAVA_EDGE:
                    raise PatternError(start, "a place that is repeated", "remove the quantifier")
                if is_group and most is None:
                    self.native = False  # Java recurses, and may try each of exponentially many ways.
                if self.groups > groups:
                    self.native = False
            rust, java = rust + one_rust + mark, java + one_java + mark
            empty = empty and (one_empty or (bool(mark) and least == 0))
        return rust, java, empty

    def _atom(self, depth: int) -> tuple[str, str, bool, bool]:
        at, letter = self.at, self._next()
        self.at += 1
        if letter == "(":
            return self._group(at, depth)
        if letter == "[":
            found = self._class(at)
            return found, found, False, False
        if letter == ".":
            return r"[^\n]", r"[^\n]", False, False
        if letter == "^":
            return "^", "^", True, False
        if letter == "$":
            return "$", r"\z", True, False
        if letter == "\\":
            return self._escape(at)
        if letter in "*+?{":
            raise PatternError(at, f"{letter!r} with nothing before it to repeat", rf"write \{letter} for the character")
        return (*self._character(letter), False, False)

    def _group(self, at: int, depth: int) -> tuple[str, str, bool, bool]:
        opening, rest = "(", self.text[self.at :]
        if rest.startswith("?:"):
            opening, self.at = "(?:", self.at + 2
        elif rest.startswith(("?P<", "?<")) and not rest.startswith(("?<=", "?<!")):
            end = rest.find(">")
            if end < 0:
                raise PatternError(at, "a group whose name doesn't end", "write ( ) and its number")
            self.at += end + 1
            self.groups += 1
        elif rest.startswith("?"):
            raise PatternError(at, f"({rest[:3]}...", "write ( ), (?: ), or (?i) at the very start; there is no looking ahead or behind")
        else:
            self.groups += 1
        rust, java, empty = self.alternatives(depth + 1)
        if self._next() != ")":
            raise PatternError(at, "a group that isn't closed", r"close it with ), or write \( for the character")
        self.at += 1
        return f"{opening}{rust})", f"{opening}{java})", empty, True

    def _escape(self, at: int) -> tuple[str, str, bool, bool]:
        letter = self._next()
        if letter == "b":
            self.at += 1
            return r"(?-u:\b)", _JAVA_EDGE, True, False
        if letter.lower() in _SETS and letter:
            self.at += 1
            found = f"[{'^' if letter.isupper() else ''}{_SETS[letter.lower()]}]"
            return found, found, False, False
        return (*self._character(self._escaped(at)), False, False)

    def _escaped(self, at: int) -> str:
        """The character that an escape stands for."""
        letter = self._next()
        self.at += 1
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        if letter in ("x", "u"):
            digits = self.text[self.at : self.at + (2 if letter == "x" else 4)]
            self.at += len(digits)
            try:
                found = chr(int(digits, 16))
            except ValueError:
                found = ""
            if len(digits) == (2 if letter == "x" else 4) and found and not "\ud800" <= found <= "\udfff":
                return found
        elif letter and not (letter.isascii() and letter.isalnum()):
            return letter
        raise PatternError(at, f"\\{letter}", r"use \d \w \s \b \t \n \x41 \u00e9, and \ before punctuation")

    def _character(self, letter: str) -> tuple[str, str]:
        forms = self._forms(letter)
        found = _quoted(letter) if len(forms) == 1 else f"[{''.join([_quoted(form) for form in forms])}]"
        return found, found

    def _forms(self, letter: str) -> list[str]:
        if not self.ignores_case:
            return [letter]
        return sorted({form for form in (letter, letter.lower(), letter.upper()) if len(form) == 1})

    def _class(self, start: int) -> str:
        negated = self._next() == "^"
        self.at += negated
        parts: list[str] = []
        while self._next() != "]" or not parts:
            at, letter = self.at, self._next()
            if not letter:
                raise PatternError(start, "a class that isn't closed", r"close it with ], or write \[ for the character")
            if letter == "[" or self.text[self.at : self.at + 2] in ("&&", "--", "~~"):
                raise PatternError(at, f"{self.text[self.at : self.at + 2]!r} inside a class", r"write \[ \& \- \~ for the characters")
            if letter == "\\" and self.text[self.at + 1 : self.at + 2] in _SETS:
                parts.append(_SETS[self.text[self.at + 1]])
                self.at += 2
                continue
            low = self._member(at)
            if self._next() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self._member(self.at)
                if high < low:
                    raise PatternError(at, f"a range from {low!r} to {high!r}", "exchange them")
                parts.extend(self._range(low, high))
            else:
                parts.extend(_quoted(form) for form in self._forms(low))
        self.at += 1
        return f"[{'^' if negated else ''}{''.join(parts)}]"

    def _member(self, at: int) -> str:
        letter = self._next()
        self.at += 1
        return self._escaped(at) if letter == "\\" else letter

    def _range(self, low: str, high: str) -> list[str]:
        found = [f"{_quoted(low)}-{_quoted(high)}"]
        if self.ignores_case:
            for first, last, shift in (("a", "z", -32), ("A", "Z", 32)):
                begin, end = max(low, first), min(high, last)
                if begin <= end:
                    found.append(f"{chr(ord(begin) + shift)}-{chr(ord(end) + shift)}")
        return found

    def _quantifier(self, start: int) -> tuple[str, int, int | None]:
        letter = self._next()
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(letter, (1, 1))
        mark = letter if letter in ("*", "+", "?") else ""
        self.at += len(mark)
        if letter == "{":
            inside, closed, _ = self.text[self.at + 1 :].partition("}")
            numbers = inside.split(",")
            if not closed or len(numbers) > 2 or not all(n.isascii() and n.isdigit() or (n == "" and i) for i, n in enumerate(numbers)):
                raise PatternError(self.at, "a brace that is no quantifier", r"write {2}, {2,} or {2,5}, or \{ for the character")
            least = int(numbers[0][:6])
            most = int(numbers[-1][:6]) if numbers[-1] else None
            if max(least, most or 0) > MOST_REPEATS or (most is not None and most < least):
                raise PatternError(self.at, f"{{{inside}}}", f"write at most {MOST_REPEATS} repeats, the smaller number first")
            mark = f"{{{inside}}}"
            self.at += len(mark)
        if mark and self._next() == "?":
            mark, self.at = mark + "?", self.at + 1
        if mark and self._next() in ("*", "+", "?", "{"):
            raise PatternError(start, "a quantifier on a quantifier", "write one; there are no possessive ones")
        return mark, least, most


def _quoted(letter: str) -> str:
    """A character as both engines take it, in a class and outside."""
    if letter in "\t\n\r\f\v\0" or (letter < " "):
        return f"\\x{ord(letter):02x}"
    return f"\\{letter}" if letter.isascii() and not letter.isalnum() and letter not in " _\"'#%,/:;<=>@`!" else letter

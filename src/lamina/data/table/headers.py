"""Names of columns that are none: a file without a header, or parted by something else."""

from __future__ import annotations

from collections.abc import Sequence

from lamina.errors import nearest

_DELIMITERS = {";": '";"', "\t": '"\\t"', "|": '"|"', ",": '","'}
_MANY_WORDS = 5


def odd_header(names: Sequence[str]) -> tuple[str, str] | None:
    """What seems wrong with the names of a table's columns, and what to write; None for names like others.

    Numbers can be names, such as years or the places of pixels: whole ones that grow from left to right.

    Example:
        >>> odd_header(["fixed acidity;volatile acidity;quality"])
        ("it looks like several columns parted by ';'", 'write delimiter: ";"')
        >>> odd_header(["39", "State-gov", "77516", "13"])
        ("the first line looks like a row: '39', '77516', '13'", 'write header: false, and names: [...]')
        >>> odd_header(["country", "1990", "1991"]), odd_header(["some text of many words"])
        (None, None)
    """
    if len(names) == 1:
        counts = {mark: names[0].count(mark) for mark in _DELIMITERS}
        mark = max(counts, key=lambda mark: counts[mark])
        if counts[mark]:
            return f"it looks like several columns parted by {mark!r}", f"write delimiter: {_DELIMITERS[mark]}"
        words = names[0].split()
        if len(words) >= _MANY_WORDS and any(_number(word) is not None for word in words):
            return "it looks like several columns parted by blanks", "write delimiter: whitespace"
    numbers = {name: number for name in names if (number := _number(name)) is not None}
    values = [*numbers.values()]
    ascending = all(one < other for one, other in zip(values, values[1:], strict=False))
    if not values or (ascending and all(value.is_integer() and value >= 0 for value in values)):
        return None
    shown = ", ".join(repr(name) for name in [*numbers][:3])
    return f"the first line looks like a row: {shown}", "write header: false, and names: [...]"


def not_there(wanted: str, names: Sequence[str]) -> tuple[str, str]:
    """Cause and fix for a column that somebody names and a table doesn't have."""
    near, odd = nearest(wanted, names), odd_header(names)
    if odd is not None and (near is None or len(names) == 1):
        return odd
    return ("a typo", f"did you mean {near!r}?") if near is not None else ("the table has no such column", "name one of its columns")


def _number(name: str) -> float | None:
    try:
        return float(name) if name[:1] in "-+.0123456789" else None
    except ValueError:
        return None

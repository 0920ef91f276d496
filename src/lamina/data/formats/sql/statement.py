"""Statements: whether one only reads, which parameters it names, where in it something is."""

from __future__ import annotations

import re

_BLANK = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/|\()", re.DOTALL)
_NAMED = re.compile(r"(?<![:\w\\]):([A-Za-z_]\w*)(?!:)")
READING = ("select", "with", "values", "table", "show", "describe", "from")
"""How statements that read begin."""
_NEAR = (
    re.compile(r"near \"(.+?)\": syntax error"),
    re.compile(r"no such (?:column|table|function): ([^\s]+)"),
    re.compile(r"ambiguous column name: ([^\s]+)"),
    re.compile(r"(?:column|relation|function|at or near) \"?([\w.]+)"),
)


def first_word(query: str) -> str:
    r"""The first word of a statement, in small letters; comments and brackets before it are none.

    Example:
        >>> first_word("-- all of them\n(SELECT 1)")
        'select'
    """
    place = 0
    while found := _BLANK.match(query, place):
        place = found.end()
    word = re.match(r"\w+", query[place:])
    return word[0].lower() if word else ""


def only_reads(query: str) -> bool:
    """Whether a statement begins like one that reads; the database is asked to refuse all others as well."""
    return first_word(query) in READING


def named_parameters(query: str) -> list[str]:
    """Names of the parameters, as they stand: ``:year``.

    Example:
        >>> named_parameters("select a::text from t where year = :year and b = ':x' and c > :low")
        ['year', 'low']
    """
    return list(dict.fromkeys(_NAMED.findall(_without_texts(query))))


def _without_texts(query: str) -> str:
    """A statement in which quoted text, names and comments are blanks, so that places stay what they are."""
    quoted = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
    return quoted.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), query)


def escaped(query: str) -> str:
    """A statement for SQLAlchemy, in which colons that begin no parameter are what they are."""
    plain = _without_texts(query)
    inside = {match.start() for match in re.finditer(r":", query) if plain[match.start()] != ":"}
    return "".join(f"\\{letter}" if place in inside else letter for place, letter in enumerate(query))


def spot(query: str, position: int) -> str:
    """Line and column of a place in a statement, and the line itself.

    Args:
        query: The statement.
        position: Letters before the place.
    """
    before = query[:position]
    line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
    text = query.splitlines()[line - 1].strip() if query.splitlines() else ""
    return f"line {line}, column {column} of the statement ({text if len(text) <= 80 else text[:77] + '...'})"


def guessed_position(query: str, message: str) -> int | None:
    """Where in a statement it is what a message without a position speaks of."""
    for pattern in _NEAR:
        found = pattern.search(message)
        if found is not None:
            place = re.search(rf"(?<!\w){re.escape(found[1].rpartition('.')[2])}(?!\w)", query, re.IGNORECASE)
            return place.start() if place else None
    return None

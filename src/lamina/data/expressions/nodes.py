"""What an expression is: columns, constants and calls of functions, as a frozen tree that prints back to text."""

from __future__ import annotations

import functools
import keyword
import math
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal as OneOf

Level = OneOf["row", "aggregate", "window"]
Constant = bool | int | float | str | None
WORDS = {"true": True, "false": False, "null": None}
"""Words that are constants besides Python's own."""

# Operators by function: symbol and how tightly they bind, as in Python.
BINARY = {
    "less": ("<", 4),
    "less_equal": ("<=", 4),
    "greater": (">", 4),
    "greater_equal": (">=", 4),
    "equal": ("==", 4),
    "not_equal": ("!=", 4),
    "add": ("+", 8),
    "subtract": ("-", 8),
    "multiply": ("*", 9),
    "divide": ("/", 9),
    "floor_divide": ("//", 9),
    "mod": ("%", 9),
    "pow": ("**", 11),
}
_OR, _AND, _NOT, _COMPARE, _UNARY, _ATOM = 1, 2, 3, 4, 10, 20


@dataclass(frozen=True)
class Over:
    """Which rows an aggregate or a window function looks at, and in which order.

    Attributes:
        keys: Columns whose equal values make a group; none means the whole table.
        order: Columns that give the order inside a group; rows that are equal there, and all rows if there are none, stand in the
            order of the table. Missing values stand last.
        descending: Largest first.
    """

    keys: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    descending: bool = False


class Expression:
    """Base of `Column`, `Literal` and `Call`."""

    arguments: tuple[Expression, ...] = ()

    @property
    def text(self) -> str:
        """The expression as text that parses back to an equal tree.

        Example:
            >>> Call("multiply", (Call("add", (Column("a"), Literal(1))), Column("marital-status"))).text
            "(a + 1) * col('marital-status')"
        """
        return _text(self)

    @property
    def columns(self) -> frozenset[str]:
        """Names of the columns it reads."""
        return frozenset(node.name for node in self.walk() if isinstance(node, Column))

    @property
    def level(self) -> Level:
        """Which rows it looks at.

        ``row`` if each row's value comes from that row alone; ``aggregate`` for one value for a group; ``window`` for a value a row
        that comes from other rows too.

        Raises:
            DataError: DA121, if it calls a function that isn't there.
        """
        return _level(self)[0]

    def walk(self) -> Iterator[Expression]:
        """This node and all below, each before its arguments."""
        waiting: list[Expression] = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.arguments))

    def substituted(self, replacements: Mapping[str, Expression]) -> Expression:
        """The same expression with columns replaced by expressions.

        Example:
            >>> from lamina.data.expressions import parse
            >>> parse("a * b").substituted({"a": parse("c + 1")}).text
            '(c + 1) * b'
        """
        return _replaced(self, replacements)

    def renamed(self, names: Mapping[str, str]) -> Expression:
        """The same expression, reading columns under new names.

        Example:
            >>> from lamina.data.expressions import parse
            >>> parse("a * b").renamed({"a": "x y"}).text
            "col('x y') * b"
        """
        return _replaced(self, {old: Column(new) for old, new in names.items()})

    def to_plain(self) -> str:
        """How a description that holds it writes it into a file."""
        return self.text

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Column(Expression):
    """The value of a column.

    Attributes:
        name: Its name, any text.
    """

    name: str


@dataclass(frozen=True, eq=False)
class Literal(Expression):
    """A constant; two are equal if their types are too, so that ``1``, ``1.0`` and ``True`` differ.

    Attributes:
        value: A whole number of 64 bits, a finite number, a boolean, a text, None, or a tuple of these.
    """

    value: Constant | tuple[Constant, ...]

    def __post_init__(self) -> None:
        if isinstance(self.value, list):
            object.__setattr__(self, "value", tuple(self.value))
        for value in self.value if isinstance(self.value, tuple) else (self.value,):
            if not isinstance(value, bool | int | float | str | None):
                message = f"{value!r} is no constant of an expression: write a number, text, boolean, None or a list of these"
                raise TypeError(message)
            if isinstance(value, float) and not math.isfinite(value):
                message = f"{value!r} is no constant; write float('{value!r}')"
                raise ValueError(message)
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                message = f"{value} does not fit in 64 bits; write it with a decimal point"
                raise ValueError(message)
            if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
                message = f"{value!r} holds half a character (a surrogate)"
                raise ValueError(message)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        values = self.value if isinstance(self.value, tuple) else (self.value,)
        return (isinstance(self.value, tuple), *((type(value), repr(value)) for value in values))


@dataclass(frozen=True)
class Call(Expression):
    """A function of expressions; operators are functions too (``add``, ``less`` ...).

    Attributes:
        function: Name in the table of functions.
        arguments: What it is given, by position.
    """

    function: str
    arguments: tuple[Expression, ...] = ()


def _level(node: Expression) -> tuple[Level, bool]:
    """The level, and whether a column is read outside of all aggregates."""
    from lamina.data.expressions.functions import find_function

    if not isinstance(node, Call):
        return "row", isinstance(node, Column)
    own = find_function(node.function).level
    if own != "row":
        return own, False
    below = [_level(argument) for argument in node.arguments]
    levels, bare = {level for level, _ in below}, any(bare for _, bare in below)
    if "window" in levels or ("aggregate" in levels and bare):
        return "window", bare
    return ("aggregate" if "aggregate" in levels else "row"), bare


def _replaced(node: Expression, replacements: Mapping[str, Expression]) -> Expression:
    if isinstance(node, Column):
        return replacements.get(node.name, node)
    if isinstance(node, Call):
        return Call(node.function, tuple([_replaced(argument, replacements) for argument in node.arguments]))
    return node


def _text(node: Expression, least: int = 0) -> str:
    """The text, in brackets if it binds less tightly than ``least``."""
    if isinstance(node, Column):
        return node.name if plain_name(node.name) else f"col({node.name!r})"
    if isinstance(node, Literal):
        return _bracketed(_constant(node.value), _UNARY if _is_negative(node.value) else _ATOM, least)
    if not isinstance(node, Call):
        return repr(node)
    name, arguments = node.function, node.arguments
    # Nothing is equal to None, so that operators refuse it; as a function of a column it may come about.
    if name in BINARY and len(arguments) == 2 and Literal(None) not in arguments:
        symbol, binds = BINARY[name]
        left, right = (binds + 1, _UNARY) if name == "pow" else (binds, binds + 1)
        if binds == _COMPARE:
            left = binds + 1
        return _bracketed(f"{_text(arguments[0], left)} {symbol} {_text(arguments[1], right)}", binds, least)
    if name in ("all_of", "any_of") and len(arguments) > 1:
        word, binds = ("and", _AND) if name == "all_of" else ("or", _OR)
        return _bracketed(f" {word} ".join([_text(argument, binds + 1) for argument in arguments]), binds, least)
    if name == "negation" and len(arguments) == 1:
        inner = arguments[0]
        if isinstance(inner, Call) and inner.function == "one_of" and _is_list(inner):
            return _bracketed(f"{_text(inner.arguments[0], 5)} not in {_text(inner.arguments[1])}", _COMPARE, least)
        return _bracketed(f"not {_text(inner, _NOT)}", _NOT, least)
    if name == "negative" and len(arguments) == 1 and not _is_number(arguments[0]):
        return _bracketed(f"-{_text(arguments[0], _UNARY)}", _UNARY, least)
    if name == "one_of" and _is_list(node):
        return _bracketed(f"{_text(arguments[0], 5)} in {_text(arguments[1])}", _COMPARE, least)
    return f"{name}({', '.join([_text(argument) for argument in arguments])})"


def _bracketed(text: str, binds: int, least: int) -> str:
    return f"({text})" if binds < least else text


def _constant(value: Constant | tuple[Constant, ...]) -> str:
    return f"[{', '.join([repr(item) for item in value])}]" if isinstance(value, tuple) else repr(value)


def _is_negative(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.copysign(1, value) < 0


def _is_number(node: Expression) -> bool:
    return isinstance(node, Literal) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def _is_list(node: Call) -> bool:
    return len(node.arguments) == 2 and isinstance(node.arguments[1], Literal) and isinstance(node.arguments[1].value, tuple)


@functools.lru_cache(maxsize=4096)
def plain_name(name: str) -> bool:
    """Whether a column can be written without ``col('...')``."""
    if not name.isidentifier() or keyword.iskeyword(name) or name in WORDS:
        return False
    return unicodedata.normalize("NFKC", name) == name

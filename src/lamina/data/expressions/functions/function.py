"""What an entry in the table of functions says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamina.data.expressions.nodes import Level, Over


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()
"""Stands for the default of an argument that has none."""

NUMBER = ("integer", "float")
FLOAT = ("float",)
INTEGER = ("integer",)
TEXT = ("string",)
BOOLEAN = ("boolean",)
TIME = ("time",)
ARRAY = ("array",)
NUMBERS = ("array[float]",)
ANY = ("string", "integer", "float", "boolean", "time", "bytes", "array", "image", "text")
SCALAR = ("string", "integer", "float", "boolean", "time")


@dataclass(frozen=True)
class Parameter:
    """One argument of a function.

    Attributes:
        name: What it is called; it may be given by this name.
        kinds: Kinds it takes. Whole numbers are made floats where only those are taken, a categorical counts as a string, and a
            missing value (``null``) fits everywhere. ``array[float]`` is an array of numbers only.
        constant: Whether it must be a constant.
        default: What it is if it isn't given.
        many: Whether any number of arguments may stand here; only the last.
        alike: Whether it must be of one kind with the other arguments marked so.
    """

    name: str
    kinds: tuple[str, ...]
    constant: bool = False
    default: Any = REQUIRED
    many: bool = False
    alike: bool = False


@dataclass(frozen=True)
class At:
    """What a builder is told about the call it builds.

    Attributes:
        kinds: Kind of each argument, as it comes.
        values: Value of each argument that is a constant, else None.
        kind: Kind of the result.
        api: The module that builds: ``polars``, or ``pyspark.sql.functions``.
        over: The rows that an aggregate or window looks at; None inside a group.
        row: On Spark, the column that numbers the rows.
        condition: The condition of ``only``, in the engine's own terms.
    """

    kinds: tuple[str, ...]
    values: tuple[Any, ...]
    kind: str
    api: Any
    over: Over | None = None
    row: str = "__lamina_row"
    condition: Any = None


Builder = Callable[..., Any]
"""Takes an `At` and an expression of the engine for each argument; gives one for the result."""
Result = str | Callable[[Sequence[str], Sequence[Any]], str | None]
Check = Callable[[Sequence[Any]], tuple[str, str] | None]
"""Takes the constants of a call; gives what was expected and what to write, if they are wrong."""


@dataclass(frozen=True)
class Function:
    """A function of the language, for both engines.

    Attributes:
        name: What expressions call it.
        parameters: Its arguments.
        result: Kind of the result, or a function of the arguments' kinds and constants that gives it; None if they don't go together.
        polars: Builds it on Polars.
        spark: Builds it on Spark; None runs the Polars builder on batches of rows.
        doc: One sentence.
        example: A call, for the documentation.
        level: Whether it computes row by row, an aggregate of many rows, or a value a row from many.
        group: Its chapter.
        check: Finds what is wrong with its constants.
        weight: How many times over, at most, an engine's own expression holds an argument.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: Result
    polars: Builder = field(repr=False, compare=False)
    spark: Builder | None = field(repr=False, compare=False)
    doc: str
    example: str
    level: Level = "row"
    group: str = "own"
    check: Check | None = field(default=None, repr=False, compare=False)
    weight: int = 1

    @property
    def signature(self) -> str:
        """How it is called.

        Example:
            >>> from lamina.data.expressions import find_function
            >>> find_function("round").signature
            'round(x, digits=0)'
        """
        parts = []
        for parameter in self.parameters:
            default = "" if parameter.default is REQUIRED else f"={parameter.default!r}"
            parts.append(f"{parameter.name}{', ...' if parameter.many else ''}{default}")
        return f"{self.name}({', '.join(parts)})"

    @property
    def least(self) -> int:
        """How many arguments it needs."""
        return sum(parameter.default is REQUIRED for parameter in self.parameters)

    @property
    def most(self) -> int | None:
        """How many arguments it takes; None is any number."""
        return None if self.parameters and self.parameters[-1].many else len(self.parameters)

    def parameter(self, index: int) -> Parameter:
        """What the argument of this index stands for."""
        return self.parameters[min(index, len(self.parameters) - 1)]


def same(index: int = 0) -> Result:
    """A result of the kind of an argument."""
    return lambda kinds, values: kinds[index]


def numeric(*indices: int) -> Result:
    """A whole number if the arguments (all, unless said) are whole numbers, else a float."""

    def result(kinds: Sequence[str], values: Sequence[Any]) -> str:
        chosen = [kinds[index] for index in indices] if indices else kinds
        return "float" if "float" in chosen else "integer"

    return result

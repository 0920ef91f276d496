"""What flows between modules: arrays of the source, each with the layer here that gives it and how its axes lie there."""

from __future__ import annotations

from dataclasses import dataclass

from lamina.shapes import Shape


@dataclass(frozen=True)
class Value:
    """An array of the source.

    Attributes:
        node: The layer, or input, here that gives it.
        shape: What it gives for one sample.
        order: For each axis of the source's array, which axis here it is; 0 is the batch. Axes that are missing have one place only,
            or are stepped over.
        mapped: Whether the axis of steps is stepped over: modules there see one step after another.
        first: What whole numbers there count from.
    """

    node: str
    shape: Shape
    order: tuple[int, ...]
    mapped: bool = False
    first: int = 0

    @property
    def sizes(self) -> tuple[int | None, ...]:
        """Sizes of the source's array; None for the batch and for what only the data know."""
        return tuple(None if axis == 0 else self.shape.dims[axis - 1] for axis in self.order)

    @property
    def plain(self) -> bool:
        """Whether the axes lie there as here."""
        return self.order == tuple(range(len(self.shape.dims) + 1))


@dataclass(frozen=True)
class Split:
    """A table of the places along an axis: steps, one after another.

    Attributes:
        value: All of them.
        axis: The axis here.
    """

    value: Value
    axis: int


Anything = Value | Split | tuple["Anything", ...]


def flat(found: Anything) -> list[Value]:
    """All arrays in a table of tables.

    Example:
        >>> len(flat(()))
        0
    """
    if isinstance(found, Value):
        return [found]
    if isinstance(found, Split):
        return [found.value]
    return [value for item in found for value in flat(item)]


class Misfit(Exception):
    """Weights and what reaches them don't fit.

    Attributes:
        excess: How many more numbers reach them than they take; below 0: fewer.
    """

    def __init__(self, where: str, expected: str, got: str, excess: int = 0) -> None:
        super().__init__(f"{where}: expected {expected}, got {got}")
        self.where, self.expected, self.got, self.excess = where, expected, got, excess


class Refused(Exception):
    """A module, or one of its settings, that has no counterpart."""

    def __init__(self, path: str, expected: str, got: str, cause: str = "Lamina has nothing that computes the same") -> None:
        super().__init__(path)
        self.path, self.expected, self.got, self.cause = path, expected, got, cause

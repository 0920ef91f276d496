"""A SameDiff file as variables and operations."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamina.interop.dl4j.blobs import strided
from lamina.interop.flatbuffers import Table
from lamina.interop.problems import damaged, too_large, unreadable

if TYPE_CHECKING:
    import numpy as np

TYPES = {
    1: "|u1",
    3: "<f2",
    5: "<f4",
    6: "<f8",
    7: "|i1",
    8: "<i2",
    9: "<i4",
    10: "<i8",
    11: "|u1",
    12: "<u2",
    13: "<u4",
    14: "<u8",
}
"""ND4J's numbers of types that can be read: 5 is FLOAT, 6 DOUBLE."""
ROLES = ("variable", "constant", "array", "placeholder")
MOST_RANK, MOST_SIZE = 32, 2**31


@dataclass(frozen=True)
class Variable:
    """A variable.

    Attributes:
        name: Its name.
        place: Number of the operation that gives it, and of the output; of variables that nothing gives, of their own.
        role: ``variable`` (trained), ``constant``, ``array`` (given by an operation), ``placeholder``; empty if the file doesn't say.
        shape: Its shape, as far as it is known; -1 for the batch.
        values: Its numbers.
    """

    name: str
    place: tuple[int, int]
    role: str
    shape: tuple[int, ...]
    values: np.ndarray | None


@dataclass(frozen=True)
class Operation:
    """An operation.

    Attributes:
        number: Its number.
        name: What it is called.
        kind: Which operation, such as ``mmul``.
        inputs: What it reads, as places of variables.
        integers: Whole numbers that set it.
        floats: Other numbers that do.
        flags: Truth values that do.
        scalar: A number that a scalar operation takes, if it is stored.
    """

    number: int
    name: str
    kind: str
    inputs: tuple[tuple[int, int], ...]
    integers: tuple[int, ...]
    floats: tuple[float, ...]
    flags: tuple[bool, ...]
    scalar: float | None


@dataclass(frozen=True)
class Graph:
    """Variables and operations of a file.

    Attributes:
        variables: All of them.
        operations: In the order of the file.
        losses: Names of what is minimised.
        training: How it is trained, as JSON.
        version: Which versions write it.
    """

    variables: tuple[Variable, ...]
    operations: tuple[Operation, ...]
    losses: tuple[str, ...]
    training: str
    version: str


def parse(data: bytes, where: str) -> Graph:
    """What a file holds.

    Raises:
        InteropError: IO002, if it is damaged; IO010, if an array is of a type that is not read.
    """
    root = Table.root(data, where)
    # Placeholders came with beta4, and with them fields moved.
    later = root.has(5)
    variables = tuple(_variables(root.tables(1), 2 * len(data), where, later=later))
    operations = tuple(_operation(table, later=later) for table in root.tables(2))
    version = "1.0.0-beta4 or later" if later else "1.0.0-beta3"
    return Graph(variables, operations, tuple(root.texts(6)) if later else (), root.text(7) if later else "", version)


def _variables(tables: list[Table], room: int, where: str, *, later: bool) -> Iterator[Variable]:
    """The variables; together their numbers take no more than the file, however often it points to the same ones."""
    for table in tables:
        found = _variable(table, later=later)
        room -= 64 if found.values is None else max(found.values.nbytes, 64)
        if room < 0:
            raise too_large(where=where, expected="variables that the file has room for", got="the same numbers again and again")
        yield found


def _variable(table: Table, *, later: bool) -> Variable:
    role = ROLES[table.integer(6, "<b") % len(ROLES)] if later else ""
    shape = tuple(int(size) for size in table.numbers(3, "<i8")) if later else ()
    stored = table.table(4 if later else 3)
    values = None if stored is None else _array(stored)
    if len(shape) > MOST_RANK:
        raise damaged(where=table.where, expected=f"at most {MOST_RANK} axes", got=f"{len(shape)}")
    return Variable(table.text(1), _pair(table.table(0)), role, shape or (() if values is None else values.shape), values)


def _pair(table: Table | None) -> tuple[int, int]:
    return (0, 0) if table is None else (table.integer(0), table.integer(1))


def _array(table: Table) -> np.ndarray:
    """An array: shape information as in a blob, then its bytes, in the order that the table says."""
    import numpy as np

    info = [int(number) for number in table.numbers(0, "<i8")]
    rank = info[0] if info else -1
    if not 0 <= rank <= MOST_RANK or len(info) != 2 * rank + 4:
        raise damaged(where=table.where, expected="the shape of an array", got=str(info[:6]))
    shape, strides = info[1 : rank + 1], info[rank + 1 : 2 * rank + 1]
    kind = table.integer(2, "<b")
    if kind not in TYPES:
        raise unreadable(where=table.where, expected="numbers of a type that is known", got=f"type {kind}")
    dtype = np.dtype(TYPES[kind]).newbyteorder(">" if table.integer(3, "<b") == 1 else "<")
    raw = table.raw(1)
    count = len(raw) // dtype.itemsize
    if min(shape, default=1) < 0 or min(strides, default=1) < 0 or math.prod(shape) > count or max(shape, default=0) > MOST_SIZE:
        raise damaged(where=table.where, expected=f"numbers for {shape}", got=f"{count:,}")
    last = sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True)) if math.prod(shape) else -1
    if last >= count:
        raise damaged(where=table.where, expected=f"numbers for {shape} with strides {strides}", got=f"{count:,}")
    values = np.frombuffer(raw[: count * dtype.itemsize], dtype=dtype).astype(dtype.newbyteorder("="))
    return strided(values, shape, strides)


def _operation(table: Table, *, later: bool) -> Operation:
    # Before beta4 a data type stood between the inputs and the outputs.
    floats, integers, flags, kind = (8, 9, 10, 16) if later else (9, 10, 11, 17)
    pairs = tuple(_pair(pair) for pair in table.tables(6))
    stored = table.table(18) if later else None
    scalar = None if stored is None else _array(stored).reshape(-1)[:1]
    return Operation(
        table.integer(0),
        table.text(1),
        table.text(kind) or table.text(1),
        pairs or tuple((int(number), 0) for number in table.numbers(5, "<i4")),
        tuple(int(number) for number in table.numbers(integers, "<i8" if later else "<i4")),
        tuple(float(number) for number in table.numbers(floats, "<f8" if later else "<f4")),
        tuple(bool(flag) for flag in table.raw(flags)) if later else (),
        None if scalar is None or not scalar.size else float(scalar[0]),
    )

"""Records as samples; what is wrong with one is said with its partition and offset."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lamina.data.streams.stream import Record
from lamina.errors import DataError, LaminaError

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset


def located(collate: Callable[[Sequence[Any]], Dataset], records: Sequence[tuple[str, Record]]) -> Dataset:
    """Samples of some records.

    Raises:
        DataError: What ``collate`` finds wrong, naming the first record that it finds it in.
    """
    try:
        return collate([record.value for _, record in records])
    except LaminaError as error:
        for name, record in records:
            try:
                collate([record.value])
            except LaminaError as own:
                where = f"partition {name!r}, offset {record.offset}"
                raise type(own).of([dataclasses.replace(one, where=f"{where}: {one.where}") for one in own.problems]) from None
        raise error from None


def pairs_or_columns(values: Sequence[Any]) -> tuple[Any, Any]:
    """Values of records as a user would give data: ``(x, y)``; or columns alone, by name.

    Raises:
        DataError: DA190, for a value that is neither a pair nor a mapping, or has not the columns of the others.
    """
    if all(isinstance(value, dict) for value in values):
        names = list(values[0])
        odd = next((value for value in values if set(value) != set(names)), None)
        if odd is None:
            return {name: [value[name] for value in values] for name in names}, None
        raise _odd(expected=f"a record with the columns {', '.join(map(str, names))}", got=", ".join(map(str, odd)))
    wrong = next((value for value in values if not isinstance(value, tuple) or len(value) != 2), None)
    if wrong is not None:
        raise _odd(expected="a pair (x, y), or a mapping of columns", got=f"{str(wrong)[:60]} ({type(wrong).__name__})")
    return [x for x, _ in values], [y for _, y in values]


def _odd(*, expected: str, got: str) -> DataError:
    return DataError(
        "DA190",
        where="a record",
        expected=expected,
        got=got,
        cause="the stream holds records of several kinds",
        fix="give each kind a stream of its own, or bring them to one form when they are written",
    )

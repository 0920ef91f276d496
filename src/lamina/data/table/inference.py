"""The schema that rows seem to have, to be confirmed by whoever knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lamina.data.table.columns import ColumnType
from lamina.data.table.headers import not_there
from lamina.data.table.schema import Schema
from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.pipeline.frames.frame import Frame


def schema_of(frame: Frame, columns: Mapping[str, ColumnType] | None = None, where: str = "the rows") -> Schema:
    """The schema of rows: as said for some columns, as the types of the others are.

    Args:
        frame: The rows.
        columns: What is known.
        where: For messages.

    Raises:
        DataError: DA014, for a known column that isn't there; DA005, for one of a type that no kind holds.
    """
    known = dict(columns or {})
    missing = [name for name in known if name not in frame.names]
    if missing:
        cause, fix = not_there(missing[0], frame.names)
        raise DataError(
            "DA014",
            where=where,
            expected=f"a column {missing[0]!r}, which the source's columns describe",
            got=f"the columns {', '.join(frame.names[:12])}",
            cause=cause,
            fix=fix,
        )
    found = {}
    for name, column in frame.kinds().items():
        own = known.get(name, column)
        if own is None:
            raise DataError(
                "DA005",
                where=f"{where}, column {name!r}",
                expected="numbers, text, true/false, times, bytes or lists of numbers",
                got="a type that is none of them, such as a struct",
                cause="the table holds nested values",
                fix="take its fields as columns of their own before",
            )
        found[name] = own
    return Schema(columns=found)

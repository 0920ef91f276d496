"""Tables as SVMLight files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING

from lamina.data.formats.svmlight.reader import FEATURES, LABEL, QUERY
from lamina.data.words import is_number
from lamina.errors import DataError
from lamina.files import atomic_write

if TYPE_CHECKING:
    import polars as pl

ROWS = 16384


def write_svmlight(
    rows: pl.LazyFrame | pl.DataFrame,
    path: str | os.PathLike[str],
    *,
    label: str | Sequence[str] | None = None,
    group: str | None = None,
    zero_based: bool = False,
) -> None:
    r"""Write a table of numbers; zeros are left out, all else is written so that it reads back as the same number.

    Args:
        rows: All columns are numbers or true/false; a column ``features`` of lists is all features at once.
        path: The file.
        label: Column of labels, or columns of 0 and 1 for several labels for each sample (``label_3`` is label 3; with other names
            they are 0, 1 ...); by default ``label``, or those that begin with ``label_``. Tables without a label get 0.
        group: Column of whole numbers that become ``qid``; by default ``qid``, if there is such a column.
        zero_based: Whether the first feature is 0; usually it is 1.

    Raises:
        DataError: DA014, if there is no such column; DA005, naming row and column, for what is no number.
        OSError: If the file can't be written.

    Example:
        >>> import tempfile, pathlib, polars as pl
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.svm"
        >>> write_svmlight(pl.DataFrame({"label": [1, 0], "x": [0.5, 0.0], "y": [0, 3]}), path)
        >>> path.read_text()
        '1 1:0.5\n0 2:3\n'
    """
    from lamina.data.columns import require
    from lamina.data.formats.types import plain_frame

    frame = plain_frame(rows, "the table")
    names = frame.collect_schema().names()
    if label is None:
        label = LABEL if LABEL in names else [name for name in names if name.startswith(f"{LABEL}_")]
    labels = [label] if isinstance(label, str) else list(label)
    group = group or (QUERY if QUERY in names else None)
    require(dict.fromkeys(names), (*labels, *([group] if group else [])), "the table", named=True)
    features = [name for name in names if name not in (*labels, group)]
    text = _Lines(frame.collect_schema(), labels, group, features, zero_based=zero_based, single=isinstance(label, str))

    def fill(file: IO[bytes]) -> None:
        start = 0
        for batch in frame.collect_batches(chunk_size=ROWS, maintain_order=True):
            for piece in text.of(batch, start):
                file.write(piece)
            start += len(batch)

    atomic_write(path, fill)


class _Lines:
    """Makes lines of rows."""

    def __init__(
        self, schema: pl.Schema, labels: list[str], group: str | None, features: list[str], *, zero_based: bool, single: bool
    ) -> None:
        import polars as pl

        self._labels, self._group, self._features = labels, group, features
        self._first, self._single = int(not zero_based), single
        for name in (*labels, *features, *([group] if group else [])):
            dtype = schema[name]
            inner = dtype.inner if isinstance(dtype, pl.List) and name == FEATURES else dtype
            if not (inner.is_numeric() or inner == pl.Boolean) or (name == group and not dtype.is_integer()):
                raise DataError(
                    "DA005",
                    where=f"the table, column {name!r}",
                    expected="whole numbers" if name == group else "numbers",
                    got=str(dtype),
                    cause="the SVMLight format holds nothing but numbers",
                    fix="make numbers of it (one-hot, an index), or leave it out",
                )

    def of(self, batch: pl.DataFrame, start: int) -> Iterator[bytes]:
        """Lines of a batch."""
        columns = [self._values(batch[name], start) for name in self._features]
        numbers = [self._values(batch[name], start) for name in self._labels]
        groups = None if self._group is None else batch[self._group].to_list()
        marks = [name.removeprefix(f"{LABEL}_") for name in self._labels]
        marks = marks if all(map(is_number, marks)) else [str(place) for place in range(len(marks))]
        for row in range(len(batch)):
            if self._single:
                own = numbers[0][row]
                head = _shown(own) if not isinstance(own, list) else ""
            else:
                head = ",".join(mark for mark, column in zip(marks, numbers, strict=True) if column[row]) if numbers else "0"
            parts = [head] if groups is None or groups[row] is None else [head, f"qid:{groups[row]}"]
            values: list[float] = []
            for column in columns:
                value = column[row]
                values += value if isinstance(value, list) else [value]
            parts += [f"{index}:{_shown(value)}" for index, value in enumerate(values, self._first) if value != 0]
            # A line without anything would be no sample.
            yield (" ".join(parts if any(parts) else ["", f"{self._first}:0"]) + "\n").encode()

    def _values(self, column: pl.Series, start: int) -> list[float] | list[list[float]]:
        import polars as pl

        gone = column.is_null() if column.dtype != pl.List else column.is_null() | column.list.eval(pl.element().is_null()).list.any()
        if gone.any():
            raise DataError(
                "DA001",
                where=f"the table, row {start + int(gone.arg_max() or 0) + 1}, column {column.name!r}",
                expected="a number",
                got="nothing",
                cause="in the SVMLight format what isn't written is 0, so that missing values have no place",
                fix="fill them first",
            )
        values: list[float] = (column.cast(pl.Int64) if column.dtype == pl.Boolean else column).to_list()
        return values


def _shown(value: float) -> str:
    return str(int(value)) if isinstance(value, int) or (value.is_integer() and abs(value) < 2**53) else repr(value)

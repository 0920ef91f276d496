"""Tables larger than memory: read, transformed and split as others, but their rows are written to files as they come."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lamina.data.caching.cache import unkeepable
from lamina.data.pipeline.frames.polars import BATCH_ROWS
from lamina.data.schema import TARGET, DataSchema
from lamina.data.spilled import RowWriter, Spill

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from lamina.data.columns import Columns
    from lamina.data.dataset import Dataset
    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.pipeline.frames.polars import PolarsFrame
    from lamina.data.roles import Roles
    from lamina.data.schema import Target
    from lamina.data.table.schema import Schema
    from lamina.data.words import Column


MANY = 1000
"""Different numbers of a target, from which on they are no classes unless the recipe says so."""


class SpilledTable:
    """Rows in a file, which may be more than fit into memory.

    Args:
        frame: The rows; computed once, as they are written.
        spill: Where.
        roles: What its columns are for.
        schema: Of the rows.

    Raises:
        DataError: DA188, for what must be in memory: sequences, windows, texts.
    """

    def __init__(self, frame: PolarsFrame, spill: Spill, roles: Roles, schema: Schema) -> None:
        _check(roles, schema)
        self.pace = Pace()
        self._path = spill.file(".arrow")
        with spill.writing():
            frame.lazy.sink_ipc(self._path, compression="lz4")
            spill.wrote(self._path.stat().st_size)

    def remove(self) -> None:
        """Remove the rows, when all that is made of them is written."""
        self._path.unlink(missing_ok=True)

    def columns(self, names: set[str]) -> pl.DataFrame:
        """Some columns, in memory; without any, the numbers of the rows."""
        import polars as pl

        lazy = pl.scan_ipc(self._path)
        known = [name for name in lazy.collect_schema().names() if name in names]
        if known:
            return lazy.select(known).collect(engine="streaming")
        rows = int(lazy.select(pl.len()).collect(engine="streaming").item())
        return pl.DataFrame({"row": pl.int_range(rows, eager=True)})

    def part(self, chosen: np.ndarray) -> pl.LazyFrame:
        """Some rows, in their order.

        Args:
            chosen: Their numbers.
        """
        import numpy as np
        import polars as pl
        from polars.io.plugins import register_io_source

        whole = pl.scan_ipc(self._path)
        schema = whole.collect_schema()
        there = np.zeros(int(whole.select(pl.len()).collect(engine="streaming").item()), dtype=bool)
        there[chosen] = True

        def read(columns: list[str] | None, predicate: pl.Expr | None, most: int | None, _: int | None) -> Iterator[pl.DataFrame]:
            left = most
            # Without any column, rows could not be counted.
            lazy = whole if columns is None else whole.select(columns or schema.names()[:1])
            for number, batch in enumerate(_full(self._chosen(lazy, there))):
                self.pace.wait(number)
                kept = batch if left is None else batch.head(left)
                left = None if left is None else left - len(kept)
                yield kept if predicate is None else kept.filter(predicate)
                if left == 0:
                    return

        return register_io_source(read, schema=schema)

    def _chosen(self, lazy: pl.LazyFrame, there: np.ndarray) -> Iterator[pl.DataFrame]:
        import polars as pl

        for start in range(0, len(there), BATCH_ROWS):
            own = there[start : start + BATCH_ROWS]
            if own.any():
                batch = lazy.slice(start, BATCH_ROWS).collect()
                yield batch if own.all() else batch.filter(pl.Series(own))


def _full(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Small frames put together, so that what comes out of a batch is a batch, too."""
    import polars as pl

    waiting: list[pl.DataFrame] = []
    for frame in frames:
        waiting.append(frame)
        if sum(map(len, waiting)) >= BATCH_ROWS:
            yield pl.concat(waiting)
            waiting = []
    if waiting:
        yield pl.concat(waiting)


class Pace:
    """Keeps who reads from running far ahead of who writes: Polars reads a file as fast as it can, and keeps what nobody took yet.

    Waiting is never longer than a moment, for a step may need rows before it gives any.
    """

    AHEAD, MOMENT = 8, 0.5

    def __init__(self) -> None:
        self._taken: int | None = None
        self._ahead = self.AHEAD
        self._changed = threading.Condition()

    def start(self) -> None:
        """Another pass begins, whose speed nobody knows yet."""
        self._taken, self._ahead = None, self.AHEAD

    def took(self) -> None:
        """A batch was written."""
        with self._changed:
            self._taken = (self._taken or 0) + 1
            self._changed.notify_all()

    def wait(self, number: int) -> None:
        """Wait with the next batch, if the writer is behind.

        Args:
            number: Of the batch, from 0.
        """
        with self._changed:
            done = self._changed.wait_for(lambda: self._taken is None or number - self._taken < self._ahead, self.MOMENT)
            if not done and self._taken is not None:
                # Fewer batches come out than go in, such as those of a filter: from here on, count anew.
                self._ahead = number - self._taken + self.AHEAD


def steering(roles: Roles) -> set[str]:
    """Columns that must be in memory: those that steer a split, and those that are learned."""
    names = {name for own in roles.named_targets(TARGET).values() for name in own}
    return names | {name for name in (roles.group, roles.time, roles.part, roles.weight) if name is not None}


def shown(frames: Mapping[str, Frame], roles: Roles, pace: Pace, where: str) -> dict[str, Column]:
    """What describes a table whose rows are in several frames: of categories each once, of other columns what they are.

    Args:
        frames: The frames.
        roles: What its columns are for.
        pace: Of who reads their rows.
        where: For messages.

    Raises:
        DataError: DA006, if there is no row.
    """
    import polars as pl

    from lamina.data.encoding import no_rows
    from lamina.data.frames import read_frame

    categories = {*roles.categorical} | {name for own in (roles.inputs or {}).values() for name in own.categorical}
    classes = {names[0] for names in roles.named_targets(TARGET).values() if len(names) == 1 and roles.kind != "numbers"}
    found: dict[str, pl.Series] = {}
    for frame in frames.values():
        pace.start()
        for batch in _paced(frame, pace):
            for column in batch.get_columns():
                before = found.get(column.name)
                if column.name in classes:
                    # What is missing is said when rows are written, and where.
                    found[column.name] = _classes(before, column, sure=roles.kind == "classes")
                elif column.dtype == pl.String or column.name in categories:
                    found[column.name] = column.unique() if before is None else pl.concat([before, column.unique()]).unique()
                else:
                    found[column.name] = _one(before, column)
    if not found:
        raise no_rows(where)
    return {name: read_frame(column)[name] for name, column in found.items()}


def _classes(before: pl.Series | None, column: pl.Series, *, sure: bool) -> pl.Series:
    """The different values so far; of numbers only so many as show that they are no classes."""
    import polars as pl

    there = column.drop_nulls()
    there = (there.drop_nans() if there.dtype.is_float() else there).unique()
    if before is None or before.null_count():
        return there if len(there) else column.head(1)
    known = not sure and column.dtype != pl.String and len(before) >= MANY
    return before if known else pl.concat([before, there]).unique()


def _one(before: pl.Series | None, column: pl.Series) -> pl.Series:
    """One value, which is there if any is."""
    if before is not None and not before.null_count():
        return before
    there = column.drop_nulls().head(1)
    return there if len(there) else column.head(1)


def write_parts(
    frames: Mapping[str, Frame],
    spill: Spill,
    roles: Roles,
    columns: Columns,
    targets: dict[str, Target],
    where: Mapping[str, str],
    pace: Pace,
) -> dict[str, Dataset]:
    """A data set for each frame, whose inputs are in files."""
    made = {}
    for name, frame in frames.items():
        pace.start()
        made[name] = _written(_paced(frame, pace), spill, roles, columns, targets, where[name])
    return made


def _paced(frame: Frame, pace: Pace) -> Iterator[pl.DataFrame]:
    for batch in frame.batches():
        yield batch
        pace.took()


def _written(
    batches: Iterable[pl.DataFrame], spill: Spill, roles: Roles, columns: Columns, targets: dict[str, Target], where: str
) -> Dataset:
    from lamina.data.dataset import Dataset
    from lamina.data.encoding import extra_columns
    from lamina.data.given import check_weight

    writers = {name: RowWriter(spill, _dims(own.sample)) for name, own in columns.inputs.items()}
    with contextlib.ExitStack() as closing:
        for writer in writers.values():
            closing.callback(writer.close)
        whole = _gone_through(batches, writers, roles, columns, targets, where)
    inputs = {name: writer.rows() for name, writer in writers.items()}
    weight = whole.pop("extra weight", None)
    other: dict[str, Any] = {name: whole.pop(f"extra {name}", None) for name in extra_columns(roles)}
    schema = DataSchema(inputs=columns.shapes, targets=targets)
    return Dataset(inputs, whole, schema, None if weight is None else check_weight(weight), columns=columns, **other)


def _gone_through(
    batches: Iterable[pl.DataFrame],
    writers: Mapping[str, RowWriter],
    roles: Roles,
    columns: Columns,
    targets: dict[str, Target],
    where: str,
) -> dict[str, np.ndarray]:
    """Write the inputs of all rows; targets and what else a data set keeps come back."""
    import numpy as np

    from lamina.data.columns import require
    from lamina.data.encoding import encode_targets, extra_columns, no_rows
    from lamina.data.frames import read_frame

    kept: dict[str, list[np.ndarray]] = {}
    extras = {**extra_columns(roles), "weight": roles.weight}
    start = 0
    for batch in batches:
        table = read_frame(batch)
        # A message counts rows from here.
        place = f"{where}, after row {start}" if start else where
        require(table, columns.features, place)
        for name, own in columns.inputs.items():
            writers[name].write(own.parts(table, place))
        values = encode_targets(table, columns, targets, None, place)[0]
        values |= {f"extra {name}": np.asarray(table[column]) for name, column in extras.items() if column is not None}
        for name, array in values.items():
            kept.setdefault(name, []).append(array)
        start += len(batch)
    if not start:
        raise no_rows(where)
    return {name: np.concatenate(arrays) for name, arrays in kept.items()}


def _dims(shape: Any) -> tuple[int, ...]:
    return tuple(size for size in shape.dims if size is not None)


def _check(roles: Roles, schema: Schema) -> None:
    texts = roles.text is not None or any(own.vectorize is not None for own in (roles.inputs or {}).values())
    tokens = any(own.encode == "index" for own in (roles.inputs or {}).values())
    found = "steps of sequences" if schema.steps is not None else "windows" if roles.window is not None else "texts" if texts else None
    found = found or ("categories as indices" if tokens else None)
    if found is not None:
        raise unkeepable(
            got=f"a table of {found}",
            cause="only rows of numbers and one-hot categories are written to files as they come",
            fix="leave cache out; such a table is read into memory",
        )

"""Tables larger than memory: read, transformed and split as others, but their rows are written to files as they come."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.data.caching.cache import unkeepable
from lamina.data.schema import TARGET, DataSchema
from lamina.data.spilled import RowWriter, Spill

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from lamina.data.columns import Columns
    from lamina.data.dataset import Dataset
    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.roles import Roles
    from lamina.data.schema import Target
    from lamina.data.table.schema import Schema
    from lamina.data.words import Column


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

    def __init__(self, frame: Frame, spill: Spill, roles: Roles, schema: Schema) -> None:
        _check(roles, schema)
        self.spill = spill
        self._path = spill.file(".arrow")
        with spill.writing():
            frame.lazy.sink_ipc(self._path, compression="lz4")  # type: ignore[attr-defined]
            spill.wrote(self._path.stat().st_size)

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
        rows = int(whole.select(pl.len()).collect(engine="streaming").item())
        if len(chosen) == rows:
            return whole
        there = np.zeros(rows, dtype=bool)
        there[chosen] = True

        def read(columns: list[str] | None, predicate: pl.Expr | None, most: int | None, _: int | None) -> Iterator[pl.DataFrame]:
            start, left = 0, most
            # Without any column, rows could not be counted.
            lazy = whole if columns is None else whole.select(columns or schema.names()[:1])
            for batch in lazy.collect_batches(maintain_order=True, engine="streaming"):
                kept = batch.filter(pl.Series(there[start : start + len(batch)]))
                start += len(batch)
                kept = kept if left is None else kept.head(left)
                left = None if left is None else left - len(kept)
                yield kept if predicate is None else kept.filter(predicate)
                if left == 0:
                    return

        return register_io_source(read, schema=schema)


def steering(roles: Roles) -> set[str]:
    """Columns that must be in memory: those that steer a split, and those that are learned."""
    names = {name for own in roles.named_targets(TARGET).values() for name in own}
    return names | {name for name in (roles.group, roles.time, roles.part, roles.weight) if name is not None}


def shown(frames: Mapping[str, Frame], roles: Roles) -> dict[str, Column]:
    """What describes a table whose rows are in several frames: of categories each once, of other columns what they are.

    Args:
        frames: The frames.
        roles: What its columns are for.
    """
    import polars as pl

    from lamina.data.frames import read_frame

    listed = {*roles.categorical} | {name for own in (roles.inputs or {}).values() for name in own.categorical}
    listed |= {name for own in (roles.inputs or {}).values() if own.encode == "index" for name in own.columns}
    kept = steering(roles)
    found: dict[str, list[pl.Series]] = {}
    for frame in frames.values():
        lazy = frame.lazy  # type: ignore[attr-defined]
        for name, kind in lazy.collect_schema().items():
            column = lazy.select(name)
            few = column if name in kept else column.unique() if kind == pl.String or name in listed else column.drop_nulls().head(1)
            found.setdefault(name, []).append(few.collect(engine="streaming")[name])
    return {name: read_frame(pl.concat(parts))[name] for name, parts in found.items()}


def write_parts(
    frames: Mapping[str, Frame], spill: Spill, roles: Roles, columns: Columns, targets: dict[str, Target], where: Mapping[str, str]
) -> dict[str, Dataset]:
    """A data set for each frame, whose inputs are in files."""
    return {name: _written(frame, spill, roles, columns, targets, where[name]) for name, frame in frames.items()}


def _written(frame: Frame, spill: Spill, roles: Roles, columns: Columns, targets: dict[str, Target], where: str) -> Dataset:
    from lamina.data.dataset import Dataset
    from lamina.data.encoding import extra_columns
    from lamina.data.given import check_weight

    writers = {name: RowWriter(spill, _dims(own.sample)) for name, own in columns.inputs.items()}
    with contextlib.ExitStack() as closing:
        for writer in writers.values():
            closing.callback(writer.close)
        whole = _gone_through(frame, writers, roles, columns, targets, where)
    inputs = {name: writer.rows() for name, writer in writers.items()}
    weight = whole.pop("extra weight", None)
    other: dict[str, Any] = {name: whole.pop(f"extra {name}", None) for name in extra_columns(roles)}
    schema = DataSchema(inputs=columns.shapes, targets=targets)
    return Dataset(inputs, whole, schema, None if weight is None else check_weight(weight), columns=columns, **other)


def _gone_through(
    frame: Frame, writers: Mapping[str, RowWriter], roles: Roles, columns: Columns, targets: dict[str, Target], where: str
) -> dict[str, np.ndarray]:
    """Write the inputs of all rows; targets and what else a data set keeps are given back."""
    import numpy as np

    from lamina.data.columns import require
    from lamina.data.encoding import encode_targets, extra_columns
    from lamina.data.frames import read_frame

    kept: dict[str, list[np.ndarray]] = {}
    extras = {**extra_columns(roles), "weight": roles.weight}
    start = 0
    for batch in frame.batches():
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


def folder_of(path: str | None) -> Path:
    """Where tables are spilled: the folder of the cache, or the usual one."""
    from lamina.data.storage.cache import cache_folder

    return cache_folder() / "tables" if path is None else Path(path)

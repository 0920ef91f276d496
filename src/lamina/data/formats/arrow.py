"""Arrow IPC: files (also known as Feather 2) and streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lamina.data.expressions.polars import exactly
from lamina.data.formats.scanning import damaged, joined, scan, scan_lazy, translated
from lamina.data.formats.types import check_whole, plain_columns, plain_frame
from lamina.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from lamina.data.storage import DataFile

EXPECTED = "a whole Arrow IPC file or stream"


def read_arrow(files: Sequence[DataFile]) -> pl.LazyFrame:
    """Rows of Arrow IPC files and streams, one file after the other.

    Files are read in pieces, the columns that are asked for alone. Streams have no index: one is in memory as a whole while it is
    read.

    Args:
        files: At least one. All have the same columns.

    Raises:
        DataError: DA060, naming the file, if one is damaged, Feather of version 1, or has other columns than the first; DA062 for
            columns that no table holds.
    """
    return joined(files, lambda file: _read_file(file) if _is_file(file) else _read_stream(file))


def _is_file(file: DataFile) -> bool:
    with file.local().open("rb") as opened:
        start = opened.read(8)
    if start.startswith(b"FEA1"):
        raise damaged(
            file.name,
            EXPECTED,
            "Feather of version 1",
            cause="the format before Arrow IPC, which nothing writes any more",
            fix="read it with pyarrow.feather.read_table, and write it again",
        )
    return start.startswith(b"ARROW1")


def _read_file(file: DataFile) -> pl.LazyFrame:
    import polars as pl

    path = file.local()

    def explain(error: BaseException) -> DataError:
        return _explain(error, file.name, pl.scan_ipc(path))

    raw = pl.scan_ipc(path)
    with translated(explain):
        columns = plain_columns(raw.collect_schema(), file.name)
    plain = raw.select([expression.alias(name) for name, (expression, _) in columns.items()])
    return scan_lazy(plain, pl.Schema({name: dtype for name, (_, dtype) in columns.items()}), explain)


def _explain(error: BaseException, where: str, raw: pl.LazyFrame) -> DataError:
    try:
        check_whole(raw, where)
    except DataError as own:
        return own
    except Exception as own:
        return damaged(where, EXPECTED, own)
    return damaged(where, EXPECTED, error)


def _read_stream(file: DataFile) -> pl.LazyFrame:
    import polars as pl

    path: Path = file.local()

    def whole(**settings: int) -> pl.DataFrame:
        with translated(lambda error: damaged(file.name, EXPECTED, error)):
            return pl.read_ipc_stream(path, **settings)  # type: ignore[arg-type]

    schema = plain_frame(whole(n_rows=0), file.name).collect_schema()

    def batches(columns: list[str], rows: int) -> Iterator[pl.DataFrame]:
        yield from plain_frame(whole(), file.name).select(exactly(columns)).collect().iter_slices(rows)

    return scan(schema, batches)

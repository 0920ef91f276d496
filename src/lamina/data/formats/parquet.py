"""Parquet files, one or many, and folders of them that are partitioned as Hive does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from lamina.data.formats.scanning import damaged, first_line, scan_lazy, too_much, translated
from lamina.data.formats.types import check_whole, plain_columns
from lamina.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl

    from lamina.data.storage import DataFile

EXPECTED = "a whole Parquet file"
MISSING = "__HIVE_DEFAULT_PARTITION__"
"""What Hive calls the folder of rows without a value."""


def read_parquet(files: Sequence[DataFile], *, hive: bool | None = None) -> pl.LazyFrame:
    """Rows of Parquet files, one file after the other.

    Only the columns that are asked for are read, and only those groups of rows whose statistics admit a filter.

    Args:
        files: At least one. All have the same columns.
        hive: Whether folders called ``year=2024`` are a column ``year``; by default, if there are such folders.

    Raises:
        DataError: DA060, naming the file, if one is damaged or has other columns than the first; DA017, if a folder and a column of
            the files have the same name; DA062 for columns that no table holds; DA064, if headers declare more than may be read.
    """
    import polars as pl

    paths = {file: file.local() for file in files}
    keys = [_keys(file) for file in files] if hive is not False else [() for _ in files]
    if hive is None and not any(keys):
        hive = False
    names = _partition_names(files, keys)
    with translated(lambda error: _explain(error, files, paths)):
        own = pl.scan_parquet(paths[files[0]]).collect_schema()
    clash = next((name for name in names if name in own), None)
    if clash is not None:
        raise DataError(
            "DA017",
            where=files[0].name,
            expected=f"a column {clash!r} either in the files or in the names of their folders",
            got="both",
            cause="the folders repeat what the rows say",
            fix="write hive: false, if the column of the files is the right one",
        )
    parts = _typed([dict(pairs) for pairs in keys], names)
    scans = []
    for start, stop in _runs(keys):
        part = pl.scan_parquet([paths[file] for file in files[start:stop]], hive_partitioning=False, low_memory=True)
        scans.append(part.with_columns(**{name: pl.lit(parts[name][start], dtype=parts[name].dtype) for name in names}))
    raw = scans[0] if len(scans) == 1 else pl.concat(scans)
    schema = pl.Schema({**own, **{name: parts[name].dtype for name in names}})
    columns = plain_columns(schema, files[0].name)

    def explain(error: BaseException) -> DataError:
        return _explain(error, files, paths)

    with translated(explain):
        _check_size(raw, files, len(schema))
    plain = raw.select([expression.alias(name) for name, (expression, _) in columns.items()])
    return scan_lazy(plain, pl.Schema({name: dtype for name, (_, dtype) in columns.items()}), explain)


def _check_size(raw: pl.LazyFrame, files: Sequence[DataFile], width: int) -> None:
    """What all headers declare together, from their last bytes."""
    import polars as pl

    most = sum(file.storage.max_size for file in files)
    rows = int(raw.select(pl.len()).collect().item())
    if rows * width > most:
        raise too_much(
            files[0].name,
            f"at most {most:,} values in {len(files)} files",
            f"{rows:,} rows of {width:,} columns",
            f"if the files are trusted, raise the bound: storage: {{max_size: {2 * rows * width}}}",
        )


def _keys(file: DataFile) -> tuple[tuple[str, str], ...]:
    pairs = (part.split("=", 1) for part in file.relative.parts[:-1] if "=" in part.strip("="))
    return tuple((unquote(name), unquote(value)) for name, value in pairs)


def _partition_names(files: Sequence[DataFile], keys: Sequence[Any]) -> list[str]:
    names = [name for name, _ in keys[0]]
    for file, pairs in zip(files, keys, strict=True):
        own = [name for name, _ in pairs]
        if own != names or len({*own}) < len(own):
            raise damaged(
                file.name,
                f"folders for {', '.join(names) or 'nothing'}, as {files[0].name} lies in, each once",
                f"folders for {', '.join(own) or 'nothing'}",
                cause="the folders of a partitioned table are all made alike",
                fix="move the file, or write hive: false",
            )
    return names


def _typed(rows: Sequence[dict[str, str]], names: Sequence[str]) -> dict[str, pl.Series]:
    """Values of each partition column for each file: whole numbers or dates if all are, else text."""
    import polars as pl

    made = {}
    for name in names:
        texts = pl.Series(name, [None if row[name] == MISSING else row[name] for row in rows], dtype=pl.String)
        made[name] = texts
        # 007 is no number, but the name of something.
        if texts.str.contains(r"^-?(0|[1-9]\d{0,17})$").all():
            made[name] = texts.cast(pl.Int64)
        elif texts.str.contains(r"^\d{4}-\d{2}-\d{2}$").all():
            dates = texts.str.to_date("%Y-%m-%d", strict=False)
            made[name] = dates if dates.null_count() == texts.null_count() else texts
    return made


def _runs(keys: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Neighbours of the same partition, which are read as one."""
    start = 0
    for stop in range(1, len(keys) + 1):
        if stop == len(keys) or keys[stop] != keys[start]:
            yield start, stop
            start = stop


def _explain(error: BaseException, files: Sequence[DataFile], paths: dict[DataFile, Path]) -> DataError:
    """Which file it was, and why."""
    import polars as pl

    first: pl.Schema | None = None
    for file in files:
        scanned = pl.scan_parquet(paths[file], hive_partitioning=False)
        try:
            schema = scanned.collect_schema()
        except Exception as own:
            return damaged(file.name, EXPECTED, own)
        first = schema if first is None else first
        if schema != first:
            return _other_columns(file, schema, files[0], first)
    try:
        for file in files:
            check_whole(pl.scan_parquet(paths[file], hive_partitioning=False), file.name)
    except DataError as own:
        return own
    except Exception as own:
        return damaged(file.name, EXPECTED, own)
    if len(files) > 1:
        for file in files:
            try:
                for _ in pl.scan_parquet(paths[file], hive_partitioning=False).collect_batches():
                    pass
            except (Exception, pl.exceptions.PanicException) as own:
                return damaged(file.name, EXPECTED, own)
    return damaged(files[0].name if len(files) == 1 else f"{files[0].name} and {len(files) - 1} more", EXPECTED, first_line(error))


def _other_columns(file: DataFile, schema: Any, other: DataFile, wanted: Any) -> DataError:
    missing = [name for name in wanted if name not in schema]
    added = [name for name in schema if name not in wanted]
    if missing:
        near = nearest(missing[0], added)
        expected, got = f"a column {missing[0]!r}", f"the columns {', '.join(list(schema)[:12])}"
        cause = f"it may be called {near!r} here" if near else "it was written by another version of whatever writes these files"
    elif added:
        expected, got, cause = "no other columns", f"a column {added[0]!r}", "the table was given a column later"
    else:
        odd = next((name for name in wanted if wanted[name] != schema[name]), None)
        expected = f"column {odd!r} as {wanted[odd]}" if odd is not None else f"columns in the order {', '.join(list(wanted)[:8])}"
        got = f"{schema[odd]}" if odd is not None else f"{', '.join(list(schema)[:8])}"
        cause = "the files were not written alike"
    return damaged(
        file.name,
        f"{expected}, as {other.name} has",
        got,
        cause=cause,
        fix="write all files alike, or read them one by one and bring them to one form in a pipeline",
    )

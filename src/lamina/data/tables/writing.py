"""Tables as files, by their ending: streamed, and whole or not at all."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from lamina.errors import DataError, nearest
from lamina.files import atomic_write

if TYPE_CHECKING:
    import polars as pl

WRITERS: dict[str, str] = {
    ".csv": "lamina.data.tables.writing:write_csv",
    ".tsv": "lamina.data.tables.writing:write_tsv",
    ".jsonl": "lamina.data.tables.writing:write_json_lines",
    ".ndjson": "lamina.data.tables.writing:write_json_lines",
    ".parquet": "lamina.data.tables.writing:write_parquet",
    ".arrow": "lamina.data.tables.writing:write_arrow",
    ".feather": "lamina.data.tables.writing:write_arrow",
    ".xlsx": "lamina.data.formats.excel.writer:write_excel",
    ".mat": "lamina.data.formats.matlab.writer:write_matlab",
    ".npz": "lamina.data.formats.array_writing:write_arrays",
    ".svm": "lamina.data.formats.svmlight.writer:write_svmlight",
    ".libsvm": "lamina.data.formats.svmlight.writer:write_svmlight",
    ".svmlight": "lamina.data.formats.svmlight.writer:write_svmlight",
}
"""Ending to ``module:function`` of a function that takes a `polars.LazyFrame` and a path, and writes it whole or not at all."""
_COMPRESSED = {".gz": "gzip", ".zst": "zstd"}
_PACKABLE = (".csv", ".tsv", ".jsonl", ".ndjson")


def write_table(frame: Any, path: str | os.PathLike[str]) -> None:
    """Write a table to a file of the kind that its ending says; ``.csv``, ``.tsv`` and ``.jsonl`` also with ``.gz`` or ``.zst`` after it.

    Rows of a lazy frame are computed as they are written, so that there may be more of them than fit into memory. The file appears under
    its name when all of it is on the disk.

    Args:
        frame: Of Polars, lazy or not, or of another library that narwhals knows.
        path: The file; its folder must be there.

    Raises:
        DataError: DA090, for an ending that nobody writes; DA093, if the file can't be written, or holds what such files can't;
            DA005, for what is no frame; and what computing a lazy frame raises.

    Example:
        >>> import tempfile, polars as pl
        >>> path = Path(tempfile.mkdtemp()) / "rows.csv"
        >>> write_table(pl.DataFrame({"a": [1, None], "b": ["x", "y"]}), path)
        >>> path.read_text().splitlines()
        ['a,b', '1,x', ',y']
    """
    from lamina.data.foreign import as_polars

    target = Path(path)
    writer = writer_for(target)
    lazy = as_polars(frame)
    if lazy is None:
        raise DataError(
            "DA005",
            where=f"the table for {target}",
            expected="a frame of Polars, pandas, pyarrow ...",
            got=type(frame).__name__,
            cause="only tables are written to such files",
            fix="make a frame of it: polars.DataFrame({name: values, ...})",
        )
    if target.is_dir():
        raise _unwritable(target, "it is a folder", "the name is taken", "choose another name")
    try:
        writer(lazy, target)
    except OSError as error:
        told = error.strerror or str(error)
        raise _unwritable(target, told, "the folder isn't there or can't be written to, or the disk is full", "make the folder") from error


def writer_for(path: str | os.PathLike[str]) -> Callable[[pl.LazyFrame, Path], None]:
    """What writes files of an ending.

    Raises:
        DataError: DA090, if nothing does.
    """
    target = Path(path)
    suffixes = [suffix.lower() for suffix in target.suffixes[-2:]]
    own = suffixes[-1] if suffixes else ""
    if own in _COMPRESSED:
        own = suffixes[0] if len(suffixes) > 1 and suffixes[0] in _PACKABLE else f"{own} alone"
    if own not in WRITERS:
        near = nearest(own, WRITERS)
        raise DataError(
            "DA090",
            where=str(target),
            expected=f"a file that ends in {', '.join(WRITERS)}",
            got=repr(own) if own else "no ending",
            cause="the ending says how the file is written",
            fix=f"did you mean {near!r}?" if near else "use one of these endings",
        )
    module, _, name = WRITERS[own].partition(":")
    found: Callable[[pl.LazyFrame, Path], None] = getattr(importlib.import_module(module), name)
    return found


def write_csv(frame: pl.LazyFrame, path: Path, *, delimiter: str = ",") -> None:
    """As csv in UTF-8: a header, missing values as nothing, times in ISO 8601 with their offset.

    Raises:
        DataError: DA093, for columns of lists or bytes.
        OSError: If the file can't be written.
    """
    import polars as pl

    schema = frame.collect_schema()
    for name, kind in schema.items():
        if kind.is_nested() or kind == pl.Binary:
            raise _cannot_hold(path, name, str(kind), "csv")
    times = [name for name, kind in schema.items() if isinstance(kind, pl.Datetime)]
    ready = frame.with_columns(pl.col(times).dt.to_string("iso:strict")) if times else frame
    _sunk(path, lambda file: ready.sink_csv(file, separator=delimiter, compression=_compression(path), check_extension=False))


def write_tsv(frame: pl.LazyFrame, path: Path) -> None:
    """As `write_csv`, with tabs.

    Raises:
        DataError: As `write_csv`.
    """
    write_csv(frame, path, delimiter="\t")


def write_json_lines(frame: pl.LazyFrame, path: Path) -> None:
    """As one JSON object on each line; NaN, which JSON doesn't have, becomes null.

    Raises:
        DataError: DA093, for infinite numbers and columns of bytes, which JSON doesn't have either.
        OSError: If the file can't be written.
    """
    import polars as pl

    schema = frame.collect_schema()
    for name, kind in schema.items():
        if kind == pl.Binary:
            raise _cannot_hold(path, name, str(kind), "JSON")

    wrong: list[str] = []

    def finite(values: pl.Series) -> pl.Series:
        if values.is_infinite().any():
            wrong.append(values.name)
            raise ValueError(values.name)
        return values

    floats = [name for name, kind in schema.items() if kind.is_float()]
    ready = frame.with_columns(pl.col(name).map_batches(finite, return_dtype=schema[name], is_elementwise=True) for name in floats)
    try:
        _sunk(path, lambda file: ready.sink_ndjson(file, compression=_compression(path), check_extension=False))
    except (ValueError, pl.exceptions.PolarsError):
        if wrong:
            raise _cannot_hold(path, wrong[0], "infinite numbers", "JSON") from None
        raise


def write_parquet(frame: pl.LazyFrame, path: Path) -> None:
    """As Parquet, packed by zstd.

    Raises:
        OSError: If the file can't be written.
    """
    _sunk(path, frame.sink_parquet)


def write_arrow(frame: pl.LazyFrame, path: Path) -> None:
    """As Arrow IPC, which programs map into memory as it is.

    Raises:
        OSError: If the file can't be written.
    """
    _sunk(path, frame.sink_ipc)


def _compression(path: Path) -> Any:
    return _COMPRESSED.get(path.suffix.lower(), "uncompressed")


def _sunk(path: Path, sink: Callable[[IO[bytes]], object]) -> None:
    import polars as pl

    try:
        atomic_write(path, sink)
    except pl.exceptions.PolarsError as error:
        # Some of Polars' writers hide what the file has raised.
        if "IO error" in str(error) or "os error" in str(error):
            raise OSError(0, str(error).splitlines()[0]) from error
        raise


def _unwritable(path: Path, got: str, cause: str, fix: str) -> DataError:
    return DataError(
        "DA093", where=str(path), expected="a file that can be written", got=got, cause=cause, fix=f"{fix}, or choose another place"
    )


def _cannot_hold(path: Path, column: str, got: str, kind: str) -> DataError:
    return DataError(
        "DA093",
        where=f"{path}, column {column!r}",
        expected=f"what {kind} can hold",
        got=got,
        cause=f"{kind} has no way to write it, and half of it would be lost",
        fix="write .parquet or .arrow, or leave the column out",
    )

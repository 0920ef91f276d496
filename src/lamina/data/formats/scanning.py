"""Files as lazy Polars frames: only the columns and rows that are asked for are read, and what fails is an error of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lamina.errors import DataError

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.storage import DataFile

BATCH_ROWS = 65536
"""Rows that are read at once, unless a row is large."""


def scan(schema: Any, batches: Callable[[list[str], int], Iterator[pl.DataFrame]]) -> pl.LazyFrame:
    """A lazy frame whose rows come from a function.

    Args:
        schema: Names and types of the columns, or a function that finds them out.
        batches: Takes the columns that are asked for, and about how many rows to give at once; gives frames of these columns. It
            may be called several times, and its errors reach whoever collects the frame as they are.

    Example:
        >>> import polars as pl
        >>> whole = pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
        >>> scan(whole.schema, lambda columns, rows: whole.select(columns).iter_slices(rows)).filter(pl.col("a") > 1).collect().rows()
        [(2, 'y'), (3, 'z')]
    """
    import polars as pl
    from polars.io.plugins import register_io_source

    def found() -> pl.Schema:
        return pl.Schema(schema() if callable(schema) else schema)

    def source(columns: list[str] | None, predicate: pl.Expr | None, most: int | None, rows: int | None) -> Iterator[pl.DataFrame]:
        names = found().names()
        wanted = names if columns is None else columns
        needed = wanted if predicate is None else [name for name in names if name in {*wanted, *predicate.meta.root_names()}]
        left = most
        for batch in batches(needed or names[:1], min(rows or BATCH_ROWS, BATCH_ROWS)):
            kept = batch if left is None else batch.head(left)
            if left is not None:
                left -= len(kept)
            yield (kept if predicate is None else kept.filter(predicate))[wanted]
            if left == 0:
                return

    return register_io_source(source, schema=found)


def scan_lazy(lazy: pl.LazyFrame, schema: pl.Schema, explain: Callable[[BaseException], DataError]) -> pl.LazyFrame:
    """A lazy frame of Polars itself, whose errors become ours; what is asked of it is passed on.

    Args:
        lazy: The frame.
        schema: Its columns, known already.
        explain: Makes an error of what Polars raised.
    """
    from polars.io.plugins import register_io_source

    from lamina.data.expressions.polars import exactly

    def source(columns: list[str] | None, predicate: pl.Expr | None, most: int | None, rows: int | None) -> Iterator[pl.DataFrame]:
        asked = lazy if most is None else lazy.head(most)
        asked = asked if predicate is None else asked.filter(predicate)
        asked = asked if columns is None else asked.select(exactly(columns))
        with translated(explain):
            yield from asked.collect_batches(chunk_size=rows, maintain_order=True)

    return register_io_source(source, schema=schema)


@contextmanager
def translated(explain: Callable[[BaseException], DataError]) -> Iterator[None]:
    """What Polars and the system raise within, as what ``explain`` makes of it; Lamina's own errors stay."""
    import polars as pl

    try:
        yield
    # A damaged file can break promises that Polars relies on: that is a panic, which is no Exception.
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError, MemoryError, OverflowError) as error:
        raise explain(error) from error


def joined(files: Sequence[DataFile], read: Callable[[DataFile], pl.LazyFrame]) -> pl.LazyFrame:
    """The rows of several files, one after the other.

    Raises:
        DataError: DA060, naming the file, if one has other columns than the first; what ``read`` raises.
    """
    import polars as pl

    frames = [read(file) for file in files]
    first = frames[0].collect_schema()
    for file, frame in zip(files, frames, strict=True):
        own = frame.collect_schema()
        if own != first:
            odd = next((name for name in (*first, *own) if first.get(name) != own.get(name)), None)
            raise damaged(
                file.name,
                f"the columns of {files[0].name}: {', '.join(f'{name} {dtype}' for name, dtype in list(first.items())[:12])}",
                f"{odd} {own.get(odd) or 'missing'}" if odd is not None else "another order",
                cause="the files were not written alike",
                fix="write all files alike",
            )
    return frames[0] if len(frames) == 1 else pl.concat(frames)


def damaged(where: str, expected: str, error: object, *, cause: str = "", fix: str = "") -> DataError:
    """DA060: a file that can't be read as what its name says.

    Args:
        where: The file.
        expected: What it should be.
        error: What its reader said.
        cause: Why; by default that it is damaged.
        fix: What to do; by default to get it anew.
    """
    return DataError(
        "DA060",
        where=where,
        expected=expected,
        got=first_line(error),
        cause=cause or "the file is damaged, cut off (a copy that did not finish), or of another kind than its ending says",
        fix=fix or "get the file once more, or name the right kind of source",
    )


def first_line(error: object) -> str:
    """What an error says, in a line."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    text = text if len(text) <= 300 else text[:297] + "..."
    return text or type(error).__name__


def not_there(where: str, kind: str, wanted: str, names: Sequence[str]) -> DataError:
    """DA061: a file without the sheet, variable, data set or table that is asked for.

    Args:
        where: The file.
        kind: Of what is asked for, such as ``sheet``.
        wanted: Its name.
        names: Those that there are.
    """
    from lamina.errors import nearest

    near, one = nearest(wanted, names), f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return DataError(
        "DA061",
        where=where,
        expected=f"{one} {wanted!r}",
        got=f"{', '.join(map(repr, names[:12]))}{more}" if names else f"no {kind} at all",
        cause="a typo" if near else f"the file has no such {kind}",
        fix=f"did you mean {near!r}?" if near else f"name {one} that is there" if names else "look at how the file was written",
    )


def too_much(where: str, expected: str, got: str, fix: str) -> DataError:
    """DA064: a header that declares more than a file of this size can hold, or more than may be held."""
    return DataError(
        "DA064",
        where=where,
        expected=expected,
        got=got,
        cause="the header is damaged or made to fill the memory; nothing was read",
        fix=fix,
    )

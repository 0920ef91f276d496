"""Files of one table as a lazy frame: types found over all rows, every row checked, memory bounded, columns and rows read as needed."""

from __future__ import annotations

import os
import warnings
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from lamina.data.storage.file import DataFile
from lamina.data.storage.problems import changed
from lamina.data.tables.kinds import EMPTY, TEXT, dtype_of, join
from lamina.data.tables.problems import MisquotedError, empty, other_columns, twice
from lamina.data.tables.texts import Parsed
from lamina.errors import LaminaWarning

if TYPE_CHECKING:
    import polars as pl

HELD = 256 << 20
"""Bytes of rows that are kept from the pass that finds the types, so that small tables are parsed once."""
_REMEMBERED = 64


class Layout(Protocol):
    """How the files of a table are cut and parsed, such as csv."""

    def open(self, file: DataFile, *, exact: bool, names: tuple[str, ...] = ()) -> Reading:
        """A file whose blocks come next; ``names`` are the columns of the files before."""


@dataclass
class Reading:
    """An open file.

    Attributes:
        names: Of its columns.
        blocks: Its content, piece by piece.
        parse: Makes a frame of a piece; called in threads.
        close: Closes the file.
        strict: Columns that may have one type only.
        nothing: What a file without rows has.
        left_out: How many lines were left out so far, which is said at the end.
    """

    names: tuple[str, ...]
    blocks: Iterator[Any]
    parse: Callable[..., Parsed]
    close: Callable[[], object]
    strict: frozenset[str] = frozenset()
    left_out: Callable[[], int] = int
    nothing: str = "none"


@dataclass(frozen=True)
class Found:
    """What a pass over all files has shown.

    Attributes:
        levels: Of each column, see `lamina.data.tables.kinds`.
        exact: Names of files that must be cut by reading their records.
    """

    levels: dict[str, int]
    exact: frozenset[str] = frozenset()


_found: OrderedDict[Any, Found] = OrderedDict()


@dataclass
class Scan:
    """The files of a table.

    Attributes:
        files: In order.
        layout: How they are written; equal layouts read alike.
        least: The narrowest type that a column may have, where that is known.
        file_column: Name of a column with the name of the file that a row is from.
    """

    files: Sequence[DataFile]
    layout: Layout
    least: Mapping[str, int] = field(default_factory=dict)
    file_column: str | None = None
    _nothing: str = "none"

    def lazy(self) -> pl.LazyFrame:
        """The rows.

        Types are found by a pass over all rows, unless all are known; what that pass has shown is remembered as long as the
        files stay the same.

        Raises:
            DataError: If the files are no table.
        """
        key = (tuple(file.fingerprint for file in self.files), self.layout, tuple(self.least.items()), self.file_column)
        found = _found.get(key)
        if found is None:
            declared = self._declared()
            if declared is not None:
                return self._deferred(declared, trusted=False)
            found, held = self._look()
            _found[key] = found
            while len(_found) > _REMEMBERED:
                _found.popitem(last=False)
            if held is not None:
                import polars as pl

                return pl.concat(held).lazy()
        else:
            _found.move_to_end(key)
        return self._deferred(found, trusted=True)

    def _declared(self) -> Found | None:
        """What is known without a look at the rows, if that is enough."""
        reading = self.layout.open(self.files[0], exact=False)
        reading.close()
        sure = [name for name, level in self.least.items() if level == TEXT or name in reading.strict]
        return Found({name: self.least[name] for name in reading.names}) if {*reading.names} <= {*sure} else None

    # -- the pass that finds the types --------------------------------------------------------------------------------

    def _look(self) -> tuple[Found, list[pl.DataFrame] | None]:
        levels: dict[str, int] = {}
        exact: set[str] = set()
        held: list[tuple[pl.DataFrame, dict[str, int]]] | None = []
        size = rows = 0
        for frame, own in self._frames(levels, exact, only=None):
            rows += frame.height
            for name, level in own.items():
                levels[name] = join(levels[name], level)
            size += int(frame.estimated_size())
            if size > HELD:
                held = None
            if held is not None:
                held.append((frame, own))
        if not rows:
            raise empty(self.files[0].name, self._nothing)
        found = Found(dict(levels), frozenset(exact))
        text = [name for name, level in levels.items() if level == TEXT]
        if held is None or any(own[name] not in (EMPTY, TEXT) for _, own in held for name in text):
            return found, None
        return found, [self._shaped(frame, found) for frame, _ in held]

    def _shaped(self, frame: pl.DataFrame, found: Found, only: Sequence[str] | None = None) -> pl.DataFrame:
        import polars as pl

        names = [*found.levels, *([self.file_column] if self.file_column else [])] if only is None else only
        types = {name: dtype_of(level) for name, level in found.levels.items()}
        # Not by expressions: some names would mean more than themselves.
        return pl.DataFrame({name: frame[name].cast(types[name]) if name in types else frame[name] for name in names})

    # -- reading ------------------------------------------------------------------------------------------------------

    def _deferred(self, found: Found, *, trusted: bool) -> pl.LazyFrame:
        import polars as pl
        from polars.io.plugins import register_io_source

        schema = {name: dtype_of(level) for name, level in found.levels.items()}
        if self.file_column:
            schema[self.file_column] = pl.String

        def read(columns: list[str] | None, predicate: pl.Expr | None, most: int | None, _: int | None) -> Iterator[pl.DataFrame]:
            rows, only = 0, None if columns is None else tuple(columns)
            levels, exact = dict(found.levels), set(found.exact)
            # Without any column, rows could not be counted.
            chosen = [name for name in schema if name in levels and (only is None or name in only)] or list(levels)[:1]
            for frame, own in self._frames(levels, exact, only=chosen if trusted else None):
                odd = next((name for name in own if join(own[name], found.levels[name]) != found.levels[name]), None)
                if odd is not None:
                    raise changed(self.files[0].name, f"column {odd!r} as it was", "other values")
                made = self._shaped(frame, found, only)
                if most is not None:
                    made = made.head(most - rows)
                rows += made.height
                yield made if predicate is None else made.filter(predicate)
                if most is not None and rows >= most:
                    return
            if not rows and most is None:
                raise empty(self.files[0].name, self._nothing)

        return register_io_source(read, schema=schema)

    def _frames(self, levels: dict[str, int], exact: set[str], only: Sequence[str] | None) -> Iterator[tuple[pl.DataFrame, dict[str, int]]]:
        """Frames of all files in order, with the levels of their columns; ``levels`` may become wider meanwhile."""
        import polars as pl

        first: tuple[str, ...] = ()
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1), "lamina-tables") as pool:
            for file in self.files:
                done = 0
                while True:
                    careful, seen = file.name in exact, 0
                    reading = self.layout.open(file, exact=careful, names=first)
                    self._nothing = reading.nothing
                    try:
                        first = first or reading.names
                        if {*first} != {*reading.names}:
                            raise other_columns(file.name, self.files[0].name, reading.names, first)
                        if self.file_column in first:
                            raise twice(file.name, str(self.file_column))
                        for name in first:
                            levels.setdefault(name, self.least.get(name, EMPTY))
                        for parsed in _in_order(pool, reading, levels, only):
                            seen += parsed.frame.height
                            if seen <= done:
                                continue
                            frame = parsed.frame.tail(min(parsed.frame.height, seen - done))
                            done = seen
                            if self.file_column:
                                frame = frame.with_columns(
                                    pl.Series(self.file_column, [str(file.relative)], dtype=pl.String).new_from_index(0, frame.height)
                                )
                            yield frame, dict(zip(reading.names, parsed.levels, strict=True))
                    except MisquotedError:
                        # Perhaps it was only cut in the wrong place.
                        if careful:
                            raise
                        exact.add(file.name)
                        continue
                    finally:
                        reading.close()
                    if reading.left_out():
                        message = f"[DA053] {file.name}: {reading.left_out():,} lines don't fit, and were left out (other: drop)"
                        warnings.warn(message, LaminaWarning, stacklevel=2)
                    break
                file.verify()


def _in_order(pool: ThreadPoolExecutor, reading: Reading, levels: Mapping[str, int], only: Sequence[str] | None) -> Iterator[Parsed]:
    """Parse blocks in threads, a few ahead; the first one of all alone, because it shows the types."""
    ahead: deque[Future[Parsed]] = deque()
    workers = pool._max_workers
    known = all(levels[name] != EMPTY for name in reading.names)
    try:
        for block in reading.blocks:
            ahead.append(pool.submit(reading.parse, block, [levels[name] for name in reading.names], only=only))
            if len(ahead) > workers or not known:
                known = True
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        for future in ahead:
            future.cancel()

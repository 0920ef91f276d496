"""Files that grow as streams: every line a record, its place in bytes the offset."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lamina.data.streams.stream import Record, Stream
from lamina.errors import DataError

LONGEST_LINE = 16 * 1024 * 1024
_PAUSE = 0.05


class Tail(Stream):
    r"""Lines of files, also of those that are still written to; each file is a partition.

    A line counts when it ends in a line break, so one that is half written waits.

    Args:
        paths: The files.
        decode: Makes a record of a line; JSON by default: ``[x, y]``, or an object of columns.
        follow: Wait for lines to come; without it, a file ends where it ends now.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "clicks.jsonl"
        >>> _ = file.write_text('{"age": 7}\n{"age": 9}\n')
        >>> [(record.value, record.next) for record in Tail([file], follow=False).read(str(file), 11, 5, timeout=0)]
        [({'age': 9}, 22)]
    """

    def __init__(
        self, paths: Sequence[str | os.PathLike[str]], *, decode: Callable[[bytes], Any] | None = None, follow: bool = True
    ) -> None:
        self.partitions = tuple(os.fspath(path) for path in paths)
        self.decode = decode or _json
        self.follow = follow

    def read(self, partition: str, offset: int, count: int, timeout: float) -> Sequence[Record]:
        until = time.monotonic() + timeout
        while True:
            found = self._lines(partition, offset, count)
            left = until - time.monotonic()
            if found or not self.follow or left <= 0:
                return found
            time.sleep(min(_PAUSE, left))

    def ended(self, partition: str, offset: int) -> bool:
        return not self.follow and not self._lines(partition, offset, 1)

    def _lines(self, path: str, offset: int, count: int) -> list[Record]:
        records: list[Record] = []
        try:
            with Path(path).open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size < offset:
                    raise _unreadable(
                        where=f"{path}, byte {offset}",
                        expected="the file as it was, with more behind it",
                        got=f"{size} bytes",
                        cause="the file was cut off or replaced; what stood there is gone",
                        fix="let writers only append; begin a new file under another name",
                    )
                file.seek(offset)
                while len(records) < count:
                    line = file.readline(LONGEST_LINE + 1)
                    if len(line) > LONGEST_LINE:
                        raise _unreadable(
                            where=f"{path}, byte {offset}",
                            expected=f"a line of at most {LONGEST_LINE} bytes",
                            got="a longer one",
                            cause="the file has no lines, or a line break is missing",
                            fix="write one record a line",
                        )
                    if not line.endswith(b"\n"):
                        break
                    records.append(Record(self._decoded(line, path, offset), offset, offset + len(line)))
                    offset += len(line)
        except OSError as error:
            raise _unreadable(
                where=path,
                expected="a file that can be read",
                got=f"{type(error).__name__}: {error}",
                cause="it isn't there yet, or is somebody else's",
                fix="create the file before, empty if nothing was written yet",
            ) from error
        return records

    def _decoded(self, line: bytes, path: str, offset: int) -> Any:
        try:
            return self.decode(line)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise _unreadable(
                where=f"{path}, byte {offset}",
                expected="a record, as decode reads it",
                got=f"{line[:60].decode(errors='replace').rstrip()!r} ({type(error).__name__}: {error})",
                cause="the line is damaged, or written in another way",
                fix="correct the line, or give decode=, a function from bytes to a record",
            ) from error


def _json(line: bytes) -> Any:
    value = json.loads(line)
    return tuple(value) if isinstance(value, list) else value


def _unreadable(*, where: str, expected: str, got: str, cause: str, fix: str) -> DataError:
    return DataError("DA190", where=where, expected=expected, got=got, cause=cause, fix=fix)

"""A log that a resumed run goes on writing as if it had never been killed."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import IO, TYPE_CHECKING

from lamina.errors import LaminaWarning, TrainingError

if TYPE_CHECKING:
    from lamina.train.view import TrainerView


class LogFile:
    """Text appended line by line; a checkpoint holds how long it was, and what came later is cut off when a run resumes from it.

    Lines reach the operating system at once, so that they can be followed and outlive the process; they are synced to the disk
    when a checkpoint is taken (`mark`), so that a checkpoint never remembers more than the disk does.

    Args:
        offset: Bytes that stay; 0 starts afresh.
    """

    def __init__(self, offset: int = 0) -> None:
        self.offset = offset
        self._file: IO[bytes] | None = None

    def open(self, path: Path) -> None:
        """Begin to write after the bytes that stay.

        Warns:
            LaminaWarning: TR006, if the file is shorter than the checkpoint remembers.
        """
        self.close()
        path.parent.mkdir(parents=True, exist_ok=True)
        size = path.stat().st_size if path.exists() else 0
        if size < self.offset:
            warnings.warn(
                f"[TR006] {path} has {size} bytes, the checkpoint remembers {self.offset}: earlier lines were lost; "
                "the log goes on from here",
                LaminaWarning,
                stacklevel=3,
            )
            self.offset = size
        self._file = path.open("r+b" if path.exists() else "w+b")
        self._file.truncate(self.offset)
        self._file.seek(self.offset)

    def write(self, line: str) -> None:
        """Append a line."""
        if self._file is not None:
            data = (line + "\n").encode()
            self._file.write(data)
            self._file.flush()
            self.offset += len(data)

    def mark(self) -> int:
        """Make all lines safe on the disk; gives the length to remember."""
        if self._file is not None:
            os.fsync(self._file.fileno())
        return self.offset

    def close(self) -> None:
        """Write no more."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None


def log_path(trainer: TrainerView, path: str | None, name: str, callback: str) -> Path:
    """Where a log goes: where the user said, else into the run directory.

    Raises:
        TrainingError: TR005, if there is neither.
    """
    if path is not None:
        return Path(path)
    if trainer.run_dir is not None:
        return trainer.run_dir.path / name
    raise TrainingError(
        "TR005",
        where=f"callback {callback!r}",
        expected="a place to write to",
        got="neither a path nor a run directory",
        cause="this training keeps nothing",
        fix=f"give fit a run_dir, or the callback a path: {{type: {callback}, path: {name}}}",
    )

"""What a process says of the error that ended it, as a file that another process reads."""

from __future__ import annotations

import json
import time
import traceback
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import lamina.errors
from lamina.errors import LaminaError, Problem, Source, TrainingError
from lamina.files import atomic_write_text


@dataclass(frozen=True)
class RankReport:
    """How a process ended.

    Attributes:
        rank: Which.
        time: When, in seconds since 1970.
        error: What ended it; None if it was stopped by a signal or Ctrl-C.
        peer: Whether it ended only because another did.
    """

    rank: int
    time: float
    error: LaminaError | None
    peer: bool = False

    def write(self, path: Path) -> None:
        """Leave it for the process that watches."""
        data: dict[str, Any] = {"rank": self.rank, "time": self.time, "peer": self.peer, "error": None}
        if self.error is not None:
            known = next(kind.__name__ for kind in type(self.error).__mro__ if getattr(lamina.errors, kind.__name__, None) is kind)
            data["error"] = {"kind": known, "problems": [asdict(problem) for problem in self.error.problems]}
        atomic_write_text(path, json.dumps(data))

    @classmethod
    def read(cls, path: Path) -> RankReport | None:
        """What a process left; None if it left nothing."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        found: LaminaError | None = None
        if data["error"] is not None:
            kinds = {name: kind for name, kind in vars(lamina.errors).items() if isinstance(kind, type) and issubclass(kind, LaminaError)}
            found = kinds[data["error"]["kind"]].of(_problem(problem) for problem in data["error"]["problems"])
        return cls(data["rank"], data["time"], found, data["peer"])


def of_rank(error: BaseException, rank: int) -> LaminaError:
    """An error with the process that it happened in; one that is not Lamina's becomes DI005, with where it was raised."""
    if isinstance(error, LaminaError):
        return type(error).of(replace(problem, where=f"rank {rank}, {problem.where}") for problem in error.problems)
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}, in {frames[-1].name}" if frames else "an unknown place"
    return TrainingError(
        "DI005",
        where=f"rank {rank}, {place}",
        expected="no error",
        got=f"{type(error).__name__}: {error}",
        cause="an error that Lamina did not expect, of an own component, of the data or of the machine",
        fix="see the traceback that this process has shown above; run it on one process (leave cluster out) to look into it",
    )


def now() -> float:
    """The time that reports carry: the same clock for all processes of a machine."""
    return time.time()


def _problem(data: dict[str, Any]) -> Problem:
    source = data.pop("source")
    return Problem(**data, source=None if source is None else Source(**source))

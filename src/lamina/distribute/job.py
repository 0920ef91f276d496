"""What the processes of a local training are told, and what the first of them gives back: files in one temporary folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from lamina.files import atomic_write_text


@dataclass(frozen=True)
class Job:
    """A training to be done by several processes.

    Attributes:
        kind: ``fit``: model and data lie in the folder. ``recipe``: each process reads its data by the recipe.
        workers: How many.
        timeout: Seconds to wait for each other.
        threads: CPU threads of each.
        device: Where they compute; each finds its own.
        run_dir: Where the run is kept; None keeps nothing.
        resume: Whether to go on from a checkpoint there.
        settings: What else the kind needs, as plain data.
    """

    kind: Literal["fit", "recipe"]
    workers: int
    timeout: float
    threads: int
    device: str
    run_dir: str | None
    resume: bool
    settings: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Put it into its folder."""
        atomic_write_text(folder / "job.json", json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> Job:
        """The job in a folder."""
        return cls(**json.loads((folder / "job.json").read_text(encoding="utf-8")))


class Place:
    """The files of a job.

    Args:
        folder: The folder.

    Attributes:
        model: The model to train.
        train: The training part.
        validation: The validation part.
        recipe: The recipe.
        result: What came of it: history, reason to stop.
        trained: The trained model.
        judged: The judgement of the test part.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = folder / "model.lamina"
        self.train = folder / "train"
        self.validation = folder / "validation"
        self.recipe = folder / "recipe.yaml"
        self.result = folder / "result.json"
        self.trained = folder / "trained.lamina"
        self.judged = folder / "judged.bin"

    def meeting(self, attempt: int) -> str:
        """Where the processes of an attempt meet."""
        return f"file://{self.folder.resolve().as_posix()}/meeting-{attempt}"

    def report(self, attempt: int, rank: int) -> Path:
        """Where a process says what went wrong."""
        return self.folder / f"report-{attempt}-{rank}.json"

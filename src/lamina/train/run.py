"""The run directory: one folder with everything of one training, and one process at a time in it."""

from __future__ import annotations

import errno
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.errors import ArchiveError, StartError
from lamina.files import atomic_write_text
from lamina.train.lock import lock_folder
from lamina.version import __version__

if TYPE_CHECKING:
    from lamina.evaluate.result import Report

RUNS = "runs"
_PACKAGES = ("torch", "numpy", "pydantic", "PyYAML", "safetensors", "polars", "scikit-learn")
_GIT_SECONDS = 5.0
_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, getattr(errno, "EDQUOT", errno.ENOSPC)}


class RunDirectory:
    """Paths and small files of one run; `open` makes one or takes one up again.

    Args:
        path: The folder; must exist.

    Attributes:
        path: The folder.
        recipe: ``recipe.yaml``, the recipe with all its defaults.
        environment: ``environment.json``, versions, machine and seed; no environment variables.
        metrics: ``metrics.jsonl``, one line an epoch; the same for the same seed, killed and resumed or not.
        timing: ``timing.jsonl``, how long things took.
        checkpoints: ``checkpoints/``.
        evaluation: ``evaluation.json``, the judgement of the test part.
        evaluation_page: ``evaluation.html``, the same to look at.
        model: ``model.lamina``, the trained model.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.recipe = self.path / "recipe.yaml"
        self.environment = self.path / "environment.json"
        self.metrics = self.path / "metrics.jsonl"
        self.timing = self.path / "timing.jsonl"
        self.checkpoints = self.path / "checkpoints"
        self.evaluation = self.path / "evaluation.json"
        self.evaluation_page = self.path / "evaluation.html"
        self.model = self.path / "model.lamina"

    @classmethod
    def open(cls, run_dir: str | os.PathLike[str] | None = None, *, name: str = "run", resume: bool = False) -> RunDirectory:
        """Make a run directory, or take up one.

        Args:
            run_dir: Where; by default ``runs/NAME``, or ``runs/NAME-2`` and so on if that is taken.
            name: For the default place. With ``resume`` it means the newest ``runs/NAME``.
            resume: Go on with the run that is there.

        Raises:
            StartError: TR001, if another run is there and was not to be resumed; TR002, if there is nothing to resume; TR004, if the
                folder can't be made.
        """
        if run_dir is None:
            return cls._newest(name) if resume else cls._fresh(name)
        directory = cls(run_dir)
        if resume:
            if not directory.path.is_dir():
                raise _nothing(directory.path, "no such folder")
            # An empty folder is that of a run that was killed before it wrote anything.
            if not directory._taken() and any(not path.name.startswith(".") for path in directory.path.iterdir()):
                raise _nothing(directory.path, "a folder of other files")
            return directory
        if taken := directory._taken():
            raise StartError(
                "TR001",
                where=str(directory.path),
                expected="a new or empty folder",
                got=f"a run that holds {', '.join(taken)}",
                cause="an earlier run was kept here, and nothing of it is overwritten",
                fix="go on with it by --resume (in Python: resume=True), or choose another --run-dir",
            )
        _make(directory.path)
        return directory

    @classmethod
    def _fresh(cls, name: str) -> RunDirectory:
        _make(Path(RUNS))
        number = 1
        while True:
            path = _numbered(name, number)
            try:
                # The one who makes the folder owns it, so that two runs started at once don't share one.
                path.mkdir()
            except FileExistsError:
                number += 1
            else:
                return cls(path)

    @classmethod
    def _newest(cls, name: str) -> RunDirectory:
        number = 1
        while _numbered(name, number + 1).is_dir():
            number += 1
        path = _numbered(name, number)
        if not path.is_dir():
            raise _nothing(path, "no such folder")
        return cls(path)

    def _taken(self) -> list[str]:
        own = [self.recipe, self.environment, self.metrics, self.timing, self.checkpoints, self.evaluation, self.model]
        return [path.name for path in own if path.exists()]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, so that no other process trains in it; a lock that a killed process left behind holds nobody up.

        Raises:
            StartError: TR003, if another process trains here.
            ArchiveError: TR009, if the body can't write (a full disk); what was safe before is safe still.
        """
        try:
            with lock_folder(self.path):
                yield
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            raise self._full(error) from error

    def _full(self, error: OSError) -> ArchiveError:
        from lamina.train.checkpoint import CheckpointStore

        kept = CheckpointStore(self.checkpoints).all()
        resume = f"; {kept[-1].path.name} is kept and whole" if kept else ""
        return ArchiveError(
            "TR009",
            where=str(error.filename or self.path),
            expected="room and permission to write there",
            got=error.strerror or str(error),
            cause="the disk is full, a quota is used up, or the folder can't be written to",
            fix=f"free some space and resume with --resume{resume}",
        )

    def write_recipe(self, text: str) -> None:
        """Keep the recipe, with all defaults written out."""
        atomic_write_text(self.recipe, text)

    def write_environment(self, *, seed: int, device: str | None = None, workers: int = 1) -> None:
        """Keep what the run was made with; of a resumed run, each process's part.

        Args:
            seed: Of the run.
            device: What it computes on, if that is known.
            workers: How many processes train together.
        """
        now = environment(seed=seed, device=device)
        if workers > 1:
            now["workers"] = workers
        try:
            before = json.loads(self.environment.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            before = None
        if isinstance(before, dict):
            now = {**before, "resumed": [*before.get("resumed", ()), now]}
        atomic_write_text(self.environment, json.dumps(now, indent=2) + "\n")

    def write_evaluation(self, report: Report, *, title: str) -> None:
        """Keep a judgement as numbers and as a page.

        Args:
            report: The judgement.
            title: Of the page.
        """
        from lamina.evaluate.html import render

        atomic_write_text(self.evaluation, report.to_json())
        atomic_write_text(self.evaluation_page, render(report, title=title))


def environment(*, seed: int, device: str | None = None) -> dict[str, Any]:
    """What a run is made with: versions, machine, threads, commit and seed; nothing from environment variables."""
    import torch

    return {
        "lamina": __version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": device,
        "gpus": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
        "cuda": torch.version.cuda,
        "commit": commit(),
        "seed": seed,
        "command": Path(sys.argv[0]).name if sys.argv else None,
    }


def commit() -> dict[str, Any] | None:
    """The git commit of the working folder, and whether files were changed since; None outside a repository."""
    try:
        head = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return {"hash": head, "changed": bool(changed)}


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, timeout=_GIT_SECONDS, check=True)
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _numbered(name: str, number: int) -> Path:
    return Path(RUNS) / (name if number == 1 else f"{name}-{number}")


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(
            "TR004",
            where=str(path),
            expected="a folder that can be made",
            got=error.strerror or str(error),
            cause="a file has this name, or the folder above can't be written",
            fix="choose another --run-dir (in Python: run_dir=...)",
        ) from error


def _nothing(path: Path, got: str) -> StartError:
    return StartError(
        "TR002",
        where=str(path),
        expected="the folder of a run to go on with",
        got=got,
        cause="the path is mistyped, or no run was started there",
        fix="give the --run-dir of the run, or leave --resume out to start a new one",
    )

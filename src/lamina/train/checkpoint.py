"""Checkpoints that survive any crash: written whole or not at all, checked before they are used, deleted only when a newer is safe."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamina.errors import ArchiveError, LaminaWarning
from lamina.files import TEMPORARY, atomic_write_text, sync_folder

_NAME = re.compile(r"step-(\d{8,})(?:-(\d+))?\.lamina")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Checkpoint:
    """One kept state of training.

    Attributes:
        path: The archive.
        step: Steps done.
        epoch: Epochs done.
        metrics: Values observed when it was taken, if it was taken after an epoch; one that isn't finite is None.
        number: How many were written before it in this run.
        size: Bytes.
        sha256: Hash of the bytes, hexadecimal.
    """

    path: Path
    step: int
    epoch: int
    metrics: Mapping[str, float | None]
    number: int
    size: int
    sha256: str

    @property
    def manifest(self) -> Path:
        """The small file beside the archive whose presence says that the archive is whole."""
        return self.path.with_suffix(".json")


@dataclass(frozen=True)
class Retention:
    """Which checkpoints stay; the newest always does.

    Attributes:
        last: So many of the newest.
        best: Metric by which the best one stays; None keeps none for that.
        mode: ``max`` if more of it is better, else ``min``.
        every: Every so many-th stays for ever; None for none.
    """

    last: int = 2
    best: str | None = None
    mode: str = "min"
    every: int | None = None

    def kept(self, found: list[Checkpoint]) -> set[Path]:
        """Those of ``found`` (oldest first) that stay.

        Example:
            >>> def one(number, loss):
            ...     return Checkpoint(Path(str(number)), number, number, {"loss": loss}, number, 0, "")
            >>> found = [one(0, 0.5), one(1, 0.2), one(2, 0.4), one(3, 0.6), one(4, 0.7)]
            >>> sorted(str(path) for path in Retention(last=1, best="loss", every=3).kept(found))
            ['0', '1', '3', '4']
        """
        stay = {checkpoint.path for checkpoint in found[-max(self.last, 1) :]}
        if self.every is not None:
            stay |= {checkpoint.path for checkpoint in found if checkpoint.number % self.every == 0}
        best = self._best(found)
        return stay if best is None else stay | {best.path}

    def _best(self, found: list[Checkpoint]) -> Checkpoint | None:
        scored = [(value, c) for c in found if self.best is not None and (value := c.metrics.get(self.best)) is not None]
        if not scored:
            return None
        sign = -1.0 if self.mode == "max" else 1.0
        return min(scored, key=lambda pair: (sign * pair[0], pair[1].step))[1]


class CheckpointStore:
    """The checkpoints in one folder: ``step-00000120.lamina``, each with its manifest ``step-00000120.json``.

    An archive is written to a temporary file, synced and renamed; its manifest, with size and hash, comes last. So a kill at
    any moment leaves what was there before, and perhaps a file without a manifest, which nothing reads.

    Args:
        directory: The folder; made when the first one is saved.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)

    def save(
        self,
        write: Callable[[Path], None],
        step: int,
        epoch: int,
        metrics: Mapping[str, float] | None = None,
        retention: Retention | None = None,
    ) -> Path:
        """Write one, and delete those that needn't stay any more.

        Args:
            write: Writes the archive to the path it is given.
            step: Steps done.
            epoch: Epochs done.
            metrics: Values to remember beside it.
            retention: What stays afterwards; None keeps all.

        Returns:
            Where the archive is.

        Raises:
            ArchiveError: AR001, if it can't be written (a full disk); nothing that was there before is lost.
        """
        temporary: Path | None = None
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._tidy()
            path = self._free(step)
            temporary = path.with_name(f".{path.name}{TEMPORARY}")
            write(temporary)
            _sync(temporary)
            size, sha256 = temporary.stat().st_size, _hash(temporary)
            temporary.replace(path)
            sync_folder(self.directory)
            number = max((c.number for c in self.all()), default=-1) + 1
            values = {name: value if math.isfinite(value) else None for name, value in (metrics or {}).items()}
            checkpoint = Checkpoint(path, step, epoch, values, number, size, sha256)
            atomic_write_text(checkpoint.manifest, _manifest(checkpoint))
        except (OSError, ArchiveError) as error:
            self._give_up(temporary)
            raise self._refused(error) from error
        if retention is not None:
            self._forget(retention)
        return path

    def all(self) -> list[Checkpoint]:
        """Those with a manifest, oldest first; what they hold isn't checked."""
        if not self.directory.is_dir():
            return []
        named = [(int(m[1]), int(m[2] or 1), p) for p in self.directory.iterdir() if (m := _NAME.fullmatch(p.name))]
        read = [_read(path) for _, _, path in sorted(named)]
        return [checkpoint for checkpoint in read if isinstance(checkpoint, Checkpoint)]

    def latest_good(self) -> Checkpoint | None:
        """The newest whose bytes are those that were written; None if there is none.

        Warns:
            LaminaWarning: AR002, for each newer one that is damaged, with what is wrong with it.
        """
        if not self.directory.is_dir():
            return None
        self._tidy()
        manifests = [(int(m[1]), int(m[2] or 1), p) for p in self.directory.glob("*.json") if (m := _NAME.fullmatch(f"{p.stem}.lamina"))]
        for _, _, manifest in sorted(manifests, reverse=True):
            path = manifest.with_suffix(".lamina")
            found = _read(path)
            if found is None:
                continue
            reason = found if isinstance(found, str) else _damage(found)
            if reason is None and isinstance(found, Checkpoint):
                return found
            warnings.warn(
                f"[AR002] the checkpoint {path} is damaged and was skipped: {reason}; "
                "the newest good one before it is used, if there is one",
                LaminaWarning,
                stacklevel=2,
            )
        return None

    def to_resume(self) -> Checkpoint | None:
        """The newest good one to go on from; None if none was ever kept, so that the run begins anew.

        Raises:
            ArchiveError: AR002, if there are some and all of them are damaged.
        """
        found = self.latest_good()
        manifests = sorted(self.directory.glob("step-*.json"))
        if found is None and manifests:
            raise ArchiveError(
                "AR002",
                where=str(self.directory),
                expected="at least one checkpoint that is whole",
                got=f"{len(manifests)}, the newest {manifests[-1].stem}, and all of them damaged",
                cause="the files were cut short or changed after they were written",
                fix="put a copy of one back (its .lamina and its .json), or start again with another --run-dir",
            )
        return found

    def _free(self, step: int) -> Path:
        """A name for this step that no checkpoint has; the one that had it stays good until the new one is."""
        path, again = self.directory / f"step-{step:08d}.lamina", 1
        while path.with_suffix(".json").exists():
            again += 1
            path = self.directory / f"step-{step:08d}-{again}.lamina"
        return path

    def _forget(self, retention: Retention) -> None:
        found = self.all()
        # Of one step only the latest counts; the others were replaced by it.
        latest = list({checkpoint.step: checkpoint for checkpoint in found}.values())
        kept = retention.kept(latest)
        for checkpoint in found:
            if checkpoint.path not in kept:
                # Manifest first: a kill in between leaves a file that nothing reads, not a manifest without its file.
                _remove(checkpoint.manifest)
                _remove(checkpoint.path)
        for path in self.directory.glob("step-*.lamina"):
            if _NAME.fullmatch(path.name) and not path.with_suffix(".json").exists():
                _remove(path)

    def _tidy(self) -> None:
        """Remove what a killed process left half written."""
        for path in self.directory.glob(f".*{TEMPORARY}"):
            path.unlink(missing_ok=True)

    def _give_up(self, temporary: Path | None) -> None:
        """Make room again after a failed write; what can't be removed is removed by the next one."""
        if temporary is None:
            return
        try:
            self._tidy()
        except OSError:
            return

    def _refused(self, error: Exception) -> ArchiveError:
        cause = error if isinstance(error, OSError) else error.__cause__
        reason = cause.strerror or str(cause) if isinstance(cause, OSError) else str(error).splitlines()[0]
        kept = self.all()
        return ArchiveError(
            "AR001",
            where=str(self.directory),
            expected="room and permission to write a checkpoint",
            got=reason,
            cause="the disk is full, a quota is reached, or the folder can't be written",
            fix=f"free space and resume with --resume; {kept[-1].path.name} is kept and whole" if kept else "free space and start again",
        )


def _manifest(checkpoint: Checkpoint) -> str:
    values: dict[str, Any] = {
        "format": 1,
        "file": checkpoint.path.name,
        "step": checkpoint.step,
        "epoch": checkpoint.epoch,
        "number": checkpoint.number,
        "metrics": dict(checkpoint.metrics),
        "size": checkpoint.size,
        "sha256": checkpoint.sha256,
    }
    return json.dumps(values, indent=2, allow_nan=False) + "\n"


def _read(path: Path) -> Checkpoint | str | None:
    """A checkpoint from its manifest; None if it has none, what is wrong if the manifest can't be used."""
    try:
        text = path.with_suffix(".json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        return f"its manifest can't be read ({error})"
    try:
        values = json.loads(text)
        metrics = {str(name): None if value is None else float(value) for name, value in values["metrics"].items()}
        step, epoch, number, size = (int(values[key]) for key in ("step", "epoch", "number", "size"))
        return Checkpoint(path, step, epoch, metrics, number, size, str(values["sha256"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return "its manifest is not what Lamina writes"


def _damage(checkpoint: Checkpoint) -> str | None:
    """What is wrong with the bytes; None if nothing is."""
    try:
        size = checkpoint.path.stat().st_size
        if size != checkpoint.size:
            return f"it has {size} bytes of {checkpoint.size}"
        return None if _hash(checkpoint.path) == checkpoint.sha256 else "its bytes are not those that were written (SHA-256 differs)"
    except OSError as error:
        return f"it can't be read ({error.strerror or error})"


def _remove(path: Path) -> None:
    """Delete a file; one that can't be deleted is no reason to stop training."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())

"""Watches what Lamina does in a case: time, memory, and whether all that it raises are its own errors."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import signal
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from lamina.errors import LaminaError

SECONDS = 10.0
"""What one stage of a case may take; a machine that does other things beside is slow."""
GROWTH = 400 << 20
"""Bytes by which memory may grow at most during a stage; the files are a few kilobytes."""
LONGEST = 30_000
"""Letters of a message: more is a file that is shown, not a message."""


class Refused(Exception):
    """Lamina refused with an error of its own, as it should: the case ends here."""


class Fault(AssertionError):
    """What must never happen.

    Args:
        kind: What, such as the name of the exception; stages and lines of the source make faults the same or not.
        text: All that is known of it.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}\n{text}")
        self.kind = kind
        self.text = text


class _TimeIsUp(BaseException):
    """Raised by the alarm into whatever runs."""


class Case:
    """One case: what was tried, so that it can be tried again, and how far it came.

    Args:
        folder: Where the files of the case are.
        journal: Where it is written before anything is tried, for whoever finds the process dead.
    """

    def __init__(self, folder: Path, journal: Path | None = None) -> None:
        self.folder = folder
        self.notes: dict[str, Any] = {}
        self.reached: list[str] = []
        self._journal = journal

    def note(self, **more: Any) -> None:
        """Keep what a stage is about to be tried with."""
        self.notes |= more

    def write(self, name: str, content: bytes) -> Path:
        """A file of the case."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.notes.setdefault("files", {})[name] = base64.b64encode(content).decode()
        return path

    @contextlib.contextmanager
    def stage(self, name: str, *, works: bool = False) -> Iterator[None]:
        """Do something of Lamina's.

        Args:
            name: What.
            works: Whether it must work, since what came before did.

        Raises:
            Refused: If it raised an error of its own, which says what it must.
            Fault: If it raised another one, took too long, or too much memory.
        """
        self.reached.append(name)
        if self._journal is not None:
            self._journal.write_text(self.to_json())
        before = _resident()
        try:
            with _alarm():
                yield
        except LaminaError as error:
            self._weigh(name, before)
            self._look_at(error)
            if works:
                raise self._fault(f"refused with {error.code}", error) from None
            raise Refused(error.code) from None
        except (Refused, Fault, KeyboardInterrupt, SystemExit):
            raise
        except _TimeIsUp as error:
            raise self._fault("hangs", error) from None
        except BaseException as error:  # noqa: BLE001 (Polars' panics are no Exception)
            raise self._fault(type(error).__name__, error) from None
        self._weigh(name, before)

    def _weigh(self, name: str, before: int) -> None:
        grown = _peak() - before
        if grown > GROWTH:
            raise Fault(f"memory in {name}", f"{grown >> 20} MiB more\n{self.shown()}")

    def _fault(self, kind: str, error: BaseException) -> Fault:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if "/lamina/" in frame.filename]
        place = f"{own[-1].filename.rpartition('/lamina/')[2]}:{own[-1].lineno} {own[-1].name}" if own else "outside"
        said = "".join(traceback.format_exception(error))[-6000:]
        return Fault(f"{kind} at {place}", f"in {self.reached[-1]}\n{said}\n{self.shown()}")

    def _look_at(self, error: LaminaError) -> None:
        text = str(error)
        json.dumps(error.to_json())
        for problem in error.problems:
            parts = (problem.where, problem.expected, problem.got, problem.cause, problem.fix)
            if not all(part.strip() for part in parts):
                raise Fault(f"empty part of {problem.code}", f"{text[:2000]}\n{self.shown()}")
        if len(text) > LONGEST:
            raise Fault(f"long message of {error.code}", f"{len(text)} letters: {text[:2000]}\n{self.shown()}")
        if re.search(r"<[a-z_.]+ object at 0x[0-9a-f]+>", text):
            raise Fault(f"an address in {error.code}", f"{text[:2000]}\n{self.shown()}")

    def to_json(self) -> str:
        """All that is needed to try it again."""
        return json.dumps({"reached": self.reached, **self.notes}, default=repr)

    def shown(self) -> str:
        """The same for people."""
        return self.to_json()[:20_000]


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def up(number: int, frame: FrameType | None) -> None:
        message = f"more than {SECONDS:g} s"
        raise _TimeIsUp(message)

    # The clock of the process: what others do on the machine doesn't count.
    earlier = signal.signal(signal.SIGVTALRM, up)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, earlier)


def _status(name: str) -> int:
    with contextlib.suppress(OSError):
        found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
        return int(found[1]) * 1024 if found else 0
    return 0


def _resident() -> int:
    """Bytes in memory now; from here on the peak counts anew (on Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")

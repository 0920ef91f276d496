"""Starting processes, watching over them, and starting them again: the first error is what counts, and nothing is left running."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, Any

from lamina.distribute.job import Place
from lamina.distribute.reports import RankReport
from lamina.errors import LaminaError, LaminaWarning, TrainingError

GRACE = 5.0
"""Seconds that processes have to end by themselves after one of them has failed."""
_POLL = 0.02
_MODULE = "lamina.rank"


class Supervisor:
    """Runs the processes of a job until they are done.

    Args:
        place: The job's files.
        workers: How many processes.
        threads: CPU threads of each.
        restarts: How often all are started again after one was lost.
    """

    def __init__(self, place: Place, workers: int, *, threads: int, restarts: int) -> None:
        self.place = place
        self.workers = workers
        self.threads = threads
        self.restarts = restarts
        self._signal: int | None = None
        self._attempt = 0
        self._started: list[subprocess.Popen[bytes]] = []

    def run(self) -> int | None:
        """Run to the end.

        Returns:
            Number of the signal that stopped the training in good order; None if it came to its end.

        Raises:
            LaminaError: The first error of any process; DI006, if processes were lost too often.
            KeyboardInterrupt: If they were stopped before they could stop in good order.
        """
        with self._forwarding():
            while True:
                failed = self._attempted()
                if failed is None:
                    return self._signal
                if self._signal is not None:
                    raise KeyboardInterrupt
                if isinstance(failed, LaminaError):
                    raise failed
                if self._attempt >= self.restarts:
                    raise _lost(failed, self.restarts)
                self._attempt += 1
                warnings.warn(
                    f"[DI007] {failed}; all {self.workers} processes are started again, from the last checkpoint if there is one "
                    f"(restart {self._attempt} of {self.restarts})",
                    LaminaWarning,
                    stacklevel=4,
                )

    def _attempted(self) -> LaminaError | str | None:
        """Start all once and wait: None if all is well, an error that one reported, or in words that one was lost."""
        threads: list[threading.Thread] = []
        started = self._started = []
        killed: set[int] = set()
        try:
            for rank in range(self.workers):
                process = self._start(rank)
                started.append(process)
                threads += _forward(process, rank)
            killed = self._wait(started)
        finally:
            for process in started:
                if process.poll() is None:
                    process.kill()
                process.wait()
                if process.stdin is not None:
                    process.stdin.close()
            for thread in threads:
                thread.join()
        return self._judge([process.returncode for process in started], killed)

    def _wait(self, started: Sequence[subprocess.Popen[bytes]]) -> set[int]:
        """Wait for all; once one has failed, not for ever. Gives those that had to be killed."""
        deadline: float | None = None
        while True:
            codes = [process.poll() for process in started]
            if all(code is not None for code in codes):
                return set()
            if deadline is None and any(code not in (None, 0) for code in codes):
                deadline = time.monotonic() + GRACE
            if deadline is not None and time.monotonic() > deadline:
                late = {rank for rank, code in enumerate(codes) if code is None}
                for rank in late:
                    started[rank].kill()
                return late
            time.sleep(_POLL)

    def _judge(self, codes: Sequence[int], killed: set[int]) -> LaminaError | str | None:
        if not any(codes):
            return None
        reports = [report for rank in range(self.workers) if (report := RankReport.read(self.place.report(self._attempt, rank)))]
        own = sorted((report for report in reports if report.error is not None and not report.peer), key=lambda report: report.time)
        if own:
            return own[0].error
        said = {report.rank for report in reports}
        lost = [rank for rank, code in enumerate(codes) if code and rank not in said and rank not in killed]
        if lost:
            return "; ".join(f"rank {rank} {_ended(codes[rank])}" for rank in lost)
        if killed:
            return f"rank {', '.join(map(str, sorted(killed)))} did not answer the others, and did not end"
        peers = [report for report in reports if report.error is not None]
        return f"the processes lost each other: {peers[0].error.problems[0].got}" if peers and peers[0].error else "a process was stopped"

    # -- processes --------------------------------------------------------------------------------------------------

    def _start(self, rank: int) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", _MODULE, str(self.place.folder), str(rank), str(self._attempt)]
        count = str(self.threads)
        variables = {**os.environ, "OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count}
        # What this process finds, those that it starts find, too; in the same order.
        variables["PYTHONPATH"] = os.pathsep.join([path for path in sys.path if path and Path(path).is_dir()])
        direct = rank == 0 and _on_terminal()
        return subprocess.Popen(
            words,
            # Its other end is closed when this process ends, however it ends.
            stdin=subprocess.PIPE,
            stdout=None if direct else subprocess.PIPE,
            stderr=None if direct else subprocess.PIPE,
            env=variables,
            # Ctrl-C on the terminal is for this process, which tells the first of them.
            start_new_session=True,
        )

    @contextlib.contextmanager
    def _forwarding(self) -> Iterator[None]:
        """Hand the first Ctrl-C or SIGTERM on, so that all stop at the same step; a second Ctrl-C ends all at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def forward(number: int, frame: FrameType | None) -> None:
            if self._signal is not None:
                if number == signal.SIGINT:
                    raise KeyboardInterrupt
                return
            self._signal = number
            for process in self._started[:1]:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(number)

        before: dict[int, Any] = {}
        for number in (signal.SIGINT, signal.SIGTERM):
            known = signal.getsignal(number)
            if known is not None and known != signal.SIG_IGN:
                before[number] = known
                signal.signal(number, forward)
        try:
            yield
        finally:
            for taken, handler in before.items():
                signal.signal(taken, handler)


def _on_terminal() -> bool:
    """Whether what the first process writes may go where this one's goes: to a terminal, where it draws its bar."""
    return sys.stderr is sys.__stderr__ and sys.stderr is not None and sys.stderr.isatty()


def _forward(process: subprocess.Popen[bytes], rank: int) -> list[threading.Thread]:
    """Threads that show what a process writes; lines of all but the first say whose they are."""
    mark = "" if rank == 0 else f"[rank {rank}] "
    threads = []
    for stream, name in ((process.stdout, "stdout"), (process.stderr, "stderr")):
        if stream is not None:
            threads.append(threading.Thread(target=_pump, args=(stream, name, mark), daemon=True))
            threads[-1].start()
    return threads


def _pump(stream: IO[bytes], name: str, mark: str) -> None:
    with stream:
        for line in stream:
            print(f"{mark}{line.decode(errors='replace')}", end="", file=getattr(sys, name), flush=True)


def _ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}, and said nothing"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed by {name}" + (" (the system kills by it what takes too much memory)" if name == "SIGKILL" else "")


def _lost(what: str, restarts: int) -> TrainingError:
    return TrainingError(
        "DI006",
        where="a training on several processes",
        expected="processes that live until it is over",
        got=what,
        cause=f"something ended or held up a process from outside, {restarts + 1} times; that is often a lack of memory",
        fix="resume with --resume once there is more memory, fewer workers or a smaller batch_size; restarts of the cluster says how often "
        "it is tried again",
    )

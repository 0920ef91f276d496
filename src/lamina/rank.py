"""One process of a training on several: ``python -m lamina.rank FOLDER RANK ATTEMPT``, started by the process that watches over all."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from dataclasses import replace
from pathlib import Path

from lamina.distribute.job import Job, Place
from lamina.distribute.launcher import placed
from lamina.distribute.reports import RankReport, now, of_rank
from lamina.errors import LaminaError

INTERRUPTED, ORPHANED, UNEXPECTED = 130, 77, 3


def main(arguments: list[str]) -> int:
    """Do a process's part of a job.

    Args:
        arguments: The job's folder, the number of this process, how often the processes were started before.

    Returns:
        The exit code; other than 0, what went wrong stands in a file beside the job.
    """
    folder, rank, attempt = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    place = Place(folder)
    try:
        _work(place, rank, attempt)
    except KeyboardInterrupt:
        RankReport(rank, now(), None).write(place.report(attempt, rank))
        return INTERRUPTED
    except BaseException as error:
        peer = type(error).__name__ == "PeerError"
        if not isinstance(error, LaminaError):
            traceback.print_exc()
        RankReport(rank, now(), of_rank(error, rank), peer).write(place.report(attempt, rank))
        return getattr(error, "exit_code", UNEXPECTED)
    return 0


def _work(place: Place, rank: int, attempt: int) -> None:
    job = Job.read(place.folder)
    # On one machine nothing goes over the network; and the name of the machine may not lead anywhere.
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo" if sys.platform == "linux" else "lo0" if sys.platform == "darwin" else "")
    import torch

    from lamina.distribute.world import ALONE, Processes

    torch.set_num_threads(job.threads)
    device = placed(job.device, rank, job.workers)
    job = replace(job, device=device)
    meeting, cuda = place.meeting(attempt), device.startswith("cuda")
    world = ALONE if job.workers == 1 else Processes(rank, job.workers, timeout=job.timeout, init=meeting, cuda=cuda)
    from lamina.launch import run_handed, run_started

    (run_handed if job.kind == "fit" else run_started)(job, place, world, attempt)
    world.close()


def _end_with_parent() -> None:
    """End at once when the process that started this one has ended: its end of the pipe is closed then, however it ended."""
    while os.read(0, 1):
        pass
    os._exit(ORPHANED)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of an exchange that failed may still wait for others.
    os._exit(code)

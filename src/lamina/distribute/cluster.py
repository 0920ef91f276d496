"""Where the processes of a training run, as descriptions; no torch."""

from __future__ import annotations

import os
from typing import Annotated, ClassVar

from pydantic import Field

from lamina.spec import Description, register
from lamina.spec.fields import Count, Positive


class Cluster(Description, family="cluster"):
    """Base of all places where a training can run on several processes."""


@register("local")
class Local(Cluster):
    """Several processes on this machine.

    Each is started afresh and gets what it needs in files; nothing is forked, so it works from a notebook too. If one is lost
    (killed, out of memory), all are started again from the last checkpoint.

    Attributes:
        workers: How many.
        restarts: How often they are started again after one is lost; an error that a process reports ends the run at once.
        timeout: Seconds after which a process that waits for the others gives up; longer than the slowest step may take.

    Example:
        >>> import lamina as lm
        >>> lm.Local(4).to_dict()
        {'type': 'local', 'workers': 4}
    """

    positional: ClassVar[tuple[str, ...]] = ("workers",)
    workers: Count = 2
    restarts: Annotated[int, Field(ge=0)] = 2
    timeout: Positive = 600.0

    @classmethod
    def examples(cls) -> list[Local]:
        return [Local(2), Local(4, restarts=0, timeout=30.0)]


def cores() -> int:
    """Processors that this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return count or 1


def threads_for(workers: int) -> int:
    """Threads for each of so many processes on this machine: the processors shared out, at least 1 each."""
    return max(1, cores() // workers)

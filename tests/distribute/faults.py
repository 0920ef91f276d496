"""Kills random processes of trainings at random moments, over the ways to exchange, and compares the weights with undisturbed runs.

Run with ``python tests/distribute/faults.py [--kills 10] [--seed 0]``; it takes minutes. Each training is killed once, by SIGKILL of a
random rank after a random time; it must end by itself with the very weights of the run that nobody disturbed, and leave no process.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import lamina as lm
from lamina.distribute.supervise import Supervisor

EXCHANGES: dict[str, Any] = {
    "all_reduce": "all_reduce",
    "averaging": {"type": "averaging", "every": 7},
    "diloco": {"type": "averaging", "every": 7, "optimizer_state": False, "outer": {"type": "nesterov", "learning_rate": 0.7}},
    "threshold": "threshold",
    "one_bit": "one_bit",
    "top_k": {"type": "top_k", "fraction": 0.05},
}
STARTED: list[int] = []


def train(exchange: Any, folder: Path) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(501, 20)).astype(np.float32)
    model = lm.Model(lm.Sequential(lm.features(20), [lm.Dense(64, activation="relu"), lm.BatchNorm(), lm.Output(3)]), seed=5)
    settings = {"epochs": 60, "batch_size": 8, "progress": False, "optimizer": lm.Nesterov(0.05), "exchange": exchange}
    every = lm.Checkpoint(every={"steps": 23})
    model.fit(x, x[:, :3].argmax(1), cluster=lm.Local(2, timeout=60.0), run_dir=folder, checkpoints=every, **settings)
    return model.parameters()


def watch() -> None:
    start = Supervisor._start

    def watched(supervisor: Supervisor, rank: int) -> Any:
        process = start(supervisor, rank)
        STARTED.append(process.pid)
        return process

    Supervisor._start = watched  # type: ignore[method-assign]


def kill_later(seconds: float, rank: int) -> None:
    time.sleep(seconds)
    try:
        os.kill(STARTED[rank], signal.SIGKILL)
    except (ProcessLookupError, IndexError):
        print("  (it was over before)")


def left() -> list[int]:
    found = []
    for pid in STARTED:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            found.append(pid)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw, wrong = random.Random(options.seed), 0
    warnings.simplefilter("always")
    watch()
    with tempfile.TemporaryDirectory() as name:
        whole: dict[str, tuple[dict[str, np.ndarray], float]] = {}
        for number in range(options.kills):
            kind = list(EXCHANGES)[number % len(EXCHANGES)]
            if kind not in whole:
                started = time.monotonic()
                whole[kind] = train(EXCHANGES[kind], Path(name) / kind), time.monotonic() - started
            weights, seconds = whole[kind]
            rank, moment = draw.randrange(2), draw.uniform(0.2, seconds)
            STARTED.clear()
            killer = threading.Thread(target=kill_later, args=(moment, rank))
            killer.start()
            found = train(EXCHANGES[kind], Path(name) / f"{kind}-{number}")
            killer.join()
            same, alive = all(np.array_equal(found[key], weights[key]) for key in weights), left()
            print(f"{kind}: rank {rank} killed after {moment:.1f} of {seconds:.1f} s: same weights {same}, left {alive}", flush=True)
            wrong += not same or bool(alive)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

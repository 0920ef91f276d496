"""Two workers with one core each against one worker with one core: samples a second on LeNet.

Prediction, written before the first run: a step of 64 samples takes about 25 ms on one core, an exchange of 431 080 float32 (1.7 MB)
about 3 ms on loopback; so two workers give 2 * 25 / 28 = 1.8 times the samples a second.

Run with ``python benchmarks/distributed/workers.py [--samples 12800] [--epochs 3]`` on a machine where nothing else runs. The speed is
that of the last epochs, by ``timing.jsonl``, so that starting is not counted.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

import lamina as lm

LENET = lm.Sequential(
    lm.image(1, 28, 28),
    [
        lm.Conv2d(20, kernel=5, activation="relu"),
        lm.MaxPool2d(2),
        lm.Conv2d(50, kernel=5, activation="relu"),
        lm.MaxPool2d(2),
        lm.Dense(500, activation="relu"),
        lm.Output(10),
    ],
)


def speed(workers: int, samples: int, epochs: int) -> tuple[float, float]:
    """Samples a second, and the share of step time spent in exchanges."""
    draw = np.random.default_rng(0)
    x, y = draw.standard_normal((samples, 1, 28, 28), dtype=np.float32), draw.integers(0, 10, samples)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        settings = {"epochs": epochs, "batch_size": 64, "optimizer": lm.Sgd(0.01), "threads": 1, "device": "cpu", "progress": False}
        lm.Model(LENET, seed=1).fit(x, y, cluster=lm.Local(workers), run_dir=run, **settings)
        rows = [json.loads(line) for line in (run / "timing.jsonl").read_text().splitlines()][1:]
    exchange = sum(row.get("exchange_seconds", 0.0) for row in rows) / sum(row["step_seconds"] for row in rows)
    return max(row["samples_per_second"] for row in rows), exchange


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=12800)
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    one, _ = speed(1, options.samples, options.epochs)
    two, exchange = speed(2, options.samples, options.epochs)
    print(f"1 worker  {one:8.0f} samples/s")
    print(f"2 workers {two:8.0f} samples/s  {two / one:.2f} times  exchange {exchange:.0%} of step time")


if __name__ == "__main__":
    main()

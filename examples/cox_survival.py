"""How long will an engine last? Cox's proportional hazards with a small network, on NASA's turbofan engines (C-MAPSS, FD001).

The engines of the training file all ran until they failed; four of ten are cut off before, as if the study had ended: of them one
knows only that they lasted that long (censored). The test engines are another file: each is judged by its last cycles, and the
concordance index says how often the engine at higher risk of two is the one that fails first.

The files are looked for in LAMINA_DATA/cmapss: python examples/cox_survival.py
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np

import lamina as lm

SENSORS = [1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 16, 19, 20]
"""The sensors of FD001 that change at all, counted from 0."""
WINDOW = 30
"""Cycles that a sample looks back."""
EVERY = 10
"""Cycles between two samples of an engine."""

network = lm.Sequential(
    lm.features(2 * len(SENSORS)),
    [
        lm.Dense(16, activation="tanh", dropout=0.2),
        lm.Output(1, loss="cox", bias=False),
    ],
)


def read(folder: Path, name: str) -> dict[int, np.ndarray]:
    """Sensor readings of each engine, ``[cycles, sensors]``."""
    with gzip.open(folder / name, "rt") as file:
        rows = np.loadtxt(file)
    return {int(unit): rows[rows[:, 0] == unit, 5:][:, SENSORS] for unit in np.unique(rows[:, 0])}


def features(readings: np.ndarray) -> np.ndarray:
    """What the last cycles say: where each sensor stands, and how fast it moves."""
    recent = readings[-WINDOW:]
    middle = len(recent) // 2
    return np.concatenate([recent[-5:].mean(0), recent[middle:].mean(0) - recent[:middle].mean(0)])


def watched(engines: dict[int, np.ndarray], *, censored: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features, and ``[time, event]``: cycles until the engine failed, or until nobody looked any more."""
    rng = np.random.default_rng(seed)
    x, y = [], []
    for readings in engines.values():
        cut = rng.random() < censored
        end = int(len(readings) * rng.uniform(0.5, 0.95)) if cut else len(readings)
        for now in range(WINDOW, end, EVERY):
            x.append(features(readings[:now]))
            y.append((end - now, 0 if cut else 1))
    return np.array(x), np.array(y, dtype=float)


def main(folder: str | Path | None = None, *, censored: float = 0.4, **changes: Any) -> Any:
    """Train, and judge on engines of another file.

    Args:
        folder: Where the files are; by default ``cmapss`` in LAMINA_DATA.
        censored: Share of the training engines that are cut off before they fail.
        **changes: Settings of `Model.fit` to change, such as ``epochs=1``.

    Returns:
        The report on the test engines.
    """
    place = Path(folder) if folder is not None else Path(os.environ.get("LAMINA_DATA", ".")) / "cmapss"
    engines = read(place, "train_FD001.txt.gz")
    train = {unit: readings for unit, readings in engines.items() if unit % 5}
    held = {unit: readings for unit, readings in engines.items() if unit % 5 == 0}
    x, y = watched(train, censored=censored, seed=7)
    centre, spread = x.mean(0), x.std(0)
    validation = watched(held, censored=censored, seed=8)
    model = lm.Model(network, seed=7)
    settings = {"epochs": 60, "batch_size": 256, "threads": 1, "optimizer": lm.Adam(0.003, weight_decay=0.01)} | changes
    model.fit((x - centre) / spread, y, validation=((validation[0] - centre) / spread, validation[1]), **settings)

    remaining = np.loadtxt(place / "RUL_FD001.txt")
    x_test = np.array([features(readings) for readings in read(place, "test_FD001.txt.gz").values()])
    y_test = np.stack([remaining, np.ones_like(remaining)], axis=1)
    report = model.evaluate((x_test - centre) / spread, y_test)
    model.save("cox_survival.lamina")
    return report


if __name__ == "__main__":
    print(main())

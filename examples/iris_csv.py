"""Irises from a CSV file beside this script.

The same as ``lamina train examples/iris_csv.yaml``: python examples/iris_csv.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lamina as lm
from lamina.data.config import DataConfig, prepare

table = Path(__file__).with_name("iris.csv")
data = DataConfig(
    source={"type": "csv", "path": str(table), "target": "species"},
    split={"validation": 0.1, "test": 0.2, "stratify": True},
    normalize="standardize",
)
network = lm.Sequential(
    lm.features(4),
    [
        lm.Dense(32, activation="relu"),
        lm.Dense(32, activation="relu"),
        lm.Output(3, loss="cross_entropy"),
    ],
)


def main(**changes: Any) -> Any:
    """Train, judge and keep the network.

    Args:
        **changes: Settings of `Model.fit` to change, such as ``epochs=1``.

    Returns:
        The report on the test part.
    """
    parts = prepare(data, seed=7)
    model = lm.Model(network, seed=7)
    model.preprocessing = parts.preprocessing  # kept with the model: it then takes raw data
    settings = {
        "epochs": 60,
        "batch_size": 16,
        "optimizer": lm.Adam(0.01),
        "early_stopping": {"monitor": "validation/loss", "patience": 15},
    } | changes
    model.fit(parts.train, validation=parts.validation, **settings)
    report = model.evaluate(parts.test)
    model.save("iris_csv.lamina")
    return report


if __name__ == "__main__":
    print(main())

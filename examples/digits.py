"""Handwritten digits of 8 by 8 pixels that come with scikit-learn.

The same as ``lamina train examples/digits.yaml``: python examples/digits.py
"""

from __future__ import annotations

from typing import Any

import lamina as lm
from lamina.data.config import DataConfig, prepare

data = DataConfig(source="digits", split={"validation": 0.1, "test": 0.2, "stratify": True}, batch_size=64)
network = lm.Sequential(
    lm.image(1, 8, 8),
    [
        lm.Conv2d(32, kernel=3, padding="same"),
        lm.Conv2d(32, kernel=3, padding="same"),
        lm.MaxPool2d(2),
        lm.Dense(128, dropout=0.4),
        lm.Output(10, loss="cross_entropy", dropout=0.3),
    ],
    defaults=lm.Defaults(activation="relu", initializer="he_normal"),
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
    settings = {"epochs": 30, "batch_size": 64, "threads": 1, "optimizer": lm.Adam(lm.schedules.OneCycle(0.004))} | changes
    model.fit(parts.train, validation=parts.validation, **settings)
    report = model.evaluate(parts.test)
    model.save("digits.lamina")
    return report


if __name__ == "__main__":
    print(main())

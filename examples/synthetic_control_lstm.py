"""Control charts: which of six ways does a process of 60 steps go? The UCI file is looked for in LAMINA_DATA, then in the cache.

The same as ``lamina train examples/synthetic_control_lstm.yaml``: python examples/synthetic_control_lstm.py
"""

from __future__ import annotations

from typing import Any

import lamina as lm
from lamina.data.config import DataConfig, prepare

data = DataConfig(
    source="synthetic_control",
    split={"validation": 0.1, "test": 0.2, "stratify": True},
    normalize="standardize",
)
network = lm.Sequential(
    lm.sequence(60, 1),
    [
        lm.LSTM(64),
        lm.LastStep(),
        lm.Output(6, loss="cross_entropy", dropout=0.2),
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
    settings = {"epochs": 60, "batch_size": 32, "threads": 1, "clip": 1.0, "optimizer": lm.Adam(lm.schedules.OneCycle(0.01))} | changes
    model.fit(parts.train, validation=parts.validation, **settings)
    report = model.evaluate(parts.test)
    model.save("synthetic_control_lstm.lamina")
    return report


if __name__ == "__main__":
    print(main())

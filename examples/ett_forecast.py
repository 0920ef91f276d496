"""The oil temperature of a transformer over the next day, from two years of hourly rows, looked for in LAMINA_DATA/ett-small.

The same as ``lamina train examples/ett_forecast.yaml``: python examples/ett_forecast.py
"""

from __future__ import annotations

from typing import Any

import lamina as lm
from lamina.data.config import DataConfig, prepare

data = DataConfig(
    source={
        "type": "csv",
        "path": "data://ett-small/ETTh1.csv.gz",
        "columns": {"date": "time"},
        "target": "OT",
        "features": ["OT", "day_sin", "day_cos"],
        "time": "date",
        "window": {"steps": 96, "horizon": 24},
    },
    transform=[{"type": "derive", "columns": {"day_sin": "cycle_sin(hour(date), 24)", "day_cos": "cycle_cos(hour(date), 24)"}}],
    split={"type": "by_time", "validation": 0.2, "test": 0.2},
    normalize="standardize",
    normalize_targets="standardize",
)
network = lm.Sequential([lm.Flatten(), lm.Dense(64, activation="relu"), lm.Dropout(0.3), lm.Output(24, loss="mae")])


def main(**changes: Any) -> Any:
    """Train, judge and keep the network.

    Args:
        **changes: Settings of `Model.fit` to change, such as ``epochs=1``.

    Returns:
        The report on the test part.
    """
    parts = prepare(data, seed=7)
    model = lm.Model(network, seed=7)
    model.preprocessing = parts.preprocessing  # kept with the model: it then takes rows as raw as these
    settings = {
        "epochs": 20,
        "batch_size": 64,
        "optimizer": lm.Adam(0.0005),
        "callbacks": [lm.EarlyStopping("validation/loss", patience=4)],
    } | changes
    model.fit(parts.train, validation=parts.validation, **settings)
    report = model.evaluate(parts.test)
    model.save("ett_forecast.lamina")
    return report


if __name__ == "__main__":
    print(main())

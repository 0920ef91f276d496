"""What is a house worth? From the raw CSV of California's districts, looked for in LAMINA_DATA/california-housing.

The same as ``lamina train examples/california_housing.yaml``: python examples/california_housing.py
"""

from __future__ import annotations

from typing import Any

import lamina as lm
from lamina.data.config import DataConfig, prepare

data = DataConfig(
    source={
        "type": "csv",
        "path": "data://california-housing/housing.csv.gz",
        "target": "median_house_value",
        "kind": "numbers",
    },
    transform=[
        {"type": "fill_missing", "columns": "total_bedrooms", "value": "median", "indicator": True},
        {
            "type": "derive",
            "columns": {
                "rooms_per_household": "log(total_rooms / households)",
                "bedrooms_per_room": "total_bedrooms / total_rooms",
                "people_per_household": "log(population / households)",
                "income": "log(median_income)",
            },
        },
        {"type": "apply", "columns": ["total_rooms", "total_bedrooms", "population", "households"], "expression": "log1p(x)"},
        {"type": "one_hot", "columns": "ocean_proximity"},
    ],
    split={"validation": 0.1, "test": 0.2},
    normalize="standardize",
    normalize_targets="standardize",
)
network = lm.Sequential(
    [lm.Dense(256), lm.Dense(128), lm.Dense(64), lm.Output(1, loss="huber")],
    defaults=lm.Defaults(activation="relu", initializer="he_normal"),
)
rate = lm.learning.schedules.Cosine(initial=0.001, unit="fractional_epochs")


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
        "epochs": 60,
        "batch_size": 64,
        "optimizer": lm.Adam(rate),
        "callbacks": [lm.EarlyStopping("validation/loss", patience=12)],
    } | changes
    model.fit(parts.train, validation=parts.validation, **settings)
    report = model.evaluate(parts.test)
    model.save("california_housing.lamina")
    return report


if __name__ == "__main__":
    print(main())

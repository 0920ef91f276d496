"""Who earns more than 50,000 dollars a year? From the raw files of the census of 1994, looked for in LAMINA_DATA/adult.

The same as ``lamina train examples/adult_income.yaml``: python examples/adult_income.py
"""

from __future__ import annotations

from typing import Any

import lamina as lm
from lamina.data.config import DataConfig, prepare

NAMES = [
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race", "sex"),
    *("capital_gain", "capital_loss", "hours_per_week", "native_country", "income"),
]
WORDS = ["workclass", "marital_status", "occupation", "relationship", "race", "sex", "native_country"]
RANGES = {
    "gain": [1, 2000, 3000, 3400, 4000, 4700, 5100, 6000, 7200, 8000, 10000, 15000, 99998],
    "loss": [1, 1450, 1550, 1650, 1750, 1850, 1900, 1950, 2000, 2150, 2350, 2500],
    "ages": [20, 23, 26, 30, 34, 38, 42, 46, 50, 55, 60, 65, 70],
    "hours": [20, 30, 35, 40, 41, 45, 50, 55, 60],
}
FILES = {"type": "csv", "header": False, "names": NAMES}

data = DataConfig(
    source={**FILES, "path": "data://adult/adult.data.gz", "target": "income", "ignore": ["fnlwgt", "education"]},
    test_source={**FILES, "path": "data://adult/adult.test.gz"},
    transform=[
        {"type": "map_values", "columns": "income", "values": {"<=50K.": "<=50K", ">50K.": ">50K"}},
        {"type": "fill_missing", "columns": ["workclass", "occupation", "native_country"], "value": "unknown"},
        {"type": "derive", "columns": {"gain": "capital_gain", "loss": "capital_loss", "ages": "age", "hours": "hours_per_week"}},
        *({"type": "bucketize", "columns": name, "edges": [float(edge) for edge in edges]} for name, edges in RANGES.items()),
        {"type": "apply", "columns": ["capital_gain", "capital_loss"], "expression": "log1p(x)"},
        {"type": "one_hot", "columns": WORDS, "minimum": 20, "unknown": "other"},
        {"type": "one_hot", "columns": list(RANGES), "unknown": "missing"},
    ],
    split={"validation": 0.1, "stratify": True},
    normalize="standardize",
)
network = lm.Sequential(
    [lm.Dense(128), lm.Dropout(0.3), lm.Dense(64), lm.Output(2, loss="cross_entropy")],
    defaults=lm.Defaults(activation="relu", initializer="he_normal"),
)


def main(**changes: Any) -> Any:
    """Train, judge and keep the network, and ask it about one person.

    Args:
        **changes: Settings of `Model.fit` to change, such as ``epochs=1``.

    Returns:
        The report on the test part.
    """
    parts = prepare(data, seed=7)
    model = lm.Model(network, seed=7)
    model.preprocessing = parts.preprocessing  # kept with the model: it then takes rows as raw as these
    settings = {
        "epochs": 30,
        "batch_size": 128,
        "optimizer": lm.Adam(0.0005),
        "callbacks": [lm.EarlyStopping("validation/loss", patience=3)],
    } | changes
    model.fit(parts.train, validation=parts.validation, **settings)
    report = model.evaluate(parts.test)
    model.save("adult_income.lamina")
    person = {"age": 52, "workclass": "Private", "education_num": 14, "marital_status": "Married-civ-spouse", "relationship": "Wife"}
    person |= {"occupation": "Exec-managerial", "race": "White", "sex": "Female", "native_country": None}
    person |= {"capital_gain": 0, "capital_loss": 0, "hours_per_week": 45}
    print(dict(zip(("<=50K", ">50K"), model.predict(person)[0].round(3).tolist(), strict=True)))
    return report


if __name__ == "__main__":
    print(main())

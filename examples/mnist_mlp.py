"""A multi-layer perceptron on the original MNIST files.

The same as ``lamina train examples/mnist_mlp.yaml``: python examples/mnist_mlp.py
"""

from __future__ import annotations

from typing import Any

import lamina as lm
from lamina.data.config import DataConfig, prepare

data = DataConfig(source="mnist", split={"validation": 0.1, "stratify": True}, batch_size=128)
network = lm.Sequential(
    lm.image(1, 28, 28),
    [
        lm.Dense(512),
        lm.Dense(256, dropout=0.2),
        lm.Output(10, loss="cross_entropy", dropout=0.2),
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
    settings = {
        "epochs": 10,
        "batch_size": 128,
        "optimizer": lm.Adam(0.001),
        "early_stopping": {"monitor": "validation/accuracy", "patience": 3},
    } | changes
    model.fit(parts.train, validation=parts.validation, **settings)
    report = model.evaluate(parts.test)
    model.save("mnist_mlp.lamina")
    return report


if __name__ == "__main__":
    print(main())

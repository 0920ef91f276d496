"""LeNet on the original MNIST files; they are looked for in LAMINA_DATA, then in the cache, then downloaded.

The same as ``lamina train examples/mnist_lenet.yaml``: python examples/mnist_lenet.py
"""

from __future__ import annotations

from typing import Any

import lamina as lm
from lamina.data.config import DataConfig, prepare

data = DataConfig(source="mnist", split={"validation": 0.1, "stratify": True}, batch_size=64)
network = lm.Sequential(
    lm.image(1, 28, 28),
    [
        lm.Conv2d(20, kernel=5),
        lm.MaxPool2d(2),
        lm.Conv2d(50, kernel=5),
        lm.MaxPool2d(2),
        lm.Dense(500),
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
    settings = {"epochs": 5, "batch_size": 64, "optimizer": lm.Adam(lm.schedules.OneCycle(0.003))} | changes
    model.fit(parts.train, validation=parts.validation, **settings)
    report = model.evaluate(parts.test)
    model.save("mnist_lenet.lamina")
    return report


if __name__ == "__main__":
    print(main())

"""A LeNet that Keras trained to tell the digits 0 to 4 apart learns all ten.

The same as ``lamina train examples/finetune_imported.yaml``: python examples/finetune_imported.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lamina as lm
from lamina.data.config import DataConfig, prepare
from lamina.transfer import Transfer

data = DataConfig(source="digits", split={"validation": 0.1, "test": 0.2, "stratify": True}, batch_size=32)
changes = Transfer(
    model=str(Path(__file__).parent / "models" / "lenet_five_digits.keras"),
    replacements={"head": lm.Output(10, loss="cross_entropy")},
    settings={"conv*": {"learning_rate_factor": 0.3}},
)
network = changes.changed_network()


def main(**settings: Any) -> Any:
    """Train, judge and keep the network.

    Args:
        **settings: Settings of `Model.fit` to change, such as ``epochs=1``.

    Returns:
        The report on the test part.
    """
    parts = prepare(data, seed=7)
    model = lm.start_from(changes.named_model(), changes, seed=7)
    print(model.taken)
    model.preprocessing = parts.preprocessing  # kept with the model: it then takes raw data
    model.fit(
        parts.train, validation=parts.validation, **{"epochs": 15, "batch_size": 32, "threads": 1, "optimizer": lm.Adam(0.002)} | settings
    )
    report = model.evaluate(parts.test)
    model.save("finetune_imported.lamina")
    return report


if __name__ == "__main__":
    print(main())

"""Which pixels of a photo of blood are red cells, white cells, platelets? A small U-Net of the zoo on the photos of BCCD.

These are looked for in LAMINA_DATA/bccd, then in the cache. The same as ``lamina train examples/unet_cells.yaml``, and the
intersection over union of each kind besides: python examples/unet_cells.py
"""

from __future__ import annotations

from typing import Any

import lamina as lm
from lamina.data.config import DataConfig, prepare

data = DataConfig(source={"type": "blood_cells", "height": 96, "width": 128}, split={"validation": 0.1}, batch_size=4)
network = lm.zoo.unet(classes=4, input=lm.image(3, 96, 128), filters=12, depth=3, dropout=0.3)


def overlap(predicted: Any, true: Any, names: tuple[str, ...]) -> dict[str, float]:
    """Intersection over union for each kind: pixels that are of the kind in both, to those that are in either."""
    shares = {}
    for kind, name in enumerate(names):
        both, either = ((predicted == kind) & (true == kind)).sum(), ((predicted == kind) | (true == kind)).sum()
        shares[name] = float(both / either) if either else 1.0
    return shares


def main(**changes: Any) -> Any:
    """Train, judge and keep the network.

    Args:
        **changes: Settings of `Model.fit` to change, such as ``epochs=1``.

    Returns:
        The report on the test part, and the intersection over union of each kind.
    """
    parts = prepare(data, seed=7)
    model = lm.Model(network, seed=7)
    model.preprocessing = parts.preprocessing  # kept with the model: it then takes raw data
    settings = {"epochs": 12, "batch_size": 4, "threads": 2, "optimizer": lm.Adam(lm.schedules.OneCycle(0.005))} | changes
    model.fit(parts.train, validation=parts.validation, **settings)
    report = model.evaluate(parts.test)
    predicted = model.predict(parts.test).argmax(axis=1)
    model.save("unet_cells.lamina")
    return report, overlap(predicted, parts.test.targets["output"], parts.schema.targets["output"].labels)


if __name__ == "__main__":
    report, shares = main()
    print(report)
    for name, share in shares.items():
        print(f"{name:12} IoU {share:.3f}")

"""The kind of cell in each box of blood photos, from raw files; looked for in LAMINA_DATA/bccd, then in the cache.

The same as ``lamina train examples/bccd_images.yaml``, and then a photo is asked about: python examples/bccd_images.py
"""

from __future__ import annotations

from typing import Any

import lamina as lm
from lamina.data.config import DataConfig, prepare

FOLDER = "data://bccd/BCCD"
PREPARE = [{"type": "resize", "size": [40, 40], "mode": "fit"}]
AUGMENT = [
    {"type": "random_flip", "axis": "both"},
    {"type": "random_affine", "degrees": 180, "scale": [0.85, 1.2], "shift": 0.05},
    {"type": "color_jitter", "brightness": 0.2, "contrast": 0.2, "saturation": 0.2},
]


def source(part: str, **settings: Any) -> dict[str, Any]:
    files = {"path": f"{FOLDER}/JPEGImages", "annotations": f"{FOLDER}/Annotations", "subset": f"{FOLDER}/ImageSets/Main/{part}.txt"}
    return {"type": "detection", **files, "form": "crops", "margin": 0.1, "prepare": PREPARE, **settings}


network = lm.Sequential(
    layers=[
        lm.Conv2d(16, kernel=3, padding="same"),
        lm.MaxPool2d(2),
        lm.Conv2d(32, kernel=3, padding="same"),
        lm.MaxPool2d(2),
        lm.Conv2d(64, kernel=3, padding="same"),
        lm.GlobalAvgPool(),
        lm.Output(3, loss="cross_entropy", dropout=0.2),
    ],
    defaults=lm.Defaults(activation="relu", initializer="he_normal"),
)


data = DataConfig(
    source=source("train", augment=AUGMENT),
    test_source=source("test"),
    split={"type": "grouped", "validation": 0.15},
    batch_size=64,
    cache="memory",
    workers=2,
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
    settings = {"epochs": 12, "batch_size": 64, "workers": 2, "class_weights": "balanced"}
    model.fit(parts.train, validation=parts.validation, **settings | {"optimizer": lm.Adam(lm.schedules.OneCycle(0.005))} | changes)
    report = model.evaluate(parts.test)
    model.save("bccd_images.lamina")
    # What was kept asks for nothing but files: here a whole photo, as if it were one cell.
    print(lm.load("bccd_images.lamina").predict_labels(f"{FOLDER}/JPEGImages/BloodImage_00007.jpg").labels)
    return report


if __name__ == "__main__":
    print(main())

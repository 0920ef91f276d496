"""Spoken digits of people who were never heard before, from the raw WAV files in LAMINA_DATA/fsdd-500; one speaker is held out.

The same as ``lamina train examples/fsdd_audio.yaml``: python examples/fsdd_audio.py
"""

from __future__ import annotations

from typing import Any

import lamina as lm
from lamina.data.config import DataConfig, prepare

data = DataConfig(
    source={
        "type": "audio_folder",
        "path": "data://fsdd-500/recordings/*.wav",
        "pattern": r"(?P<label>\d)_(?P<speaker>\w+)_\d+",
        "group": "speaker",
        "rate": 8000,
        "trim": 35,
        "level": "peak",
        "seconds": 0.9,
        "features": {"type": "mfcc", "count": 20, "even": "standard", "deltas": 1},
        "augment": [{"type": "speed", "factor": 1.25}, {"type": "noise", "probability": 0.5}, "spec_augment"],
    },
    split={"type": "grouped", "test": 0.2},
    normalize="standardize",
)
network = lm.Sequential(
    [
        lm.Conv1d(48, kernel=5, padding="same", bias=False),
        lm.BatchNorm(),
        lm.layers.ActivationLayer("relu"),
        lm.Conv1d(64, kernel=5, stride=2, padding="same", bias=False, dropout=0.2),
        lm.BatchNorm(),
        lm.layers.ActivationLayer("relu"),
        lm.Conv1d(64, kernel=5, padding="same", bias=False, dropout=0.2),
        lm.BatchNorm(),
        lm.layers.ActivationLayer("relu"),
        lm.GlobalMaxPool(),
        lm.Output(10, loss="cross_entropy", dropout=0.3),
    ]
)


def main(**changes: Any) -> Any:
    """Train, judge and keep the network.

    Args:
        **changes: Settings of `Model.fit` to change, such as ``epochs=1``.

    Returns:
        The report on the speaker that was held out.
    """
    parts = prepare(data, seed=1)
    model = lm.Model(network, seed=1)
    model.preprocessing = parts.preprocessing  # kept with the model: it then takes recordings
    settings = {"epochs": 40, "batch_size": 32, "threads": 1, "clip": 1.0, "optimizer": lm.Adam(lm.schedules.OneCycle(0.003))} | changes
    model.fit(parts.train, **settings)
    report = model.evaluate(parts.test)
    model.save("fsdd_audio.lamina")
    return report


if __name__ == "__main__":
    print(main())

"""Shakespeare, character by character: an LSTM learns what follows, and then goes on by itself.

The text is looked for in LAMINA_DATA/tinyshakespeare, then in the cache, else downloaded. The same as
``lamina train examples/char_lstm.yaml``, and some lines written by the network besides: python examples/char_lstm.py
"""

from __future__ import annotations

from typing import Any

import lamina as lm
from lamina.data.config import DataConfig, prepare

data = DataConfig(
    source={"type": "tiny_shakespeare", "steps": 100, "validation": 0.0, "test": 0.1},
    split={"type": "predefined", "holds": ["train", "test"]},
    batch_size=64,
)
network = lm.Sequential(lm.tokens(None, 65), [lm.Embedding(64), lm.LSTM(256), lm.Output(65, loss="cross_entropy")])


def main(**changes: Any) -> Any:
    """Train, judge and keep the network, and let it write.

    Args:
        **changes: Settings of `Model.fit` to change, such as ``epochs=1``.

    Returns:
        The report on the last tenth of the text; its ``loss`` is in nats per character.
    """
    parts = prepare(data, seed=7)
    model = lm.Model(network, seed=7)
    model.preprocessing = parts.preprocessing
    settings = {"epochs": 5, "batch_size": 64, "threads": 2, "clip": 1.0, "optimizer": lm.Adam(lm.schedules.OneCycle(0.01))} | changes
    model.fit(parts.train, **settings)
    report = model.evaluate(parts.test)
    prompt = "ROMEO:\n"
    written = model.generate(prompt, steps=300, method=lm.generation.Sampling(temperature=0.7, seed=1))
    print(prompt + written.texts[0])
    model.save("char_lstm.lamina")
    return report


if __name__ == "__main__":
    print(f"{main().metrics['loss']:.3f} nats per character")

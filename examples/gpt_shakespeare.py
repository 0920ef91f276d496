"""Shakespeare, character by character: blocks of a transformer learn what follows, and then go on by themselves.

The text is looked for in LAMINA_DATA/tinyshakespeare, then in the cache, else downloaded. The same as
``lamina train examples/gpt_shakespeare.yaml``, and some lines written by the network besides: python examples/gpt_shakespeare.py
"""

from __future__ import annotations

from typing import Any

import lamina as lm
from lamina.data.config import DataConfig, prepare

data = DataConfig(
    source={"type": "tiny_shakespeare", "steps": 128, "validation": 0.0, "test": 0.1},
    split={"type": "predefined", "holds": ["train", "test"]},
    batch_size=32,
)
block = lm.layers.TransformerEncoder(4, causal=True, positions="rotary", window=128)
network = lm.Sequential(
    lm.tokens(None, 65),
    [lm.layers.TokenEmbedding(128), *[block] * 4, lm.LayerNorm(), lm.Output(65, loss="cross_entropy")],
    defaults={"bias": False, "initializer": {"type": "normal", "std": 0.05}},
)
rate = lm.schedules.WarmUp(lm.schedules.Cosine(0.004, final=0.0002), 50)


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
    optimizer = lm.AdamW(rate, beta2=0.99, weight_decay=0.1)
    settings = {"epochs": 4, "batch_size": 32, "threads": 2, "clip": 1.0, "optimizer": optimizer} | changes
    model.fit(parts.train, **settings)
    report = model.evaluate(parts.test)
    prompt = "ROMEO:\n"
    written = model.generate(prompt, steps=300, method=lm.generation.Sampling(temperature=0.7, seed=1))
    print(prompt + written.texts[0])
    model.save("gpt_shakespeare.lamina")
    return report


if __name__ == "__main__":
    print(f"{main().metrics['loss']:.3f} nats per character")

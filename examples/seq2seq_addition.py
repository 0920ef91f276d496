"""Adding numbers as text: one network reads 417+85, another writes what it comes to, the units first, as one adds by hand.

Encoder and decoder are trained together on 40,000 sums, and judged on 2,000 others, of which every digit must be right:
python examples/seq2seq_addition.py
"""

from __future__ import annotations

from typing import Any

import numpy as np

import lamina as lm
from lamina.data.pairs import teacher_forcing

ALPHABET = "<>0123456789+"
START, STOP = 0, 1
TRAINING = 40_000

tokens = lm.tokens(None, len(ALPHABET))
network = lm.Graph(
    {"source": tokens, "target": tokens},
    {
        "read": lm.Embedding(16, inputs=["source"]),
        "encoder": lm.GRU(128, output="state", inputs=["read"]),
        "write": lm.Embedding(16, inputs=["target"]),
        "decoder": lm.GRU(128, inputs=["write", "encoder"]),
        "next": lm.Output(len(ALPHABET), loss="cross_entropy", inputs=["decoder"]),
    },
    ["next"],
)


def sums(count: int, seed: int) -> tuple[list[list[int]], list[list[int]]]:
    """Different sums of two numbers below 1000, as tokens: what is read, and what shall be written."""
    pairs = np.random.default_rng(seed).permutation(1_000_000)[:count]
    texts = [(f"{pair // 1000}+{pair % 1000}", str(pair // 1000 + pair % 1000)[::-1]) for pair in pairs.tolist()]
    read, written = ([[ALPHABET.index(character) for character in text[side]] for text in texts] for side in (0, 1))
    return read, written


def main(count: int = TRAINING, **changes: Any) -> float:
    """Train, judge and keep the network.

    Args:
        count: Sums to learn from.
        **changes: Settings of `Model.fit` to change, such as ``epochs=1``.

    Returns:
        The share of sums never seen that come out right, digit by digit.
    """
    read, written = sums(count + 2000, seed=7)
    training = teacher_forcing(written[:count], read[:count], vocabulary=list(ALPHABET), start=START, stop=STOP)
    model = lm.Model(network, seed=7)
    settings = {"epochs": 8, "batch_size": 128, "threads": 1, "clip": 1.0, "optimizer": lm.Adam(lm.schedules.OneCycle(0.01))} | changes
    model.fit(training, **settings)
    made = model.generate({"source": read[count:]}, steps=5, start=START, stop=STOP)
    right = [tokens.tolist() == wanted for tokens, wanted in zip(made, written[count:], strict=True)]
    for source, text, good in list(zip(read[count:], made.texts, right, strict=True))[:5]:
        print("".join(ALPHABET[token] for token in source), "=", text[::-1], "" if good else "(wrong)")
    model.save("seq2seq_addition.lamina")
    return float(np.mean(right))


if __name__ == "__main__":
    print(f"{main():.2%} of the sums are right")

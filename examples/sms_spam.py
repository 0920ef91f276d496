"""Which short messages are spam? From the raw file of the SMS Spam Collection, looked for in LAMINA_DATA/sms-spam.

The same as ``lamina train examples/sms_spam.yaml``: python examples/sms_spam.py
"""

from __future__ import annotations

from typing import Any

import lamina as lm
from lamina.data.config import DataConfig, prepare

data = DataConfig(
    source={
        "type": "tsv",
        "path": "data://sms-spam/SMSSpamCollection.gz",
        "header": False,
        "quote": None,
        "names": ["kind", "message"],
        "target": "kind",
        "text": "message",
        "vectorize": {
            "tokenizer": {"type": "ngrams", "sizes": [1, 2], "of": {"type": "words", "punctuation": "keep"}},
            "min_count": 2,
            "max_tokens": 8000,
            "output": "tf_idf",
            "rarity": "smooth",
            "norm": "l2",
        },
    },
    split={"validation": 0.1, "test": 0.2, "stratify": True},
)
network = lm.Sequential([lm.Dropout(0.3), lm.Dense(32, activation="relu"), lm.Output(2, loss="cross_entropy")])


def main(**changes: Any) -> Any:
    """Train, judge and keep the network, and ask it about two messages.

    Args:
        **changes: Settings of `Model.fit` to change, such as ``epochs=1``.

    Returns:
        The report on the test part.
    """
    parts = prepare(data, seed=7)
    model = lm.Model(network, seed=7)
    model.preprocessing = parts.preprocessing  # kept with the model: it then takes plain texts
    settings = {"epochs": 15, "batch_size": 32, "optimizer": lm.Adam(0.003)} | changes
    model.fit(parts.train, validation=parts.validation, **settings)
    report = model.evaluate(parts.test)
    model.save("sms_spam.lamina")
    messages = ["Are you coming home for dinner?", "WINNER!! Call 09061701461 now to claim your free prize"]
    for message, label in zip(messages, model.predict_labels(messages).labels, strict=True):
        print(f"{label}: {message}")
    return report


if __name__ == "__main__":
    print(main())

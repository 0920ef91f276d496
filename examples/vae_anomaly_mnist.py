"""Anomalies found without having seen one: a variational autoencoder learns one digit, and tells it from all others.

It is trained on images of a single digit, without labels. How well it could have made an image, the reconstruction probability
(An and Cho 2015), then sorts the 10,000 test images; the area under the ROC curve says how often, of an image of that digit and one
of another, the latter is less probable: python examples/vae_anomaly_mnist.py
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

import lamina as lm
from lamina.data.config import DataConfig, prepare
from lamina.unsupervised import VariationalView

data = DataConfig(source="mnist", split={"validation": 0.1})
network = lm.Sequential(
    lm.image(1, 28, 28),
    [lm.layers.VariationalAutoencoder(32, encoder=[256], decoder=[256], activation="relu", reconstruction="bernoulli", name="vae")],
)


def main(*, digits: Sequence[int] = (0, 1, 4), samples: int = 16, **changes: Any) -> dict[int, float]:
    """Train one for each of some digits, and print the table.

    Args:
        digits: Which.
        samples: Draws of the code for each test image.
        **changes: Settings of `Model.pretrain` to change, such as ``epochs=1``.

    Returns:
        The area under the ROC curve for each digit.
    """
    parts = prepare(data, seed=0)
    labels, truth = parts.train.targets["output"], parts.test.targets["output"]
    settings = {"epochs": 20, "batch_size": 100, "optimizer": lm.Adam(0.001), "threads": 1, "progress": False} | changes
    found = {}
    print("digit   AUROC   hardest to tell from it")
    for digit in digits:
        model = lm.Model(network, seed=7)
        model.pretrain(parts.train.take(np.flatnonzero(labels == digit)), **settings)
        score = -VariationalView(model, "vae").reconstruction_log_probability(parts.test, samples=samples)
        found[digit] = float(roc_auc_score(truth != digit, score))
        pairs = {}
        for other in sorted({*range(10)} - {digit}):
            both = np.isin(truth, [digit, other])
            pairs[other] = float(roc_auc_score(truth[both] == other, score[both]))
        near = min(pairs, key=pairs.__getitem__)
        print(f"{digit:5}   {found[digit]:.3f}   {near} ({pairs[near]:.3f})", flush=True)
    return found


if __name__ == "__main__":
    main()

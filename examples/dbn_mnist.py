"""A deep belief network: what 10,000 MNIST images without labels are worth to one who has 200 with.

Two restricted Boltzmann machines are pretrained, one on the images, one on what the first makes of them; then the whole network
learns from the labelled ones. The same network without pretraining starts from Xavier's weights. Both are judged on the 10,000
test images, over five seeds, each with other images, other labels and another start: python examples/dbn_mnist.py
"""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np

import lamina as lm
from lamina.data.config import DataConfig, prepare

data = DataConfig(source="mnist", split={"validation": 0.1})
network = lm.Sequential(
    lm.image(1, 28, 28),
    [
        lm.layers.RBM(500, initializer="xavier_uniform", name="strokes"),
        lm.layers.RBM(500, initializer="xavier_uniform", name="shapes"),
        lm.Output(10),
    ],
)


def choose(labels: np.ndarray, *, seed: int, unlabelled: int, each: int) -> tuple[np.ndarray, np.ndarray]:
    """Which images come without a label, and which, ``each`` of every digit, with one; none is both."""
    order = np.random.default_rng(seed).permutation(len(labels))
    known = np.concatenate([order[labels[order] == digit][:each] for digit in range(10)])
    rest = order[~np.isin(order, known)]
    return rest[:unlabelled], known


def main(*, seeds: int = 5, unlabelled: int = 10_000, each: int = 20, **changes: Any) -> list[tuple[float, float]]:
    """Train both ways with every seed, and print the table.

    Args:
        seeds: How many.
        unlabelled: Images without a label.
        each: Images of every digit with one.
        **changes: Settings of `Model.pretrain` to change, such as ``epochs=1``.

    Returns:
        For each seed the accuracy on the test part without pretraining, and with it.
    """
    parts = prepare(data, seed=0)
    labels = parts.train.targets["output"]
    pretraining = {"epochs": 10, "batch_size": 50, "optimizer": lm.Sgd(0.1), "threads": 1, "progress": False} | changes
    fitting: dict[str, Any] = {"epochs": 60, "batch_size": 20, "optimizer": lm.Adam(0.001), "threads": 1, "progress": False}
    rows = []
    print("seed   without   with pretraining   gain")
    for seed in range(seeds):
        without, known = choose(labels, seed=seed, unlabelled=unlabelled, each=each)
        found = []
        for pretrained in (False, True):
            model = lm.Model(network, seed=seed)
            if pretrained:
                model.pretrain(parts.train.take(without), **pretraining)
            model.fit(parts.train.take(known), **fitting)
            found.append(float(model.evaluate(parts.test).metrics["accuracy"]))
        rows.append((found[0], found[1]))
        print(f"{seed:4}   {found[0]:7.2%}   {found[1]:16.2%}   {found[1] - found[0]:+.2%}", flush=True)
    plain, deep = (statistics.mean(row[column] for row in rows) for column in (0, 1))
    print(f"mean   {plain:7.2%}   {deep:16.2%}   {deep - plain:+.2%}")
    return rows


if __name__ == "__main__":
    main()

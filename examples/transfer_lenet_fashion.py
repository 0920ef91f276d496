"""What a network that tells five groups of clothes is worth to one that shall learn ten kinds from few examples.

LeNet learns from many images of Fashion-MNIST which group they show (tops, trousers, dresses, shoes, bags), and is kept. Which of ten
kinds an image shows is known for a few only. The head is replaced; the base stays frozen, its outputs computed once and kept on disk,
or all is trained on, the base carefully. The same network from a fresh start is the comparison, over several seeds:
python examples/transfer_lenet_fashion.py
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import lamina as lm
from lamina.data.config import DataConfig, prepare

data = DataConfig(source="fashion_mnist", split={"validation": 0.1}, normalize={"type": "scale", "factor": 1 / 255})
network = lm.Sequential(
    lm.image(1, 28, 28),
    [
        lm.Conv2d(20, kernel=5, activation="relu"),
        lm.MaxPool2d(2),
        lm.Conv2d(50, kernel=5, activation="relu"),
        lm.MaxPool2d(2, name="base"),
        lm.Dense(128, activation="relu"),
        lm.Output(5),
    ],
)
GROUPS = np.array([0, 1, 0, 2, 0, 3, 0, 3, 4, 3])
"""Of each kind: T-shirts, pullovers, coats and shirts are tops; sandals, sneakers and boots shoes."""
WAYS = ("new head, base frozen", "new head, base trained on", "a fresh start")


def few(part: lm.Dataset, each: int, seed: int) -> lm.Dataset:
    """``each`` images of every kind."""
    labels = part.targets["output"]
    order = np.random.default_rng(seed).permutation(len(labels))
    return part.take(np.concatenate([order[labels[order] == kind][:each] for kind in range(10)]))


def main(*, each: int = 5, seeds: int = 3, base_epochs: int = 3, epochs: int = 40, base_images: int = 20_000) -> dict[str, float]:
    """Train the base, then three ways with few images, and print the table.

    Args:
        each: Labelled images of every kind.
        seeds: Choices of these images, and starts.
        base_epochs: Passes over the images whose group is known.
        epochs: Passes over those whose kind is known.
        base_images: Images whose group is known.

    Returns:
        Mean accuracy on the 10,000 test images, by way.
    """
    settings: dict[str, Any] = {"optimizer": lm.Adam(0.001), "threads": 1, "progress": False}
    parts = prepare(data, seed=0)
    many = parts.train.take(np.arange(base_images))
    head: dict[str, Any] = {"replacements": {"output_1": lm.Output(10)}}
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "groups.lamina"
        base = lm.Model(network, seed=1)
        base.fit(many.inputs["input"], GROUPS[many.targets["output"]], epochs=base_epochs, batch_size=50, **settings)
        base.save(file)
        for seed in range(seeds):
            labelled = few(parts.train, each, seed)
            frozen = lm.start_from(file, freeze_to="base", seed=seed, **head)
            cut = lm.Featurizer(frozen, "base")  # what the frozen layers give is computed once
            cut.head.fit(cut.features(labelled, cache=folder), epochs=epochs, batch_size=10, **settings)
            tuned = lm.start_from(file, settings={"conv2d*": {"learning_rate_factor": 0.1}}, seed=seed, **head)
            tuned.fit(labelled, epochs=epochs, batch_size=10, **settings)
            fresh = lm.Model(lm.Transfer(**head).apply(network), seed=seed)
            fresh.fit(labelled, epochs=epochs, batch_size=10, **settings)
            for way, model in zip(WAYS, (cut.join(), tuned, fresh), strict=True):
                found[way].append(float(model.evaluate(parts.test).metrics["accuracy"]))
    print(frozen.taken)
    print(f"\n{each} labelled images of each kind, judged on {len(parts.test)}, means over {seeds} seeds")
    means = {way: statistics.mean(figures) for way, figures in found.items()}
    for way, accuracy in means.items():
        print(f"  {way:<28}{accuracy:.2%}")
    return means


if __name__ == "__main__":
    main()

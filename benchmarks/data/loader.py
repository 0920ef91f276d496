"""How fast batches come: an epoch of MNIST, a LeNet that waits for them, and going on in the middle of an epoch.

The epoch is measured against ``torch.utils.data.DataLoader`` over three data sets that give one sample at a time: as torchvision's MNIST
does (an image of Pillow's, made a tensor), from bytes that are scaled when they are asked for, and from floats that were scaled before.
All give shuffled batches of float32 from 0 to 1, in turn within one process, so that a noisy machine disturbs all alike. Ratios are of
medians.

Run with ``python benchmarks/data/loader.py [--rounds 9] [--threads 2] [--samples 10000000] [--json | --markdown]``; MNIST is looked for in
``LAMINA_DATA``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

import lamina as lm
from lamina.data.config import DataConfig, prepare
from lamina.data.dataset import Dataset
from lamina.data.lazy import Address, LazyArray
from lamina.data.loader import Loader
from lamina.data.sampling import Balanced, Oversample, Sampling, Weighted

BATCH = 64
LIMITS = {"times as fast": 20.0, "waiting": 0.05, "resume": 1.0}


class OneByOne(TorchDataset):
    """What tutorials write: a sample for an index.

    Args:
        x: Images.
        y: Labels.
        make: A sample of an image.
    """

    def __init__(self, x: torch.Tensor, y: torch.Tensor, make: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.x, self.y, self.make = x, y, make

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.make(self.x[index]), int(self.y[index])


def as_torchvision(image: torch.Tensor) -> torch.Tensor:
    """What its MNIST and ToTensor do."""
    picture = Image.fromarray(image.numpy())
    array = torch.from_numpy(np.array(picture, np.uint8, copy=True)).view(28, 28, 1)
    return array.permute((2, 0, 1)).contiguous().to(torch.float32).div(255)


def in_turn(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each round of each contender; the first round warms up and isn't counted."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, run in contenders.items():
            started = time.perf_counter()
            run()
            if number:
                times[name].append(time.perf_counter() - started)
    return times


def epoch_times(raw: Dataset, train: Dataset, rounds: int) -> dict[str, list[float]]:
    """Seconds of an epoch of batches, nothing done with them."""
    x, y = (torch.from_numpy(array.copy()) for array in (raw.inputs["input"], raw.targets["output"]))
    floats = x.float().div(255)
    sets = {
        "DataLoader, as torchvision": OneByOne(x[:, 0], y, as_torchvision),
        "DataLoader, bytes": OneByOne(x, y, lambda image: image.float().div(255)),
        "DataLoader, floats": OneByOne(floats, y, lambda image: image),
    }

    def through(batches: Any) -> Callable[[], object]:
        return lambda: [None for _ in batches]

    contenders = {name: through(DataLoader(one, BATCH, shuffle=True)) for name, one in sets.items()}
    contenders["lamina"] = through(Loader(train, BATCH, seed=1))
    contenders["lamina, 2 workers"] = through(Loader(train, BATCH, seed=1, workers=2))
    first = next(iter(DataLoader(sets["DataLoader, bytes"], BATCH)))[0]
    assert torch.equal(first, next(iter(Loader(train, BATCH, shuffle=False))).inputs["input"])
    return in_turn(contenders, rounds)


def lenet_wait(train: Dataset, steps: int) -> tuple[float, float]:
    """Seconds of training a LeNet, and those of them spent waiting for batches."""
    layers = [
        lm.Conv2d(20, kernel=5, activation="relu"),
        lm.MaxPool2d(2),
        lm.Conv2d(50, kernel=5, activation="relu"),
        lm.MaxPool2d(2),
        lm.Dense(500, activation="relu"),
        lm.Output(10, loss="cross_entropy"),
    ]
    model = lm.Model(lm.Sequential(lm.image(1, 28, 28), layers), seed=1)
    watched = _Timing()
    with watched:
        model.fit(train, epochs=1, max_steps=steps, batch_size=BATCH, progress=False)
    return watched.total, watched.waited


class _Timing:
    """Adds up what trainers wait for their loaders."""

    def __enter__(self) -> _Timing:
        from lamina.train.trainer import Trainer

        self.total = self.waited = 0.0
        self._real = real = Trainer._run_epoch
        watch = self

        def timed(trainer: Trainer) -> None:
            started, before = time.perf_counter(), trainer.loader.wait_seconds
            real(trainer)
            watch.total += time.perf_counter() - started
            watch.waited += trainer.loader.wait_seconds - before

        Trainer._run_epoch = timed  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        from lamina.train.trainer import Trainer

        Trainer._run_epoch = self._real  # type: ignore[method-assign]


class Drawn(LazyArray):
    """Samples that are made of nothing but their address."""

    dtype = np.dtype("float32")

    def __init__(self, count: int) -> None:
        self.shape = (count, 4)

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        drawn = indices if address is None else address.draws(indices, "x")
        return np.stack([(drawn >> shift) & 255 for shift in (0, 8, 16, 24)], axis=1).astype("float32")


def resume_times(count: int) -> dict[str, float]:
    """The longest of some times from a state to the first batch after it, for each way of feeding ``count`` samples."""
    classes = (np.arange(count) % 100 == 0).astype(np.int64)
    held = Dataset.from_arrays(np.zeros((count, 4), "float32"), classes, ["usual", "rare"])
    lazy = held.replace(inputs={"input": Drawn(count)})
    weighted = held.replace(weight=1.0 + np.arange(count) % 7)
    ways: dict[str, tuple[Dataset, dict[str, Any]]] = {
        "in order": (held, {"shuffle": False}),
        "shuffled": (held, {}),
        "balanced": (held, {"sampling": Balanced()}),
        "weighted": (weighted, {"sampling": Weighted()}),
        "oversampled": (held, {"sampling": Oversample(ratio=0.5)}),
        "lazy": (lazy, {"workers": 2}),
        "lazy, oversampled": (lazy, {"workers": 2, "sampling": Oversample(ratio=0.5)}),
    }
    found = {name: _resume(data, **settings) for name, (data, settings) in ways.items()}
    steps = np.random.default_rng(0).integers(1, 9, count // 10)
    masks = np.arange(8) < steps[:, None]
    sequences = Dataset.from_arrays(
        np.zeros((count // 10, 8, 1), "float32"), classes[: count // 10], ["usual", "rare"], shape=lm.sequence(None, 1), masks=masks
    )
    found[f"buckets by length ({count // 10:,} sequences)"] = _resume(sequences, bucketing=50)
    with tempfile.TemporaryDirectory() as folder:
        mapped = np.lib.format.open_memmap(Path(folder) / "x.npy", "w+", "float32", (count, 4))
        mapped[:: max(1, count // 1000)] = 1
        stored = held.replace(inputs={"input": np.load(Path(folder) / "x.npy", mmap_mode="r")})
        found["in a file"] = _resume(stored)
    return found


def _resume(data: Dataset, *, sampling: Sampling | None = None, **settings: Any) -> float:
    longest = 0.0
    loader = Loader(data, 256, seed=3, sampling=sampling, **settings)
    for position in (1, len(loader) // 2, len(loader) - 1):
        loader = Loader(data, 256, seed=3, sampling=sampling, **settings)
        started = time.perf_counter()
        loader.load_state_dict({"epoch": 2, "position": position})
        batches = loader.epoch(2)
        next(batches)
        longest = max(longest, time.perf_counter() - started)
        batches.close()
    return longest


def measure(rounds: int, samples: int, steps: int) -> dict[str, Any]:
    """All figures."""
    config = DataConfig.from_yaml("{source: mnist}")
    train = prepare(config, 0).train
    times = epoch_times(config.source.read().train, train, rounds)
    total, waited = lenet_wait(train, steps)
    medians = {name: statistics.median(found) for name, found in times.items()}
    return {
        "epoch": times,
        "medians": medians,
        "times as fast": {name: seconds / medians["lamina"] for name, seconds in medians.items() if name.startswith("DataLoader")},
        "waiting": waited / total,
        "resume": resume_times(samples),
        "samples": samples,
    }


def markdown(found: dict[str, Any]) -> str:
    """The figures as tables."""
    rows = [
        f"| {name} | {1000 * found['medians'][name]:.0f} | {1000 * min(times):.0f} | {1000 * max(times):.0f} |"
        for name, times in found["epoch"].items()
    ]
    resume = [f"| {name} | {1000 * seconds:.0f} |" for name, seconds in found["resume"].items()]
    return "\n".join(
        [
            f"Python {platform.python_version()}, torch {torch.__version__}, NumPy {np.__version__}, {os.cpu_count()} cores",
            "",
            f"| an epoch of MNIST in batches of {BATCH} | median ms | shortest | longest |",
            "|---|---|---|---|",
            *rows,
            "",
            *(f"* {ratio:.1f} times as fast as {name}." for name, ratio in found["times as fast"].items()),
            f"* Wanted: at least {LIMITS['times as fast']:.0f} times as fast as a data set of single samples.",
            f"* A LeNet waits {100 * found['waiting']:.1f} % of its time (at most {100 * LIMITS['waiting']:.0f} %).",
            "",
            f"| from a state to the next batch, {found['samples']:,} samples, the longest of three positions | ms |",
            "|---|---|",
            *resume,
            "",
            f"At most {1000 * LIMITS['resume']:.0f} ms.",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--samples", type=int, default=10_000_000)
    parser.add_argument("--steps", type=int, default=300, help="of the LeNet")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    found = measure(given.rounds, given.samples, given.steps)
    print(json.dumps(found, indent=2) if given.json else markdown(found))


if __name__ == "__main__":
    main()

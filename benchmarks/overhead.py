"""What Lamina adds to a training step: the same network, batches and arithmetic, written by hand and described.

Contenders run in turn, so that a noisy machine disturbs all alike; medians and minima of microseconds a step are printed.

Run with ``python benchmarks/overhead.py [--rounds 30] [--threads 2] [--json]``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from lamina.engine.build import build
from lamina.engine.optimizers import optimizer_for
from lamina.engine.parameters import FlatParameters
from lamina.engine.precision import Precision
from lamina.engine.step import StepRunner
from lamina.learning.optimizers import Adam
from lamina.network.layers import Conv2d, Dense, MaxPool2d, Output
from lamina.network.sequential import Sequential
from lamina.shapes import Features, Image

Step = Callable[[int], torch.Tensor]

MLP = Sequential(Features(20), [Dense(64, activation="relu"), Dense(64, activation="relu"), Output(3)])
LENET = Sequential(
    Image(1, 28, 28),
    [
        Conv2d(20, kernel=5, activation="relu"),
        MaxPool2d(2),
        Conv2d(50, kernel=5, activation="relu"),
        MaxPool2d(2),
        Dense(500, activation="relu"),
        Output(10),
    ],
)


def hand_mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))


def hand_lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10),
    )  # fmt: skip


CASES = {
    "mlp 20-64-64-3, batch 32": (MLP, hand_mlp, (32, 20), 3),
    "lenet, batch 64": (LENET, hand_lenet, (64, 1, 28, 28), 10),
}


def batches(shape: tuple[int, ...], classes: int, dtype: torch.dtype) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Eight batches that all contenders see."""
    generator = torch.Generator().manual_seed(0)
    return [
        (torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype), torch.randint(classes, shape[:1], generator=generator))
        for _ in range(8)
    ]


def by_hand(make: Callable[[], nn.Module], data: list[tuple[torch.Tensor, torch.Tensor]], *, fused: bool) -> Step:
    """The loop of torch's own tutorial."""
    torch.manual_seed(0)
    module = make()
    optimizer = torch.optim.Adam(module.parameters(), 1e-3, fused=fused)

    def step(number: int) -> torch.Tensor:
        x, y = data[number % len(data)]
        optimizer.zero_grad()
        loss = F.cross_entropy(module(x), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def described(description: Sequential, data: list[tuple[torch.Tensor, torch.Tensor]]) -> Step:
    """The step that the trainer runs, fed as the loader feeds it."""
    network = build(description.resolve(), 0)
    network.train()
    flat = FlatParameters(network)
    runner = StepRunner(network, flat, optimizer_for(Adam(1e-3), flat), Precision("float32", torch.device("cpu")), seed=0)
    fed = [({"input": x}, {"output": y}) for x, y in data]

    def step(number: int) -> torch.Tensor:
        inputs, targets = fed[number % len(fed)]
        return runner.train(inputs, targets, None, number, number / 100)

    return step


def measure(contenders: dict[str, Step], rounds: int, steps: int) -> dict[str, tuple[float, float]]:
    """Median and minimum of microseconds a step."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for step in contenders.values():
        for number in range(10):
            step(number)
    for _ in range(rounds):
        for name, step in contenders.items():
            started = time.perf_counter()
            for number in range(steps):
                step(number)
            times[name].append((time.perf_counter() - started) / steps * 1e6)
    return {name: (statistics.median(values), min(values)) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    found = {}
    for case, (description, make, shape, classes) in CASES.items():
        data = batches(shape, classes, torch.float32)
        contenders = {
            "by hand, Adam": by_hand(make, data, fused=False),
            "by hand, fused Adam": by_hand(make, data, fused=True),
            "lamina": described(description, data),
        }
        found[case] = measure(contenders, chosen.rounds, 100 if "mlp" in case else 5)
        if not chosen.json:
            print(case)  # noqa: T201
            for name, (median, least) in found[case].items():
                print(f"  {name:20} median {median:9.1f} us   minimum {least:9.1f} us")  # noqa: T201
    if chosen.json:
        print(json.dumps(found, indent=2))  # noqa: T201


if __name__ == "__main__":
    main()

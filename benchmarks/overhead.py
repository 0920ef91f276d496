"""What Lamina adds to training: the same network, batches and arithmetic, written by hand and described.

Two figures for each network. *step*: forward, backward and update of prepared batches alone. *fit*: ``model.fit`` as users run
it, with loader, order, default callbacks and progress lines, against a hand-written loop over batches that are ready; a round is
an epoch, and all that an epoch costs (drawing and applying its order, the mean loss, a line of progress) is in it.

Contenders run in turn within one process, so that a noisy machine disturbs all alike: a callback of the training stops its clock
at the end of an epoch, lets the others have their round, and goes on. Medians and minima of microseconds a step are printed.

Run with ``python benchmarks/overhead.py [--rounds 30] [--threads 2] [--json | --markdown]``.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

import lamina as lm
from lamina.engine.build import build
from lamina.engine.optimizers import optimizer_for
from lamina.engine.parameters import FlatParameters
from lamina.engine.precision import Precision
from lamina.engine.step import StepRunner
from lamina.train.callbacks import Callback, CallbackRun

Step = Callable[[int], object]
Batches = list[tuple[torch.Tensor, torch.Tensor]]
Times = dict[str, list[float]]

BY_HAND, DEFAULT = "by hand, fused Adam", "by hand, Adam as it comes"
COLUMNS = ("median", "quartiles", "minimum", "added (median)", "added (minimum)", "added (pairs)", "ratio (median)", "ratio (minimum)")
WARM_UP = 2
"""Rounds that are not counted."""


@dataclass(frozen=True)
class Case:
    """A network, described and by hand.

    Attributes:
        described: The description.
        by_hand: The module.
        sample: Shape of a sample.
        classes: How many.
        batch: Samples a step.
        steps: Steps a round.
        limit: The most that `model.fit` may add to a step: microseconds, or a fraction of the step by hand.
    """

    described: lm.Sequential
    by_hand: Callable[[], nn.Module]
    sample: tuple[int, ...]
    classes: int
    batch: int
    steps: int
    limit: str


def hand_mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))


def hand_lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10),
    )  # fmt: skip


MLP = lm.Sequential(lm.features(20), [lm.Dense(64, activation="relu"), lm.Dense(64, activation="relu"), lm.Output(3)])
LENET = lm.Sequential(
    lm.image(1, 28, 28),
    [
        lm.Conv2d(20, kernel=5, activation="relu"),
        lm.MaxPool2d(2),
        lm.Conv2d(50, kernel=5, activation="relu"),
        lm.MaxPool2d(2),
        lm.Dense(500, activation="relu"),
        lm.Output(10),
    ],
)
CASES = {
    "mlp 20-64-64-3, batch 32": Case(MLP, hand_mlp, (20,), 3, 32, 200, "40 us"),
    "lenet, batch 64": Case(LENET, hand_lenet, (1, 28, 28), 10, 64, 20, "5 %"),
}


def samples(case: Case) -> tuple[torch.Tensor, torch.Tensor]:
    """An epoch of samples that all contenders see."""
    generator = torch.Generator().manual_seed(0)
    count = case.batch * case.steps
    return torch.randn((count, *case.sample), generator=generator), torch.randint(case.classes, (count,), generator=generator)


def by_hand(case: Case, data: Batches, *, fused: bool) -> Step:
    """The loop of torch's own tutorial."""
    torch.manual_seed(0)
    module = case.by_hand()
    optimizer = torch.optim.Adam(module.parameters(), 1e-3, fused=fused)

    def step(number: int) -> object:
        x, y = data[number % len(data)]
        optimizer.zero_grad()
        loss = F.cross_entropy(module(x), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def bare_step(case: Case, data: Batches) -> Step:
    """The step that the trainer runs, fed as the loader feeds it."""
    network = build(case.described.resolve(), 0)
    network.train()
    flat = FlatParameters(network)
    runner = StepRunner(network, flat, optimizer_for(lm.Adam(1e-3), flat), Precision("float32", torch.device("cpu")), seed=0)
    fed = [({"input": x}, {"output": y}) for x, y in data]

    def step(number: int) -> object:
        inputs, targets = fed[number % len(fed)]
        return runner.train(inputs, targets, None, number, number / 100)

    return step


def take_turns(contenders: Mapping[str, Step], steps: int, times: Times) -> None:
    """One round of each; microseconds a step go to ``times``."""
    for name, step in contenders.items():
        started = time.perf_counter()
        for number in range(steps):
            step(number)
        times.setdefault(name, []).append((time.perf_counter() - started) / steps * 1e6)


def fit_in_turn(case: Case, contenders: Mapping[str, Step], rounds: int) -> Times:
    """Times of ``model.fit`` and of the others, an epoch against a round of each."""
    times: Times = {}

    class TurnsRun(CallbackRun):
        priority = 0
        """After all others, so that what they do at the end of an epoch is in its time."""
        _started = 0.0

        def on_start(self, trainer: object) -> None:
            self._started = time.perf_counter()

        def on_epoch(self, trainer: object) -> None:
            times.setdefault("lamina, model.fit", []).append((time.perf_counter() - self._started) / case.steps * 1e6)
            take_turns(contenders, case.steps, times)
            self._started = time.perf_counter()

    class Turns(Callback):
        def start(self) -> CallbackRun:
            return TurnsRun(self)

    model = lm.Model(case.described, seed=0)
    with contextlib.redirect_stderr(io.StringIO()):
        model.fit(samples(case), batch_size=case.batch, epochs=rounds + WARM_UP, optimizer=lm.Adam(1e-3), callbacks=[Turns()])
    return times


def measure(case: Case, rounds: int) -> dict[str, dict[str, float]]:
    """Median, minimum and quartiles of microseconds a step, and how each compares with the loop by hand."""
    x, y = samples(case)
    data = list(zip(x.split(case.batch), y.split(case.batch), strict=True))
    contenders = {
        BY_HAND: by_hand(case, data, fused=True),
        DEFAULT: by_hand(case, data, fused=False),
        "lamina, step alone": bare_step(case, data),
    }
    times = {name: values[WARM_UP:] for name, values in fit_in_turn(case, contenders, rounds).items()}
    base = times[BY_HAND]
    found = {}
    for name in (*contenders, "lamina, model.fit"):
        values = times[name]
        quarters = statistics.quantiles(values, n=4)
        found[name] = {
            "median": statistics.median(values),
            "minimum": min(values),
            "quartile_1": quarters[0],
            "quartile_3": quarters[2],
            "median_added": statistics.median(values) - statistics.median(base),
            "minimum_added": min(values) - min(base),
            "median_ratio": statistics.median(values) / statistics.median(base),
            "minimum_ratio": min(values) / min(base),
            # Of neighbours in time, so that slow phases of the machine cancel.
            "paired_added": statistics.median(own - other for own, other in zip(values, base, strict=True)),
        }
    return found


def as_markdown(found: Mapping[str, Mapping[str, Mapping[str, float]]], about: Mapping[str, object]) -> str:
    lines = [", ".join(f"{name} {value}" for name, value in about.items()), ""]
    for case, rows in found.items():
        lines += [
            f"## {case} (limit of model.fit: {CASES[case].limit})",
            "",
            f"| microseconds a step | {' | '.join(COLUMNS)} |",
            "|" + "---|" * (len(COLUMNS) + 1),
        ]
        for name, row in rows.items():
            cells = [f"{row['median']:.1f}", f"{row['quartile_1']:.1f} to {row['quartile_3']:.1f}", f"{row['minimum']:.1f}"]
            cells += [f"{row[key]:+.1f}" for key in ("median_added", "minimum_added", "paired_added")]
            cells += [f"{row['median_ratio']:.3f}", f"{row['minimum_ratio']:.3f}"]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--case", choices=list(CASES), action="append", help="only this one")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true")
    shown.add_argument("--markdown", action="store_true")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    about = {
        "Python": platform.python_version(),
        "torch": torch.__version__,
        "lamina": lm.__version__,
        "threads": torch.get_num_threads(),
        "rounds": chosen.rounds,
    }
    found = {name: measure(CASES[name], chosen.rounds) for name in chosen.case or CASES}
    if chosen.json:
        print(json.dumps({"about": about, "cases": found}, indent=2))  # noqa: T201
    elif chosen.markdown:
        print(as_markdown(found, about))  # noqa: T201
    else:
        for case, rows in found.items():
            print(f"{case} (limit of model.fit: {CASES[case].limit})")  # noqa: T201
            for name, row in rows.items():
                added = f"added {row['median_added']:+8.1f} us (pairs {row['paired_added']:+8.1f}), ratio {row['median_ratio']:.3f}"
                least = f"added {row['minimum_added']:+8.1f} us, ratio {row['minimum_ratio']:.3f}"
                print(f"  {name:26} median {row['median']:9.1f} us, {added}   minimum {row['minimum']:9.1f} us, {least}")  # noqa: T201


if __name__ == "__main__":
    main()

"""What an update costs: flat vector against torch's fused optimisers on separate parameters, and against the raw operation.

Rounds are run in turn, so that a busy machine slows all alike; figures are medians, with the minimum beside.

    python benchmarks/optimizers.py [--rounds 200] [--threads 1]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from lamina.engine.optimizers import optimizer_for
from lamina.engine.parameters import FlatParameters
from lamina.learning import AdaGrad, Adam, AdamW, ClipNorm, Lion, Nesterov, Optimizer, RmsProp, Sgd

NETS: dict[str, Callable[[], nn.Module]] = {
    "20-64-64-3": lambda: nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3)),
    "lenet": lambda: nn.Sequential(nn.Conv2d(1, 20, 5), nn.Conv2d(20, 50, 5), nn.Linear(800, 500), nn.Linear(500, 10)),
    "60 layers": lambda: nn.Sequential(*[nn.Linear(128, 128) for _ in range(60)]),
}
RULES: list[tuple[Optimizer, Callable[[Any], torch.optim.Optimizer]]] = [
    (Adam(), lambda p: torch.optim.Adam(p, fused=True)),
    (AdamW(decayed="all"), lambda p: torch.optim.AdamW(p, fused=True)),
    (Sgd(0.01, momentum=0.9), lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, fused=True)),
    (Nesterov(0.01), lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, nesterov=True, fused=True)),
    (AdaGrad(), lambda p: torch.optim.Adagrad(p, fused=True)),
    (RmsProp(), lambda p: torch.optim.RMSprop(p, foreach=True)),
]


def in_turn(functions: dict[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float]]:
    """Median and minimum of each in microseconds."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        for _ in range(5):
            function()
    for _ in range(rounds):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            times[name].append((time.perf_counter() - started) * 1e6)
    return {name: (statistics.median(values), min(values)) for name, values in times.items()}


def separate(make: Callable[[], nn.Module]) -> list[nn.Parameter]:
    parameters = list(make().parameters())
    for p in parameters:
        p.grad = torch.randn_like(p) * 1e-3
    return parameters


def flat(make: Callable[[], nn.Module]) -> FlatParameters:
    found = FlatParameters(make())
    found.gradient.normal_().mul_(1e-3)
    return found


def raw(make: Callable[[], nn.Module]) -> Callable[[], object]:
    """The fused operation alone, as tight as it can be called."""
    parameters = flat(make)
    p, g = [parameters.vector], [parameters.gradient]
    m, v, t = [torch.zeros_like(p[0])], [torch.zeros_like(p[0])], [torch.ones(())]

    def run() -> None:
        torch._fused_adamw_(p, g, m, v, [], t, lr=1e-3, beta1=0.9, beta2=0.999, weight_decay=0.0, eps=1e-8, amsgrad=False, maximize=False)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(f"torch {torch.__version__}, {given.threads} threads, {given.rounds} rounds in turn; median (minimum) in microseconds")
    for name, make in NETS.items():
        print(f"\n{name}: {sum(p.numel() for p in make().parameters())} parameters")
        for rule, oracle in RULES:
            run, other = optimizer_for(rule, flat(make)), oracle(separate(make))
            functions: dict[str, Callable[[], object]] = {"flat": lambda run=run: run.step(0, 0.0), "torch": other.step}  # type: ignore[misc]
            if isinstance(rule, Adam):
                functions["raw"] = raw(make)
            show(str(rule.type_name), in_turn(functions, given.rounds))
        run = optimizer_for(Lion(), flat(make))
        show("lion", in_turn({"flat": lambda run=run: run.step(0, 0.0)}, given.rounds))  # type: ignore[misc]
        run, parameters = optimizer_for(Sgd(), flat(make), clip=ClipNorm(1.0)), separate(make)
        plain = torch.optim.SGD(parameters, 0.01, fused=True)

        def clipped(parameters: list[nn.Parameter] = parameters, plain: torch.optim.Optimizer = plain) -> None:
            nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
            plain.step()

        show("sgd, clipped", in_turn({"flat": lambda run=run: run.step(0, 0.0), "torch": clipped}, given.rounds))  # type: ignore[misc]


def show(name: str, found: dict[str, tuple[float, float]]) -> None:
    text = "  ".join(f"{kind} {median:9.1f} ({least:8.1f})" for kind, (median, least) in found.items())
    ratio = f"  flat/torch {found['flat'][0] / found['torch'][0]:.2f}" if "torch" in found else ""
    over = f"  over raw {found['flat'][0] - found['raw'][0]:.1f}" if "raw" in found else ""
    print(f"  {name:12s} {text}{ratio}{over}")


if __name__ == "__main__":
    main()

"""Optimisers that search along a line, against torch's L-BFGS and SciPy's line searches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import Tensor, nn

from lamina.engine.optimizers import optimizer_for
from lamina.engine.optimizers.search import SearchRun
from lamina.engine.parameters import FlatParameters
from lamina.errors import LaminaError
from lamina.learning import Adam, Backtracking, ClipNorm, ConjugateGradient, FixedStep, Lbfgs, LineGradientDescent
from lamina.learning.searching import SearchOptimizer


class Problem(nn.Module):
    def __init__(self, kind: str, size: int = 6) -> None:
        super().__init__()
        self.kind = kind
        self.p = nn.Parameter(torch.tensor([-1.2, 1.0] * (size // 2), dtype=torch.float64))
        a = torch.randn(size, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        self.matrix = a @ a.T + 0.1 * torch.eye(size, dtype=torch.float64)

    def loss(self) -> Tensor:
        p = self.p
        if self.kind == "quadratic":
            return 0.5 * p @ self.matrix @ p - p.sum()
        return (100 * (p[1:] - p[:-1] ** 2) ** 2 + (1 - p[:-1]) ** 2).sum()


def started(description: SearchOptimizer, net: Any) -> tuple[SearchRun[Any], Any]:
    flat = FlatParameters(net)
    run = optimizer_for(description, flat)
    assert isinstance(run, SearchRun)

    def evaluate() -> Tensor:
        evaluate.count += 1  # type: ignore[attr-defined]
        flat.zero_grad()
        loss = net.loss()
        loss.backward()
        return loss.detach()  # type: ignore[no-any-return]

    evaluate.count = 0  # type: ignore[attr-defined]
    return run, evaluate


@pytest.mark.parametrize("search", ["strong_wolfe", None])
@pytest.mark.parametrize("kind", ["quadratic", "rosenbrock"])
def test_lbfgs_goes_the_way_of_torch(kind: str, search: str | None) -> None:
    ours, theirs = Problem(kind), Problem(kind)
    rate = 1.0 if search else 0.002
    more: dict[str, Any] = {} if search else {"line_search": FixedStep()}
    run, evaluate = started(Lbfgs(rate, memory=5, iterations=3, **more), ours)
    reference = torch.optim.LBFGS(theirs.parameters(), lr=rate, max_iter=3, max_eval=10**6, history_size=5, line_search_fn=search)

    def closure() -> Tensor:
        reference.zero_grad()
        loss = theirs.loss()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    for step in range(10):
        first = run.search(evaluate, step, 0.0)
        assert abs(float(first) - float(reference.step(closure).detach())) < 1e-9 * (1 + abs(float(first)))
        assert torch.allclose(ours.p, theirs.p, rtol=0, atol=1e-9)


CASES = [
    (Lbfgs(iterations=60), 1e-9),
    (Lbfgs(iterations=60, line_search=Backtracking()), 1e-9),
    (ConjugateGradient(iterations=150), 1e-6),
    (ConjugateGradient(formula="fletcher_reeves", restart=6, iterations=300), 1e-6),
]


@pytest.mark.parametrize(("description", "tolerance"), CASES, ids=lambda case: getattr(case, "type_name", None))
def test_minima_are_those_of_scipy(description: SearchOptimizer, tolerance: float) -> None:
    for kind in ("quadratic", "rosenbrock"):
        net = Problem(kind)

        def value(x: np.ndarray, net: Problem = net) -> float:
            with torch.no_grad():
                net.p.copy_(torch.from_numpy(x))
                return float(net.loss())

        start = net.p.detach().numpy().copy()
        best = minimize(value, start, method="BFGS", options={"gtol": 1e-9})
        with torch.no_grad():
            net.p.copy_(torch.from_numpy(start))
        run, evaluate = started(description, net)
        for step in range(4):
            run.search(evaluate, step, 0.0)
        assert float(net.loss().detach()) <= best.fun + tolerance


def test_conjugate_gradients_end_on_a_quadratic_of_n_numbers_after_n_directions() -> None:
    """Exact line searches make them so; the curvature condition here is as good as exact."""
    net = Problem("quadratic")
    exact = torch.linalg.solve(net.matrix, torch.ones(6, dtype=torch.float64))
    search = {"type": "strong_wolfe", "sufficient": 1e-6, "curvature": 1e-5, "evaluations": 60}
    run, evaluate = started(ConjugateGradient(iterations=6, line_search=search, tolerance_change=0.0), net)
    run.search(evaluate, 0, 0.0)
    assert torch.allclose(net.p.detach(), exact, atol=1e-3)
    slow = Problem("quadratic")
    run, evaluate = started(LineGradientDescent(iterations=6), slow)
    run.search(evaluate, 0, 0.0)
    assert float(net.loss().detach()) < float(slow.loss().detach())


def test_a_start_that_is_no_number_moves_nothing() -> None:
    net = Problem("quadratic")
    with torch.no_grad():
        net.p.fill_(float("inf"))
    run, evaluate = started(Lbfgs(), net)
    run.search(evaluate, 0, 0.0)
    assert bool(torch.isinf(net.p).all())
    assert evaluate.count == 1


def test_what_a_search_can_not_do_is_said() -> None:
    net = Problem("quadratic")
    with pytest.raises(LaminaError) as caught:
        optimizer_for(Lbfgs(), FlatParameters(net), ClipNorm(1.0))
    assert caught.value.code == "EN110"
    run, _ = started(Lbfgs(), net)
    with pytest.raises(LaminaError) as caught:
        run.step(0, 0.0)
    assert caught.value.code == "EN111"
    assert not optimizer_for(Adam(), FlatParameters(net)).searches

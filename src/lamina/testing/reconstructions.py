"""Contract suite of reconstructions: what every one of them must do, ours and third parties'."""

from __future__ import annotations

import torch

from lamina.engine.reconstructions import Reconstructor, reconstructor
from lamina.network.reconstructions import Reconstruction
from lamina.testing.promises import check_gradient, check_round_trips, close, drawn, promise

SAMPLES = 5


def check_reconstruction(reconstruction: Reconstruction, *, width: int | None = None) -> None:
    """Run the whole contract on one description.

    Args:
        reconstruction: The description.
        width: Number of values to try it on; unless given, the first of 3, 1, 2 ... that it can be one of.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    check_round_trips(reconstruction)
    found = width or next((n for n in (3, 1, *range(2, 50)) if reconstruction.misfit(n) is None), None)
    if found is None:
        promise(found, "it can be one of some number of values below 50")
        return
    run = reconstructor(reconstruction, found)
    scores = drawn((SAMPLES, reconstruction.size(found)))
    values = torch.rand((SAMPLES, found), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    _check_cost(run, scores, values)
    _check_values(run, scores, values)


def _check_cost(run: Reconstructor, scores: torch.Tensor, values: torch.Tensor) -> None:
    cost = run.cost(scores, values)
    promise(cost.shape == (SAMPLES,) and bool(cost.isfinite().all()), "the cost is one finite number for each sample")
    promise(close(run.cost(scores[1:3], values[1:3]), cost[1:3]), "a sample's cost depends on that sample alone")
    single = run.cost(scores.float(), values.float())
    promise(single.dtype == torch.float32 and close(single, cost, tolerance=1e-4), "float32 is float64 rounded")
    check_gradient(run.cost, scores, values)


def _check_values(run: Reconstructor, scores: torch.Tensor, values: torch.Tensor) -> None:
    wrong = run.wrong(values)
    promise(wrong is None or not bool(wrong.any()), "values between 0 and 1 are right")
    mean = run.mean(scores)
    promise(mean.shape == values.shape, "it expects a number for each value")
    first, again = (run.draw(scores, torch.Generator().manual_seed(2)) for _ in range(2))
    promise(first.shape == values.shape and torch.equal(first, again), "the same generator draws the same values")
    wrong = run.wrong(first)
    promise(wrong is None or not bool(wrong.any()), "what it draws are right values")
    many = run.draw(scores.repeat(4000, 1), torch.Generator().manual_seed(3)).reshape(4000, *values.shape)
    spread = many.std(0) / 4000**0.5
    promise(bool(((many.mean(0) - mean).abs() <= 6 * spread + 1e-9).all()), "the mean of what it draws is what it expects")
    if not run.description.has_probability:
        promise(torch.equal(first, mean), "without a distribution it draws what it expects")

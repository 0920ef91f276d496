"""Contract suite of optimisers: what each of them must do, ours and third parties'."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lamina.engine.optimizers import OptimizerRun, optimizer_for
from lamina.engine.optimizers.search import SearchRun
from lamina.engine.parameters import FlatParameters
from lamina.learning.optimizers import Optimizer
from lamina.learning.schedules import Fixed, Schedule
from lamina.testing.promises import promise

SIZE = 12


def check_optimizer(optimizer: Optimizer) -> None:
    """Run the whole contract on one description.

    Raises:
        AssertionError: Naming the promise that is broken.

    Example:
        >>> from lamina.learning import Adam
        >>> check_optimizer(Adam(0.01))
    """
    check_description(optimizer)
    bound = optimizer.bind(60, 6)
    check_descends(bound)
    if not runs_of(bound).searches:  # What searches along a line moves all parameters together.
        check_flatness(bound)
    check_resume(bound)
    check_determinism(bound)
    check_decay(bound)
    check_schedule(bound)
    check_dtypes(bound)


def check_description(optimizer: Optimizer) -> None:
    """It reads back from YAML and JSON as itself."""
    promise(Optimizer.from_yaml(optimizer.to_yaml()) == optimizer, "it round-trips through YAML")
    full = optimizer.to_dict(full=True)
    promise(Optimizer.from_dict(full).to_dict(full=True) == full, "it round-trips in full")


def check_descends(optimizer: Optimizer) -> None:
    """60 updates make a quadratic smaller, and a gradient of 0 makes no update."""
    net, run = _start(optimizer.replace(weight_decay=0.0))
    before = _train(net, run, 0 if run.searches else 1)
    after = _train(net, run, 60)
    promise(after < before, f"it makes a quadratic smaller: {before} became {after}")
    promise(run.updates == (60 if run.searches else 61), "it counts its updates")
    net, run = _start(optimizer.replace(weight_decay=0.0))
    still = run.flat.vector.clone()
    _update(net, run, 0, factor=0.0)
    promise(torch.equal(run.flat.vector, still), "a first gradient of 0 leaves everything in place")


def check_flatness(optimizer: Optimizer) -> None:
    """Parameters in one vector move as each would alone."""
    together, run = _start(optimizer, torch.float64)
    _train(together, run, 5)
    for index in range(len(together.parts)):
        alone, single = _start(optimizer, torch.float64, only=index)
        _train(alone, single, 5)
        close = torch.allclose(alone.parts[0], together.parts[index], rtol=1e-12, atol=1e-14)
        promise(close, "parameters in one vector move as each would alone")


def check_resume(optimizer: Optimizer) -> None:
    """State saved in the middle of a run, and loaded into a new optimiser, goes on to the same bits."""
    net, run = _start(optimizer)
    _train(net, run, 5)
    values = run.flat.vector.clone()
    state = {name: tensor.clone() for name, tensor in run.state_dict().items()}
    _train(net, run, 5, start=5)
    other, second = _start(optimizer)
    second.flat.vector.copy_(values)
    second.load_state_dict(state)
    _train(other, second, 5, start=5)
    promise(torch.equal(second.flat.vector, run.flat.vector), "a loaded state goes on to the same bits")
    same = all(torch.equal(tensor, run.state_dict()[name]) for name, tensor in second.state_dict().items())
    promise(same, "and so does the state itself")


def check_determinism(optimizer: Optimizer) -> None:
    """Twice the same run gives the same bits."""
    vectors = []
    for _ in range(2):
        net, run = _start(optimizer)
        _train(net, run, 5)
        vectors.append(run.flat.vector)
    promise(torch.equal(*vectors), "twice the same run gives the same bits")


def check_decay(optimizer: Optimizer) -> None:
    """Decoupled decay takes ``rate * decay`` of the values before the update, on top of the update without it."""
    moved = []
    for decay in (0.0, 0.1):
        net, run = _start(optimizer.replace(weight_decay=decay), torch.float64)
        first = run.flat.vector.clone()
        _train(net, run, 1)
        moved.append(run.flat.vector - first)
        expected = moved[0] - run.learning_rate * decay * first
    promise(torch.allclose(moved[1], expected, rtol=1e-9, atol=1e-15), "weight decay is decoupled: p -= rate * decay * p")


def check_schedule(optimizer: Optimizer) -> None:
    """A rate given as a schedule moves parameters as the number does, and a rate of 0 doesn't move them."""
    rate = optimizer.learning_rate
    number = rate.value(0, 0.0) if isinstance(rate, Schedule) else rate
    vectors = []
    for given in (number, Fixed(number)):
        net, run = _start(optimizer.replace(learning_rate=given))
        _train(net, run, 3)
        vectors.append(run.flat.vector)
    promise(torch.equal(*vectors), "a fixed schedule is the same as a number")
    net, run = _start(optimizer.replace(learning_rate=0.0))
    first = run.flat.vector.clone()
    _train(net, run, 1)
    promise(torch.equal(run.flat.vector, first), "a rate of 0 moves nothing")


def check_dtypes(optimizer: Optimizer) -> None:
    """float32 is float64 but for rounding; bfloat16 stays finite."""
    vectors = []
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        net, run = _start(optimizer, dtype)
        _train(net, run, 5)
        promise(run.flat.vector.dtype == dtype, "it keeps the dtype")
        promise(bool(torch.isfinite(run.flat.vector).all()), f"{dtype} stays finite")
        vectors.append(run.flat.vector.double())
    promise(torch.allclose(vectors[0], vectors[1], rtol=1e-4, atol=1e-5), "float32 is float64 but for rounding")


class Quadratic(nn.Module):
    """``sum (p - t)^2 / 2`` in several parameters, whose gradients don't touch each other."""

    def __init__(self, dtype: torch.dtype, only: int | None = None) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        sizes = [(SIZE,), (3, 5), (1,), (2, 2, 7)]
        values = [torch.randn(size, generator=generator, dtype=torch.float64) for size in sizes]
        targets = [torch.randn(size, generator=generator, dtype=torch.float64) for size in sizes]
        chosen = range(len(sizes)) if only is None else [only]
        self.parts = nn.ParameterList([nn.Parameter(values[i].to(dtype)) for i in chosen])
        self.targets = [targets[i].to(dtype) for i in chosen]

    def loss(self) -> Tensor:
        """The value."""
        return torch.stack([(p - t).square().sum() / 2 for p, t in zip(self.parts, self.targets, strict=True)]).sum()


def _start(optimizer: Optimizer, dtype: torch.dtype = torch.float32, only: int | None = None) -> tuple[Quadratic, OptimizerRun[Optimizer]]:
    net = Quadratic(dtype, only)
    return net, optimizer_for(optimizer, FlatParameters(net))


def _train(net: Quadratic, run: OptimizerRun[Optimizer], steps: int, start: int = 0) -> float:
    for step in range(start, start + steps):
        _update(net, run, step)
    with torch.no_grad():
        return float(net.loss())


def _update(net: Quadratic, run: OptimizerRun[Optimizer], step: int, factor: float = 1.0) -> None:
    def evaluate() -> Tensor:
        run.flat.zero_grad()
        loss = factor * net.loss()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    if isinstance(run, SearchRun):
        run.search(evaluate, step, step / 10)
    else:
        evaluate()
        run.step(step, step / 10)


def runs_of(optimizer: Optimizer) -> OptimizerRun[Optimizer]:
    """The optimiser at work on a quadratic."""
    return _start(optimizer)[1]

"""Optimisers against torch.optim, NumPy written from the papers, and Deeplearning4j's formulas; clipping; penalties; state."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lamina.engine.optimizers import optimizer_for
from lamina.engine.parameters import FlatParameters
from lamina.errors import LaminaError
from lamina.learning import (
    AdaBelief,
    AdaDelta,
    Adafactor,
    AdaGrad,
    Adam,
    AdaMax,
    AdamW,
    AmsGrad,
    ClipNorm,
    ClipValue,
    Cosine,
    Lamb,
    Lion,
    MapSchedule,
    Muon,
    Nadam,
    Nesterov,
    Optimizer,
    RAdam,
    Renormalize,
    RmsProp,
    Rprop,
    Sgd,
)

STEPS = 100


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def net(dtype: torch.dtype = torch.float64) -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 5)).to(dtype)


def batch(step: int, dtype: torch.dtype) -> torch.Tensor:
    return torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(step), dtype=torch.float64).to(dtype)


def backward(module: nn.Module, step: int) -> None:
    dtype = next(module.parameters()).dtype
    (module(batch(step, dtype)) - 0.3).square().sum(1).mean().backward()


def flat_of(module: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().reshape(-1) for p in module.parameters()])


TORCH: list[Any] = [
    pytest.param(Sgd(0.05), lambda p: torch.optim.SGD(p, 0.05), id="sgd"),
    pytest.param(Sgd(0.05, momentum=0.9, dampening=0.3), lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, dampening=0.3), id="momentum"),
    pytest.param(Nesterov(0.05), lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True), id="nesterov"),
    pytest.param(Nesterov(0.05, form="dl4j"), lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True), id="nesterov-dl4j"),
    pytest.param(Adam(), lambda p: torch.optim.Adam(p), id="adam"),
    pytest.param(AdamW(weight_decay=0.1), lambda p: torch.optim.AdamW(p, weight_decay=0.1), id="adamw"),
    pytest.param(AmsGrad(), lambda p: torch.optim.Adam(p, amsgrad=True), id="amsgrad"),
    pytest.param(AdaMax(), lambda p: torch.optim.Adamax(p), id="adamax"),
    pytest.param(Nadam(), lambda p: torch.optim.NAdam(p), id="nadam"),
    pytest.param(Nadam(weight_decay=0.1), lambda p: torch.optim.NAdam(p, weight_decay=0.1, decoupled_weight_decay=True), id="nadam-decay"),
    pytest.param(RAdam(), lambda p: torch.optim.RAdam(p), id="radam"),
    pytest.param(RAdam(0.002, beta2=0.9), lambda p: torch.optim.RAdam(p, 0.002, betas=(0.9, 0.9)), id="radam-0.9"),
    pytest.param(Rprop(0.001, longest=50.0), lambda p: torch.optim.Rprop(p, 0.001, step_sizes=(1e-7, 0.05)), id="rprop"),
    pytest.param(Adafactor(), lambda p: torch.optim.Adafactor(p), id="adafactor"),
    pytest.param(
        Adafactor(0.1, weight_decay=0.1, clip=2.0, decayed="all"),
        lambda p: torch.optim.Adafactor(p, 0.1, weight_decay=0.1, d=2.0),
        id="adafactor-decay",
    ),
    pytest.param(AdaGrad(initial=0.01), lambda p: torch.optim.Adagrad(p, initial_accumulator_value=0.01), id="adagrad"),
    pytest.param(AdaDelta(), lambda p: torch.optim.Adadelta(p), id="adadelta"),
    pytest.param(RmsProp(0.01), lambda p: torch.optim.RMSprop(p), id="rmsprop"),
    pytest.param(
        RmsProp(0.01, momentum=0.5, centered=True), lambda p: torch.optim.RMSprop(p, momentum=0.5, centered=True), id="rmsprop-centered"
    ),
]


@pytest.mark.parametrize(("optimizer", "oracle"), TORCH)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_is_torchs(optimizer: Optimizer, oracle: Callable[[Any], torch.optim.Optimizer], dtype: torch.dtype, tolerance: float) -> None:
    # NAdam keeps its product of momenta in the default dtype.
    torch.set_default_dtype(torch.float64)
    own, other = net(dtype), net(dtype)
    run = optimizer_for(optimizer, FlatParameters(own))
    reference = oracle(other.parameters())
    started = flat_of(own)
    # Rounding grows in chaotic training: float32 is compared over fewer steps.
    for step in range(STEPS if dtype == torch.float64 else 20):
        run.flat.zero_grad()
        backward(own, step)
        run.step(step, 0.0)
        reference.zero_grad()
        backward(other, step)
        reference.step()
    assert (flat_of(own) - started).abs().max() > 1e-3
    assert (flat_of(own) - flat_of(other)).abs().max() <= tolerance


def numpy_rule(rule: Callable[..., Any], optimizer: Optimizer, *slots: float, steps: int = STEPS) -> None:
    """Compare with ``rule(p, g, t, *state) -> p, *state`` on the same gradients."""
    own = nn.Linear(7, 3).double()
    flat = FlatParameters(own)
    run = optimizer_for(optimizer, flat)
    p, state = flat.vector.numpy().copy(), [np.full(flat.size, start) for start in slots]
    for step in range(steps):
        g = np.random.default_rng(step).normal(size=flat.size) * 10.0 ** (step % 3 - 2)
        flat.gradient.copy_(torch.from_numpy(g))
        run.step(step, 0.0)
        p, *state = rule(p, g, step + 1, *state)
    np.testing.assert_allclose(flat.vector.numpy(), p, rtol=0, atol=1e-12)


def test_adabelief_is_the_papers() -> None:
    def rule(p: Any, g: Any, t: int, m: Any, s: Any, e: float = 1e-16) -> Any:
        m = 0.9 * m + 0.1 * g
        s = 0.999 * s + 0.001 * (g - m) ** 2 + e
        return p - 0.001 * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + e), m, s

    numpy_rule(rule, AdaBelief(), 0.0, 0.0)


def test_lion_is_the_papers() -> None:
    def rule(p: Any, g: Any, t: int, m: Any) -> Any:
        c = 0.9 * m + 0.1 * g
        return p - 3e-4 * (np.sign(c) + 0.1 * p), 0.99 * m + 0.01 * g

    numpy_rule(rule, Lion(3e-4, weight_decay=0.1), 0.0)


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize(("scale", "theirs"), [("adam", "match_rms_adamw"), ("original", "original")])
def test_muon_is_torchs_on_matrices_and_adam_on_vectors(nesterov, scale, theirs) -> None:
    torch.manual_seed(0)
    own, other = (nn.Sequential(nn.Linear(6, 9), nn.Tanh(), nn.Linear(9, 4)).double() for _ in range(2))
    other.load_state_dict(own.state_dict())
    settings = {"momentum": 0.9, "nesterov": nesterov, "weight_decay": 0.1}
    run = optimizer_for(Muon(0.01, scale=scale, precision="bfloat16", **settings), FlatParameters(own))
    matrices, vectors = ([p for p in other.parameters() if p.dim() == d] for d in (2, 1))
    references = [
        torch.optim.Muon(matrices, 0.01, adjust_lr_fn=theirs, **settings),
        torch.optim.AdamW(vectors, 0.01, eps=1e-7, weight_decay=0.1),
    ]
    for step in range(30):
        x = torch.randn(8, 6, generator=torch.Generator().manual_seed(step), dtype=torch.float64)
        for module in (own, other):
            module.zero_grad(set_to_none=False)
            (module(x) - 0.3).square().sum().backward()
        run.step(step, 0.0)
        for reference in references:
            reference.step()
    torch.testing.assert_close(flat_of(own), flat_of(other), rtol=0, atol=1e-6)


def test_muons_directions_are_orthogonal_and_lengths_do_not_count() -> None:
    from lamina.engine.optimizers.matrices import orthogonal

    matrix = torch.randn(5, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for given in (matrix, matrix.T, matrix * 1e-3):
        values = torch.linalg.svdvals(orthogonal(given, 5, 1e-7))
        assert values.min() > 0.6
        assert values.max() < 1.3
    torch.testing.assert_close(orthogonal(matrix * 100, 5, 1e-7), orthogonal(matrix, 5, 1e-7))


def test_lamb_is_the_papers_with_decay_outside() -> None:
    own = net()
    parts = [p.detach().numpy().copy() for p in own.parameters()]
    run = optimizer_for(Lamb(0.01, weight_decay=0.1, decayed="all"), FlatParameters(own))
    m, v = ([np.zeros_like(p) for p in parts] for _ in range(2))
    for step in range(20):
        run.flat.zero_grad()
        backward(own, step)
        for i, parameter in enumerate(own.parameters()):
            g, t = parameter.grad.numpy().copy(), step + 1
            m[i], v[i] = 0.9 * m[i] + 0.1 * g, 0.999 * v[i] + 0.001 * g * g
            r = m[i] / (1 - 0.9**t) / (np.sqrt(v[i] / (1 - 0.999**t)) + 1e-6)
            size, length = np.linalg.norm(parts[i]), np.linalg.norm(r)
            ratio = size / length if size > 0 and length > 0 else 1.0
            parts[i] = parts[i] * (1 - 0.01 * 0.1) - 0.01 * ratio * r
        run.step(step, 0.0)
        for parameter, expected in zip(own.parameters(), parts, strict=True):
            np.testing.assert_allclose(parameter.detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("optimizer", [Lamb(0.01), Adafactor(0.05), Muon(0.01, precision="own")], ids=lambda o: o.type_name)
def test_rules_of_matrices_do_not_see_how_they_lie_in_memory(optimizer) -> None:
    plain, last = net(), net().to(memory_format=torch.channels_last)
    runs = [optimizer_for(optimizer, FlatParameters(module)) for module in (plain, last)]
    for step in range(5):
        for module, run in zip((plain, last), runs, strict=True):
            run.flat.zero_grad()
            backward(module, step)
            run.step(step, 0.0)
    torch.testing.assert_close(flat_of(plain), flat_of(last), rtol=0, atol=1e-12)


def test_adafactor_keeps_rows_and_columns_alone() -> None:
    module = nn.Linear(300, 200)
    state = optimizer_for(Adafactor(), FlatParameters(module)).state_dict()
    assert sum(tensor.numel() for name, tensor in state.items() if name != "updates") == 300 + 200 + 200


def test_deeplearning4js_forms() -> None:
    """libnd4j, helpers/cpu/updater*.cpp."""

    def adam(p: Any, g: Any, t: int, m: Any, v: Any) -> Any:
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        return p - 0.01 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-3), m, v

    def amsgrad(p: Any, g: Any, t: int, m: Any, v: Any, h: Any) -> Any:
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        h = np.maximum(h, v)
        return p - 0.01 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(h) + 1e-3), m, v, h

    def adamax(p: Any, g: Any, t: int, m: Any, u: Any) -> Any:
        m, u = 0.9 * m + 0.1 * g, np.maximum(0.999 * u, np.abs(g)) + 1e-32
        return p - 0.01 / (1 - 0.9**t) * m / u, m, u

    def nadam(p: Any, g: Any, t: int, m: Any, v: Any) -> Any:
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        return p - 0.01 * (m * 0.9 + 0.1 * g) / (1 - 0.9**t) / (np.sqrt(v) + 1e-3), m, v

    def adabelief(p: Any, g: Any, t: int, m: Any, s: Any) -> Any:
        m = 0.9 * m + 0.1 * g
        s = 0.999 * s + 0.001 * (g - m) ** 2 + 1e-3
        return p - 0.01 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(s) + 1e-3), m, s

    def adagrad(p: Any, g: Any, t: int, s: Any) -> Any:
        s = s + g * g
        return p - 0.1 * g / (np.sqrt(s) + 1e-6), s

    def rmsprop(p: Any, g: Any, t: int, s: Any) -> Any:
        s = 0.95 * s + 0.05 * g * g
        return p - 0.1 * g / (np.sqrt(s) + 1e-8), s

    def adadelta(p: Any, g: Any, t: int, s: Any, x: Any) -> Any:
        s = 0.95 * s + 0.05 * g * g
        d = g * np.sqrt(x + 1e-6) / np.sqrt(s + 1e-6)
        return p - d, s, 0.95 * x + 0.05 * d * d

    for kind, rule, slots in ((Adam, adam, 2), (AmsGrad, amsgrad, 3), (Nadam, nadam, 2), (AdaBelief, adabelief, 2)):
        numpy_rule(rule, kind(0.01, epsilon=1e-3, epsilon_placement="dl4j"), *[0.0] * slots)
    numpy_rule(adamax, AdaMax(0.01, epsilon=1e-32, epsilon_placement="dl4j"), 0.0, 0.0)
    numpy_rule(adagrad, AdaGrad(0.1, epsilon=1e-6, initial=1e-6), 1e-6)
    numpy_rule(rmsprop, RmsProp(0.1, decay=0.95, epsilon=1e-8, initial=1e-8), 1e-8)
    numpy_rule(adadelta, AdaDelta(decay=0.95), 0.0, 0.0)


def test_nesterov_of_deeplearning4j_with_schedules() -> None:
    """The form differs from torch's once rate and momentum change."""
    rates, momenta = MapSchedule({0: 0.1, 3: 0.01}), MapSchedule({0: 0.5, 5: 0.9})

    def rule(p: Any, g: Any, t: int, v: Any) -> Any:
        lr, mu = rates.value(t - 1, 0.0), momenta.value(t - 1, 0.0)
        new = mu * v - lr * g
        return p - mu * v + (1 + mu) * new, new

    numpy_rule(rule, Nesterov(rates, momenta, form="dl4j"), 0.0, steps=20)
    with pytest.raises(AssertionError):
        numpy_rule(rule, Nesterov(rates, momenta), 0.0, steps=20)


def test_scheduled_momentum_of_sgd() -> None:
    momenta = MapSchedule({0: 0.0, 2: 0.5})

    def rule(p: Any, g: Any, t: int, b: Any) -> Any:
        b = momenta.value(t - 1, 0.0) * b + g
        return p - 0.1 * b, b

    numpy_rule(rule, Sgd(0.1, momentum=momenta), 0.0, steps=6)


@pytest.mark.parametrize("limit", [0.1, 100.0])
def test_clip_norm_is_torchs(limit: float) -> None:
    own, other = net(), net()
    run = optimizer_for(Sgd(0.1), FlatParameters(own), clip=ClipNorm(limit))
    backward(own, 0)
    backward(other, 0)
    run.step(0, 0.0)
    nn.utils.clip_grad_norm_(other.parameters(), limit)
    for p, q in zip(own.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-13, atol=0)


def test_clip_value_is_torchs() -> None:
    own, other = net(), net()
    run = optimizer_for(Sgd(0.1), FlatParameters(own), clip=ClipValue(0.01))
    backward(own, 0)
    backward(other, 0)
    run.step(0, 0.0)
    nn.utils.clip_grad_value_(other.parameters(), 0.01)
    for p, q in zip(own.parameters(), other.parameters(), strict=True):
        assert torch.equal(p.grad, q.grad)


@pytest.mark.parametrize("scope", ["layer", "parameter"])
@pytest.mark.parametrize("kind", ["clip", "renormalize"])
def test_scopes(scope: str, kind: str) -> None:
    own, other = net(), net()
    clip = ClipNorm(0.05, scope) if kind == "clip" else Renormalize(scope, 0.05)
    run = optimizer_for(Sgd(0.1), FlatParameters(own), clip=clip)
    backward(own, 0)
    backward(other, 0)
    run.step(0, 0.0)
    scopes = [list(other[0].parameters()), list(other[3].parameters())]
    if scope == "parameter":
        scopes = [[p] for p in other.parameters()]
    for parameters in scopes:
        norm = math.sqrt(sum(float(p.grad.square().sum()) for p in parameters))
        factor = min(1.0, 0.05 / (norm + 1e-6)) if kind == "clip" else 0.05 / norm
        for p in parameters:
            p.grad.mul_(factor)
    for p, q in zip(own.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-12, atol=0)


def test_the_learning_rate_follows_its_schedule() -> None:
    flat = FlatParameters(nn.Linear(2, 1))
    schedule = Cosine(0.1, total=10)
    run = optimizer_for(Sgd(schedule), flat)
    assert run.learning_rate == 0.1
    for step in range(10):
        run.step(step, 0.0)
        assert run.learning_rate == schedule.value(step, 0.0)


def test_an_unbound_schedule_is_refused_at_once() -> None:
    with pytest.raises(LaminaError) as caught:
        optimizer_for(Adam(Cosine(0.1)), FlatParameters(nn.Linear(2, 1)))
    assert caught.value.code == "EN020"
    assert "bind" in caught.value.problems[0].fix


def test_an_unused_parameter_goes_on_moving() -> None:
    """Its gradient is 0, not None: Adam's mean still moves it; plain gradient descent doesn't."""
    for optimizer, moves in ((Adam(0.1), True), (Sgd(0.1), False)):
        module = nn.ParameterList([nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))])
        run = optimizer_for(optimizer, FlatParameters(module))
        (module[0].sum() + module[1].sum()).backward()
        run.step(0, 0.0)
        before = module[1].detach().clone()
        run.flat.zero_grad()
        module[0].sum().backward()
        run.step(1, 0.0)
        assert torch.equal(before, module[1]) is not moves


def test_state_of_another_optimizer_is_refused_and_changes_nothing() -> None:
    run = optimizer_for(Adam(), FlatParameters(nn.Linear(2, 1)))
    for state, got in (
        (optimizer_for(Sgd(momentum=0.9), FlatParameters(nn.Linear(2, 1))).state_dict(), "momentum, updates"),
        (optimizer_for(Adam(), FlatParameters(nn.Linear(3, 1))).state_dict(), "[4]"),
    ):
        with pytest.raises(LaminaError) as caught:
            run.load_state_dict(state)
        assert caught.value.code == "EN022"
        assert caught.value.problems[0].got == got
        assert caught.value.problems[0].fix.startswith("use the ")
    assert run.updates == 0


def test_an_optimizer_that_nothing_runs() -> None:
    class Mine(Optimizer):
        pass

    with pytest.raises(LaminaError) as caught:
        optimizer_for(Mine(), FlatParameters(nn.Linear(2, 1)))
    assert caught.value.code == "EN025"
    assert "@updates(Mine)" in caught.value.problems[0].fix


def test_several_dtypes() -> None:
    """Each dtype has a vector of its own; a norm over all is taken over both."""
    module = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2).double())
    flat = FlatParameters(module)
    run = optimizer_for(Adam(), flat, clip=ClipNorm(1.0))
    for buffer in flat.buffers:
        buffer.gradient.fill_(10.0)
    run.step(0, 0.0)
    norm = math.sqrt(sum(float(buffer.gradient.double().square().sum()) for buffer in flat.buffers))
    assert norm == pytest.approx(1.0, rel=1e-5)
    assert set(run.state_dict()) == {"updates", "mean/float32", "square/float32", "mean/float64", "square/float64"}
    with pytest.raises(LaminaError) as caught:
        _ = flat.vector
    assert caught.value.code == "EN024"

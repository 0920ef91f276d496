from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lamina.engine.build import build
from lamina.engine.foreign import ForeignNetwork
from lamina.engine.network import Network, NetworkModule
from lamina.engine.optimizers import optimizer_for
from lamina.engine.parameters import FlatParameters
from lamina.engine.precision import Precision
from lamina.engine.step import StepRunner
from lamina.errors import LaminaError
from lamina.learning.optimizers import Adam, Sgd
from lamina.network.layers import BatchNorm, Conv2d, Dense, Dropout, MaxPool2d, Output
from lamina.network.sequential import Sequential
from lamina.shapes import Features, Image

CPU = torch.device("cpu")
LENET = [
    Conv2d(4, kernel=5, activation="relu"),
    MaxPool2d(2),
    Conv2d(6, kernel=3, activation="relu"),
    MaxPool2d(2),
    Dense(20, activation="relu"),
    Output(5),
]


def runner_for(network: Network, *, optimizer: Any = None, precision: str = "float32", seed: int = 5) -> tuple[StepRunner, FlatParameters]:
    network.train()
    flat = FlatParameters(network)
    run = optimizer_for(optimizer or Adam(1e-2), flat)
    return StepRunner(network, flat, run, Precision(precision, CPU), seed=seed), flat  # type: ignore[arg-type]


def batch(number: int, shape: tuple[int, ...], classes: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(number)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype), torch.randint(classes, shape[:1], generator=generator)


def hand_mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))


def hand_lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(6 * 5 * 5, 20), nn.ReLU(), nn.Linear(20, 5),
    )  # fmt: skip


@pytest.mark.parametrize(("dtype", "steps", "tolerance"), [(torch.float32, 50, 1e-6), (torch.float64, 200, 1e-12)])
@pytest.mark.parametrize("case", ["mlp", "lenet"])
def test_weights_equal_those_of_a_loop_written_by_hand(case: str, dtype: torch.dtype, steps: int, tolerance: float) -> None:
    mlp = case == "mlp"
    make: Callable[[], nn.Module] = hand_mlp if mlp else hand_lenet
    layers = [Dense(64, activation="relu"), Dense(64, activation="relu"), Output(3)] if mlp else LENET
    shape, classes = ((32, 20), 3) if mlp else ((8, 1, 28, 28), 5)
    network = build(Sequential(Features(20) if mlp else Image(1, 28, 28), layers).resolve(), 1, dtype=dtype)
    hand = make().to(dtype)
    with torch.no_grad():
        for own, theirs in zip(network.parameters(), hand.parameters(), strict=True):
            theirs.copy_(own)
    by_hand = torch.optim.Adam(hand.parameters(), 1e-3, fused=True)
    runner, flat = runner_for(network, optimizer=Adam(1e-3))
    for step in range(steps):
        x, y = batch(step, shape, classes, dtype)
        by_hand.zero_grad()
        expected = F.cross_entropy(hand(x), y)
        expected.backward()  # type: ignore[no-untyped-call]
        by_hand.step()
        loss = runner.train({"input": x}, {"output": y}, None, step, step / 100)
        assert abs(float(loss) - float(expected.detach())) < tolerance * 100
    assert not loss.requires_grad
    for own, theirs in zip(network.parameters(), hand.parameters(), strict=True):
        assert float((own - theirs).detach().abs().max()) <= tolerance
    flat.check()


def noisy() -> NetworkModule:
    layers = [Dense(16, activation="relu", weight_noise=0.2), BatchNorm(), Dropout(0.5), Dense(8, dropout=0.1), Output(3)]
    return build(Sequential(Features(6), layers).resolve(), 2)


def run(network: NetworkModule, steps: range, *, seed: int = 5, disturb: bool = False, state: Any = None) -> tuple[dict[str, Any], Any]:
    runner, _ = runner_for(network, seed=seed)
    if state is not None:
        runner.optimizer.load_state_dict(state)  # type: ignore[attr-defined]
    for step in steps:
        x, y = batch(step, (16, 6), 3)
        if disturb:
            torch.rand(step + 1)
        runner.train({"input": x}, {"output": y}, None, step, step / 10)
    return network.named_arrays(), {k: v.clone() for k, v in runner.optimizer.state_dict().items()}  # type: ignore[attr-defined]


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return all((a[name] == b[name]).all() for name in a)


def test_noise_is_a_function_of_seed_and_step() -> None:
    whole, _ = run(noisy(), range(12))
    again, _ = run(noisy(), range(12), disturb=True)
    other, _ = run(noisy(), range(12), seed=6)
    assert same(whole, again)
    assert not same(whole, other)


def test_stopped_and_resumed_is_never_stopped() -> None:
    whole, _ = run(noisy(), range(12))
    half, state = run(noisy(), range(7))
    resumed = noisy()
    resumed.load_arrays(half)
    torch.manual_seed(99)
    rest, _ = run(resumed, range(7, 12), state=state)
    assert same(whole, rest)


def test_a_network_that_draws_nothing_leaves_the_generator_alone() -> None:
    runner, _ = runner_for(build(Sequential(Features(6), [Dense(4), Output(3)]).resolve(), 0))
    x, y = batch(0, (4, 6), 3)
    before = torch.get_rng_state()
    runner.train({"input": x}, {"output": y}, None, 0, 0.0)
    assert torch.equal(before, torch.get_rng_state())


def test_weights_of_samples_count() -> None:
    x, y = batch(0, (4, 6), 3)
    found = []
    for rows, weight in [(slice(None), torch.tensor([1.0, 1.0, 0.0, 0.0])), (slice(0, 2), None)]:
        network = build(Sequential(Features(6), [Dense(4), Output(3)]).resolve(), 0, dtype=torch.float64)
        runner, _ = runner_for(network, optimizer=Sgd(0.1))
        runner.train({"input": x[rows].double()}, {"output": y[rows]}, weight, 0, 0.0)
        found.append(network.named_arrays())
    assert all(abs(found[0][name] - found[1][name]).max() < 1e-12 for name in found[0])


def test_bfloat16_keeps_float32_weights_and_learns() -> None:
    network = build(Sequential(Features(6), [Dense(32, activation="relu"), Output(3)]).resolve(), 0)
    runner, flat = runner_for(network, precision="bfloat16")
    x, y = batch(0, (32, 6), 3)
    losses = [float(runner.train({"input": x}, {"output": y}, None, step, 0.0)) for step in range(60)]
    assert flat.vector.dtype == torch.float32
    assert losses[-1] < losses[0] / 2


def test_a_step_with_gradients_that_are_not_finite_is_left_out_in_float16() -> None:
    network = build(Sequential(Features(6), [Dense(4), Output(3)]).resolve(), 0)
    runner, flat = runner_for(network)
    precision = Precision("float16", torch.device("cuda"))
    precision.half = None  # scaling alone, which a CPU can do
    runner.precision = precision
    before = flat.vector.clone()
    x, y = batch(0, (4, 6), 3)
    runner.train({"input": x * float("inf")}, {"output": y}, None, 0, 0.0)
    assert torch.equal(before, flat.vector)
    assert precision.skipped == 1
    runner.train({"input": x}, {"output": y}, None, 1, 0.0)
    assert not torch.equal(before, flat.vector)
    plain, plain_flat = runner_for(build(Sequential(Features(6), [Dense(4), Output(3)]).resolve(), 0))
    plain.train({"input": x}, {"output": y}, None, 0, 0.0)
    assert torch.allclose(plain_flat.vector, flat.vector, atol=1e-6)


# -- networks written by hand ------------------------------------------------------------------------------------------


def test_an_own_network_trains_like_a_described_one() -> None:
    described = build(Sequential(Features(6), [Dense(4, activation="tanh"), Output(3)]).resolve(), 0)
    module = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3))
    with torch.no_grad():
        for own, theirs in zip(described.parameters(), module.parameters(), strict=True):
            theirs.copy_(own)
    foreign = ForeignNetwork(module, loss="cross_entropy", inputs={"input": Features(6)})
    assert foreign.plan is None
    runners = [runner_for(network)[0] for network in (described, foreign)]
    for step in range(5):
        x, y = batch(step, (8, 6), 3)
        losses = [float(runner.train({"input": x}, {"output": y}, None, step, 0.0)) for runner in runners]
        assert losses[0] == losses[1]
    assert set(foreign.named_arrays()) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert (foreign.named_arrays()["2.weight"] == described.named_arrays()["output_1/weight"]).all()
    twin = ForeignNetwork(copy.deepcopy(module).apply(lambda m: m), loss="cross_entropy")
    twin.load_arrays(foreign.named_arrays())
    x, _ = batch(9, (8, 6), 3)
    assert torch.equal(twin.predict(x)["output"], foreign.predict({"input": x})["output"])
    with pytest.raises(LaminaError) as caught:
        foreign(torch.zeros(2, 5))
    assert caught.value.code == "EN003"


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(6, 3), nn.Linear(6, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"kind": self.a(x), "size": self.b(x)}


def test_an_own_network_may_have_several_losses() -> None:
    module = TwoHeads()
    network = ForeignNetwork(module, loss={"kind": "cross_entropy", "size": "mse"})
    x, y = batch(0, (8, 6), 3)
    target = torch.randn(8, 1)
    found = module(x)
    expected = F.cross_entropy(found["kind"], y) + F.mse_loss(found["size"], target)
    assert torch.allclose(network.loss(x, {"kind": y, "size": target}), expected)
    assert torch.allclose(network.predict(x)["kind"], found["kind"].softmax(1))


def test_what_an_own_network_gives_must_be_what_its_losses_say() -> None:
    with pytest.raises(LaminaError) as caught:
        ForeignNetwork(TwoHeads(), loss="mse")(torch.zeros(2, 6))
    assert caught.value.code == "EN007"
    with pytest.raises(LaminaError) as caught:
        ForeignNetwork(nn.Linear(6, 1), loss={"a": "mse", "b": "mse"})(torch.zeros(2, 6))
    assert (caught.value.code, caught.value.problems[0].got) == ("EN007", "Tensor")
    with pytest.raises(LaminaError) as caught:
        ForeignNetwork("resnet", loss="mse")  # type: ignore[arg-type]
    assert caught.value.code == "EN007"
    with pytest.raises(LaminaError) as caught:
        ForeignNetwork(nn.Linear(6, 1), loss="mee")
    assert caught.value.code == "SP003"

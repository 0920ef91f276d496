"""Training by Lamina is the hand-written torch loop: the same weights after the same batches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

import lamina as lm
from lamina.data.dataset import Dataset
from lamina.data.loader import Loader

SEED = 11
BATCH = 16
SAMPLES = 120
"""Not a multiple of the batch size, so that the last batch of every epoch is a smaller one."""


def mlp() -> tuple[lm.Sequential, nn.Sequential]:
    described = lm.Sequential(
        lm.features(784), [lm.Dense(64, activation="relu"), lm.Dense(32, activation="tanh"), lm.Output(10, loss="cross_entropy")]
    )
    by_hand = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
    return described, by_hand


def lenet() -> tuple[lm.Sequential, nn.Sequential]:
    described = lm.Sequential(
        lm.image(1, 28, 28),
        [
            lm.Conv2d(20, kernel=5, activation="relu"),
            lm.MaxPool2d(2),
            lm.Conv2d(50, kernel=5, activation="relu"),
            lm.MaxPool2d(2),
            lm.Dense(500, activation="relu"),
            lm.Output(10, loss="cross_entropy"),
        ],
    )
    by_hand = nn.Sequential(
        nn.Conv2d(1, 20, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(800, 500),
        nn.ReLU(),
        nn.Linear(500, 10),
    )
    return described, by_hand


NETWORKS: dict[str, Callable[[], tuple[lm.Sequential, nn.Sequential]]] = {"mlp": mlp, "lenet": lenet}


def data(shape: tuple[int, ...], dtype: str) -> Dataset:
    """Ten noisy patterns: something that can be learned, so that gradients stay of a sane size."""
    rng = np.random.default_rng(3)
    y = rng.integers(0, 10, SAMPLES)
    x = rng.normal(size=(10, *shape))[y] + 0.5 * rng.normal(size=(SAMPLES, *shape))
    return Dataset.from_arrays(x, y, dtype=dtype)


def train_by_hand(network: nn.Sequential, optimizer: torch.optim.Optimizer, dataset: Dataset, steps: int) -> list[np.ndarray]:
    """What a careful user writes without Lamina."""
    criterion = nn.CrossEntropyLoss()
    loader = Loader(dataset, BATCH, seed=SEED)
    step = epoch = 0
    while step < steps:
        for batch in loader.epoch(epoch):
            optimizer.zero_grad()
            loss = criterion(network(batch.inputs["input"]), batch.targets["output"])
            loss.backward()
            optimizer.step()
            step += 1
            if step == steps:
                break
        epoch += 1
    return [parameter.detach().numpy() for parameter in network.parameters()]


def flattened(network: nn.Sequential) -> tuple[nn.Parameter, Callable[..., None]]:
    """All parameters as views of one vector, gradients likewise: the memory that Lamina's update runs over."""
    parameters = list(network.parameters())
    vector = nn.Parameter(nn.utils.parameters_to_vector(parameters).detach().clone())
    vector.grad = torch.zeros_like(vector)
    start = 0
    for parameter in parameters:
        stop = start + parameter.numel()
        parameter.data = vector.detach()[start:stop].view_as(parameter)
        parameter.grad = vector.grad[start:stop].view_as(parameter)
        start = stop
    return vector, lambda *_, **__: vector.grad.zero_()


def optimizers(name: str, network: nn.Sequential) -> tuple[lm.Adam | lm.Sgd, torch.optim.Optimizer]:
    """Ours and torch's.

    ``adam`` has a larger epsilon than usual. torch's fused kernels round the last few elements of a tensor otherwise than the
    others, and which ones are last differs between one vector and many tensors; with 1e-8, gradients that are nothing but
    rounding become whole steps, and 50 steps later two weights of 430,000 differ by 1.5e-6.
    """
    if name == "flat adam":
        vector, fill = flattened(network)
        optimizer = torch.optim.Adam([vector], lr=1e-3, fused=True)
        optimizer.zero_grad = fill  # type: ignore[method-assign]
        return lm.Adam(1e-3), optimizer
    if name == "adam":
        return lm.Adam(1e-3, epsilon=1e-5), torch.optim.Adam(network.parameters(), lr=1e-3, eps=1e-5, fused=True)
    return lm.Sgd(0.05), torch.optim.SGD(network.parameters(), lr=0.05)


# On the same flat memory nothing may differ, not even the last bit.
LIMITS = {("adam", "float32"): 1e-6, ("adam", "float64"): 1e-12, ("sgd", "float32"): 1e-6, ("sgd", "float64"): 1e-12}


CASES = [
    *[(network, "float32", 50, optimizer) for network in NETWORKS for optimizer in ("adam", "sgd", "flat adam")],
    *[("mlp", "float64", 200, optimizer) for optimizer in ("adam", "sgd", "flat adam")],
    *[("lenet", "float64", 200, optimizer) for optimizer in ("adam", "sgd", "flat adam")],
]


@pytest.mark.parametrize(("network", "dtype", "steps", "optimizer"), CASES)
def test_same_weights_as_by_hand(network: str, dtype: str, steps: int, optimizer: str) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        described, by_hand = NETWORKS[network]()
        dataset = data((784,) if network == "mlp" else (1, 28, 28), dtype)
        model = lm.Model(described, seed=SEED, dtype=dtype)
        before = list(model.parameters().values())
        by_hand.to(getattr(torch, dtype))
        with torch.no_grad():
            for parameter, array in zip(by_hand.parameters(), before, strict=True):
                parameter.copy_(torch.from_numpy(array))
        ours, theirs = optimizers(optimizer, by_hand)

        model.fit(dataset, epochs=steps, max_steps=steps, batch_size=BATCH, optimizer=ours, precision=dtype, progress=False)
        wanted = train_by_hand(by_hand, theirs, dataset, steps)
    finally:
        torch.set_num_threads(threads)

    found = list(model.parameters().values())
    assert max(float(np.abs(new - old).max()) for new, old in zip(found, before, strict=True)) > 1e-3
    worst = max(float(np.abs(a - b).max()) for a, b in zip(found, wanted, strict=True))
    assert worst <= LIMITS.get((optimizer, dtype), 0.0)

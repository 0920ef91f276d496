"""Running statistics of batch norm, estimated for the weights that a network has now."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from lamina.engine.precision import Precision
from lamina.engine.runnable import Network
from lamina.engine.samples import Samples
from lamina.engine.step import seed_generator


def has_statistics(network: nn.Module) -> bool:
    """Whether a layer keeps running statistics of its inputs."""
    return bool(_keepers(network))


def estimate_statistics(network: Network, batches: Iterable[Samples], precision: Precision, *, seed: int) -> None:
    """Set all running statistics to their means over batches, each weighted by its samples, with the weights as they are.

    The network runs as in training, dropout and noise included, but nothing else in it changes.

    Args:
        network: Whose.
        batches: Of the training data, on the network's device.
        precision: In which numbers.
        seed: Of what it draws.
    """
    keepers = _keepers(network)
    if not keepers:
        return
    own = [(module, name, getattr(module, name)) for module, name in keepers]
    statistics = {id(buffer) for module, _ in keepers for buffer in module.buffers(recurse=False)}
    others = [(buffer, buffer.clone()) for buffer in network.buffers() if id(buffer) not in statistics]
    training, total = network.training, 0.0
    seed_generator(next((p.device for p in network.parameters()), precision.device), seed)
    network.train()
    try:
        with torch.no_grad(), precision.autocast():
            for batch in batches:
                total += batch.size
                for module, name in keepers:
                    # A running mean with the momentum n_i / (n_1 + ... + n_i) is the mean weighted by n.
                    setattr(module, name, batch.size / total)
                network.run(batch.inputs, None if batch.masks is None else batch.masks.inputs)
    finally:
        for module, name, momentum in own:
            setattr(module, name, momentum)
        for buffer, kept in others:
            buffer.copy_(kept)
        network.train(training)


def _keepers(network: nn.Module) -> list[tuple[nn.Module, str]]:
    """The modules that keep running statistics, ours and torch's, each with the name of its momentum."""
    found = []
    for module in network.modules():
        name = next((name for name in ("_momentum", "momentum") if hasattr(module, name)), None)
        if name is not None and getattr(module, "running_mean", None) is not None:
            found.append((module, name))
    return found

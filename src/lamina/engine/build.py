"""From a plan to a network of tensors."""

from __future__ import annotations

import torch

from lamina.engine.network import NetworkModule
from lamina.network.plan import Plan


def build(
    plan: Plan,
    seed: int,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    channels_last: bool = False,
    first_values: bool = True,
) -> NetworkModule:
    """Make the network that a plan describes, with its first values.

    Values are a function of (seed, layer name, parameter name) alone: a layer that is added, or moved under its own name,
    leaves all others as they were. They are drawn in float64 and rounded, so every dtype and device starts the same.

    Args:
        plan: What to build.
        seed: Any whole number.
        dtype: Of parameters and buffers: ``torch.float32`` or ``torch.float64``.
        device: Where they live.
        channels_last: Lay images out with the channels last; see `NetworkModule.use_channels_last`.
        first_values: Whether parameters get first values; not where all of them are set right afterwards.
    """
    network = NetworkModule(plan)
    network.to(dtype)
    for module in network.modules_of_nodes if first_values else ():
        module.initialize(seed)
    network.to(device)
    return network.use_channels_last() if channels_last else network

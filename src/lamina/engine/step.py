"""One step of training: scores, loss, gradients, update."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor

from lamina.engine.masks import Masks
from lamina.engine.network import Network
from lamina.engine.precision import Precision
from lamina.engine.randomness import derive, mix


class Gradients(Protocol):
    """What a step needs of `lamina.engine.parameters.FlatParameters`."""

    @property
    def gradient(self) -> Tensor:
        """All gradients, one flat vector."""

    def zero_grad(self) -> None:
        """Fill the gradients with 0."""


class Updater(Protocol):
    """What a step needs of `lamina.engine.optimizers.OptimizerRun`."""

    def step(self, step: int, epoch: float) -> None:
        """Update the parameters from their gradients."""


class StepRunner:
    """Runs training steps; nothing in one waits for the device, but for float16's look at its gradients.

    A network that draws random numbers gets torch's global generators seeded before every step from (seed, step). So
    dropout is a function of these two: a resumed run needs no generator state, and nobody's draws in between matter.

    Args:
        network: What is trained.
        flat: Its parameters and gradients.
        optimizer: Updates them.
        precision: In which numbers.
        seed: The seed of the run.

    Attributes:
        guard: Called with the loss between gradients and update; what it raises leaves the parameters as they were.
    """

    guard: Callable[[Tensor], None] | None = None

    def __init__(self, network: Network, flat: Gradients, optimizer: Updater, precision: Precision, *, seed: int) -> None:
        self.network = network
        self.flat = flat
        self.optimizer = optimizer
        self.precision = precision
        self._stream = derive(seed, "step")
        self._random = network.random
        self._device = next((p.device for p in network.parameters()), precision.device)

    def train(
        self,
        inputs: Mapping[str, Tensor],
        targets: Mapping[str, Tensor],
        weight: Tensor | None,
        step: int,
        epoch: float,
        masks: Masks | None = None,
    ) -> Tensor:
        """Make one update.

        Args:
            inputs: Tensors by input name, on the network's device.
            targets: Tensors by output name.
            weight: Weight of each sample, or None.
            step: Steps made before this one.
            epoch: Epochs made before this step, with the fraction of the current one.
            masks: Which steps of inputs and targets are real.

        Returns:
            The loss before the update, detached, still on the device.
        """
        if self._random:
            seed_generator(self._device, mix(self._stream, step))
        precision = self.precision
        self.flat.zero_grad()
        if precision.half is None:
            loss = self.network.loss(inputs, targets, weight, masks)
        else:
            with precision.autocast():
                loss = self.network.loss(inputs, targets, weight, masks)
        self.learn(loss, step, epoch)
        return loss.detach()

    def learn(self, loss: Tensor, step: int, epoch: float) -> None:
        """Compute the gradients of a loss and update the parameters by them.

        Args:
            loss: A scalar that autograd can follow back.
            step: Steps made before this one.
            epoch: Epochs made before this step, with the fraction of the current one.
        """
        precision = self.precision
        if not precision.scaled:
            loss.backward()  # type: ignore[no-untyped-call]
            if self.guard is not None:
                self.guard(loss.detach())
            self.optimizer.step(step, epoch)
        else:
            (loss * precision.scale).backward()  # type: ignore[no-untyped-call]
            if self.guard is not None:
                self.guard(loss.detach())
            if precision.unscale(self.flat.gradient):
                self.optimizer.step(step, epoch)


def seed_generator(device: torch.device, seed: int) -> None:
    """Seed torch's global generator of the CPU, and that of the device, where there is another.

    `torch.manual_seed` would seed those of all devices, and costs more than a small network's forward pass.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index if device.index is not None else torch.cuda.current_device()].manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)

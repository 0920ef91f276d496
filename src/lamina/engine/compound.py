"""Steps that need more than one look at the gradients: of several batches, at a second point, or along a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from torch import Tensor

from lamina.engine.mixing import Mixer
from lamina.engine.network import Network
from lamina.engine.optimizers.run import OptimizerRun
from lamina.engine.optimizers.search import SearchRun
from lamina.engine.parameters import FlatParameters
from lamina.engine.precision import Precision
from lamina.engine.randomness import derive, mix
from lamina.engine.samples import Samples
from lamina.engine.sharpness import climb_for
from lamina.engine.step import StepRunner, seed_generator
from lamina.learning.mixing import Mix
from lamina.learning.sharpness import Sharpness


class Sharing(Protocol):
    """What a step needs of `lamina.distribute.exchange.ExchangeRun`, where its batch is shared out among processes."""

    @property
    def local(self) -> bool:
        """Whether each process makes updates of its own."""

    def begin_step(self) -> None:
        """The gradients are about to be computed."""

    def gradients(self, total: Tensor | None, weight: float, samples: int) -> tuple[Tensor, float]:
        """From the gradient of this process's sum to that of the whole batch's mean; gives its loss and weight."""

    def after_step(self) -> None:
        """An update was made."""


class CompoundStep(StepRunner):
    """Makes one update of one batch or several.

    The loss of several is their mean, each weighted by its samples, so that the update is that of one large batch but for
    rounding (and for layers that mix samples: batch norm sees each batch by itself).

    Args:
        network: What is trained.
        flat: Its parameters and gradients.
        optimizer: Updates them.
        precision: In which numbers.
        seed: The seed of the run.
        several: Whether a step may be of several batches.
        sharpness: What makes steps aware of sharpness.
        mixing: How the samples of a batch are mixed with each other.
        sharing: What is exchanged with other processes, each of which has a share of every batch.
        rank: Which of them this one is: each draws random numbers of its own.

    Attributes:
        buffers: The network's buffers, where steps look more than once; else none.
    """

    flat: FlatParameters
    optimizer: OptimizerRun[Any]

    def __init__(
        self,
        network: Network,
        flat: FlatParameters,
        optimizer: OptimizerRun[Any],
        precision: Precision,
        *,
        seed: int,
        several: bool = False,
        sharpness: Sharpness | None = None,
        mixing: Mix | None = None,
        sharing: Sharing | None = None,
        rank: int = 0,
    ) -> None:
        super().__init__(network, flat, optimizer, precision, seed=seed)
        if rank:
            self._stream = derive(seed, "step", rank)
        self.sharing = sharing
        self._climb = None if sharpness is None else climb_for(sharpness, flat)
        self._again = self._climb is not None or optimizer.searches
        self._mixer = None if mixing is None else Mixer(mixing)
        self._partners = derive(seed, "mix")
        self.several = several
        self.buffers = list(network.buffers()) if self._again else []

    def update(self, batches: Iterable[Samples], step: int, epoch: float) -> tuple[Tensor, float]:
        """Make one update.

        Args:
            batches: On the network's device; where one look at each will do, they are taken one by one and not kept.
            step: Steps made before this one.
            epoch: Epochs made before this step, with the fraction of the current one.

        Returns:
            The loss before the update, detached, still on the device; and the weight of all its samples.
        """
        look = _Look(self, list(batches) if self._again else batches, step)
        optimizer = self.optimizer
        if isinstance(optimizer, SearchRun):
            loss = optimizer.search(look, step, epoch)
        else:
            loss = look()
            good = self._unscale()
            if good and self._climb is not None:
                self._climb.up()
                try:
                    look()
                finally:
                    self._climb.back()
                good = self._unscale()
            if good and not look.idle:
                optimizer.step(step, epoch)
        look.finish()
        if self.sharing is not None:
            self.sharing.after_step()
        return loss, look.weight

    def _unscale(self) -> bool:
        return not self.precision.scaled or self.precision.unscale(self.flat.gradient)

    def add_gradient(self, batch: Samples, factor: float, seed: int) -> Tensor:
        """Add ``factor`` times the gradient of a batch's loss to the gradients; gives the loss itself, detached."""
        if self._random:
            seed_generator(self._device, seed)
        precision = self.precision
        with precision.autocast():
            if self._mixer is None:
                loss = self.network.loss(batch.inputs, batch.targets, batch.weight, batch.masks)
            else:
                # Of the same address as the step's other draws, from another stream.
                loss = self._mixer.loss(self.network, batch, self._partners ^ seed)
        factor *= precision.scale
        (loss if factor == 1.0 else loss * factor).backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def seeds(self, step: int) -> Iterator[int]:
        """What to seed the generators with for each batch of a step; the first is that of a step of one batch."""
        first = mix(self._stream, step)
        yield first
        index = 0
        while True:
            yield mix(first, index)
            index += 1


class _Look:
    """Fills the gradients from the batches of one step at the present parameters; called, it gives their mean loss.

    Every look finds the buffers of the network (running statistics, say) as the first one did; `finish` leaves them as the
    first one left them.

    Attributes:
        weight: Of all samples, once there was a look.
        idle: Whether there was nothing to learn from: this process had no sample, and learns by itself.
    """

    def __init__(self, runner: CompoundStep, batches: Iterable[Samples], step: int) -> None:
        self._runner = runner
        self._batches = batches
        self._step = step
        self._before = [buffer.clone() for buffer in runner.buffers]
        self._after: list[Tensor] | None = None
        self.weight = 0.0
        self.idle = False

    def __call__(self) -> Tensor:
        runner, first = self._runner, self._after is None
        if not first:
            _copy(self._before, runner.buffers)
        loss = self._gradients(guarded=first)
        if first:
            self._after = [buffer.clone() for buffer in runner.buffers]
        return loss

    def finish(self) -> None:
        """There will be no further look."""
        if self._after is not None:
            _copy(self._after, self._runner.buffers)

    def _gradients(self, *, guarded: bool) -> Tensor:
        runner, several = self._runner, self._runner.several
        guard = runner.guard if guarded else None
        runner.flat.zero_grad()
        if runner.sharing is not None:
            runner.sharing.begin_step()
        total: Tensor | None = None
        weight, samples = 0.0, 0
        # The seeds have no end, so the batches are asked first.
        for batch, seed in zip(self._batches, runner.seeds(self._step), strict=False):
            if batch.size == 0:
                continue  # Others have samples in this step.
            share = batch.total_weight if several else 1.0
            loss = runner.add_gradient(batch, share, seed)
            if guard is not None:
                guard(loss)
            total = loss * share if total is None else total + loss * share
            weight += batch.total_weight
            samples += batch.size
        if runner.sharing is not None:
            self.idle = runner.sharing.local and samples == 0
            mean, self.weight = runner.sharing.gradients(total, weight, samples)
            return mean
        if total is None:
            message = "a step needs at least one batch"
            raise ValueError(message)
        self.weight = weight
        if not several or weight == 0:
            return total
        for buffer in runner.flat.buffers:
            buffer.gradient.div_(weight)
        return total / weight


def _copy(kept: list[Tensor], buffers: list[Tensor]) -> None:
    for one, other in zip(kept, buffers, strict=True):
        other.copy_(one)

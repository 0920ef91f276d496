"""Steps of truncated backpropagation through time: one update for each piece of a batch of sequences."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from lamina.engine.masks import Masks
from lamina.engine.network import NetworkModule
from lamina.engine.parameters import FlatParameters
from lamina.engine.precision import Precision
from lamina.engine.randomness import mix
from lamina.engine.samples import Samples
from lamina.engine.state import State
from lamina.engine.step import StepRunner, Updater, seed_generator
from lamina.learning.truncation import Truncation, not_alike, too_long


class TruncatedStep(StepRunner):
    """Makes one update of one piece.

    Args:
        network: What is trained.
        flat: Its parameters and gradients.
        optimizer: Updates them.
        precision: In which numbers.
        seed: The seed of the run.
        truncation: How sequences are cut.

    Attributes:
        state: The memory that the last piece left, through which no gradient flows; None where the next one begins anew.
    """

    network: NetworkModule

    def __init__(
        self, network: NetworkModule, flat: FlatParameters, optimizer: Updater, precision: Precision, *, seed: int, truncation: Truncation
    ) -> None:
        super().__init__(network, flat, optimizer, precision, seed=seed)
        self.truncation = truncation
        self.state: State | None = None
        self._sequences = {name for name, shape in network.input_shapes.items() if shape.has_steps}

    def update(self, batch: Samples, piece: int, step: int, epoch: float) -> tuple[Tensor, float]:
        """Make one update.

        Args:
            batch: Whole sequences, on the network's device.
            piece: Which of its pieces, from 0.
            step: Steps made before this one.
            epoch: Epochs made before this step, with the fraction of the current one.

        Returns:
            The loss before the update, detached, still on the device; and the weight of the batch, times the fraction of its steps.
        """
        inputs = self._by_input(batch.inputs)
        total = self._steps(inputs, batch.targets)
        lengths = self.truncation.lengths(total)
        start, length = self.truncation.steps * piece, lengths[piece]
        masks = Masks() if batch.masks is None else Masks(self._by_input(batch.masks.inputs), batch.masks.targets)
        if self._random:
            seed_generator(self._device, mix(self._stream, step))
        self.flat.zero_grad()
        with self.precision.autocast():
            scores, reached, added = self._advance(inputs, masks.inputs, batch, start, length)
            targets = {name: target[:, start : start + length] for name, target in batch.targets.items()}
            counted = Masks(targets={n: mask[:, start : start + length] if mask.dim() > 1 else mask for n, mask in masks.targets.items()})
            judged = self.network.judged_steps(reached, counted)
            loss = self.network.loss_of(scores, targets, batch.weight, judged)
            loss = loss if added is None else loss + added
        if any(mask is None or bool(mask.any()) for mask in judged.values()):
            self.learn(loss, step, epoch)
        if piece == len(lengths) - 1 and not self.truncation.carry:
            self.state = None
        return loss.detach(), batch.total_weight * length / total

    def _advance(
        self, inputs: Mapping[str, Tensor], masks: Mapping[str, Tensor], batch: Samples, start: int, length: int
    ) -> tuple[dict[str, Tensor], dict[str, Tensor | None], Tensor | None]:
        """Scores and masks of the outputs for one piece, stretch by stretch, and what layers add; leaves the memory in `state`."""
        state, added = self._begin(batch.size), None
        parts: list[dict[str, Tensor]] = []
        found: list[dict[str, Tensor | None]] = []
        for stretch in self.truncation.stretches(length):
            stop = start + stretch
            given = {name: x[:, start:stop] if name in self._sequences else x for name, x in inputs.items()}
            scores, reached, state = self.network.advance(given, state, {name: mask[:, start:stop] for name, mask in masks.items()})
            state = state.detach()
            if self.network.penalizing:
                own = self.network.penalized(next(iter(scores.values())).new_zeros(()), batch.weight) * (stretch / length)
                added = own if added is None else added + own
            self._check(scores, stretch)
            parts.append(scores)
            found.append(reached)
            start = stop
        self.state = state
        joined = {name: _joined_masks([own[name] for own in found]) for name in found[0]}
        return {name: _joined([part[name] for part in parts]) for name in parts[0]}, joined, added

    def _begin(self, size: int) -> State:
        state = self.state
        if state is None:
            return self.network.start_state(size)
        # The last batch of an epoch may have fewer samples than the one before it.
        return state if state.batch <= size else state.select(torch.arange(size))

    def _by_input(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """By the network's names: the only input of the data is the only one of the network, whatever they are called."""
        names = list(self.network.input_shapes)
        return {names[0]: next(iter(given.values()))} if len(names) == len(given) == 1 else dict(given)

    def _steps(self, inputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> int:
        """Steps of the sequences, the same in all inputs and targets, and no fewer than a piece has.

        Raises:
            TrainingError: TR111, naming what has how many.
        """
        found = {f"input {name!r}": inputs[name].shape[1] for name in inputs if name in self._sequences}
        found |= {f"target {name!r}": target.shape[1] if target.dim() > 1 else 1 for name, target in targets.items()}
        steps = next(iter(found.values()))
        odd = next((name for name, count in found.items() if count != steps), None)
        if odd is not None:
            raise not_alike(next(iter(found)), steps, odd, found[odd])
        if self.truncation.steps > steps:
            raise too_long(self.truncation.steps, steps)
        return steps

    def _check(self, scores: Mapping[str, Tensor], steps: int) -> None:
        for name, value in scores.items():
            if value.dim() < 3 or value.shape[1] != steps:
                piece, output = "a piece", f"its output {name!r}"
                raise not_alike(piece, steps, output, value.shape[1] if value.dim() > 2 else 1)


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, 1)


def _joined_masks(parts: list[Tensor | None]) -> Tensor | None:
    given = [part for part in parts if part is not None]
    return _joined(given) if given else None

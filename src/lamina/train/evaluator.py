"""Judging a network on data: the same figures, to the last bit, for any batch size and any number of shards.

Sums and counts are exact (`lamina.evaluate.exact`), but that alone is not enough: a matrix product may round one row
differently when the matrix has another number of rows. So samples are always computed in blocks of one size, each at the place
that its index in the data set gives it; a block that a shard holds only in part is filled up with copies, which are not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from lamina.engine.masks import Masks
from lamina.errors import EvaluationError
from lamina.evaluate.evaluation import Accumulator
from lamina.evaluate.exact import ExactSum
from lamina.evaluate.result import Report
from lamina.train.metrics import MetricNames

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset
    from lamina.engine.network import Network
    from lamina.engine.precision import Precision

BLOCK = 64
"""Samples computed at once; part of what makes figures reproducible, so it is no setting."""

Indices = np.ndarray


@dataclass
class Judgement:
    """What was found so far; those of shards are merged.

    Attributes:
        names: How the figures are called.
        loss: Exact sum of weighted losses, and of weights.
        accumulators: One for each of ``names.judged``.
    """

    names: MetricNames
    loss: tuple[ExactSum, ExactSum]
    accumulators: Sequence[Accumulator]

    def merge(self, other: Judgement) -> Judgement:
        """Add what another shard found; gives this one back."""
        for own, theirs in zip(self.loss, other.loss, strict=True):
            own.merge(theirs)
        for accumulator, their_accumulator in zip(self.accumulators, other.accumulators, strict=True):
            accumulator.merge(their_accumulator)
        return self

    @classmethod
    def start(cls, names: MetricNames) -> Judgement:
        """Nothing found yet."""
        accumulators = [judged.evaluation.start(names.target(judged.output)) for judged in names.judged]
        return cls(names, (ExactSum(), ExactSum()), accumulators)

    @property
    def report(self) -> Report:
        """The results with tables and charts."""
        return self._report(quiet=False)

    @property
    def metrics(self) -> dict[str, float]:
        """All figures by name, ``loss`` first."""
        return self._report(quiet=True).metrics

    def _report(self, *, quiet: bool) -> Report:
        total, weight = (part.value() for part in self.loss)
        pairs = zip(self.names.judged, self.accumulators, strict=True)
        results = {judged.key: accumulator.result(quiet=quiet) for judged, accumulator in pairs}
        return Report(results, {"loss": total / weight} if weight else {})

    def state_dict(self) -> dict[str, Any]:
        """All that was counted, as plain data and NumPy arrays: what processes send each other to be merged."""
        states = {judged.key: accumulator.state_dict() for judged, accumulator in zip(self.names.judged, self.accumulators, strict=True)}
        return {"loss": [part.state_dict() for part in self.loss], "accumulators": states}

    def load_state_dict(self, state: Mapping[str, Any]) -> Judgement:
        """Take over a saved state; gives this one back.

        Raises:
            EvaluationError: EV005, if it is that of other evaluations.
        """
        states = state["accumulators"]
        keys = [judged.key for judged in self.names.judged]
        if sorted(states) != sorted(keys):
            raise EvaluationError(
                "EV005",
                where="the state of a judgement",
                expected=", ".join(keys),
                got=", ".join(states),
                cause="it was taken with other evaluations, or of a network with other outputs",
                fix="judge every shard with the same model and the same evaluations",
            )
        for part, saved in zip(self.loss, state["loss"], strict=True):
            part.load_state_dict(saved)
        for key, accumulator in zip(keys, self.accumulators, strict=True):
            accumulator.load_state_dict(states[key])
        return self


class Evaluator:
    """Judges a network by some evaluations.

    Args:
        names: Outputs, targets and evaluations, and what their figures are called.
        device: Where to compute.
        precision: How to compute.
        batch_size: Samples taken from the data set at once; figures don't depend on it.
        with_loss: Whether to judge by the loss too; a loss that exists for whole batches only can't be judged by.
        restore: Gives values of a target, predicted or true, their own scale back, where they were scaled for training; so figures
            are in the units of the data. The loss is that of training.
    """

    def __init__(
        self,
        names: MetricNames,
        *,
        device: torch.device,
        precision: Precision,
        batch_size: int = 1024,
        with_loss: bool = True,
        restore: Callable[[str, np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.names = names
        self.with_loss = with_loss
        self.restore = restore
        self.device = device
        self.precision = precision
        self.batch_size = batch_size

    @property
    def metric_names(self) -> list[str]:
        """What `Judgement.metrics` will hold, known before any data."""
        return [*(["loss"] if self.with_loss else []), *self.names.all()]

    def better(self, metric: str) -> str:
        """``max`` if more of a metric is better, else ``min``."""
        return "min" if metric == "loss" else self.names.better(metric)

    def run(self, network: Network, dataset: Dataset, *, shard: tuple[int, int] = (0, 1)) -> Judgement:
        """Judge one shard of a data set; `Judgement.merge` puts shards together.

        Args:
            network: What is judged; left in the mode (training or not) it was in.
            dataset: Inputs and targets.
            shard: Which part of how many: samples ``rank * n // count`` up to ``(rank + 1) * n // count``.
        """
        rank, count = shard
        if not 0 <= rank < count:
            raise EvaluationError(
                "EV007",
                where=f"shard {shard}",
                expected=f"(k, {max(count, 1)}) with k from 0 to {max(count, 1) - 1}",
                got=str(shard),
                cause="shards are counted from 0",
                fix="write shard=(rank, count), such as (0, 3), (1, 3) and (2, 3)",
            )
        start, stop = rank * len(dataset) // count, (rank + 1) * len(dataset) // count
        judgement = Judgement.start(self.names)
        training = network.training
        network.eval()
        try:
            with torch.inference_mode(), self.precision.autocast():
                for first in range(start, stop, self.batch_size):
                    self._judge(network, dataset, np.arange(first, min(first + self.batch_size, stop)), judgement)
        finally:
            network.train(training)
        return judgement

    def _judge(self, network: Network, dataset: Dataset, indices: Indices, judgement: Judgement) -> None:
        part = dataset.read(indices)
        outputs: dict[str, list[np.ndarray]] = {}
        losses = []
        tensors = {name: torch.from_numpy(array) for name, array in part.inputs.items()}
        targets = {name: torch.from_numpy(array) for name, array in part.targets.items()}
        given = [{name: torch.from_numpy(mask) for name, mask in masks.items()} for masks in (part.input_masks, part.target_masks)]
        steps: dict[str, list[np.ndarray]] = {}
        for rows, fill in blocks(indices):
            inputs = {name: _place(tensor, rows).to(self.device) for name, tensor in tensors.items()}
            wanted = {name: _place(tensor, rows).to(self.device) for name, tensor in targets.items()}
            masks = Masks(*({name: _place(mask, rows).to(self.device) for name, mask in named.items()} for named in given))
            found, reached = network.run(inputs, masks.inputs)
            scores = dict(zip(network.outputs, found, strict=True))
            judged_steps = network.judged_steps(dict(zip(network.outputs, reached, strict=True)), masks)
            if self.with_loss:
                losses.append(network.per_sample_loss(scores, wanted, judged_steps)[fill].double().cpu().numpy())
            for name, mask in judged_steps.items():
                if mask is not None:
                    steps.setdefault(name, []).append(mask[fill].cpu().numpy())
            for name, prediction in network.activate(scores).items():
                outputs.setdefault(name, []).append(prediction[fill].cpu().numpy())
        if losses:
            each = part.weight if part.weight is not None else np.ones(len(indices))
            judgement.loss[0].add(np.concatenate(losses), weight=each)
            judgement.loss[1].add(each)
        predictions = {name: np.concatenate(arrays) for name, arrays in outputs.items()}
        for judged, accumulator in zip(self.names.judged, judgement.accumulators, strict=True):
            predicted, right = predictions[judged.output], part.targets[judged.target]
            if self.restore is not None:
                predicted, right = self.restore(judged.target, predicted), self.restore(judged.target, right)
            weight: np.ndarray | None = part.weight
            if judged.output in steps:
                # Steps that are not real weigh nothing.
                real = np.concatenate(steps[judged.output]).astype(np.float64)
                weight = real if weight is None else real * weight.reshape(-1, *(1 for _ in real.shape[1:]))
            accumulator.update(predicted, right, weight)


def blocks(indices: Indices) -> list[tuple[Indices, slice]]:
    """Cut consecutive sample indices into blocks; for each, the rows of this batch that fill it, and which of its rows count.

    Example:
        >>> [(rows.shape, fill) for rows, fill in blocks(np.arange(60, 70))]
        [((64,), slice(60, 64, None)), ((64,), slice(0, 6, None))]
    """
    found = []
    first, last = int(indices[0]), int(indices[-1])
    for block in range(first // BLOCK, last // BLOCK + 1):
        places = np.arange(block * BLOCK, (block + 1) * BLOCK)
        start, stop = max(first, int(places[0])), min(last, int(places[-1])) + 1
        rows = np.clip(places, start, stop - 1) - first
        found.append((rows, slice(start - block * BLOCK, stop - block * BLOCK)))
    return found


def _place(tensor: Tensor, rows: Indices) -> Tensor:
    # Always a copy, though whole blocks could be slices: kernels may choose their way by the alignment of their input.
    return tensor.index_select(0, torch.from_numpy(rows))

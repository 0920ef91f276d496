"""How the batches of an epoch become updates: one each, several together, or each in pieces."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from lamina.engine.compound import CompoundStep, Sharing
from lamina.engine.network import NetworkModule
from lamina.engine.state import State
from lamina.engine.step import StepRunner
from lamina.engine.truncation import TruncatedStep
from lamina.train.truncating import pieces

if TYPE_CHECKING:
    import numpy as np
    import torch

    from lamina.data.loader import Batch, Loader
    from lamina.data.streams.feed import StreamFeed
    from lamina.engine.optimizers import OptimizerRun
    from lamina.engine.parameters import FlatParameters
    from lamina.engine.precision import Precision
    from lamina.engine.runnable import Network
    from lamina.train.config import TrainConfig
    from lamina.train.trainer import Trainer


def updates_per_epoch(config: TrainConfig, loader: Loader | StreamFeed, network: Network) -> int:
    """Updates that an epoch makes.

    Raises:
        TrainingError: TR111, if sequences can't be cut as they shall be.
    """
    cut = 1 if config.truncate is None else pieces(config.truncate, loader.dataset, network.input_shapes)
    return -(-len(loader) // config.accumulate) * cut


def rhythm_for(
    config: TrainConfig,
    loader: Loader | StreamFeed,
    network: Network,
    flat: FlatParameters,
    optimizer: OptimizerRun[Any],
    precision: Precision,
    *,
    seed: int,
    sharing: Sharing | None = None,
    rank: int = 0,
) -> Rhythm:
    """The rhythm that a configuration asks for, with what makes its steps.

    Args:
        config: What was asked for.
        loader: Where batches come from.
        network: What is trained.
        flat: Its parameters.
        optimizer: Updates them.
        precision: In which numbers.
        seed: Of the run.
        sharing: What is exchanged with other processes that train the same network.
        rank: Which of them this one is.
    """
    if config.truncate is not None and isinstance(network, NetworkModule):
        truncated = TruncatedStep(network, flat, optimizer, precision, seed=seed, truncation=config.truncate)
        return InPieces(truncated, loader, pieces(config.truncate, loader.dataset, network.input_shapes))
    plain = config.accumulate == 1 and config.sharpness is None and config.mix is None and not optimizer.searches
    if plain and sharing is None:
        return Rhythm(StepRunner(network, flat, optimizer, precision, seed=seed))
    compound = CompoundStep(
        network,
        flat,
        optimizer,
        precision,
        seed=seed,
        several=config.accumulate > 1 or sharing is not None,
        sharpness=config.sharpness,
        mixing=config.mix,
        sharing=sharing,
        rank=rank,
    )
    return Together(compound, loader, config.accumulate)


class Rhythm:
    """Every batch makes an update.

    Args:
        runner: What makes the steps.
    """

    def __init__(self, runner: StepRunner) -> None:
        self.runner = runner

    def begin(self, trainer: Trainer, batches: Iterator[Batch]) -> tuple[Callable[[Any], None], Iterator[Any]]:
        """What makes an update of a portion, and the portions of what is left of an epoch."""
        return trainer.update, batches

    def loader_state(self, state: Mapping[str, Any], step: int) -> dict[str, Any]:
        """Where the loader must go on from, when it stands at ``state`` after so many steps."""
        return dict(state)

    def arrays(self) -> dict[str, np.ndarray]:
        """What it must remember between two updates."""
        return {}

    def load_arrays(self, arrays: Mapping[str, np.ndarray], device: torch.device) -> None:
        """Go on from `arrays`."""


class Together(Rhythm):
    """Several batches make an update, or an update looks at its batch more than once.

    Args:
        runner: What makes the steps.
        loader: Where batches come from.
        count: How many make an update; the last of an epoch perhaps of fewer.
    """

    def __init__(self, runner: CompoundStep, loader: Loader | StreamFeed, count: int) -> None:
        super().__init__(runner)
        self._compound = runner
        self._loader = loader
        self._count = count

    def begin(self, trainer: Trainer, batches: Iterator[Batch]) -> tuple[Callable[[Any], None], Iterator[Any]]:
        def update(group: Iterator[Batch]) -> None:
            loader, sizes = self._loader, 0
            waited, started = loader.wait_seconds, time.perf_counter()

            def watched() -> Iterator[Batch]:
                nonlocal sizes
                for batch in group:
                    trainer.last_batch = batch
                    sizes += batch.whole
                    yield batch

            loss, weight = self._compound.update(watched(), trainer.step, trainer.epoch_progress)
            trainer.updated(loss, weight, sizes, started + loader.wait_seconds - waited)

        return update, self._groups(batches)

    def _groups(self, batches: Iterator[Batch]) -> Iterator[Iterator[Batch]]:
        """The batches of each update, none but the first of them fetched before it is needed."""
        left = len(self._loader) - self._loader.state_dict()["position"]
        while left > 0:
            count = min(self._count, left)
            first = next(batches, None)
            if first is None:
                return  # A stream has ended.
            yield chain((first,), islice(batches, count - 1))
            left -= count


class InPieces(Rhythm):
    """Every piece of a batch of sequences makes an update.

    Args:
        runner: What makes the steps.
        loader: Where batches come from.
        count: Pieces of a batch.
    """

    def __init__(self, runner: TruncatedStep, loader: Loader | StreamFeed, count: int) -> None:
        super().__init__(runner)
        self._truncated = runner
        self._count = count
        self._per_epoch = count * len(loader)

    def begin(self, trainer: Trainer, batches: Iterator[Batch]) -> tuple[Callable[[Any], None], Iterator[Any]]:
        def update(portion: tuple[Batch, int]) -> None:
            started = time.perf_counter()
            batch, piece = portion
            trainer.last_batch = batch
            if trainer.step % self._per_epoch == 0:
                self._truncated.state = None  # Every epoch begins anew.
            loss, weight = self._truncated.update(batch, piece, trainer.step, trainer.epoch_progress)
            trainer.updated(loss, weight, batch.size if piece == self._count - 1 else 0, started)

        return update, self._cut(batches, trainer.step % self._count)

    def _cut(self, batches: Iterator[Batch], first: int) -> Iterator[tuple[Batch, int]]:
        """Each batch as often as it has pieces; of the first one, those that were made before a kill are left out."""
        for batch in batches:
            yield from ((batch, piece) for piece in range(first, self._count))
            first = 0

    def loader_state(self, state: Mapping[str, Any], step: int) -> dict[str, Any]:
        # A batch of which pieces are left has to be handed out again.
        return {**state, "position": state["position"] - (1 if step % self._count else 0)}

    def arrays(self) -> dict[str, np.ndarray]:
        state = self._truncated.state
        return {} if state is None else state.to_arrays()

    def load_arrays(self, arrays: Mapping[str, np.ndarray], device: torch.device) -> None:
        self._truncated.state = State.from_arrays(arrays).to(device) if arrays else None

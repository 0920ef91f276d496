"""The layers of a network pretrained one after the other; which one is at work, and how far it is, is part of the run's state."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lamina.archive import WEIGHTS, Archive
from lamina.data.loader import Loader
from lamina.engine.device import choose_device
from lamina.engine.network import NetworkModule
from lamina.engine.pretraining import Stage
from lamina.engine.randomness import derive
from lamina.keep import save_model
from lamina.train.callbacks import callbacks_for
from lamina.train.checkpoint import CheckpointStore
from lamina.train.pretraining import stages
from lamina.train.run import RunDirectory
from lamina.train.state import TrainingState, restored_environment
from lamina.train.trainer import Trainer

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset
    from lamina.model import Model
    from lamina.network.plan import Node
    from lamina.train.config import TrainConfig
    from lamina.train.session import Feed


@dataclass
class Layerwise:
    """Trains layer after layer; each has a run directory of its own, ``pretraining/1-rbm_1``, within that of the run.

    A layer that is done has its ``model.lamina`` there, and is not trained again by a run that resumes; one that isn't goes on
    from its last good checkpoint. The seed of a layer's draws and order is a function of the model's seed and the layer's name.

    Attributes:
        model: What is trained.
        config: How each layer is.
        data: On what; targets are not looked at.
        feed: How data are fed.
        layers: Names of the layers; none for all that are able to.
        history: Observed values after each epoch, by layer.
        interrupted: The signal that stopped it; None if none did.
    """

    model: Model
    config: TrainConfig
    data: Dataset
    feed: Feed
    layers: Sequence[str] = ()
    history: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    interrupted: int | None = None

    def check(self) -> None:
        """Find what doesn't fit before anything is trained or written.

        Raises:
            DescriptionError: TR120 to TR122, if a layer isn't there, or can't learn without targets, or not by this optimiser.
            DataError: EN100, if the first layer can't give back a value of the data.
        """
        nodes = stages(self.model.plan, tuple(self.layers), self.config.optimizer)
        with restored_environment(self.config.threads):
            self._trainer(nodes[0], kept=False).check()
            self._check_inputs(nodes[0])

    def run(self, directory: RunDirectory | None = None) -> None:
        """Train all layers to the end, or to a signal.

        Args:
            directory: Of the run, where everything is kept, and gone on from if there is something; None keeps nothing.

        Raises:
            LaminaError: What goes wrong in training.
        """
        nodes = stages(self.model.plan, tuple(self.layers))
        for number, node in enumerate(nodes, 1):
            folder = None if directory is None else RunDirectory(directory.path / "pretraining" / f"{number}-{node.name}")
            if folder is not None and folder.model.exists():
                self._take(node, Archive(folder.model))
                continue
            if self.config.progress:
                print(f"pretraining {node.name} ({number} of {len(nodes)})", file=sys.stderr, flush=True)
            self._run_one(node, folder)
            if self.interrupted is not None:
                return

    def _run_one(self, node: Node, folder: RunDirectory | None) -> None:
        trainer = self._trainer(node, kept=folder is not None)
        threads = self.config.threads
        if folder is not None:
            Path(folder.path).mkdir(parents=True, exist_ok=True)
            trainer.run_dir = folder
            threads = self._resume(trainer, folder) or threads
        with restored_environment(threads):
            if trainer.step == 0:
                self._check_inputs(node)
            trainer.run()
        self.history[node.name] = trainer.history
        self.interrupted = trainer.interrupted
        if folder is not None and self.interrupted is None:
            save_model(self.model, folder.model, training=trainer.state(), own_modules=True)

    def _resume(self, trainer: Trainer, folder: RunDirectory) -> int | None:
        """Set a trainer to the last good checkpoint, if there is one; the threads that it was computing with."""
        found = CheckpointStore(folder.checkpoints).to_resume()
        if found is None:
            return None
        archive = Archive(found.path)
        state = TrainingState.read(archive)
        trainer.check_state(state)
        self.model.load_parameters(archive.arrays(WEIGHTS))
        trainer.restore(state)
        return self.config.threads or int(state.values["threads"])

    def _take(self, node: Node, archive: Archive) -> None:
        """Take over a layer that is done."""
        self.model.load_parameters(archive.arrays(WEIGHTS))
        self.history[node.name] = list(TrainingState.read(archive).values["history"])

    def _trainer(self, node: Node, *, kept: bool) -> Trainer:
        config, device = self.config, choose_device(self.config.device)
        chosen = callbacks_for(
            config.callbacks, early_stopping=config.early_stopping, checkpoints=config.checkpoints, progress=config.progress, kept=kept
        )
        stage = self._stage(node, device)
        seed = derive(self.model.seed, "pretrain", node.name)
        staged: Any = _Staged(self.model, stage, seed)
        return Trainer(
            staged, config, self._loader(device, seed=seed, shuffle=self.feed.shuffle), callbacks=[one.start() for one in chosen]
        )

    def _stage(self, node: Node, device: torch.device) -> Stage:
        network = self.model.network.to(device)
        if not isinstance(network, NetworkModule):
            raise TypeError(network)
        return Stage(network, node.name)

    def _loader(self, device: torch.device, *, seed: int, shuffle: bool) -> Loader:
        feed = self.feed
        return Loader(
            self.data,
            feed.batch_size,
            seed=seed,
            shuffle=shuffle,
            workers=feed.workers,
            drop_last=feed.drop_last and shuffle,
            device=device,
            dtype=getattr(torch, self.model.dtype),
        )

    @torch.no_grad()
    def _check_inputs(self, node: Node) -> None:
        """See that the layer can give back everything that will come into it."""
        device = choose_device(self.config.device)
        stage = self._stage(node, device)
        first = 0
        for batch in self._loader(device, seed=0, shuffle=False):
            stage.layer.check_inputs(stage.incoming(batch.inputs, None if batch.masks is None else batch.masks.inputs), first)
            first += batch.size


class _Staged:
    """A model as the trainer of one of its layers sees it; what is kept of it is the whole model."""

    def __init__(self, model: Model, stage: Stage, seed: int) -> None:
        self.network = stage
        self.seed = seed
        self.dtype = model.dtype
        self.plan, self.description = model.plan, model.description
        self.schema, self.preprocessing = model.schema, model.preprocessing
        self.origin, self.slots = model.origin, model.slots

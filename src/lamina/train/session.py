"""One training of one model: loader, callbacks, evaluator and trainer put together."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import torch
from pydantic import Field

from lamina.archive import WEIGHTS, Archive
from lamina.data.dataset import Dataset
from lamina.data.loader import Loader
from lamina.data.sampling import Sampling
from lamina.distribute.world import ALONE, World
from lamina.engine.device import choose_device
from lamina.engine.precision import Precision
from lamina.errors import LaminaWarning, StartError, TrainingError
from lamina.evaluate.evaluation import Evaluation
from lamina.evaluate.result import Report
from lamina.spec import Description
from lamina.spec.fields import Count
from lamina.train.callbacks import CallbackRun, callbacks_for
from lamina.train.checkpoint import CheckpointStore
from lamina.train.class_weights import weighted_by_class
from lamina.train.config import TrainConfig
from lamina.train.evaluator import Evaluator, Judgement
from lamina.train.metrics import MetricNames, own_judges, pair_outputs, plain_scores
from lamina.train.run import RunDirectory
from lamina.train.spreading import check_spread
from lamina.train.stages import Layerwise
from lamina.train.state import TrainingState, restored_environment
from lamina.train.trainer import Trainer
from lamina.train.ways import check_feed, check_ways

if TYPE_CHECKING:
    from lamina.data.streams.feed import StreamFeed
    from lamina.model import Model


@dataclass
class Run:
    """What came of training.

    Attributes:
        model: The trained model.
        history: Observed values after each epoch.
        stop_reason: Why training stopped before its planned end; None if it did not.
        interrupted: The signal that stopped it; such a run can be resumed, and was not judged.
        report: The judgement of the test part, if there was one.
        judged: What was counted for it, before figures were made of it.
        pretraining: Observed values of each layer that was pretrained before, by layer.
        directory: Where everything is kept.
    """

    model: Model
    history: Sequence[Mapping[str, float]] = ()
    stop_reason: str | None = None
    interrupted: int | None = None
    report: Report | None = None
    judged: Judgement | None = None
    pretraining: Mapping[str, Sequence[Mapping[str, float]]] = field(default_factory=dict)
    directory: RunDirectory | None = None

    @property
    def exit_code(self) -> int:
        """What the command line exits with."""
        return 0 if self.interrupted is None else 128 + self.interrupted

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for ``--json``."""
        return {
            "directory": None if self.directory is None else str(self.directory.path),
            "stop_reason": self.stop_reason,
            "interrupted": self.interrupted is not None,
            "history": [dict(row) for row in self.history],
            **({"pretraining": {name: [dict(row) for row in rows] for name, rows in self.pretraining.items()}} if self.pretraining else {}),
            "evaluation": None if self.report is None else self.report.to_dict(),
        }

    def __str__(self) -> str:
        return "\n\n".join(([str(self.report)] if self.report is not None else []) + self._remarks())

    def brief(self) -> str:
        """A few lines, for logs: the main figures of the test part, and where the rest is."""
        figures = [] if self.report is None else [f"test part: {self.report.brief()}"]
        return "\n".join(figures + self._remarks())

    def _remarks(self) -> list[str]:
        lines = []
        if self.stop_reason:
            lines.append(f"Stopped: {self.stop_reason}")
        if self.directory is not None:
            kept = "resume it with --resume" if self.interrupted is not None else f"the model is {self.directory.model}"
            lines.append(f"Run directory {self.directory.path}; {kept}")
        return lines


class Feed(Description):
    """How the training part is fed.

    Attributes:
        batch_size: Samples a step.
        shuffle: Whether each epoch has an order of its own.
        sampling: Which samples an epoch feeds, and how often; None: each once.
        bucketing: Batches that are sorted by length together.
        steps_per_epoch: Batches in an epoch, where it isn't a pass over the data.
        workers: Threads that gather batches ahead.
        drop_last: Leave out the last batch of an epoch if it is smaller.
        evaluation_batch_size: Samples taken at once when judging.
    """

    batch_size: Count = 32
    shuffle: bool = True
    sampling: Sampling | None = None
    bucketing: Count | None = None
    steps_per_epoch: Count | None = None
    workers: Annotated[int, Field(ge=0)] = 0
    drop_last: bool = False
    evaluation_batch_size: Count = 1024


@dataclass
class Session:
    """One training of one model: puts loader, callbacks, evaluator and trainer together.

    `prepare` finds everything that doesn't fit and touches no file; `run` then trains.

    Attributes:
        model: What is trained; it knows the data's schema already.
        config: How.
        train: The training part.
        validation: The validation part.
        evaluations: How validation and test are judged; empty for what fits the targets.
        feed: How data are fed.
        kept: Whether `run` will get a directory.
        streamed: What feeds the training part, if it is a stream; `train` is then an example of it.
        world: The processes that train together; each has all the data, and feeds its share of every batch.
    """

    model: Model
    config: TrainConfig
    train: Dataset
    validation: Dataset | None = None
    evaluations: Sequence[Evaluation] = ()
    feed: Feed = field(default_factory=Feed)
    kept: bool = False
    streamed: StreamFeed | None = None
    world: World = ALONE
    _batch_size: int | None = field(default=None, init=False)
    _threads: int | None = field(default=None, init=False)
    _resumed: bool = field(default=False, init=False)

    def prepare(self) -> Trainer:
        """The trainer, ready for the first step.

        Raises:
            LaminaError: If the device isn't there, a metric that something waits for doesn't exist, and so on.
        """
        work = self._layerwise()
        if work is not None:
            with refusing():
                work.check()
        return self._trainer()

    def _trainer(self) -> Trainer:
        with restored_environment(self.config.threads), refusing():
            device = choose_device(self.config.device)
            heads = self.model.network.heads
            losses = {name: head.loss.loss for name, head in heads.items()}
            masked = bool(self.train.input_masks or self.train.target_masks)
            check_ways(self.config, losses, self.model.plan, self.train.schema.inputs, shuffle=self.feed.shuffle, masked=masked)
            check_feed(self.config, self.feed, self.train.schema)
            if not self.world.alone:
                check_spread(self.config, losses, streamed=self.streamed is not None)
            trainer = Trainer(
                self.model,
                self.config,
                self._loader(device),
                evaluator=self.evaluator(),
                validation=self.validation,
                callbacks=self._callbacks(),
                world=self.world,
            )
        trainer.check()
        return trainer

    def enter(self, trainer: Trainer, directory: RunDirectory, *, resume: bool = False) -> Trainer:
        """Give a prepared trainer its run directory, and set it to the last good checkpoint there, if it is to resume.

        Nothing is written, so a checkpoint of another kind of run leaves the directory as it was.

        Args:
            trainer: What `prepare` gave.
            directory: Where everything is kept.
            resume: Whether to go on from a checkpoint; without one it starts from the beginning.

        Returns:
            The trainer; another one where the run goes on with another number of processes, which share out the batches it had.

        Raises:
            ArchiveError: AR002, if all checkpoints are damaged; EN008, if they are of another network.
            StartError: TR051, if the checkpoint is of another kind of run.
        """
        self._enter(trainer, directory)
        found = CheckpointStore(directory.checkpoints).to_resume() if resume and self.world.leads else None
        path = self.world.share(None if found is None else str(found.path))
        if path is None:
            return trainer
        archive = Archive(path)
        state = TrainingState.read(archive)
        if self._shared_out_otherwise(state):
            trainer = self._trainer()
            self._enter(trainer, directory)
        with refusing():
            trainer.check_state(state)
            self.model.load_parameters(archive.arrays(WEIGHTS))
            trainer.restore(state)
        self._threads = self.config.threads or state.values["threads"]
        self._resumed = True
        return trainer

    def _enter(self, trainer: Trainer, directory: RunDirectory) -> None:
        trainer.kept = True
        trainer.run_dir = directory if self.world.leads else None

    def _shared_out_otherwise(self, state: TrainingState) -> bool:
        """Whether a run goes on with another number of processes; it keeps the batches it had, so that no sample comes twice."""
        workers, size = state.values.get("workers", 1), state.values.get("batch_size")
        own = self.feed.batch_size * self.world.count
        if workers == self.world.count or size is None or size == own:
            return False
        self._batch_size = size
        if self.world.leads:
            warnings.warn(
                f"[DI004] the run was begun with {workers} workers and batches of {size} samples in all; it goes on with "
                f"{self.world.count}, and with these batches, not with {own} samples: each worker takes its share of them",
                LaminaWarning,
                stacklevel=3,
            )
        return True

    def run(self, trainer: Trainer) -> Run:
        """Train to the end.

        Raises:
            LaminaError: What goes wrong in training.
        """
        directory, work = trainer.run_dir, self._layerwise()
        if work is not None and not self._resumed:
            work.run(directory)
            if work.interrupted is not None:
                return Run(self.model, pretraining=work.history, interrupted=work.interrupted, directory=directory)
            # The vector of the first one holds the layers no longer: they learnt in vectors of their own.
            trainer = self._trainer()
            trainer.run_dir = directory
        with restored_environment(self._threads or self.config.threads):
            trainer.run()
        return Run(
            self.model,
            history=trainer.history,
            stop_reason=trainer.stop_reason,
            interrupted=trainer.interrupted,
            pretraining={} if work is None else work.history,
            directory=directory,
        )

    def _layerwise(self) -> Layerwise | None:
        """What pretrains layers before, if that was asked for."""
        wanted, config = self.config.pretrain, self.config
        if wanted is None:
            return None
        own = TrainConfig(
            epochs=wanted.epochs,
            optimizer=wanted.optimizer,
            clip=wanted.clip,
            checkpoints=config.checkpoints and config.checkpoints.replace(monitor=None),
            device=config.device,
            precision=config.precision,
            threads=config.threads,
            progress=config.progress,
        )
        return Layerwise(self.model, own, self.train, self.feed, wanted.layers)

    def _loader(self, device: torch.device) -> Loader | StreamFeed:
        if self.streamed is not None:
            self.streamed.device, self.streamed.dtype = device, getattr(torch, self.model.dtype)
            return self.streamed
        weights = self.config.class_weights
        return Loader(
            self.train if weights is None else weighted_by_class(self.train, weights),
            self._batch_size or self.feed.batch_size * self.world.count,
            seed=self.model.seed,
            shuffle=self.feed.shuffle,
            sampling=self.feed.sampling,
            bucketing=self.feed.bucketing,
            steps_per_epoch=self.feed.steps_per_epoch,
            workers=self.feed.workers,
            drop_last=self.feed.drop_last,
            device=device,
            dtype=getattr(torch, self.model.dtype),
            share=(self.world.rank, self.world.count),
        )

    def evaluator(self, *, full: bool = False) -> Evaluator:
        """What judges the validation part, and later the test part.

        Args:
            full: Where no evaluation was chosen, judge by everything that fits, with ROC and calibration.
        """
        schema, device = self.train.schema, choose_device(self.config.device)
        pairs = pair_outputs(self.model.network.outputs, schema)
        plan = self.model.plan
        names = MetricNames(pairs, schema, self.evaluations, scores=plain_scores(plan), judges=own_judges(plan), full=full)
        # Judged in the weights' own precision: half of it would make the figures coarser, not the model.
        return Evaluator(
            names,
            device=device,
            precision=Precision("float32", device),
            batch_size=self.feed.evaluation_batch_size,
            with_loss=self.model.network.judges_samples,
            restore=None if self.model.preprocessing is None else self.model.preprocessing.restore_target,
        )

    def _callbacks(self) -> list[CallbackRun]:
        config = self.config
        found = callbacks_for(
            config.callbacks,
            early_stopping=config.early_stopping,
            checkpoints=config.checkpoints,
            progress=config.progress,
            kept=self.kept,
        )
        return [callback.start() for callback in found if self.world.leads or callback.everywhere]


@contextmanager
def refusing() -> Iterator[None]:
    """Before the first step nothing has failed yet: what is wrong then is wrong input."""
    try:
        yield
    except StartError:
        raise
    except TrainingError as error:
        raise StartError.of(error.problems) from error

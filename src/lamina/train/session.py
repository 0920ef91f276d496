"""One training of one model: loader, callbacks, evaluator and trainer put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from lamina.archive import WEIGHTS, Archive
from lamina.data.dataset import Dataset
from lamina.data.loader import Loader
from lamina.engine.device import choose_device
from lamina.engine.precision import Precision
from lamina.evaluate.evaluation import Evaluation
from lamina.evaluate.result import Report
from lamina.train.callbacks import CallbackRun, callbacks_for
from lamina.train.checkpoint import CheckpointStore
from lamina.train.config import TrainConfig
from lamina.train.evaluator import Evaluator
from lamina.train.metrics import MetricNames, pair_outputs
from lamina.train.run import RunDirectory
from lamina.train.state import TrainingState, restored_environment
from lamina.train.trainer import Trainer

if TYPE_CHECKING:
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
        directory: Where everything is kept.
    """

    model: Model
    history: Sequence[Mapping[str, float]] = ()
    stop_reason: str | None = None
    interrupted: int | None = None
    report: Report | None = None
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
            "evaluation": None if self.report is None else self.report.to_dict(),
        }

    def __str__(self) -> str:
        lines = [str(self.report)] if self.report is not None else []
        if self.stop_reason:
            lines.append(f"Stopped: {self.stop_reason}")
        if self.directory is not None:
            kept = "resume it with --resume" if self.interrupted is not None else f"the model is {self.directory.model}"
            lines.append(f"Run directory {self.directory.path}; {kept}")
        return "\n\n".join(lines)


@dataclass(frozen=True)
class Feed:
    """How the training part is fed.

    Attributes:
        batch_size: Samples a step.
        shuffle: Whether each epoch has an order of its own.
        workers: Threads that gather batches ahead.
        drop_last: Leave out the last batch of an epoch if it is smaller.
        evaluation_batch_size: Samples taken at once when judging.
    """

    batch_size: int = 32
    shuffle: bool = True
    workers: int = 0
    drop_last: bool = False
    evaluation_batch_size: int = 1024


@dataclass
class Session:
    """One training of one model: puts loader, callbacks, evaluator and trainer together.

    Attributes:
        model: What is trained; it knows the data's schema already.
        config: How.
        train: The training part.
        validation: The validation part.
        evaluations: How validation and test are judged; empty for what fits the targets.
        feed: How data are fed.
        directory: Where everything is kept.
    """

    model: Model
    config: TrainConfig
    train: Dataset
    validation: Dataset | None = None
    evaluations: Sequence[Evaluation] = ()
    feed: Feed = field(default_factory=Feed)
    directory: RunDirectory | None = None

    def run(self, *, resume: bool = False) -> Run:
        """Train, from the start or from the last good checkpoint of the run directory."""
        archive = self._checkpoint() if resume else None
        state = None if archive is None else TrainingState.read(archive)
        threads = self.config.threads or (None if state is None else state.values["threads"])
        with restored_environment(threads):
            trainer = self._trainer()
            if archive is not None and state is not None:
                self.model.load_parameters(archive.arrays(WEIGHTS))
                trainer.restore(state)
            trainer.run()
        return Run(
            self.model,
            history=trainer.history,
            stop_reason=trainer.stop_reason,
            interrupted=trainer.interrupted,
            directory=self.directory,
        )

    def _checkpoint(self) -> Archive | None:
        if self.directory is None:
            return None
        found = CheckpointStore(self.directory.checkpoints).latest_good()
        return None if found is None else Archive(found.path)

    def _trainer(self) -> Trainer:
        device = choose_device(self.config.device)
        loader = Loader(
            self.train,
            self.feed.batch_size,
            seed=self.model.seed,
            shuffle=self.feed.shuffle,
            workers=self.feed.workers,
            drop_last=self.feed.drop_last,
            device=device,
            dtype=getattr(torch, self.model.dtype),
        )
        return Trainer(
            self.model,
            self.config,
            loader,
            evaluator=self.evaluator(),
            validation=self.validation,
            callbacks=self._callbacks(),
            run_dir=self.directory,
        )

    def evaluator(self) -> Evaluator:
        """What judges the validation part, and later the test part."""
        schema, device = self.train.schema, choose_device(self.config.device)
        names = MetricNames(pair_outputs(self.model.network.outputs, schema), schema, self.evaluations)
        # Judged in the weights' own precision: half of it would make the figures coarser, not the model.
        return Evaluator(
            names,
            device=device,
            precision=Precision("float32", device),
            batch_size=self.feed.evaluation_batch_size,
            with_loss=self.model.network.judges_samples,
        )

    def _callbacks(self) -> list[CallbackRun]:
        config = self.config
        return [
            callback.start()
            for callback in callbacks_for(
                config.callbacks,
                early_stopping=config.early_stopping,
                checkpoints=config.checkpoints,
                progress=config.progress,
                kept=self.directory is not None,
            )
        ]

"""The ``train`` section of a recipe: how long, by which rule, with what on the side."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lamina.distribute.cluster import Cluster
from lamina.learning.averaging import Averaging
from lamina.learning.clipping import Clip
from lamina.learning.distillation import Distill
from lamina.learning.exchange import AllReduce, Exchange
from lamina.learning.mixing import Mix
from lamina.learning.optimizers import Adam, Optimizer
from lamina.learning.sharpness import Sharpness
from lamina.learning.truncation import Truncation
from lamina.spec import Description, wrong_value
from lamina.spec.fields import Count, listed
from lamina.train.callbacks import Callback, Checkpoint, EarlyStopping
from lamina.train.class_weights import ClassWeights
from lamina.train.pretraining import Pretrain

PrecisionName = Literal["auto", "float32", "float64", "bfloat16", "float16"]


class TrainConfig(Description):
    """How a network is trained.

    Attributes:
        epochs: Passes over the training set.
        max_steps: Stop after this many updates, even in the middle of an epoch.
        optimizer: How gradients become updates; a bare word takes its defaults.
        accumulate: So many batches make one update, the last of an epoch perhaps of fewer: one large batch, at the memory of a
            small one. Steps, schedules and triggers count updates.
        truncate: Cut sequences into pieces of so many steps, each with an update of its own, the memory carried from piece to piece.
        sharpness: Make steps aware of how sharp a minimum is, at twice the cost: ``sam``.
        mix: Mix the samples of each batch with each other: ``mixup`` or ``cutmix``.
        distill: Learn from a larger model too.
        class_weights: How much samples of each class count in the training loss: ``balanced``, or weights by label. Figures of
            validation and test are not weighted by it.
        averaging: Evaluate and keep an average of the weights: ``ema`` or ``swa``.
        clip: What is done to gradients that are too large; a number is the largest global norm.
        pretrain: Train layers without targets first, one after the other: those of restricted Boltzmann machines, autoencoders.
        early_stopping: Stop when a metric no longer improves; short for the callback of the same name.
        checkpoints: When the state of training is kept in the run directory; by default at every epoch, the last 2 and the best.
        callbacks: Anything else that watches or steers; one given here replaces the default one of its type.
        evaluate_every: Evaluate on the validation part every so many epochs (and after the last).
        cluster: Train on several processes, ``{type: local, workers: 4}``; each takes its share of every batch, and ``batch_size`` is that
            of one of them.
        exchange: How those processes learn together; ``all_reduce`` is the same as one process with all samples of the batch.
        device: ``auto`` (CUDA, then MPS, then CPU), ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        precision: ``float32``: the weights' own, float64 if the model was made so; ``float64``; ``bfloat16`` or ``float16``: autocast
            with float32 weights; ``auto``: bfloat16 where the hardware has units for it.
        threads: CPU threads torch computes with; None leaves torch's choice. Recorded, and restored on resume.
        progress: Show progress: a bar on a terminal, else one line an epoch.
    """

    epochs: Count = 10
    max_steps: Count | None = None
    optimizer: Optimizer = Adam()
    accumulate: Count = 1
    truncate: Truncation | None = None
    sharpness: Sharpness | None = None
    mix: Mix | None = None
    distill: Distill | None = None
    class_weights: ClassWeights | None = None
    averaging: Averaging | None = None
    clip: Clip | None = None
    pretrain: Pretrain | None = None
    early_stopping: EarlyStopping | None = None
    checkpoints: Checkpoint | None = None
    callbacks: listed(Callback) = ()  # type: ignore[valid-type]
    evaluate_every: Count = 1
    cluster: Cluster | None = None
    exchange: Exchange = AllReduce()
    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = "auto"
    precision: PrecisionName = "float32"
    threads: Count | None = None
    progress: bool = True

    @model_validator(mode="after")
    def _one_early_stopping(self) -> Self:
        if self.early_stopping is not None and any(isinstance(c, EarlyStopping) for c in self.callbacks):
            raise wrong_value(
                expected="early stopping once",
                cause="it stands under early_stopping and among the callbacks",
                fix="remove it from callbacks",
            )
        return self

    @model_validator(mode="after")
    def _distilling(self) -> Self:
        other = "truncate" if self.truncate is not None else "mix" if self.mix is not None else None
        if self.distill is not None and other is not None:
            raise wrong_value(
                expected=f"distill without {other}",
                cause="the teacher is asked about whole samples as they came",
                fix=f"remove distill, or {other}",
            )
        return self

    @model_validator(mode="after")
    def _truncating(self) -> Self:
        beside = {"accumulate": self.accumulate > 1, "sharpness": self.sharpness is not None, "mix": self.mix is not None}
        beside[f"optimizer {self.optimizer.type_name}"] = self.optimizer.searches
        other = next((name for name, asked in beside.items() if asked), None)
        if self.truncate is not None and other is not None:
            raise wrong_value(
                expected=f"truncate without {other}",
                cause="each piece makes one update from one look, and leaves the memory that the next one begins with",
                fix=f"remove truncate, or {other.split()[0]}",
            )
        return self

    @model_validator(mode="after")
    def _searching(self) -> Self:
        if not self.optimizer.searches:
            return self
        name = self.optimizer.type_name
        if self.clip is not None:
            raise wrong_value(
                expected=f"no clip beside {name}",
                cause="a clipped gradient is not that of the loss which is searched along a line",
                fix="remove clip; the line search keeps moves from being too large",
            )
        if self.sharpness is not None:
            raise wrong_value(
                expected=f"no sharpness beside {name}",
                cause="its gradient is taken at another point than the loss which is searched along a line",
                fix="remove sharpness, or take an optimiser such as sgd or adam",
            )
        if self.precision == "float16":
            raise wrong_value(
                expected=f"precision float32, float64 or bfloat16 beside {name}",
                cause="float16 scales the loss and leaves out steps, which a line search would take for the loss itself",
                fix="write precision: float32",
            )
        return self

    def all_callbacks(self) -> dict[str, Callback]:
        """Callbacks that were asked for, by their path in a recipe."""
        found: dict[str, Callback] = {}
        if self.early_stopping is not None:
            found["train.early_stopping"] = self.early_stopping
        if self.checkpoints is not None:
            found["train.checkpoints"] = self.checkpoints
        return found | {f"train.callbacks[{index}]": callback for index, callback in enumerate(self.callbacks)}

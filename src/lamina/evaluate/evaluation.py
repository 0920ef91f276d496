"""What every evaluation promises: metric names before any data, exact figures after any split of it."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self

from lamina.errors import EvaluationError, LaminaWarning, nearest
from lamina.evaluate.result import Result
from lamina.spec import Description

if TYPE_CHECKING:
    # Whoever only describes an evaluation needs no NumPy; accumulators do, and live in `lamina.evaluate.counting`.
    from numpy.typing import ArrayLike

Kind = Literal["classes", "numbers", "multilabel"]
"""What targets are: one class a sample, numbers, or several yes/no labels."""

STATE_VERSION = 1


class TargetLike(Protocol):
    """What an evaluation wants to know of a target before it sees any (`lamina.data` has such things)."""

    @property
    def kind(self) -> Any:
        """One of `Kind`."""

    @property
    def labels(self) -> tuple[str, ...] | None:
        """Names of the classes, labels or columns."""


class Evaluation(Description, family="evaluation"):
    """Base of all evaluations.

    An evaluation makes an `Accumulator`; batches go into it, accumulators of shards are merged, and its result is the same
    to the last bit however the samples were split and ordered.
    """

    judges: ClassVar[tuple[Kind, ...]] = ()
    """Kinds of target it can judge."""
    smaller_is_better: ClassVar[tuple[str, ...]] = ()
    """Metrics that are best when small, without what follows the slash."""
    columns: ClassVar[tuple[str, ...]] = ()
    """What the columns of the targets must mean, where predictions are one column about all of them; empty: each has its own."""

    def start(self, target: TargetLike | None = None, *, labels: Sequence[str] | None = None, width: int | None = None) -> Accumulator:
        """An empty accumulator.

        Args:
            target: What the targets are; gives the names of the classes, labels or columns. Without it they are taken to be
                of the first kind that the evaluation judges.
            labels: Names of the classes, labels or columns, in place of the target's.
            width: Number of classes, labels or columns; None to take it from the first batch.

        Raises:
            EvaluationError: EV008, if it can't judge such targets; EV004, if the names are not as many as the width.
        """
        names = self._names(target) if labels is None else tuple(map(str, labels))
        kind = self.judges[0] if target is None else target.kind
        if names is not None and width is not None and width != len(names) and not (width == 1 and len(names) == 2):
            raise EvaluationError(
                "EV004",
                where=f"evaluation {self.type_name!r}",
                expected=f"a model with {len(names)} outputs, one for each of the names {_few(names)}",
                got=f"{width} outputs",
                cause="the output layer and the target of the data disagree",
                fix=f"set the units of the output layer to {len(names)}",
            )
        return self._start(names, width, kind)

    def metric_names(self, target: TargetLike | None = None, *, width: int | None = None) -> list[str]:
        """Names of all figures that a result will hold, in order, known before any data.

        Raises:
            EvaluationError: EV008, if it can't judge such targets.
        """
        return self._metric_names(self._names(target), width)

    def better(self, metric: str) -> Literal["max", "min"]:
        """Whether a metric is best when large or when small.

        Raises:
            EvaluationError: EV009, if the evaluation has no such metric.
        """
        base = metric.split("/", 1)[0]
        known = [name for name in self._metric_names(None, 2) if "=" not in name]
        # What stands behind class= or column= is known to the data only.
        if metric.split("=", 1)[0] not in {name.split("=", 1)[0] for name in self._metric_names(None, 2)}:
            near = nearest(metric, known)
            raise EvaluationError(
                "EV009",
                where=f"metric {metric!r}",
                expected=f"a metric of the evaluation {self.type_name!r}: {', '.join(known)}",
                got=repr(metric),
                cause="a typo" if near else "another evaluation computes it, or none does",
                fix=f"did you mean {near!r}?" if near else "use one of the metrics above",
            )
        return "min" if base in self.smaller_is_better else "max"

    def _start(self, names: tuple[str, ...] | None, width: int | None, kind: Kind) -> Accumulator:
        raise NotImplementedError

    def _metric_names(self, names: tuple[str, ...] | None, width: int | None) -> list[str]:
        raise NotImplementedError

    def _names(self, target: TargetLike | None) -> tuple[str, ...] | None:
        if target is None:
            return None
        if target.kind not in self.judges:
            right = {"classes": "classification", "numbers": "regression", "multilabel": "multilabel"}
            raise EvaluationError(
                "EV008",
                where=f"evaluation {self.type_name!r}",
                expected=f"a target of kind {' or '.join(self.judges)}",
                got=f"a target of kind {target.kind}",
                cause="the evaluation was made for another kind of task",
                fix=f"write evaluate: {{type: {right.get(target.kind, 'regression')}}}",
            )
        return None if target.labels is None else tuple(str(label) for label in target.labels)


class Accumulator(ABC):
    """Counts and exact sums of what was seen so far.

    Attributes:
        evaluation: The description it was started from.
        names: Names of classes, labels or columns, if known.
        kind: What the targets are.
        width: How many there are; None before the first batch, if it was not given.
        samples: How many samples (or steps of sequences) were judged.
    """

    def __init__(self, evaluation: Evaluation, names: tuple[str, ...] | None, width: int | None, kind: Kind) -> None:
        self.evaluation = evaluation
        self.names = names
        self.kind: Kind = kind
        self.width: int | None = None
        self.samples = 0
        self._seen = 0
        if names is not None or width is not None:
            self._open(len(names) if names is not None else max(width or 0, self._least_width()))

    def update(self, predictions: ArrayLike, targets: ArrayLike, weight: ArrayLike | None = None) -> None:
        """Judge a batch.

        Args:
            predictions: What the model gave, samples along the first axis; see the evaluation for the shapes it takes.
            targets: What would have been right.
            weight: How much each sample (``[batch]``) or step (``[batch, steps]``) counts; None for all alike. What weighs 0
                is not looked at, so padding may hold anything.

        Raises:
            EvaluationError: If the batch can't be judged; the accumulator is then as it was before.
        """
        import numpy as np

        self._update(predictions, targets, weight)
        self._seen += len(np.asarray(predictions))

    def merge(self, other: Accumulator) -> Self:
        """Add all that another accumulator of the same evaluation holds; gives this one back.

        Raises:
            EvaluationError: EV005, if the other one was started from another evaluation or for other targets.
        """
        self._agree(other.evaluation.to_dict(full=True), other.kind, other.names, other.width)
        if other.width is not None:
            if self.width is None:
                self._open(other.width)
            self.names = self.names or other.names
            self.samples += other.samples
            self._merge(other)
        return self

    def result(self, *, quiet: bool = False) -> Result:
        """The figures so far.

        Args:
            quiet: Don't warn of figures that are 0 or undefined by convention; the result's notes still say so. Validation
                while training is quiet: in the first epochs some classes are never predicted.

        Raises:
            EvaluationError: EV007, if nothing was judged yet.
        """
        if not self.samples:
            raise EvaluationError(
                "EV007",
                where=f"evaluation {self.evaluation.type_name!r}",
                expected="at least one sample with a weight above 0",
                got="none",
                cause="the data set or split is empty, or every sample is masked",
                fix="give the evaluation data: check the source and the size of the split",
            )
        result = self._result()
        if not quiet:
            for caution in result.cautions:
                warnings.warn(str(caution), LaminaWarning, stacklevel=2)
        return result

    def state_dict(self) -> dict[str, Any]:
        """All that was counted, as plain data (JSON) and NumPy arrays."""
        return {
            "version": STATE_VERSION,
            "evaluation": self.evaluation.to_dict(full=True),
            "kind": self.kind,
            "names": None if self.names is None else list(self.names),
            "width": self.width,
            "samples": self.samples,
            "counts": {} if self.width is None else self._state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> Self:
        """Take over a saved state; what was here is forgotten.

        Raises:
            EvaluationError: EV005, if the state is that of another evaluation.
        """
        names = None if state["names"] is None else tuple(state["names"])
        self._agree(state["evaluation"], state["kind"], names, state["width"])
        self.samples = int(state["samples"])
        self.names = names
        self.width = None
        if state["width"] is not None:
            self._open(int(state["width"]))
            self._load(state["counts"])
        return self

    def label(self, index: int) -> str:
        """Name of a class, label or column."""
        return str(index) if self.names is None else self.names[index]

    def _least_width(self) -> int:
        """A single output of a classifier stands for two classes; theirs override this."""
        return 1

    def _agree(self, evaluation: Any, kind: Kind, names: tuple[str, ...] | None, width: int | None) -> None:
        """Refuse what was started otherwise than this one."""
        pairs: list[tuple[str, Any, Any]] = [
            ("evaluation", self.evaluation.to_dict(full=True), evaluation),
            ("kind of target", self.kind, kind),
            ("names", self.names, names),
            ("number of classes, labels or columns", self.width, width),
        ]
        for what, own, other in pairs:
            if own is not None and other is not None and own != other:
                raise EvaluationError(
                    "EV005",
                    where=f"evaluation {self.evaluation.type_name!r}, {what}",
                    expected=str(own),
                    got=str(other),
                    cause="the two were started from different recipes, or for different targets",
                    fix="start every shard from the same evaluation and the same target",
                )

    @abstractmethod
    def _open(self, width: int) -> None:
        """Set `width` and make empty counts for it."""

    @abstractmethod
    def _update(self, predictions: ArrayLike, targets: ArrayLike, weight: ArrayLike | None) -> None: ...

    @abstractmethod
    def _merge(self, other: Any) -> None: ...

    @abstractmethod
    def _result(self) -> Result: ...

    @abstractmethod
    def _state(self) -> dict[str, Any]: ...

    @abstractmethod
    def _load(self, state: Mapping[str, Any]) -> None: ...


def _few(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:8])
    return shown if len(names) <= 8 else f"{shown} ... ({len(names)})"

"""Several evaluations over one pass of the data, and which ones suit a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from lamina.errors import EvaluationError
from lamina.evaluate.calibration import Calibration
from lamina.evaluate.classification import Classification
from lamina.evaluate.evaluation import Accumulator, Evaluation, Kind, TargetLike
from lamina.evaluate.multilabel import Multilabel
from lamina.evaluate.regression import Regression
from lamina.evaluate.result import Report, full_names
from lamina.evaluate.roc import Roc

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def default_evaluation(kind: Kind) -> Evaluation:
    """The one evaluation that suits a kind of target: what validation in training computes.

    Raises:
        EvaluationError: EV008, if there is no such kind.

    Example:
        >>> default_evaluation("numbers")
        Regression()
    """
    found: dict[str, Evaluation] = {"classes": Classification(), "numbers": Regression(), "multilabel": Multilabel()}
    if kind not in found:
        raise EvaluationError(
            "EV008",
            where="default evaluation",
            expected=f"a target of kind {', '.join(found)}",
            got=repr(kind),
            cause="nothing here judges such targets",
            fix="name an evaluation in the recipe's evaluate section",
        )
    return found[kind]


def default_report(kind: Kind) -> tuple[Evaluation, ...]:
    """All evaluations of a full report for a kind of target: with ROC and calibration where there are probabilities."""
    first = default_evaluation(kind)
    return (first,) if kind == "numbers" else (first, Roc(), Calibration())


class Suite:
    """Accumulators of several evaluations, fed together; their results make a `Report`.

    Attributes:
        accumulators: The accumulators by the name of their evaluation (``roc``, and ``roc_2`` for a second one).

    Example:
        >>> suite = Suite.start(default_report("classes"))
        >>> suite.update([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], [0, 1, 1])
        >>> report = suite.result()
        >>> report["accuracy"], report["roc_auc"]
        (0.6666666666666666, 1.0)
    """

    def __init__(self, accumulators: Mapping[str, Accumulator]) -> None:
        self.accumulators = dict(accumulators)

    @classmethod
    def start(cls, evaluations: Sequence[Evaluation], target: TargetLike | None = None, *, width: int | None = None) -> Suite:
        """Empty accumulators, see `Evaluation.start`."""
        return cls({name: evaluation.start(target, width=width) for name, evaluation in named_evaluations(evaluations).items()})

    def update(self, predictions: ArrayLike, targets: ArrayLike, weight: ArrayLike | None = None) -> None:
        """Judge a batch, see `Accumulator.update`."""
        for accumulator in self.accumulators.values():
            accumulator.update(predictions, targets, weight)

    def merge(self, other: Suite) -> Self:
        """Add all that another suite of the same evaluations holds.

        Raises:
            EvaluationError: EV005, if the evaluations differ.
        """
        self._agree(list(other.accumulators))
        for name, accumulator in self.accumulators.items():
            accumulator.merge(other.accumulators[name])
        return self

    def result(self, *, quiet: bool = False) -> Report:
        """The results so far, see `Accumulator.result`."""
        return Report({name: accumulator.result(quiet=quiet) for name, accumulator in self.accumulators.items()})

    def state_dict(self) -> dict[str, Any]:
        """All that was counted."""
        return {name: accumulator.state_dict() for name, accumulator in self.accumulators.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> Self:
        """Take over a saved state.

        Raises:
            EvaluationError: EV005, if it is that of other evaluations.
        """
        self._agree(list(state))
        for name, accumulator in self.accumulators.items():
            accumulator.load_state_dict(state[name])
        return self

    def _agree(self, names: list[str]) -> None:
        if sorted(names) != sorted(self.accumulators):
            raise EvaluationError(
                "EV005",
                where="several evaluations",
                expected=", ".join(self.accumulators),
                got=", ".join(names),
                cause="the two were started from different recipes",
                fix="start every shard from the same evaluations",
            )


def report_metric_names(evaluations: Sequence[Evaluation], target: TargetLike | None = None, *, width: int | None = None) -> list[str]:
    """Names of all figures of the `Report` that a `Suite` of these evaluations makes, known before any data."""
    names = full_names({key: rule.metric_names(target, width=width) for key, rule in named_evaluations(evaluations).items()})
    return [full for group in names.values() for full in group.values()]


def named_evaluations(evaluations: Sequence[Evaluation]) -> dict[str, Evaluation]:
    """Evaluations by their type; a second one of a type is called ``roc_2``."""
    found: dict[str, Evaluation] = {}
    for evaluation in evaluations:
        base = evaluation.type_name or type(evaluation).__name__.lower()
        name, number = base, 1
        while name in found:
            number += 1
            name = f"{base}_{number}"
        found[name] = evaluation
    return found

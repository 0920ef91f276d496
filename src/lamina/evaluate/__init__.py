"""Judging a model: mergeable counts and exact sums, never means of means. Torch is never loaded, NumPy only to count."""

from lamina.evaluate.calibration import Calibration
from lamina.evaluate.classification import Classification
from lamina.evaluate.concordance import Concordance
from lamina.evaluate.evaluation import Accumulator, Evaluation, TargetLike
from lamina.evaluate.multilabel import Multilabel
from lamina.evaluate.regression import Regression
from lamina.evaluate.result import Report, Result
from lamina.evaluate.roc import Roc
from lamina.evaluate.suite import Suite, default_evaluation, default_report, report_metric_names

__all__ = [
    "Accumulator",
    "Calibration",
    "Classification",
    "Concordance",
    "Evaluation",
    "Multilabel",
    "Regression",
    "Report",
    "Result",
    "Roc",
    "Suite",
    "TargetLike",
    "default_evaluation",
    "default_report",
    "report_metric_names",
]

"""Judging a model: mergeable counts and exact sums, never means of means. NumPy only; torch is never loaded."""

from lamina.evaluate.classification import Classification
from lamina.evaluate.evaluation import Accumulator, Evaluation, TargetLike
from lamina.evaluate.multilabel import Multilabel
from lamina.evaluate.regression import Regression
from lamina.evaluate.result import Report, Result

__all__ = ["Accumulator", "Classification", "Evaluation", "Multilabel", "Regression", "Report", "Result", "TargetLike"]

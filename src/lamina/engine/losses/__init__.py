"""How torch computes the losses; importing this fills the table."""

from lamina.engine.losses import classification, detection, distribution, embedding, margin, overlap, regression, sequence, survival
from lamina.engine.losses.function import BatchLoss, LossFunction, Positions, SampleLoss, computes, loss_function
from lamina.engine.losses.targets import check_targets

__all__ = [
    "BatchLoss",
    "LossFunction",
    "Positions",
    "SampleLoss",
    "check_targets",
    "classification",
    "computes",
    "detection",
    "distribution",
    "embedding",
    "loss_function",
    "margin",
    "overlap",
    "regression",
    "sequence",
    "survival",
]

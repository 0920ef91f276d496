"""How torch computes the losses; importing this fills the table."""

from lamina.engine.losses import classification, distribution, regression
from lamina.engine.losses.function import LossFunction, Positions, computes, loss_function
from lamina.engine.losses.targets import check_targets

__all__ = [
    "LossFunction",
    "Positions",
    "check_targets",
    "classification",
    "computes",
    "distribution",
    "loss_function",
    "regression",
]

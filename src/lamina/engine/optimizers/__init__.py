"""Optimisers, runnable: each rule one fused or vectorised pass over the flat vector of parameters."""

from lamina.engine.optimizers import adam, adaptive, matrices, momentum, search, sign
from lamina.engine.optimizers.clipping import clipper, clips
from lamina.engine.optimizers.run import Group, OptimizerRun, optimizer_for, updates

__all__ = [
    "Group",
    "OptimizerRun",
    "adam",
    "adaptive",
    "clipper",
    "clips",
    "matrices",
    "momentum",
    "optimizer_for",
    "search",
    "sign",
    "updates",
]

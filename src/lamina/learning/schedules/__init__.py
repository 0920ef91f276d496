"""Schedules: numbers that change in the course of training, above all the learning rate. Pure arithmetic on step and epoch.

A schedule gives the value itself, not a factor: ``Adam(Cosine(3e-3))`` starts at 0.003. It may stand wherever an optimiser
takes ``float | Schedule``. All count from 0: the first update of a run sees step 0 and epoch 0.
"""

from lamina.learning.schedules.cycles import Cosine, Cycle, OneCycle, Triangular
from lamina.learning.schedules.decay import Exponential, Fixed, Inverse, Linear, MapSchedule, MultiStep, Poly, Sigmoid, Step
from lamina.learning.schedules.schedule import Rate, Schedule, Unit, value_of
from lamina.learning.schedules.warm_up import InverseSqrt, Noam, Ramp, SequenceSchedule, WarmUp

__all__ = [
    "Cosine",
    "Cycle",
    "Exponential",
    "Fixed",
    "Inverse",
    "InverseSqrt",
    "Linear",
    "MapSchedule",
    "MultiStep",
    "Noam",
    "OneCycle",
    "Poly",
    "Ramp",
    "Rate",
    "Schedule",
    "SequenceSchedule",
    "Sigmoid",
    "Step",
    "Triangular",
    "Unit",
    "WarmUp",
    "value_of",
]

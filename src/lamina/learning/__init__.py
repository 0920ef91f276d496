"""How a network learns, as descriptions: optimisers, schedules, clipping, averages and other ways of learning. No torch.

What searches along a line is imported when one of its classes, or one of its types in a file, is first named.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lamina.learning.averaging import Averaging, Ema, Swa
from lamina.learning.clipping import Clip, ClipNorm, ClipValue, Renormalize
from lamina.learning.mixing import CutMix, Mix, Mixup
from lamina.learning.optimizers import (
    AdaBelief,
    AdaDelta,
    AdaGrad,
    Adam,
    AdaMax,
    AdamW,
    AmsGrad,
    Lion,
    Nadam,
    Nesterov,
    Optimizer,
    RAdam,
    RmsProp,
    Rprop,
    Sgd,
)
from lamina.learning.schedules import (
    Cosine,
    Cycle,
    Exponential,
    Fixed,
    Inverse,
    InverseSqrt,
    Linear,
    MapSchedule,
    MultiStep,
    Noam,
    OneCycle,
    Poly,
    Ramp,
    Schedule,
    SequenceSchedule,
    Sigmoid,
    Step,
    Triangular,
    WarmUp,
)
from lamina.learning.sharpness import Sam, Sharpness
from lamina.learning.truncation import Truncation

if TYPE_CHECKING:
    from lamina.learning.line_search import Backtracking, FixedStep, LineSearch, StrongWolfe
    from lamina.learning.matrices import Adafactor, Lamb, Muon
    from lamina.learning.searching import ConjugateGradient, Lbfgs, LineGradientDescent, SearchOptimizer

__all__ = [
    "CutMix",
    "Mix",
    "Mixup",
    "Averaging",
    "Ema",
    "Swa",
    "Sam",
    "Sharpness",
    "AdaBelief",
    "AdaDelta",
    "AdaGrad",
    "AdaMax",
    "Adam",
    "AdamW",
    "AmsGrad",
    "Clip",
    "ClipNorm",
    "ClipValue",
    "Cosine",
    "Cycle",
    "Exponential",
    "Fixed",
    "Inverse",
    "InverseSqrt",
    "Linear",
    "Lion",
    "MapSchedule",
    "MultiStep",
    "Nadam",
    "Nesterov",
    "Noam",
    "OneCycle",
    "Optimizer",
    "Poly",
    "Ramp",
    "Renormalize",
    "RAdam",
    "RmsProp",
    "Rprop",
    "Schedule",
    "SequenceSchedule",
    "Sgd",
    "Sigmoid",
    "Step",
    "Triangular",
    "WarmUp",
    "Backtracking",
    "FixedStep",
    "LineSearch",
    "StrongWolfe",
    "ConjugateGradient",
    "Lbfgs",
    "LineGradientDescent",
    "SearchOptimizer",
    "Truncation",
    "Adafactor",
    "Lamb",
    "Muon",
]

_LATER = {
    "Adafactor": "matrices",
    "Lamb": "matrices",
    "Muon": "matrices",
    "Backtracking": "line_search",
    "ConjugateGradient": "searching",
    "FixedStep": "line_search",
    "Lbfgs": "searching",
    "LineGradientDescent": "searching",
    "LineSearch": "line_search",
    "SearchOptimizer": "searching",
    "StrongWolfe": "line_search",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message, name=name)
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)

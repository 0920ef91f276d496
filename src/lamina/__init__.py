"""Lamina: describe a network once, check it, train it, judge it and keep it whole.

Everything here is loaded when it is first used: ``import lamina`` costs nothing and never loads torch. Type checkers read
``__init__.pyi`` instead; a test holds that both name the same.
"""

from __future__ import annotations

import importlib
from typing import Any

from lamina.version import __version__ as __version__

_NAMES: dict[str, str] = {
    "lamina.data.dataset": "Dataset",
    "lamina.distribute.cluster": "Local",
    "lamina.errors": "LaminaError LaminaWarning",
    "lamina.learning.clipping": "ClipNorm ClipValue",
    "lamina.learning.optimizers": "AdaBelief AdaDelta AdaGrad AdaMax Adam AdamW AmsGrad Lion Nadam Nesterov RmsProp Sgd",
    "lamina.model": "Model load",
    "lamina.network.graph": "Graph",
    "lamina.network.layers": (
        "ActivationLayer AvgPool1d AvgPool2d AvgPool3d BatchNorm Bidirectional Conv1d Conv2d Conv3d ConvTranspose2d Dense"
        " DepthwiseConv2d Dropout Embedding Flatten GRU GlobalAvgPool GlobalMaxPool IdentityLayer LSTM LastStep LayerNorm LossLayer"
        " MaxPool1d MaxPool2d MaxPool3d Module Output PReLU Permute Reshape SeparableConv2d SimpleRNN"
    ),
    "lamina.network.defaults": "Defaults",
    "lamina.network.sequential": "Sequential",
    "lamina.network.vertices": "Add Average Concat Max Multiply Scale Subtract",
    "lamina.start": "Featurizer start_from",
    "lamina.transfer": "Transfer",
    "lamina.shapes": "features image sequence series tokens volume",
    "lamina.train.callbacks": "Checkpoint EarlyStopping",
    "lamina.train.recipe": "Recipe",
    "lamina.train.triggers": "every",
}
"""Module to the names that the front door takes from it."""

_MODULES: dict[str, str] = {
    "lamina": "custom data errors evaluate generation interop learning network shapes spec testing train unsupervised zoo",
    "lamina.learning": "optimizers schedules",
    "lamina.network": "activations constraints initializers layers losses noise vertices",
    "lamina.train": "callbacks",
}
"""Package to those of its modules that stand at the front door."""

_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}
_ROOMS = {name: f"{package}.{name}" for package, names in _MODULES.items() for name in names.split()}

__all__ = sorted([*_HOME, *_ROOMS, "__version__"])


def __getattr__(name: str) -> Any:
    if name in _HOME:
        found: Any = getattr(importlib.import_module(_HOME[name]), name)
    elif name in _ROOMS:
        found = importlib.import_module(_ROOMS[name])
    else:
        message = f"module 'lamina' has no attribute {name!r}"
        raise AttributeError(message, name=name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__

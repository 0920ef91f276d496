"""The steps that a pipeline can have. A module is imported when one of its steps is named."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lamina.spec import registry

if TYPE_CHECKING:
    from lamina.data.pipeline.steps.choosing import Drop as Drop
    from lamina.data.pipeline.steps.choosing import Rename as Rename
    from lamina.data.pipeline.steps.choosing import Select as Select
    from lamina.data.pipeline.steps.deriving import Derive as Derive
    from lamina.data.pipeline.steps.rows import Filter as Filter
    from lamina.data.pipeline.steps.rows import Sort as Sort

_STEPS: dict[str, dict[str, str]] = {
    "choosing": {"select": "Select", "drop": "Drop", "rename": "Rename"},
    "deriving": {"derive": "Derive"},
    "rows": {"filter": "Filter", "sort": "Sort"},
}
"""Module to its steps: what they are called in files, and their classes."""

registry.announce("step", {name: f"{__name__}.{module}" for module, steps in _STEPS.items() for name in steps})
_HOME = {kind: f"{__name__}.{module}" for module, steps in _STEPS.items() for kind in steps.values()}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message, name=name)
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__

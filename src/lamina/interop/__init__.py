"""Models of other systems: read, proven, and made ordinary models of.

Everything here is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_NAMES = {
    "lamina.interop.converters": "converter",
    "lamina.interop.exporting": "Exported Exporter Subject Written export exporter exporters",
    "lamina.interop.format": "Format formats",
    "lamina.interop.given": "Given",
    "lamina.interop.imported": "Imported Options",
    "lamina.interop.loading": "inspect load read",
    "lamina.interop.proof": "Proof verify",
    "lamina.interop.report": "Report",
    "lamina.interop.vectors": "load_vectors",
    "lamina.origin": "Layout Learning Origin",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message, name=name)
    found: Any = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__

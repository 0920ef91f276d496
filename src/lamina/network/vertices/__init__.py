"""All vertices: layers of several inputs, and the small ones that stand between branches of a graph.

As with layers, a module is imported when one of its classes, or one of its types in a file, is first named. A new module gets
a line in `_VERTICES` and its imports below ``TYPE_CHECKING``; a test holds that both are complete.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lamina.spec import registry

if TYPE_CHECKING:
    from lamina.network.vertices.concat import Concat as Concat
    from lamina.network.vertices.elementwise import Add as Add
    from lamina.network.vertices.elementwise import Average as Average
    from lamina.network.vertices.elementwise import Elementwise as Elementwise
    from lamina.network.vertices.elementwise import Max as Max
    from lamina.network.vertices.elementwise import Multiply as Multiply
    from lamina.network.vertices.elementwise import Subtract as Subtract
    from lamina.network.vertices.scale import Scale as Scale
    from lamina.network.vertices.vertex import Vertex as Vertex

_VERTICES: dict[str, str] = {
    "concat": "Concat=concat",
    "elementwise": "Elementwise Add=add Average=average Max=max Multiply=multiply Subtract=subtract",
    "scale": "Scale=scale",
    "vertex": "Vertex",
}
"""Module of this package to its public classes, each with the type it is registered as, if it is."""

_HOME = {word.partition("=")[0]: f"{__name__}.{module}" for module, words in _VERTICES.items() for word in words.split()}

registry.announce(
    "layer",
    {word.partition("=")[2]: f"{__name__}.{module}" for module, words in _VERTICES.items() for word in words.split() if "=" in word},
)

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

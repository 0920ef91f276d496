"""All vertices: layers of several inputs, and the small ones that stand between branches of a graph.

As with layers, a module is imported when one of its classes, or one of its types in a file, is first named. A new module gets
a line in `_VERTICES` and its imports below ``TYPE_CHECKING``; a test holds that both are complete.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lamina.spec import registry

if TYPE_CHECKING:
    from lamina.network.vertices.bilinear import Bilinear as Bilinear
    from lamina.network.vertices.concat import Concat as Concat
    from lamina.network.vertices.dot import Dot as Dot
    from lamina.network.vertices.elementwise import Add as Add
    from lamina.network.vertices.elementwise import Average as Average
    from lamina.network.vertices.elementwise import Elementwise as Elementwise
    from lamina.network.vertices.elementwise import Max as Max
    from lamina.network.vertices.elementwise import Min as Min
    from lamina.network.vertices.elementwise import Multiply as Multiply
    from lamina.network.vertices.elementwise import Subtract as Subtract
    from lamina.network.vertices.gather import Gather as Gather
    from lamina.network.vertices.operators import Body as Body
    from lamina.network.vertices.operators import Operator as Operator
    from lamina.network.vertices.operators import Operators as Operators
    from lamina.network.vertices.operators import Pick as Pick
    from lamina.network.vertices.operators import Stored as Stored
    from lamina.network.vertices.pool_helper import PoolHelper as PoolHelper
    from lamina.network.vertices.scale import Scale as Scale
    from lamina.network.vertices.scale import Shift as Shift
    from lamina.network.vertices.similarity import Comparison as Comparison
    from lamina.network.vertices.similarity import CosineSimilarity as CosineSimilarity
    from lamina.network.vertices.similarity import L2Distance as L2Distance
    from lamina.network.vertices.similarity import L2Normalize as L2Normalize
    from lamina.network.vertices.similarity import PairwiseDistance as PairwiseDistance
    from lamina.network.vertices.slice import Slice as Slice
    from lamina.network.vertices.slice import Split as Split
    from lamina.network.vertices.stack import Stack as Stack
    from lamina.network.vertices.stack import Unstack as Unstack
    from lamina.network.vertices.steps import DuplicateToSteps as DuplicateToSteps
    from lamina.network.vertices.steps import ReverseSteps as ReverseSteps
    from lamina.network.vertices.vertex import AlongAxis as AlongAxis
    from lamina.network.vertices.vertex import Vertex as Vertex

_VERTICES: dict[str, str] = {
    "bilinear": "Bilinear=bilinear",
    "concat": "Concat=concat",
    "dot": "Dot=dot",
    "elementwise": "Elementwise Add=add Average=average Max=max Min=min Multiply=multiply Subtract=subtract",
    "gather": "Gather=gather",
    "operators": "Body Operator Operators=operators Pick=pick Stored",
    "pool_helper": "PoolHelper=pool_helper",
    "scale": "Scale=scale Shift=shift",
    "similarity": (
        "Comparison CosineSimilarity=cosine_similarity L2Distance=l2_distance L2Normalize=l2_normalize PairwiseDistance=pairwise_distance"
    ),
    "slice": "Slice=slice Split=split",
    "stack": "Stack=stack Unstack=unstack",
    "steps": "DuplicateToSteps=duplicate_to_steps ReverseSteps=reverse_steps",
    "vertex": "AlongAxis Vertex",
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

"""The steps that a pipeline can have. A module is imported when one of its steps is named."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lamina.spec import registry

if TYPE_CHECKING:
    from lamina.data.pipeline.steps.arrays import Elements as Elements
    from lamina.data.pipeline.steps.arrays import EncodeList as EncodeList
    from lamina.data.pipeline.steps.arrays import Explode as Explode
    from lamina.data.pipeline.steps.categories import Categorical as Categorical
    from lamina.data.pipeline.steps.categories import IntegerEncode as IntegerEncode
    from lamina.data.pipeline.steps.categories import OneHot as OneHot
    from lamina.data.pipeline.steps.choosing import Drop as Drop
    from lamina.data.pipeline.steps.choosing import Rename as Rename
    from lamina.data.pipeline.steps.choosing import Select as Select
    from lamina.data.pipeline.steps.deriving import Derive as Derive
    from lamina.data.pipeline.steps.grouping import Distinct as Distinct
    from lamina.data.pipeline.steps.grouping import GroupBy as GroupBy
    from lamina.data.pipeline.steps.grouping import Join as Join
    from lamina.data.pipeline.steps.grouping import Pivot as Pivot
    from lamina.data.pipeline.steps.missing import DropMissing as DropMissing
    from lamina.data.pipeline.steps.missing import FillMissing as FillMissing
    from lamina.data.pipeline.steps.ranges import Bucketize as Bucketize
    from lamina.data.pipeline.steps.rows import Filter as Filter
    from lamina.data.pipeline.steps.rows import Sort as Sort
    from lamina.data.pipeline.steps.scaling import Normalize as Normalize
    from lamina.data.pipeline.steps.sequences import FromSequence as FromSequence
    from lamina.data.pipeline.steps.sequences import PadSequence as PadSequence
    from lamina.data.pipeline.steps.sequences import ReduceSequence as ReduceSequence
    from lamina.data.pipeline.steps.sequences import SplitSequence as SplitSequence
    from lamina.data.pipeline.steps.sequences import ToSequence as ToSequence
    from lamina.data.pipeline.steps.sequences import TrimSequence as TrimSequence
    from lamina.data.pipeline.steps.targets import TargetEncode as TargetEncode
    from lamina.data.pipeline.steps.values import Apply as Apply
    from lamina.data.pipeline.steps.values import MapValues as MapValues
    from lamina.data.pipeline.steps.values import MultiHot as MultiHot
    from lamina.data.pipeline.steps.windows import TimeWindows as TimeWindows
    from lamina.data.pipeline.steps.windows import Window as Window

_STEPS: dict[str, dict[str, str]] = {
    "arrays": {"encode_list": "EncodeList", "elements": "Elements", "explode": "Explode"},
    "categories": {"categorical": "Categorical", "integer_encode": "IntegerEncode", "one_hot": "OneHot"},
    "choosing": {"select": "Select", "drop": "Drop", "rename": "Rename"},
    "deriving": {"derive": "Derive"},
    "grouping": {"distinct": "Distinct", "group_by": "GroupBy", "join": "Join", "pivot": "Pivot"},
    "missing": {"fill_missing": "FillMissing", "drop_missing": "DropMissing"},
    "ranges": {"bucketize": "Bucketize"},
    "rows": {"filter": "Filter", "sort": "Sort"},
    "scaling": {"normalize": "Normalize"},
    "sequences": {
        "to_sequence": "ToSequence",
        "from_sequence": "FromSequence",
        "split_sequence": "SplitSequence",
        "trim_sequence": "TrimSequence",
        "pad_sequence": "PadSequence",
        "reduce_sequence": "ReduceSequence",
    },
    "targets": {"target_encode": "TargetEncode"},
    "values": {"apply": "Apply", "map_values": "MapValues", "multi_hot": "MultiHot"},
    "windows": {"window": "Window", "time_windows": "TimeWindows"},
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

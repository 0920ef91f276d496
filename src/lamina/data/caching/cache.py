"""What a cache is: it keeps samples that cost something to make and are the same every time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BeforeValidator, WithJsonSchema

from lamina.errors import DataError
from lamina.spec import Description, wrong_value

if TYPE_CHECKING:
    from lamina.data.caching.keeper import Keeper
    from lamina.data.dataset import Dataset

WHERE = "data.cache"
_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}


def _bytes(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    text = value.strip().lower() if isinstance(value, str) else ""
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyz").strip()
    unit = text[len(text.rstrip("abcdefghijklmnopqrstuvwxyz")) :]
    try:
        found = int(float(digits) * _UNITS[unit])
    except (ValueError, KeyError, OverflowError):
        found = 0
    if found < 1:
        raise wrong_value(
            expected="a number of bytes, or a size such as 2 GB or 512 MiB",
            cause="the unit is unknown, or it is no number",
            fix="write for example limit: 4 GB",
        )
    return found


Bytes = Annotated[int, BeforeValidator(_bytes), WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]})]
"""A number of bytes; as text with a unit, such as ``2 GB``."""


class Cache(Description, family="cache"):
    """Base of all caches.

    What is kept is what is the same in every epoch: decoded images, say, before they are flipped by chance. What is drawn anew each
    time stays to be made.
    """

    def start(self) -> Keeper:
        """Get ready to keep samples."""
        raise NotImplementedError(type(self).__name__)

    def resolve_paths(self, base: Path) -> Self:
        """The same cache with paths relative to the folder of the recipe made absolute."""
        return self


def nothing_to_keep(dataset: Dataset) -> DataError:
    """DA188, for data of which nothing is made that stays the same."""
    made = [f"{name!r}" for name, array in (*dataset.inputs.items(), *dataset.targets.items()) if isinstance(array, _lazy())]
    return unkeepable(
        got=f"{', '.join(made)}, drawn anew every time" if made else "data that are in memory, or read as they are",
        cause="what is drawn can't be kept, and what is drawn from can't be told from it" if made else "nothing is made of them",
        fix="leave cache out",
    )


def _lazy() -> type:
    from lamina.data.lazy import LazyArray

    return LazyArray


def unkeepable(*, got: str, cause: str, fix: str) -> DataError:
    """DA188: the samples can't be kept."""
    return DataError(
        "DA188", where=WHERE, expected="samples that cost something to make and are the same every time", got=got, cause=cause, fix=fix
    )

"""A data set whose samples are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from lamina.data.caching.cache import Cache, nothing_to_keep
from lamina.spec import Document

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset

D = TypeVar("D", bound="Dataset")


def keep_samples(dataset: D, cache: Cache | str) -> D:
    """The data set with what is made anew, and is the same every time, kept once it has been made.

    Raises:
        DataError: DA188, if there is nothing to keep, or it can't be kept.
    """
    described = cache if isinstance(cache, Cache) else Cache.from_document(Document(cache, "cache"))
    keeper = described.start()
    made = dataset.kept(keeper)
    if not keeper.kept:
        raise nothing_to_keep(dataset)
    return made

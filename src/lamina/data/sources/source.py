"""What a source of data is: it says what it holds before it reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from lamina.data.schema import DataSchema
from lamina.spec import Description

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset
    from lamina.data.normalizers import Normalizer


@dataclass(frozen=True)
class Partitions:
    """What a source gives.

    Attributes:
        train: Samples, to be split further by the recipe.
        test: Samples that the source itself sets aside, as MNIST does.
    """

    train: Dataset
    test: Dataset | None = None


class Source(Description, family="source"):
    """Base of all sources of data."""

    def schema(self) -> DataSchema:
        """What the data hold, without reading more of them than that takes.

        Raises:
            DataError: If the data can't be found or described.
        """
        raise NotImplementedError(type(self).__name__)

    def read(self) -> Partitions:
        """Read everything.

        Raises:
            DataError: If the data can't be found or are damaged.
        """
        raise NotImplementedError(type(self).__name__)

    def read_like(self, training: Dataset) -> Dataset:
        """Everything as one test part for data that were trained on; tables are read with the columns of training."""
        return self.read().train

    def normalizer(self) -> Normalizer | None:
        """How inputs are scaled unless the recipe says otherwise: pixels have a known range, measurements have none."""
        return None

    @property
    def has_test(self) -> bool:
        """Whether `read` gives a test part of its own."""
        return False

    def resolve_paths(self, base: Path) -> Self:
        """The same source with paths relative to the folder of the recipe made absolute."""
        return self

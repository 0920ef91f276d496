"""Samples drawn by their classes: rare ones more often, frequent ones less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from lamina.data.sampling.sampling import Amount, Drawing, Sampling, classes_of, counted, numbers_of
from lamina.data.sampling.weighted import ByWeight
from lamina.spec import register

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset
    from lamina.data.orders import Order
    from lamina.data.schema import DataSchema

Ratio = Annotated[float, Field(gt=0, le=1)]


class ByClasses(Sampling):
    """Base of sampling by the class of each sample.

    Attributes:
        target: Whose classes, where there are several targets.
    """

    target: str | None = None

    @property
    def balances(self) -> bool:
        return True

    def check(self, schema: DataSchema) -> None:
        classes_of(schema, str(self.type_name), self.target)

    def _numbers(self, dataset: Dataset) -> np.ndarray:
        numbers: np.ndarray = numbers_of(dataset, classes_of(dataset.schema, str(self.type_name), self.target))
        return numbers


@register("balanced")
class Balanced(ByClasses):
    """Every class is drawn equally often; within a class every sample as often as the others, as evenly as whole numbers can.

    Attributes:
        samples: How many an epoch has: a number, or a fraction of all; by default as many as there are.
    """

    samples: Amount | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(samples=60)]

    def start(self, dataset: Dataset, seed: int) -> Drawing:
        import numpy as np

        numbers = self._numbers(dataset)
        counts = np.bincount(numbers)
        return ByWeight(1.0 / counts[numbers], counted(self.samples, len(dataset)), seed, numbers)


@register("oversample")
class Oversample(ByClasses):
    """All samples; those of rarer classes again and again until there are as many as of the most frequent class.

    Attributes:
        ratio: Of the most frequent class, the part that every class comes up to.
    """

    ratio: Ratio = 1.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(ratio=0.5)]

    def start(self, dataset: Dataset, seed: int) -> Drawing:
        import numpy as np

        numbers = self._numbers(dataset)
        counts = np.bincount(numbers)
        least = round(self.ratio * counts.max())
        return Rounds(numbers, np.where(counts > 0, np.maximum(counts, least), 0), seed)


@register("undersample")
class Undersample(ByClasses):
    """All samples of the rarest class, and of the others a random part, another one in each epoch.

    Attributes:
        ratio: The rarest class has at least so much of what any class has: 0.5 leaves the others at most twice as many samples.
    """

    ratio: Ratio = 1.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(ratio=0.5)]

    def start(self, dataset: Dataset, seed: int) -> Drawing:
        import numpy as np

        numbers = self._numbers(dataset)
        counts = np.bincount(numbers)
        most = round(counts[counts > 0].min() / self.ratio)
        return Rounds(numbers, np.minimum(counts, most), seed)


class Rounds(Drawing):
    """Goes through the samples of each class until it has enough of them; the last round takes a random part.

    Args:
        numbers: Class of each sample.
        wanted: Samples of each class in an epoch.
        seed: Of the draw.
    """

    def __init__(self, numbers: np.ndarray, wanted: np.ndarray, seed: int) -> None:
        import numpy as np

        self.seed, self.size = seed, int(wanted.sum())
        self.members = np.argsort(numbers, kind="stable")
        self.counts = np.bincount(numbers, minlength=len(wanted))
        self.wanted = wanted

    def epoch(self, number: int) -> Order:
        from lamina.data.sampling.rounds import ByRounds

        return ByRounds(self.members, self.counts, self.wanted, self.seed, number)

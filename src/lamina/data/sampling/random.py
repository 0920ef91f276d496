"""Some of the samples, by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lamina.data.sampling.sampling import Amount, Drawing, Sampling, counted, refused
from lamina.spec import register

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset
    from lamina.data.orders import Order


@register("random")
class RandomSamples(Sampling):
    """Some of the samples, others in each epoch.

    Attributes:
        samples: How many: a number, or a fraction of all.
        replacement: Whether a sample may be drawn several times (a bootstrap); there may then be more than there are.
    """

    positional: ClassVar[tuple[str, ...]] = ("samples",)
    samples: Amount
    replacement: bool = False

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(20), cls(0.3), cls(1.5, replacement=True)]

    def start(self, dataset: Dataset, seed: int) -> Drawing:
        size, count = counted(self.samples, len(dataset)), len(dataset)
        if size > count and not self.replacement:
            raise refused(
                ".samples",
                expected=f"at most the {count} samples there are",
                got=str(self.samples),
                cause="without replacement each sample is drawn once at most",
                fix=f"write samples: {count} or less, or replacement: true",
            )
        return _Some(size, count, seed, again=self.replacement)


class _Some(Drawing):
    def __init__(self, size: int, count: int, seed: int, *, again: bool) -> None:
        self.size, self.count, self.seed, self.again = size, count, seed, again

    def epoch(self, number: int) -> Order:
        import numpy as np

        from lamina.data.order import mixed
        from lamina.data.orders import Listed, Straight, Through, shuffled
        from lamina.engine.randomness import derive

        if not self.again:
            return Through(shuffled(self.count, self.seed, "sampling", number), Straight(self.size))
        drawn = mixed(derive(self.seed, "sampling", number), np.arange(self.size))
        samples = np.minimum((drawn / 2.0**64 * self.count).astype(np.int64), self.count - 1)
        sorting = np.argsort(samples, kind="stable")
        # In sorted order the turns of a sample count up from its first place.
        held = samples[sorting]
        turns = np.arange(self.size) - np.searchsorted(held, held)
        return Listed(held, turns)

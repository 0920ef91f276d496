"""Samples drawn by weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from lamina.data.sampling.sampling import Amount, Drawing, Sampling, by_label, classes_of, counted, numbers_of, refused
from lamina.errors import nearest
from lamina.spec import register
from lamina.spec.fields import NonNegative

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset
    from lamina.data.orders import Order
    from lamina.data.schema import DataSchema


@register("weighted")
class Weighted(Sampling):
    """Each sample is drawn as often as its weight says, on average; within an epoch as evenly as whole numbers can.

    The weights are laid end to end and cut into as many equal pieces as samples are to be drawn; a point of each piece, drawn by
    address, falls on a sample. So one with twice the average weight comes twice or so in every epoch, never seven times by chance.

    Attributes:
        classes: Weight of each class, by its label; 1 where none is given. None: the weights of the samples (a csv source's
            ``weight`` column), which then count no more in the loss.
        target: Whose classes, where there are several targets.
        samples: How many an epoch has: a number, or a fraction of all; by default as many as there are.
    """

    classes: Annotated[dict[str, NonNegative], BeforeValidator(by_label)] | None = None
    target: str | None = None
    samples: Amount | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(classes={"a": 3.0, "b": 0.5}), cls(samples=0.5)]

    @property
    def uses_weights(self) -> bool:
        return self.classes is None

    @property
    def balances(self) -> bool:
        return self.classes is not None

    def check(self, schema: DataSchema) -> None:
        if self.classes is None:
            return
        labels = schema.targets[classes_of(schema, "weighted", self.target)].labels
        wrong = next((label for label in self.classes if labels is not None and label not in labels), None)
        if wrong is not None and labels is not None:
            near = nearest(wrong, labels)
            setting = f".classes.{wrong}"
            raise refused(
                setting,
                expected=f"labels: {', '.join(labels[:10])}{' ...' if len(labels) > 10 else ''}",
                got=repr(wrong),
                cause="no class is called so",
                fix=f"did you mean {near!r}?" if near else "write the labels as the data have them",
            )

    def start(self, dataset: Dataset, seed: int) -> Drawing:
        import numpy as np

        self.check(dataset.schema)
        numbers = None
        if self.classes is not None:
            name = classes_of(dataset.schema, "weighted", self.target)
            numbers = numbers_of(dataset, name)
            count = int(numbers.max()) + 1
            labels = dataset.schema.targets[name].labels or tuple(map(str, range(count)))
            weights = np.array([self.classes.get(label, 1.0) for label in labels])[numbers]
        elif dataset.weight is not None:
            weights = dataset.weight
        else:
            raise refused(
                "",
                expected="weights to draw by",
                got="samples without weights",
                cause="neither classes nor samples have any",
                fix="give the source a weight column (from Python: Dataset.from_arrays(..., weight=w)), or write classes: {LABEL: 3}",
            )
        return ByWeight(weights, counted(self.samples, len(dataset)), seed, numbers)


class ByWeight(Drawing):
    """Draws by weights.

    Args:
        weights: Of each sample.
        size: Samples in an epoch.
        seed: Of the draw.
        kinds: Of each sample; those of a kind are laid beside each other, so that a kind too is drawn as evenly as can be.

    Raises:
        DataError: DA186, if all weights are 0.
    """

    def __init__(self, weights: np.ndarray, size: int, seed: int, kinds: np.ndarray | None = None) -> None:
        import numpy as np

        self.size, self.seed = size, seed
        self.layout = None if kinds is None else np.argsort(kinds, kind="stable")
        weights = weights if self.layout is None else weights[self.layout]
        self.ends = np.cumsum(weights, dtype=np.float64)
        self.last = int(np.flatnonzero(weights)[-1]) if len(weights) and self.ends[-1] > 0 else -1
        if self.last < 0:
            raise refused(
                "",
                expected="a weight above 0 for a sample that is there",
                got="0 for all of them",
                cause="nothing can be drawn",
                fix="give the classes or samples that shall be drawn a weight above 0",
            )

    def epoch(self, number: int) -> Order:
        from lamina.data.sampling.drawn import Drawn

        return Drawn(self.ends, self.last, self.size, self.seed, number, self.layout)

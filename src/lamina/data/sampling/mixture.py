"""Several sets of samples mixed in given shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from lamina.data.sampling.sampling import Amount, Drawing, Sampling, by_label, counted, refused
from lamina.data.sampling.weighted import ByWeight
from lamina.errors import nearest
from lamina.spec import register
from lamina.spec.fields import NonNegative

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset


@register("mixture")
class Mixture(Sampling):
    """Groups of samples (the data sets of a ``joint`` source, say) are drawn in given shares, whatever their sizes.

    Attributes:
        shares: How much of each group, by its name; shares need not add up to 1. Groups without one are left out.
        samples: How many an epoch has: a number, or a fraction of all; by default as many as there are.
    """

    positional: ClassVar[tuple[str, ...]] = ("shares",)
    shares: Annotated[dict[str, NonNegative], BeforeValidator(by_label), Field(min_length=1)]
    samples: Amount | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls({"0": 1.0, "3": 2.0}), cls({"16": 1.0}, samples=50)]

    def start(self, dataset: Dataset, seed: int) -> Drawing:
        import numpy as np

        if dataset.groups is None:
            raise refused(
                "",
                expected="data with a group for each sample",
                got="data without",
                cause="nothing says which sample is from where",
                fix="take a source of type joint, or write group: COLUMN in the csv source (from Python: Dataset.joined({NAME: data}))",
            )
        names, members, counts = np.unique(np.asarray(dataset.groups).astype(str), return_inverse=True, return_counts=True)
        wrong = next((name for name in self.shares if name not in names), None)
        if wrong is not None:
            near = nearest(wrong, names.tolist())
            setting = f".shares.{wrong}"
            raise refused(
                setting,
                expected=f"groups: {', '.join(names[:10])}{' ...' if len(names) > 10 else ''}",
                got=repr(wrong),
                cause="no group is called so",
                fix=f"did you mean {near!r}?" if near else "write the groups as the data have them",
            )
        each = np.array([self.shares.get(str(name), 0.0) for name in names]) / counts
        return ByWeight(each[members], counted(self.samples, len(dataset)), seed, members)

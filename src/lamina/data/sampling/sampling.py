"""What a way of sampling is: it says how many samples an epoch has, and which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from lamina.errors import DataError
from lamina.spec import Description

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset
    from lamina.data.orders import Order
    from lamina.data.schema import DataSchema

WHERE = "data.sampling"


def by_label(value: Any) -> Any:
    """In YAML the label 0 is a number, and true a truth value; labels are text."""
    return {str(label): weight for label, weight in value.items()} if isinstance(value, Mapping) else value


Amount = Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0)]
"""A number of samples, or a fraction of those there are."""


def counted(amount: float | None, count: int) -> int:
    """Samples that an amount is of ``count``: a whole number as it is, a fraction rounded, at least 1; None is all."""
    if amount is None:
        return count
    return amount if isinstance(amount, int) else max(1, round(amount * count))


class Drawing:
    """Sampling from one data set: what a `Sampling` makes of it.

    Attributes:
        size: Samples in an epoch.
    """

    size: int

    def epoch(self, number: int) -> Order:
        """The samples of an epoch, a function of the seed and the number; whoever feeds them shuffles them."""
        raise NotImplementedError(type(self).__name__)


class Sampling(Description, family="sampling"):
    """Base of all ways of sampling.

    An epoch is then what was drawn for it, shuffled. What is drawn depends on (seed, epoch) alone.
    """

    @property
    def uses_weights(self) -> bool:
        """Whether the weights of samples are what is drawn by; they then count no more in the loss."""
        return False

    @property
    def balances(self) -> bool:
        """Whether classes are drawn more or less often than they occur; class weights would count that twice."""
        return False

    def check(self, schema: DataSchema) -> None:
        """See that such data can be sampled like this; known before they are read.

        Raises:
            DataError: DA186.
        """

    def start(self, dataset: Dataset, seed: int) -> Drawing:
        """Get ready to draw from a data set.

        Raises:
            DataError: DA186, if it hasn't what is drawn by.
        """
        raise NotImplementedError(type(self).__name__)


def refused(setting: str, *, expected: str, got: str, cause: str, fix: str) -> DataError:
    """DA186: the samples can't be drawn like this."""
    return DataError("DA186", where=f"{WHERE}{setting}", expected=expected, got=got, cause=cause, fix=fix)


def classes_of(schema: DataSchema, kind: str, target: str | None) -> str:
    """The name of the target whose classes are drawn by.

    Raises:
        DataError: DA186, if there is none, or several and none was named.
    """
    found = [name for name, one in schema.targets.items() if one.kind == "classes" and one.shape is None]
    if target is not None and target not in schema.targets:
        raise refused(
            ".target",
            expected=f"the name of a target: {', '.join(schema.targets) or 'there is none'}",
            got=repr(target),
            cause="no target is called so",
            fix=f"write target: {found[0]}" if found else "leave sampling out",
        )
    if target in found or (target is None and len(found) == len(schema.targets) == 1):
        return target or found[0]
    several = len(schema.targets) > 1 and target is None
    named = f"write {{type: {kind}, target: {found[0]}}}" if several and found else None
    raise refused(
        "",
        expected="a class for each sample" + (", of the target that sampling names" if several else ""),
        got=", ".join(f"{name!r} ({one.kind})" for name, one in schema.targets.items()) or "no target",
        cause=f"{kind} draws by the classes of one target; what is even for one of several is uneven for the others"
        if several
        else f"{kind} draws by the class of each sample",
        fix=named or "weigh samples with {type: weighted}, or leave sampling out",
    )


def numbers_of(dataset: Dataset, target: str) -> Any:
    """The class of each sample.

    Raises:
        DataError: DA186, for a class at each step.
    """
    import numpy as np

    classes = np.asarray(dataset.targets[target])
    if classes.ndim != 1:
        raise refused(
            "",
            expected="one class for each sample",
            got=f"{list(classes.shape[1:])} of them in target {target!r}",
            cause="each step or pixel has a class of its own, so a sample has none",
            fix="weigh samples with {type: weighted}, or classes in the loss: {type: cross_entropy, weights: [...]}",
        )
    return classes

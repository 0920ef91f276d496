"""Training, validation and test: which sample goes where, as a function of the seed; every sample in exactly one part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from lamina.errors import DataError
from lamina.spec import Description, register
from lamina.spec.fields import listed

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset

Part = Annotated[float, Field(ge=0, lt=1)] | Annotated[int, Field(ge=0)]
"""A fraction below 1, or a number of samples."""


@dataclass(frozen=True)
class Parts:
    """Indices of the samples of each part, ascending.

    Attributes:
        train: What is learned from.
        validation: What each epoch is judged by.
        test: What the result is judged by.
        unused: What is in no part; None where there is nothing.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    unused: np.ndarray | None = None


class Split(Description, family="split"):
    """Base of all splits; a mapping without ``type`` means `RandomSplit`."""

    @classmethod
    def adapt(cls, value: Any) -> Any:
        """``{validation: 0.1}`` is short for ``{type: random, validation: 0.1}``."""
        return {"type": "random", **value} if isinstance(value, dict) and "type" not in value else value

    @classmethod
    def shorthand_schema(cls) -> list[dict[str, Any]]:
        return [{"$ref": "#/$defs/RandomSplit", "not": {"required": ["type"]}}]

    def parts(self, dataset: Dataset, seed: int) -> Parts:
        """Where each sample goes.

        Raises:
            DataError: DA011, if a part would be empty or there are too few samples of a class; DA013, if a role is missing.
        """
        import numpy as np

        count = len(dataset)
        test, validation = self._choose(dataset, seed)
        taken = np.zeros(count, dtype=bool)
        taken[test] = taken[validation] = True
        parts = Parts(np.flatnonzero(~taken), np.sort(validation), np.sort(test))
        for name, wanted, size in (("validation", self.has_validation, len(validation)), ("test", self.has_test, len(test))):
            if wanted and size == 0:
                raise refused(
                    where=f"data.split, {name} part",
                    expected="at least one sample",
                    got=f"none of {count}",
                    cause="nothing was assigned to it, or there are too few groups to share out",
                    fix=f"give it samples, or leave {name} out of the split",
                )
        if len(parts.train) == 0:
            raise refused(
                where="data.split, training part",
                expected="at least one sample",
                got=f"none of {count}",
                cause="the other parts take everything",
                fix="make validation and test smaller",
            )
        return parts

    @property
    def has_validation(self) -> bool:
        """Whether there will be a validation part."""
        raise NotImplementedError(type(self).__name__)

    @property
    def has_test(self) -> bool:
        """Whether there will be a test part."""
        raise NotImplementedError(type(self).__name__)

    def _choose(self, dataset: Dataset, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices of test and of validation."""
        raise NotImplementedError(type(self).__name__)


class SizedSplit(Split):
    """Base of splits into parts of given sizes.

    Attributes:
        validation: Samples to judge each epoch by: a fraction, or how many.
        test: Samples to judge the result by: a fraction, or how many.
    """

    validation: Part = 0.0
    test: Part = 0.0

    @property
    def has_validation(self) -> bool:
        return self.validation > 0

    @property
    def has_test(self) -> bool:
        return self.test > 0

    def parts(self, dataset: Dataset, seed: int) -> Parts:
        self._check_room(len(dataset))
        return super().parts(dataset, seed)

    def _sizes(self, count: int) -> tuple[int, int]:
        """Samples of validation and test; fractions are rounded to the nearest whole number."""
        validation, test = (size if isinstance(size, int) else round(size * count) for size in (self.validation, self.test))
        return validation, test

    def _check_room(self, count: int) -> None:
        sizes = self._sizes(count)
        for name, setting, size in (("validation", self.validation, sizes[0]), ("test", self.test, sizes[1])):
            if setting and size == 0:
                raise refused(
                    where=f"data.split.{name}",
                    expected="at least one sample",
                    got=f"{setting} of {count} samples, which is none",
                    cause="there are too few samples for such a small part",
                    fix=f"write {name}: {max(1, count // 10)} for that many samples, or {name}: 0 for no such part",
                )
        if sum(sizes) >= count:
            raise refused(
                where="data.split",
                expected=f"parts that leave something of the {count} samples to train on",
                got=f"{sizes[0]} for validation and {sizes[1]} for test",
                cause="validation and test together take everything",
                fix=f"write for example validation: {count // 10} and test: {count // 5}",
            )


@register("random")
class RandomSplit(SizedSplit):
    """Each sample goes to a part by chance.

    Attributes:
        stratify: Every part has the classes in the proportion of the whole, as nearly as whole numbers can.
    """

    stratify: bool = False

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(validation=0.1, test=0.2), cls(validation=10, stratify=True)]

    def _choose(self, dataset: Dataset, seed: int) -> tuple[np.ndarray, np.ndarray]:
        from lamina.data.order import permutation

        validation, test = self._sizes(len(dataset))
        order = permutation(len(dataset), seed, "split")
        if not self.stratify:
            return order[:test], order[test : test + validation]
        classes = classes_of(dataset)
        first = _stratified(order, classes, test, dataset)
        left = order[~_among(order, first, len(dataset))]
        return first, _stratified(left, classes, validation, dataset)


@register("grouped")
class GroupedSplit(SizedSplit):
    """Samples of one group (a patient, a customer) stay together: no group is in two parts.

    Groups are taken in random order until a part has the wanted number of samples, as nearly as whole groups can.
    """

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(validation=0.2, test=0.2)]

    def _choose(self, dataset: Dataset, seed: int) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        from lamina.data.order import permutation

        groups = role_of(dataset, dataset.groups, "grouped", "group")
        _, member, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        order = permutation(len(sizes), seed, "split")
        chosen: list[list[int]] = []
        start = 0
        for wanted in reversed(self._sizes(len(dataset))):
            taken: list[int] = []
            filled = 0
            while start < len(order) and wanted and abs(filled + sizes[order[start]] - wanted) <= abs(wanted - filled):
                taken.append(int(order[start]))
                filled += int(sizes[order[start]])
                start += 1
            if wanted and not taken and start < len(order) - 1:
                taken.append(int(order[start]))
                start += 1
            chosen.append(taken)
        return np.flatnonzero(np.isin(member, chosen[0])), np.flatnonzero(np.isin(member, chosen[1]))


@register("by_time")
class TimeSplit(SizedSplit):
    """The latest samples are for the test, those before them for validation: the future is never learned from."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(validation=0.2, test=0.2)]

    def _choose(self, dataset: Dataset, seed: int) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        validation, test = self._sizes(len(dataset))
        order = np.argsort(role_of(dataset, dataset.times, "by_time", "time"), kind="stable")
        end = len(order) - test
        return order[end:], order[end - validation : end]


@register("predefined")
class PredefinedSplit(Split):
    """The data say themselves where each sample goes: a csv source's ``part`` column with train, validation and test.

    Attributes:
        holds: Which parts there are.
    """

    holds: listed(Literal["train", "validation", "test"]) = ("train", "validation", "test")  # type: ignore[valid-type]

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]

    @property
    def has_validation(self) -> bool:
        return "validation" in self.holds

    @property
    def has_test(self) -> bool:
        return "test" in self.holds

    def _choose(self, dataset: Dataset, seed: int) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        part = role_of(dataset, dataset.part, "predefined", "part").astype(str)
        wrong = np.flatnonzero(~np.isin(part, self.holds))
        if len(wrong):
            from lamina.errors import nearest

            index = int(wrong[0])
            near = nearest(str(part[index]), self.holds)
            raise DataError(
                "DA013",
                where=f"column of the role part, sample {index}",
                expected=f"one of {', '.join(self.holds)}",
                got=repr(str(part[index])),
                cause="a typo" if near else "the part is not known",
                fix=f"did you mean {near!r}?" if near else "write one of these words, or add it to holds",
            )
        return np.flatnonzero(part == "test"), np.flatnonzero(part == "validation")


def role_of(dataset: Dataset, values: np.ndarray | None, split: str, role: str) -> np.ndarray:
    """What a split must know of each sample: its group, time or part.

    Raises:
        DataError: DA013, if the data don't say.
    """
    if values is None:
        raise DataError(
            "DA013",
            where=f"data.split, type {split}",
            expected=f"data with a {role} for each sample",
            got="data without",
            cause=f"no column has the role {role}",
            fix=f"write {role}: COLUMN in the csv source (from Python: Dataset.from_frame(frame, {role}='COLUMN'))",
        )
    return values


def classes_of(dataset: Dataset, where: str = "data.split.stratify", otherwise: str = "stratify: false") -> np.ndarray:
    """The class of each sample.

    Raises:
        DataError: DA013, if there isn't one.
    """
    found = [dataset.targets[name] for name, target in dataset.schema.targets.items() if target.kind == "classes"]
    if len(found) != 1 or found[0].ndim != 1:
        raise DataError(
            "DA013",
            where=where,
            expected="one target of classes",
            got=f"{len(found)} of them",
            cause="only classes have proportions that can be kept",
            fix=f"write {otherwise}",
        )
    import numpy as np

    return np.asarray(found[0])


def _among(order: np.ndarray, chosen: np.ndarray, count: int) -> np.ndarray:
    import numpy as np

    mask = np.zeros(count, dtype=bool)
    mask[chosen] = True
    found: np.ndarray = mask[order]
    return found


def _stratified(order: np.ndarray, classes: np.ndarray, size: int, dataset: Dataset) -> np.ndarray:
    """``size`` of the samples in ``order``, as many of each class as its share; remainders go where they are largest."""
    import numpy as np

    if size == 0:
        return order[:0]
    own = classes[order]
    values, counts = np.unique(own, return_counts=True)
    shares = counts * (size / len(order))
    quota = np.floor(shares).astype(int)
    # Ties go to the more frequent class, then to the lower number, so that the outcome has no hidden order.
    rest = np.lexsort((values, -counts, -(shares - quota)))[: size - int(quota.sum())]
    quota[rest] += 1
    few = np.flatnonzero((counts < 2) | (quota == 0))
    if len(few):
        value = int(values[few[0]])
        names = next(target.labels for target in dataset.schema.targets.values() if target.kind == "classes")
        need = int(np.ceil(len(order) / counts.min()))
        raise refused(
            where=f"data.split.stratify, class {names[value] if names else value!r}",
            expected="samples of every class in every part",
            got=f"{counts[few[0]]} samples of this class, and {size} places in a part",
            cause="the class is too rare, or the part too small, to keep the proportions",
            fix=f"make the part larger (at least {need} samples), gather more of this class, or write stratify: false",
        )
    return np.concatenate([order[own == value][:many] for value, many in zip(values, quota, strict=True)])


def refused(*, where: str, expected: str, got: str, cause: str, fix: str) -> DataError:
    """DA011: the data can't be split like this."""
    return DataError("DA011", where=where, expected=expected, got=got, cause=cause, fix=fix)

"""Cross-validation: the samples in as many folds as wanted, each held out once; a function of the seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.data.splits import Parts, Split, classes_of, refused, role_of
from lamina.spec import register, wrong_value

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset


@dataclass(frozen=True)
class Fold:
    """One of several ways to tell learning from judging.

    Attributes:
        number: Which, from 0.
        train: What is learned from.
        held: What is judged by.
    """

    number: int
    train: Dataset
    held: Dataset


@register("fold")
class KFold(Split):
    """One of several folds is held out, the others are learned from.

    In a recipe, ``--set data.split.fold=1`` and so on go through all of them; from Python, `folds` gives them all.

    Attributes:
        folds: How many.
        fold: Which is held out, from 0.
        kind: ``plain``: by chance. ``stratified``: each fold has the classes in the proportion of the whole. ``grouped``: samples of
            one group stay together. ``time``: fold k is the stretch of time after those it is learned from; what comes later is not
            used, so the future is never learned from.
        part: What the held fold is for: ``validation`` after each epoch, or the ``test`` at the end.

    Example:
        >>> from lamina.data.dataset import Dataset
        >>> data = Dataset.from_arrays([[1.0], [2.0], [3.0], [4.0]], [0, 1, 0, 1])
        >>> [(len(fold.train), len(fold.held)) for fold in KFold(2, kind="stratified").folds_of(data, seed=1)]
        [(2, 2), (2, 2)]
    """

    positional: ClassVar[tuple[str, ...]] = ("folds",)
    folds: Annotated[int, Field(ge=2)] = 5
    fold: Annotated[int, Field(ge=0)] = 0
    kind: Literal["plain", "stratified", "grouped", "time"] = "plain"
    part: Literal["validation", "test"] = "validation"

    @model_validator(mode="after")
    def _there(self) -> Self:
        if self.fold >= self.folds:
            raise wrong_value(
                expected=f"a fold from 0 to {self.folds - 1}",
                cause="folds are counted from 0",
                fix=f"write fold: {self.folds - 1} for the last one",
            )
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [
            cls(),
            cls(3, kind="stratified", part="test", fold=2),
            cls(4, kind="grouped", fold=1),
            cls(4, kind="time"),
            cls(4, kind="time", fold=3),
        ]

    @property
    def has_validation(self) -> bool:
        return self.part == "validation"

    @property
    def has_test(self) -> bool:
        return self.part == "test"

    def folds_of(self, dataset: Dataset, seed: int) -> Iterator[Fold]:
        """All folds, one after the other.

        Args:
            dataset: The samples.
            seed: The folds are a function of it.

        Raises:
            DataError: DA011, if there are too few samples, classes or groups; DA013, if a role is missing.
        """
        for number in range(self.folds):
            parts = self.replace(fold=number).parts(dataset, seed)
            held = parts.validation if self.part == "validation" else parts.test
            yield Fold(number, dataset.take(parts.train), dataset.take(held))

    def parts(self, dataset: Dataset, seed: int) -> Parts:
        import numpy as np

        pieces = self._pieces(dataset, seed)
        if self.kind == "time":
            held, unused = pieces[self.fold + 1], np.concatenate([np.zeros(0, np.int64), *pieces[self.fold + 2 :]])
            train = np.concatenate(pieces[: self.fold + 1])
        else:
            held, unused = pieces[self.fold], np.zeros(0, np.int64)
            train = np.concatenate([piece for number, piece in enumerate(pieces) if number != self.fold])
        none = np.zeros(0, np.int64)
        validation, test = (held, none) if self.part == "validation" else (none, held)
        return Parts(np.sort(train), np.sort(validation), np.sort(test), np.sort(unused))

    def _pieces(self, dataset: Dataset, seed: int) -> list[np.ndarray]:
        """The samples of each fold; by time one more, which is only learned from."""
        import numpy as np

        from lamina.data.order import permutation

        count, needed = len(dataset), self.folds + (self.kind == "time")
        self._check(count, needed, "samples")
        if self.kind == "time":
            return np.array_split(np.argsort(role_of(dataset, dataset.times, "fold", "time"), kind="stable"), needed)
        order = permutation(count, seed, "folds")
        if self.kind == "plain":
            return np.array_split(order, self.folds)
        if self.kind == "stratified":
            classes = classes_of(dataset, "data.split.kind: stratified", "kind: plain")
            sizes = np.bincount(classes)
            self._check(int(sizes[sizes > 0].min()), self.folds, "samples of the rarest class")
            # Dealt out like cards, class after class: neither a fold nor a class in it gets more than one too many.
            dealt = order[np.argsort(classes[order], kind="stable")]
            return [dealt[number :: self.folds] for number in range(self.folds)]
        return self._by_group(role_of(dataset, dataset.groups, "fold", "group"), seed)

    def _by_group(self, groups: np.ndarray, seed: int) -> list[np.ndarray]:
        """Groups, the largest first, each into the fold that has fewest samples; among equals by chance."""
        import numpy as np

        from lamina.data.order import permutation

        _, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        self._check(len(sizes), self.folds, "groups")
        order = permutation(len(sizes), seed, "folds")
        owner, filled = np.zeros(len(sizes), dtype=np.int64), np.zeros(self.folds, dtype=np.int64)
        for group in order[np.argsort(-sizes[order], kind="stable")]:
            owner[group] = int(np.argmin(filled))
            filled[owner[group]] += sizes[group]
        return [np.flatnonzero(owner[members] == number) for number in range(self.folds)]

    def _check(self, count: int, needed: int, of: str) -> None:
        if count < needed:
            raise refused(
                where="data.split.folds",
                expected=f"at least {needed} {of}, so that every fold has one",
                got=str(count),
                cause="there are more folds than that",
                fix=f"write folds: {max(2, count - (needed - self.folds))}" if count >= 2 else "gather more data",
            )

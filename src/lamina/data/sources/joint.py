"""Several sources as one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field

from lamina.data.schema import DataSchema
from lamina.data.sources.source import Partitions, Source
from lamina.spec import register

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset
    from lamina.data.normalizers import Normalizer


@register("joint")
class Joint(Source):
    """The samples of several sources, one after the other; each sample's group is the name of its source.

    ``sampling: {type: mixture, shares: {web: 3, books: 1}}`` feeds them in other shares than their sizes.

    Attributes:
        sources: By name; all hold the same inputs and targets. Tables are read with the columns and categories of the first.
    """

    positional: ClassVar[tuple[str, ...]] = ("sources",)
    sources: Annotated[dict[str, Source], Field(min_length=1)]

    @classmethod
    def examples(cls) -> list[Any]:
        from lamina.data.sources.bundled import Iris

        return [cls({"old": Iris(), "new": Iris()})]

    def schema(self) -> DataSchema:
        return next(iter(self.sources.values())).schema()

    def read(self) -> Partitions:
        from lamina.data.dataset import Dataset

        (first, source), *others = self.sources.items()
        read = {first: source.read()}
        trains, tests = {first: read[first].train}, {first: read[first].test}
        for name, other in others:
            # Read like the first where that matters: a table's columns and categories are those of one data set.
            alike = trains[first].columns is not None
            given = Partitions(other.read_like(trains[first])) if alike else other.read()
            trains[name], tests[name] = given.train, given.test
        held = {name: test for name, test in tests.items() if test is not None}
        return Partitions(Dataset.joined(trains), Dataset.joined(held) if held else None)

    def read_like(self, training: Dataset) -> Dataset:
        from lamina.data.dataset import Dataset

        return Dataset.joined({name: source.read_like(training) for name, source in self.sources.items()})

    def normalizer(self) -> Normalizer | None:
        return next(iter(self.sources.values())).normalizer()

    @property
    def has_test(self) -> bool:
        return any(source.has_test for source in self.sources.values())

    def resolve_paths(self, base: Path) -> Self:
        return self.replace(sources={name: source.resolve_paths(base) for name, source in self.sources.items()})

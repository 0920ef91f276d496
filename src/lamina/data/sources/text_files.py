"""What sources of running text share: files one after the other, a tokenizer that learns from the training part, parts that don't mix."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from lamina.data.schema import INPUT, DataSchema
from lamina.data.sources.source import Partitions, Source
from lamina.data.storage.options import Storage
from lamina.data.vectorization import TextVectorization
from lamina.errors import DataError
from lamina.spec import wrong_value
from lamina.spec.fields import Count, SomeNames

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.columns import Columns
    from lamina.data.dataset import Dataset

Fraction = Annotated[float, Field(ge=0, lt=1)]
NEAR = 10_000
"""A part ends at the last line end, or blank, among so many letters before the place that its share gives."""


class TextFiles(Source):
    """Base of sources that read text files, in UTF-8, as one long text.

    Its end is set aside: the parts are kept apart by the ``predefined`` split, and nothing reaches from one into another. The tokenizer
    and the vocabulary are learned from the training part.

    Attributes:
        path: The file; a folder, a pattern with ``*``, ``ARCHIVE!MEMBER``, a URL, or a list of these, whose files follow each other.
            Relative to the recipe.
        vectorize: How texts become tokens; by default ``{tokenizer: byte_pair}``.
        steps: Tokens of a sample.
        stride: From the start of one training window to the next; all of it unless set. Elsewhere each token counts once.
        validation: Share of the text, at its end (before the test part, if there is one), for validation.
        test: Share of the text, at its very end, for the test.
        storage: How remote files are reached, and how much of files is believed.
    """

    positional: ClassVar[tuple[str, ...]] = ("path",)
    path: SomeNames
    vectorize: TextVectorization | None = None
    steps: Count = 64
    stride: Count | None = None
    validation: Fraction = 0.1
    test: Fraction = 0.0
    storage: Storage | None = None

    @model_validator(mode="after")
    def _tokens(self) -> Self:
        own = self.vectorize
        if own is not None and (own.output != "tokens" or own.length is not None):
            raise wrong_value(
                expected="vectorize with output: tokens and without length",
                cause="samples are windows of tokens; steps says of how many",
                fix="write steps: 128, and remove output and length",
            )
        if self.validation + self.test >= 1:
            raise wrong_value(
                expected="validation and test that leave something to train on",
                cause=f"together they are {self.validation + self.test:g}",
                fix="write validation: 0.1 and test: 0.1",
            )
        return self

    def place(self) -> str:
        """What messages call the text."""
        return self.path[0] if len(self.path) == 1 else f"{self.path[0]} and {len(self.path) - 1} more"

    def resolve_paths(self, base: Path) -> Self:
        from lamina.data.storage import absolutes

        made = self.replace(path=absolutes(self.path, base))
        return made if self.vectorize is None else made.replace(vectorize=self.vectorize.resolve_paths(base))

    # -- reading ------------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """All files, a line end between two.

        Raises:
            DataError: DA031, if a file can't be read, or isn't in UTF-8.
        """
        from lamina.data.storage import open_files

        return "\n".join(file.text() for file in open_files(self.path, storage=self.storage))

    def parts(self, text: str) -> dict[str, str]:
        """The text of each part that there is."""
        test = _end(text, len(text) - round(self.test * len(text))) if self.test else len(text)
        validation = _end(text, test - round(self.validation * len(text))) if self.validation else test
        wanted = {"train": True, "validation": self.validation > 0, "test": self.test > 0}
        cut = {"train": text[:validation], "validation": text[validation:test], "test": text[test:]}
        return {name: part for name, part in cut.items() if wanted[name]}

    @cached_property
    def learned(self) -> tuple[TextVectorization, dict[str, str]]:
        """The vectorization, learned from the training part, and the text of each part."""
        parts = self.parts(self.text())
        return self.settings().fit(self.units(parts["train"])), parts

    def settings(self) -> TextVectorization:
        """How texts become tokens, before anything is learned."""
        return self.vectorize or TextVectorization(tokenizer="byte_pair")

    def units(self, text: str) -> list[str]:
        """What the tokenizer learns from."""
        from lamina.data.text.windows import chunks

        return list(chunks(text, local=True))

    # -- samples ------------------------------------------------------------------------------------------------------

    def samples(self, text: str, vectorization: TextVectorization, part: str) -> Any:
        """Tokens of the samples of a part, ``[samples, steps]``, in memory or still to be cut out.

        Raises:
            DataError: DA006, if there is none.
        """
        raise NotImplementedError(type(self).__name__)

    def dataset(self, samples: dict[str, Any], vectorization: TextVectorization) -> Dataset:
        """A data set of the samples of all parts."""
        raise NotImplementedError(type(self).__name__)

    def schema(self) -> DataSchema:
        return self.described(self.learned[0])

    def described(self, vectorization: TextVectorization) -> DataSchema:
        """What the data are."""
        raise NotImplementedError(type(self).__name__)

    def read(self) -> Partitions:
        vectorization, parts = self.learned
        return Partitions(self.dataset({name: self.samples(text, vectorization, name) for name, text in parts.items()}, vectorization))

    def read_like(self, training: Dataset) -> Dataset:
        own = None if training.columns is None else next(iter(training.columns.inputs.values())).text
        whole = self.replace(validation=0.0, test=0.0, stride=None)
        vectorization = self.learned[0] if own is None else own
        return self.dataset({"train": whole.samples(whole.text(), vectorization, "test")}, vectorization)

    def columns(self, vectorization: TextVectorization) -> Columns:
        """How a model that learned from this reads texts that it is given."""
        from lamina.data.columns import Columns, InputColumns

        return Columns(inputs={INPUT: InputColumns(features=("text",), text=vectorization)})

    def too_short(self, part: str, wanted: str, got: str) -> DataError:
        """What is said where a part has too little text."""
        return DataError(
            "DA006",
            where=f"{self.place()}, {part} part",
            expected=wanted,
            got=got,
            cause="the text, or this share of it, is too short",
            fix="choose fewer steps or a larger share, or give a longer text",
        )


def part_names(samples: dict[str, Any]) -> np.ndarray:
    """The part of each sample."""
    import numpy as np

    return np.concatenate([np.full(len(own), name) for name, own in samples.items()])


def _end(text: str, at: int) -> int:
    """A place at or before ``at`` where a line, or else a word, ends."""
    start = max(0, at - NEAR)
    line = text.rfind("\n", start, at)
    if line != -1:
        return line + 1
    blanks = [match.end() for match in re.finditer(r"\s", text[start:at])]
    return start + blanks[-1] if blanks else at

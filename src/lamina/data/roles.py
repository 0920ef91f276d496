"""What the columns of a table are for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.data.schema import TargetKind
from lamina.data.vectorization import TextVectorization
from lamina.shapes import Shape
from lamina.spec import Description, wrong_value
from lamina.spec.fields import Count, Names

Missing = Literal["error", "mean", "median", "zero"]
Unknown = Literal["error", "ignore"]
Invalid = Literal["error", "drop", "quarantine"]
Encoding = Literal["one_hot", "index"]


class InputRoles(Description):
    """Which columns make one of several inputs, and how.

    Attributes:
        columns: Which; one alone needs no brackets.
        categorical: Columns that are categories though they look like numbers.
        encode: What a category becomes: ``one_hot``, a place for each; or ``index``, its number for an embedding: 0 is a missing one,
            1 one that wasn't there in training, the others count from 2. An ``index`` is an input of a single column.
        unknown: What a category that wasn't there in training is: an ``error``, or zeros (``ignore``; index 1), counted in a warning.
        missing: What stands for a missing number, see `Roles`.
        shape: Of one sample, where the columns are more than a vector.
        vectorize: For a single column of texts: how they become tokens or vectors.
    """

    columns: Names
    categorical: Names = ()
    encode: Encoding = "one_hot"
    unknown: Unknown = "error"
    missing: Missing = "error"
    shape: Shape | None = None
    vectorize: TextVectorization | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        alone = self.encode == "index" or self.vectorize is not None
        if not self.columns or (alone and len(self.columns) > 1):
            raise wrong_value(
                expected="one column for encode: index or vectorize, at least one for all else",
                cause="an index, or a text, is an input of its own",
                fix="give each such column its own input",
            )
        return self

    def resolve_paths(self, base: Path) -> Self:
        """The same with paths relative to the folder of the recipe made absolute."""
        return self if self.vectorize is None else self.replace(vectorize=self.vectorize.resolve_paths(base))


class Window(Description):
    """Windows that slide over the rows of a series: the input is ``steps`` rows, the target what comes after them.

    Attributes:
        steps: Rows of the input.
        horizon: Rows ahead that are to be foretold: the target is their values of the target's columns.
        gap: Rows between the input and the first of these.
        stride: From the start of one window to that of the next.
    """

    positional: ClassVar[tuple[str, ...]] = ("steps", "horizon")
    steps: Count
    horizon: Count = 1
    gap: Annotated[int, Field(ge=0)] = 0
    stride: Count = 1


class Roles(Description):
    """What each column of a table is for.

    Attributes:
        target: Columns to learn; none for data without answers.
        features: Columns to learn from; by default all that have no other role.
        inputs: Instead of ``features``: the columns of each of several inputs, by its name.
        targets: Instead of ``target``: the column, or columns, of each of several targets, by its name.
        ignore: Columns to leave out.
        group: Column of what must stay together in a grouped split.
        time: Column that a split by time sorts by.
        part: Column that says train, validation or test for a predefined split.
        weight: Column of how much each sample counts.
        categorical: Columns that are categories though they look like numbers.
        numeric: Columns that must be numbers.
        kind: What the target is: classes, numbers or multilabel; by default what its values look like.
        missing: What stands for a missing number: nothing (``error``), or ``mean``, ``median`` (of the training part) or ``zero``.
            A missing category is 0 in all of its columns.
        unknown: What becomes of a category that wasn't there in training: ``error``, or 0 in all of its columns (``ignore``), which
            is counted in a warning.
        shape: Of one sample, where the features are more than a vector; read in the order of the columns.
        text: Column of texts, which is then the only one to learn from.
        vectorize: How the texts become tokens or vectors; see `lamina.data.vectorization.TextVectorization`.
        window: For a series, whose rows are in order: windows that slide over them.
    """

    target: Names = ()
    features: Names | None = None
    inputs: dict[str, InputRoles] | None = None
    targets: dict[str, Names] | None = None
    ignore: Names = ()
    group: str | None = None
    time: str | None = None
    part: str | None = None
    weight: str | None = None
    categorical: Names = ()
    numeric: Names = ()
    kind: TargetKind | None = None
    missing: Missing = "error"
    unknown: Unknown = "error"
    shape: Shape | None = None
    text: str | None = None
    vectorize: TextVectorization | None = None
    window: Window | None = None

    @model_validator(mode="after")
    def _text_alone(self) -> Self:
        if self.text is None and self.vectorize is not None:
            raise wrong_value(
                expected="text beside vectorize",
                cause="no column is said to hold texts",
                fix="write text: NAME, or remove vectorize",
            )
        if self.text is not None and (self.features or self.categorical or self.numeric or self.shape or self.missing != "error"):
            raise wrong_value(
                expected="text without features, categorical, numeric, shape and missing",
                cause="texts are learned from alone: what becomes of a text is no row of numbers beside others",
                fix="remove the others, or give the network two inputs: inputs: {words: {columns: TEXT, vectorize: {}}, numbers: ...}",
            )
        if self.inputs is not None and (self.features or self.text or self.shape or self.categorical or not self.inputs):
            raise wrong_value(
                expected="inputs without features, text, shape and categorical",
                cause="each input says itself which columns it takes, and how",
                fix="move them into the input that they are for",
            )
        if self.targets is not None and (self.target or self.kind or not self.targets):
            raise wrong_value(
                expected="targets without target and kind",
                cause="each target is named once",
                fix="list all of them under targets",
            )
        return self

    @property
    def texts(self) -> bool:
        """Whether there are texts, whose words are learned."""
        return self.text is not None or any(own.vectorize is not None for own in (self.inputs or {}).values())

    def named_targets(self, only: str) -> dict[str, tuple[str, ...]]:
        """Columns of each target by its name; ``only`` is what the only one is called."""
        if self.targets is not None:
            return {name: tuple(columns) for name, columns in self.targets.items()}
        return {only: tuple(self.target)} if self.target else {}

    def used(self) -> tuple[str, ...]:
        """All columns that are named."""
        singles = (self.group, self.time, self.part, self.weight, self.text)
        named = [name for columns in self.named_targets("").values() for name in columns]
        inputs = [name for roles in (self.inputs or {}).values() for name in (*roles.columns, *roles.categorical)]
        given = (*named, *(self.features or ()), *inputs, *self.ignore, *self.categorical, *self.numeric)
        return (*given, *(name for name in singles if name is not None))

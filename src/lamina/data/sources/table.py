"""Tables as sources of data: whatever file or database rows come from, what is done with them afterwards is the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from lamina.data.roles import InputRoles, Invalid, Missing, Roles, Unknown, Window
from lamina.data.schema import DataSchema, TargetKind
from lamina.data.sources.source import Partitions, Source
from lamina.data.table.columns import ColumnType
from lamina.data.vectorization import TextVectorization
from lamina.shapes import Shape
from lamina.spec import wrong_value
from lamina.spec.fields import Names

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.dataset import Dataset
    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.table.schema import Schema
    from lamina.data.words import Column


class TableSource(Source):
    """Base of sources whose samples are rows of a table.

    Attributes:
        columns: Kinds of columns, as far as they shall not be found out by looking at the values, with what is asked of them.
        invalid: What becomes of rows with a value that isn't what ``columns`` says: ``error``; ``drop``, left out and counted;
            ``quarantine``, left out and written to a file with the reason.
        quarantine: That file, CSV.
        target: Column or columns to learn.
        features: Columns to learn from; by default all that have no other role.
        inputs: Instead of ``features``: the columns of each of several inputs, by its name; see `lamina.data.roles.InputRoles`.
        targets: Instead of ``target``: the column, or columns, of each of several targets, by its name.
        ignore: Columns to leave out.
        group: Column of what must stay together in a grouped split.
        time: Column that a split by time sorts by.
        part: Column that says train, validation or test.
        weight: Column of how much each sample counts.
        categorical: Columns that are categories though they look like numbers.
        numeric: Columns that must be numbers.
        kind: What the target is: ``classes``, ``numbers`` or ``multilabel``. By default text, and at most 20 different whole
            numbers, are classes.
        missing: What stands for a missing number: ``error`` refuses it; ``mean`` or ``median`` of the training part; ``zero``.
        unknown: What becomes of a category that wasn't there in training: ``error``, or ``ignore``.
        shape: Of one sample, where the columns are more than a vector, such as ``{type: sequence, steps: 60, features: 1}``.
        text: Column of texts, which is then the only one to learn from.
        vectorize: How the texts become tokens or vectors, such as ``{max_tokens: 10000}``; see
            `lamina.data.vectorization.TextVectorization`.
        window: For a series, whose rows are in order: windows that slide over them, such as ``{steps: 96, horizon: 24}``.
    """

    own_reader: ClassVar[bool] = False
    """Whether a model reads files as this source does whatever their endings are."""

    columns: dict[str, ColumnType] = {}
    invalid: Invalid = "error"
    quarantine: str | None = None
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
    def _quarantined(self) -> Self:
        if (self.invalid == "quarantine") != (self.quarantine is not None):
            raise wrong_value(
                expected="invalid: quarantine and quarantine: FILE together, or neither",
                cause="the file holds the rows that are set aside",
                fix="write both, or invalid: drop",
            )
        self.roles()
        return self

    def to_dict(self, *, full: bool = False) -> dict[str, Any]:
        """Plain data; where the table comes from stands before what its columns are for."""
        data = super().to_dict(full=full)
        return {name: data[name] for name in sorted(data, key=lambda name: (name != "type", name in TableSource.model_fields))}

    # -- what a table must say ----------------------------------------------------------------------------------------

    def frame(self) -> pl.LazyFrame:
        """The raw rows, each column in the type that it has or seems to have; missing values are null. Nothing is read yet.

        Raises:
            DataError: If the table isn't there, or can't be a table.
        """
        raise NotImplementedError(type(self).__name__)

    def place(self) -> str:
        """What messages call the table."""
        return str(getattr(self, "path", self.type_name))

    def like(self, path: str) -> Self | None:
        """The same kind of table in another file; None for tables that are no files."""
        return self.replace(path=path) if "path" in type(self).model_fields else None

    def marks(self) -> tuple[str, ...]:
        """Texts that mean that a value is missing, in files and in records that are given to a model."""
        return ("",)

    def kept(self) -> dict[str, Any] | None:
        """What a model keeps of it, to read other files the same way: no folder of this machine, nothing that is secret."""
        if "path" not in type(self).model_fields:
            return None
        data = self.to_dict()
        for name in ("quarantine", "storage"):
            data.pop(name, None)
        if "quarantine" in self.model_fields_set:
            data["invalid"] = "drop"
        path: Any = self.path  # type: ignore[attr-defined]
        return {**data, "path": Path(path).name if isinstance(path, str) else "table"}

    # -- using it -----------------------------------------------------------------------------------------------------

    def roles(self) -> Roles:
        """What each column is for."""
        return Roles(**{name: getattr(self, name) for name in Roles.model_fields if name in self.model_fields_set})

    def rows(self, *, lazily: bool = False) -> tuple[Frame, Schema]:
        """The rows as a pipeline takes them, converted and checked, and their schema.

        Args:
            lazily: Leave them in the file until somebody asks; otherwise they are read now.

        Raises:
            DataError: If the table can't be read; DA103 for values that aren't what ``columns`` says.
        """
        from lamina.data.pipeline.frames.polars import PolarsFrame
        from lamina.data.table.inference import schema_of
        from lamina.data.table.validation import validate

        lazy = self.frame()
        frame = PolarsFrame.of(lazy if lazily else lazy.collect(engine="streaming"))
        schema = schema_of(frame, self.columns, self.place())
        quarantine = None if self.quarantine is None else Path(self.quarantine)
        checked = validate(frame, schema, policy=self.invalid, quarantine=quarantine, where=self.place())
        return checked.frame, schema

    def in_memory(self) -> dict[str, Column]:
        """All columns in memory: float64, or words."""
        from lamina.data.frames import read_frame

        return read_frame(self.rows()[0].collect())

    def schema(self) -> DataSchema:
        from lamina.data.encoding import describe_table

        columns, targets = describe_table(self.in_memory(), self.roles(), self.place())
        return DataSchema(inputs=columns.shapes, targets=targets)

    def read(self) -> Partitions:
        from lamina.data.dataset import Dataset
        from lamina.data.encoding import dataset_from_table

        roles = {name: getattr(self, name) for name in Roles.model_fields if name in self.model_fields_set}
        return Partitions(dataset_from_table(Dataset, self.in_memory(), where=self.place(), **roles))

    def read_like(self, training: Dataset) -> Dataset:
        from lamina.data.preprocessing import Preprocessing

        if training.columns is None:
            return self.read().train
        return Preprocessing(training.schema, columns=training.columns, dtype="float64").raw_dataset(self.in_memory())

    def resolve_paths(self, base: Path) -> Self:
        changes: dict[str, Any] = {
            name: str(base / value) for name in ("path", "quarantine") if isinstance(value := getattr(self, name, None), str)
        }
        if self.vectorize is not None:
            changes["vectorize"] = self.vectorize.resolve_paths(base)
        if self.inputs is not None and any(own.vectorize is not None for own in self.inputs.values()):
            changes["inputs"] = {name: own.resolve_paths(base) for name, own in self.inputs.items()}
        return self.replace(**changes) if changes else self

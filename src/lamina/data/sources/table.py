"""Tables as sources of data: whatever file or database rows come from, what is done with them afterwards is the same."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from lamina.data.roles import Invalid, Roles
from lamina.data.schema import DataSchema
from lamina.data.sources.source import Partitions, Source
from lamina.data.table.columns import ColumnType
from lamina.spec import wrong_value

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.dataset import Dataset
    from lamina.data.pipeline.frames.frame import Frame
    from lamina.data.table.schema import Schema
    from lamina.data.words import Column


class TableSource(Source, Roles):
    """Base of sources whose samples are rows of a table.

    Attributes:
        columns: Kinds of columns, as far as they shall not be found out by looking at the values, with what is asked of them.
        invalid: What becomes of rows with a value that isn't what ``columns`` says: ``error``; ``drop``, left out and counted;
            ``quarantine``, left out and written to a file with the reason.
        quarantine: That file, CSV.

    What the columns are for is said by the fields of `lamina.data.roles.Roles`.
    """

    own_reader: ClassVar[bool] = False
    """Whether a model reads files as this source does whatever their endings are."""

    columns: dict[str, ColumnType] = {}
    invalid: Invalid = "error"
    quarantine: str | None = None

    @model_validator(mode="after")
    def _quarantined(self) -> Self:
        if (self.invalid == "quarantine") != (self.quarantine is not None):
            raise wrong_value(
                expected="invalid: quarantine and quarantine: FILE together, or neither",
                cause="the file holds the rows that are set aside",
                fix="write both, or invalid: drop",
            )
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
        raise NotImplementedError(type(self).__name__)

    def row_place(self, row: int) -> str:
        """What messages call a row, by its number from 1."""
        return f"{self.place()}, row {row}"

    def like(self, path: str, columns: Collection[str] = ()) -> Self | None:
        """The same kind of table in another file; None for tables that are no files.

        Args:
            path: The file.
            columns: Names that it must have, where they tell how it is written.
        """
        return None

    def marks(self) -> tuple[str, ...]:
        """Texts that mean that a value is missing, in files and in records that are given to a model."""
        return ("",)

    def kept(self) -> dict[str, Any] | None:
        """What a model keeps of it, to read other files the same way; None for tables that are no files."""
        return None

    # -- using it -----------------------------------------------------------------------------------------------------

    def rows(self, schema: Schema | None = None, *, lazily: bool = False) -> tuple[Frame, Schema]:
        """The rows as a pipeline takes them, converted and checked, and their schema.

        Args:
            schema: What they must be, as those of training were; by default what ``columns`` and the values themselves say.
            lazily: Whether they stay where they are until they are asked for, each time anew.

        Raises:
            DataError: If the table can't be read; DA014 for columns that aren't there, DA103 for values that aren't what they must be.
        """
        from lamina.data.pipeline.frames.given import as_frame
        from lamina.data.pipeline.frames.polars import PolarsFrame
        from lamina.data.table.inference import schema_of
        from lamina.data.table.validation import validate

        found = self.frame()
        frame: Frame = PolarsFrame.of(found if lazily else found.collect(engine="streaming"))
        wanted = schema_of(frame, self.columns, self.place()) if schema is None else schema
        frame = as_frame(frame, wanted, self.place())
        quarantine = None if self.quarantine is None else Path(self.quarantine)
        held = validate(frame, wanted, policy=self.invalid, quarantine=quarantine, where=self.place(), at=self.row_place)
        return held.frame, wanted

    def in_memory(self) -> dict[str, Column]:
        """All columns in memory: float64, or words."""
        from lamina.data.frames import read_frame

        return read_frame(self.rows()[0].collect())

    def schema(self) -> DataSchema:
        from lamina.data.encoding import describe_table

        columns, targets = describe_table(self.in_memory(), self, self.place())
        return DataSchema(inputs=columns.shapes, targets=targets)

    def read(self) -> Partitions:
        from lamina.data.dataset import Dataset
        from lamina.data.encoding import dataset_from_table

        return Partitions(dataset_from_table(Dataset, self.in_memory(), self, where=self.place()))

    def read_like(self, training: Dataset) -> Dataset:
        from lamina.data.preprocessing import Preprocessing

        if training.columns is None:
            return self.read().train
        return Preprocessing(training.schema, columns=training.columns, dtype="float64").raw_dataset(self.in_memory())

    def resolve_paths(self, base: Path) -> Self:
        changes: dict[str, Any] = {} if self.quarantine is None else {"quarantine": str(base / self.quarantine)}
        if self.vectorize is not None:
            changes["vectorize"] = self.vectorize.resolve_paths(base)
        if self.inputs is not None and any(own.vectorize is not None for own in self.inputs.values()):
            changes["inputs"] = {name: own.resolve_paths(base) for name, own in self.inputs.items()}
        return self.replace(**changes) if changes else self

"""How raw rows become the table that a model learned from: the way they were read, and the fitted pipeline; kept with the model."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.columns import Columns
    from lamina.data.pipeline.pipeline import Pipeline
    from lamina.data.sources.table import TableSource
    from lamina.data.words import Column


@dataclass(frozen=True)
class Serving:
    """Reads and transforms raw rows as those of training were.

    Attributes:
        pipeline: From the raw rows on, fitted.
        reader: How the file of training was read; None if the rows came from elsewhere.
    """

    pipeline: Pipeline
    reader: TableSource | None = None

    def table(self, data: Any, columns: Columns, *, labelled: bool = False) -> dict[str, Column]:
        """Raw rows as the table that the columns of a model are taken from.

        Args:
            data: A path, a frame, a mapping of columns or of single values, or a list of mappings.
            columns: What the model reads.
            labelled: Whether the targets are wanted too; rows are then chosen as in training. Otherwise each row gets an answer.

        Raises:
            DataError: If columns are missing or renamed, or values are not what they were in training.
        """
        from lamina.data.frames import read_frame

        wanted = (*columns.features, *(columns.target if labelled else ()))
        pipeline = self.pipeline.serving(wanted, choosing=labelled)
        rows = self.read(data, pipeline) if isinstance(data, str | os.PathLike) else self.cleaned(data)
        found = pipeline.apply(rows).collect()
        if not len(found):
            raise DataError(
                "DA006",
                where="the rows",
                expected="at least one row",
                got="none" + (" after the steps that choose rows" if labelled else ""),
                cause="there are none, or a filter keeps none of them",
                fix="give other rows",
            )
        return read_frame(found)

    def cleaned(self, data: Any) -> Any:
        """Rows that are in memory as a file with the same texts would be read: no blanks around words, marks of missing values as such."""
        import polars as pl
        from polars import selectors

        from lamina.data.pipeline.frames.given import given_frame
        from lamina.data.pipeline.frames.polars import PolarsFrame

        frame = given_frame(data)
        if self.reader is None or not isinstance(frame, PolarsFrame):
            return data if self.reader is None else frame
        words = selectors.string()
        trimmed = frame.lazy.with_columns(words.str.strip_chars())
        marks = pl.lit(pl.Series([*self.reader.marks()], dtype=pl.String)).implode()
        return trimmed.with_columns(pl.when(words.is_in(marks)).then(None).otherwise(words).name.keep())

    def read(self, path: str | os.PathLike[str], pipeline: Pipeline | None = None) -> Any:
        """The rows of a file, read as that of training was, or as its ending says.

        Raises:
            DataError: If the file can't be read, or its values are not what they were in training.
        """
        from lamina.data.pipeline.frames.given import checked
        from lamina.data.pipeline.frames.polars import PolarsFrame
        from lamina.data.sources.reading import reader_for

        source = reader_for(path, like=self.reader)
        schema = (pipeline or self.pipeline).input
        return checked(PolarsFrame.of(source.frame()), schema, source.place())

    # -- keeping it ---------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Plain data, from which `from_dict` makes the same."""
        reader = None if self.reader is None else self.reader.kept()
        return {"pipeline": self.pipeline.to_dict(), "reader": reader}

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """What `to_dict` gave."""
        import lamina.data.sources  # noqa: F401 (registers them)
        from lamina.data.pipeline.pipeline import Pipeline
        from lamina.data.sources.source import Source
        from lamina.spec import Document

        reader: Any = None
        if data["reader"] is not None:
            reader = Source.from_document(Document(dict(data["reader"]), "the reader of an archive"))
        return cls(Pipeline.from_dict(data["pipeline"]), reader)

"""How raw rows become the table that a model learned from: the way they were read, and the fitted pipeline; kept with the model."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from lamina.data.table.columns import WRITTEN
from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.columns import Columns
    from lamina.data.pipeline.pipeline import Pipeline
    from lamina.data.sources.table import TableSource
    from lamina.data.table.schema import Schema
    from lamina.data.words import Column


@dataclass(frozen=True)
class Serving:
    """Reads and transforms raw rows as those of training were.

    Attributes:
        pipeline: From the raw rows on, fitted; None if the raw rows are what is encoded.
        reader: How the file of training was read; None if the rows came from elsewhere.
    """

    pipeline: Pipeline | None = None
    reader: TableSource | None = None

    def table(self, data: Any, columns: Columns, *, labelled: bool = False) -> Mapping[str, Column] | None:
        """Raw rows as the table that the columns of a model are taken from.

        Args:
            data: A path, a frame, a mapping of columns or of single values, or a list of mappings.
            columns: What the model reads.
            labelled: Whether the targets are wanted too; rows are then chosen as in training. Otherwise each row gets an answer.

        Returns:
            The table; None for data without names of columns, where no step needs them.

        Raises:
            DataError: If columns are missing or renamed, or values are not what they were in training.
        """
        from lamina.data.frames import as_table, read_frame
        from lamina.data.pipeline.frames.given import as_frame, checked
        from lamina.data.pipeline.frames.polars import PolarsFrame

        wanted = (*columns.features, *(columns.target if labelled else ()))
        path = data if isinstance(data, str | os.PathLike) else None
        if self.pipeline is None:
            if path is None:
                return as_table(data)
            texts = (*columns.texts, *columns.vocabularies)
            return read_frame(self.source(path, wanted, texts).frame().collect(engine="streaming"))
        place, pipeline = "the rows", self.pipeline.serving(wanted, choosing=labelled)
        if path is None:
            rows = as_frame(self.cleaned(data, pipeline.input), pipeline.input)
        else:
            written = [name for name, kind in pipeline.input.kinds.items() if kind in WRITTEN]
            source = self.source(path, pipeline.input.names, written)
            place = source.place()
            rows = checked(PolarsFrame.of(source.frame()), pipeline.input, place)
        try:
            found = pipeline.apply(rows).collect()
        except DataError as error:
            raise error.within(place) from None
        if not len(found):
            raise DataError(
                "DA006",
                where=place,
                expected="at least one row",
                got="none" + (" after the steps that choose rows" if labelled else ""),
                cause="there are none, or a filter keeps none of them",
                fix="give other rows",
            )
        return read_frame(found)

    def cleaned(self, data: Any, schema: Schema) -> Any:
        """Rows that are in memory as a file with the same texts would be read: no blanks around words, marks of missing values as such."""
        import polars as pl
        from polars import selectors

        from lamina.data.pipeline.frames.given import given_frame
        from lamina.data.pipeline.frames.polars import PolarsFrame

        frame = given_frame(data, schema)
        if self.reader is None or not isinstance(frame, PolarsFrame):
            return data if self.reader is None else frame
        words = selectors.string()
        trimmed = frame.lazy.with_columns(words.str.strip_chars())
        marks = pl.lit(pl.Series([*self.reader.marks()], dtype=pl.String)).implode()
        return trimmed.with_columns(pl.when(words.is_in(marks)).then(None).otherwise(words).name.keep())

    def source(self, path: str | os.PathLike[str], names: Collection[str], texts: Collection[str]) -> TableSource:
        """What reads a file as that of training was read, or as its ending says.

        Args:
            path: The file.
            names: Columns that are needed; what the source knows of others doesn't matter here.
            texts: Those that were text in training, and are read as text so that 007 doesn't become 7.
        """
        from lamina.data.sources.reading import reader_for

        found = reader_for(path, like=self.reader, columns=names)
        known = {name: column for name, column in found.columns.items() if name in names}
        return found.replace(columns={**dict.fromkeys(texts, "string"), **known})

    # -- keeping it ---------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Plain data, from which `from_dict` makes the same."""
        reader = None if self.reader is None else self.reader.kept()
        return {"pipeline": None if self.pipeline is None else self.pipeline.to_dict(), "reader": reader}

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
        return cls(None if data["pipeline"] is None else Pipeline.from_dict(data["pipeline"]), reader)

"""Tables in Arrow IPC files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.data.sources.filed import FileTable
from lamina.spec import register

if TYPE_CHECKING:
    import polars as pl


@register("arrow")
class Arrow(FileTable):
    """Rows of Arrow IPC files (Feather 2) and streams.

    What becomes of each type is said at `lamina.data.formats.types`; what the columns are for, as
    `lamina.data.sources.table.TableSource` describes it.

    Example:
        >>> Arrow(path="flowers.feather", target="species").path
        ('flowers.feather',)
    """

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(path="flowers.arrow", target="species")]

    def frame(self) -> pl.LazyFrame:
        from lamina.data.formats.arrow import read_arrow

        return read_arrow(self.files())

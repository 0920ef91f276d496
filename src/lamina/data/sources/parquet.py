"""Tables in Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.data.sources.filed import FileTable
from lamina.spec import register

if TYPE_CHECKING:
    import polars as pl


@register("parquet")
class Parquet(FileTable):
    """Rows of Parquet files, or of a folder that is partitioned as Hive does (``year=2024/month=2/part-0.parquet``).

    Only the columns that are used are read. What becomes of each type is said at `lamina.data.formats.types`. What the columns are for
    is said as `lamina.data.sources.table.TableSource` describes it.

    Attributes:
        hive: Whether folders called ``year=2024`` are a column ``year``; by default, if there are such folders.

    Example:
        >>> Parquet.from_yaml("{path: sales/, target: price}").target
        ('price',)
    """

    hive: bool | None = None

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(path="flowers.parquet", target="species"), cls(path=["years/"], hive=True, target="sales", ignore="year")]

    def frame(self) -> pl.LazyFrame:
        from lamina.data.formats.parquet import read_parquet

        return read_parquet(self.files(), hive=self.hive)

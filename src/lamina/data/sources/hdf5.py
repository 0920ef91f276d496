"""Tables in HDF5 files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.data.sources.filed import FileTable
from lamina.spec import register
from lamina.spec.fields import Names, listed

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.storage import DataFile


@register("hdf5")
class Hdf5(FileTable):
    """Rows of HDF5 (and netCDF 4) files: data sets with one axis are columns, matrices several, compounds a column a field.

    Columns are called by the path of their data set (``weather/wind``); a matrix ``x`` gives ``x_1``, ``x_2`` ... Links out of the file,
    virtual data sets and filters that are plugins are refused. Images and sequences are read by the source ``arrays``.

    Attributes:
        datasets: Paths of the data sets, in this order; by default all.
        names: Names of the columns of matrices.

    Example:
        >>> Hdf5.from_yaml("{path: weather.h5, datasets: [wind, rain], target: rain}").datasets
        ('wind', 'rain')
    """

    datasets: Names | None = None
    names: dict[str, listed(str)] = {}  # type: ignore[valid-type]

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(path="measured.h5", datasets=["x", "kind"], names={"x": ["size", "weight"]}, target="kind")]

    def frame(self) -> pl.LazyFrame:
        from lamina.data.formats.array_tables import table_of_arrays
        from lamina.data.formats.hdf5 import read_hdf5
        from lamina.data.formats.scanning import joined

        def read(file: DataFile) -> pl.LazyFrame:
            names = {path.strip("/"): own for path, own in self.names.items()}
            return table_of_arrays(read_hdf5(file, self.datasets), file.name, names=names, setting="datasets")

        return joined(self.files(), read)

"""Tables in NumPy's files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.data.sources.filed import FileTable
from lamina.spec import register
from lamina.spec.fields import Names, listed

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.storage import DataFile


@register("numpy")
class Numpy(FileTable):
    """Rows of ``.npy`` and ``.npz`` files: arrays with one axis are columns, matrices several, structured arrays a column a field.

    The array of an ``.npy`` is called like its file; a matrix ``x`` gives the columns ``x_1``, ``x_2`` ... Files are mapped into memory
    and never unpickled. Images and sequences are read by the source ``arrays``.

    Attributes:
        arrays: Which arrays, in this order; by default all.
        names: Names of the columns of matrices.

    Example:
        >>> Numpy.from_yaml("{path: flowers.npz, arrays: [x, y], names: {x: [size, weight]}, target: y}").arrays
        ('x', 'y')
    """

    arrays: Names | None = None
    names: dict[str, listed(str)] = {}  # type: ignore[valid-type]

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(path="measured.npz", arrays=["x", "kind"], names={"x": ["size", "weight"]}, target="kind")]

    def frame(self) -> pl.LazyFrame:
        from lamina.data.formats.array_tables import table_of_arrays
        from lamina.data.formats.numpy import read_numpy
        from lamina.data.formats.scanning import joined

        def read(file: DataFile) -> pl.LazyFrame:
            return table_of_arrays(read_numpy(file), file.name, chosen=self.arrays, names=self.names)

        return joined(self.files(), read)

"""Tables in MATLAB files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.data.sources.filed import FileTable
from lamina.spec import register
from lamina.spec.fields import Names, listed

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.storage import DataFile


@register("matlab")
class Matlab(FileTable):
    """Rows of MATLAB files of versions 4 to 7.3, or of matrices in text: vectors are columns, matrices several.

    A matrix ``x`` gives the columns ``x_1``, ``x_2`` ...; ``data.x`` is the field ``x`` of a struct ``data``. Cell arrays of texts are
    columns of text. Images and sequences are read by the source ``arrays``.

    Attributes:
        variables: Which variables, in this order; by default all.
        names: Names of the columns of matrices.

    Example:
        >>> Matlab.from_yaml("{path: fisheriris.mat, variables: [meas, species], target: species}").variables
        ('meas', 'species')
    """

    variables: Names | None = None
    names: dict[str, listed(str)] = {}  # type: ignore[valid-type]

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(path="measured.mat", variables=["x", "kind"], names={"x": ["size", "weight"]}, target="kind")]

    def frame(self) -> pl.LazyFrame:
        from lamina.data.formats.matlab import table_of_matlab
        from lamina.data.formats.scanning import joined

        def read(file: DataFile) -> pl.LazyFrame:
            return table_of_matlab(file, chosen=self.variables, names=self.names)

        return joined(self.files(), read)

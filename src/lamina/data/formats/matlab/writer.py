"""Tables and arrays as MATLAB files."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING

import numpy as np

from lamina.data.formats.held import refuse_kind
from lamina.errors import DataError
from lamina.files import atomic_write

if TYPE_CHECKING:
    import polars as pl

_NAME = re.compile(r"[A-Za-z]\w{0,62}", re.ASCII)
MOST_BYTES = 2**31 - 1


def write_matlab(rows: pl.LazyFrame | pl.DataFrame | Mapping[str, np.ndarray], path: str | os.PathLike[str]) -> None:
    """Write a file of version 5 that MATLAB 5 and later, Octave and SciPy read: a variable for each column or array.

    Columns of text become cell arrays, missing numbers NaN.

    Args:
        rows: A table, or arrays by name.
        path: The file, usually ``.mat``.

    Raises:
        DataError: DA008 for names that MATLAB doesn't allow; DA062 for values that it has no type for; DA064 for more than 2 GiB.

    Example:
        >>> import tempfile, pathlib, polars as pl
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.mat"
        >>> write_matlab(pl.DataFrame({"age": [31, None], "city": ["Bern", "Basel"]}), path)
        >>> from lamina.data.storage import open_file
        >>> from lamina.data.formats.matlab import table_of_matlab
        >>> table_of_matlab(open_file(path)).collect().rows()
        [(31.0, 'Bern'), (nan, 'Basel')]
    """
    from scipy.io import savemat

    arrays = {name: np.asarray(array) for name, array in rows.items()} if isinstance(rows, Mapping) else _arrays(rows)
    made = {}
    for name, array in arrays.items():
        if not _NAME.fullmatch(name):
            raise DataError(
                "DA008",
                where=f"{path}, {name!r}",
                expected="names of at most 63 letters, digits and _, a letter first",
                got=repr(name),
                cause="MATLAB allows no others",
                fix="rename it before",
            )
        if array.dtype.hasobject or array.dtype.kind not in "biufcU":
            where = f"{path}, {name!r}"
            raise refuse_kind(where, array.dtype)
        if array.nbytes > MOST_BYTES:
            raise DataError(
                "DA064",
                where=f"{path}, {name!r}",
                expected="at most 2 GiB for a variable",
                got=f"{array.nbytes:,} bytes",
                cause="version 5 of the format has 32 bits for sizes",
                fix="write .npz, or Parquet",
            )
        texts = array.dtype.kind == "U"
        made[name] = array.astype(object) if texts else array.astype(np.float32) if array.dtype == np.float16 else array

    def fill(file: IO[bytes]) -> None:
        savemat(file, made, format="5", do_compression=True, oned_as="column", long_field_names=True)

    atomic_write(path, fill)


def _arrays(rows: pl.LazyFrame | pl.DataFrame) -> dict[str, np.ndarray]:
    import polars as pl

    from lamina.data.formats.types import plain_frame

    arrays = {}
    for column in plain_frame(rows, "the table").collect():
        if column.dtype == pl.String or isinstance(column.dtype, pl.Enum):
            arrays[column.name] = np.asarray(column.fill_null("").to_list(), dtype=str)
        elif column.dtype.is_numeric() or column.dtype == pl.Boolean:
            arrays[column.name] = (column.cast(pl.Float64).fill_null(float("nan")) if column.null_count() else column).to_numpy()
        else:
            where = f"the table, column {column.name!r}"
            raise refuse_kind(where, column.dtype, cause="MATLAB files have no type for it", fix="convert it to numbers or text before")
    return arrays

"""Variables of MATLAB files: numbers, truths, text, lists of text, sparse matrices, and these in structs."""

from __future__ import annotations

import io
import mmap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.formats.array_tables import table_of_arrays
from lamina.data.formats.held import Held, native, refuse_kind
from lamina.data.formats.matlab.elements import HEADER, Elements, version_4
from lamina.data.formats.matlab.text import read_text
from lamina.data.formats.matlab.values import EXPECTED, Cells, Struct, Unreadable
from lamina.data.formats.scanning import damaged, not_there, too_much
from lamina.errors import DataError

if TYPE_CHECKING:
    import polars as pl

    from lamina.data.storage import DataFile

DENSE_BYTES = 1 << 30
"""How large a sparse matrix may be when it is made dense."""


@dataclass(frozen=True)
class Variable:
    """A variable of a MATLAB file.

    Attributes:
        where: The file and the variable, for messages.
        read: Gives the array (``[rows, columns ...]`` as MATLAB shows it) or, of a sparse matrix, one of SciPy.
        held: The array still in its file, where it is one of version 7.3; its axes are then those of HDF5, in reverse order.
    """

    where: str
    read: Callable[[], Any]
    held: Held | None = None

    def dense(self) -> np.ndarray:
        """The array; a sparse matrix is made dense.

        Raises:
            DataError: DA064, if it would be larger than 1 GiB.
        """
        found = self.read()
        if isinstance(found, np.ndarray):
            return found
        size = int(found.shape[0]) * int(found.shape[1]) * found.dtype.itemsize
        if size > DENSE_BYTES:
            fix = "read it by source: arrays, which makes rows dense batch by batch"
            raise too_much(self.where, f"at most {DENSE_BYTES:,} bytes as a table", f"{size:,} bytes of a sparse matrix", fix)
        return np.asarray(found.toarray())


def read_matlab(file: DataFile) -> dict[str, Variable]:
    """The variables of a file by name; ``data.x`` is the field ``x`` of a struct ``data``.

    Files of version 7.3 are read by h5py, those of version 4 by SciPy after their sizes have been checked, the others here. A text file
    (``save -ascii``, or ``x = [1 2; 3 4];``) is read too. Functions and objects, MATLAB tables among them, are refused when they are
    asked for; nothing in a file is run.

    Raises:
        DependencyError: DA059, for version 7.3 if h5py isn't installed.
        DataError: DA060, if the file is damaged or of another kind; DA064 and DA046, if it declares more than it holds.
    """
    path = file.local()
    with path.open("rb") as opened:
        head = opened.read(HEADER)
        if not head:
            raise damaged(file.name, EXPECTED, "an empty file")
        if head[:8] == b"\x89HDF\r\n\x1a\n" or _version(head) == 2:
            from lamina.data.formats.matlab.hdf5 import read_version_7_3

            return read_version_7_3(file)
        content = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    if _version(head) is not None:
        return dict(_version_5(file, content))
    names = version_4(content, file.name)
    if names is not None:
        return _version_4(file, content, names)
    return {name: _plain(array, f"{file.name}, variable {name!r}") for name, array in read_text(file).items()}


def _version(head: bytes) -> int | None:
    """The first part of the version; None for files without one."""
    if len(head) < HEADER or head[126:128] not in (b"IM", b"MI"):
        return None
    return head[125] if head[126:128] == b"IM" else head[124]


def _version_5(file: DataFile, content: mmap.mmap) -> Iterator[tuple[str, Variable]]:
    elements = Elements(file, content)
    for name, element in elements.found.items():
        read = partial(elements.value, name)
        where = f"{file.name}, variable {name!r}"
        yield name, Variable(where, lambda read=read, where=where: _array(read(), where))  # type: ignore[misc]
        if element.kind == "struct":
            # One that can't be read says so when it is asked for.
            with suppress(DataError):
                yield from _fields(name, read(), file.name)


def _version_4(file: DataFile, content: mmap.mmap, names: Sequence[str]) -> dict[str, Variable]:
    from scipy.io import loadmat

    try:
        loaded = loadmat(io.BytesIO(content[:]), spmatrix=False)
    except Exception as error:  # MatReadError, ValueError, TypeError, struct.error ...
        raise damaged(file.name, EXPECTED, error) from error
    missing = next((name for name in names if name not in loaded), None)
    if missing is not None:
        raise damaged(file.name, EXPECTED, f"a variable {missing!r} that SciPy doesn't find")
    return {name: _plain(loaded[name], f"{file.name}, variable {name!r}") for name in names}


def _fields(name: str, value: Any, where: str) -> Iterator[tuple[str, Variable]]:
    """Fields of a single struct, and of structs in it."""
    if not isinstance(value, Struct) or len(value.items) != 1:
        return
    for field, inner in value.items[0].items():
        own = f"{name}.{field}"
        yield own, _plain(inner, f"{where}, variable {own!r}")
        yield from _fields(own, inner, where)


def _plain(value: Any, where: str) -> Variable:
    return Variable(where, lambda: _array(value, where))


def _array(value: Any, where: str) -> Any:
    if isinstance(value, Unreadable):
        kinds = {"function": "a function", "object": "an object, such as a MATLAB table or string array"}
        raise refuse_kind(
            where,
            kinds.get(value.kind, "a variable of an unknown class"),
            cause="only MATLAB itself can read it",
            fix="convert it before saving: table2array(t), cellstr(s), struct(o)",
        )
    if isinstance(value, Struct):
        single = len(value.items) == 1 and value.fields
        raise refuse_kind(
            where,
            f"{len(value.items)} structs with the fields {', '.join(value.fields[:8])}",
            cause="a struct is no array; its fields are",
            fix=f"choose fields of it, such as .{value.fields[0]}" if single else "store one struct of arrays, not an array of structs",
        )
    if isinstance(value, Cells):
        return cell_array([item if isinstance(item, np.ndarray) else np.empty(2, object) for item in value.items], value.shape, where)
    if hasattr(value, "tocsr"):
        return _rows_of(value, where)
    array = np.asarray(value)
    if array.dtype.kind not in "biufcU":
        raise refuse_kind(where, array.dtype)
    return native(array)


def _rows_of(matrix: Any, where: str) -> Any:
    """A sparse matrix by rows; places that lead out of it are found before SciPy's compiled code goes there."""
    if matrix.format == "coo":
        good = all(not len(axis) or 0 <= axis.min() <= axis.max() < size for axis, size in zip(matrix.coords, matrix.shape, strict=True))
        if not good:
            raise damaged(where, f"places of values within {matrix.shape[0]:,} rows and {matrix.shape[1]:,} columns", "others")
    return matrix.tocsr()


def cell_array(cells: Sequence[np.ndarray], shape: tuple[int, ...], where: str) -> np.ndarray:
    """A cell array of texts, or of single numbers, as an array; an empty cell is ``""`` or NaN.

    Args:
        cells: The first axis fastest.
        shape: Of the cell array.
        where: For messages.

    Raises:
        DataError: DA062, naming the first cell that is neither, or for both in one.
    """
    items: list[Any] = []
    for place, inner in enumerate(cells, 1):
        single = inner.size <= 1 and inner.dtype.kind in "biufU"
        if not single:
            spot = f"{where}, cell {place}"
            raise refuse_kind(
                spot,
                f"{' x '.join(map(str, inner.shape))} of {inner.dtype}",
                cause="cells are read where each holds one text or one number",
                fix="store equal ones as one array; sequences of different lengths one by one, or padded",
            )
        items.append(inner.reshape(-1)[0].item() if inner.size else None)
    kinds = {isinstance(item, str) for item in items if item is not None}
    if len(kinds) > 1:
        raise refuse_kind(where, "text and numbers in one cell array", fix="store them in two variables")
    gone: Any = "" if kinds != {False} else np.nan
    full = [gone if item is None else item for item in items]
    return np.asarray(full, dtype=str if kinds != {False} else None).reshape(shape, order="F")


def table_of_matlab(
    file: DataFile, *, chosen: Sequence[str] | None = None, names: Mapping[str, Sequence[str]] | None = None
) -> pl.LazyFrame:
    """Variables as a table: vectors are columns of their names, matrices the columns ``x_1``, ``x_2`` ...

    Rows are those of the first matrix; a vector that lies is set upright. Where there are vectors alone, each is a column.

    Args:
        file: The file.
        chosen: Which variables, in this order; by default all.
        names: Names of the columns of matrices.

    Raises:
        DataError: As `read_matlab` and `lamina.data.formats.array_tables.table_of_arrays`.
    """
    variables = read_matlab(file)
    for name in chosen or ():
        if name not in variables:
            raise not_there(file.name, "variable", name, list(variables))
    used = {name: variables[name] for name in (chosen or _tops(variables))}
    arrays = {name: variable.dense() for name, variable in used.items()}
    matrix = next((array for array in arrays.values() if array.ndim == 2 and min(array.shape) > 1), None)
    held = {name: _held(used[name].where, _upright(array, matrix)) for name, array in arrays.items()}
    return table_of_arrays(held, file.name, names=names, setting="variables")


def _tops(variables: Mapping[str, Variable]) -> list[str]:
    """By default all variables; of structs their fields."""
    return [name for name in variables if not any(other.startswith(f"{name}.") for other in variables)]


def _upright(array: np.ndarray, matrix: np.ndarray | None) -> np.ndarray:
    if array.ndim != 2 or 1 not in array.shape:
        return array
    if matrix is None or array.shape[1] == 1 or array.shape[1] == len(matrix):
        return array.reshape(-1)
    return array


def _held(where: str, array: np.ndarray) -> Held:
    return Held(where, array.shape, array.dtype, lambda start, stop: array[start:stop], lambda: array)

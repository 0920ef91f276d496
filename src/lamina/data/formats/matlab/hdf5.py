"""MATLAB files of version 7.3, which are HDF5: axes in reverse order, text as numbers, cells as references."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.formats.hdf5 import held_set, open_hdf5, reading
from lamina.data.formats.held import refuse_kind
from lamina.data.formats.matlab.reader import Variable, cell_array
from lamina.data.formats.scanning import damaged, too_much

if TYPE_CHECKING:
    from lamina.data.storage import DataFile

MOST_CELLS, MOST_LETTERS = 10_000_000, 1_000_000
MOST_VARIABLES = 100_000
HIDDEN = ("#refs#", "#subsystem#")


def read_version_7_3(file: DataFile) -> dict[str, Variable]:
    """The variables of a file of version 7.3, see `lamina.data.formats.matlab.read_matlab`."""
    opened = open_hdf5(file)
    with reading(file.name):
        found = dict(itertools.islice(_variables(opened, opened, "", file), MOST_VARIABLES))
    if not found:
        raise damaged(file.name, "a MATLAB file with variables", "no variable in it", cause="nothing was saved, or it is no MATLAB file")
    return found


def _variables(opened: Any, group: Any, prefix: str, file: DataFile) -> Iterator[tuple[str, Variable]]:
    import h5py

    for name in group:
        if name in HIDDEN or not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        item, path = group[name], f"{prefix}{name}"
        own, where = path.replace("/", "."), f"{file.name}, variable {path.replace('/', '.')!r}"
        kind = _text(item.attrs.get("MATLAB_class", b""))
        if isinstance(item, h5py.Group):
            if "MATLAB_sparse" in item.attrs:
                yield own, Variable(where, _Sparse(opened, path, file, where))
            elif path.count("/") < 16:
                yield from _variables(opened, item, f"{path}/", file)
        elif "MATLAB_empty" in item.attrs:
            yield own, Variable(where, partial(_empty, where))
        else:
            held = held_set(opened, path, file) if kind not in ("cell", "char", "logical") and not item.dtype.hasobject else None
            yield own, Variable(where, _Reader(opened, path, file, kind, where), held)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _empty(where: str) -> np.ndarray:
    raise damaged(where, "a variable with values", "an empty one", cause="nothing was assigned to it", fix="choose others")


class _Reader:
    """Reads a variable that is one data set."""

    def __init__(self, opened: Any, path: str, file: DataFile, kind: str, where: str) -> None:
        self._opened, self._path, self._file, self._kind, self._where = opened, path, file, kind, where

    def __call__(self) -> np.ndarray:
        if self._kind not in ("cell", "char", "logical", "single", "double", "") and not self._kind.lstrip("u").startswith("int"):
            fix = "convert it before saving: table2array(t), cellstr(s), struct(o)"
            raise refuse_kind(self._where, f"a {self._kind}", cause="only MATLAB itself can read it", fix=fix)
        held = held_set(self._opened, self._path, self._file)
        if self._kind == "cell" or held.dtype.hasobject:
            return self._cells(held)
        array = held.rows(0, held.shape[0] if held.shape else 1).T
        if self._kind == "char":
            return np.atleast_1d(_words(array))
        return array.astype(bool) if self._kind == "logical" else array

    def _cells(self, held: Any) -> np.ndarray:
        import h5py

        if h5py.check_ref_dtype(held.dtype) is None:
            raise refuse_kind(self._where, held.dtype)
        if int(np.prod(held.shape, dtype=object)) > MOST_CELLS:
            raise too_much(self._where, f"at most {MOST_CELLS:,} cells", f"{' x '.join(map(str, held.shape))}", "store an array")
        references = held.rows(0, held.shape[0]).T
        cells = [self._cell(reference, place) for place, reference in enumerate(references.ravel(order="F").tolist(), 1)]
        return cell_array(cells, references.shape, self._where)

    def _cell(self, reference: Any, place: int) -> np.ndarray:
        where = f"{self._where}, cell {place}"
        with reading(where):
            cell = self._opened[reference]
            words = _text(cell.attrs.get("MATLAB_class", b"")) == "char"
            if "MATLAB_empty" in cell.attrs:
                return np.asarray([""] if words else [])
            inner = held_set(self._opened, cell.name.strip("/"), self._file)
            array = inner.rows(0, inner.shape[0]).T if int(np.prod(inner.shape, dtype=object)) <= MOST_LETTERS else np.empty(2)
        return np.atleast_1d(_words(array)) if words else array


class _Sparse:
    """Reads a sparse matrix: a group of values, rows, and where columns begin."""

    def __init__(self, opened: Any, path: str, file: DataFile, where: str) -> None:
        self._opened, self._path, self._file, self._where = opened, path, file, where

    def __call__(self) -> Any:
        with reading(self._where):
            return self._rows()

    def _rows(self) -> Any:
        from scipy.sparse import csc_array

        group = self._opened[self._path]
        rows = int(group.attrs["MATLAB_sparse"])
        parts = {}
        for name in ("data", "ir", "jc"):
            if name in group:
                held = held_set(self._opened, f"{self._path}/{name}", self._file)
                parts[name] = held.rows(0, held.shape[0])
        ends = parts["jc"].astype(np.int64)
        if not len(ends) or ends[0] != 0 or (np.diff(ends) < 0).any():
            raise damaged(self._where, "a rising list of the columns' places", str(ends[:8]))
        data, places = parts.get("data", np.zeros(0)), parts.get("ir", np.zeros(0, np.int64)).astype(np.int64)
        if len(data) < ends[-1] or len(places) < ends[-1] or (len(places) and not 0 <= places.min() <= places.max() < rows):
            raise damaged(self._where, f"{ends[-1]} values in {rows} rows", f"{len(data)} values in rows up to {places.max(initial=0)}")
        data = data.astype(bool) if _text(group.attrs.get("MATLAB_class", b"")) == "logical" else data
        return csc_array((data[: ends[-1]], places[: ends[-1]], ends), shape=(rows, len(ends) - 1)).tocsr()


def _words(array: np.ndarray) -> Any:
    """Rows of UTF-16 numbers as texts."""
    rows = np.atleast_2d(array).astype("<u2")
    return np.asarray([row.tobytes().decode("utf-16-le", errors="replace") for row in rows])

"""One array out of a file of any kind that holds arrays, by ``FILE:NAME``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamina.data.formats.array_tables import check_letters
from lamina.data.formats.held import Held, native, refuse_kind
from lamina.data.formats.scanning import not_there
from lamina.data.lazy import LazyArray, Mapped, Samples
from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.formats.matlab import Variable
    from lamina.data.formats.svmlight import SvmLight
    from lamina.data.storage import DataFile, Storage

ENDINGS = {
    "numpy": (".npy", ".npz"),
    "hdf5": (".h5", ".hdf5", ".he5", ".nc", ".hdf"),
    "matlab": (".mat",),
    "svmlight": (".svm", ".libsvm", ".svmlight"),
}
_KNOWN = [ending for endings in ENDINGS.values() for ending in endings]
_MEMBER = re.compile(rf"(.*(?:{'|'.join(map(re.escape, _KNOWN))})):(.+)", re.IGNORECASE | re.DOTALL)
First = Literal["first", "last"]


def split_reference(reference: str) -> tuple[str, str | None]:
    """The path of a file, and the name of the array in it, if one is given.

    Example:
        >>> split_reference("train.npz:x"), split_reference("s3://bucket/x.npy"), split_reference("a.h5:/group/x")
        (('train.npz', 'x'), ('s3://bucket/x.npy', None), ('a.h5', '/group/x'))
    """
    found = _MEMBER.fullmatch(reference)
    return (reference, None) if found is None else (found[1], found[2])


class ArrayFiles:
    """Files that arrays are taken from, each opened once.

    Args:
        storage: How they are reached.
        samples: Which axis of the arrays counts the samples; MATLAB often has them last.
        width: Features there are in SVMLight files; by default as many as the largest index says.
    """

    def __init__(self, storage: Storage | None = None, *, samples: First = "first", width: int | None = None) -> None:
        self._storage, self._samples, self._width = storage, samples, width
        self._files: dict[str, DataFile] = {}
        self._opened: dict[tuple[str, str | None], Any] = {}

    def array(self, reference: str, *, vector: bool = False) -> Samples:
        """An array, samples first: in memory if it is small, else still in its file.

        Args:
            reference: ``FILE``, if the file holds one array, or ``FILE:NAME``.
            vector: Whether it has one value for each sample, if it is a vector; in MATLAB, vectors are matrices, upright or lying.

        Raises:
            DataError: DA090 for a file of another kind; DA061 for an array that isn't there; what reading the file raises.
        """
        path, name = split_reference(reference)
        file = self._file(path)
        kind = next((kind for kind, endings in ENDINGS.items() if file.suffix in endings), None)
        if kind is None:
            raise DataError(
                "DA090",
                where=file.name,
                expected=f"a file that ends in {', '.join(_KNOWN)}",
                got=repr(file.suffix) if file.suffix else "no ending",
                cause="the ending says how arrays are read",
                fix="use one of these endings; tables are read by the sources csv, parquet, sql ...",
            )
        read: Callable[[DataFile, str | None], Samples] = getattr(self, f"_{kind}")
        found = read(file, name)
        if vector and kind == "matlab" and found.ndim == 2 and 1 in found.shape:
            return np.asarray(found).reshape(-1)
        return found

    def _file(self, path: str) -> DataFile:
        from lamina.data.storage import open_file

        if path not in self._files:
            self._files[path] = open_file(path, storage=self._storage)
        return self._files[path]

    def _once(self, file: DataFile, name: str | None, read: Callable[[], Any]) -> Any:
        key = (file.name, name)
        if key not in self._opened:
            self._opened[key] = read()
        return self._opened[key]

    def _numpy(self, file: DataFile, name: str | None) -> Samples:
        from lamina.data.formats.numpy import read_numpy

        arrays = self._once(file, None, lambda: read_numpy(file))
        return self._held(arrays[_chosen(file, name, list(arrays), "array")])

    def _hdf5(self, file: DataFile, name: str | None) -> Samples:
        from lamina.data.formats.hdf5 import read_hdf5

        if name is None:
            arrays = self._once(file, None, lambda: read_hdf5(file))
            name = _chosen(file, None, list(arrays), "data set")
        own = name.strip("/")
        return self._held(self._once(file, own, lambda: read_hdf5(file, [own]))[own])

    def _matlab(self, file: DataFile, name: str | None) -> Samples:
        from lamina.data.formats.matlab import read_matlab

        variables = self._once(file, None, lambda: read_matlab(file))
        variable: Variable = variables[_chosen(file, name, list(variables), "variable")]
        if variable.held is not None:
            # Of version 7.3: the axes stand in reverse order in the file, so that the last is the first there.
            return _turned(variable.held.samples()) if self._samples == "last" else _reversed(variable.held, variable.where)
        found = variable.read()
        if not isinstance(found, np.ndarray):
            from lamina.data.formats.sparse import SparseRows

            return SparseRows.of(found.T if self._samples == "last" else found)
        return self._placed(found, variable.where)

    def _svmlight(self, file: DataFile, name: str | None) -> Samples:
        from lamina.data.formats.sparse import SparseRows
        from lamina.data.formats.svmlight import SvmLight

        found: SvmLight = self._once(file, None, lambda: SvmLight.of([file], width=self._width))
        chosen = _chosen(file, name or "features", ["features", "label", "qid"], "array")
        if chosen == "features":
            return SparseRows(*found.sparse(), found.width)
        names = ["qid"] if chosen == "qid" else [f"label_{label}" for label in found.labels] if found.labels is not None else ["label"]
        rows = found.frame(most=max(found.width, 1)).collect()[names]
        return rows.to_numpy() if found.labels is not None and chosen == "label" else rows.to_series().to_numpy()

    def _held(self, held: Held) -> Samples:
        marks: Any = held.dtype.metadata or {}
        if marks.get("vlen") in (str, bytes) or "enum" in marks or held.dtype.kind == "S":
            if len(held.shape) != 1:
                raise refuse_kind(held.where, f"text with {len(held.shape)} axes", fix="text makes targets: one for each sample")
            return np.asarray(_texts(held), dtype=str)
        if held.dtype.kind not in "biufU":
            several = held.dtype.kind == "c"
            raise refuse_kind(held.where, held.dtype, fix="store real and imaginary part as two channels" if several else "")
        if not held.shape:
            raise DataError(
                "DA003",
                where=held.where,
                expected="an array with samples in an axis",
                got="a single value",
                cause="it is no array of samples",
                fix="name another array of the file, FILE:NAME",
            )
        samples = held.samples()
        if held.dtype.kind == "U" and isinstance(samples, np.ndarray):
            check_letters(samples.reshape(-1), held.where)
        return self._placed(samples, held.where)

    def _placed(self, array: Samples, where: str) -> Samples:
        if self._samples == "first" or array.ndim < 2:
            return array
        if isinstance(array, LazyArray):
            raise DataError(
                "DA003",
                where=where,
                expected="samples in the first axis, for an array that is too large to be turned in memory",
                got=f"samples: last, {list(array.shape)}",
                cause="each sample would be gathered from all over the file",
                fix="write it anew with the samples first: np.moveaxis(x, -1, 0)",
            )
        return np.moveaxis(array, -1, 0)


def _chosen(file: DataFile, name: str | None, names: Sequence[str], kind: str) -> str:
    if name is not None and name in names:
        return name
    if name is None and len(names) == 1:
        return names[0]
    if name is not None:
        raise not_there(file.name, kind, name, names)
    raise DataError(
        "DA061",
        where=file.name,
        expected=f"the name of a {kind}: {file.name}:NAME",
        got=f"no name, and {len(names)} to choose from: {', '.join(names[:12])}",
        cause="the file holds several",
        fix=f"write {file.name}:{names[0]}" if names else "name it",
    )


def _texts(held: Held) -> list[str]:
    from lamina.data.formats.array_tables import table_of_arrays

    return [value or "" for value in table_of_arrays({"text": held}, held.where).collect().to_series().to_list()]


def _turned(array: Samples) -> Samples:
    """The axes of a sample in reverse order."""
    order = (0, *range(array.ndim - 1, 0, -1))
    if isinstance(array, LazyArray):
        shape = tuple(array.shape[axis] for axis in order[1:])
        return Mapped(array, lambda values: np.ascontiguousarray(values.transpose(order)), shape)
    return array.transpose(order)


def _reversed(held: Held, where: str) -> np.ndarray:
    from lamina.data.formats.held import IN_MEMORY_BYTES
    from lamina.data.formats.scanning import too_much

    if held.nbytes > IN_MEMORY_BYTES:
        raise too_much(
            where,
            f"at most {IN_MEMORY_BYTES:,} bytes, where samples stand in the first axis of a MATLAB file",
            f"{held.nbytes:,}",
            "save it with the samples last, permute(x, [2 3 4 1]), and write samples: last: then batches are read from the file",
        )
    return native(held.rows(0, held.shape[0])).T

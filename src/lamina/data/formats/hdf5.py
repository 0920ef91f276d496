"""HDF5 (also netCDF 4 and MATLAB 7.3): data sets by path, read in pieces; nothing that leads out of the file or runs foreign code."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.formats.held import Held
from lamina.data.formats.scanning import damaged, not_there, too_much
from lamina.data.storage.compression import check_ratio
from lamina.data.stored import Stored
from lamina.errors import DataError, DependencyError

if TYPE_CHECKING:
    from lamina.data.lazy import Samples
    from lamina.data.storage import DataFile

EXPECTED = "a whole HDF5 file"
FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf"}
"""Filters that come with the library; others are plugins, which it would load from anywhere and run."""
MOST_SETS = 100_000
MOST_LINKS = 16


def read_hdf5(file: DataFile, chosen: Sequence[str] | None = None) -> dict[str, Held]:
    """Data sets of a file by their paths.

    Args:
        file: The file; it stays open as long as an array of it is used.
        chosen: Paths; by default all data sets that the file itself holds, in the order in which they lie in it.

    Raises:
        DependencyError: DA059, if h5py isn't installed.
        DataError: DA060, if the file is damaged or of another kind; DA061 for a path that isn't there; DA070 for one that leads out
            of the file, or a filter that isn't trusted; DA064 and DA046 for a data set that declares more than it can hold.
    """
    opened = open_hdf5(file)
    with reading(file.name):
        paths = [path.strip("/") for path in chosen] if chosen is not None else list(_paths(opened, file.name))
    if not paths:
        raise damaged(file.name, EXPECTED, "no data set in it", cause="the file holds groups alone, or nothing was written to it")
    return {path: held_set(opened, path, file) for path in paths}


def open_hdf5(file: DataFile) -> Any:
    """An open file of h5py.

    Raises:
        DependencyError: DA059, if h5py isn't installed.
        DataError: DA060, if the file is damaged or of another kind.
    """
    try:
        import h5py
    except ImportError as error:
        raise DependencyError(
            "DA059",
            where=file.name,
            expected="the package h5py",
            got=str(error),
            cause="it is an optional part",
            fix="pip install 'lamina[hdf5]'",
        ) from error
    path = file.local()
    with reading(file.name):
        return h5py.File(path, "r", locking="best-effort")


@contextmanager
def reading(where: str) -> Iterator[None]:
    """What h5py raises within, as DA060."""
    try:
        yield
    except (DataError, DependencyError):
        raise
    except Exception as error:  # h5py raises OSError, RuntimeError, KeyError, ValueError, TypeError ... for damage.
        raise damaged(where, EXPECTED, error) from error


def _paths(opened: Any, where: str) -> Iterator[str]:
    import h5py

    found: list[str] = []

    def visit(name: str, item: Any) -> bool | None:
        if isinstance(item, h5py.Dataset):
            found.append(name)
        return True if len(found) > MOST_SETS else None

    # Soft and external links are not visited, and each object once.
    opened.visititems(visit)
    if len(found) > MOST_SETS:
        raise too_much(where, f"at most {MOST_SETS:,} data sets", "more", "name the data sets")
    return iter(found)


def find_object(opened: Any, path: str, where: str) -> Any:
    """The group or data set of a path, found without following a link out of the file.

    Raises:
        DataError: DA061, if it isn't there; DA070, if it leads out of the file.
    """
    import h5py

    parts, place, links = [part for part in path.split("/") if part], opened, 0
    names: list[str] = []
    while parts:
        part = parts.pop(0)
        if not isinstance(place, h5py.Group) or part not in place:
            there = list(itertools.islice(place, 1000)) if isinstance(place, h5py.Group) else []
            raise not_there(f"{where}, {'/'.join(names) or '/'}" if names else where, "data set or group", part, there)
        link = place.get(part, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            spot = f"{where}, {'/'.join([*names, part])}"
            raise _untrusted(spot, f"a link to {link.path} in {link.filename!r}")
        if isinstance(link, h5py.SoftLink):
            links += 1
            if links > MOST_LINKS:
                raise damaged(where, EXPECTED, f"links that lead from {path!r} to nowhere")
            target = [own for own in link.path.split("/") if own]
            parts = [*([] if link.path.startswith("/") else names), *target, *parts]
            place, names = opened, []
            continue
        place = place[part]
        names.append(part)
    return place


def held_set(opened: Any, path: str, file: DataFile) -> Held:
    """A data set as an array in a file.

    Raises:
        DataError: As `read_hdf5`.
    """
    import h5py

    where = f"{file.name}, data set {path!r}"
    with reading(where):
        data = find_object(opened, path, file.name)
        if not isinstance(data, h5py.Dataset):
            names = [f"{path}/{name}" for name in itertools.islice(data, 1000)]
            raise not_there(file.name, "data set", path, names)
        if data.shape is None:
            raise damaged(where, "a data set with values", "one that is empty", cause="it was declared and never written")
        _check_trusted(data, where)
        plain = data.chunks is None and data.id.get_offset() is not None and data.dtype.kind in "biufSV" and not data.dtype.hasobject
        _check_size(data, where, file, plain=plain)
        shape, dtype = tuple(data.shape), data.dtype
    lock = threading.Lock()

    def rows(start: int, stop: int) -> np.ndarray:
        with reading(where), lock:
            block = data[start:stop] if shape else np.asarray(data[()])
        return np.asarray(block)

    def mapped() -> Samples:
        with reading(where):
            array = np.memmap(file.local(), dtype, "r", data.id.get_offset(), shape)
        return Stored(array).astype(dtype.newbyteorder("="))

    direct = plain and dtype.kind in "biuf" and dtype.metadata is None and bool(data.size)
    return Held(where, shape, dtype, rows, mapped if direct else None)


def _check_trusted(data: Any, where: str) -> None:
    if data.is_virtual:
        raise _untrusted(where, "a virtual data set, whose values are in other files")
    if data.external:
        raise _untrusted(where, f"values in another file, {data.external[0][0]!r}")
    settings = data.id.get_create_plist()
    for place in range(settings.get_nfilters()):
        number = settings.get_filter(place)[0]
        if number not in FILTERS:
            name = settings.get_filter(place)[3]
            raise _untrusted(where, f"the filter {number} ({name.decode(errors='replace')})")


def _untrusted(where: str, got: str) -> DataError:
    return DataError(
        "DA070",
        where=where,
        expected=f"values in the file itself, plain or packed by {', '.join(FILTERS.values())}",
        got=got,
        cause="reading it would open another file or run a plugin, which a file must not decide",
        fix="write the values into one file with h5py, with gzip or no compression",
    )


def _check_size(data: Any, where: str, file: DataFile, *, plain: bool) -> None:
    """What is declared, against what is stored: before anything of it is read."""
    stored = int(data.id.get_storage_size())
    size = int(np.prod(data.shape, dtype=object)) * data.dtype.itemsize
    whole = file.local().stat().st_size
    if stored > whole or (plain and (size > stored or int(data.id.get_offset()) + size > whole)):
        raise too_much(where, f"at most {whole:,} bytes, which the file has", f"{max(stored, size):,}", "get the file once more")
    check_ratio(where, max(stored, 1), size, file.storage)
    if data.chunks is not None:
        chunk = int(np.prod(data.chunks, dtype=object)) * data.dtype.itemsize
        check_ratio(f"{where}, a chunk of it", max(stored, 1), chunk, file.storage)

"""Weights and states of solvers in HDF5, as Caffe writes them with ``snapshot_format: HDF5``.

What is read: data sets of numbers that lie in the file itself, by their paths. Links that lead out of it are refused.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.errors import InteropError
from lamina.interop.problems import damaged, too_large

if TYPE_CHECKING:
    import numpy as np

MOST_LAYERS = 20_000
MOST_BLOBS = 10_000


def _h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise InteropError(
            "IO020",
            where="weights in HDF5",
            expected="the package h5py, which reads them",
            got=str(error),
            cause="it is needed for files in HDF5 only, and is installed with an extra",
            fix="pip install 'lamina[keras]', or give the .caffemodel in its binary form",
        ) from error
    return h5py


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    h5py = _h5py()
    try:
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except InteropError:
        raise
    except (
        OSError,
        RuntimeError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        OverflowError,
        MemoryError,
        UnicodeDecodeError,
    ) as error:
        raise damaged(where=str(path), expected="an HDF5 file of Caffe", got=str(error)[:200] or type(error).__name__) from error


def is_table(path: Path) -> bool:
    """Whether an HDF5 file holds weights of Caffe, or the state of a solver of Caffe."""
    try:
        with _opened(path) as file:
            names = {*file.keys()}
            if names <= {"data", "diff"} and "data" in names and not len(file.attrs):
                group = _child(file, "data", path)
                return any(len(layer) for _, layer in itertools.islice(_layers(group, path), 100))
            return {"iter", "history"} <= names <= {"iter", "learned_net", "current_step", "history"}
    except InteropError as error:
        return error.problems[0].code == "IO020"


def _child(group: Any, name: str, path: Path) -> Any:
    """A group or data set that lies in the file itself."""
    h5py = _h5py()
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise damaged(where=f"{path}, {name!r}", expected="numbers in this file", got="a link", cause="the file was made to read others")
    return group[name]


def _numbers(group: Any, name: str, path: Path, size: int) -> np.ndarray:
    """A data set, whose size is compared with the file's before it is read."""
    import numpy as np

    found = _child(group, name, path)
    where = f"{path}, {found.name}"
    if not hasattr(found, "dtype") or found.dtype.kind not in "fiu" or found.dtype.itemsize not in (1, 2, 4, 8):
        raise damaged(where=where, expected="numbers", got=str(getattr(found, "dtype", "a group")))
    if (
        found.size * found.dtype.itemsize > max(size, found.id.get_storage_size()) * (1 if found.chunks is None else 1100)
        or found.size > 1 << 34
    ):
        raise too_large(where=where, expected=f"at most the {size:,} bytes of the file", got=f"{found.size:,} numbers")
    if found.is_virtual or found.external:
        raise damaged(where=where, expected="numbers in this file", got="numbers in others", cause="the file was made to read others")
    if found.chunks is None and found.size and found.id.get_storage_size() != found.size * found.dtype.itemsize:
        raise damaged(where=where, expected=f"{found.size:,} numbers", got=f"{found.id.get_storage_size():,} bytes")
    return np.asarray(found[()])


def weights(path: Path) -> dict[str, list[np.ndarray]]:
    """Blobs of each layer.

    Raises:
        InteropError: IO002 or IO003, if the file is damaged, or made to do harm; IO020, if h5py isn't there.
    """
    size = path.stat().st_size
    found: dict[str, list[np.ndarray]] = {}
    with _opened(path) as file:
        group = _child(file, "data", path)
        for name, layer in _layers(group, path):
            if not hasattr(layer, "keys") or len(layer) > MOST_BLOBS:
                raise damaged(where=f"{path}, {name!r}", expected="a group of blobs", got=type(layer).__name__)
            if len(layer):
                found[name] = [_numbers(layer, str(place), path, size) for place in range(len(layer))]
    return found


def _layers(group: Any, path: Path) -> Iterator[tuple[str, Any]]:
    """Layers by name; a ``/`` in a name made groups within groups, as HDF5 reads it."""
    waiting = [("", group)]
    seen = 0
    while waiting:
        prefix, one = waiting.pop()
        for name in list(one):
            seen += 1
            if seen > MOST_LAYERS or prefix.count("/") > 64:
                raise too_large(
                    where=f"{path}, {prefix!r}", expected=f"at most {MOST_LAYERS:,} layers", got="more, or groups within groups"
                )
            child = _child(one, name, path)
            keys = list(child.keys()) if hasattr(child, "keys") else None
            if keys is None:
                continue
            if all(key.isdigit() for key in keys):
                yield f"{prefix}{name}", child
            else:
                numbered = [key for key in keys if key.isdigit() and not hasattr(_child(child, key, path), "keys")]
                if numbered:
                    yield f"{prefix}{name}", _Part(child, numbered)
                waiting.append((f"{prefix}{name}/", child))


class _Part:
    """The blobs of a layer whose name is the beginning of others' names."""

    def __init__(self, group: Any, names: list[str]) -> None:
        self._group, self._names = group, names

    def keys(self) -> list[str]:
        return self._names

    def __len__(self) -> int:
        return len(self._names)

    def get(self, name: str, *, getlink: bool = False) -> Any:
        return self._group.get(name, getlink=getlink)

    def __getitem__(self, name: str) -> Any:
        return self._group[name]


def is_state(path: Path) -> bool:
    """Whether it is the state of a solver."""
    with _opened(path) as file:
        return "history" in file


def state(path: Path) -> tuple[int, int, list[np.ndarray]]:
    """Updates made, the current step of the ``multistep`` policy, and the history.

    Raises:
        InteropError: IO002 or IO003, if the file is damaged.
    """
    size = path.stat().st_size
    with _opened(path) as file:
        group = _child(file, "history", path)
        if not hasattr(group, "keys") or len(group) > MOST_LAYERS:
            raise damaged(where=f"{path}, 'history'", expected="a group of blobs", got=type(group).__name__)
        history = [_numbers(group, str(place), path, size) for place in range(len(group))]
        step = int(_numbers(file, "current_step", path, size).reshape(-1)[0]) if "current_step" in file else 0
        return int(_numbers(file, "iter", path, size).reshape(-1)[0]), step, history

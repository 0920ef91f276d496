"""Which source reads a file, by its ending."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.errors import DataError, nearest
from lamina.spec import registry

if TYPE_CHECKING:
    from lamina.data.sources.table import TableSource

COMPRESSED = (".gz", ".zst", ".bz2", ".xz")
ARCHIVES = (".zip", ".tar", ".tgz")
ENDINGS: dict[str, tuple[str, dict[str, Any]]] = {
    ".csv": ("csv", {}),
    ".tsv": ("tsv", {}),
    ".tab": ("tsv", {}),
    ".txt": ("csv", {}),
    ".data": ("csv", {}),
    ".test": ("csv", {}),
    ".jsonl": ("json_lines", {}),
    ".ndjson": ("json_lines", {}),
    ".json": ("json", {}),
    ".yaml": ("yaml", {}),
    ".yml": ("yaml", {}),
    ".xml": ("xml", {}),
    ".parquet": ("parquet", {}),
    ".arrow": ("arrow", {}),
    ".feather": ("arrow", {}),
    ".ipc": ("arrow", {}),
    ".xlsx": ("excel", {}),
    ".xlsm": ("excel", {}),
    ".xls": ("excel", {}),
    ".ods": ("excel", {}),
    ".npy": ("numpy", {}),
    ".npz": ("numpy", {}),
    ".h5": ("hdf5", {}),
    ".hdf5": ("hdf5", {}),
    ".mat": ("matlab", {}),
    ".svm": ("svmlight", {}),
    ".libsvm": ("svmlight", {}),
    ".svmlight": ("svmlight", {}),
}
"""Ending to the type of source and settings that go with it."""


def ending(path: str | os.PathLike[str]) -> str:
    """The ending that says what a file holds, without that of a compression.

    Example:
        >>> ending("rows.csv.gz")
        '.csv'
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    while suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def reader_for(path: str | os.PathLike[str], *, like: TableSource | None = None, columns: Collection[str] = ()) -> TableSource:
    """A source that reads a file.

    Args:
        path: The file.
        like: A source of another such file; where it reads files of this ending, it says how.
        columns: Names that the file must have.

    Raises:
        DataError: DA090, for an ending that nobody reads.
    """
    own = ending(path)
    kind, settings = ENDINGS.get(own, ("", {}))
    same = None if like is None else like.like(str(path), columns)
    if (
        same is not None
        and like is not None
        and (like.own_reader or kind in ("", like.type_name) or own == ending(_first(getattr(like, "path", ""))))
    ):
        return same
    component: Any = registry.get("source", kind)
    if component is None:
        near = nearest(own, ENDINGS)
        fix = f"did you mean {near!r}?" if near else f"use one of these endings, or write the source out: {{type: csv, path: {path}}}"
        if own in ARCHIVES or Path(path).is_dir():
            fix = f"name the files in it: {str(path).rstrip('/')}{'!' if own in ARCHIVES else '/'}**/*.csv"
        raise DataError(
            "DA090",
            where=str(path),
            expected=f"a file that ends in {', '.join(ENDINGS)}",
            got=repr(own) if own else "no ending",
            cause="the ending says how the file is read",
            fix=fix,
        )
    made: TableSource = component(path=str(path), **settings)
    return made


def _first(paths: str | tuple[str, ...]) -> str:
    return paths if isinstance(paths, str) else paths[0]

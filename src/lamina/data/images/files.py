"""Image files among other files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from lamina.data.images.decode import ENDINGS
from lamina.data.storage import open_files
from lamina.errors import DataError, nearest

if TYPE_CHECKING:
    from lamina.data.storage import DataFile, Storage


def find_images(path: str | os.PathLike[str] | Sequence[str], storage: Storage | None = None) -> list[DataFile]:
    """The image files that a path means: of a folder, a pattern, an archive, a store; see `lamina.data.storage.open_files`.

    Raises:
        DataError: DA140, if there are none; what `open_files` raises.
    """
    found = open_files(path, storage=storage)
    files = [file for file in found if file.suffix in ENDINGS]
    if not files:
        raise _none(path, found)
    return files


def find_named(path: str, names: Sequence[str], wheres: Sequence[str], storage: Storage | None = None) -> list[DataFile]:
    """The files of these names below a path.

    Args:
        path: A folder, an archive or a store.
        names: Paths below it.
        wheres: What names each, for messages: a line of a manifest, an annotation.
        storage: How remote files are reached.

    Raises:
        DataError: DA140, for a name that is not there; what `open_files` raises.
    """
    there = {file.relative.as_posix(): file for file in open_files(path, storage=storage)}
    found = []
    for name, where in zip(names, wheres, strict=True):
        file = there.get(PurePosixPath(name.replace("\\", "/")).as_posix())
        if file is None:
            near = nearest(name, there)
            raise DataError(
                "DA140",
                where=where,
                expected=f"a file {name!r} below {path}",
                got=f"none among {len(there)} files",
                cause="the name is relative to another folder, or the file was not copied",
                fix=f"did you mean {near!r}?" if near else "correct path in the source, or the name",
            )
        found.append(file)
    return found


def _none(path: object, found: Sequence[DataFile]) -> DataError:
    return DataError(
        "DA140",
        where=str(path),
        expected=f"images: files that end in {', '.join(ENDINGS[:6])} ...",
        got=f"none among {len(found)} files, such as {found[0].name}",
        cause="the folder holds other files, or the path is not relative to the recipe's folder",
        fix="look at the path; a pattern may stand in it: photos/**/*.png",
    )

"""Image files among other files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lamina.data.images.decode import ENDINGS
from lamina.data.storage import open_files
from lamina.errors import DataError

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


def _none(path: object, found: Sequence[DataFile]) -> DataError:
    return DataError(
        "DA140",
        where=str(path),
        expected=f"images: files that end in {', '.join(ENDINGS[:6])} ...",
        got=f"none among {len(found)} files, such as {found[0].name}",
        cause="the folder holds other files, or the path is not relative to the recipe's folder",
        fix="look at the path; a pattern may stand in it: photos/**/*.png",
    )

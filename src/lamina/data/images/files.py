"""Image files: found, listed in an order that is everywhere the same, and read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lamina.data.images.decoding import ENDINGS, unreadable
from lamina.errors import DataError


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file with an image.

    Attributes:
        path: Where it is.
        name: Path below the folder that was searched, with ``/``; for labels and messages.
    """

    path: Path
    name: str

    def read(self) -> bytes:
        """All its bytes.

        Raises:
            DataError: DA130, if it can't be read.
        """
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise unreadable(str(self.path), error) from error

    def __str__(self) -> str:
        return str(self.path)


def find_images(path: str | os.PathLike[str], endings: tuple[str, ...] = ENDINGS) -> list[ImageFile]:
    """The image files in a folder and all below it, of a pattern with ``*``, or the one file; sorted by name.

    Raises:
        DataError: DA140, if there are none.
    """
    text = os.fspath(path)
    base = Path(text)
    if any(mark in text for mark in "*?["):
        base = Path(*_before_marks(Path(text)))
        found = list(base.glob(Path(text).relative_to(base).as_posix()))
    elif base.is_dir():
        found = [Path(folder) / name for folder, _, names in os.walk(base, followlinks=True) for name in names]
    else:
        found = [base] if base.is_file() else []
        base = base.parent
    files = [
        ImageFile(file, PurePosixPath(file.relative_to(base)).as_posix())
        for file in found
        if file.suffix.lower() in endings and not file.name.startswith(".") and file.is_file()
    ]
    if not files:
        raise _none(text, found)
    return sorted(files, key=lambda file: file.name)


def _before_marks(path: Path) -> list[str]:
    parts: list[str] = []
    for part in path.parts:
        if any(mark in part for mark in "*?["):
            break
        parts.append(part)
    return parts or ["."]


def _none(path: str, found: list[Path]) -> DataError:
    there = Path(path).exists()
    return DataError(
        "DA140",
        where=path,
        expected=f"images: files that end in {', '.join(ENDINGS[:6])} ...",
        got=f"none among {len(found)} files" if found else "an empty folder" if there else "nothing of this name",
        cause="the folder holds other files" if there or found else "the path is mistyped, or not relative to the recipe's folder",
        fix="look at the path; a pattern may stand in it: photos/**/*.png",
    )

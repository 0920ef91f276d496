"""A trained model in a file, of Lamina's own or of another system: its network at once, its weights when they are asked for."""

from __future__ import annotations

import importlib
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from lamina.archive import MANIFEST, WEIGHTS, Archive
from lamina.errors import InteropError
from lamina.keep import Extras, Kept, described, read_extras

if TYPE_CHECKING:
    import numpy as np

Files: TypeAlias = "str | os.PathLike[str] | Sequence[str | os.PathLike[str]]"
READER = "lamina.interop.loading:trained"
"""What reads the files of other systems; announced by name, as components are, since that room stands above this one."""


@dataclass(frozen=True)
class Trained:
    """A trained model in a file.

    Attributes:
        kept: Its network, with all shapes.
        weights: Reads the weights, ``layer/name``.
        extras: Reads what is kept beside them: schema and preprocessing.
    """

    kept: Kept
    weights: Callable[[], Mapping[str, np.ndarray]]
    extras: Callable[[], Extras]


def trained(files: Files) -> Trained:
    """The trained model in a file, or in several that make one: a ``.lamina`` file or what ``lamina import`` reads. Loads no torch.

    Raises:
        ArchiveError: For a ``.lamina`` file that is damaged, and for what is no model of any kind.
        InteropError: For a model of another system that is damaged, or has parts without a counterpart.
    """
    paths = [files] if isinstance(files, str | os.PathLike) else list(files)
    if not _is_foreign(paths):
        return _own(paths[0])
    module, _, word = READER.partition(":")
    try:
        found: Trained = getattr(importlib.import_module(module), word)(paths)
    except InteropError as error:
        if error.code == "IO001":
            return _own(paths[0])  # Which says what it is instead.
        raise
    return found


def _own(path: str | os.PathLike[str]) -> Trained:
    archive = Archive(path)

    def extras() -> Extras:
        schema, preprocessing = read_extras(archive)
        return Extras(schema, preprocessing)

    return Trained(described(archive), lambda: archive.arrays(WEIGHTS), extras)


def _is_foreign(paths: Sequence[str | os.PathLike[str]]) -> bool:
    if len(paths) != 1:
        return True
    path = Path(paths[0])
    if not path.exists() or path.suffix == ".lamina":
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return MANIFEST not in archive.namelist()
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
        return True

"""Data sets by name: ``data://NAME/FILE`` is below the folder that ``LAMINA_DATA`` names, else below the cache."""

from __future__ import annotations

import os
from pathlib import Path

from lamina.data.storage.cache import cache_folder
from lamina.errors import DataError, nearest

SCHEME = "data://"
DATA = "LAMINA_DATA"


def located(text: str) -> str:
    """A path with ``data://NAME/`` at its beginning as the local path that it means; any other as it is.

    Raises:
        DataError: DA030, if there is no folder ``NAME`` in either place.

    Example:
        >>> located("rows.csv")
        'rows.csv'
    """
    if not text.startswith(SCHEME):
        return text
    name, _, rest = text[len(SCHEME) :].partition("/")
    roots = [*([Path(os.environ[DATA])] if os.environ.get(DATA) else []), cache_folder()]
    found = next((root / name for root in roots if name not in ("", ".", "..") and (root / name).is_dir()), None)
    if found is None:
        near = nearest(name, [entry.name for root in roots if root.is_dir() for entry in root.iterdir() if entry.is_dir()])
        raise DataError(
            "DA030",
            where=text,
            expected=f"a folder {name} in {os.environ.get(DATA) or f'${DATA} (not set)'} or in {cache_folder()}",
            got="none",
            cause="a typo" if near else "the data set is not on this machine",
            fix=f"did you mean {SCHEME}{near}/{rest}?" if near else f"set {DATA} to the folder that holds {name}/",
        )
    return str(found / rest)

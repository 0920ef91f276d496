"""Matrices in text, as ``save -ascii`` and people write them: numbers parted by blanks or commas, ``x = [1 2; 3 4];``, ``%`` comments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from lamina.data.formats.scanning import damaged, too_much
from lamina.errors import DataError, Source

if TYPE_CHECKING:
    from lamina.data.storage import DataFile

MOST_BYTES = 256 << 20
ONLY = "data"
"""What the only matrix is called if it has no name."""
_NAMED = re.compile(r"\s*([A-Za-z]\w*)\s*=\s*\[?")


def read_text(file: DataFile) -> dict[str, np.ndarray]:
    """The matrices of a text file by name; one without a name is ``data``.

    Raises:
        DataError: DA060 for what is no text; DA032, with line and column, for what is no number, and rows of other lengths.
    """
    size = file.size
    if size is not None and size > MOST_BYTES:
        raise too_much(file.name, f"at most {MOST_BYTES:,} bytes of text", f"{size:,}", "save it as a binary file: save -v7.3, or -v6")
    try:
        text = file.read().decode("ascii")
    except UnicodeDecodeError as error:
        raise damaged(file.name, "a MATLAB file, or numbers in text", error) from error
    rows: dict[str, list[list[float]]] = {}
    name = ONLY
    for number, line in enumerate(text.splitlines(), 1):
        code = line.split("%", 1)[0]
        found = _NAMED.match(code)
        if found:
            name = found[1]
            if name in rows:
                raise _odd(file.name, number, line, name, "each name once")
            code = code[found.end() :]
        for part in code.split(";"):
            values = part.replace("[", " ").replace("]", " ").replace(",", " ").split()
            if values:
                rows.setdefault(name, []).append([_number(value, file.name, number, line) for value in values])
                if len(values) != len(rows[name][0]):
                    raise _odd(
                        file.name,
                        number,
                        line,
                        values[0],
                        f"{len(rows[name][0])} numbers, as in the first row of {name!r}, not {len(values)}",
                    )
    if not rows:
        raise damaged(file.name, "a MATLAB file, or numbers in text", "no number in it")
    return {name: np.asarray(values) for name, values in rows.items()}


def _number(text: str, where: str, number: int, line: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _odd(where, number, line, text, "a number") from None


def _odd(where: str, number: int, line: str, token: str, expected: str) -> DataError:
    return DataError(
        "DA032",
        where="the matrix",
        expected=expected,
        got=repr(token[:60]),
        cause="this is no text that MATLAB saves: its files hold numbers alone",
        fix="correct the line; tables with words in them are read by source: csv",
        source=Source(where, number, line.find(token) + 1 or 1),
    )

"""What commands print: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lamina.errors import DataError, LaminaError


def say_error(error: LaminaError, *, as_json: bool) -> None:
    """The problems: as text to standard error, or as JSON to standard output."""
    if as_json:
        print_json({"problems": error.to_json()})
    else:
        print(f"Error: {error}", file=sys.stderr)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the system says against writing a file, as a message.

    Raises:
        DataError: DA093.
    """
    try:
        yield
    except OSError as error:
        raise DataError(
            "DA093",
            where=str(path),
            expected="a file that can be written",
            got=error.strerror or str(error),
            cause="the folder isn't there or can't be written to, or the disk is full",
            fix="make the folder, or choose another place",
        ) from error


def print_json(data: Any) -> None:
    """Plain data as JSON; numbers that are not finite become null."""
    print(json.dumps(_finite(data), indent=2, ensure_ascii=False, allow_nan=False))


def _finite(data: Any) -> Any:
    if isinstance(data, float) and not math.isfinite(data):
        return None
    if isinstance(data, dict):
        return {str(key): _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return data

"""What commands print: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

from lamina.errors import LaminaError


def say_error(error: LaminaError, *, as_json: bool) -> None:
    """The problems: as text to standard error, or as JSON to standard output."""
    if as_json:
        print_json({"problems": error.to_json()})
    else:
        print(f"Error: {error}", file=sys.stderr)


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

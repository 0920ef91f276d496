"""JSON of other systems, bounded."""

from __future__ import annotations

import json
from typing import Any

from lamina.interop.problems import damaged, too_large

MOST_BYTES = 8 * 1024 * 1024
"""A description of a network of thousands of layers is smaller."""


def parse_json(raw: bytes, where: str, most: int = MOST_BYTES) -> Any:
    """Plain data.

    Raises:
        InteropError: IO002, if it is no JSON; IO003, if it is larger than ``most`` bytes.
    """
    if len(raw) > most:
        raise too_large(where=where, expected=f"at most {most:,} bytes of JSON", got=f"{len(raw):,}")
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise damaged(where=where, expected="JSON", got=str(error)[:200]) from error

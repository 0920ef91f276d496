"""The names of kinds, and what stands in their brackets."""

from __future__ import annotations

KINDS = ("string", "integer", "float", "boolean", "categorical", "time", "bytes", "array", "image", "text", "null")
"""All kinds. A time may say its zone, ``time[Europe/Zurich]``, which is UTC unless said; an array what it holds, ``array[string]``,
which are floats unless said."""


def base_kind(kind: str) -> str:
    """The kind without its zone or contents; a categorical is a string.

    Example:
        >>> base_kind("time[Europe/Zurich]"), base_kind("categorical")
        ('time', 'string')
    """
    plain = kind.partition("[")[0]
    return "string" if plain == "categorical" else plain


def kind_inside(kind: str) -> str:
    """The zone of a time, or the kind of what an array holds.

    Example:
        >>> kind_inside("time[Europe/Zurich]"), kind_inside("time"), kind_inside("array")
        ('Europe/Zurich', 'UTC', 'float')
    """
    inside = kind.partition("[")[2].removesuffix("]")
    return inside or {"time": "UTC", "array": "float"}.get(base_kind(kind), "")

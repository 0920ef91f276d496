"""Paths address every setting: ``network.layers[2].units``; errors, ``--set`` and search spaces share them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from lamina.errors import DescriptionError, nearest

Path = tuple[str | int, ...]
"""A parsed path: keys of mappings and indices of lists."""

_PART = re.compile(r"\.?([^.\[\]]+)|\[(-?\d+)\]")


def parse_path(text: str) -> Path:
    """Read ``network.layers[2].units`` into its parts.

    Raises:
        DescriptionError: SP007, if the text is not a path.

    Example:
        >>> parse_path("network.layers[2].units")
        ('network', 'layers', 2, 'units')
    """
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        match = _PART.match(text, position)
        if match is None:
            break
        parts.append(match[1] if match[1] is not None else int(match[2]))
        position = match.end()
    if not parts or position != len(text):
        raise DescriptionError(
            "SP007",
            where=f"path {text!r}",
            expected="keys joined by dots, list positions in brackets",
            got=repr(text),
            cause="a bracket or a dot is misplaced",
            fix="write a path such as train.optimizer.learning_rate or network.layers[2].units",
        )
    return tuple(parts)


def format_path(path: Sequence[str | int]) -> str:
    """Write a path as people read it.

    Example:
        >>> format_path(("network", "layers", 2, "units"))
        'network.layers[2].units'
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else str(part))
    return text


def set_value(data: Any, path: Path, value: Any) -> Path:
    """Put ``value`` at ``path`` into nested dicts and lists, in place; missing mappings are made on the way.

    Whether the key is a setting that exists is judged later, when the whole is validated.

    Returns:
        The path with list positions counted from the front.

    Raises:
        DescriptionError: SP007, if a list position doesn't exist or the path runs through a plain value.
    """
    here = data
    found: list[str | int] = []
    for depth in range(len(path)):
        key = _key(here, path, depth)
        found.append(key)
        if depth == len(path) - 1:
            here[key] = value
        else:
            here = _opened(here, key)
    return tuple(found)


def _key(here: Any, path: Path, depth: int) -> str | int:
    """The part of the path at ``depth``, if ``here`` can have it."""
    part = path[depth]
    if isinstance(part, str) and isinstance(here, dict):
        return part
    if isinstance(part, int) and isinstance(here, list) and -len(here) <= part < len(here):
        return part % len(here)
    raise _no_such(path, depth, here)


def _opened(here: Any, key: Any) -> Any:
    """What stands at ``key``, made a mapping where a path can go on into it."""
    inner = here[key] if isinstance(here, list) else here.get(key)
    if inner is None:
        inner = here[key] = {}
    elif isinstance(inner, str):
        # `optimizer: adam` is short for `optimizer: {type: adam}`: a path into it opens it up.
        inner = here[key] = {"type": inner}
    return inner


def _no_such(path: Path, depth: int, here: Any) -> DescriptionError:
    parent = format_path(path[:depth]) or "the description"
    part = path[depth]
    if isinstance(here, list):
        got = f"a list of {len(here)}"
        fix = f"use a position from 0 to {len(here) - 1}" if here else "add an element to the list first"
    elif isinstance(here, dict):
        near = nearest(str(part), (str(k) for k in here))
        got = f"a mapping with the keys {', '.join(map(str, here)) or '(none)'}"
        fix = f"did you mean {near!r}?" if near else "name one of its keys"
    else:
        got = f"the value {here!r}"
        fix = f"end the path at {parent}"
    return DescriptionError(
        "SP007",
        where=f"path {format_path(path)}",
        expected=f"something at {parent} that has {part!r}",
        got=got,
        cause="the path does not follow the description",
        fix=fix,
    )

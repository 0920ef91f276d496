"""Converters of one's own, for layers that only their authors know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from lamina.errors import RegistrationError

C = TypeVar("C", bound=Callable[..., Any])
_OWN: dict[tuple[str, str], Callable[..., Any]] = {}


def converter(format: str, kind: str) -> Callable[[C], C]:  # noqa: A002 (as everywhere in this room)
    """Decorator: this function says what a layer of the source becomes.

    What it is given and what it gives is the format's: see the page on each format.

    Args:
        format: Name of the format, such as ``dl4j``.
        kind: What the source calls such layers; of a class in a package, its last part is enough.

    Raises:
        RegistrationError: IO009, if there is one for it already.
    """

    def enter(function: C) -> C:
        taken = _OWN.get((format, kind))
        if taken is not None and (taken.__module__, taken.__qualname__) != (function.__module__, function.__qualname__):
            raise RegistrationError(
                "IO009",
                where=f"converter({format!r}, {kind!r})",
                expected="one converter for a kind of layer",
                got=f"a second one, beside {taken.__module__}.{taken.__qualname__}",
                cause="two packages convert the same layer",
                fix="remove one of them",
            )
        _OWN[format, kind] = function
        return function

    return enter


def own_converter(format: str, *kinds: str) -> Callable[..., Any] | None:  # noqa: A002
    """What was registered for a layer that has these names."""
    return next((_OWN[format, kind] for kind in kinds if (format, kind) in _OWN), None)

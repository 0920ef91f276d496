"""The operators that Lamina runs, as data: their names in ONNX, what they take, and the attributes that are understood. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from lamina.network.operator_table import FAMILIES

__all__ = ["FAMILIES", "Signature", "enter", "family_of", "signature", "signatures"]


@dataclass(frozen=True)
class Signature:
    """What an operator takes.

    Attributes:
        name: In ONNX.
        domain: Set of operators.
        family: Module of ``lamina.engine.operators`` that runs it; empty for one's own.
        least: Fewest inputs.
        most: Most inputs; None: any number.
        attributes: Those that are understood.
    """

    name: str
    domain: str
    family: str
    least: int
    most: int | None
    attributes: frozenset[str]


_OWN: dict[tuple[str, str], Signature] = {}


def enter(name: str, domain: str, *, least: int, most: int | None, attributes: tuple[str, ...]) -> None:
    """Make an operator of one's own known to importers; `lamina.engine.operators.operator` does."""
    _OWN.setdefault((domain, name), Signature(name, domain, "", least, most, frozenset(attributes)))


@cache
def _known() -> dict[tuple[str, str], Signature]:
    found = {}
    for family, text in FAMILIES.items():
        for line in text.replace("\n ", " ").strip().splitlines():
            head, _, rest = line.strip().partition(" ")
            name, _, count = head.rpartition(":")
            domain, _, word = name.rpartition("::")
            low, _, high = count.partition("-")
            most = None if high == "" else int(high)
            found[domain, word] = Signature(word, domain, family, int(low), most, frozenset(rest.split()))
    return found


def signature(name: str, domain: str = "") -> Signature | None:
    """What an operator takes; None if nothing here runs it.

    Example:
        >>> signature("LeakyRelu").attributes
        frozenset({'alpha'})
    """
    return _known().get((domain, name)) or _OWN.get((domain, name))


def signatures() -> list[Signature]:
    """All operators."""
    return [*_known().values(), *_OWN.values()]


def family_of(name: str, domain: str = "") -> str | None:
    """Module of ``lamina.engine.operators`` that runs an operator of Lamina's own."""
    found = _known().get((domain, name))
    return None if found is None else found.family

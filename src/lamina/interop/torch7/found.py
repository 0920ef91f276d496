"""The network in a file: the object itself, or an entry of a table beside all else that was saved with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lamina.interop.problems import unreadable
from lamina.interop.torch7.objects import Function, Instance, Reference, Storage, Tensor

PACKAGES = ("nn.", "cudnn.", "cunn.", "nngraph.", "rnn.", "dpnn.", "fbcunn.", "inn.", "nnx.", "clnn.", "ccn2.")
MODELS = ("model", "net", "network", "module", "mlp", "cnn", "encoder")


@dataclass
class Found:
    """What a file holds.

    Attributes:
        network: The network.
        key: Where it stands; nothing, if it is all there is.
        criterion: What judged its outputs, if that was saved too.
        facts: What else there is, by name.
    """

    network: Instance
    key: str = ""
    criterion: Instance | None = None
    facts: dict[str, str] = field(default_factory=dict)


def is_module(found: Any) -> bool:
    """Whether something is a module of a network."""
    return isinstance(found, Instance) and found.kind.startswith(PACKAGES) and not is_criterion(found)


def is_criterion(found: Any) -> bool:
    """Whether something judges outputs."""
    return isinstance(found, Instance) and found.kind.endswith("Criterion")


def find(root: Any, where: str) -> Found:
    """The network among what a file holds.

    Raises:
        InteropError: IO010, if there is none, or several.
    """
    if isinstance(root, Instance) and not is_module(root) and root.kind == "tds.Hash":
        root = root.fields
    if is_module(root) or (isinstance(root, Instance) and "modules" in root.fields):
        return Found(root)
    entries = dict(_entries(root)) if isinstance(root, dict) else {}
    modules = {key: item for key, item in entries.items() if is_module(item)}
    different = {id(item): key for key, item in reversed(modules.items())}
    chosen = next((key for key in MODELS if key in modules), None) or (next(iter(modules)) if len(different) == 1 else None)
    if chosen is None:
        raise unreadable(
            where=where,
            expected="a network, or a table in which one stands as model or net",
            got="the networks " + ", ".join(modules) if modules else _said(root),
            cause="it holds something else: the file may be a data set, options, or several networks",
        )
    criterion = next((item for item in entries.values() if is_criterion(item)), None)
    facts = {key: _said(item) for key, item in entries.items() if key != chosen and id(item) != id(modules[chosen])}
    return Found(modules[chosen], chosen, criterion, dict(list(facts.items())[:40]))


def _entries(table: dict[Any, Any], before: str = "", depth: int = 0) -> list[tuple[str, Any]]:
    found = []
    for key, item in table.items():
        if isinstance(key, Reference):
            continue
        found.append((f"{before}{key}", item))
        if isinstance(item, dict) and depth < 2 and any(is_module(inner) for inner in item.values()):
            found += _entries(item, f"{before}{key}.", depth + 1)
    return found


def _said(item: Any) -> str:
    """Something in a few words."""
    if isinstance(item, Tensor):
        return f"a tensor of {item.kind} {list(item.sizes)}"
    if isinstance(item, Storage):
        return f"a storage of {item.kind} with {len(item.array):,} numbers"
    if isinstance(item, Function):
        return f"a function of {item.size} bytes of Lua, which is not run"
    if isinstance(item, Instance):
        return item.kind
    if isinstance(item, dict):
        return f"a table of {len(item)}" + (f": {', '.join(str(key) for key in list(item)[:6])}" if item else "")
    return repr(item)[:80]

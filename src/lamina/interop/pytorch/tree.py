"""Named tensors in what a file holds: state dicts, checkpoints around them, whole modules, TorchScript."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lamina.interop.pytorch.pickles import Inert
from lamina.interop.pytorch.tensors import Stored

MOST_DEPTH = 60
WRAPPERS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "state",
    "weights",
    "params",
    "module",
    "ema",
    "generator",
)
"""Keys under which checkpoints keep the state dict, most telling first."""


@dataclass
class Tree:
    """What a file holds.

    Attributes:
        tensors: By name, in the order of the file.
        kind: ``a state dict``, ``a whole module``, ``TorchScript`` ...
        classes: Classes of modules, by name.
        facts: What else there is.
        optimizer: The state of the optimiser, as it stands there.
    """

    tensors: dict[str, Stored]
    kind: str = "a state dict"
    classes: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    optimizer: Any = None


def tree(root: Any) -> Tree:
    """Named tensors of an object."""
    if isinstance(root, Stored):
        return Tree({"tensor": root}, "a tensor")
    if isinstance(root, Inert):
        script = root.kind.module.startswith("__torch__")
        found = Tree({}, f"TorchScript of {root.kind.name}" if script else f"a whole module, {root.kind}")
        _module(root, "", found, 0)
        return found
    if isinstance(root, list | tuple):
        root = dict(enumerate(root))
    if not isinstance(root, dict):
        return Tree({}, type(root).__name__)
    direct = {str(key): item for key, item in root.items() if isinstance(item, Stored)}
    inner = next((key for key in WRAPPERS if isinstance(root.get(key), dict | Inert) and tree(root[key]).tensors), None)
    if inner is not None and (not direct or len(direct) < len(tree(root[inner]).tensors)):
        found = tree(root[inner])
        found.facts = {**found.facts, **_facts({key: item for key, item in root.items() if key != inner})}
        found.kind = f"{found.kind} under {inner!r}"
        optimizer = next((root[key] for key in ("optimizer", "optimizer_state_dict", "optimizer_states", "optim") if key in root), None)
        found.optimizer = optimizer[0] if isinstance(optimizer, list) and len(optimizer) == 1 else optimizer
        return found
    nested: dict[str, Stored] = {}
    _nested(root, "", nested, 0)
    return Tree(nested, facts=_facts({key: item for key, item in root.items() if not isinstance(item, Stored | dict)}))


def _nested(table: dict[Any, Any], before: str, found: dict[str, Stored], depth: int) -> None:
    for key, item in table.items():
        if isinstance(item, Stored):
            found[f"{before}{key}"] = item
        elif isinstance(item, dict) and depth < 8:
            _nested(item, f"{before}{key}.", found, depth + 1)


def _module(module: Inert, before: str, found: Tree, depth: int) -> None:
    """Parameters and buffers of a module and of those within, by the names that its state dict would have."""
    if depth > MOST_DEPTH or len(found.classes) > 20_000:
        return
    found.classes[before.rstrip(".")] = str(module.kind)
    fields = module.fields
    inner = fields.get("_modules")
    if isinstance(inner, dict):
        for name in ("_parameters", "_buffers"):
            for key, item in fields.get(name, {}).items() if isinstance(fields.get(name), dict) else ():
                left_out = fields.get("_non_persistent_buffers_set")
                if isinstance(item, Stored) and not (isinstance(left_out, list) and key in left_out):
                    found.tensors[f"{before}{key}"] = item
        children = inner
    else:
        # TorchScript keeps all of them side by side.
        for key, item in fields.items():
            if isinstance(item, Stored):
                found.tensors[f"{before}{key}"] = item
        children = fields
    for key, item in children.items():
        if isinstance(item, Inert):
            _module(item, f"{before}{key}.", found, depth + 1)


def _facts(entries: dict[Any, Any]) -> dict[str, str]:
    found = {}
    for key, item in list(entries.items())[:30]:
        if isinstance(item, dict | list | tuple):
            found[str(key)] = f"{len(item)} entries"
        elif isinstance(item, Inert):
            found[str(key)] = f"{item.kind}, which is not made"
        elif isinstance(item, Stored):
            found[str(key)] = f"a tensor {list(item.sizes)}"
        else:
            found[str(key)] = str(item)[:80]
    return found

"""TorchScript of PyTorch 1.0: a description in JSON, and a member for each tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.interop.documents import parse_json
from lamina.interop.problems import damaged
from lamina.interop.pytorch.archives import root
from lamina.interop.pytorch.tensors import DTYPES, Storage, Stored, whole
from lamina.interop.pytorch.tree import Tree
from lamina.interop.zips import ZipMembers

MOST_DEPTH = 60
OTHER = {"DOUBLE": "float64", "FLOAT": "float32", "HALF": "float16"}


def read_old_script(members: ZipMembers) -> Tree:
    """Parameters and buffers by name.

    Raises:
        InteropError: IO002 or IO003.
    """
    folder = root(members)
    path = f"{folder}model.json"
    model = parse_json(members.read(path, 1 << 26), members.where(path))
    if not isinstance(model, dict) or not isinstance(model.get("mainModule"), dict) or not isinstance(model.get("tensors"), list):
        raise damaged(where=members.where(path), expected="a main module and tensors", got=str(model)[:80])
    tensors = [_tensor(entry, members, folder, f"{members.where(path)}, tensor {place}") for place, entry in enumerate(model["tensors"])]
    found: dict[str, Stored] = {}
    _module(model["mainModule"], "", tensors, found, 0)
    return Tree(found, f"TorchScript of {model['mainModule'].get('name', 'a module')}", {"": "TorchScript"})


def _module(module: dict[str, Any], before: str, tensors: list[Stored], found: dict[str, Stored], depth: int) -> None:
    for entry in module.get("parameters", []) if isinstance(module.get("parameters"), list) else []:
        number = int(entry["tensorId"]) if isinstance(entry, dict) and str(entry.get("tensorId", "x")).isdigit() else -1
        if 0 <= number < len(tensors):
            found[f"{before}{entry.get('name')}"] = tensors[number]
    for child in module.get("submodules", []) if isinstance(module.get("submodules"), list) else []:
        if isinstance(child, dict) and depth < MOST_DEPTH:
            _module(child, f"{before}{child.get('name')}.", tensors, found, depth + 1)


def _tensor(entry: Any, members: ZipMembers, folder: str, where: str) -> Stored:
    if not isinstance(entry, dict) or not isinstance(entry.get("data"), dict):
        raise damaged(where=where, expected="a tensor", got=str(entry)[:80])

    def numbers(name: str) -> tuple[int, ...]:
        items = entry.get(name, [])
        return whole([int(item) if str(item).lstrip("-").isdigit() else None for item in items] if isinstance(items, list) else None, where)

    word = str(entry.get("dataType", "FLOAT"))
    dtype = OTHER.get(word, word.lower())
    if dtype not in DTYPES:
        raise damaged(where=where, expected=f"numbers of {', '.join(DTYPES)}", got=word)
    sizes, strides = numbers("dims"), numbers("strides")
    if len(sizes) != len(strides):
        raise damaged(where=where, expected="as many strides as sizes", got=f"{len(strides)} and {len(sizes)}")
    offset = str(entry.get("offset", "0"))
    key = str(entry["data"].get("key", ""))
    return Stored(Storage(dtype, _reader(members, f"{folder}{key}")), sizes, strides, int(offset) if offset.isdigit() else -1, dtype, where)


def _reader(members: ZipMembers, path: str) -> Callable[[], bytes]:
    return lambda: members.read(path)

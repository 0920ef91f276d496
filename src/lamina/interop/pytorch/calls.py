"""What the few functions give that a file with tensors calls; all others are refused by name."""

from __future__ import annotations

from typing import Any

from lamina.errors import InteropError
from lamina.interop.problems import damaged
from lamina.interop.pytorch.pickles import Inert, Name
from lamina.interop.pytorch.tensors import DTYPES, STORAGES, Storage, Stored, whole

INERT = (
    "torch",
    "numpy",
    "collections",
    "pathlib",
    "datetime",
    "copyreg",
    "copy_reg",
    "argparse",
    "enum",
    "lightning_fabric",
    "pytorch_lightning",
)
"""Packages whose functions make plain objects: what they would give is kept as their names and arguments."""


def refused(name: Name, where: str) -> InteropError:
    """The error for a pickle that calls a function."""
    return InteropError(
        "IO050",
        where=where,
        expected="tensors, numbers, words and containers",
        got=f"a call of {name}",
        cause="it holds more than weights: a class or function of somebody's own, or code that was hidden in it to be run",
        fix="save weights alone, where you trust the file: torch.save(model.state_dict(), path); nothing of it was run here",
    )


def call(name: Name, args: tuple[Any, ...], where: str) -> Any:
    """What a call gives, as data."""
    full = str(name)
    if full == "collections.OrderedDict":
        return dict(args[0]) if args and isinstance(args[0], dict) else dict(args[0]) if args and isinstance(args[0], list) else {}
    if name.module.startswith("torch._utils") and name.name in ("_rebuild_tensor_v2", "_rebuild_tensor", "_rebuild_tensor_v3"):
        return _tensor(name.name, args, where)
    if name.module.startswith("torch._utils") and name.name in ("_rebuild_parameter", "_rebuild_parameter_with_state"):
        return args[0]
    if full in ("torch._tensor._rebuild_from_type_v2", "torch.tensor._rebuild_from_type", "torch._tensor._rebuild_from_type"):
        function, rest = (args[0], args[2]) if name.name.endswith("v2") else (args[0], args[1])
        return call(function, tuple(rest), where) if isinstance(function, Name) else function
    if full in ("torch.nn.parameter.Parameter", "torch.autograd.variable.Variable", "torch.nn.Parameter") and args:
        return args[0]
    if full == "torch.Size":
        return tuple(args[0]) if args else ()
    if full in ("torch.device", "torch.dtype"):
        # Words and numbers alone, and no more of them than a device has: joined again and again they would fill memory.
        return ":".join(str(item)[:32] for item in args[:2] if isinstance(item, str | int))
    if full == "_codecs.encode" and args and isinstance(args[0], str):
        return args[0].encode("latin1", "replace")
    if name.name in ("_rebuild_qtensor", "_rebuild_sparse_tensor", "_rebuild_sparse_csr_tensor", "_rebuild_nested_tensor"):
        raise damaged(
            where=where,
            expected="tensors that hold their numbers one by one",
            got=f"a tensor made by {name}",
            cause="quantised, sparse and nested tensors are not read",
        )
    if full in ("__builtin__.set", "builtins.set", "builtins.frozenset", "builtins.list", "builtins.dict", "builtins.bytearray"):
        return list(args[0]) if args and isinstance(args[0], list | tuple) else Inert(name, args)
    if name.module.partition(".")[0] in INERT:
        return Inert(name, args)
    raise refused(name, where)


def _tensor(kind: str, args: tuple[Any, ...], where: str) -> Stored:
    storage = args[0]
    if not isinstance(storage, Storage) or len(args) < 4 or type(args[1]) is not int:
        raise damaged(where=where, expected="a storage, and a view of it", got=type(storage).__name__)
    sizes, strides = whole(args[2], where), whole(args[3], where)
    if len(sizes) != len(strides):
        raise damaged(where=where, expected="as many strides as sizes", got=f"{len(strides)} and {len(sizes)}")
    dtype = storage.dtype
    if kind.endswith("v3") and len(args) > 6 and isinstance(args[6], Name) and args[6].name in DTYPES:
        dtype = args[6].name
    return Stored(storage, sizes, strides, args[1], dtype, where)


def storage_dtype(kind: Any, where: str) -> str:
    """The type of numbers of a storage's class."""
    found = STORAGES.get(kind.name) if isinstance(kind, Name) else None
    if found is None:
        raise damaged(
            where=where, expected=f"a storage: {', '.join(STORAGES)}", got=str(kind)[:80], cause="quantised and other storages are not read"
        )
    return found

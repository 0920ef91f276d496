"""A file of PyTorch as what an import gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.interop.given import Given
from lamina.interop.imported import Imported, Options
from lamina.interop.notes import Notes
from lamina.interop.onto import Target, place, target
from lamina.interop.pytorch.archives import MAGIC, read_legacy, read_zip, root
from lamina.interop.pytorch.names import own_names
from lamina.interop.pytorch.safe import is_index, is_safe, read_index, read_safe
from lamina.interop.pytorch.tree import Tree, tree
from lamina.interop.report import Report, Row, shown
from lamina.origin import Layout, Origin

if TYPE_CHECKING:
    import numpy as np


def read_tree(given: Given) -> tuple[Tree, str]:
    """Named tensors of a file, and what kind of file it is.

    Raises:
        InteropError: IO002, IO003 or IO050.
    """
    path, head = given.path, given.head
    if given.is_zip:
        members = given.members
        folder = root(members)
        if f"{folder}model.json" in members:
            from lamina.interop.pytorch.script import read_old_script

            return read_old_script(members), "TorchScript of 1.0"
        found = tree(read_zip(members))
        return found, "TorchScript" if f"{folder}constants.pkl" in members else "zip, 1.6 or newer"
    if head.startswith(MAGIC):
        return tree(read_legacy(given)), "before 1.6"
    if is_index(head):
        tensors, facts = read_index(path)
        return Tree(tensors, "safetensors in several files", facts=facts), "safetensors"
    if is_safe(head, path.stat().st_size):
        tensors, facts = read_safe(path)
        return Tree(tensors, "safetensors", facts=facts), "safetensors"
    return tree(read_legacy(given)), "before 1.6"


def read(given: Given, options: Options) -> Imported:
    """Read a file.

    Raises:
        InteropError: IO002, IO003, IO005 or IO050.
    """
    found, version = read_tree(given)
    notes = Notes(str(given.path))
    if options.onto is None:
        return _alone(given, found, version, notes)
    arrays = own_names(found.tensors, notes)
    onto = target(options.onto, options.inputs)
    placed = place(arrays, onto, options.mapping, notes)
    return _imported(given, found, version, onto, placed, notes)


def _facts(found: Tree) -> dict[str, str]:
    facts = {"holds": f"{found.kind}, {len(found.tensors):,} tensors", **found.facts}
    if found.classes:
        facts["classes"] = ", ".join(sorted(set(found.classes.values())))[:400]
    return facts


def _report(given: Given, version: str, rows: tuple[Row, ...], notes: Notes, facts: dict[str, str]) -> Report:
    files = tuple(map(str, given.paths))
    return Report("pytorch", "PyTorch", version, files, rows, tuple(notes.missing), tuple(notes.lost), tuple(notes.assumed), facts)


def _alone(given: Given, found: Tree, version: str, notes: Notes) -> Imported:
    """Tensors without a network: what they are is said, and how to bring them onto one."""
    kind = "code, which is not run" if found.classes else "none"
    notes.miss(
        "the network",
        expected="a description of the layers, onto which the tensors are put",
        got=f"{kind}; it holds {found.kind} of {len(found.tensors):,} tensors",
        cause="PyTorch keeps networks as programs, and a file of weights has none",
        fix="lamina import WEIGHTS --onto network.yaml, or lm.interop.load(path, onto=network)",
    )
    rows = tuple(Row(name, name, stored.dtype, parameters=stored.count) for name, stored in found.tensors.items())
    arrays = {name: stored.array() for name, stored in found.tensors.items()}
    return Imported(_report(given, version, rows, notes, _facts(found)), arrays=arrays)


def _imported(given: Given, found: Tree, version: str, onto: Target, arrays: dict[str, np.ndarray], notes: Notes) -> Imported:
    floats = {array.dtype.str[1:] for array in arrays.values() if array.dtype.kind == "f"}
    dtype: Any = "float64" if floats == {"f8"} else "float32"
    rows = []
    for node in onto.plan.nodes:
        own = [name for name in arrays if name.startswith(f"{node.name}/")]
        size = sum(arrays[name].size for name in own)
        if own:
            rows.append(Row(node.name, node.name, str(node.layer.type_name), (shown(node.layer),), size))
    inputs = {name: Layout(name) for name in onto.plan.inputs}
    origin = Origin(format="pytorch", system="PyTorch", version=version, inputs=inputs)
    if found.optimizer is not None:
        notes.lose("optimizer", "the state of the optimiser")
    return Imported(
        _report(given, version, tuple(rows), notes, _facts(found)),
        onto.network,
        {name: array.astype(dtype, copy=False) for name, array in arrays.items()},
        dict(onto.plan.inputs),
        origin=origin,
        schema=onto.schema,
        preprocessing=onto.preprocessing,
        dtype=dtype,
    )

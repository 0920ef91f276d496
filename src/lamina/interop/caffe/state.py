"""Where a solver stopped: updates made, and the history of every weight."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lamina.interop.caffe import tables
from lamina.interop.caffe.blobs import blob_array, fitted
from lamina.interop.caffe.files import Files
from lamina.interop.caffe.net import Kept, Net
from lamina.interop.caffe.schema import SCHEMA
from lamina.interop.caffe.solver import SLOTS, Solver
from lamina.interop.notes import Notes
from lamina.interop.problems import misfit
from lamina.interop.protobuf.wire import parsed
from lamina.origin import Learning

if TYPE_CHECKING:
    import numpy as np


def learned(net: Net, files: Files, solver: Solver | None, notes: Notes) -> tuple[Learning | None, dict[str, np.ndarray]]:
    """How the network was trained, and the state of the optimiser, ``slot/layer/parameter``.

    Raises:
        InteropError: IO005, if the history is of another network.
    """
    path = next(iter([*files.states, *(table for table in files.tables if tables.is_state(table))]), None)
    if solver is None or solver.optimizer is None:
        if path is not None:
            notes.lose(str(path), "the state of a solver: give its prototxt too")
        return None, {}
    updates, history = (0, []) if path is None else _read(path)
    slots = _slots(net, path, solver, history) if path is not None and not notes.missing else {}
    updates = max(updates, 0)
    return Learning(optimizer=solver.optimizer, clip=solver.clip, accumulate=solver.accumulate, updates=updates), slots


def _read(path: Path) -> tuple[int, list[np.ndarray]]:
    with path.open("rb") as file:
        table = file.read(4) == b"\x89HDF"
    if table:
        updates, _, history = tables.state(path)
        return updates, history
    message = parsed(path.read_bytes(), SCHEMA, "SolverState", str(path))
    blobs = [blob_array(blob, f"{path}, history[{place}]") for place, blob in enumerate(message.messages("history"))]
    return message.integer("iter"), blobs


def _slots(net: Net, path: Path, solver: Solver, history: list[np.ndarray]) -> dict[str, np.ndarray]:
    """The history cut into what it holds of each weight."""
    names, count = SLOTS[solver.kind], len(net.kept)
    if len(history) != len(names) * count:
        raise misfit(
            where=f"{path}, history",
            expected=f"{len(names) * count} blobs: {len(names)} for each of {count} weights",
            got=f"{len(history)}",
            cause="it is the state of another network or another solver",
        )
    found: dict[str, np.ndarray] = {}
    wanted = solver.optimizer.state_slots if solver.optimizer is not None else ()
    for number, slot in enumerate(names):
        for kept, blob in zip(net.kept, history[number * count : (number + 1) * count], strict=True):
            if kept.trained and slot in wanted and _moves(net, kept):
                array = kept.turn(fitted(blob, kept.shape, f"{path}, history of {kept.name}"))
                # Lamina's form of Nesterov's rule keeps what is added, Caffe what is taken away.
                found[f"{slot}/{kept.name}"] = -array if solver.kind == "Nesterov" else array
    return found


def _moves(net: Net, kept: Kept) -> bool:
    node = net.nodes.get(kept.name.rpartition("/")[0])
    return node is not None and not getattr(node, "frozen", False)

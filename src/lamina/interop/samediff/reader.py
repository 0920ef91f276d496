"""SameDiff's graphs as networks: operations that make up a layer become that layer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.errors import LaminaError
from lamina.interop.dl4j import learning
from lamina.interop.given import Given
from lamina.interop.imported import Imported, Options, check_arrays
from lamina.interop.notes import Notes
from lamina.interop.problems import too_large
from lamina.interop.report import Report, Row, shown
from lamina.interop.samediff.graph import Graph, parse
from lamina.interop.samediff.lift import Lifted, lift
from lamina.network import Graph as Network
from lamina.network.layers.output import LossLayer
from lamina.origin import Layout, Learning, Origin
from lamina.shapes import Features, Image, Sequence, Shape

if TYPE_CHECKING:
    import numpy as np

MOST_BYTES = 2**31


def graph(path: Path) -> Graph:
    """The graph in a file.

    Raises:
        InteropError: IO002, if it is damaged; IO003, if it is larger than FlatBuffers can be.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise too_large(where=str(path), expected=f"at most {MOST_BYTES:,} bytes", got=f"{size:,}")
    return parse(path.read_bytes(), str(path))


def read(given: Given, options: Options) -> Imported:
    """Read a graph; see `lamina.interop.format.Format.read`."""
    where = str(given.path)
    source = graph(given.path)
    notes = Notes(where)
    lifted = lift(source, notes)
    shapes = _shapes(lifted, options, notes)
    settings = _settings(source, notes)
    network, plan = None, None
    if not notes.missing:
        nodes = {name: _regularized(layer, settings) for name, layer in lifted.nodes.items()}
        try:
            # A loss on what already are probabilities is meant so.
            judged = [layer for layer in nodes.values() if isinstance(layer, LossLayer)]
            network = Network(inputs=shapes, nodes=nodes, outputs=lifted.outputs, ignore=["CK002"] if judged else [])
            plan = network.resolve()
        except LaminaError as error:
            network = None
            for problem in error.problems:
                notes.miss(problem.where, expected=problem.expected, got=problem.got, cause=problem.cause, fix=problem.fix)
    arrays = {name: _typed(array) for name, array in lifted.arrays.items()} if plan is not None else {}
    if plan is not None:
        check_arrays(plan, arrays, where)
    origin = Origin(
        format="samediff",
        system="SameDiff",
        version=source.version,
        inputs={name: Layout(there) for there, name in lifted.inputs.items()},
        layers={name: Layout(there) for there, name in lifted.names.items()},
        learning=_learning(settings, notes),
    )
    remarks = tuple(notes.missing), tuple(notes.lost), tuple(notes.assumed)
    facts = {"Operations": f"{len(source.operations):,}", "Minimised": ", ".join(source.losses) or "nothing that is said"}
    report = Report("samediff", "SameDiff", source.version, (where,), _rows(lifted), *remarks, facts)
    wide = any(array.dtype.itemsize == 8 for array in arrays.values())
    if wide:
        arrays = {name: array.astype("float64") for name, array in arrays.items()}
    return Imported(report, network, arrays, shapes if plan is not None else None, {}, origin, dtype="float64" if wide else "float32")


def _typed(array: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.ascontiguousarray(array, dtype=np.float64 if array.dtype == np.float64 else np.float32)


def _shapes(lifted: Lifted, options: Options, notes: Notes) -> dict[str, Shape]:
    found: dict[str, Shape] = {}
    for there, name in lifted.inputs.items():
        sizes = lifted.sizes[there][1:]
        given = options.inputs.get(there, options.inputs.get("" if len(lifted.inputs) == 1 else there))
        kinds: dict[int, type[Shape]] = {1: Features, 2: Sequence, 3: Image}
        known = len(sizes) in kinds and all(size > 0 for size in (sizes[1:] if len(sizes) == 2 else sizes))
        if given is not None:
            found[name] = given
        elif known:
            found[name] = kinds[len(sizes)](*(None if size < 1 else size for size in sizes))
        else:
            notes.miss(
                f"placeholder {there!r}",
                expected="a known shape behind the batch",
                got=list(lifted.sizes[there]),
                fix=f"say it: --input {there}:features=4, or inputs={{{there!r}: lm.features(4)}}",
            )
    return found


def _settings(source: Graph, notes: Notes) -> Mapping[str, Any]:
    if not source.training:
        return {}
    try:
        found = json.loads(source.training)
    except (ValueError, RecursionError):
        notes.lose("trainingConfig", "how the graph was trained, which can't be read")
        return {}
    return found if isinstance(found, Mapping) else {}


def _regularized(layer: Any, settings: Mapping[str, Any]) -> Any:
    from lamina.interop.dl4j.training import regularization

    if "l2" not in type(layer).model_fields or settings.get("regularization") is None:
        return layer
    found = regularization({"regularization": settings["regularization"]}, {}, "trainingConfig", Notes(""), bias=False)
    return layer.replace(**found)


def _learning(settings: Mapping[str, Any], notes: Notes) -> Learning | None:
    made = learning.updater({"iupdater": settings.get("updater")}, {}, "trainingConfig", notes)
    if made is None or made.optimizer is None:
        return None
    counts = [settings.get(name) for name in ("iterationCount", "epochCount")]
    updates, epochs = (count if isinstance(count, int) and count >= 0 else 0 for count in counts)
    return Learning(optimizer=made.optimizer, updates=updates, epochs=epochs)


def _rows(lifted: Lifted) -> tuple[Row, ...]:
    rows = []
    for row in lifted.rows:
        layer = lifted.nodes.get(row.name)
        rows.append(row if layer is None else replace(row, layers=(f"{row.name}: {shown(layer)}",)))
    return tuple(rows)

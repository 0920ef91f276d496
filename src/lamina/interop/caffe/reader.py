"""Files of Caffe into a description and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.errors import LaminaError
from lamina.interop.caffe import inputs as ins
from lamina.interop.caffe import tables
from lamina.interop.caffe.assemble import layouts, network
from lamina.interop.caffe.blobs import blob_array
from lamina.interop.caffe.convert import convert
from lamina.interop.caffe.files import Files, sorted_files
from lamina.interop.caffe.inputs import Fed
from lamina.interop.caffe.net import Decay, Net
from lamina.interop.caffe.piece import CONVERTERS
from lamina.interop.caffe.schema import SCHEMA
from lamina.interop.caffe.sizes import sized
from lamina.interop.caffe.solver import Solver, read_solver
from lamina.interop.caffe.source import Entry, Source, holds, source
from lamina.interop.caffe.state import learned
from lamina.interop.caffe.texts import text_of
from lamina.interop.caffe.transform import preprocessing
from lamina.interop.given import Given
from lamina.interop.imported import Imported, Options, check_arrays
from lamina.interop.notes import Notes
from lamina.interop.problems import unreadable
from lamina.interop.protobuf.text import parsed_text
from lamina.interop.protobuf.wire import parsed
from lamina.interop.report import Report, Row, shown
from lamina.origin import Origin

if TYPE_CHECKING:
    import numpy as np


def read(given: Given, options: Options) -> Imported:
    """Read a network with what was given beside it.

    Raises:
        InteropError: If a file is damaged, too large, or weights are not those of the layers.
    """
    files, notes = sorted_files(given), Notes(str(given.path))
    if files.unknown:
        raise unreadable(
            where=str(files.unknown[0]),
            expected="a network, weights, a solver, its state or a mean image of Caffe",
            got="none of these",
            cause="it is a file of another kind",
        )
    solver = read_solver(files.solver[0], notes) if files.solver else None
    found, stored, where = _network(files, solver, notes)
    if found is None:
        return Imported(Report("caffe", "Caffe", "", _names(given), (), *_remarks(notes)))
    notes.where = found.where
    for place in found.unknown:
        notes.assume(place, "a field that is not known here was taken to change nothing")
    entries = _chosen(found, training=solver is not None)
    count = len(_data(entries, found))
    fed = [replace(one, dims=_said(one, options, count)) for one in ins.fed(entries, found.inputs)]
    labels, steps = ins.labels(fed, entries), ins.steps_first(entries)
    fed = sized(fed, entries, labels, steps, stored, notes)
    net = Net(notes, stored, Decay() if solver is None else solver.decay, where)
    convert(net, entries, fed, labels, steps)
    _unmatched(net, entries, stored, notes)
    return _imported(given, found, net, entries, files, solver, options)


def _names(given: Given) -> tuple[str, ...]:
    return tuple(map(str, given.paths))


def _remarks(notes: Notes) -> tuple[Any, Any, Any]:
    return tuple(notes.missing), tuple(notes.lost), tuple(notes.assumed)


def _network(files: Files, solver: Solver | None, notes: Notes) -> tuple[Source | None, dict[str, list[np.ndarray]], str]:
    """The network, blobs of weights by layer, and the file they come from."""
    binary = [(path, parsed(_bytes(path), SCHEMA, "NetParameter", str(path))) for path in files.weights]
    stored: dict[str, list[np.ndarray]] = {}
    sources = [replace(source(message, str(path)), binary=True) for path, message in binary]
    for one in sources:
        stored |= _stored(one)
    for path in files.tables:
        if not tables.is_state(path):
            stored |= tables.weights(path)
    where = ", ".join(map(str, [*files.weights, *files.tables])) or str((files.net or files.solver)[0])
    if files.net:
        path = files.net[0]
        if len(files.net) > 1:
            notes.lose(str(files.net[1]), f"a second network: {path} is read")
        return source(parsed_text(text_of(path), SCHEMA, "NetParameter", str(path)), str(path)), stored, where
    inner = None if solver is None else solver.message.message("net_param") or solver.message.message("train_net_param")
    if inner is not None:
        return source(inner, f"{files.solver[0]}, net_param"), stored, where
    wired = next((one for one in sources if any(entry.bottoms for entry in one.layers)), None)
    if wired is not None:
        return wired, stored, where
    named = "" if solver is None else solver.message.text("net") or solver.message.text("train_net")
    notes.miss(
        "the network",
        expected="a prototxt, or a caffemodel that says how its layers are connected",
        got="weights alone" if sources or files.tables else f"a solver alone{', of ' + repr(named) if named else ''}",
        cause="Caffe keeps the network in a file of its own",
        fix="give its prototxt too: lamina import net.prototxt net.caffemodel",
    )
    return None, {}, where


def _bytes(path: Path) -> memoryview:
    """A file, whose pages the system reads when they are needed."""
    import mmap

    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) if path.stat().st_size else memoryview(b"")


def _stored(found: Source) -> dict[str, list[np.ndarray]]:
    return {
        entry.name: [blob_array(blob, f"{found.where}, {entry.path}.blobs[{place}]") for place, blob in enumerate(entry.blobs)]
        for entry in found.layers
        if entry.blobs
    }


def _chosen(found: Source, *, training: bool) -> list[Entry]:
    """The layers of a phase: that of training with a solver, else that of tests; automatic splits taken out."""
    state = found.state
    phase = state.word("phase") if state is not None and state.has("phase") else "TRAIN" if training else "TEST"
    if found.binary:
        # What Caffe writes has gone through its rules already.
        whole = [word for word in (phase, "TRAIN", "TEST") if all(holds(entry, word) for entry in found.layers)]
        phase = whole[0] if whole else phase
    level, stages = (state.integer("level"), state.texts("stage")) if state is not None else (0, [])
    entries: list[Entry] = []
    renamed: dict[str, str] = {}
    for entry in found.layers:
        if not holds(entry, phase, level, stages):
            continue
        entry = replace(entry, bottoms=tuple(renamed.get(name, name) for name in entry.bottoms))  # noqa: PLW2901 - the same, renamed
        if entry.type == "Split" and entry.bottoms:
            renamed |= dict.fromkeys(entry.tops, entry.bottoms[0])
        else:
            # A blob that is written anew is no longer the one it was split from.
            for name in entry.tops:
                renamed.pop(name, None)
            entries.append(entry)
    return entries


def _data(entries: Sequence[Entry], found: Source) -> list[Fed]:
    given = ins.fed(entries, found.inputs)
    labels = ins.labels(given, entries)
    return [one for one in given if one.name not in labels]


def _said(one: Fed, options: Options, count: int) -> tuple[int, ...] | None:
    """The sizes of an input, those that the user says before those of the file."""
    shape = options.inputs.get(one.name, options.inputs.get("") if count == 1 and one.place == 0 else None)
    if shape is None:
        return one.dims
    return ins.dims_of(shape, one.dims[0] if one.dims else ins.batch_of(one.layer) if one.layer is not None else 1)


def _unmatched(net: Net, entries: Sequence[Entry], stored: Mapping[str, list[np.ndarray]], notes: Notes) -> None:
    """Weights are matched by the names of layers, as Caffe does: what has none starts afresh, and what nobody has is left out."""
    for name in sorted({*stored} - {entry.name for entry in entries}):
        notes.lose(f"weights of the layer {name!r}", "that no layer of the network is called by")
    if stored:
        for name in sorted({name.rpartition("/")[0] for name in net.fresh}):
            notes.assume(f"layer {net.names.get(name, name)!r}", "weights that start afresh: the files hold none for it")
    elif net.fresh:
        notes.assume("weights", "all start afresh: no file holds any")


def _imported(
    given: Given, found: Source, net: Net, entries: Sequence[Entry], files: Files, solver: Solver | None, options: Options
) -> Imported:
    notes = net.notes
    made = None if notes.missing else network(net, notes)
    learning, slots = learned(net, files, solver, notes)
    inputs, gives = layouts(net, made, options)
    origin = Origin(format="caffe", system="Caffe", version=found.version, inputs=inputs, layers=gives, learning=learning)
    facts = {"Network": f"{found.name or 'without a name'}, layers of {found.version}"} | ({} if solver is None else solver.facts)
    if learning is not None:
        facts["Trained by"] = f"{shown(learning.optimizer)}, {learning.updates:,} updates"
        facts["Its state"] = f"{len(slots):,} arrays" if slots else "not among the files"
    arrays = {name: _typed(array) for name, array in net.arrays.items()} if made is not None else {}
    shapes = None if made is None else {_key(made, name): net.shapes[name] for name in net.inputs}
    plan = None
    if made is not None and shapes is not None:
        try:
            plan = made.resolve(shapes)
        except LaminaError as error:
            problem = error.problems[0]
            raise unreadable(
                where=f"{found.where}, {problem.where}", expected=problem.expected, got=problem.got, cause=problem.cause
            ) from error
        check_arrays(plan, arrays, net.where, frozenset(net.fresh))
    prepared = preprocessing(entries, net, made, files, notes) if made is not None else None
    report = Report("caffe", "Caffe", found.version, _names(given), _rows(net, entries), *_remarks(notes), facts)
    double = bool(net.arrays) and all(array.dtype.itemsize == 8 for array in net.arrays.values())
    return Imported(
        report,
        made,
        arrays,
        shapes,
        {},
        origin,
        {name: _typed(array) for name, array in slots.items()},
        None,
        prepared,
        "float64" if double else "float32",
        _seed(solver),
        frozenset(net.fresh),
    )


def _key(made: object, name: str) -> str:
    return "input" if getattr(made, "type_name", "") == "sequential" else name


def _typed(array: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.ascontiguousarray(array, dtype=np.float64 if array.dtype.itemsize == 8 else np.float32)


def _seed(solver: Solver | None) -> int:
    return abs(solver.message.integer("random_seed")) % (2**63 - 1) if solver is not None and solver.message.has("random_seed") else 0


def _rows(net: Net, entries: Sequence[Entry]) -> tuple[Row, ...]:
    rows = []
    missed = {problem.where.removeprefix(f"{net.notes.where}, ") for problem in net.notes.missing}
    for entry in entries:
        nodes = net.made.get(entry.path, [])
        becomes = tuple(f"{node}: {shown(net.nodes[node])}" for node in nodes if node in net.nodes)
        note = "an input" if entry.type in ins.READERS and not entry.bottoms else ""
        if not becomes and entry.type in ("Accuracy", "Silence", "HDF5Output", "Split"):
            note = "nothing is computed"
        if not becomes and nodes and not net.notes.missing:
            note = "leads to no output"
        if not becomes and not note and entry.type in CONVERTERS and entry.path not in missed:
            note = "not looked at, since what it takes is missing"
        rows.append(Row(entry.path, entry.name, entry.type, becomes or ((note,) if note else ()), net.counts.get(entry.path, 0)))
    return tuple(rows)

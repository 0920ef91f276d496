"""Which of the files that were given is what: told by content, in whatever order they come."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from lamina.interop.given import HEAD, Given

_COMMENT = re.compile(r"#[^\n]*")
_NET = re.compile(r"(?:^|[\s}])layers?\s*:?\s*\{", re.MULTILINE)
_TYPE = re.compile(r"\btype\s*:\s*[\"'A-Z]")
_SOLVER = re.compile(r"(?:^|\s)(?:base_lr\s*:|(?:train_)?net_param\s*:?\s*\{)")
_HDF5 = b"\x89HDF\r\n\x1a\n"
_NPY = b"\x93NUMPY"


@dataclass
class Files:
    """The files of a model.

    Attributes:
        net: A network in text.
        weights: Networks with their weights, binary, in the order given: a later one holds over an earlier one.
        tables: Weights or the state of a solver in HDF5.
        solver: A solver in text.
        states: A solver's state, binary.
        means: Mean images, binary or NumPy's.
        unknown: What is none of these.
    """

    net: list[Path] = field(default_factory=list)
    weights: list[Path] = field(default_factory=list)
    tables: list[Path] = field(default_factory=list)
    solver: list[Path] = field(default_factory=list)
    states: list[Path] = field(default_factory=list)
    means: list[Path] = field(default_factory=list)
    unknown: list[Path] = field(default_factory=list)

    @property
    def known(self) -> bool:
        """Whether they are a model of Caffe: all are Caffe's, and one says what kind of model it is."""
        return not self.unknown and bool(self.net or self.weights or self.solver or self.tables)


def sorted_files(given: Given) -> Files:
    """Look at the beginning of each file."""
    found = Files()
    for path in given.paths:
        kind = "unknown" if path.is_dir() else _kind(path)
        getattr(found, kind).append(path)
    return found


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.startswith(_HDF5):
        return "tables" if _is_table(path) else "unknown"
    if head.startswith(_NPY):
        return "means"
    text = _text(head)
    if text is not None:
        plain = _COMMENT.sub("", text)
        if _SOLVER.search(plain):
            return "solver"
        return "net" if _NET.search(plain) and _TYPE.search(plain) and "{" in plain and not _foreign(plain) else "unknown"
    return _binary(head, path.stat().st_size)


def _text(head: bytes) -> str | None:
    """The head as text; None if it is none."""
    if b"\0" in head:
        return None
    for end in range(4):
        try:
            text = head[: len(head) - end].decode()
        except UnicodeDecodeError:
            continue
        return text if all(char.isprintable() or char in "\r\n\t\f\v\ufeff" for char in text) else None
    return None


def _foreign(plain: str) -> bool:
    """Texts of other systems that have layers, too."""
    return bool(re.search(r"(?:^|\s)(?:model_config|parameters|input_layer_names|node|op)\s*:?\s*[{\"]", plain))


def _is_table(path: Path) -> bool:
    from lamina.interop.caffe.tables import is_table

    return is_table(path)


def _binary(head: bytes, size: int) -> str:
    """A network, a state or a mean, by the first fields and what is in them."""
    fields = list(_fields(head, size))
    numbers = [number for number, _, _ in fields]
    if not fields:
        return "unknown"
    layer = next((content for number, wire, content in fields if number == 100 and wire == 2), None)
    if layer is not None:
        return (
            "weights"
            if {*numbers} <= {1, 3, 4, 5, 6, 7, 8, 100} and (_is_layer(layer, {1: 2, 2: 2}) or _is_layer(layer, {1: 2, 7: 2}))
            else "unknown"
        )
    layer = next((content for number, wire, content in fields if number == 2 and wire == 2), None)
    if layer is not None and {*numbers} <= {1, 2, 3, 4, 5, 6, 7, 8} and _is_old(layer):
        return "weights"
    kinds = {(number, wire) for number, wire, _ in fields}
    if (1, 0) in kinds and kinds <= {(1, 0), (2, 2), (3, 2), (4, 0)}:
        return "states" if _is_state(fields) else "unknown"
    blob = {(1, 0), (2, 0), (3, 0), (4, 0), (5, 2), (5, 5), (7, 2), (8, 2), (8, 1)}
    return "means" if kinds <= blob and kinds & {(5, 2), (5, 5), (8, 2), (8, 1)} else "unknown"


def _is_state(fields: list[tuple[int, int, bytes]]) -> bool:
    """Whether the third field holds blobs."""
    blobs = [content for number, wire, content in fields if number == 3 and wire == 2]
    inner = {(number, wire) for content in blobs for number, wire, _ in _fields(content, 1 << 62)}
    return bool(blobs) and inner <= {(1, 0), (2, 0), (3, 0), (4, 0), (5, 2), (5, 5), (6, 2), (7, 2), (8, 2), (8, 1), (9, 2)}


def _is_layer(content: bytes, needed: dict[int, int]) -> bool:
    inner = {number: wire for number, wire, _ in _fields(content, 1 << 62)}
    return all(inner.get(number) == wire for number, wire in needed.items())


def _is_old(content: bytes) -> bool:
    """Whether a layer is one of V1, whose fifth field is a number, or of V0, whose first is a message with name and type."""
    inner = list(_fields(content, 1 << 62))
    kinds = {number: wire for number, wire, _ in inner}
    if kinds.get(4) == 2 and kinds.get(5) == 0:
        return True
    oldest = next((found for number, wire, found in inner if number == 1 and wire == 2), b"")
    return _is_layer(oldest, {1: 2, 2: 2})


def _fields(head: bytes, size: int) -> list[tuple[int, int, bytes]]:
    """Fields at the beginning of a message; the last may be cut. Nothing, if these are none."""
    found: list[tuple[int, int, bytes]] = []
    place = 0
    while place < len(head) and len(found) < 64:
        tag, place = _varint(head, place)
        number, wire = tag >> 3, tag & 7
        if place < 0 or number == 0 or wire in (3, 4, 6, 7):
            return found if place < 0 and found else []
        if wire == 0:
            _, place = _varint(head, place)
            content = b""
        else:
            length = {1: 8, 5: 4}.get(wire, -1)
            if length < 0:
                length, place = _varint(head, place)
            if place < 0 or length > size - place:
                return found if place < 0 else []
            content = head[place : place + length]
            place += length
        if place < 0:
            break
        found.append((number, wire, content))
    return found


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number and the place behind it; a place of -1, if it is cut."""
    found = shift = 0
    while place < len(data) and shift < 64:
        found |= (data[place] & 0x7F) << shift
        place += 1
        if data[place - 1] < 0x80:
            return found, place
        shift += 7
    return 0, -1

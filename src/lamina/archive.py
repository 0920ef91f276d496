"""The ``.lamina`` file: one zip with network, weights, preprocessing, labels and, if wanted, the state of training.

| member                      | holds                                                                          |
|-----------------------------|--------------------------------------------------------------------------------|
| ``manifest.json``           | format version, Lamina's version, size and SHA-256 of every other member        |
| ``network.json``            | the description with every setting written out, its input shapes, its data type |
| ``weights.safetensors``     | parameters and buffers by ``node/name``                                         |
| ``labels.json``             | names of classes by output, and what each output means                          |
| ``preprocessing.json``      | what is done to raw data before the network; arrays in ``preprocessing.safetensors`` |
| ``training.json``           | where training stands; arrays in ``training.safetensors``                       |
| ``origin.json``             | where an imported model comes from; its optimiser's state in ``origin.safetensors`` |

Members are stored, not compressed, so a small file can't unfold into a large one. Nothing in it is code, and reading it runs
none: names are checked against this list, sizes against the file, tensor headers against the size of their member, before any
of it is allocated. The same input gives the same bytes: there is no clock in the file.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from lamina.errors import ArchiveError
from lamina.files import atomic_write

if TYPE_CHECKING:
    import numpy as np

FORMAT = 1
"""Version of the layout above. Readers of later versions keep reading this one."""

MANIFEST = "manifest.json"
NETWORK, LABELS, PREPROCESSING, TRAINING = "network.json", "labels.json", "preprocessing.json", "training.json"
ORIGIN, ORIGIN_ARRAYS = "origin.json", "origin.safetensors"
WEIGHTS, PREPROCESSING_ARRAYS, TRAINING_ARRAYS = "weights.safetensors", "preprocessing.safetensors", "training.safetensors"
JSON_MEMBERS = (NETWORK, LABELS, PREPROCESSING, TRAINING, ORIGIN)
TENSOR_MEMBERS = (WEIGHTS, PREPROCESSING_ARRAYS, TRAINING_ARRAYS, ORIGIN_ARRAYS)
REQUIRED = (NETWORK, WEIGHTS, LABELS)

MAX_JSON_BYTES = 64 * 1024 * 1024
MAX_HEADER_BYTES = 64 * 1024 * 1024
MAX_TENSORS = 1_000_000
ITEM_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
"""Data types a tensor member may hold, with their size in bytes."""
ITEM_NAMES = {"f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "i4": "I32", "i2": "I16", "i1": "I8", "u1": "U8", "b1": "BOOL"}
"""NumPy's names of those that it has."""
KIND_NAMES = {"float64": "F64", "float32": "F32", "float16": "F16", "bool": "BOOL", "uint8": "U8"}
KIND_NAMES |= {f"int{bits}": f"I{bits}" for bits in (8, 16, 32, 64)}
"""The same by their long names."""
_RANKS = ("BOOL", "U8", "I8", "I16", "F16", "I32", "F32", "F64", "I64")
"""The order in which safetensors puts types behind each other, from the last to the first."""
Chunk = bytes | memoryview


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """What the header says of one tensor."""

    dtype: str
    shape: tuple[int, ...]


def write_archive(
    path: str | os.PathLike[str],
    *,
    json_members: Mapping[str, Any],
    tensor_members: Mapping[str, Mapping[str, np.ndarray]],
) -> None:
    """Write an archive; the old file, if any, stays whole until the new one is safe on disk.

    Args:
        path: Where to write; ends in ``.lamina`` by custom.
        json_members: Plain data for ``network.json`` and so on.
        tensor_members: Named arrays for ``weights.safetensors`` and so on.

    Raises:
        ArchiveError: AR020, if the disk is full or the place can't be written; nothing is left behind.
    """
    blobs: dict[str, list[Chunk]] = {name: [_dump(data)] for name, data in json_members.items()}
    for name, arrays in tensor_members.items():
        blobs[name] = _chunks(arrays)
    _write_blobs(Path(path), blobs)


def _chunks(arrays: Mapping[str, np.ndarray]) -> list[Chunk]:
    """What safetensors writes, byte for byte, as views of the arrays: nothing is copied to be written."""
    kept = {name: _contiguous(array) for name, array in arrays.items()}
    names = {name: ITEM_NAMES.get(array.dtype.str.lstrip("<|=")) for name, array in kept.items()}
    if None in names.values():
        from safetensors.numpy import save

        return [save({name: kept[name] for name in sorted(kept)})]
    order = sorted(kept, key=lambda name: (-_RANKS.index(str(names[name])), name))
    header: dict[str, Any] = {}
    start = 0
    for name in order:
        stop = start + kept[name].nbytes
        header[name] = {"dtype": names[name], "shape": list(kept[name].shape), "data_offsets": [start, stop]}
        start = stop
    head = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    head += b" " * (-len(head) % 8)
    return [struct.pack("<Q", len(head)), head, *(kept[name].reshape(-1).data.cast("B") for name in order if kept[name].size)]


def _write_blobs(path: Path, blobs: Mapping[str, Sequence[Chunk]]) -> None:
    from lamina.version import __version__

    unknown = set(blobs) - {*JSON_MEMBERS, *TENSOR_MEMBERS}
    if unknown:
        message = f"not members of a .lamina archive: {sorted(unknown)}"
        raise ValueError(message)
    members = {name: {"bytes": sum(map(len, chunks)), "sha256": _digest(chunks)} for name, chunks in blobs.items()}
    manifest = _dump({"format": FORMAT, "lamina": __version__, "members": members})

    def fill(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, chunks in {MANIFEST: [manifest], **blobs}.items():
                info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                info.external_attr = 0o600 << 16  # as writestr has it
                info.file_size = sum(map(len, chunks))
                with archive.open(info, "w") as member:
                    for chunk in chunks:
                        member.write(chunk)

    try:
        atomic_write(path, fill)
    except OSError as error:
        raise ArchiveError(
            "AR020",
            where=str(path),
            expected=f"to write {sum(len(chunk) for chunks in blobs.values() for chunk in chunks)} bytes there",
            got=error.strerror or str(error),
            cause="the disk is full, a quota is used up, or the folder can't be written to",
            fix="free some space or choose another place; what was there before is untouched",
        ) from error


def _digest(chunks: Sequence[Chunk]) -> str:
    found = hashlib.sha256()
    for chunk in chunks:
        found.update(chunk)
    return found.hexdigest()


def _contiguous(array: np.ndarray) -> np.ndarray:
    import numpy as np

    # safetensors writes the buffer as it lies; NumPy's ascontiguousarray alone would turn a 0-d array into 1-d.
    return np.ascontiguousarray(array).reshape(array.shape)


def _dump(data: Any) -> bytes:
    return (json.dumps(data, indent=1, ensure_ascii=False, allow_nan=True) + "\n").encode()


class Archive:
    """A checked, open-on-demand ``.lamina`` file.

    Args:
        path: The file.

    Raises:
        ArchiveError: AR021 if it is no archive, AR022 if it is damaged, AR023 if it holds what it must not, AR024 if it was
            written by a later format.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._sizes = self._check_members()
        self.manifest: dict[str, Any] = self._json(MANIFEST)
        self._check_manifest()

    def has(self, member: str) -> bool:
        """Whether the archive holds this member."""
        return member in self._sizes

    def json(self, member: str) -> Any:
        """The plain data of a JSON member.

        Raises:
            ArchiveError: AR022, if it is damaged.
        """
        return self._json(member)

    def header(self, member: str) -> dict[str, TensorInfo]:
        """Names, types and shapes of a member's tensors, without reading the tensors.

        Raises:
            ArchiveError: AR022, if the header is damaged or doesn't fit the member.
        """
        with self._open(member) as file:
            return self._read_header(member, file)

    def arrays(self, member: str) -> dict[str, np.ndarray]:
        """A member's tensors as NumPy arrays.

        Raises:
            ArchiveError: AR022, if anything in it is damaged.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        self.header(member)
        try:
            return dict(load(self._bytes(member)))
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise self._damaged(member, str(error)) from error

    # -- checks ---------------------------------------------------------------------------------------------------

    def _zip(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.path)
        except OSError as error:
            raise ArchiveError(
                "AR021",
                where=str(self.path),
                expected="a .lamina file",
                got=error.strerror or str(error),
                cause="the path is mistyped, or the file isn't there yet",
                fix="check the path; a run keeps its model in RUN_DIR/model.lamina",
            ) from error
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            raise ArchiveError(
                "AR021",
                where=str(self.path),
                expected="a .lamina file (a zip archive)",
                got=f"{self.path.stat().st_size} bytes that are none: {error}",
                cause="the file was cut short while it was copied, or it is something else",
                fix="copy it again, or save the model again with model.save(path)",
            ) from error

    def _check_members(self) -> dict[str, int]:
        with self._zip() as archive:
            infos = archive.infolist()
        total = self.path.stat().st_size
        allowed = {MANIFEST, *JSON_MEMBERS, *TENSOR_MEMBERS}
        sizes: dict[str, int] = {}
        for info in infos:
            fault = _fault(info, total, allowed - set(sizes))
            if fault is not None:
                raise self._refused(*fault)
            sizes[info.filename] = info.file_size
        missing = [name for name in (MANIFEST, *REQUIRED) if name not in sizes]
        if missing:
            raise self._damaged(", ".join(missing), "not there")
        return sizes

    def _check_manifest(self) -> None:
        version = self.manifest.get("format") if isinstance(self.manifest, dict) else None
        if not isinstance(version, int):
            raise self._damaged(MANIFEST, "no format version")
        if version > FORMAT:
            raise ArchiveError(
                "AR024",
                where=str(self.path),
                expected=f"format {FORMAT} or earlier",
                got=f"format {version}, written by Lamina {str(self.manifest.get('lamina'))[:40]}",
                cause="the file was written by a later version",
                fix="update Lamina: pip install --upgrade lamina",
            )
        members = self.manifest.get("members")
        if not isinstance(members, dict) or set(members) != set(self._sizes) - {MANIFEST}:
            raise self._damaged(MANIFEST, "it does not list the members that are there")
        for name, entry in members.items():
            if not isinstance(entry, dict) or entry.get("bytes") != self._sizes[name]:
                raise self._damaged(name, "its size is not the one in the manifest")

    @contextmanager
    def _open(self, member: str) -> Iterator[IO[bytes]]:
        """A member as a file; whatever the zip module finds wrong with it is one kind of error."""
        if member not in self._sizes:
            raise self._damaged(member, "not there")
        try:
            with self._zip() as archive, archive.open(member) as file:
                yield file
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError, struct.error) as error:
            raise self._damaged(member, str(error)) from error

    def _bytes(self, member: str) -> bytes:
        with self._open(member) as file:
            blob = file.read()
        if member != MANIFEST and hashlib.sha256(blob).hexdigest() != self.manifest["members"][member].get("sha256"):
            raise self._damaged(member, "its SHA-256 is not the one in the manifest")
        return blob

    def _json(self, member: str) -> Any:
        blob = self._bytes(member)
        try:
            return json.loads(blob)
        except (ValueError, RecursionError) as error:
            raise self._damaged(member, f"not JSON: {error}") from error

    def _read_header(self, member: str, file: IO[bytes]) -> dict[str, TensorInfo]:
        size = self._sizes[member]
        length = file.read(8)
        count = struct.unpack("<Q", length)[0] if len(length) == 8 else size
        if count > min(size - 8, MAX_HEADER_BYTES):
            raise self._damaged(member, f"its header claims {count} bytes")
        try:
            header = json.loads(file.read(count))
        except (ValueError, RecursionError) as error:
            raise self._damaged(member, f"its header is not JSON: {error}") from error
        if not isinstance(header, dict) or len(header) > MAX_TENSORS:
            raise self._damaged(member, "its header is not a table of tensors")
        header.pop("__metadata__", None)
        return {name: self._tensor_info(member, name, entry, size - 8 - count) for name, entry in header.items()}

    def _tensor_info(self, member: str, name: str, entry: Any, room: int) -> TensorInfo:
        match entry:
            case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [int(start), int(stop)]}:
                sizes_right = all(type(d) is int and d >= 0 for d in shape)
                fits = dtype in ITEM_BYTES and sizes_right and 0 <= start <= stop <= room
                if fits and math.prod(shape) * ITEM_BYTES[dtype] == stop - start:
                    return TensorInfo(dtype, tuple(shape))
        raise self._damaged(member, f"tensor {name[:80]!r} has a type, shape or place that can't be: {str(entry)[:120]}")

    def _damaged(self, member: str, got: str) -> ArchiveError:
        return ArchiveError(
            "AR022",
            where=f"{self.path}, member {member}",
            expected="what was written there",
            got=got,
            cause="the file was cut short or changed after it was written",
            fix="copy it again from where it was saved; of a run, use an earlier checkpoint",
        )

    def _refused(self, got: str, expected: str) -> ArchiveError:
        return ArchiveError(
            "AR023",
            where=str(self.path),
            expected=expected,
            got=got,
            cause="the file was not written by Lamina; it may have been made to do harm",
            fix="don't use it; get the model from someone you trust, saved with model.save(path)",
        )


def _fault(info: zipfile.ZipInfo, total: int, allowed: set[str]) -> tuple[str, str] | None:
    """What is wrong with a member as the zip's directory tells it, and what would be right."""
    name, size = info.filename, info.file_size
    if name not in allowed:
        return f"the member {name[:80]!r}", f"only {', '.join(sorted({MANIFEST, *JSON_MEMBERS, *TENSOR_MEMBERS}))}, each once"
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 0x1:
        return f"{name!r}, compressed or encrypted", "members that are stored as they are"
    if size != info.compress_size or size > total:
        return f"{name!r}, which claims {size} bytes in a file of {total}", "members that fit into the file"
    if name.endswith(".json") and size > MAX_JSON_BYTES:
        return f"{name!r} of {size} bytes", f"at most {MAX_JSON_BYTES} bytes of JSON"
    return None

"""Archives: what goes in comes out; what was damaged or made to harm is refused before anything is allocated."""

from __future__ import annotations

import hashlib
import json
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lamina.archive import Archive, TensorInfo, write_archive
from lamina.errors import ArchiveError

ARRAYS = {"a/weight": np.arange(6, dtype=np.float32).reshape(2, 3), "a/scalar": np.array(2.5), "b/index": np.array([1, 2], dtype=np.int64)}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "good.lamina"
    write_archive(
        path,
        json_members={"network.json": {"name": "käse"}, "labels.json": None},
        tensor_members={"weights.safetensors": ARRAYS},
    )
    return path


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(ArchiveError) as caught:
        call()
    problem = caught.value.problems[0]
    assert all((problem.where, problem.expected, problem.got, problem.cause, problem.fix))
    return caught.value.code


def rewrite(path: Path, change: Callable[[dict[str, bytes]], None], **options: int) -> None:
    """Take the archive apart, change its members, and put it together again with a manifest that fits."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    change(members)
    listed = {
        name: {"bytes": len(blob), "sha256": hashlib.sha256(blob).hexdigest()} for name, blob in members.items() if name != "manifest.json"
    }
    manifest = json.loads(members["manifest.json"])
    manifest["members"] = {**listed, **{k: v for k, v in manifest["members"].items() if k not in members}}
    members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w", **options) as file:
        for name, blob in members.items():
            file.writestr(name, blob)


def test_what_goes_in_comes_out(archive: Path) -> None:
    found = Archive(archive)
    assert found.json("network.json") == {"name": "käse"}
    arrays = found.arrays("weights.safetensors")
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
    assert found.header("weights.safetensors")["a/weight"] == TensorInfo("F32", (2, 3))


def test_arrays_that_lie_in_columns_are_written_in_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.lamina"
    columns = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    write_archive(path, json_members={"network.json": 1, "labels.json": 1}, tensor_members={"weights.safetensors": {"x": columns}})
    np.testing.assert_array_equal(Archive(path).arrays("weights.safetensors")["x"], columns)


def test_same_content_same_bytes(archive: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.lamina"
    write_archive(
        again,
        json_members={"network.json": {"name": "käse"}, "labels.json": None},
        tensor_members={"weights.safetensors": dict(reversed(ARRAYS.items()))},
    )
    assert again.read_bytes() == archive.read_bytes()


def test_missing_file(tmp_path: Path) -> None:
    assert code_of(lambda: Archive(tmp_path / "none.lamina")) == "AR021"


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_cut_short_anywhere(archive: Path, fraction: float) -> None:
    blob = archive.read_bytes()
    archive.write_bytes(blob[: int(len(blob) * fraction)])
    assert code_of(lambda: Archive(archive)) == "AR021"


@pytest.mark.parametrize("name", ["../../escape.json", "/etc/passwd", "code.py", "weights.pkl", "network.json/../x", "NETWORK.JSON"])
def test_members_that_do_not_belong_are_refused(archive: Path, name: str) -> None:
    rewrite(archive, lambda members: members.update({name: b"{}"}))
    assert code_of(lambda: Archive(archive)) == "AR023"


def test_compressed_members_are_refused_without_unpacking(archive: Path) -> None:
    rewrite(archive, lambda members: members.update({"training.json": b" " * 50_000_000}), compression=zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    assert code_of(lambda: Archive(archive)) == "AR023"
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_claimed_sizes_are_checked_against_the_file(archive: Path) -> None:
    blob = bytearray(archive.read_bytes())
    # The central directory's sizes of the last member: both claim 3 GB.
    entry = blob.rfind(b"PK\x01\x02")
    blob[entry + 20 : entry + 28] = struct.pack("<II", 3_000_000_000, 3_000_000_000)
    archive.write_bytes(blob)
    assert code_of(lambda: Archive(archive)) == "AR023"


def test_later_format(archive: Path) -> None:
    def later(members: dict[str, bytes]) -> None:
        members["manifest.json"] = json.dumps({**json.loads(members["manifest.json"]), "format": 99}).encode()

    rewrite(archive, later)
    assert code_of(lambda: Archive(archive)) == "AR024"


@pytest.mark.parametrize("missing", ["network.json", "weights.safetensors", "labels.json"])
def test_missing_members(archive: Path, missing: str) -> None:
    rewrite(archive, lambda members: members.pop(missing) and None)
    assert code_of(lambda: Archive(archive)) == "AR022"


def header(entries: dict[str, object], data: bytes = b"") -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\xff" * 8,
        struct.pack("<Q", 1 << 60) + b"{}",
        header({"x": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}),
        header({"x": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, b"1234"),
        header({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"1234"),
        header({"x": {"dtype": "O", "shape": [1], "data_offsets": [0, 4]}}, b"1234"),
        header({"x": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, b"1234"),
        header({"x": "pickle"}),
        struct.pack("<Q", 4) + b"[1]x",
    ],
)
def test_tensor_headers_that_lie(archive: Path, blob: bytes) -> None:
    rewrite(archive, lambda members: members.update({"weights.safetensors": blob}))
    assert code_of(lambda: Archive(archive).arrays("weights.safetensors")) == "AR022"


def test_changed_bytes_are_noticed(archive: Path) -> None:
    blob = bytearray(archive.read_bytes())
    place = blob.find(np.float32(5).tobytes())
    blob[place] ^= 1
    archive.write_bytes(blob)
    assert code_of(lambda: Archive(archive).arrays("weights.safetensors")) == "AR022"


def test_mutated_files_raise_nothing_but_archive_errors(archive: Path) -> None:
    good = archive.read_bytes()
    draw = random.Random(3)
    refused = 0
    for _ in range(400):
        blob = bytearray(good)
        for _ in range(draw.randint(1, 8)):
            blob[draw.randrange(len(blob))] = draw.randrange(256)
        archive.write_bytes(blob[: draw.choice([len(blob), draw.randrange(len(blob))])])
        try:
            found = Archive(archive)
            for member in ("network.json", "labels.json"):
                found.json(member)
            arrays = found.arrays("weights.safetensors")
        except ArchiveError:
            refused += 1
        else:
            np.testing.assert_array_equal(arrays["a/weight"], ARRAYS["a/weight"])
    assert refused > 300


def test_writing_where_nothing_can_be_written_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "missing" / "x.lamina"
    assert code_of(lambda: write_archive(target, json_members={"network.json": 1, "labels.json": 1}, tensor_members={})) == "AR020"
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_old_file(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = archive.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert code_of(lambda: write_archive(archive, json_members={"network.json": 2, "labels.json": 1}, tensor_members={})) == "AR020"
    assert archive.read_bytes() == before
    assert [path.name for path in archive.parent.iterdir()] == ["good.lamina"]


def test_tensors_are_written_byte_for_byte_as_safetensors_writes_them(tmp_path: Path) -> None:
    from safetensors.numpy import save

    draw = np.random.default_rng(0)
    kinds = ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u1", "b1"]
    arrays = {f"{kind}/ä{number}": draw.integers(0, 2, size=(2, number)).astype(kind) for kind in kinds for number in (0, 3)}
    arrays |= {"f4/turned": arrays["f4/ä3"].T, "b/scalar": np.array(1.5, dtype="f4")}
    write_archive(
        tmp_path / "a.lamina",
        json_members={"network.json": {}, "labels.json": None},
        tensor_members={"weights.safetensors": arrays, "training.safetensors": {}},
    )
    with zipfile.ZipFile(tmp_path / "a.lamina") as file:
        assert file.read("weights.safetensors") == save(
            {name: np.ascontiguousarray(a).reshape(a.shape) for name, a in sorted(arrays.items())}
        )
        assert file.read("training.safetensors") == save({})

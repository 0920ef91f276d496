"""NumPy's files: all types, mapped and lazy, forged headers, damage."""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lamina.data.formats import numpy as module
from lamina.data.formats.array_tables import table_of_arrays
from lamina.data.formats.numpy import read_numpy, write_npz
from lamina.data.lazy import LazyArray
from lamina.data.storage import Storage, open_file
from lamina.data.stored import Stored
from lamina.errors import LaminaError

DTYPES = ["b1", "i1", "<i2", ">i4", "i8", "u1", ">u2", "u4", "u8", "f2", ">f4", "f8", "U3", "S3", "M8[s]", "m8[ms]"]


def held(path: Path, **storage):
    return read_numpy(open_file(path, storage=Storage(**storage)))


def table(path: Path, **settings) -> pl.DataFrame:
    return table_of_arrays(held(path), str(path), **settings).collect()


@pytest.mark.parametrize("kind", ["npy", "npz", "compressed"])
@given(
    array=st.sampled_from(DTYPES).flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(max_dims=3, max_side=5))), fortran=st.booleans()
)
@settings(max_examples=40, deadline=None)
def test_numpy_round_trip(tmp_path_factory, kind, array, fortran) -> None:
    path = tmp_path_factory.mktemp("n") / ("a.npy" if kind == "npy" else "a.npz")
    array = np.asfortranarray(array) if fortran else array
    if kind == "npy":
        np.save(path, array)
    else:
        (np.savez if kind == "npz" else np.savez_compressed)(path, a=array)
    found = held(path)["a"]
    whole = np.asarray(found.samples())
    assert whole.dtype.isnative
    assert whole.dtype == array.dtype.newbyteorder("=")
    assert whole.tobytes() == np.ascontiguousarray(array.astype(whole.dtype)).tobytes()
    assert np.array_equal(found.rows(1, 3).astype(array.dtype), array[1:3], equal_nan=array.dtype.kind in "fMm")


def test_what_is_not_compressed_is_mapped(tmp_path) -> None:
    array = np.arange(24.0).reshape(4, 3, 2)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", x=array, y=array.astype(">f4"))
    for found in (held(tmp_path / "a.npy")["a"], held(tmp_path / "a.npz")["x"]):
        assert isinstance(found.samples(), Stored)
        assert np.array_equal(found.samples()[np.array([3, 0])], array[[3, 0]])
    swapped = held(tmp_path / "a.npz")["y"].samples()
    assert isinstance(swapped, LazyArray)
    assert swapped.dtype == np.float32
    assert np.array_equal(swapped[:], array)


def test_large_compressed_ones_are_unpacked_once(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LAMINA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "IN_MEMORY_BYTES", 100)
    array = np.arange(60.0).reshape(20, 3)
    np.savez_compressed(tmp_path / "a.npz", x=array)
    assert np.array_equal(held(tmp_path / "a.npz")["x"].samples()[:], array)
    (unpacked,) = (tmp_path / "cache").rglob("array.npy")
    before = unpacked.stat().st_mtime_ns
    assert np.array_equal(held(tmp_path / "a.npz")["x"].rows(2, 4), array[2:4])
    assert unpacked.stat().st_mtime_ns == before


class TestTables:
    def test_columns(self, tmp_path) -> None:
        np.savez(tmp_path / "a.npz", x=np.array([[1, 2], [3, 4]], dtype=">i2"), y=np.array(["a", "ü"]), z=np.array([b"a", "ü".encode()]))
        assert table(tmp_path / "a.npz").to_dict(as_series=False) == {"x_1": [1, 3], "x_2": [2, 4], "y": ["a", "ü"], "z": ["a", "ü"]}
        assert table(tmp_path / "a.npz", chosen=["y", "x"], names={"x": ["p", "q"]}).columns == ["y", "p", "q"]

    def test_structures(self, tmp_path) -> None:
        kind = [("id", ">u4"), ("place", [("x", "f4"), ("name", "U2")]), ("spectrum", "f2", (3,)), ("grid", "i1", (2, 2)), ("ok", "?")]
        array = np.array(
            [(1, (0.5, "ab"), (1, 2, 3), ((1, 2), (3, 4)), True), (2, (np.nan, ""), (0, 0, 0), ((0, 0), (0, 0)), False)], dtype=kind
        )
        np.save(tmp_path / "a.npy", array)
        rows = table(tmp_path / "a.npy")
        assert rows.columns == ["id", "place.x", "place.name", "spectrum", "grid", "ok"]
        assert rows.row(0) == (1, 0.5, "ab", [1.0, 2.0, 3.0], [1, 2, 3, 4], True)
        assert rows["place.x"].is_nan().to_list() == [False, True]
        assert rows["place.x"].null_count() == 0

    def test_structures_beside_others(self, tmp_path) -> None:
        np.savez(tmp_path / "a.npz", s=np.zeros((2, 2), dtype=[("a", "i1"), ("b", "i1")]))
        assert table(tmp_path / "a.npz").columns == ["s_1.a", "s_1.b", "s_2.a", "s_2.b"]

    def test_times(self, tmp_path) -> None:
        np.savez(
            tmp_path / "a.npz",
            day=np.array(["2024-02-29", "NaT"], dtype="M8[D]"),
            year=np.array(["2024", "1969"], dtype="M8[Y]"),
            moment=np.array(["2024-02-29T12:00:00.000000001", "NaT"], dtype="M8[ns]"),
            span=np.array([1500, "NaT"], dtype="m8[ms]"),
        )
        rows = table(tmp_path / "a.npz")
        assert rows.schema == {"day": pl.Date, "year": pl.Date, "moment": pl.Datetime("us"), "span": pl.Float64}
        assert [str(value) for value in rows.row(0)] == ["2024-02-29", "2024-01-01", "2024-02-29 12:00:00", "1.5"]
        assert rows["span"].to_list() == [1.5, None]
        assert rows["day"].null_count() == rows["moment"].null_count() == 1

    def test_blocks(self, tmp_path) -> None:
        np.savez(tmp_path / "a.npz", a=np.arange(200_000), b=np.arange(400_000).reshape(-1, 2))
        frame = table_of_arrays(held(tmp_path / "a.npz"), "a.npz")
        assert frame.select(pl.col("b_2").sum()).collect().item() == np.arange(1, 400_000, 2).sum()
        assert frame.filter(pl.col("a") == 150_000).collect().row(0) == (150_000, 300_000, 300_001)
        assert frame.select(pl.len()).collect().item() == 200_000

    def test_many_columns(self, tmp_path, refused) -> None:
        np.save(tmp_path / "a.npy", np.ones((2, 10_000), dtype="i1"))
        frame = table_of_arrays(held(tmp_path / "a.npy"), "a.npy")
        assert frame.select("a_10000").collect()["a_10000"].to_list() == [1, 1]
        np.save(tmp_path / "b.npy", np.ones((2, 100_001), dtype="i1"))
        with refused("DA064", "b.npy", "100,001", "source: arrays"):
            table_of_arrays(held(tmp_path / "b.npy"), "b.npy")

    @pytest.mark.parametrize(
        ("arrays", "settings", "code", "words"),
        [
            ({"x": np.zeros((2, 3, 4))}, {}, "DA003", ["array 'x'", "3 axes", "source: arrays"]),
            ({"x": np.float64(1)}, {}, "DA003", ["single value"]),
            ({"x": np.zeros(2), "y": np.zeros(3)}, {}, "DA002", ["array 'y'", "2 samples"]),
            ({"x": np.zeros((0, 2))}, {}, "DA006", ["array 'x'"]),
            ({"x": np.zeros(2, "c8")}, {}, "DA062", ["array 'x'", "complex64", "imaginary"]),
            ({"x": np.zeros(2, "V4")}, {}, "DA062", ["array 'x'"]),
            ({"x": np.zeros(2, [("a", "c8")])}, {}, "DA062", ["field 'a'"]),
            ({"x_1": np.zeros(2), "x": np.zeros((2, 2))}, {}, "DA017", ["'x_1'"]),
            ({"x": np.zeros(2)}, {"chosen": ["X"]}, "DA061", ["'X'", "did you mean 'x'"]),
            ({"x": np.zeros((2, 2))}, {"names": {"x": ["a"]}}, "DA016", ["names for its 2 columns"]),
            ({"x": np.array([0, 2**64 - 1], "u8")}, {}, "DA063", ["array 'x', row 2, column 'x'", "18446744073709551615"]),
            ({"x": np.array([b"a", b"\xff"])}, {}, "DA063", ["row 2", "UTF-8"]),
            ({"x": np.array([0, 2**62], "M8[s]")}, {}, "DA063", ["row 2", "4611686018427387904 s"]),
            ({"x": np.array([0, 2**40], "M8[Y]")}, {}, "DA063", ["row 2"]),
        ],
    )
    def test_refused(self, tmp_path, refused, arrays, settings, code, words) -> None:
        np.savez(tmp_path / "a.npz", **arrays)
        with refused(code, *words):
            table(tmp_path / "a.npz", **settings)


def forged(header: str, content: bytes = b"", version: int = 1) -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + content


class TestBad:
    @pytest.mark.parametrize(
        ("content", "code", "words"),
        [
            (forged("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}"), "DA064", ["1000000000000 of float64"]),
            (forged("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296)}", b"x" * 8), "DA064", []),
            (forged("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", b"x" * 16), "DA060", ["16 bytes for 1 of float64"]),
            (forged("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"), "DA060", ["(-1,)"]),
            (forged("{'descr': '<f8', 'fortran_order': False, 'shape': 3}"), "DA060", []),
            (forged("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"\x80\x04."), "DA062", ["pickle"]),
            (forged("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}"), "DA062", ["pickle"]),
            (forged("{'descr': 'nonsense', 'fortran_order': False, 'shape': (1,)}"), "DA060", []),
            (forged("{'descr': '<f8'}"), "DA060", []),
            (forged("__import__('os').abort()"), "DA060", ["can't be read"]),
            (forged("[" * 5000 + "]" * 5000), "DA060", ["nested"]),
            (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "DA064", ["4,294,967,295"]),
            (b"\x93NUMPY\x09\x00\x00\x00", "DA060", []),
            (b"\x93NUMPY", "DA060", []),
            (b"", "DA060", ["an empty file"]),
            (b"a,b\n1,2\n", "DA060", ["a,b"]),
            (b"PK\x03\x04 and no zip", "DA060", [".npz"]),
            (b"PK\x05\x06" + b"\0" * 18, "DA060", ["no array in it"]),
        ],
    )
    def test_content(self, tmp_path, refused, content, code, words) -> None:
        (tmp_path / "a.npy").write_bytes(content)
        with refused(code, "a.npy", *words):
            table(tmp_path / "a.npy")

    def test_the_long_numbers_of_python_2(self, tmp_path) -> None:
        (tmp_path / "a.npy").write_bytes(forged("{'descr': '<i2', 'fortran_order': False, 'shape': (2L,), }", b"\1\0\2\0"))
        assert table(tmp_path / "a.npy")["a"].to_list() == [1, 2]

    @pytest.mark.filterwarnings("ignore:Stored array in format")
    @pytest.mark.parametrize("version", [2, 3])
    def test_long_headers(self, tmp_path, version) -> None:
        names = [f"sensor_{'ü' if version == 3 else 'u'}_{place}" for place in range(5000)]
        np.save(tmp_path / "a.npy", np.zeros(2, dtype=[(name, "i1") for name in names]))
        assert table(tmp_path / "a.npy").columns == names

    def test_a_zip_that_is_none_of_numpy(self, tmp_path, refused) -> None:
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("a.txt", "hello")
        with refused("DA060", "another kind of zip"):
            held(tmp_path / "a.npz")

    def test_names_that_meet(self, tmp_path, refused) -> None:
        content = io.BytesIO()
        np.save(content, np.zeros(2))
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("x.npy", content.getvalue())
            with pytest.warns(UserWarning, match="Duplicate"):
                archive.writestr("x.npy", content.getvalue())
        with refused("DA017", "'x'"):
            held(tmp_path / "a.npz")

    def test_a_bomb(self, tmp_path, refused) -> None:
        header = "{'descr': '|u1', 'fortran_order': False, 'shape': (200000000,)}"
        with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.npy", forged(header, bytes(200_000_000)))
        with refused("DA046", "max_ratio"):
            held(tmp_path / "a.npz")
        with refused("DA046", "max_size"):
            held(tmp_path / "a.npz", max_size=1000)

    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    def test_damage_is_an_error_of_ours_or_harmless(self, tmp_path, damages, save) -> None:
        path = tmp_path / "a.npz"
        save(path, x=np.arange(40.0), y=np.array(["a", "b"] * 20))
        whole, failed = path.read_bytes(), 0
        for content in damages(whole, 100):
            path.write_bytes(content)
            try:
                table(path)
            except LaminaError:
                failed += 1
        assert failed > 20

    @given(st.binary(max_size=80))
    @settings(max_examples=80, deadline=None)
    def test_any_header_is_read_or_refused(self, tmp_path_factory, content) -> None:
        path = tmp_path_factory.mktemp("n") / "a.npy"
        path.write_bytes(b"\x93NUMPY\x01\x00" + content)
        with contextlib.suppress(LaminaError):
            held(path)


def test_real_files(shared_data) -> None:
    fixtures = shared_data.parent / "fixtures"
    files = [*fixtures.rglob("*.npz"), *fixtures.rglob("*.npy")]
    if not files:
        pytest.skip("the fixtures are not here")
    for path in files:
        loaded = np.load(path, allow_pickle=False)
        expected = {path.stem: loaded} if path.suffix == ".npy" else dict(loaded)
        found = held(path)
        assert list(found) == list(expected), path
        for name, array in expected.items():
            assert np.array_equal(np.asarray(found[name].samples()), array), (path, name)


class TestWriting:
    def test_numpy_reads_it(self, tmp_path) -> None:
        write_npz(tmp_path / "a.npz", {"x": np.arange(3.0), "y": np.array(["a", "b", "c"])})
        with np.load(tmp_path / "a.npz", allow_pickle=False) as loaded:
            assert loaded["x"].tolist() == [0, 1, 2]
            assert loaded["y"].tolist() == ["a", "b", "c"]

    def test_objects(self, tmp_path, refused) -> None:
        with refused("DA062", "array 'x'", "pickled"):
            write_npz(tmp_path / "a.npz", {"x": np.array([object()])})
        assert list(tmp_path.iterdir()) == []

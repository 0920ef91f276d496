"""HDF5 files against h5py: types, laziness, netCDF, links and filters that are not followed, damage."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lamina.data.formats import held as held_module
from lamina.data.formats.array_tables import table_of_arrays
from lamina.data.formats.hdf5 import read_hdf5
from lamina.data.formats.held import HeldRows
from lamina.data.storage import Storage, open_file
from lamina.data.stored import Stored
from lamina.errors import LaminaError

LAYOUTS = {
    "plain": {},
    "chunks": {"chunks": True},
    "gzip": {"chunks": True, "compression": "gzip", "shuffle": True},
    "lzf": {"compression": "lzf"},
}


def sets(path: Path, chosen=None, **storage):
    return read_hdf5(open_file(path, storage=Storage(**storage)), chosen)


def table(path: Path, chosen=None, **settings) -> pl.DataFrame:
    return table_of_arrays(sets(path, chosen), str(path), **settings).collect()


@pytest.mark.parametrize("layout", LAYOUTS)
@given(
    array=st.sampled_from(["?", "i1", ">i2", "u4", "i8", "f2", ">f4", "f8"]).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(max_dims=3, max_side=6))
    ),
    seed=st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_h5py_round_trip(tmp_path_factory, layout, array, seed) -> None:
    path = tmp_path_factory.mktemp("h") / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("group/x", data=array, **LAYOUTS[layout])
    found = sets(path)["group/x"]
    whole = np.asarray(found.samples())
    assert whole.dtype == array.dtype.newbyteorder("=")
    assert np.array_equal(whole, array, equal_nan=array.dtype.kind == "f")
    places = np.random.default_rng(seed).integers(0, len(array), 5)
    taken = HeldRows(found).take(places)
    assert np.array_equal(taken, array[places], equal_nan=array.dtype.kind == "f")


def test_plain_ones_are_mapped_and_large_packed_ones_read_in_pieces(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(held_module, "IN_MEMORY_BYTES", 1000)
    array = np.random.default_rng(0).normal(size=(300, 4))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["plain"] = array
        file.create_dataset("packed", data=array, chunks=(7, 4), compression="gzip")
    found = sets(tmp_path / "a.h5")
    assert isinstance(found["plain"].samples(), Stored)
    lazy = found["packed"].samples()
    assert isinstance(lazy, HeldRows)
    places = np.array([299, 0, 5, 6, 5, 150])
    assert np.array_equal(lazy.take(places), array[places])
    assert np.array_equal(lazy[10:20], array[10:20])
    with pytest.raises(IndexError):
        lazy.take(np.array([300]))


class TestTables:
    def test_types(self, tmp_path) -> None:
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["text"] = ["a", "ü", ""]
            file["fixed"] = np.array([b"a", "ü".encode(), b""])
            file["truth"] = [True, False, True]
            file.create_dataset("colour", data=np.array([0, 5, 0]), dtype=h5py.enum_dtype({"red": 0, "blue": 5}))
            lists = file.create_dataset("list", (3,), dtype=h5py.vlen_dtype(np.float32))
            lists[0], lists[2] = [1, 2], [0.5]
            file["matrix"] = np.arange(6.0).reshape(3, 2)
        rows = table(tmp_path / "a.h5", ["text", "fixed", "truth", "colour", "list", "matrix"])
        assert rows.to_dict(as_series=False) == {
            "text": ["a", "ü", ""],
            "fixed": ["a", "ü", ""],
            "truth": [True, False, True],
            "colour": ["red", "blue", "red"],
            "list": [[1.0, 2.0], [], [0.5]],
            "matrix_1": [0.0, 2.0, 4.0],
            "matrix_2": [1.0, 3.0, 5.0],
        }

    def test_compounds(self, tmp_path) -> None:
        kind = [("id", "i4"), ("name", h5py.string_dtype()), ("colour", h5py.enum_dtype({"red": 0, "blue": 1})), ("xy", "f4", (2,))]
        values = np.array([(1, "a", 0, (0, 1)), (2, "ü", 1, (2, 3))], dtype=kind)
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["table"] = values
        rows = table(tmp_path / "a.h5")
        assert rows.rows() == [(1, "a", "red", [0.0, 1.0]), (2, "ü", "blue", [2.0, 3.0])]
        assert rows.columns == ["id", "name", "colour", "xy"]

    def test_real_strings(self) -> None:
        folder = Path(h5py.__file__).parent / "tests" / "data_files"
        if not folder.is_dir():
            pytest.skip("h5py was installed without its tests")
        for path in sorted(folder.glob("vlen_string_*.h5")):
            with h5py.File(path) as file:
                expected = {name: [value.decode() for value in data[:].tolist()] for name, data in file.items() if data.dtype.kind == "O"}
            assert expected
            for name, values in expected.items():
                assert table(path, [name])[name].to_list() == values

    def test_real_netcdf(self, shared_data) -> None:
        path = shared_data.parent / "fixtures" / "dsstne" / "ae.nc"
        if not path.is_file():
            pytest.skip("the fixtures of DSSTNE are not here")
        found = sets(path)
        with h5py.File(path) as file:
            for name in ("weight0_weights", "weight1_bias"):
                assert np.array_equal(np.asarray(found[name].samples()), file[name][:])
            assert table(path, ["weight0_weights"])["weight0_weights"].to_list() == file["weight0_weights"][:].tolist()

    @pytest.mark.parametrize(
        ("write", "chosen", "code", "words"),
        [
            (lambda f: f.create_dataset("x", data=np.zeros(3, "c8")), None, "DA062", ["data set 'x'", "imaginary"]),
            (lambda f: f.create_dataset("x", (2,), dtype=h5py.ref_dtype), None, "DA062", ["data set 'x'"]),
            (lambda f: f.create_dataset("x", data=np.zeros((2, 2, 2))), None, "DA003", ["3 axes"]),
            (lambda f: f.create_dataset("x", data=np.zeros(2)), ["y"], "DA061", ["'y'"]),
            (
                lambda f: f.create_dataset("group/values", data=np.zeros(2)),
                ["group/value"],
                "DA061",
                ["a.h5, group", "did you mean 'values'"],
            ),
            (lambda f: f.create_dataset("group/x", data=np.zeros(2)), ["group"], "DA061", ["did you mean 'group/x'"]),
            (lambda f: f.create_group("empty"), None, "DA060", ["no data set"]),
            (lambda f: f.create_dataset("x", data=h5py.Empty("f4")), None, "DA060", ["empty"]),
            (lambda f: f.create_dataset("x", data=np.array([0, 7]), dtype=h5py.enum_dtype({"a": 0})), None, "DA063", ["row 2", "a 0"]),
            (lambda f: f.create_dataset("x", (10**12,), "f8"), None, "DA046", ["8,000,000,000,000"]),
            (lambda f: f.create_dataset("x", (10**12,), "f8", chunks=(1000,)), None, "DA046", ["8,000,000,000,000"]),
            (lambda f: f.create_dataset("x", (10,), "f8", maxshape=(None,), chunks=(500_000_000,)), None, "DA046", ["a chunk of it"]),
        ],
    )
    def test_refused(self, tmp_path, refused, write, chosen, code, words) -> None:
        with h5py.File(tmp_path / "a.h5", "w") as file:
            write(file)
        with refused(code, "a.h5", *words):
            table(tmp_path / "a.h5", chosen)


class TestWhatLeadsOut:
    def test_links(self, tmp_path, refused) -> None:
        with h5py.File(tmp_path / "other.h5", "w") as file:
            file["x"] = np.zeros(2)
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["group/own"] = np.arange(2.0)
            file["out"] = h5py.ExternalLink("other.h5", "/x")
            file["soft"] = h5py.SoftLink("/group/own")
            file["group/near"] = h5py.SoftLink("own")
            file["round"] = h5py.SoftLink("/round")
            file["out_softly"] = h5py.SoftLink("/out")
        assert list(sets(tmp_path / "a.h5")) == ["group/own"]
        assert table(tmp_path / "a.h5", ["soft", "group/near"]).rows() == [(0.0, 0.0), (1.0, 1.0)]
        for name in ("out", "out_softly"):
            with refused("DA070", "a link to /x in 'other.h5'"):
                sets(tmp_path / "a.h5", [name])
        with refused("DA060", "lead from 'round' to nowhere"):
            sets(tmp_path / "a.h5", ["round"])

    def test_values_in_other_files(self, tmp_path, refused) -> None:
        with h5py.File(tmp_path / "other.h5", "w") as file:
            file["x"] = np.zeros(2)
        with h5py.File(tmp_path / "a.h5", "w") as file:
            layout = h5py.VirtualLayout((2,), "f8")
            layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (2,))
            file.create_virtual_dataset("virtual", layout)
            file.create_dataset("outside", (2,), "f8", external=[(str(tmp_path / "raw.bin"), 0, 16)])
        with refused("DA070", "virtual"):
            sets(tmp_path / "a.h5", ["virtual"])
        with refused("DA070", "raw.bin"):
            sets(tmp_path / "a.h5", ["outside"])

    def test_filters_of_others(self, tmp_path, refused) -> None:
        with h5py.File(tmp_path / "a.h5", "w") as file:
            settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            settings.set_chunk((10,))
            settings.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)  # Zstandard, a plugin
            h5py.h5d.create(file.id, b"x", h5py.h5t.IEEE_F64LE, h5py.h5s.create_simple((10,)), settings)
        with refused("DA070", "the filter 32015"):
            sets(tmp_path / "a.h5")


class TestBad:
    @pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" + b"\0" * 200])
    def test_other_kinds(self, tmp_path, refused, content) -> None:
        (tmp_path / "a.h5").write_bytes(content)
        with refused("DA060", "a.h5"):
            sets(tmp_path / "a.h5")

    @pytest.mark.parametrize("layout", ["plain", "gzip"])
    def test_cut_off(self, tmp_path, refused, layout) -> None:
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("x", data=np.random.default_rng(0).normal(size=(1000, 3)), **LAYOUTS[layout])
        whole = (tmp_path / "a.h5").read_bytes()
        for share in (0.1, 0.5, 0.9, 0.999):
            (tmp_path / "a.h5").write_bytes(whole[: int(len(whole) * share)])
            with refused("DA060", "a.h5"):
                table(tmp_path / "a.h5")

    def test_damage_is_an_error_of_ours_or_harmless(self, tmp_path, damages) -> None:
        path = tmp_path / "a.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset("x", data=np.arange(100.0), chunks=(30,), compression="gzip", fletcher32=True)
        whole, failed = path.read_bytes(), 0
        for content in damages(whole, 150):
            path.write_bytes(content)
            try:
                table(path)
            except LaminaError:
                failed += 1
        assert failed > 10

    def test_without_h5py(self, tmp_path, monkeypatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "h5py", None)
        (tmp_path / "a.h5").write_bytes(b"")
        with pytest.raises(LaminaError, match=r"pip install 'lamina\[hdf5\]'"):
            sets(tmp_path / "a.h5")

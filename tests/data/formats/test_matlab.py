"""MATLAB files against SciPy: the genuine ones of many versions that it comes with, forged sizes, damage, text, version 7.3."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest
import scipy.io.matlab
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.io import loadmat, savemat

from lamina.data.formats.matlab import read_matlab, table_of_matlab, write_matlab
from lamina.data.storage import Storage, open_file
from lamina.errors import DataError, LaminaError

GENUINE = sorted((Path(scipy.io.matlab.__file__).parent / "tests" / "data").glob("*.mat"))
BROKEN = {"bad_miuint32", "corrupted_zlib_checksum", "corrupted_zlib_data", "debigged_m4", "malformed1"}


def variables(path: Path, **storage):
    return read_matlab(open_file(path, storage=Storage(**storage)))


def table(path: Path, **settings) -> pl.DataFrame:
    return table_of_matlab(open_file(path), **settings).collect()


@pytest.mark.skipif(not GENUINE, reason="SciPy was installed without its tests")
@pytest.mark.parametrize("path", GENUINE, ids=lambda path: path.stem)
def test_genuine_files(path) -> None:
    if path.stem in BROKEN:
        with pytest.raises(DataError) as caught:
            [variable.read() for variable in variables(path).values()]
        assert caught.value.code in {"DA060", "DA064"}
        return
    if path.stem == "bad_miutf8_array_name":  # SciPy gives up where a name is no ASCII.
        assert [variable.read().tolist() for variable in variables(path).values()] == [[[1]]]
        return
    if path.stem.startswith("testhdf5"):
        expected = {"testdouble": np.linspace(0, 2 * np.pi, 9)[None]}
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = {name: value for name, value in loadmat(path).items() if not name.startswith("__")}
    found = variables(path)
    assert {name for name in found if "." not in name} == set(expected)
    for name, value in expected.items():
        if hasattr(value, "toarray"):
            assert np.array_equal(found[name].dense(), value.toarray())
        elif value.dtype.kind in "biufcU":
            made = found[name].read()
            assert np.allclose(made, value) if value.dtype.kind == "f" else np.array_equal(made, value)
            assert made.dtype.isnative
        else:
            try:
                made = found[name].read()
            except DataError as error:
                assert error.code == "DA062", error  # noqa: PT017
            else:
                # Cells of single texts or numbers.
                assert made.shape == value.shape


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,10}", fullmatch=True),
        st.sampled_from(["?", "u1", "i2", ">i4", "i8", "f4", ">f8"]).flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=2))),
        min_size=1,
        max_size=3,
    ),
    st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_scipy_round_trip(tmp_path_factory, arrays, packed) -> None:
    path = tmp_path_factory.mktemp("m") / "a.mat"
    savemat(path, arrays, do_compression=packed)
    found = variables(path)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        made = found[name].read()
        assert made.shape == array.shape
        assert np.array_equal(made, array, equal_nan=array.dtype.kind == "f")


class TestTables:
    def test_vectors_and_matrices(self, tmp_path) -> None:
        data = {
            "x": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
            "upright": [[1], [2], [3]],
            "lying": [[7, 8, 9]],
            "ok": np.array([[True, False, True]]),
        }
        savemat(tmp_path / "a.mat", data)
        rows = table(tmp_path / "a.mat")
        assert rows.columns == ["x_1", "x_2", "upright", "lying", "ok"]
        assert rows.rows() == [(1.0, 2.0, 1, 7, True), (3.0, 4.0, 2, 8, False), (5.0, 6.0, 3, 9, True)]
        assert table(tmp_path / "a.mat", chosen=["lying", "x"], names={"x": ["a", "b"]}).columns == ["lying", "a", "b"]

    def test_text(self, tmp_path) -> None:
        cells = np.array([["ab"], ["ü"], [np.zeros((0, 0))]], dtype=object)
        savemat(tmp_path / "a.mat", {"cells": cells, "letters": np.array(["a", "b", "c"]), "n": np.array([[1], [2.5], [3]], dtype=object)})
        assert table(tmp_path / "a.mat").to_dict(as_series=False) == {
            "cells": ["ab", "ü", ""],
            "letters": ["a", "b", "c"],
            "n": [1.0, 2.5, 3.0],
        }

    def test_structs(self, tmp_path) -> None:
        savemat(tmp_path / "a.mat", {"data": {"x": np.eye(2), "inner": {"y": [1, 2]}}})
        rows = table(tmp_path / "a.mat")
        assert rows.columns == ["data.x_1", "data.x_2", "data.inner.y"]
        assert rows["data.inner.y"].to_list() == [1, 2]

    def test_sparse(self, tmp_path, refused) -> None:
        matrix = scipy.sparse.random(5, 3, 0.5, format="csc", random_state=0)
        savemat(tmp_path / "a.mat", {"s": matrix, "t": (matrix > 0.5)})
        assert np.array_equal(table(tmp_path / "a.mat").select("s_1", "s_2", "s_3").to_numpy(), matrix.toarray())
        savemat(tmp_path / "b.mat", {"wide": scipy.sparse.csc_array((2**20, 300))})
        with refused("DA064", "variable 'wide'", "source: arrays"):
            table(tmp_path / "b.mat")

    @pytest.mark.parametrize(
        ("data", "settings", "code", "words"),
        [
            ({"x": np.zeros((2, 3, 4))}, {}, "DA003", ["variable 'x'", "3 axes", "variables: ["]),
            ({"x": np.eye(2), "y": np.eye(3)}, {}, "DA002", ["variable 'y'"]),
            ({"measured": np.eye(2)}, {"chosen": ["measure"]}, "DA061", ["did you mean 'measured'"]),
            ({"x": np.array([["a"], [1.0]], dtype=object)}, {}, "DA062", ["text and numbers"]),
            ({"x": np.array([[np.eye(2)], ["a"]], dtype=object)}, {}, "DA062", ["cell 1", "2 x 2 of float64"]),
            ({"x": np.zeros((2, 1), [("a", "f8")])}, {"chosen": ["x"]}, "DA062", ["2 structs with the fields a"]),
            ({"x": {"a": [1.0]}}, {"chosen": ["x"]}, "DA062", ["choose fields of it, such as .a"]),
            ({"x": np.array([[1j]])}, {}, "DA062", ["imaginary"]),
            ({"x": np.zeros((0, 2))}, {}, "DA006", ["variable 'x'"]),
        ],
    )
    def test_refused(self, tmp_path, refused, data, settings, code, words) -> None:
        savemat(tmp_path / "a.mat", data)
        with refused(code, "a.mat", *words):
            table(tmp_path / "a.mat", **settings)

    def test_functions_do_not_keep_others_from_being_read(self, refused) -> None:
        path = next((path for path in GENUINE if path.stem == "some_functions"), None)
        if path is None:
            pytest.skip("SciPy was installed without its tests")
        assert len(table(path, chosen=["a"])) == 1
        with refused("DA062", "variable 'sqr'", "a function", "only MATLAB"):
            table(path, chosen=["sqr"])


def write_7_3(path: Path) -> None:
    """As MATLAB 7.3 writes: axes reversed, text as UTF-16, cells as references."""
    with h5py.File(path, "w", userblock_size=512) as file:

        def add(name: str, array: np.ndarray, kind: str) -> h5py.Dataset:
            made = file.create_dataset(name, data=array)
            made.attrs["MATLAB_class"] = np.bytes_(kind)
            return made

        add("x", np.arange(6.0).reshape(2, 3), "double")
        add("ok", np.array([[1, 0, 1]], dtype="u1"), "logical")
        add("word", np.frombuffer("hü".encode("utf-16-le"), "<u2")[:, None], "char")
        words = [add(f"#refs#/{name}", np.frombuffer(name.encode("utf-16-le"), "<u2")[:, None], "char").ref for name in ("ab", "c")]
        empty = add("#refs#/e", np.array([0, 0], dtype="u8"), "char")
        empty.attrs["MATLAB_empty"] = 1
        cells = file.create_dataset("kind", (1, 3), dtype=h5py.ref_dtype)
        cells[0] = [*words, empty.ref]
        cells.attrs["MATLAB_class"] = np.bytes_("cell")
        add("data/y", np.array([[7, 8, 9]], dtype="i4"), "int32")
        sparse = scipy.sparse.csc_array(np.array([[0, 2.0], [0, 0], [3.0, 0]]))
        group = file.create_group("s")
        group.attrs["MATLAB_sparse"], group.attrs["MATLAB_class"] = np.uint64(3), np.bytes_("double")
        group["data"], group["ir"], group["jc"] = sparse.data, sparse.indices.astype("u8"), sparse.indptr.astype("u8")
        add("t", np.zeros((2, 1), dtype="u4"), "table")
        add("cube", np.arange(24.0).reshape(2, 3, 4), "double")
    head = b"MATLAB 7.3 MAT-file".ljust(124) + struct.pack("<H", 0x200) + b"IM"
    with path.open("r+b") as opened:
        opened.write(head)


class TestVersion73:
    def test_all_kinds(self, tmp_path, refused) -> None:
        write_7_3(tmp_path / "a.mat")
        found = variables(tmp_path / "a.mat")
        assert set(found) == {"x", "ok", "word", "kind", "data.y", "s", "t", "cube"}
        assert found["x"].read().tolist() == [[0, 3], [1, 4], [2, 5]]
        assert found["ok"].read().tolist() == [[True], [False], [True]]
        assert found["word"].read().tolist() == ["hü"]
        assert found["kind"].read().tolist() == [["ab"], ["c"], [""]]
        assert found["s"].dense().tolist() == [[0, 2], [0, 0], [3, 0]]
        assert found["cube"].read().shape == (4, 3, 2)
        rows = table(tmp_path / "a.mat", chosen=["x", "kind", "ok", "data.y", "s"])
        assert rows.row(2) == (2.0, 5.0, "", True, 9, 3.0, 0.0)
        with refused("DA062", "variable 't'", "a table"):
            found["t"].read()

    def test_damage_is_an_error_of_ours_or_harmless(self, tmp_path, damages) -> None:
        path = tmp_path / "a.mat"
        write_7_3(path)
        whole, failed = path.read_bytes(), 0
        for content in damages(whole, 60):
            path.write_bytes(content)
            try:
                table(path, chosen=["x", "kind", "s"])
            except LaminaError:
                failed += 1
        assert failed > 3


TEXT = "% made by hand\n  1.5000000e+00   2\n-3, NaN\n"


class TestText:
    def test_matrices(self, tmp_path) -> None:
        (tmp_path / "a.mat").write_text(TEXT)
        assert table(tmp_path / "a.mat").columns == ["data_1", "data_2"]
        (tmp_path / "b.mat").write_text("x = [1 2; 3 4\n5 6];\ny = [7; 8; 9]; % end\n")
        assert table(tmp_path / "b.mat").rows() == [(1.0, 2.0, 7.0), (3.0, 4.0, 8.0), (5.0, 6.0, 9.0)]

    @pytest.mark.parametrize(
        ("text", "code", "words"),
        [
            ("1 2\n3 x\n", "DA032", ["a.mat:2:3", "'x'"]),
            ("1 2\n\n3\n", "DA032", ["a.mat:3:1", "2 numbers", "not 1"]),
            ("x = [1];\nx = [2];\n", "DA032", ["a.mat:2:1", "each name once"]),
            ("% nothing\n", "DA060", ["no number"]),
            ("", "DA060", ["an empty file"]),
            ("1 ü\n", "DA060", ["a.mat"]),
        ],
    )
    def test_refused(self, tmp_path, refused, text, code, words) -> None:
        (tmp_path / "a.mat").write_text(text)
        with refused(code, *words):
            table(tmp_path / "a.mat")


def element(kind: int, content: bytes) -> bytes:
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def forged(kind: int, dims: tuple[int, ...], *parts: bytes, name: bytes = b"x", flags: int = 0) -> bytes:
    body = (
        element(6, struct.pack("<II", kind | flags, 0))
        + element(5, struct.pack(f"<{len(dims)}i", *dims))
        + element(1, name)
        + b"".join(parts)
    )
    return b"MATLAB 5.0".ljust(124) + struct.pack("<H", 0x100) + b"IM" + struct.pack("<II", 14, len(body)) + body


class TestBad:
    @pytest.mark.parametrize(
        "content",
        [
            forged(6, (2**31 - 1, 2**31 - 1), element(9, b"\0" * 16)),
            forged(6, (2, 2), element(9, b"\0" * 8)),
            forged(4, (2**31 - 1, 8), element(4, b"")),
            forged(1, (2**31 - 1, 1)),
            forged(1, (3, 1), element(14, b"")),
            forged(2, (2**20, 2**10), element(5, struct.pack("<i", 8)), element(1, b"")),
            forged(2, (2**20, 1), element(5, struct.pack("<i", 4)), element(1, b"a\0\0\0")),
        ],
        ids=["numbers", "few", "text", "cells", "few-cells", "empty-structs", "structs"],
    )
    def test_absurd_sizes(self, tmp_path, refused, content) -> None:
        (tmp_path / "a.mat").write_bytes(content)
        with pytest.raises(DataError) as caught:
            variables(tmp_path / "a.mat")["x"].read()
        assert caught.value.code in {"DA060", "DA064"}

    def test_the_forger_can_write_whole_files(self, tmp_path) -> None:
        (tmp_path / "a.mat").write_bytes(forged(6, (2, 1), element(9, struct.pack("<2d", 1.5, 2.5))))
        assert table(tmp_path / "a.mat")["x"].to_list() == [1.5, 2.5]

    def test_version_4_with_absurd_sizes(self, tmp_path, refused) -> None:
        (tmp_path / "a.mat").write_bytes(struct.pack("<5i", 0, 2**31 - 1, 2**31 - 1, 0, 2) + b"x\0" + b"\0" * 64)
        with refused("DA064", "variable 'x'", "64 bytes"):
            variables(tmp_path / "a.mat")

    def test_a_bomb(self, tmp_path, refused) -> None:
        body = forged(6, (9_000_000, 1), element(9, bytes(72_000_000)))[128:]
        packed = zlib.compress(body, 6)
        (tmp_path / "a.mat").write_bytes(forged(6, (1, 1))[:128] + struct.pack("<II", 15, len(packed)) + packed)
        with refused("DA046", "variable 'x'", "max_ratio"):
            variables(tmp_path / "a.mat")["x"].read()

    @pytest.mark.parametrize("packed", [False, True])
    def test_damage_is_an_error_of_ours_or_harmless(self, tmp_path, damages, packed) -> None:
        path = tmp_path / "a.mat"
        cells = np.array([["ab"], ["c"]], dtype=object)
        savemat(
            path, {"x": np.eye(2), "c": cells, "s": {"a": [1.0, 2.0]}, "sp": scipy.sparse.eye_array(2, format="csc")}, do_compression=packed
        )
        whole, failed = path.read_bytes(), 0
        for content in damages(whole, 300):
            path.write_bytes(content)
            try:
                table(path)
            except LaminaError:
                failed += 1
        assert failed > 30

    def test_cut_off(self, tmp_path, refused) -> None:
        savemat(tmp_path / "a.mat", {"x": np.eye(20)})
        whole = (tmp_path / "a.mat").read_bytes()
        for size in (130, 200, len(whole) - 1):
            (tmp_path / "a.mat").write_bytes(whole[:size])
            with refused("DA060", "a.mat"):
                table(tmp_path / "a.mat")


class TestWriting:
    def test_scipy_reads_it(self, tmp_path) -> None:
        frame = pl.DataFrame({"i": [1, None], "f": [0.5, -1.0], "s": ["ä", None], "b": [True, False]})
        write_matlab(frame, tmp_path / "a.mat")
        loaded = loadmat(tmp_path / "a.mat")
        assert loaded["i"].shape == (2, 1)
        assert np.isnan(loaded["i"][1, 0])
        assert [cell.item() if cell.size else "" for cell in loaded["s"][:, 0]] == ["ä", ""]
        assert table(tmp_path / "a.mat").select("f", "s", "b").rows() == [(0.5, "ä", True), (-1.0, "", False)]

    @pytest.mark.parametrize(
        ("rows", "code", "word"),
        [
            (pl.DataFrame({"a b": [1]}), "DA008", "'a b'"),
            (pl.DataFrame({"day": ["2024-02-29"]}).with_columns(pl.col("day").str.to_date()), "DA062", "column 'day'"),
            ({"x": np.array([object()])}, "DA062", "'x'"),
        ],
    )
    def test_refused(self, tmp_path, refused, rows, code, word) -> None:
        with refused(code, word):
            write_matlab(rows, tmp_path / "a.mat")
        assert list(tmp_path.iterdir()) == []

"""What a file says is what is read: dialects, types, missing values; by Polars or exactly, in one block or many."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import numpy as np
import pandas
import polars as pl
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lamina.data.sources import Csv, Tsv
from lamina.data.tables import parsing, scan
from lamina.errors import DataError, DescriptionError

ROWS = {"a": [1, 2, None, 4], "b": [0.5, None, 2.0, 1e300], "c": ["x", "y z", None, 'ä,"'], "d": [1, 2, 3, 2**62]}


def test_types_and_missing_values(read) -> None:
    frame = read('a,b,c,d\n1,0.5,x,1\n2,,y z,2\nNA,2,?,3\n4,1e300,"ä,""\n",4611686018427387904\n')
    assert frame.to_dict(as_series=False) == ROWS
    assert frame.dtypes == [pl.Int64, pl.Float64, pl.String, pl.Int64]


@pytest.mark.parametrize("size", [16, 64, 1000])
def test_types_are_those_of_all_rows(read, small_blocks, size: int) -> None:
    small_blocks(size)
    rows = [f"{i},{i},{i},," for i in range(300)]
    rows[250] = "250,250.5,n/a,,7"
    frame = read("a,b,c,d,e\n" + "\n".join(rows), missing_values=["-"])
    assert frame.dtypes == [pl.Int64, pl.Float64, pl.String, pl.Float64, pl.Int64]
    assert frame["c"].to_list() == ["n/a" if i == 250 else str(i) for i in range(300)]
    assert frame["b"].to_list() == [250.5 if i == 250 else float(i) for i in range(300)]
    assert frame["e"].to_list() == [7 if i == 250 else None for i in range(300)]


def test_text_keeps_its_leading_zeros_even_if_a_number_was_expected(read, small_blocks) -> None:
    small_blocks(32)
    codes = [f"{i:05}" for i in range(100)]
    assert read("zip\n" + "\n".join([*codes, "none"]))["zip"].to_list() == [*codes, "none"]
    assert read("zip,x\n" + "".join(f"{code},1\n" for code in codes), categorical="zip")["zip"].to_list() == codes
    assert read("zip,x\n" + "".join(f"{code},1\n" for code in codes), columns={"zip": {"type": "string"}})["zip"].to_list() == codes


@pytest.mark.parametrize(
    ("content", "given", "expected"),
    [
        ("a;b\n1;2\n", {"delimiter": ";"}, {"a": [1], "b": [2]}),
        ("a\tb\n1\t2\n", {"delimiter": "\t"}, {"a": [1], "b": [2]}),
        ("a||b\n1||x|y\n", {"delimiter": "||"}, {"a": [1], "b": ["x|y"]}),
        ('a||b\n1||"x||y"\n', {"delimiter": "||"}, {"a": [1], "b": ["x||y"]}),
        ("a§b\n1§2\n", {"delimiter": "§"}, {"a": [1], "b": [2]}),
        ("  a \t b\n 1   2\t\n\n3 4\n", {"delimiter": "whitespace"}, {"a": [1, 3], "b": [2, 4]}),
        ("a,b\n'x,y',2\n", {"quote": "'"}, {"a": ["x,y"], "b": [2]}),
        ('a,b\n"x,2\n', {"quote": None}, {"a": ['"x'], "b": [2]}),
        ('a,b\n"x\\"y",2\nc\\,d,3\n', {"escape": "\\"}, {"a": ['x"y', "c,d"], "b": [2, 3]}),
        ("# head\na,b\n1,2\n# 5,6,7\n3,4\n", {"comment": "#"}, {"a": [1, 3], "b": [2, 4]}),
        ('a,b\n"#x",2\n# "\n3,4\n', {"comment": "#"}, {"a": ["#x", "3"], "b": [2, 4]}),
        ("title\nby me\na,b\n1,2\n", {"skip": 2}, {"a": [1], "b": [2]}),
        ("1,2\n3,4\n", {"header": False}, {"column_1": [1, 3], "column_2": [2, 4]}),
        ("1,2\n", {"header": False, "names": ["x", "y"]}, {"x": [1], "y": [2]}),
        ("a,b\n1,2\n", {"names": ["x", "y"]}, {"x": [1], "y": [2]}),
        ("a;b\n1,5;-0,25\n", {"delimiter": ";", "decimal": ","}, {"a": [1.5], "b": [-0.25]}),
        (
            "a;b\n1.234,5;1.000\n7;2.000.000\n",
            {"delimiter": ";", "decimal": ",", "thousands": "."},
            {"a": [1234.5, 7.0], "b": [1000, 2000000]},
        ),
        ("a;b\n1.5;x\n", {"delimiter": ";", "decimal": ","}, {"a": ["1.5"], "b": ["x"]}),
        ('a,b\n"1,234",12\n"1,2",3\n', {"thousands": ","}, {"a": ["1,234", "1,2"], "b": [12, 3]}),
        ("a,b\n1'234,5\n", {"thousands": "'"}, {"a": [1234], "b": [5]}),
        (" a , b \n 1 , x y \n2 , ?\n", {}, {"a": [1, 2], "b": ["x y", None]}),
        ("a,b\n1, x \n", {"trim": False}, {"a": [1], "b": [" x "]}),
        ("a,b\n-,n\n1,none\n", {"missing_values": ["-", "none"]}, {"a": [None, 1], "b": ["n", None]}),
        ("a,b\nNA,x\n1,y\n", {"missing_values": ["-"]}, {"a": ["NA", "1"], "b": ["x", "y"]}),
        ("a,b\nnan,1\n1,2\n", {}, {"a": [None, 1.0], "b": [1, 2]}),
        ("a,b\n\n1,2\n\n\n3,4\n\n", {}, {"a": [1, 3], "b": [2, 4]}),
        ("a\n1\n\n3\n", {}, {"a": [1, 3]}),
        ('a,b\n1,"x\n\ny"\n\n3,z\n', {}, {"a": [1, 3], "b": ["x\n\ny", "z"]}),
        ('a\n"x\n\ny"\n', {}, {"a": ["x\n\ny"]}),
        ('a,b\n5" pipe,1\n6,2\n', {}, {"a": ['5" pipe', "6"], "b": [1, 2]}),
        ("a,b\n1,2", {}, {"a": [1], "b": [2]}),
        ('"a,x","b\ny"\n1,2\n', {}, {"a,x": [1], "b\ny": [2]}),
        ('a,b\n1,"\n"\n2,"x\n"\n', {}, {"a": [1, 2], "b": [None, "x"]}),
        ("a,b\n1,\u00a0x\u2003\n", {}, {"a": [1], "b": ["x"]}),
        ("a,b\n1,\x0bx\n", {}, {"a": [1], "b": ["x"]}),
        (",a\n1,x\n2,y\n", {}, {"": [1, 2], "a": ["x", "y"]}),
        ("^a$,*\n1,x\n,y\n", {}, {"^a$": [1, None], "*": ["x", "y"]}),
        ("^a$,*\n1.5,x\nNaN,y\n", {"trim": False}, {"^a$": [1.5, None], "*": ["x", "y"]}),
        ("true,b\ntrue,2020-01-01\n", {}, {"true": ["true"], "b": ["2020-01-01"]}),
        ("a,b\n99999999999999999999,1\n1,2\n", {}, {"a": [1e20, 1.0], "b": [1, 2]}),
        ("a,b\n+1,1_0\n007,inf\n", {}, {"a": [1, 7], "b": ["1_0", "inf"]}),
    ],
)
def test_dialects(read, content: str, given: dict, expected: dict) -> None:
    assert read(content, **given).to_dict(as_series=False) == expected


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoted", [True, False])
def test_line_ends(read, ends: str, quoted: bool) -> None:
    rows = ["a,b", "1,x", '2,"y"' if quoted else "2,y", "3,z"]
    assert read(ends.join(rows) + ends).to_dict(as_series=False) == {"a": [1, 2, 3], "b": ["x", "y", "z"]}


@pytest.mark.parametrize("quoted", [True, False])
def test_mixed_line_ends(read, quoted: bool) -> None:
    word = '"y"' if quoted else "y"
    assert read(f"a,b\r\n1,x\n2,{word}\r3,z\r\n\r\n4,u\n").to_dict(as_series=False) == {"a": [1, 2, 3, 4], "b": ["x", "y", "z", "u"]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-32", "mac-roman", "shift_jis"])
def test_encodings(read, encoding: str) -> None:
    word = "日本" if encoding == "shift_jis" else "Zürich"
    text = "name,n\n" + f"{word},1\n" * 100
    frame = read(text.encode(encoding), **({} if encoding in ("utf-8", "utf-8-sig") else {"encoding": encoding}))
    assert frame["name"].unique().to_list() == [word]
    assert frame["n"].sum() == 100


def test_compressed_files_archives_and_several_files(tmp_path: Path) -> None:
    (tmp_path / "b10.csv").write_text("x,y\n3,c\n")
    (tmp_path / "b2.csv.gz").write_bytes(gzip.compress(b"y,x\na,1\nb,2.5\n"))
    (tmp_path / "c.csv.zst").write_bytes(zstandard.compress(b"x,y\n,d\n"))
    source = Csv(path=str(tmp_path / "*.csv*"), file_column="file")
    for _ in range(2):
        frame = source.frame().collect()
        assert frame.to_dict(as_series=False) == {
            "x": [1.0, 2.5, 3.0, None],
            "y": ["a", "b", "c", "d"],
            "file": ["b2.csv.gz", "b2.csv.gz", "b10.csv", "c.csv.zst"],
        }
    assert source.frame().filter(pl.col("file") == "b10.csv").select("x").collect()["x"].to_list() == [3.0]
    assert source.frame().select("file").collect().height == 4
    assert source.frame().head(3).collect().height == 3
    assert source.frame().select(pl.len()).collect().item() == 4
    (tmp_path / "d.csv").write_text("x,z\n1,2\n")
    with pytest.raises(DataError, match=r"DA014.*d\.csv(.*\n)*.*without 'y', with 'z'"):
        source.frame()
    with pytest.raises(DataError, match="DA017"):
        Csv(path=str(tmp_path / "b10.csv"), file_column="x").frame()


def test_declared_types_need_no_pass_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b,c\n1,2,x\n3,4.5,y\n")
    kinds = {"a": {"type": "integer"}, "b": {"type": "float"}, "c": {"type": "categorical"}}
    monkeypatch.setattr(scan.Scan, "_look", lambda self: 1 / 0)
    frame = Csv(path=str(path), columns=kinds).frame()
    assert frame.collect().to_dict(as_series=False) == {"a": [1, 3], "b": [2.0, 4.5], "c": ["x", "y"]}
    path.write_text("a,b,c\n1,2,x\nthree,4.5,y\n")
    with pytest.raises(DataError, match=r"DA051.*rows\.csv, line 3, column 'a'(.*\n)*.*'three'"):
        Csv(path=str(path), columns=kinds).frame().collect()


def test_values_of_another_type_are_located(read, small_blocks) -> None:
    small_blocks(64)
    rows = [f'{i},"x\ny",0.5' for i in range(100)]
    rows[70] = '70,"x\ny",half'
    with pytest.raises(DataError, match=r"DA051.*line 143, column 'c'(.*\n)*.*'half'"):
        read("a,b,c\n\n" + "\n".join(rows), columns={"c": {"type": "float"}})
    frame = read("a,b,c\n" + "\n".join(rows), columns={"c": {"type": "float"}}, invalid="drop")
    assert frame["c"].dtype == pl.String


def test_small_tables_are_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n" + "1,2\n" * 1000)
    calls: list[int] = []
    real = parsing.Parser.parse
    monkeypatch.setattr(parsing.Parser, "parse", lambda self, *a, **k: calls.append(1) or real(self, *a, **k))
    frame = Csv(path=str(path)).frame()
    assert frame.collect().height == 1000
    assert len(calls) == 1
    monkeypatch.setattr(scan, "HELD", 100)
    scan._found.clear()
    frame = Csv(path=str(path)).frame()
    assert len(calls) == 2
    assert frame.collect().height == 1000
    assert frame.select("a").sum().collect().item() == 1000
    assert len(calls) == 4


def test_clean_files_are_never_read_the_slow_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing.Parser, "_exactly", lambda *_: 1 / 0)
    path = tmp_path / "rows.csv"
    path.write_text('a,b\n1,"x, y"\n\n2,z\n' * 1 + '3,"u\nv"\n')
    with pytest.raises(ZeroDivisionError):  # An empty line among quoted values is one thing that only reading can tell.
        Csv(path=str(path)).frame().collect()
    path.write_text('a,b\n1,"x, y"\n2,z\n3,"u\nv"\n')
    assert Csv(path=str(path)).frame().collect()["b"].to_list() == ["x, y", "z", "u\nv"]
    path.write_text("a,b\n1,x\n\n2,z\r\n3,NA\n")
    assert Csv(path=str(path)).frame().collect()["a"].to_list() == [1, 2, 3]


def test_tsv(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("a\tb\n1\tx,y\n")
    assert Tsv(path=str(tmp_path / "a.tsv")).frame().collect().rows() == [(1, "x,y")]


@pytest.mark.parametrize(
    "given",
    [
        {"delimiter": ""},
        {"delimiter": "\n"},
        {"quote": "''"},
        {"quote": "«"},
        {"quote": ","},
        {"escape": '"'},
        {"comment": ","},
        {"encoding": "utf-9"},
        {"encoding": "rot13"},
        {"decimal": ";"},
        {"decimal": ",", "thousands": ","},
        {"skip": -1},
        {"thousands": "x"},
    ],
)
def test_dialects_that_cannot_be(given: dict) -> None:
    with pytest.raises(DescriptionError):
        Csv(path="a.csv", **given)


# -- independent readers ----------------------------------------------------------------------------------------------

CELL = st.text(alphabet=["a", "1", ".", "-", ",", '"', "\n", "\r", " ", "#", "é", "0"], max_size=5)
TABLE = st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(CELL, min_size=n, max_size=n), min_size=1, max_size=12))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TABLE, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.sampled_from(["\n", "\r\n"]), st.sampled_from([16, 40, 1 << 20]))
def test_whatever_python_writes_is_read(tmp_path: Path, small_blocks, table, quoting, ends, size) -> None:
    small_blocks(size)
    text = io.StringIO()
    csv.writer(text, quoting=quoting, lineterminator=ends).writerows(table)
    names = [f"c{i}" for i in range(len(table[0]))]
    given_settings = {"header": False, "names": names, "categorical": names, "trim": False, "missing_values": [""]}
    path = tmp_path / "rows.csv"
    path.write_text(text.getvalue(), newline="")
    written = [row for row in csv.reader(io.StringIO(text.getvalue(), newline=""), strict=True) if row]
    source = Csv(path=str(path), **given_settings)
    if not written or {len(row) for row in written} != {len(names)}:  # Python leaves a carriage return bare.
        with pytest.raises(DataError, match="DA032|DA006"):
            source.frame().collect()
        return
    assert [[value or "" for value in row] for row in source.frame().collect().rows()] == written


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1) | st.none(), st.floats(allow_nan=False) | st.none()), min_size=1, max_size=40))
def test_numbers_are_those_of_pandas(tmp_path: Path, small_blocks, rows) -> None:
    small_blocks(64)
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n" + "".join(f"{'NA' if a is None else a},{'' if b is None else repr(b)}\n" for a, b in rows))
    found = Csv(path=str(path)).frame().collect()
    other = pandas.read_csv(path, dtype={"a": "Int64", "b": "float64"})
    assert [None if a is pandas.NA else a for a in other["a"].tolist()] == found["a"].to_list()
    assert np.array_equal(other["b"].to_numpy(), found["b"].cast(pl.Float64).fill_null(np.nan).to_numpy(), equal_nan=True)


REAL = [
    ("adult/adult.data.gz", {"header": False}, {"header": None, "na_values": ["?"], "skipinitialspace": True}),
    ("california-housing/housing.csv.gz", {}, {}),
    ("ett-small/ETTh1.csv.gz", {}, {}),
    ("bank-marketing/bank-full.csv.gz", {"delimiter": ";"}, {"sep": ";"}),
    ("beijing-pm25/*.csv.gz", {}, {}),
]


@pytest.mark.parametrize(("path", "ours", "theirs"), REAL, ids=[path for path, *_ in REAL])
def test_real_files_against_pandas(shared_data: Path, path: str, ours: dict, theirs: dict) -> None:
    found = sorted(shared_data.glob(path))
    if not found:
        pytest.skip(f"no {path}")
    frame = Csv(path=str(found[0]), **ours).frame().collect()
    other = pandas.read_csv(found[0], **theirs)
    assert frame.shape == other.shape
    for name, column in zip(frame.columns, other.columns, strict=True):
        values = other[column]
        if frame[name].dtype == pl.String:
            words = [value.strip() if isinstance(value, str) else None for value in values.tolist()]
            assert frame[name].to_list() == words, name
        else:
            numbers = frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
            assert np.array_equal(numbers, values.to_numpy(float), equal_nan=True), name

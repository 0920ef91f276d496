"""Whatever bytes a file has, it is read, or refused by an error of ours; and both ways of reading say the same.

``LAMINA_FUZZ=10000 pytest tests/data/tables/test_fuzz.py`` looks longer.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lamina.data.sources import Csv, FixedWidth, Json, JsonLines, Lines, RegexLines, Xml, Yaml
from lamina.data.storage import Storage, open_files
from lamina.data.tables.parsing import Parser
from lamina.errors import LaminaError

fuzz = settings(
    max_examples=int(os.environ.get("LAMINA_FUZZ", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
PIECES = rb""", ; " "" 1 -2.5 NA a # { } [ ] : "a" null true 1e999 <a> </a> <b &amp; &x; - *x &x ^a$ *""".split(b" ")
PIECES += [b"\n", b"\r", b"\r\n", b"\n\n", b" ", b"\t", b"\xc3\xa9", b"\xff", b"\0", b"\xef\xbb\xbf", b"x='1'/>"]
TEXT = st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)
VALID = [
    b'a,b,c\n1,"x, y",2.5\n2,z,\n3,"u\nv",NA\n',
    b'{"a": 1, "b": {"c": [1, 2]}}\n{"a": 2.5, "b": null}\n',
    b"<r><x a='1'>t</x><x/></r>",
    b"- {a: 1, b: x}\n- {a: 2}\n",
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Valid content with some bytes changed, left out or put in."""
    data = bytearray(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(data)))
        piece = draw(st.sampled_from([*PIECES, b""]))
        data[place : place + draw(st.integers(0, 2))] = piece
    return bytes(data)


CONTENT = TEXT | damaged() | st.binary(max_size=60)
DIALECTS = st.fixed_dictionaries(
    {},
    optional={
        "delimiter": st.sampled_from([";", "\t", "whitespace", "||", "a"]),
        "quote": st.sampled_from([None, "'"]),
        "escape": st.just("\\"),
        "comment": st.just("#"),
        "header": st.booleans(),
        "skip": st.integers(0, 2),
        "encoding": st.sampled_from(["latin-1", "utf-16", "utf-8-sig", "cp1252"]),
        "trim": st.booleans(),
        "decimal": st.just(","),
        "thousands": st.just("'"),
        "missing_values": st.just(["a"]),
        "max_line": st.sampled_from([8, 30]),
        "columns": st.just({"a": {"type": "integer"}, "b": {"type": "float"}}),
    },
)


def check_place(error: LaminaError, path: Path) -> None:
    assert all(problem.where.startswith(str(path)) for problem in error.problems)


@fuzz
@given(CONTENT, DIALECTS, st.sampled_from([7, 40, 1 << 20]))
def test_delimited(tmp_path: Path, small_blocks, content: bytes, dialect: dict, size: int) -> None:
    marks = [dialect.get(name, other) for name, other in (("delimiter", ","), ("quote", '"'), ("escape", None), ("comment", None))]
    assume(len({mark for mark in marks if mark}) == len([mark for mark in marks if mark]))
    small_blocks(size)
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    source = Csv(path=str(path), **dialect)
    try:
        first = source.frame().collect()
    except LaminaError as error:
        check_place(error, path)
        return
    assert source.frame().collect().equals(first)


@fuzz
@given(TEXT | damaged(), st.sampled_from([7, 40]))
def test_both_ways_of_parsing_agree(tmp_path: Path, small_blocks, content: bytes, size: int) -> None:
    """What Polars makes of a block, after the checks, is what reading it value by value makes of it."""
    small_blocks(size)
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    source = Csv(path=str(path), header=False, categorical=[f"column_{i}" for i in range(1, 60)])
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for exactly in (False, True):
            if exactly:
                patch.setattr(Parser, "_by_polars", lambda *_, **__: None)
            try:
                found.append(source.replace(storage=Storage(max_ratio=250.0 + exactly)).frame().collect())
            except LaminaError as error:
                found.append((error.code, error.problems[0].where))
    fast, exact = found
    assert fast.equals(exact) if isinstance(fast, pl.DataFrame) and isinstance(exact, pl.DataFrame) else fast == exact


@fuzz
@given(CONTENT, st.sampled_from([7, 1 << 20]))
def test_lines_and_records(tmp_path: Path, small_blocks, content: bytes, size: int) -> None:
    small_blocks(size)
    path = tmp_path / "rows.txt"
    path.write_bytes(content)
    given_path = str(path)
    for source in (
        Lines(path=given_path),
        FixedWidth(path=given_path, widths=[2, 3]),
        RegexLines(path=given_path, pattern=r"(\w*),?(.*)"),
        JsonLines(path=given_path),
        JsonLines(path=given_path, fields={"a": "a", "c": "b.c[0]"}),
        Json(path=given_path),
        Yaml(path=given_path),
        Xml(path=given_path),
    ):
        try:
            source.frame().collect()
        except LaminaError as error:
            check_place(error, path)


def packed(kind: str, content: bytes) -> bytes:
    if kind == ".zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a/rows.csv", content)
            archive.writestr("b.csv", content)
        return buffer.getvalue()
    if kind == ".tar":
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name in ("a/rows.csv", "b.csv"):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return buffer.getvalue()
    return {".gz": gzip.compress, ".zst": zstandard.compress, ".bz2": bz2.compress, ".xz": lzma.compress}[kind](content)


@fuzz
@given(
    st.sampled_from([".gz", ".zst", ".bz2", ".xz", ".zip", ".tar"]),
    st.binary(max_size=40),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4),
    st.floats(0, 1),
)
def test_packed_files(tmp_path: Path, kind: str, content: bytes, changes, share: float) -> None:
    data = bytearray(packed(kind, content))
    for place, value in changes:
        data[int(place * (len(data) - 1))] = value
    path = tmp_path / f"rows.csv{kind}" if kind not in (".zip", ".tar") else tmp_path / f"rows{kind}"
    path.write_bytes(data if share > 0.5 else data[: int(len(data) * share * 2)])
    try:
        for file in open_files(path):
            file.read()
            file.local()
    except LaminaError as error:
        check_place(error, path)

"""Files that are no tables: the line is named, nothing is guessed, and memory stays bounded."""

from __future__ import annotations

import gzip
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lamina.data.sources import Csv
from lamina.data.tables import blocks, scan
from lamina.errors import DataError

COUNT = 3000
HEAD = b"a,b,c\n"
ROWS = [f'{i},"x, {i}",{i / 2}\n'.encode() for i in range(COUNT)]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file has many blocks, so that lines are counted over them."""
    monkeypatch.setattr(blocks.blocks, "__kwdefaults__", {**blocks.blocks.__kwdefaults__, "size": 4096})
    monkeypatch.setenv("LAMINA_CACHE", str(tmp_path / "cache"))
    scan._found.clear()


@pytest.fixture
def refusal(tmp_path: Path) -> Callable[..., Any]:
    """What is said of a file with this content, however it is packed."""

    def call(content: bytes, name: str = "rows.csv", **settings: Any) -> Any:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(DataError) as caught:
            Csv(path=str(path), **settings).frame().collect()
        (problem,) = caught.value.problems
        assert name in problem.where
        assert all((problem.expected, problem.got, problem.cause, problem.fix))
        packed = tmp_path / f"{name}.gz"
        packed.write_bytes(gzip.compress(content))
        with pytest.raises(DataError) as again:
            Csv(path=str(packed), **settings).frame().collect()
        assert again.value.code == caught.value.code
        assert again.value.problems[0].got == problem.got
        return problem

    return call


def replaced(place: int, line: bytes) -> bytes:
    return HEAD + b"".join([*ROWS[:place], line, *ROWS[place + 1 :]])


@pytest.mark.parametrize("place", [0, 1, 1500, COUNT - 1])
@pytest.mark.parametrize(
    ("line", "code", "got"),
    [
        (b"1,2\n", "DA032", "2"),
        (b"1,2,3,4\n", "DA032", "4"),
        (b'1,"2,x",3,\n', "DA032", "4"),
        (b'1,"2,x"\n', "DA032", "2"),
        (b"1\n", "DA032", "1"),
        (b'1,"x"y,3\n', "DA032", "closing quote"),
        (b"1,\xff,3\n", "DA032", "0xff"),
        (b"1,2,\xc3\n", "DA032", "0xc3"),
        (b"1,a\0b,3\n", "DA032", "zero byte"),
        (b"1,2,\0\n", "DA032", "zero byte"),
    ],
    ids=range(10),
)
def test_one_bad_row(refusal: Callable[..., Any], place: int, line: bytes, code: str, got: str) -> None:
    problem = refusal(replaced(place, line))
    assert problem.code == code
    assert f"line {place + 2:,}" in problem.where
    assert got in problem.got


@pytest.mark.parametrize("place", [0, 1500, COUNT - 1])
def test_a_quote_that_is_never_closed_does_not_swallow_the_file(refusal: Callable[..., Any], place: int) -> None:
    for plain in (False, True):
        rows = [row.replace(b'"', b"").replace(b", ", b"") for row in ROWS] if plain else ROWS
        content = HEAD + b"".join([*rows[:place], b'1,"open,3\n', *rows[place + 1 :]])
        problem = refusal(content)
        assert problem.code == "DA032"
        assert f"line {place + 2:,}" in problem.where
        assert "quote" in problem.got
    assert "line 1" in refusal(b'a,"b,c\n' + b"".join(ROWS)).where


def test_a_number_that_is_none(refusal: Callable[..., Any]) -> None:
    problem = refusal(replaced(2500, b'tall,"x",1\n'), columns={"a": {"type": "integer"}})
    assert (problem.code, problem.got) == ("DA051", "'tall'")
    assert "line 2,502, column 'a'" in problem.where


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", "DA006", "none"),
        (b"\n\n\n", "DA006", "none"),
        (b"\xef\xbb\xbf", "DA006", "none"),
        (b"a,b\n", "DA006", "the header alone"),
        (b"a,b", "DA006", "the header alone"),
        (b"a,b,a\n1,2,3\n", "DA017", "'a' twice"),
        (b",,\n1,2,3\n", "DA017", "'' twice"),
        ("a,b\n1,ä\n".encode("utf-16"), "DA032", "UTF-16"),
        ("a,b\n1,ä\n".encode("latin-1"), "DA032", "0xe4"),
        (b"\x00\x01\x02\n\x03", "DA032", "zero byte"),
    ],
    ids=range(10),
)
def test_files_that_are_no_tables(refusal: Callable[..., Any], content: bytes, code: str, said: str) -> None:
    problem = refusal(content)
    assert problem.code == code
    assert said in problem.got


def test_a_hundred_thousand_columns(refusal: Callable[..., Any], tmp_path: Path) -> None:
    content = b",".join(b"c%d" % i for i in range(100_000)) + b"\n" + b",".join([b"1"] * 100_000) + b"\n"
    problem = refusal(content)
    assert (problem.code, problem.got) == ("DA052", "100,000")
    wide = b",".join(b"c%d" % i for i in range(12_000)) + b"\n" + b",".join([b"1"] * 12_000) + b"\n"
    (tmp_path / "rows.csv").write_bytes(wide)
    frame = Csv(path=str(tmp_path / "rows.csv"), max_columns=12_000).frame().collect()
    assert frame.shape == (1, 12_000)


@pytest.mark.parametrize(
    "content", [b"x" * 3_000_000, b"a,b\n" + b"x" * 3_000_000, b'a,b\n"' + b"x\n" * 1_500_000], ids=["first", "row", "quoted"]
)
def test_a_line_without_an_end(refusal: Callable[..., Any], content: bytes) -> None:
    tracemalloc.start()
    problem = refusal(content, max_line=1 << 20)
    assert tracemalloc.get_traced_memory()[1] < 40 << 20
    tracemalloc.stop()
    assert problem.code == ("DA032" if b'"' in content else "DA050")
    assert f"line {2 if content.startswith(b'a') else 1}" in problem.where


def test_a_file_that_is_cut_off(tmp_path: Path) -> None:
    whole = gzip.compress(HEAD + b"".join(ROWS))
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"DA047.*rows\.csv\.gz, byte"):
        Csv(path=str(path)).frame()


def test_a_bomb(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", b"a,b\n" + b"0,0\n" * (20 << 20))
    with pytest.raises(DataError, match="DA046"):
        Csv(path=str(tmp_path / "bomb.zip")).frame()
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as archive:
        archive.writestr("../rows.csv", b"a,b\n1,2\n")
    with pytest.raises(DataError, match="DA045"):
        Csv(path=str(tmp_path / "out.zip")).frame()


def test_a_file_that_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(HEAD + b"".join(ROWS))
    monkeypatch.setattr(scan, "HELD", 0)
    frame = Csv(path=str(path)).frame()
    assert frame.collect().height == COUNT
    with path.open("ab") as more:
        more.write(b"1,2,3\n")
    with pytest.raises(DataError, match=r"DA043.*rows\.csv"):
        frame.collect()
    assert Csv(path=str(path)).frame().collect().height == COUNT + 1
    real, calls = blocks.count, []

    def meanwhile(data: bytes, byte: int) -> int:
        calls.append(1)
        if len(calls) == 1:
            path.write_bytes(HEAD + b"".join(ROWS[:-1]))
        return real(data, byte)

    monkeypatch.setattr(blocks, "count", meanwhile)
    with pytest.raises(DataError, match="DA043"):
        Csv(path=str(path)).frame().collect()


def test_files_of_several_kinds_name_the_one(tmp_path: Path) -> None:
    (tmp_path / "a1.csv").write_bytes(HEAD + b"".join(ROWS[:10]))
    (tmp_path / "a2.csv").write_bytes(HEAD + b"".join(ROWS[:5]) + b"1,2\n")
    with pytest.raises(DataError, match=r"DA032.*a2\.csv, line 7"):
        Csv(path=str(tmp_path)).frame()
    (tmp_path / "a2.csv").write_bytes(b"")
    with pytest.raises(DataError, match=r"DA006.*a2\.csv"):
        Csv(path=str(tmp_path)).frame()

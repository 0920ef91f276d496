"""Lines cut into rows, and rows into sequences; what can't be one is named with file and line."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data.sequences.rows import RowFormat, Rows, read_sequences
from lamina.data.storage import open_files
from lamina.errors import DataError, DescriptionError


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Reads files of these contents: ``a.csv``, ``b.csv`` ..."""
    monkeypatch.chdir(tmp_path)

    def reads(*texts: str | bytes, **how: Any) -> tuple[tuple[str, ...], list[Rows]]:
        for letter, text in zip("abcdef", texts, strict=False):
            (tmp_path / f"{letter}.csv").write_bytes(text.encode() if isinstance(text, str) else text)
        return read_sequences(open_files("*.csv"), RowFormat(**how))

    return reads


def cells(sequences: list[Rows]) -> list[list[list[str]]]:
    return [rows.values for rows in sequences]


def test_one_file_is_one_sequence(read) -> None:
    names, found = read("x,y\n1,2\n3,4\n", "x,y\r\n5, 6 \r\n")
    assert names == ("x", "y")
    assert cells(found) == [[["1", "2"], ["3", "4"]], [["5", "6"]]]
    assert (found[0].where(1), found[1].where(0)) == ("a.csv:3", "b.csv:2")


def test_columns_without_a_header_have_numbers_or_given_names(read) -> None:
    assert read("1 2\n3   4 \n", header=False, delimiter="whitespace")[0] == ("column_1", "column_2")
    assert read("1;2\n", header=False, delimiter=";", names=["a", "b"])[0] == ("a", "b")


def test_what_is_left_out(read) -> None:
    _, found = read("made by me\n# one\nx\n\n1\n# two\n\n2\n\n", skip=1, comment="#")
    assert cells(found) == [[["1"], ["2"]]]
    assert found[0].lines == [5, 8]


def test_always_as_many_lines(read) -> None:
    _, found = read("1\n2\n3\n4\n", header=False, each="lines", count=2)
    assert cells(found) == [[["1"], ["2"]], [["3"], ["4"]]]
    with pytest.raises(DataError, match=r"\[DA153\] a.csv:5(.|\n)*1 rows after 2 sequences of 2"):
        read("1\n2\n3\n4\n5\n", header=False, each="lines", count=2)


def test_blank_lines_and_markers_between(read) -> None:
    _, found = read("a\tX\nb\tY\n\n\nc\tX\n", header=False, each="blank", delimiter="\t")
    assert cells(found) == [[["a", "X"], ["b", "Y"]], [["c", "X"]]]
    assert [rows.name for rows in found] == ["a.csv", "a.csv, sequence 2"]
    _, found = read("--- 1\na\n--- 2\nb\n\nc\n", header=False, each="marker", marker="^---")
    assert cells(found) == [[["a"]], [["b"], ["c"]]]


def test_a_key_may_be_anywhere_in_a_file(read) -> None:
    names, found = read("id,run,x\n1,1,5\n2,1,6\n1,1,7\n1,2,8\n", each="key", key=["id", "run"])
    assert names == ("id", "run", "x")
    assert [[row[2] for row in rows.values] for rows in found] == [["5", "7"], ["6"], ["8"]]
    assert found[0].name == "a.csv, id 1, run 1"
    assert found[0].where(1) == "a.csv:4"
    with pytest.raises(DataError, match=r"\[DA014\](.|\n)*did you mean 'run'"):
        read("id,run,x\n1,1,5\n", each="key", key="ruN")
    with pytest.raises(DataError, match=r"\[DA153\] b.csv:2(.|\n)*id 1(.|\n)*a.csv"):
        read("id,x\n1,5\n", "id,x\n1,6\n", each="key", key="id")


def test_each_row_is_a_sequence(read) -> None:
    names, found = read("1,2,3\n4\n", each="row")
    assert names == ("value",)
    assert cells(found) == [[["1"], ["2"], ["3"]], [["4"]]]
    assert found[1].where(0) == "a.csv:2"


def test_windows(read) -> None:
    text = "1\n2\n3\n4\n5\n"

    def windows(**how: Any) -> list[str]:
        return ["".join(row[0] for row in rows.values) for rows in read(text, header=False, each="window", **how)[1]]

    assert windows(count=3) == ["123", "234", "345"]
    assert windows(count=3, stride=2) == ["123", "345"]
    # As DataVec's variable sliding window: it grows from one row, and shrinks to one again.
    assert windows(count=3, partial=True) == ["1", "12", "123", "234", "345", "45", "5"]
    assert windows(count=9, partial=True)[4] == "12345"


def test_a_pattern_for_lines(read) -> None:
    how = {"line": r"(?P<time>\d+) \[(\w+)\] (?P<text>.*)"}
    names, found = read("12 [INFO] it begins\n13 [WARN] it, ends\n", **how)
    assert names == ("time", "column_2", "text")
    assert cells(found) == [[["12", "INFO", "it begins"], ["13", "WARN", "it, ends"]]]
    with pytest.raises(DataError, match=r"\[DA153\] a.csv:2"):
        read("12 [INFO] it begins\nat once\n", **how)


def test_quotes(read) -> None:
    assert cells(read('a,"b,c"\n"d ""e""",f\n', header=False)[1]) == [[["a", "b,c"], ['d "e"', "f"]]]
    assert cells(read('a\t"\n"\tb\n', header=False, delimiter="\t", quote=None)[1]) == [[["a", '"'], ['"', "b"]]]
    with pytest.raises(DataError, match=r"\[DA153\] a.csv:2(.|\n)*quote: null"):
        read('a,b\n"c,d\ne",f\n', header=False)


@pytest.mark.parametrize(
    ("texts", "how", "where", "said"),
    [
        (["x,y\n1,2\n3\n"], {}, "a.csv:3", "2 values"),
        (["x,y\n1,2\n", "x,z\n1,2\n"], {}, "b.csv:1", "columns x, y, as in a.csv"),
        (["x,y\n1,2\n", ""], {}, "b.csv", "at least one row"),
        (["x,y\n"], {}, "a.csv", "at least one row"),
        (["\n\n"], {"each": "blank", "header": False}, "a.csv", "at least one row"),
        (["x,x\n1,2\n"], {}, "a.csv:1", "'x' 2 times"),
        ([b"x,y\n1,\xff\n"], {}, "a.csv:2", "0xff at column 3"),
    ],
)
def test_what_can_not_be_a_row_is_named(read, texts: list[Any], how: dict[str, Any], where: str, said: str) -> None:
    with pytest.raises(DataError) as raised:
        read(*texts, **how)
    assert raised.value.code == "DA153"
    assert raised.value.problems[0].where == where
    assert said in str(raised.value)


def test_a_line_without_an_end_does_not_fill_the_memory(read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamina.data.sequences.rows.MOST_LINE", 100)
    with pytest.raises(DataError, match=r"\[DA153\] a.csv:2(.|\n)*at most 100 bytes"):
        read("x\n" + "1" * 1000 + "\n")
    assert len(read("x\n" + "1" * 99 + "\n")[1]) == 1


def test_a_hundred_thousand_columns(read) -> None:
    wide = ",".join(f"c{i}" for i in range(100_000))
    assert len(read(wide + "\n" + wide + "\n")[0]) == 100_000
    with pytest.raises(DataError, match="100,001"):
        read(wide + ",x\n")


def test_old_line_ends_and_marks_of_the_order_of_bytes(read) -> None:
    assert cells(read(b"\xef\xbb\xbfx\r1\r2\r")[1]) == [[["1"], ["2"]]]


@pytest.mark.parametrize(
    "how",
    [
        {"each": "lines"},
        {"count": 3},
        {"each": "marker"},
        {"each": "key"},
        {"key": "id"},
        {"delimiter": ""},
        {"quote": "''"},
        {"line": "("},
        {"line": "no groups"},
        {"each": "marker", "marker": "["},
    ],
)
def test_formats_that_can_not_be(how: dict[str, Any]) -> None:
    with pytest.raises(DescriptionError):
        RowFormat(**how)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=8)


class Memory:
    name = "it"

    def __init__(self, data: bytes) -> None:
        self.data = data

    def open(self) -> io.BytesIO:
        return io.BytesIO(self.data)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(TEXT, min_size=2, max_size=2), min_size=1, max_size=5))
def test_what_a_writer_of_csv_writes_is_read(rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    # Quotes at both ends, so no line is blank; blanks around values are no part of them.
    _, found = read_sequences([Memory(text.getvalue().encode())], RowFormat(header=False))  # type: ignore[list-item]
    assert cells(found) == [[[value.strip() for value in row] for row in rows]]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["file", "blank", "row", "lines", "window", "key"]), st.booleans())
def test_no_bytes_do_more_than_raise_our_error(data: bytes, each: Any, header: bool) -> None:
    more: dict[str, Any] = {"lines": {"count": 2}, "window": {"count": 2}, "key": {"key": "column_1"}}.get(each, {})
    try:
        _, found = read_sequences([Memory(data)], RowFormat(each=each, header=header, **more))  # type: ignore[list-item]
    except DataError as error:
        code = error.code
    else:
        code = "" if all(len(rows) for rows in found) else "empty"
    assert code in ("", "DA153", "DA014")

"""Lines as they are, cut at places, cut by patterns; against what Python and pandas make of them."""

from __future__ import annotations

from pathlib import Path

import pandas
import polars as pl
import pytest

from lamina.data.sources import FixedWidth, Lines, RegexLines
from lamina.errors import DataError, DescriptionError, LaminaWarning


def write(folder: Path, content: str | bytes, name: str = "rows.txt") -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def rows(source) -> dict:
    first = source.frame().collect()
    assert source.frame().collect().equals(first)
    return first.to_dict(as_series=False)


@pytest.mark.parametrize("size", [8, 1 << 20])
def test_lines_are_taken_as_they_are(tmp_path: Path, small_blocks, size: int) -> None:
    small_blocks(size)
    path = write(tmp_path, ' one, "two\n\n\tNA\r\n12\nfünf')
    assert rows(Lines(path=path)) == {"line": [' one, "two', None, "\tNA", "12", "fünf"]}
    assert rows(Lines(path=path, column="text", trim=True, missing_values=["NA"])) == {"text": ['one, "two', None, None, "12", "fünf"]}
    assert rows(Lines(path=path, comment="1", skip=1)) == {"line": [None, "\tNA", "fünf"]}
    numbers = write(tmp_path, "1\n2\n\n", "numbers.txt")
    assert rows(Lines(path=numbers)) == {"line": [1, 2, None]}
    assert rows(Lines(path=numbers, text="line")) == {"line": ["1", "2", None]}


def test_a_real_text(shared_data: Path) -> None:
    path = shared_data / "tinyshakespeare" / "input.txt"
    if not path.is_file():
        pytest.skip("no tinyshakespeare")
    found = Lines(path=str(path), text="line").frame().collect()["line"].to_list()
    assert [line or "" for line in found] == path.read_text().split("\n")[:-1]


@pytest.mark.parametrize("bad", [b"\xff", b"a\0b"])
def test_lines_that_are_no_text(tmp_path: Path, small_blocks, bad: bytes) -> None:
    small_blocks(16)
    path = write(tmp_path, b"line\n" * 20 + b"xy" + bad + b"\nline\n")
    with pytest.raises(DataError, match=r"DA032.*rows\.txt, line 21(.*\n)*.*letter [34] of the line"):
        Lines(path=path).frame()


def test_fixed_width_against_pandas(tmp_path: Path, small_blocks) -> None:
    small_blocks(64)
    text = "".join(f"{i:4d}{word:<6}{i / 4:7.2f}\n" for i, word in enumerate(["ab", "c d", "éé", ""] * 10))
    path = write(tmp_path, "head\n" + text.replace("\n", "\n\n", 1))
    found = FixedWidth(path=path, widths=[4, 6, 7], names=["n", "word", "x"], skip=1).frame().collect()
    other = pandas.read_fwf(path, widths=[4, 6, 7], names=["n", "word", "x"], skiprows=1)
    assert found["n"].to_list() == other["n"].tolist()
    assert found["x"].to_list() == other["x"].tolist()
    assert found["word"].to_list() == [None if word != word else word for word in other["word"]]
    assert found.dtypes == [pl.Int64, pl.String, pl.Float64]


def test_lines_of_another_width(tmp_path: Path) -> None:
    for line in ("  1", "  1 abcde"):
        path = write(tmp_path, f"  1abcd\n\n  2ef\n{line}\n")
        with pytest.raises(DataError, match=r"DA032.*line 4(.*\n)*.*7 letters"):
            FixedWidth(path=path, widths=[3, 4]).frame()
    path = write(tmp_path, "  1\n  2ef  \n")
    assert rows(FixedWidth(path=path, widths=[3, 4], pad=True)) == {"column_1": [1, 2], "column_2": [None, "ef"]}


LOG = "2024-01-01 INFO  start (12 ms)\n2024-01-02 WARN  slow (907 ms)\n\n# x\n2024-01-03 INFO  end (n/a ms)\n"
PATTERN = r"(?P<day>\S+) (?P<level>[A-Z]+) +(?P<what>\w+) \((?P<ms>.*?) ms\)"


@pytest.mark.parametrize("pattern", [PATTERN, PATTERN.replace(r"(?P<ms>", r"(?!x)(?P<ms>")], ids=["polars", "python"])
def test_groups_are_columns(tmp_path: Path, pattern: str) -> None:
    path = write(tmp_path, LOG)
    found = rows(RegexLines(path=path, pattern=pattern, comment="#", missing_values=["n/a"]))
    assert found == {
        "day": ["2024-01-01", "2024-01-02", "2024-01-03"],
        "level": ["INFO", "WARN", "INFO"],
        "what": ["start", "slow", "end"],
        "ms": [12, 907, None],
    }
    with pytest.raises(DataError, match=r"DA032.*line 4(.*\n)*.*'# x'"):
        RegexLines(path=path, pattern=pattern).frame()
    with pytest.warns(LaminaWarning, match=r"\[DA053\].*1 lines"):
        assert RegexLines(path=path, pattern=pattern, other="drop").frame().collect().height == 3
    with pytest.raises(DataError, match=r"DA051.*line 5, column 'ms'"):
        RegexLines(path=path, pattern=pattern, comment="#", columns={"ms": {"type": "integer"}}).frame()


def test_a_pattern_must_fit_the_whole_line(tmp_path: Path) -> None:
    path = write(tmp_path, "ab 12\nab 12 more\n")
    with pytest.raises(DataError, match="line 2"):
        RegexLines(path=path, pattern=r"(\w+) (\d+)").frame()
    assert rows(RegexLines(path=path, pattern=r"(\w+) (\d+)(| more)", names=["w", "n", "m"])) == {
        "w": ["ab", "ab"],
        "n": [12, 12],
        "m": [None, "more"],
    }


@pytest.mark.parametrize(
    ("source", "given"),
    [
        (RegexLines, {"pattern": "("}),
        (RegexLines, {"pattern": "abc"}),
        (RegexLines, {"pattern": "(a)(b)", "names": ["x"]}),
        (RegexLines, {"pattern": "(a)(b)", "names": ["x", "x"]}),
        (FixedWidth, {"widths": [0]}),
        (FixedWidth, {"widths": [1, 2], "names": ["x"]}),
    ],
)
def test_what_cannot_be(source, given) -> None:
    with pytest.raises(DescriptionError):
        source(path="a", **given)

"""What is written reads back, by us and by others; whole or not at all."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas
import polars as pl
import pyarrow.feather
import pyarrow.parquet
import pytest

import lamina.files
from lamina.data.sources import Csv, JsonLines, Tsv
from lamina.data.tables.writing import WRITERS, write_table, writer_for
from lamina.errors import DataError

FRAME = pl.DataFrame(
    {
        "n": [1, None, 2**62],
        "x": [0.1, 1e300, None],
        "s": ['a,"b"\n', "\t", "é"],
        "b": [True, None, False],
        "t": [dt.datetime(2024, 2, 29, 12, 30, 0, 5, tzinfo=dt.UTC), None, dt.datetime(1969, 1, 1, tzinfo=dt.UTC)],
        "d": [dt.date(2024, 2, 29), None, dt.date(1, 1, 1)],
    }
)


@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".csv.zst", ".tsv", ".tsv.gz"])
def test_delimited(tmp_path: Path, ending: str, lazy: bool) -> None:
    path = tmp_path / f"rows{ending}"
    write_table(FRAME.lazy() if lazy else FRAME, path)
    source = (Csv if "csv" in ending else Tsv)(path=str(path), trim=False)
    found = source.frame().collect()
    assert found["n"].to_list() == FRAME["n"].to_list()
    assert found["x"].to_list() == FRAME["x"].to_list()
    assert found["s"].to_list() == FRAME["s"].to_list()
    assert found["b"].to_list() == ["true", None, "false"]
    assert [None if text is None else dt.datetime.fromisoformat(text) for text in found["t"]] == FRAME["t"].to_list()
    assert [None if text is None else dt.date.fromisoformat(text) for text in found["d"]] == FRAME["d"].to_list()
    if ending == ".csv":
        other = pandas.read_csv(path)
        assert other["x"].tolist()[:2] == [0.1, 1e300]
        assert other["s"].tolist() == FRAME["s"].to_list()


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    frame = FRAME.with_columns(l=pl.Series([[1.0, 2.0], [], None]))
    write_table(frame, path)
    found = JsonLines(path=str(path)).frame().collect()
    assert found.select("n", "x", "s", "b", "l").equals(frame.select("n", "x", "s", "b", "l"))
    write_table(pl.DataFrame({"x": [float("nan")]}), tmp_path / "nan.jsonl")
    assert json.loads((tmp_path / "nan.jsonl").read_text()) == {"x": None}
    with pytest.raises(DataError, match=r"DA093.*column 'x'"):
        write_table(pl.DataFrame({"x": [1.0, float("inf")]}).lazy(), tmp_path / "inf.jsonl")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["nan.jsonl", "rows.jsonl.gz"]


def test_binary_tables(tmp_path: Path) -> None:
    frame = FRAME.with_columns(l=pl.Series([[1.0], [], None]), y=pl.Series([b"\0", None, b""]))
    for ending, read in ((".parquet", pl.read_parquet), (".arrow", pl.read_ipc), (".feather", pl.read_ipc)):
        write_table(frame.lazy(), tmp_path / f"rows{ending}")
        assert read(tmp_path / f"rows{ending}").equals(frame)
    assert pyarrow.parquet.read_table(tmp_path / "rows.parquet").column("n").to_pylist() == FRAME["n"].to_list()
    assert pyarrow.feather.read_table(tmp_path / "rows.feather").column("s").to_pylist() == FRAME["s"].to_list()


def test_other_libraries_and_svmlight(tmp_path: Path) -> None:
    write_table(pandas.DataFrame({"a": [1, 2], "b": ["x", None]}), tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text() == "a,b\n1,x\n2,\n"
    write_table(pl.DataFrame({"label": [1, 0], "x": [0.5, 2.0]}), tmp_path / "rows.svm")
    assert (tmp_path / "rows.svm").read_text() == "1 1:0.5\n0 1:2\n"


@pytest.mark.parametrize("ending", sorted(WRITERS))
def test_every_writer_is_there(ending: str) -> None:
    assert callable(writer_for(f"rows{ending}"))


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("rows.cvs", "DA090", "did you mean '.csv'?"),
        ("rows", "DA090", "no ending"),
        ("rows.gz", "DA090", ""),
        ("rows.parquet.gz", "DA090", ""),
        ("no/rows.csv", "DA093", "No such file"),
        ("folder.csv", "DA093", "folder"),
    ],
)
def test_what_cannot_be_written(tmp_path: Path, name: str, code: str, said: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=code) as caught:
        write_table(FRAME, tmp_path / name)
    assert said in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder.csv"]


def test_columns_that_a_file_cannot_hold(tmp_path: Path) -> None:
    for column in (pl.Series([[1.0]]), pl.Series([b"x"])):
        with pytest.raises(DataError, match="DA093"):
            write_table(pl.DataFrame({"a": column}), tmp_path / "rows.csv")
    with pytest.raises(DataError, match="DA093"):
        write_table(pl.DataFrame({"a": [b"x"]}), tmp_path / "rows.jsonl")
    with pytest.raises(DataError, match="DA005"):
        write_table([1, 2], tmp_path / "rows.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet", ".arrow"])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    path = tmp_path / f"rows{ending}"
    path.write_text("old")

    class Full:
        def __init__(self, handle: int, *_: object) -> None:
            os.close(handle)

        def __enter__(self):
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def write(self, data: bytes) -> int:
            raise OSError(28, "No space left on device")

        def flush(self) -> None:
            pass

        def writable(self) -> bool:
            return True

    monkeypatch.setattr(lamina.files.os, "fdopen", Full)
    with pytest.raises(DataError, match="DA093(.*\n)*.*No space left"):
        write_table(FRAME, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_while_rows_are_read_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\nx,3\n")
    lazy = Csv(path=str(tmp_path / "rows.csv"), columns={"a": {"type": "integer"}, "b": {"type": "integer"}}).frame()
    for name in ("out.csv", "out.parquet", "out.jsonl"):
        with pytest.raises(DataError, match=r"DA051.*line 3, column 'a'"):
            write_table(lazy, tmp_path / name)
    assert [entry.name for entry in tmp_path.iterdir()] == ["rows.csv"]


STREAM = """
import sys
from pathlib import Path
import polars as pl
from lamina.data.sources import Csv
from lamina.data.tables.writing import write_table
lazy = Csv(path=sys.argv[1], columns={name: {"type": "float"} for name in "abcd"}).frame().with_columns(e=pl.col("a") * 2)
write_table(lazy, sys.argv[2])
# Not ru_maxrss: a process begins with that of the one which started it.
print(int(next(line for line in Path('/proc/self/status').read_text().splitlines() if line.startswith('VmHWM')).split()[1]) // 1024)
"""


@pytest.mark.slow
def test_files_larger_than_memory_are_streamed(tmp_path: Path) -> None:
    """400 MB of text, which are 320 MB as numbers, within far less than both."""
    block = "".join(f"{i}.123456,{i * 7}.5,{i % 97}.25,0.{i:06}\n" for i in range(100_000)).encode()
    with (tmp_path / "big.csv").open("wb") as file:
        file.write(b"a,b,c,d\n")
        for _ in range(120):
            file.write(block)
    words = [sys.executable, "-c", STREAM, str(tmp_path / "big.csv"), str(tmp_path / "big.parquet")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 450
    assert pl.scan_parquet(tmp_path / "big.parquet").select(pl.len()).collect().item() == 12_000_000

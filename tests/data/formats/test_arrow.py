"""Arrow IPC files and streams against pyarrow."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lamina.data.formats.arrow import read_arrow
from lamina.data.storage import open_files
from lamina.errors import LaminaError

KINDS = {"file": pa.ipc.new_file, "stream": pa.ipc.new_stream}


def write(path, table: pa.Table, kind: str, rows: int | None = None) -> None:
    with KINDS[kind](path, table.schema) as writer:
        writer.write_table(table, rows)


@pytest.mark.parametrize("kind", KINDS)
@given(
    rows=st.lists(
        st.tuples(st.none() | st.integers(-(2**31), 2**31 - 1), st.none() | st.floats(width=32), st.none() | st.text()), max_size=20
    ),
    pieces=st.integers(1, 7),
)
@settings(max_examples=30, deadline=None)
def test_pyarrow_round_trip(tmp_path_factory, kind, rows, pieces) -> None:
    path = tmp_path_factory.mktemp("a") / "a.arrow"
    frame = pl.DataFrame(rows, schema={"i": pl.Int32, "f": pl.Float32, "s": pl.String}, orient="row")
    write(path, frame.to_arrow(), kind, pieces)
    made = read_arrow(open_files(path))
    assert_frame_equal(made.collect(), frame.cast({"i": pl.Int64, "f": pl.Float64}))
    assert_frame_equal(made.select("s").collect(), frame.select("s"))
    assert_frame_equal(made.filter(pl.col("i") > 0).select("i").collect(), frame.filter(pl.col("i") > 0).select(pl.col("i").cast(pl.Int64)))


@pytest.mark.parametrize("kind", KINDS)
def test_types(tmp_path, kind) -> None:
    table = pa.table(
        {
            "category": pa.array(["x", None, "x"]).dictionary_encode(),
            "place": pa.array([{"x": 1}, None, {"x": 2}]),
            "half": pa.array([1.5, None, 2.5], pa.float16()),
            "span": pa.array([1500, None, 0], pa.duration("ms")),
        }
    )
    write(tmp_path / "a.arrow", table, kind)
    assert read_arrow(open_files(tmp_path / "a.arrow")).collect().to_dict(as_series=False) == {
        "category": ["x", None, "x"],
        "place.x": [1, None, 2],
        "half": [1.5, None, 2.5],
        "span": [1.5, None, 0.0],
    }


def test_files_and_streams_together(tmp_path) -> None:
    for place, kind in enumerate(KINDS):
        write(tmp_path / f"{place}.arrow", pa.table({"a": [place]}), kind)
    assert read_arrow(open_files(tmp_path)).collect()["a"].to_list() == [0, 1]


def test_other_columns(tmp_path, refused) -> None:
    write(tmp_path / "a.arrow", pa.table({"a": [1]}), "file")
    write(tmp_path / "b.arrow", pa.table({"a": ["x"]}), "stream")
    with refused("DA060", "b.arrow", "a Int64", "a String"):
        read_arrow(open_files(tmp_path))


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_an_error_of_ours_or_harmless(tmp_path, damages, kind) -> None:
    path = tmp_path / "a.arrow"
    write(path, pa.table({"a": list(range(100)), "b": ["x", None] * 50, "c": [[1.0], []] * 50}), kind)
    whole, failed = path.read_bytes(), 0
    for content in damages(whole):
        path.write_bytes(content)
        try:
            read_arrow(open_files(path)).collect()
        except LaminaError:
            failed += 1
    assert failed > 10


@pytest.mark.parametrize(
    ("content", "word"), [(b"", "Arrow"), (b"FEA1" * 9, "version 1"), (b"a,b\n1,2\n", "Arrow"), (b"ARROW1\0\0", "Arrow")]
)
def test_other_kinds(tmp_path, refused, content, word) -> None:
    (tmp_path / "a.arrow").write_bytes(content)
    with refused("DA060", "a.arrow", word):
        read_arrow(open_files(tmp_path / "a.arrow")).collect()


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_beyond_64_bits_has_a_row(tmp_path, refused, kind) -> None:
    write(tmp_path / "a.arrow", pa.table({"k": pa.array([1, 2**63], pa.uint64())}), kind)
    with refused("DA063", "a.arrow, row 2, column 'k'"):
        read_arrow(open_files(tmp_path / "a.arrow")).collect()

"""Parquet files against pyarrow and pandas: values, partitions, push-down, damage."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lamina.data.formats.parquet import read_parquet
from lamina.data.storage import Storage, open_files
from lamina.errors import LaminaError

ROWS = {
    "whole": pa.array([1, None, 3], pa.int16()),
    "unsigned": pa.array([1, 2, None], pa.uint64()),
    "number": pa.array([1.5, float("nan"), None], pa.float32()),
    "price": pa.array([None, 1, 2], pa.decimal128(12, 2)),
    "word": pa.array(["a", None, ""], pa.large_string()),
    "category": pa.array(["x", "y", None]).dictionary_encode(),
    "truth": pa.array([True, None, False]),
    "day": pa.array([dt.date(2024, 2, 29), None, dt.date(1969, 1, 1)]),
    "moment": pa.array([dt.datetime(2024, 2, 29, 1, 2, 3), None, None], pa.timestamp("ns", "Europe/Zurich")),
    "clock": pa.array([dt.time(1, 2, 3), None, None]),
    "bytes": pa.array([b"\x00", None, b""]),
    "list": pa.array([[1, 2], None, []], pa.list_(pa.int8())),
    "place": pa.array([{"x": 1, "y": {"z": "q"}}, None, {"x": None, "y": None}]),
}


def test_types(tmp_path) -> None:
    pq.write_table(pa.table(ROWS), tmp_path / "a.parquet")
    frame = read_parquet(open_files(tmp_path / "a.parquet"))
    rows = frame.collect()
    assert rows.schema == frame.collect_schema()
    assert {name: str(dtype) for name, dtype in rows.schema.items()} == {
        "whole": "Int64",
        "unsigned": "Int64",
        "number": "Float64",
        "price": "Float64",
        "word": "String",
        "category": "String",
        "truth": "Boolean",
        "day": "Date",
        "moment": "Datetime(time_unit='us', time_zone='Europe/Zurich')",
        "clock": "Float64",
        "bytes": "Binary",
        "list": "List(Int64)",
        "place.x": "Int64",
        "place.y.z": "String",
    }
    assert rows["price"].to_list() == [None, 1.0, 2.0]
    assert rows["clock"].to_list() == [3723.0, None, None]
    assert rows["place.y.z"].to_list() == ["q", None, None]
    assert rows["number"].is_nan().to_list() == [False, True, None]


@given(
    st.lists(st.tuples(st.none() | st.integers(-(2**63), 2**63 - 1), st.none() | st.floats(), st.none() | st.text()), max_size=20),
    st.sampled_from(["snappy", "zstd", "gzip", "none"]),
    st.integers(1, 7),
)
@settings(max_examples=40, deadline=None)
def test_pyarrow_round_trip(tmp_path_factory, rows, compression, group) -> None:
    path = tmp_path_factory.mktemp("p") / "a.parquet"
    schema = {"i": pl.Int64, "f": pl.Float64, "s": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    pq.write_table(frame.to_arrow(), path, compression=compression, row_group_size=group)
    assert_frame_equal(read_parquet(open_files(path)).collect(), frame)


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
def test_only_what_is_asked_for_is_read(tmp_path, engine) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"id": np.arange(10_000), "broken": np.arange(10_000), "x": np.arange(10_000) * 2.0})
    pq.write_table(table, path, row_group_size=1000, compression="none", use_dictionary=False)
    # The bytes of one column, and of all groups of rows but one, are spoilt: whoever doesn't ask for them doesn't see it.
    group = pq.ParquetFile(path).metadata.row_group(0)
    spoilt = bytearray(path.read_bytes())
    column = group.column(1)
    spoilt[column.data_page_offset : column.data_page_offset + 40] = b"\xff" * 40
    path.write_bytes(spoilt)
    frame = read_parquet(open_files(path))
    assert frame.select("x", "id").collect(engine=engine)["x"].sum() == table["x"].to_numpy().sum()
    assert frame.filter(pl.col("id") >= 9_998).collect(engine=engine).rows() == [(9998, 9998, 19996.0), (9999, 9999, 19998.0)]
    assert frame.filter(pl.col("x") == 6.0).select("id").collect(engine=engine)["id"].to_list() == [3]
    with pytest.raises(LaminaError):
        frame.select("broken").collect(engine=engine)


def test_the_head_is_short(tmp_path) -> None:
    pl.DataFrame({"a": range(100)}).write_parquet(tmp_path / "a.parquet")
    frame = read_parquet(open_files(tmp_path / "a.parquet"))
    assert frame.head(3).collect()["a"].to_list() == [0, 1, 2]
    assert frame.head(5).filter(pl.col("a") > 2).collect()["a"].to_list() == [3, 4]
    assert frame.filter(pl.col("a") > 2).head(2).collect()["a"].to_list() == [3, 4]
    assert frame.select(pl.len()).collect().item() == 100
    assert frame.with_columns(b=pl.col("a") + 1).select("b").tail(1).collect().item() == 100


class TestPartitions:
    def test_as_pyarrow_writes_them(self, tmp_path) -> None:
        frame = pd.DataFrame(
            {"x": range(6), "year": [2023, 2024] * 3, "day": ["2024-01-01", "2024-02-29", None] * 2, "city": list("aab") * 2}
        )
        pq.write_to_dataset(pa.Table.from_pandas(frame, preserve_index=False), tmp_path / "t", partition_cols=["year", "day", "city"])
        rows = read_parquet(open_files(tmp_path / "t")).sort("x").collect()
        assert rows.schema == {"x": pl.Int64, "year": pl.Int64, "day": pl.Date, "city": pl.String}
        assert rows["year"].to_list() == frame["year"].tolist()
        assert rows["day"].to_list() == [dt.date(2024, 1, 1), dt.date(2024, 2, 29), None] * 2
        assert rows["city"].to_list() == frame["city"].tolist()
        assert read_parquet(open_files(tmp_path / "t"), hive=False).collect_schema().names() == ["x"]

    def test_a_filter_keeps_to_its_folders(self, tmp_path) -> None:
        for year in (2023, 2024):
            (tmp_path / f"year={year}").mkdir()
            pl.DataFrame({"x": [year]}).write_parquet(tmp_path / f"year={year}" / "a.parquet")
        frame = read_parquet(open_files(tmp_path))
        assert frame.filter(pl.col("year") == 2024).collect().rows() == [(2024, 2024)]
        assert frame.select("year").collect()["year"].to_list() == [2023, 2024]

    @pytest.mark.parametrize(
        ("values", "wanted"),
        [
            (["1", "07"], ["1", "07"]),
            (["1", "-7"], [1, -7]),
            (["2024-02-30", "2024-02-01"], ["2024-02-30", "2024-02-01"]),
            (["a%2Fb", "ü"], ["a/b", "ü"]),
            (["__HIVE_DEFAULT_PARTITION__", "3"], [None, 3]),
        ],
    )
    def test_values(self, tmp_path, values, wanted) -> None:
        for place, value in enumerate(values):
            (tmp_path / f"k={value}").mkdir()
            pl.DataFrame({"x": [place]}).write_parquet(tmp_path / f"k={value}" / "a.parquet")
        assert read_parquet(open_files(tmp_path)).sort("x").collect()["k"].to_list() == wanted

    def test_refused(self, tmp_path, refused) -> None:
        for folder in ("k=1", "j=1"):
            (tmp_path / folder).mkdir()
            pl.DataFrame({"x": [1]}).write_parquet(tmp_path / folder / "a.parquet")
        with refused("DA060", "k=1", "folders for j", "hive: false"):
            read_parquet(open_files(tmp_path))
        (tmp_path / "t" / "x=1").mkdir(parents=True)
        pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "t" / "x=1" / "a.parquet")
        with refused("DA017", "'x'", "hive: false"):
            read_parquet(open_files(tmp_path / "t"))


class TestSeveralFiles:
    def test_rows_stand_in_the_order_of_the_files(self, tmp_path) -> None:
        for part in (2, 10, 1):
            pl.DataFrame({"x": [part]}).write_parquet(tmp_path / f"part-{part}.parquet")
        assert read_parquet(open_files(tmp_path)).collect()["x"].to_list() == [1, 2, 10]

    @pytest.mark.parametrize(
        ("other", "words"),
        [
            ({"a": [1], "c": ["x"]}, ["b.parquet", "a column 'b'"]),
            ({"a": [1], "b": ["x"], "c": [1]}, ["b.parquet", "a column 'c'"]),
            ({"a": [1.5], "b": ["x"]}, ["b.parquet", "column 'a' as Int64", "Float64"]),
        ],
    )
    def test_other_columns(self, tmp_path, refused, other, words) -> None:
        pl.DataFrame({"a": [1], "b": ["x"]}).write_parquet(tmp_path / "a.parquet")
        pl.DataFrame(other).write_parquet(tmp_path / "b.parquet")
        with refused("DA060", *words):
            read_parquet(open_files(tmp_path)).collect()

    def test_the_damaged_one_is_named(self, tmp_path, refused) -> None:
        for name in "abc":
            pl.DataFrame({"x": range(1000)}).write_parquet(tmp_path / f"{name}.parquet")
        whole = (tmp_path / "b.parquet").read_bytes()
        (tmp_path / "b.parquet").write_bytes(whole[:40] + b"\xff" * 60 + whole[100:])
        with refused("DA060", "b.parquet"):
            read_parquet(open_files(tmp_path)).collect()
        (tmp_path / "b.parquet").write_bytes(whole[:100])
        with refused("DA060", "b.parquet"):
            read_parquet(open_files(tmp_path)).collect()


class TestBad:
    def test_damage_is_an_error_of_ours_or_harmless(self, tmp_path, damages) -> None:
        path = tmp_path / "a.parquet"
        pl.DataFrame({"a": range(100), "b": ["x", "y"] * 50, "c": [[1.0], []] * 50}).write_parquet(path)
        whole, failed = path.read_bytes(), 0
        for content in damages(whole):
            path.write_bytes(content)
            try:
                read_parquet(open_files(path)).collect()
            except LaminaError:
                failed += 1
        assert failed > 10

    @pytest.mark.parametrize("content", [b"", b"PAR1", b"a,b\n1,2\n", b"PK\x03\x04" * 20])
    def test_other_kinds(self, tmp_path, refused, content) -> None:
        (tmp_path / "a.parquet").write_bytes(content)
        with refused("DA060", "a.parquet", "Parquet"):
            read_parquet(open_files(tmp_path / "a.parquet"))

    def test_a_number_beyond_64_bits_has_a_row(self, tmp_path, refused) -> None:
        pq.write_table(pa.table({"k": pa.array([1, 2, 2**63], pa.uint64())}), tmp_path / "a.parquet")
        frame = read_parquet(open_files(tmp_path / "a.parquet"))
        with refused("DA063", "a.parquet, row 3, column 'k'", "9223372036854775808"):
            frame.collect()

    def test_more_than_allowed(self, tmp_path, refused) -> None:
        pl.DataFrame({"a": [0] * 1000}).write_parquet(tmp_path / "a.parquet")
        with refused("DA064", "1,000 rows of 1 columns", "max_size"):
            read_parquet(open_files(tmp_path / "a.parquet", storage=Storage(max_size=999)))

    def test_lists_of_structs(self, tmp_path, refused) -> None:
        pl.DataFrame({"a": [[{"b": 1}]]}).write_parquet(tmp_path / "a.parquet")
        with refused("DA062", "a.parquet, column 'a'"):
            read_parquet(open_files(tmp_path / "a.parquet"))

    def test_no_rows_is_no_error_here(self, tmp_path) -> None:
        pl.DataFrame({"a": []}, schema={"a": pl.Int8}).write_parquet(tmp_path / "a.parquet")
        assert read_parquet(open_files(tmp_path / "a.parquet")).collect().schema == {"a": pl.Int64}

    def test_many_columns(self, tmp_path) -> None:
        names = [f"c{i}" for i in range(20_000)]
        pl.DataFrame([[1.0]] * len(names), schema=names).write_parquet(tmp_path / "a.parquet", statistics=False)
        frame = read_parquet(open_files(tmp_path / "a.parquet"))
        assert frame.select("c19999").collect().item() == 1.0

"""A table as the bytes of a file of each kind that a reader is registered for, and the settings that read it."""

from __future__ import annotations

import csv
import io
import json
import math
import sqlite3
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import h5py
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.io
import xlsxwriter
import yaml
from hypothesis import strategies as st

from .tables import Table, aware, rare


@dataclass(frozen=True)
class Written:
    """A file.

    Attributes:
        content: Its bytes.
        ending: Of its name.
        settings: Of the source that reads it, beside ``path``.
    """

    content: bytes
    ending: str
    settings: dict[str, Any] = field(default_factory=dict)


def text_of(value: Any) -> str:
    """A value as text files have it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return str(value)


def plain(value: Any) -> Any:
    """A value as JSON and YAML have it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.decode("latin-1") if isinstance(value, bytes) else value


def delimited(draw: st.DrawFn, table: Table, usual: str) -> Written:
    """A csv or tsv file, in one of many dialects."""
    delimiter = draw(st.sampled_from((usual, usual, usual, ";", "|", "\t", ",")))
    encoding = draw(st.sampled_from(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1")))
    buffer = io.StringIO()
    end = draw(st.sampled_from(("\n", "\n", "\r\n", "\r")))
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=end, quoting=draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))))
    settings: dict[str, Any] = {}
    header = draw(st.sampled_from((True, True, True, False)))
    if header:
        writer.writerow(table.names)
    else:
        settings["header"] = False
    for row in table.rows():
        writer.writerow([text_of(value) for value in row.values()])
    if delimiter != usual:
        settings["delimiter"] = delimiter
    if encoding != "utf-8":
        settings["encoding"] = encoding
    return Written(buffer.getvalue().encode(encoding, "replace"), ".csv", settings)


def fixed_width(draw: st.DrawFn, table: Table) -> Written:
    """Values at fixed places."""
    widths = [max(1, max([len(text_of(value).replace("\n", " ")) for value in values[:50]] or [1])) for values in table.columns.values()]
    lines = [
        "".join(text_of(value).replace("\n", " ").ljust(width)[:width] for value, width in zip(row.values(), widths, strict=True))
        for row in table.rows()
    ]
    settings: dict[str, Any] = {"widths": widths}
    if len({*table.names}) == len(table.names) and draw(st.booleans()):
        settings["names"] = table.names
    if draw(st.booleans()):
        settings["pad"], lines = True, [line.rstrip(" ") for line in lines]
    return Written("\n".join(lines).encode("utf-8", "replace"), ".dat", settings)


def regex_lines(draw: st.DrawFn, table: Table) -> Written:
    """Lines such as of a log."""
    lines = [" ".join(text_of(value).replace(" ", "_").replace("\n", "_") or "-" for value in row.values()) for row in table.rows()]
    groups = [r"(\S*)"] * len(table.names)
    if draw(st.booleans()):
        groups = [rf"(?P<g{place}>\S*)" for place in range(len(groups))]
    pattern = draw(st.sampled_from((" ".join(groups), " ".join(groups), r"(.*)", r"((a+)+)b", r"(?P<a>\w+)\s*(.*)", r"(x)|(y)", "(")))
    return Written(
        "\n".join(lines).encode("utf-8", "replace"), ".log", {"pattern": pattern, "other": draw(st.sampled_from(("error", "drop")))}
    )


def lines(draw: st.DrawFn, table: Table) -> Written:
    """One text a line."""
    text = draw(st.sampled_from(("\n", "\r\n"))).join(" ".join(map(text_of, row.values())) for row in table.rows())
    return Written(text.encode("utf-8", "replace"), ".txt", {"text": "line"} if draw(st.booleans()) else {})


def _nested(draw: st.DrawFn, table: Table) -> list[Any]:
    """Records, now and then deep ones, ones that lack fields, or things that are none."""
    records: list[Any] = [{name: plain(value) for name, value in row.items()} for row in table.rows()]
    for record in records:
        if rare(draw, 3):
            extra = st.sampled_from(({"b": {"c": [1, 2, None]}}, [1, [2, [3]]], 10**30, -0.0, {"": 1}, [{}], "\ud83d", "x" * 100, True))
            record[draw(st.sampled_from((*table.names, "deep")))] = draw(extra)
        if rare(draw, 5) and record:
            record.pop(next(iter(record)))
    if records and rare(draw, 9):
        records[draw(st.integers(0, len(records) - 1))] = draw(st.sampled_from((None, 1, "x", [], [1], {})))
    return records


def json_lines(draw: st.DrawFn, table: Table) -> Written:
    """A record on each line."""
    records = _nested(draw, table)
    settings = {"fields": {"a": "a", "c": "deep.b.c[0]"}} if rare(draw, 4) else {}
    return Written(
        "\n".join(json.dumps(record, ensure_ascii=draw(st.booleans())) for record in records).encode("utf-8", "replace"), ".jsonl", settings
    )


def document(draw: st.DrawFn, table: Table, ending: str) -> Written:
    """A JSON or YAML document."""
    records: Any = _nested(draw, table)
    way = draw(st.sampled_from(("list", "list", "inside", "one", "columns")))
    settings: dict[str, Any] = {}
    if way == "inside":
        records, settings = {"result": {"rows": records, "n": 1}}, {"records": "result.rows"}
    elif way == "one" and records:
        records = records[0]
    elif way == "columns":
        records = {name: [plain(value) for value in values] for name, values in table.columns.items()}
    if ending == ".json":
        return Written(json.dumps(records, ensure_ascii=False).encode("utf-8", "surrogatepass"), ending, settings)
    flow = draw(st.sampled_from((None, True, False)))
    return Written(
        yaml.safe_dump(records, default_flow_style=flow, allow_unicode=draw(st.booleans())).encode("utf-8", "replace"), ending, settings
    )


def xml(draw: st.DrawFn, table: Table) -> Written:
    """Elements with children and attributes."""

    def name(text: str) -> str:
        return "".join(sign if sign.isalnum() else "_" for sign in text)[:20].lstrip("0123456789") or "n"

    rows = []
    for row in table.rows():
        inside = ""
        attributes = ""
        for place, (key, value) in enumerate(row.items()):
            if value is None:
                continue
            if draw(st.booleans()) or place == 0:
                inside += f"<{name(key)}>{escape(text_of(value))}</{name(key)}>"
            else:
                attributes += f" {name(key)}{place}={quoteattr(text_of(value))}"
        rows.append(f"<row{attributes}>{inside}</row>")
    head = draw(
        st.sampled_from(('<?xml version="1.0"?>', "", '<?xml version="1.0" encoding="latin-1"?>', '<!DOCTYPE r [<!ENTITY a "b">]>'))
    )
    settings = {"records": "rows/row"} if draw(st.booleans()) else {}
    return Written(f"{head}<rows>{''.join(rows)}</rows>".encode("utf-8", "replace"), ".xml", settings)


_TYPES = {
    "integer": (pl.Int64, pl.Int64, pl.Int8, pl.UInt64, pl.Int128, pl.Decimal(38, 2), pl.Float32),
    "float": (pl.Float64, pl.Float64, pl.Float32),
    "string": (pl.String, pl.String, pl.Categorical, pl.Binary),
    "boolean": (pl.Boolean,),
    "time": (pl.Datetime("us"), pl.Datetime("ms"), pl.Datetime("us", "Europe/Zurich"), pl.Time),
    "date": (pl.Date,),
    "bytes": (pl.Binary,),
    "list": (pl.List(pl.Float64), pl.List(pl.Float32), pl.Array(pl.Float64, 2)),
    "duration": (pl.Duration("us"), pl.Duration("ms")),
}


def frame(draw: st.DrawFn, table: Table) -> pl.DataFrame:
    """The table in Polars, in one of the types that each kind may have."""
    made = []
    for name, values in table.columns.items():
        kind = table.kinds[name]
        dtype = draw(st.sampled_from(_TYPES[kind]))
        if kind == "time" and values:
            values = [None if value is None or value.year in (1, 9999) else value for value in values]
        if dtype == pl.Array(pl.Float64, 2):
            values = [None if value is None else ([*value, 0.0, 0.0])[:2] for value in values]
        if dtype == pl.Time:
            values = [None if value is None else value.time() for value in values]
        elif kind == "time" and dtype.time_zone:
            values = [None if value is None else aware(value) for value in values]
        if dtype == pl.Binary and kind == "string":
            values = [None if value is None else value.encode() for value in values]
        try:
            made.append(pl.Series("made", values, dtype=dtype, strict=False).alias(name))
        except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
            made.append(pl.Series(name, [None] * len(values), dtype=pl.Null))
    if rare(draw, 12) and made:
        made.append(pl.Series("__struct", [{"u": 1, "v": "x"}] * len(made[0])))
    return pl.DataFrame(made)


def parquet(draw: st.DrawFn, table: Table) -> Written:
    """A Parquet file of Polars or Arrow, packed in one of several ways."""
    data, buffer = frame(draw, table), io.BytesIO()
    packing = draw(st.sampled_from(("zstd", "snappy", "uncompressed", "gzip", "lz4", "brotli")))
    if draw(st.booleans()):
        data.write_parquet(buffer, compression=packing, row_group_size=draw(st.sampled_from((None, 2))))
    else:
        rows = pl.DataFrame([column for column in data.get_columns() if column.dtype != pl.Int128]).to_arrow()
        try:
            pq.write_table(
                rows, buffer, compression={"uncompressed": "none"}.get(packing, packing), version=draw(st.sampled_from(("1.0", "2.6")))
            )
        except (pa.ArrowException, ValueError):
            data.write_parquet(buffer, compression=packing)
    return Written(buffer.getvalue(), ".parquet")


def arrow(draw: st.DrawFn, table: Table) -> Written:
    """An Arrow IPC file or stream."""
    data, buffer = frame(draw, table), io.BytesIO()
    packing = draw(st.sampled_from(("uncompressed", "lz4", "zstd")))
    write = data.write_ipc if draw(st.booleans()) else data.write_ipc_stream
    write(buffer, compression=packing)
    return Written(buffer.getvalue(), ".arrow")


def excel(draw: st.DrawFn, table: Table) -> Written:
    """A sheet of cells, in which a column may mix kinds."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "nan_inf_to_errors": True, "remove_timezone": True}) as book:
        sheet = book.add_worksheet(draw(st.sampled_from(("Sheet1", "rows", "ä b"))))
        dated = book.add_format(
            {"num_format": draw(st.sampled_from(("yyyy-mm-dd", "d.m.yy hh:mm", "[h]:mm:ss", "hh:mm", "General", "0.00")))}
        )
        for column, name in enumerate(table.names):
            sheet.write_string(0, column, name)
            for row, value in enumerate(table.columns[name], start=1):
                if isinstance(value, datetime | date | timedelta):
                    if isinstance(value, timedelta) or 1900 <= value.year < 9999:
                        sheet.write_datetime(row, column, value, dated)
                elif isinstance(value, str):
                    if rare(draw, 19):
                        sheet.write_formula(row, column, "=1/0", None, draw(st.sampled_from(("#DIV/0!", "x", 1, True))))
                    else:
                        sheet.write_string(row, column, value)
                elif isinstance(value, bool | int | float):
                    sheet.write(row, column, value)
                elif value is not None:
                    sheet.write_string(row, column, text_of(value))
        if rare(draw, 5):
            sheet.merge_range(0, 0, 1, 1, "merged")
        if rare(draw, 9):
            sheet.write(*draw(st.sampled_from(((20, 20), (1000, 16_383), (1_048_575, 0), (1_048_575, 16_383)))), "far")
    options = (
        {},
        {},
        {"header": False},
        {"sheet": 1},
        {"sheet": "rows"},
        {"sheet": 9},
        {"range": "A2:C5"},
        {"header_row": 1, "skip_rows": 1},
    )
    return Written(buffer.getvalue(), ".xlsx", dict(draw(st.sampled_from((*options, {"error_cells": "missing"})))))


def svmlight(draw: st.DrawFn, table: Table) -> Written:
    """Labels and sparse features."""
    rows = []
    for row in table.rows():
        numbers = [value for value in row.values() if isinstance(value, int | float) and not isinstance(value, bool)]
        label = str(numbers[0]) if numbers else draw(st.sampled_from(("1", "-1", "1,2", "")))
        features = " ".join(f"{place}:{value}" for place, value in enumerate(numbers[1:], start=draw(st.integers(0, 3))))
        query = f" qid:{draw(st.integers(0, 3))}" if rare(draw, 5) else ""
        rows.append(f"{label}{query} {features}" + (" # note" if rare(draw, 5) else ""))
    options = ({}, {}, {"width": 4}, {"zero_based": True}, {"layout": "array"}, {"most": 2}, {"zero_based": False, "width": 1})
    return Written("\n".join(rows).encode(), ".svm", dict(draw(st.sampled_from(options))))


def arrays(draw: st.DrawFn, table: Table) -> dict[str, np.ndarray]:
    """Arrays by name: a column each, with matrices, odd types and shapes now and then."""
    made: dict[str, np.ndarray] = {}
    for place, (name, values) in enumerate(table.columns.items()):
        key = "".join(sign for sign in name if sign.isascii() and sign.isalnum())[:20].lstrip("0123456789") or f"v{place}"
        kind = table.kinds[name]
        if kind in ("integer", "float", "boolean"):
            filled = [0 if value is None else value for value in values]
            array = np.array(filled, dtype={"integer": np.int64, "float": np.float64, "boolean": np.bool_}[kind])
            if rare(draw, 2):
                wanted = draw(st.sampled_from(("<f4", ">f8", "<i2", "u1", "<c16", ">i4", "<f2", "<u8", "?")))
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")
                    array = array.astype(wanted)
        elif kind == "time":
            array = np.array([value if value and 1900 < value.year < 2200 else np.datetime64("NaT") for value in values], "datetime64[us]")
        else:
            array = np.array([text_of(value).replace("\0", "") for value in values], dtype=str) if values else np.zeros(0, "<U1")
        shape = draw(st.sampled_from(("column", "column", "column", "matrix", "row", "single", "deep", "fortran")))
        if shape == "matrix":
            array = np.stack([array, array], axis=1)
        elif shape == "fortran":
            array = np.asfortranarray(np.stack([array, array, array], axis=1))
        elif shape == "row":
            array = array[None]
        elif shape == "single" and array.size:
            array = array.reshape(-1)[0:1].reshape(())
        elif shape == "deep":
            array = array[:, None, None]
        made[key] = array
    return made


def numpy(draw: st.DrawFn, table: Table) -> Written:
    """An ``.npy`` or ``.npz`` file."""
    found, buffer = arrays(draw, table), io.BytesIO()
    way = draw(st.sampled_from(("npz", "npz", "packed", "npy", "structured", "objects")))
    if way == "objects":
        np.save(buffer, np.array([1, "x", None], dtype=object), allow_pickle=True)
        return Written(buffer.getvalue(), ".npy")
    if way == "structured":
        fields = [(name, array.dtype) for name, array in found.items()]
        records = np.zeros(len(table), dtype=fields)
        for name, array in found.items():
            if array.shape == (len(table),):
                records[name] = array
        np.save(buffer, records)
        return Written(buffer.getvalue(), ".npy")
    if way == "npy":
        np.save(buffer, next(iter(found.values())))
        return Written(buffer.getvalue(), ".npy")
    (np.savez if way == "npz" else np.savez_compressed)(
        buffer, **{f"{name}_" if name in ("file", "args") else name: array for name, array in found.items()}
    )
    chosen = {"arrays": [*found][:1]} if rare(draw, 4) else {}
    return Written(buffer.getvalue(), ".npz", chosen)


def matlab(draw: st.DrawFn, table: Table) -> Written:
    """A MATLAB file of version 4, 5 or text."""
    found = {name: array for name, array in arrays(draw, table).items() if array.dtype.kind not in "M"}
    found = {name: array.astype(np.float32) if array.dtype == np.float16 else array for name, array in found.items()}
    buffer = io.BytesIO()
    version = draw(st.sampled_from(("5", "5", "5 packed", "4", "text")))
    if version == "text":
        return Written(
            b"\n".join(b" ".join(b"%g" % (value or 0) for value in row.values() if isinstance(value, int | float)) for row in table.rows()),
            ".mat",
        )
    if version.startswith("5"):
        more: dict[str, Any] = {}
        if rare(draw, 3):
            more["st"] = {"u": np.arange(3.0), "w": np.array(["a", "bc"], dtype=object)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scipy.io.savemat(buffer, found | more, do_compression=version != "5")
    else:
        flat = {
            name: array
            for name, array in found.items()
            if array.ndim <= 2 and array.dtype.kind in "iuf" and array.dtype.itemsize < 8 or array.dtype == np.float64
        }
        flat = {name: array for name, array in flat.items() if array.ndim <= 2} or {"x": np.arange(3.0)}
        try:
            scipy.io.savemat(buffer, flat, format="4")
        except (TypeError, ValueError):
            buffer = io.BytesIO()
            scipy.io.savemat(buffer, {"x": np.arange(3.0)}, format="4")
    return Written(buffer.getvalue(), ".mat")


def hdf5(draw: st.DrawFn, table: Table) -> Written:
    """An HDF5 file with groups, packed data sets and links."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, array in arrays(draw, table).items():
            group = draw(st.sampled_from(("", "", "g/", "g/h/")))
            if array.dtype.kind == "M":
                array = array.astype(np.int64)
            if array.dtype.kind == "U":
                array = array.astype(object)
                file.create_dataset(group + name, data=array, dtype=h5py.string_dtype())
            elif array.size and array.ndim and rare(draw, 2):
                file.create_dataset(group + name, data=array, compression="gzip", shuffle=draw(st.booleans()), chunks=True)
            else:
                file.create_dataset(group + name, data=array)
        link = draw(st.sampled_from(("", "", "", "soft", "external", "loop")))
        if link == "soft":
            file["link"] = h5py.SoftLink("/nowhere")
        elif link == "external":
            file["link"] = h5py.ExternalLink("other.h5", "/x")
        elif link == "loop":
            file["loop"] = file["/"]
    return Written(buffer.getvalue(), ".h5")


def sqlite(draw: st.DrawFn, table: Table) -> Written:
    """A database of one table, whose columns may hold what they don't say."""
    types = {
        "integer": "INTEGER",
        "float": "REAL",
        "string": "TEXT",
        "boolean": "BOOLEAN",
        "time": "TIMESTAMP",
        "date": "DATE",
        "bytes": "BLOB",
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.db")
        connection = sqlite3.connect(path)
        seen: dict[str, str] = {}
        for place, name in enumerate(table.names):
            clean = name.replace('"', "").replace("\0", "") or f"n{place}"
            seen[f"{clean}{place}" if clean.lower() in {one.lower() for one in seen.values()} else clean] = name
        columns = ", ".join(
            f'"{new}" {draw(st.sampled_from((types.get(table.kinds[old], ""), "", "VARCHAR(3)", "NUMERIC")))}' for new, old in seen.items()
        )
        connection.execute(f"create table t ({columns})")
        for row in table.rows():
            values = [plain(value) if not isinstance(value, bytes) else value for value in row.values()]
            values = [json.dumps(value) if isinstance(value, list) else value for value in values]
            values = [value.encode("utf-8", "replace").decode() if isinstance(value, str) else value for value in values]
            connection.execute(f"insert into t values ({', '.join('?' * len(values))})", values)
        connection.commit()
        connection.close()
        first = next(iter(seen))
        choices = (
            {"table": "t"},
            {"table": "t"},
            {"query": "select * from t"},
            {"query": f'select "{first}", 1 as one, null as none from t'},
            {"table": "u"},
        )
        odd = (
            {"query": "select"},
            {"query": "delete from t"},
            {"query": "select 1; select 2"},
            {"query": "select * from t, t"},
            {"query": ""},
        )
        settings = dict(draw(st.sampled_from((*choices, *odd) if rare(draw, 3) else choices)))
        if rare(draw, 3):
            settings["chunk"] = 1
        return Written(path.read_bytes(), ".db", settings)


def finite(value: Any) -> bool:
    """Whether it is a number that can be written everywhere."""
    return isinstance(value, int | float) and math.isfinite(value)


WRITERS: dict[str, Callable[[st.DrawFn, Table], Written]] = {
    "csv": lambda draw, table: delimited(draw, table, ","),
    "tsv": lambda draw, table: delimited(draw, table, "\t"),
    "fixed_width": fixed_width,
    "regex_lines": regex_lines,
    "lines": lines,
    "json_lines": json_lines,
    "json": lambda draw, table: document(draw, table, ".json"),
    "yaml": lambda draw, table: document(draw, table, ".yaml"),
    "xml": xml,
    "parquet": parquet,
    "arrow": arrow,
    "excel": excel,
    "svmlight": svmlight,
    "matlab": matlab,
    "numpy": numpy,
    "hdf5": hdf5,
    "sql": sqlite,
}
"""What writes a file for each reader of tables."""

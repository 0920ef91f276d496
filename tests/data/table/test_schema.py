"""Schemas: written, read, compared, refused."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data.pipeline.frames.polars import PolarsFrame
from lamina.data.table.inference import schema_of
from lamina.data.table.schema import Schema
from lamina.errors import DataError, DescriptionError

KINDS = ("string", "integer", "float", "boolean", "categorical", "time", "bytes", "array", "image", "text")
names = st.text(min_size=1, max_size=12).filter(str.isprintable)


@given(st.dictionaries(names, st.sampled_from(KINDS), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_any_schema_reads_back(columns: dict[str, str]) -> None:
    schema = Schema(columns)
    assert Schema.from_yaml(schema.to_yaml()) == schema
    assert Schema.from_yaml(schema.to_json()) == schema
    assert schema.differences(schema) == []
    assert len(str(schema).splitlines()) >= len(columns)


def test_differences_name_what_was_probably_renamed() -> None:
    old = Schema({"age": "integer", "city": {"type": "categorical", "values": ["Bern"]}, "gone": "string"})
    new = Schema({"city": {"type": "categorical", "values": ["Bern", "Ulm"]}, "ages": "integer"})
    found = "\n".join(old.differences(new))
    assert "'age' is missing; is it 'ages'?" in found
    assert "'city' asks for Bern, Ulm instead of Bern" in found
    assert "'gone' is missing" in found
    assert "'ages' is new" in found
    assert "another order" in "\n".join(Schema({"a": "string", "b": "string"}).differences(Schema({"b": "string", "a": "string"})))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"columns": {}}, "at least one column"),
        ({"columns": {"a": {"type": "integer", "minimum": 3, "maximum": 2}}}, "limits are swapped"),
        ({"columns": {"a": {"type": "string", "pattern": "("}}}, "regular expression"),
        ({"columns": {"a": {"type": "categorical", "values": ["x", "x"]}}}, "each once"),
        ({"columns": {"a": {"type": "time", "zone": "Mars/Olympus"}}}, "no zone"),
        ({"columns": {"a": {"type": "time", "minimum": "yesterday"}}}, "ISO 8601"),
        ({"columns": {"a": "integer"}, "steps": {"keys": "b"}}, "no column 'b'"),
        ({"columns": {"a": "integr"}}, "integer"),
    ],
)
def test_what_is_no_schema(data: dict, words: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        Schema.from_dict(data)
    assert words in str(caught.value)


def test_kinds_of_a_frame() -> None:
    frame = pl.DataFrame({"i": [1], "f": [1.5], "s": ["a"], "b": [True], "l": [[1.0]], "x": [b"a"]}).with_columns(
        t=pl.datetime(2024, 1, 1, time_zone="Europe/Zurich"), d=pl.date(2024, 1, 1), small=pl.lit(1, dtype=pl.UInt8)
    )
    found = schema_of(PolarsFrame.of(frame))
    kinds = dict(found.kinds)
    assert kinds == dict(i="integer", f="float", s="string", b="boolean", l="array", x="bytes", t="time", d="time", small="integer")
    assert found.exact_kinds["t"] == "time[Europe/Zurich]"


def test_a_struct_is_no_column() -> None:
    with pytest.raises(DataError, match="DA005"):
        schema_of(PolarsFrame.of(pl.DataFrame({"a": [{"b": 1}]})))


def test_columns_that_are_described_must_be_there() -> None:
    with pytest.raises(DataError) as caught:
        schema_of(PolarsFrame.of(pl.DataFrame({"age": [1]})), Schema({"aeg": "integer"}).columns, "people.csv")
    assert caught.value.code == "DA014"
    assert "did you mean 'age'?" in str(caught.value)

"""Records with named fields, in every format that has them; against Python's own readers and pandas."""

from __future__ import annotations

import json
from pathlib import Path

import pandas
import polars as pl
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lamina.data.sources import Json, JsonLines, Xml, Yaml
from lamina.data.tables.selection import reach, steps_of
from lamina.errors import DataError, DescriptionError

FILMS = [
    {"title": "A", "year": 1990, "rating": {"stars": 4, "votes": [10, 2.5]}, "seen": True, "tags": ["x", "y"], "a.b": 1},
    {"title": "B, C", "year": 1991, "rating": {"stars": 3.5, "votes": []}, "seen": None, "tags": []},
    {"title": None, "year": 1992, "rating": None, "seen": False},
]
FIELDS = {"title": "title", "year": "year", "stars": "rating.stars", "votes": "rating.votes", "seen": "seen", "tag": "tags[0]"}
EXPECTED = {
    "title": ["A", "B, C", None],
    "year": [1990, 1991, 1992],
    "stars": [4.0, 3.5, None],
    "votes": [[10.0, 2.5], [], None],
    "seen": [True, None, False],
    "tag": ["x", None, None],
}


def write(folder: Path, content: str | bytes, name: str) -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def rows(source) -> dict:
    first = source.frame().collect()
    again = source.frame()
    assert again.collect().equals(first)
    assert again.select(first.columns[-1]).collect().equals(first.select(first.columns[-1]))
    return first.to_dict(as_series=False)


@pytest.mark.parametrize("size", [64, 1 << 20])
def test_json_lines(tmp_path: Path, small_blocks, size: int) -> None:
    small_blocks(size)
    path = write(tmp_path, "\n".join(json.dumps(film) for film in FILMS) + "\n\n", "films.jsonl")
    assert rows(JsonLines(path=path, fields=FIELDS)) == EXPECTED
    types = JsonLines(path=path, fields=FIELDS).frame().collect_schema().dtypes()
    assert types == [pl.String, pl.Int64, pl.Float64, pl.List(pl.Float64), pl.Boolean, pl.String]


def test_documents(tmp_path: Path) -> None:
    listed = write(tmp_path, json.dumps(FILMS), "films.json")
    assert rows(Json(path=listed, fields=FIELDS)) == EXPECTED
    deep = write(tmp_path, json.dumps({"result": {"films": FILMS}}), "deep.json")
    assert rows(Json(path=deep, records="result.films", fields=FIELDS)) == EXPECTED
    assert rows(Yaml(path=write(tmp_path, yaml.safe_dump(FILMS), "films.yaml"), fields=FIELDS)) == EXPECTED
    assert rows(Yaml(path=write(tmp_path, yaml.safe_dump_all(FILMS), "each.yaml"), fields=FIELDS)) == EXPECTED


def test_one_record_in_each_file(tmp_path: Path) -> None:
    for number, film in enumerate(FILMS):
        write(tmp_path, json.dumps(film), f"film{number}.json")
    assert rows(Json(path=str(tmp_path / "*.json"), fields=FIELDS)) == EXPECTED
    named = rows(Json(path=str(tmp_path / "*.json"), fields={"year": "year"}, file_column="file"))
    assert named == {"year": [1990, 1991, 1992], "file": ["film0.json", "film1.json", "film2.json"]}


XML = """<?xml version="1.0"?>
<films source="x">
  <film year="1990"><title lang="en">A</title><stars>4</stars><tag>x</tag><tag>y</tag></film>
  <film year="1991"><title>B &amp; C</title><stars>3.5</stars><tag>z</tag></film>
  <other><film/></other>
  <film year="NA"><title/></film>
</films>"""


def test_xml(tmp_path: Path) -> None:
    path = write(tmp_path, XML, "films.xml")
    fields = {"year": "@year", "title": "title", "en": "title.#text", "stars": "stars", "second": "tag[1]"}
    with pytest.raises(DataError, match=r"DA055.*line 3, column 'title'"):
        Xml(path=path, records="films/film", fields=fields).frame()
    del fields["title"]
    assert rows(Xml(path=path, records="films/film", fields=fields)) == {
        "year": [1990, 1991, None],
        "en": ["A", None, None],
        "stars": [4.0, 3.5, None],
        "second": ["y", None, None],
    }
    plain = "<rows>" + "".join(f"<row><a>{i}</a><b>w{i}</b></row>" for i in range(50_000)) + "</rows>"
    path = write(tmp_path, plain, "rows.xml")
    assert Xml(path=path).frame().collect().equals(pl.from_pandas(pandas.read_xml(path, parser="etree")))


def test_fields_that_come_late_are_not_lost(tmp_path: Path) -> None:
    lines = [json.dumps({"a": i, "b": i}) for i in range(1200)] + ['{"a": 1, "c": 2}']
    path = write(tmp_path, "\n".join(lines), "rows.jsonl")
    with pytest.raises(DataError, match=r"DA055.*line 1,201, column 'c'(.*\n)*.*first records: a, b"):
        JsonLines(path=path).frame()
    assert JsonLines(path=path, fields={"a": "a"}).frame().collect().height == 1201
    early = write(tmp_path, '{"a": 1}\n{"b": 2, "a": null}\n', "early.jsonl")
    assert rows(JsonLines(path=early)) == {"a": [1, None], "b": [None, 2]}


def test_mixed_types(tmp_path: Path) -> None:
    path = write(tmp_path, '{"a": 1, "b": true, "c": 9223372036854775808}\n{"a": "x", "b": 2, "c": 1}\n', "rows.jsonl")
    assert rows(JsonLines(path=path)) == {"a": ["1", "x"], "b": ["true", "2"], "c": [2.0**63, 1.0]}
    with pytest.raises(DataError, match=r"DA051.*line 2, column 'a'(.*\n)*.*'x'"):
        JsonLines(path=path, columns={"a": {"type": "integer"}}).frame()
    assert rows(JsonLines(path=path, missing_values=["x"]))["a"] == [1, None]
    assert rows(JsonLines(path=path, categorical="c"))["c"] == ["9223372036854775808", "1"]
    path = write(tmp_path, '{"a": [1]}\n{"a": 1}\n', "lists.jsonl")
    with pytest.raises(DataError, match=r"DA055.*line 2, column 'a'"):
        JsonLines(path=path).frame()


def test_yaml_knows_days(tmp_path: Path) -> None:
    path = write(tmp_path, "- {day: 2024-02-29, at: 2024-02-29 12:30:00}\n", "days.yaml")
    assert rows(Yaml(path=path)) == {"day": ["2024-02-29"], "at": ["2024-02-29T12:30:00"]}


BOMB = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{n}: &{n} [{','.join([f'*{p}'] * 9)}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("source", "content", "code", "where"),
    [
        (JsonLines, '{"a": 1}\n{"a": 1,}\n', "DA054", "line 2, letter 9"),
        (JsonLines, '{"a": 1}\n[1, 2', "DA054", "line 2, letter"),
        (JsonLines, '{"a": 1}\n"text"\n', "DA055", "line 2"),
        (JsonLines, '{"a": {"b": 1}}\n', "DA055", "line 1, column 'a'"),
        (JsonLines, '{"a": ["x"]}\n', "DA055", "line 1, column 'a'"),
        (JsonLines, b'{"a": "\xff"}\n', "DA032", "line 1"),
        (JsonLines, "", "DA006", ""),
        (JsonLines, "\n\n", "DA006", ""),
        (JsonLines, "[" * 100_000, "DA054", "line 1"),
        (JsonLines, "x" * 300_000, "DA054", "line 1"),
        (Json, '[{"a": 1},\n {"a": }]', "DA054", "line 2, letter 8"),
        (Json, b'{"a": "\xff"}', "DA054", "line 1"),
        (Json, "[1, 2]", "DA055", "line 1"),
        (Json, "[]", "DA006", ""),
        (Json, "[" * 100_000, "DA054", "line 1"),
        (Yaml, "a: [1", "DA054", "line 2, letter 1"),
        (Yaml, "a: !!python/object:os.system x", "DA054", "line 1"),
        (Yaml, BOMB, "DA055", "column 'b'"),
        (Yaml, "a: &a [*a]", "DA055", "column 'a'"),
        (Xml, "<a><b>1</b>", "DA054", "line 1"),
        (Xml, "<a>" * 1000, "DA054", "line 1"),
        (Xml, '<!DOCTYPE a [<!ENTITY x "y">]><a><b>&x;</b></a>', "DA054", "line 1"),
        (Xml, '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><b>&x;</b></a>', "DA054", "line 1"),
        (Xml, "<a></a>", "DA006", ""),
    ],
    ids=range(24),
)
def test_what_is_no_record_is_placed(tmp_path: Path, source, content, code: str, where: str) -> None:
    path = write(tmp_path, content, "rows.bad")
    with pytest.raises(DataError) as caught:
        source(path=path).frame().collect()
    assert caught.value.code == code, caught.value
    assert "rows.bad" in caught.value.problems[0].where
    assert where in caught.value.problems[0].where


def test_bounds(tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps(FILMS), "films.json")
    with pytest.raises(DataError, match="DA046(.*\n)*.*max_document"):
        Json(path=path, max_document=50).frame()
    with pytest.raises(DataError, match="DA050"):
        JsonLines(path=write(tmp_path, "x" * 3_000_000, "long.jsonl"), max_line=1 << 20).frame()
    big = "<a><b>" + "<c>x</c>" * 200_000 + "</b></a>"
    with pytest.raises(DataError, match="DA046(.*\n)*.*max_record"):
        Xml(path=write(tmp_path, big, "big.xml"), max_record=100_000).frame()
    with pytest.raises(DataError, match="DA055(.*\n)*.*list of records"):
        Json(path=path, records="films").frame()


def test_paths() -> None:
    assert steps_of("a.b[0].c") == ("a", "b", 0, "c")
    assert reach({"a": [{"b": 1}]}, steps_of("a[0].b")) == 1
    assert reach({"a": {"0": 2}}, steps_of("a.0")) == 2
    assert reach({"a": 1}, steps_of("a.b")) is None
    assert reach({"a": [1]}, steps_of("a[3]")) is None
    with pytest.raises(DescriptionError):
        JsonLines(path="a", fields={})
    with pytest.raises(DescriptionError):
        JsonLines(path="a", fields={"a": ".."})


VALUES = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.fixed_dictionaries({"a": VALUES, "b": VALUES}), min_size=1, max_size=20))
def test_every_value_is_there(tmp_path: Path, small_blocks, records) -> None:
    small_blocks(100)
    path = write(tmp_path, "\n".join(json.dumps(record) for record in records), "rows.jsonl")
    found = rows(JsonLines(path=path))
    for name in ("a", "b"):
        values = [record[name] for record in records]
        for ours, theirs in zip(found[name], values, strict=True):
            assert ours == theirs or ours == json.dumps(theirs)


def test_xml_records_of_another_name_are_named(tmp_path: Path) -> None:
    path = write(tmp_path, "<films><film><year>1979</year></film><actor/></films>", "films.xml")
    with pytest.raises(DataError, match=r"an element 'films/movie'(.*\n)*.*films/film") as found:
        Xml(path=path, records="films/movie").frame().collect()
    assert found.value.problems[0].code == "DA061"
    empty = write(tmp_path, "<films></films>", "empty.xml")
    assert Xml(path=(path, empty), records="films/film").frame().collect()["year"].to_list() == [1979]

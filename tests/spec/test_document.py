from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.errors import DescriptionError, Source
from lamina.spec import Document, load_document, parse_document
from lamina.spec import document as module

RECIPE = """\
# a comment
seed: 7
network:
  layers:
    - {type: dense, units: 3}
    - type: output
      units: 2
"""


def place(document: Document, *path: str | int) -> tuple[int, int]:
    source = document.sources[path]
    return source.line, source.column


def test_yaml_remembers_where_every_key_and_element_stood() -> None:
    document = parse_document(RECIPE, "net.yaml")
    assert document.data == {"seed": 7, "network": {"layers": [{"type": "dense", "units": 3}, {"type": "output", "units": 2}]}}
    assert place(document, "seed") == (2, 1)
    assert place(document, "network", "layers", 0) == (5, 7)
    assert place(document, "network", "layers", 0, "units") == (5, 21)
    assert place(document, "network", "layers", 1, "units") == (7, 7)
    assert str(document.source(("seed",))) == "net.yaml:2:1"


def test_a_path_without_a_place_gets_that_of_what_is_around_it() -> None:
    document = parse_document(RECIPE)
    assert document.source(("network", "layers", 1, "activation", "alpha")) == document.sources["network", "layers", 1]
    assert document.source(("nowhere",)) == Source("<description>", 2, 1)
    assert Document({}).source(("a",)) is None


def test_json_has_places_too() -> None:
    document = parse_document('{\n  "seed": 7,\n  "layers": [\n    {"units": 3}\n  ]\n}')
    assert document.data == {"seed": 7, "layers": [{"units": 3}]}
    assert place(document, "layers", 0, "units") == (4, 6)


def test_json_indented_by_tabs_keeps_its_places() -> None:
    document = parse_document('{\n\t"a": {\n\t\t"b": "x\\ty"\n\t}\n}')
    assert document.data == {"a": {"b": "x\ty"}}
    assert place(document, "a", "b") == (3, 3)


def test_tabs_in_yaml_are_refused_with_their_line() -> None:
    with pytest.raises(DescriptionError) as caught:
        parse_document("a:\n\tb: 1", "net.yaml")
    assert caught.value.code == "SP001"
    assert caught.value.problems[0].source == Source("net.yaml", 2, 1)


plain_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufeff\u2028\u2029"), max_size=20)
plain_data = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False) | plain_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain_text, inner, max_size=4),
    max_leaves=12,
)


@given(plain_data, st.booleans())
def test_all_json_reads_as_json_does(data: object, ascii_only: bool) -> None:
    assert parse_document(json.dumps(data, ensure_ascii=ascii_only, indent=2)).data == data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 1e5),
        (".5", 0.5),
        ("-3", -3),
        ("+3", 3),
        ("010", 10),
        ("3.", 3.0),
        ("-.inf", -math.inf),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("on", "on"),
        ("yes", "yes"),
        ("no", "no"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("'3'", "3"),
        ("1e", "1e"),
        ("<<", "<<"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    read = parse_document(f"key: {text}").data["key"]
    assert read == value
    assert type(read) is type(value)


def test_an_empty_file_holds_nothing() -> None:
    assert parse_document("").data is None
    assert parse_document("# only a comment\n").data is None


@pytest.mark.parametrize(
    "text",
    [
        "a: [1, 2",
        "a: {b: 1",
        "a: b: c",
        "- 1\nb: 2",
        "a: 'open",
        "a: 1\n--- \nb: 2",
        "? [1, 2]\n: x",
        "? {a: 1}\n: x",
        "a: !!python/object/apply:os.system [true]\nb: !unknown x",
        "a: *nobody",
        "a: \x00",
        "a: !!int zwölf",
        "[" * 5000,
        "a: &a [*a]",
        "a: " + "9" * 5000,
    ],
)
def test_what_is_no_yaml_is_refused(text: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        parse_document(text, "net.yaml")
    problem = caught.value.problems[0]
    assert problem.code == "SP001"
    assert problem.source is not None
    assert problem.source.file == "net.yaml"
    assert problem.fix == "mend the line named above"


def test_a_key_that_stands_twice_names_both_places() -> None:
    with pytest.raises(DescriptionError) as caught:
        parse_document("a: 1\nb: {c: 1, d: 2, c: 3}\na: 2", "net.yaml")
    first, second = caught.value.problems
    assert (first.code, first.where, str(first.source)) == ("SP006", "b.c", "net.yaml:2:17")
    assert (second.code, second.where, str(second.source)) == ("SP006", "a", "net.yaml:3:1")
    assert second.got == "'a' again, first at net.yaml:1:1"
    assert second.fix == "keep one of the two 'a'"


def test_numbers_and_words_that_look_like_other_things_are_the_same_key() -> None:
    with pytest.raises(DescriptionError, match="SP006"):
        parse_document("1: a\n'1': b")
    assert parse_document("true: a\n1.50: b").data == {"true": "a", "1.50": "b"}


def test_aliases_are_followed() -> None:
    document = parse_document("base: &b {units: 3}\nlayers: [*b, *b]")
    assert document.data["layers"] == [{"units": 3}, {"units": 3}]
    # Not one object twice: setting one must not change the other.
    document.set("layers[0].units=5")
    assert document.data == {"base": {"units": 3}, "layers": [{"units": 5}, {"units": 3}]}


def test_aliases_that_multiply_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_NODES", 10_000)
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    with pytest.raises(DescriptionError) as caught:
        parse_document("\n".join(levels))
    assert caught.value.code == "SP001"
    assert "10000 values" in caught.value.problems[0].got


def test_a_file_is_read_with_and_without_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "net.yaml"
    file.write_bytes(b"\xef\xbb\xbfseed: 1\r\nname: \xc3\xa4\r\n")
    document = load_document(file)
    assert document.data == {"seed": 1, "name": "ä"}
    assert document.source(("name",)) == Source(str(file), 2, 1)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"name: \xe4")
    big = tmp_path / "big.yaml"
    big.write_text("a: 1 " + "#" * 200)
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    expected = {
        tmp_path / "missing.yaml": "check the path",
        tmp_path: "check the path",
        latin: "save the file as UTF-8",
        big: "give the recipe's own file",
    }
    for file, fix in expected.items():
        with pytest.raises(DescriptionError) as caught:
            load_document(file)
        assert (caught.value.code, caught.value.problems[0].fix) == ("SP010", fix)
        assert caught.value.problems[0].where == str(file)


def test_set_changes_what_is_there_and_says_where_it_came_from() -> None:
    document = parse_document(RECIPE, "net.yaml")
    document.set("seed=9")
    document.set("network.layers[-1].units=1e1")
    document.set("train.optimizer.learning_rate=[1, 2]")
    assert document.data["seed"] == 9
    assert document.data["network"]["layers"][1]["units"] == 10.0
    assert document.data["train"] == {"optimizer": {"learning_rate": [1, 2]}}
    source = document.source(("network", "layers", 1, "units"))
    assert source is not None
    assert source.file == "--set network.layers[-1].units"
    source = document.source(("network", "layers", 0, "units"))
    assert source is not None
    assert source.file == "net.yaml"


def test_set_opens_words_up() -> None:
    document = parse_document("optimizer: adam\nlayers: [flatten]")
    document.set("optimizer.learning_rate=0.1")
    document.set("layers[0].name=flat")
    assert document.data == {"optimizer": {"type": "adam", "learning_rate": 0.1}, "layers": [{"type": "flatten", "name": "flat"}]}


def test_set_fills_an_empty_file() -> None:
    document = parse_document("")
    document.set("seed=3")
    assert document.data == {"seed": 3}


@pytest.mark.parametrize(
    ("assignment", "code", "fix"),
    [
        ("seed", "SP007", "write --set seed=VALUE"),
        ("=3", "SP007", "write a path such as train.optimizer.learning_rate or network.layers[2].units"),
        ("a[x]=3", "SP007", "write a path such as train.optimizer.learning_rate or network.layers[2].units"),
        ("network.layers[2].units=3", "SP007", "use a position from 0 to 1"),
        ("network.layers.first=3", "SP007", "use a position from 0 to 1"),
        ("network[0]=3", "SP007", "name one of its keys"),
        ("seed.more=3", "SP007", "end the path at seed"),
        ("seed=[1", "SP001", "mend the line named above"),
    ],
)
def test_set_refuses_what_does_not_follow_the_document(assignment: str, code: str, fix: str) -> None:
    document = parse_document(RECIPE)
    with pytest.raises(DescriptionError) as caught:
        document.set(assignment)
    assert (caught.value.code, caught.value.problems[0].fix) == (code, fix)


def test_a_backslash_between_double_quotes_is_explained() -> None:
    with pytest.raises(DescriptionError, match="between single quotes") as caught:
        parse_document('pattern: "\\d+"')
    assert caught.value.code == "SP001"
    assert parse_document("pattern: '\\d+'").data == {"pattern": r"\d+"}

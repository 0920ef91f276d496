"""Protocol buffers: the same as the library of protocol buffers reads, and nothing that breaks."""

from __future__ import annotations

import random
import time
from typing import Any

import numpy as np
import pytest

from lamina.errors import InteropError
from lamina.interop.protobuf.schema import Schema
from lamina.interop.protobuf.text import parsed_text
from lamina.interop.protobuf.wire import parsed
from lamina.interop.protobuf.write import written

SCHEMA = Schema("""
# Every type there is.
message All: a 1 int32, b 2 int64, c 3 uint32, d 4 uint64, e 5 sint32, f 6 sint64, g 7 bool, h 8 fixed32, i 9 fixed64
  j 10 sfixed32, k 11 sfixed64, l 12 float, m 13 double, n 14 string, o 15 bytes, p 16 Word, q 17 All
  ra 21 int32*, re 25 sint32*, rg 27 bool*, rl 32 float*, rm 33 double*, rn 34 string*, rp 36 Word*, rq 37 All*, rd 24 uint64*
enum Word: ONE 1, TWO 2
""")


@pytest.fixture(scope="module")
def library() -> Any:
    """The same messages in the library of protocol buffers."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="all.proto", package="x", syntax="proto2")
    words = file.enum_type.add(name="Word")
    for word, number in SCHEMA.enums["Word"].items():
        words.value.add(name=word, number=number)
    made = file.message_type.add(name="All")
    for field in SCHEMA.messages["All"].fields.values():
        entry = made.field.add(name=field.name, number=field.number, label=3 if field.repeated else 1)
        if field.kind in ("Word", "All"):
            entry.type_name = f".x.{field.kind}"
        else:
            entry.type = getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{field.kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("x.All"))


DATA = {
    "a": -5,
    "b": -(2**63),
    "c": 2**32 - 1,
    "d": 2**64 - 1,
    "e": -3,
    "f": -(2**63),
    "g": True,
    "h": 7,
    "i": 2**63,
    "j": -7,
    "k": -(2**40),
    "l": 0.5,
    "m": -1e300,
    "n": "Grüße",
    "o": b"\x00\xff",
    "p": "TWO",
    "q": {"a": 1, "q": {"n": "deep"}},
    "ra": [1, -1, 300, 2**31 - 1],
    "re": [0, -1, 1, -(2**31)],
    "rg": [True, False],
    "rl": [1.5, -2.5],
    "rm": [1e-300],
    "rn": ["", "b"],
    "rp": ["ONE", "TWO"],
    "rq": [{"a": 1}, {"a": 2}],
    "rd": [2**64 - 1, 0],
}


def _same(message: Any) -> None:
    for name in ("a", "b", "c", "d", "e", "f", "h", "i", "j", "k"):
        assert message.integer(name) == DATA[name], name
    assert message.boolean("g")
    assert (message.number("l"), message.number("m")) == (0.5, -1e300)
    assert message.text("n") == "Grüße"
    assert bytes(message.raw("o")) == b"\x00\xff"
    assert message.word("p") == "TWO"
    assert message.message("q").message("q").text("n") == "deep"
    assert [inner.integer("a") for inner in message.messages("rq")] == [1, 2]
    for name in ("ra", "re", "rd"):
        assert [int(value) for value in message.numbers(name)] == DATA[name], name
    assert list(message.numbers("rg")) == DATA["rg"]
    assert list(message.numbers("rl")) == DATA["rl"]
    assert list(message.numbers("rm")) == DATA["rm"]
    assert message.texts("rn") == ["", "b"]
    assert message.integers("rp") == [1, 2]


def test_what_is_written_is_read_as_the_library_reads_it(library: Any) -> None:
    raw = written(SCHEMA, "All", DATA)
    found = library.FromString(raw)
    assert (found.a, found.b, found.d, found.f, found.n, found.p) == (-5, -(2**63), 2**64 - 1, -(2**63), "Grüße", 2)
    assert list(found.ra) == DATA["ra"]
    assert found.q.q.n == "deep"
    _same(parsed(raw, SCHEMA, "All", "f"))
    _same(parsed(found.SerializeToString(), SCHEMA, "All", "f"))  # not packed


def test_the_text_of_the_library_is_read(library: Any) -> None:
    from google.protobuf import text_format

    text = text_format.MessageToString(library.FromString(written(SCHEMA, "All", DATA)))
    _same(parsed_text(text, SCHEMA, "All", "f"))


@pytest.mark.parametrize(
    "text",
    [
        "rl: [1.5, -2.5f] # numbers",
        "rl: 1.5; rl: -2.5,",
        "rl:1.5rl:-2.5"[:6] + " rl:-25e-1",
    ],
)
def test_ways_of_writing(text: str) -> None:
    assert list(parsed_text(text, SCHEMA, "All", "f").numbers("rl")) == [1.5, -2.5]


def test_text_escapes_and_joined_strings() -> None:
    made = parsed_text("n: 'a\\n' \"b\\101\\x42\" q < a: 0x10 b: 010 > l: inf m: -nan g: t p: 2", SCHEMA, "All", "f")
    assert made.text("n") == "a\nbAB"
    assert made.message("q").integer("a") == 16  # type: ignore[union-attr]
    assert made.message("q").integer("b") == 8  # type: ignore[union-attr]
    assert made.number("l") == float("inf")
    assert made.boolean("g")
    assert made.word("p") == "TWO"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nbb: 2", 2),
        ("a: 1\n\nn: 5", 3),
        ("q {", 1),
        ("a: x", 1),
        ("a 5", 1),
        ("p: THREE", 1),
        ("ra: [1 2]", 1),
        ("n: 'x", 1),
        ("a: 1.5", 1),
    ],
)
def test_text_that_is_refused_names_its_line(text: str, line: int) -> None:
    with pytest.raises(InteropError, match=f"f:{line}"):
        parsed_text(text, SCHEMA, "All", "f")


def test_a_message_in_two_parts_is_one() -> None:
    raw = written(SCHEMA, "All", {"q": {"a": 1}}) + written(SCHEMA, "All", {"q": {"b": 2}})
    inner = parsed(raw, SCHEMA, "All", "f").message("q")
    assert inner is not None
    assert (inner.integer("a"), inner.integer("b")) == (1, 2)


def test_unknown_fields_stay_known_by_their_number() -> None:
    assert parsed(b"\xf8\x07\x05" + written(SCHEMA, "All", {"a": 1}), SCHEMA, "All", "f").names() == ["#127", "a"]


def test_a_million_messages_deep_is_refused_quickly() -> None:
    begin = time.perf_counter()
    with pytest.raises(InteropError, match="IO003"):
        parsed_text("q {" * 1_000_000 + "}" * 1_000_000, SCHEMA, "All", "f")
    groups = b"\x8b\x01" * 1_000_000 + b"\x8c\x01" * 1_000_000
    with pytest.raises(InteropError, match="IO003"):
        parsed(groups, SCHEMA, "All", "f")
    raw = b""
    for _ in range(200):
        raw = written(SCHEMA, "All", {"q": {}})[:-1] + bytes([len(raw) & 127 | 128, len(raw) >> 7]) + raw
    message = parsed(raw, SCHEMA, "All", "f")
    with pytest.raises(InteropError, match="IO003"):
        _innermost(message)
    assert time.perf_counter() - begin < 5


def _innermost(message: Any) -> None:
    while message is not None:
        message = message.message("q")


def test_damage_is_an_interop_error_and_nothing_else() -> None:
    raw, chance = written(SCHEMA, "All", DATA), random.Random(1)
    for _ in range(3000):
        changed = bytearray(raw[: chance.randrange(1, len(raw))] if chance.random() < 0.3 else raw)
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        try:
            made = parsed(bytes(changed), SCHEMA, "All", "f")
            _look(made)
        except InteropError:
            continue


def _look(made: Any) -> None:
    for name in made.names():
        field = made.kind.fields.get(name)
        if field is None:
            continue
        if field.kind == "All":
            inner = made.messages(name)
            made.message(name)
            for each in inner:
                _look(each)
        elif field.kind == "string":
            made.texts(name)
        elif field.kind == "bytes":
            made.raws(name)
        else:
            made.numbers(name)


def test_numbers_are_views_of_the_file() -> None:
    values = np.arange(1000, dtype=np.float32)
    raw = written(SCHEMA, "All", {"rl": list(values)})
    found = parsed(raw, SCHEMA, "All", "f").numbers("rl")
    assert (found == values).all()
    assert not found.flags.owndata
    assert found.base is not None

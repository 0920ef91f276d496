"""Expressions as settings of descriptions."""

from __future__ import annotations

import pytest

from lamina.data.expressions import Column, ExpressionText, parse
from lamina.errors import DescriptionError
from lamina.spec import Description


class Derive(Description):
    """Holds an expression."""

    value: ExpressionText


def test_text_in_files_and_a_tree_inside() -> None:
    made = Derive.from_yaml("{value: 'log1p( rooms/households )'}")
    assert made.value == parse("log1p(rooms / households)")
    assert made.to_dict()["value"] == "log1p(rooms / households)"
    assert Derive.from_dict(made.to_dict()) == made == Derive(value=parse("log1p(rooms / households)"))
    assert Derive.from_yaml(made.to_yaml()) == made
    assert Derive(value="rooms").value == Column("rooms")
    assert Derive.from_yaml("{value: 1.5}").value == parse("1.5")
    assert Derive.from_yaml("{value: true}").value == parse("True")
    assert Derive.from_yaml("value: |\n  a\n  + b\n").value == parse("a + b")


@pytest.mark.parametrize(
    ("text", "place", "fix"),
    [
        ("value: a +* b", ":1:", "brackets"),
        ("value: lgo(a)", ":1:", "'log'"),
        ("value: [a]", ":1:", "quotes"),
        ("value: .inf", ":1:", "quotes"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str, place: str, fix: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        Derive.from_yaml(text)
    problem = caught.value.problems[0]
    assert problem.code == "SP004"
    assert place in f"{problem.source}"
    assert fix in problem.fix


def test_the_schema_of_json_says_what_may_be_written() -> None:
    schema = Derive.model_json_schema()["properties"]["value"]
    assert {one["type"] for one in schema["anyOf"]} == {"string", "number", "boolean"}

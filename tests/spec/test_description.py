from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import model_validator

from lamina.errors import DescriptionError, Problem, Source
from lamina.shapes import Features, Image, Shape
from lamina.spec import Description, Document, register, wrong_value
from lamina.spec.fields import Count, Names, NonNegative, Pad2, Positive, Probability, Size1, Size2, listed, several, spread

FAMILY = "sort"


class Sort(Description, family=FAMILY):
    """A family; a number is short for `Scaled`."""

    @classmethod
    def adapt(cls, value: Any) -> Any:
        return {"type": "scaled", "by": value} if isinstance(value, int | float) and not isinstance(value, bool) else value


@register("scaled")
class Scaled(Sort):
    positional: ClassVar[tuple[str, ...]] = ("by",)
    by: Positive
    shift: float = 0.0

    @classmethod
    def examples(cls) -> Sequence[Any]:
        return [cls(2.0)]


@register("plain")
class Plain(Sort):
    words: Names = ()

    @classmethod
    def examples(cls) -> Sequence[Any]:
        return [cls()]


@register("range")
class Range(Sort):
    low: float = 0.0
    high: float = 1.0

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.low >= self.high:
            raise wrong_value(expected="low < high", cause="the bounds are swapped", fix="exchange low and high")
        return self

    @classmethod
    def examples(cls) -> Sequence[Any]:
        return [cls()]


@register("nested")
class Nested(Sort):
    inner: Sort
    others: listed(Sort) = ()  # type: ignore[valid-type]

    @classmethod
    def examples(cls) -> Sequence[Any]:
        return [cls(inner=Plain())]


class Unregistered(Sort):
    pass


class Part(Description):
    rate: float | Sort = 0.1
    size: Size2 = 3


class Whole(Description):
    seed: int = 0
    sort: Sort = Plain()
    sorts: several(Sort) = ()  # type: ignore[valid-type]
    part: Part = Part()
    table: dict[str, Positive] = {}


def problems(text: str) -> list[Problem]:
    with pytest.raises(DescriptionError) as caught:
        Whole.from_document(document(text))
    return list(caught.value.problems)


def document(text: str) -> Document:
    from lamina.spec import parse_document

    return parse_document(text, "whole.yaml")


def only(text: str) -> Problem:
    (problem,) = problems(text)
    return problem


# -- what can be said ------------------------------------------------------------------------------------------------------------


def test_python_yaml_and_json_are_three_spellings_of_one_description() -> None:
    python = Whole(seed=3, sort=Nested(inner=0.5, others=["plain", Scaled(2, shift=1)]), part=Part(size=(1, 2)), table={"a": 1.0})
    yaml = """
    seed: 3
    sort: {type: nested, inner: {type: scaled, by: 0.5}, others: [plain, {type: scaled, by: 2, shift: 1.0}]}
    part: {size: [1, 2]}
    table: {a: 1}
    """
    assert Whole.from_yaml(yaml) == python
    assert Whole.from_yaml(python.to_yaml()) == python
    assert Whole.from_yaml(python.to_json()) == python
    assert Whole.from_dict(json.loads(python.to_json())) == python
    assert Whole.from_dict(python.to_dict(full=True)) == python
    assert eval(repr(python), globals()) == python


def test_only_what_was_set_is_written() -> None:
    assert Whole(seed=0).to_dict() == {"seed": 0}
    assert Whole(sort="plain").to_dict() == {"sort": "plain"}
    assert Whole().to_dict(full=True) == {
        "seed": 0,
        "sort": {"type": "plain", "words": []},
        "sorts": [],
        "part": {"rate": 0.1, "size": 3},
        "table": {},
    }


sorts = st.recursive(
    st.builds(lambda names: Plain(words=names), st.lists(st.text(st.characters(categories=["L"]), min_size=1, max_size=4), max_size=3))
    | st.builds(lambda by, shift: Scaled(by, shift=shift), st.floats(1e-6, 1e6), st.floats(-9, 9))
    | st.builds(lambda low, more: Range(low=low, high=low + more), st.integers(-9, 9), st.integers(1, 9)),
    lambda inner: st.builds(lambda one, others: Nested(inner=one, others=others), inner, st.lists(inner, max_size=3)),
    max_leaves=6,
)


@given(sorts, st.booleans())
def test_whatever_is_written_reads_back(sort: Sort, full: bool) -> None:
    assert Whole.from_yaml(Whole(sort=sort).to_yaml(full=full)) == Whole(sort=sort)
    assert Whole.from_yaml(Whole(sort=sort).to_json(full=full)) == Whole(sort=sort)


def test_values_by_position() -> None:
    assert Scaled(2.0) == Scaled(by=2.0)
    assert Image(1, 2, 3) == Image(channels=1, height=2, width=3)


def test_too_many_values_by_position() -> None:
    with pytest.raises(DescriptionError) as caught:
        Scaled(1, 2)
    assert (caught.value.code, caught.value.problems[0].fix) == ("SP004", "write Scaled(by, setting=value)")
    with pytest.raises(DescriptionError) as caught:
        Plain(1)
    assert caught.value.problems[0].expected == "at most 0 values by position (none)"


def test_a_value_by_position_and_by_name() -> None:
    with pytest.raises(DescriptionError) as caught:
        Scaled(1, by=2)
    assert caught.value.problems[0].where == "Scaled.by"
    assert caught.value.problems[0].fix == "remove by= or the value by position"


def test_a_description_cannot_be_changed() -> None:
    sort = Scaled(1.0)
    with pytest.raises(ValueError, match="frozen"):
        sort.by = 2.0
    assert hash(Scaled(1.0)) == hash(sort)
    assert copy.deepcopy(sort) == sort
    assert pickle.loads(pickle.dumps(sort)) == sort


def test_replace_makes_a_checked_copy() -> None:
    sort = Scaled(1.0)
    assert sort.replace(by=3.0) == Scaled(3.0)
    assert sort == Scaled(1.0)
    assert "shift" not in sort.replace(by=3.0).model_fields_set
    with pytest.raises(DescriptionError) as caught:
        sort.replace(bye=3.0)
    assert caught.value.problems[0].fix == "did you mean 'by'?"


def test_a_family_is_read_by_itself(tmp_path: Path) -> None:
    assert Shape.from_yaml("{type: features, count: 3}") == Features(3)
    assert Sort.from_yaml("plain") == Plain()
    assert Sort.from_yaml("0.5") == Scaled(0.5)
    file = tmp_path / "shape.json"
    file.write_text('{"type": "image", "channels": 1, "height": 2, "width": 3}')
    assert Shape.load(file) == Image(1, 2, 3)
    # A member is also read as itself, with or without its type.
    assert Features.from_yaml("count: 3") == Features.from_yaml("{type: features, count: 3}")


def test_one_alone_needs_no_brackets() -> None:
    assert Whole(sorts="plain") == Whole(sorts=["plain"]) == Whole.from_yaml("sorts: plain")
    assert Whole(sorts=None).sorts == ()
    assert Plain(words="a") == Plain(words=["a"]) == Plain(words=("a",))


def test_a_part_of_a_document_is_read_by_its_path() -> None:
    text = "runs:\n  - part: {sizze: 1}"
    with pytest.raises(DescriptionError) as caught:
        Part.from_document(document(text), ("runs", 0, "part"))
    assert str(caught.value).startswith("[SP002] whole.yaml:2:12: runs[0].part.sizze: unknown setting.")


def test_an_unregistered_component_works_in_python_and_is_not_written() -> None:
    whole = Whole(sort=Unregistered())
    with pytest.raises(DescriptionError) as caught:
        whole.to_yaml()
    assert caught.value.code == "SP009"
    assert caught.value.problems[0].fix == 'decorate it: @register("unregistered") above class Unregistered'


def test_a_child_of_a_registered_class_has_no_type_of_its_own() -> None:
    class Child(Scaled):
        pass

    assert Child.type_name is None
    assert Child.family_name() == FAMILY
    assert Child.has_examples()
    assert not Unregistered.has_examples()


# -- what is refused -------------------------------------------------------------------------------------------------------------


def test_all_problems_come_at_once_with_their_places() -> None:
    found = problems(
        """\
sead: 1
sort:
  type: nested
  inner: {type: scald, by: 1}
  others:
    - plane
    - {type: scaled, by: -1}
    - {by: 1}
part:
  size: [1, 2, 3]
table: {a: 0}
"""
    )
    assert [(p.code, p.where, p.source and (p.source.line, p.source.column)) for p in found] == [
        ("SP003", "sort.inner", (4, 11)),
        ("SP003", "sort.others[0]", (6, 7)),
        ("SP004", "sort.others[1].by", (7, 22)),
        ("SP005", "sort.others[2]", (8, 7)),
        ("SP004", "part.size", (10, 3)),
        ("SP004", "table.a", (11, 9)),
        ("SP002", "sead", (1, 1)),
    ]
    assert [p.fix for p in found] == [
        "did you mean 'scaled'?",
        "did you mean 'plain'?",
        "give by a number greater than 0",
        "add type: nested",
        "write one number for all axes, or one for each of the 2 axes",
        "give a a number greater than 0",
        "did you mean 'seed'?",
    ]


def test_an_unknown_setting_lists_what_is_allowed() -> None:
    problem = only("sort: {type: scaled, by: 1, factor: 3}")
    assert (problem.code, problem.expected, problem.cause) == ("SP002", "a setting of 'scaled': by, shift", "'scaled' has no such setting")
    assert problem.fix == "remove 'factor'"


def test_a_missing_setting_says_what_to_add() -> None:
    problem = only("sort: scaled")
    assert (problem.code, problem.where, problem.fix) == ("SP005", "sort.by", "add by: VALUE")
    assert problem.source == Source("whole.yaml", 1, 1)


def test_numbers_in_quotes_are_told_so() -> None:
    problem = only("seed: '3'")
    assert problem.got == "'3'"
    assert problem.fix == "write seed: 3 without quotes"


@pytest.mark.parametrize("text", ["seed: 1.5", "seed: true", "seed: [1]", "seed:", "part: 3", "part: [1]", "table: 3", "table: {a: x}"])
def test_values_of_the_wrong_kind(text: str) -> None:
    problem = only(text)
    assert problem.code == "SP004"
    assert problem.source is not None


@pytest.mark.parametrize("text", ["part: {rate: .inf}", "part: {rate: .nan}", "sort: {type: scaled, by: .inf}"])
def test_numbers_that_are_none_are_refused(text: str) -> None:
    assert only(text).expected.startswith("a finite number")


def test_a_value_that_is_no_component() -> None:
    problem = only("sort: [1]")
    assert (problem.code, problem.cause) == ("SP004", f"this is no description of a {FAMILY}")
    assert problem.fix == "write {type: nested} with its settings"


def test_a_validators_own_words_are_kept() -> None:
    problem = only("sort: {type: range, low: 2}")
    assert (problem.expected, problem.cause, problem.fix) == ("low < high", "the bounds are swapped", "exchange low and high")
    assert problem.where == "sort"


def test_a_type_that_does_not_fit_its_place() -> None:
    with pytest.raises(DescriptionError) as caught:
        Features.from_yaml("{type: image, count: 3}")
    assert (caught.value.code, caught.value.problems[0].fix) == ("SP003", "write type: features")


@pytest.mark.parametrize(
    ("rate", "code", "where", "fix"),
    [
        ("'0.1'", "SP004", "part.rate", "write rate: 0.1 without quotes"),
        ("fast", "SP004", "part.rate", "give rate a value that is as expected above"),
        ("scalde", "SP003", "part.rate", "did you mean 'scaled'?"),
        ("[1]", "SP004", "part.rate", "give rate a value that is as expected above"),
        ("{type: scalde}", "SP003", "part.rate", "did you mean 'scaled'?"),
        ("{type: scaled}", "SP005", "part.rate.by", "add by: VALUE"),
        ("{type: scaled, by: 1, shfit: 2}", "SP002", "part.rate.shfit", "did you mean 'shift'?"),
        ("{by: 1}", "SP005", "part.rate", "add type: nested"),
    ],
)
def test_a_number_or_a_component_gives_one_problem(rate: str, code: str, where: str, fix: str) -> None:
    problem = only(f"part: {{rate: {rate}}}")
    assert (problem.code, problem.where, problem.fix) == (code, where, fix)


def test_a_value_of_no_kind_names_all_kinds() -> None:
    assert only("part: {rate: [1]}").expected.startswith("a valid number, or a sort")


def test_a_problem_in_a_shorthand_stands_at_the_shorthand() -> None:
    problem = only("sort: -1")
    assert (problem.code, problem.where, problem.got) == ("SP004", "sort", "-1")


def test_errors_from_python_name_the_class() -> None:
    with pytest.raises(DescriptionError) as caught:
        Nested(inner={"type": "scaled", "by": "x"})
    assert caught.value.problems[0].where == "Nested.inner.by"
    assert caught.value.problems[0].source is None


def test_the_message_has_five_parts_and_the_page() -> None:
    text = str(only("sead: 1"))
    assert text == (
        "[SP002] whole.yaml:1:1: sead: unknown setting.\n"
        "  Expected: a setting of 'whole': seed, sort, sorts, part, table\n"
        "  Got:      'sead'\n"
        "  Cause:    a typo\n"
        "  Fix:      did you mean 'seed'?\n"
        "  More:     docs/errors/SP002.md"
    )


# -- kinds of values -------------------------------------------------------------------------------------------------------------


class Kinds(Description):
    count: Count = 1
    rest: NonNegative = 0.0
    chance: Probability = 0.0
    line: Size1 = 1
    pad: Pad2 = 0


@pytest.mark.parametrize(
    "values",
    [{"count": 1}, {"rest": 0}, {"chance": 0.999}, {"line": [3]}, {"line": 3}, {"pad": [0, 2]}, {"pad": (0, 2)}, {"pad": 0}],
)
def test_kinds_take(values: dict[str, Any]) -> None:
    assert Kinds.from_yaml(Kinds(**values).to_yaml()) == Kinds(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"count": 0},
        {"count": True},
        {"count": 1.0},
        {"rest": -1e-9},
        {"chance": 1},
        {"chance": -0.1},
        {"line": 0},
        {"line": [1, 2]},
        {"line": "3"},
        {"pad": -1},
        {"pad": [1]},
        {"pad": [1, True]},
        {"pad": [1.0, 2]},
    ],
)
def test_kinds_refuse(values: dict[str, Any]) -> None:
    with pytest.raises(DescriptionError) as caught:
        Kinds(**values)
    assert caught.value.code == "SP004"
    assert len(caught.value.problems) == 1


def test_spread_gives_one_size_for_each_axis() -> None:
    assert spread(3, 2) == (3, 3)
    assert spread((3, 4), 2) == (3, 4)


@pytest.mark.parametrize(
    ("layer", "cause", "fix"),
    [
        (
            "relu",
            "'relu' is an activation, not a layer",
            "write {type: activation, activation: relu}, or activation: relu in the layer before",
        ),
        ("{type: mse}", "'mse' is a loss, not a layer", "write {type: loss, loss: mse}, or loss: mse in an output layer"),
        ("gaussian_noise", "'gaussian_noise' is a noise, not a layer", "write {type: dropout, rate: {type: gaussian_noise, ...}}"),
        ("{type: dense, units: 3, activation: prelu}", "'prelu' is a layer, not an activation", "put a layer {type: prelu} after this one"),
        ("{type: dense, units: 3, initializer: relu}", "'relu' is an activation, not an initializer", "use one of those above"),
    ],
)
def test_a_word_of_another_family_is_told_where_it_belongs(layer: str, cause: str, fix: str) -> None:
    from lamina.network import Sequential

    with pytest.raises(DescriptionError) as caught:
        Sequential.from_yaml(f"{{type: sequential, layers: [{layer}, {{type: output, units: 3}}]}}")
    (problem,) = caught.value.problems
    assert (problem.code, problem.cause, problem.fix) == ("SP003", cause, fix)


def test_one_value_where_a_list_belongs_says_how_lists_are_written() -> None:
    from lamina.learning import Schedule

    with pytest.raises(DescriptionError) as caught:
        Schedule.from_yaml("{type: multi_step, initial: 0.1, milestones: 20}")
    (problem,) = caught.value.problems
    assert (problem.where, problem.expected, problem.got) == ("milestones", "a list", "20")
    assert problem.fix == "write it in brackets, [VALUE], or each value on a line that begins with -"


def test_a_section_of_a_recipe_is_called_by_its_name_in_the_file() -> None:
    from lamina.train.recipe import Recipe

    with pytest.raises(DescriptionError) as caught:
        Recipe.from_yaml("data: {source: digits}\nnetwork: {type: sequential, layers: [{type: output, units: 10}]}\ntrain: {epoch: 3}")
    assert caught.value.problems[0].expected.startswith("a setting of 'train': epochs")
    assert caught.value.problems[0].fix == "did you mean 'epochs'?"

"""One family of errors: five parts, stable codes, several problems at once, plain data for programs."""

from __future__ import annotations

import json
import pickle

import pytest

from lamina.codes import TITLES
from lamina.errors import DataError, DependencyError, LaminaError, Problem, ShapeError, Source, TrainingError, nearest

PARTS = {"where": "layer 'fc1'", "expected": "4", "got": "3", "cause": "a typo", "fix": "write 4"}


def test_a_message_has_five_parts_a_title_and_a_page() -> None:
    error = ShapeError("NN001", **PARTS, source=Source("net.yaml", 4, 7))
    assert str(error).splitlines() == [
        f"[NN001] net.yaml:4:7: layer 'fc1': {TITLES['NN001']}.",
        "  Expected: 4",
        "  Got:      3",
        "  Cause:    a typo",
        "  Fix:      write 4",
        "  More:     docs/errors/NN001.md",
    ]


def test_a_code_that_is_not_in_the_catalogue_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError, match="docs/errors/XX001.md"):
        LaminaError("XX001", **PARTS)


def test_several_problems_are_one_error_with_the_first_ones_code() -> None:
    error = DataError.of(Problem(code, **PARTS) for code in ("DA001", "DA002"))
    assert isinstance(error, DataError)
    assert error.code == "DA001"
    assert str(error).startswith("2 problems:\n[DA001]")
    assert [problem["code"] for problem in json.loads(json.dumps(error.to_json()))] == ["DA001", "DA002"]
    with pytest.raises(ValueError, match="at least one"):
        DataError.of([])


def test_a_place_is_added_where_there_is_none() -> None:
    first, second = Source("a.yaml", 1, 2), Source("b.yaml", 3, 4)
    error = ShapeError.of([Problem("NN001", **PARTS, source=first), Problem("NN002", **PARTS)]).at(second)
    assert [problem.source for problem in error.problems] == [first, second]
    assert type(error) is ShapeError


def test_exit_codes_mean_something() -> None:
    assert [kind.exit_code for kind in (LaminaError, ShapeError, TrainingError, DependencyError)] == [2, 2, 3, 4]


def test_an_error_survives_being_sent_to_another_process() -> None:
    error = ShapeError("NN001", **PARTS, source=Source("net.yaml", 4, 7))
    twin = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own bytes)
    assert type(twin) is ShapeError
    assert twin.problems == error.problems
    assert str(twin) == str(error)


@pytest.mark.parametrize(
    ("word", "words", "expected"),
    [
        ("activaton", ["units", "activation"], "activation"),
        ("Units", ["units"], "units"),
        ("nuits", ["units", "nits"], "units"),
        ("zzz", ["units"], None),
        ("x", [], None),
    ],
)
def test_the_nearest_name(word: str, words: list[str], expected: str | None) -> None:
    assert nearest(word, words) == expected

"""Functions that others register, found by name on both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from lamina.data.expressions import At, Parameter, kind_of, parse, register_function, to_polars
from lamina.data.expressions.functions import table
from lamina.errors import DataError, RegistrationError

NUMBER = Parameter("x", ("float",))


@pytest.fixture(autouse=True)
def _nothing_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(table, "_own", dict(table._own))
    parse.cache_clear()
    yield
    parse.cache_clear()


def scaled(x: Any, factor: float) -> Any:
    """x times a factor, the missing ones too."""
    return np.where(np.isnan(x), -1.0, x) * factor


def shouted(text: Any) -> Any:
    return np.array([None if one is None else f"{one}!" for one in text], dtype=object)


def test_plain_functions_run_alike_on_both_engines(engines: Callable[..., Any], equal: Callable[..., bool], spark: Any) -> None:
    made = register_function(
        "scaled", scaled, parameters=[NUMBER, Parameter("factor", ("float",), constant=True, default=2)], result="float"
    )
    register_function("shouted", shouted, parameters=[Parameter("text", ("string",))], result="string", doc="Louder.")
    register_function("evens", lambda a: a % 2 == 0, parameters=[Parameter("a", ("integer",))], result="boolean")
    register_function("halved", polars=lambda at, x: x / 2, parameters=[NUMBER], result="float")
    register_function(
        "both",
        polars=lambda at, x: x + 1,
        spark=lambda at, x: x + at.api.lit(1.0),
        parameters=[NUMBER],
        result="float",
    )
    assert (made.doc, made.signature) == ("x times a factor, the missing ones too.", "scaled(x, factor=2)")
    data = engines({"x": ("float", [1.5, None, 4.0]), "s": ("string", ["a", None, "é"]), "i": ("integer", [1, 2, 4])})
    texts = ["scaled(x) + 1", "scaled(i, 0.5)", "shouted(s)", "evens(i)", "halved(x)", "both(i)", "sum(scaled(x)) + 0 * x"]
    wanted = [
        [4.0, -1.0, 9.0],
        [0.5, 1.0, 2.0],
        ["a!", None, "é!"],
        [False, True, True],
        [0.75, None, 2.0],
        [2.0, 3.0, 5.0],
        [9.0, None, 9.0],
    ]
    assert equal(data.polars(texts), wanted)
    assert equal(data.spark(texts), wanted)


@pytest.mark.parametrize(
    ("function", "got"),
    [
        (lambda x: x[:1], "shape (1,)"),
        (lambda x: 3.0, "shape ()"),
        (lambda x: np.zeros((len(x), 2, 2)), "shape (3, 2, 2)"),
        (lambda x: np.array([object()] * len(x)), "array of object"),
        (lambda x: np.array(["a"] * len(x)), "array of <U1"),
    ],
)
def test_what_a_function_must_give(function: Callable[..., Any], got: str) -> None:
    import polars as pl

    register_function("broken", function, parameters=[NUMBER], result="float")
    with pytest.raises(DataError) as caught:
        pl.DataFrame({"x": [1.0, 2.0, 3.0]}).select(to_polars(parse("broken(x)"), {"x": "float"}))
    problem = caught.value.problems[0]
    assert (problem.code, problem.where) == ("DA129", "function 'broken'")
    assert got in problem.got


def test_arguments_are_checked_as_those_of_lamina() -> None:
    register_function("scaled", scaled, parameters=[NUMBER, Parameter("factor", ("float",), constant=True)], result="float")
    assert kind_of(parse("scaled(a, 2)"), {"a": "integer"}) == "float"
    with pytest.raises(DataError, match=r"scaled\(x, factor\)"):
        kind_of(parse("scaled(a)"), {"a": "integer"})
    with pytest.raises(DataError, match="a string"):
        kind_of(parse("scaled(s, 2)"), {"s": "string"})


@pytest.mark.parametrize(
    ("name", "given", "fix"),
    [
        ("log", {"function": scaled}, "another name"),
        ("Scaled Up", {"function": scaled}, "'scaled_up'"),
        ("scaled", {}, "give one"),
        ("scaled", {"function": scaled, "polars": scaled}, "give one"),
    ],
)
def test_what_cannot_be_registered(name: str, given: dict[str, Any], fix: str) -> None:
    with pytest.raises(RegistrationError) as caught:
        register_function(name, parameters=[NUMBER], result="float", **given)
    assert caught.value.code == "DA127"
    assert fix in caught.value.problems[0].fix


def test_builders_are_told_about_the_call() -> None:
    import polars as pl

    told: list[At] = []

    def build(at: At, x: Any, n: Any) -> Any:
        told.append(at)
        return x

    register_function("told", polars=build, parameters=[NUMBER, Parameter("n", ("integer",), constant=True, default=3)], result="float")
    to_polars(parse("told(a)"), {"a": "integer"})
    assert (told[0].kinds, told[0].values, told[0].kind, told[0].api) == (("float", "integer"), (None, 3), "float", pl)

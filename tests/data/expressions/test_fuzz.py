"""Whatever text comes, the parser gives an expression or one of Lamina's errors; what it gives prints back."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data.expressions import Call, Column, Expression, Literal, Over, kind_of, list_functions, parse, to_polars
from lamina.data.expressions.polars import polars_type
from lamina.errors import LaminaError

NAMES = st.sampled_from(["a", "b", "größe", "marital-status", "x y", "if", "true", "a'b", 'q"q', "\\", "\n", "ﬁ", "", "__row", "count"])
CONSTANTS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)
FUNCTIONS = {function.name: function for function in list_functions() if function.group != "own"}


def calls(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """Calls with as many arguments as a function takes, of any kind."""

    def call(name: str) -> st.SearchStrategy[Expression]:
        function = FUNCTIONS[name]
        most = function.least + 2 if function.most is None else function.most
        least = max(function.least, 2) if name in ("all_of", "any_of") else function.least
        return st.lists(inner, min_size=least, max_size=max(most, least)).map(lambda found: Call(name, tuple(found)))

    return st.sampled_from(sorted(FUNCTIONS)).flatmap(call)


TREES = st.recursive(
    st.one_of(NAMES.map(Column), CONSTANTS.map(Literal), st.lists(CONSTANTS, min_size=1, max_size=3).map(lambda v: Literal(tuple(v)))),
    calls,
    max_leaves=12,
)
WORDS = st.sampled_from(
    [*"()[]{}+-*/%.,:;=<>!&|^~@#'\"\\ \n\t\0", "a", "1", "1e9", "not", "and", "or", "in", "is", "None", "if", "else", "lambda", "for"]
    + [
        "col(",
        "sum(",
        "log(",
        "**",
        "//",
        "==",
        "!=",
        "'x'",
        "r'",
        "f'",
        "b''",
        "0x",
        "1_0",
        "1j",
        "...",
        ":=",
        "yield",
        "await",
        "é",
        "\ud800",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=30).map("".join), st.lists(WORDS, max_size=30).map(" ".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except LaminaError:
        return
    assert parse(found.text) == found


@settings(max_examples=300, deadline=None)
@given(TREES)
def test_any_tree_prints_to_a_text_that_reads_as_the_same_tree(tree: Expression) -> None:
    try:
        found = parse(tree.text)
        refused = ""
    except LaminaError as error:
        found, refused = tree, error.code
    assert refused in ("", "DA120", "DA126")  # Too heavy; or a list where no function takes one.
    assert found == tree
    assert found.columns == tree.columns


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_any_tree_has_kinds_or_says_why_not(tree: Expression) -> None:
    try:
        assert kind_of(tree, KINDS)
    except LaminaError:
        return


KINDS = {"a": "integer", "b": "float", "größe": "string", "count": "boolean", "t": "time[Europe/Zurich]", "v": "array"}
LEAVES: list[Expression] = [
    *[Column(name) for name in KINDS],
    *[Literal(value) for value in (0, 1, 2, -3, 0.5, "", "a", "Europe/Zurich", "%Y-%m-%d", "day", True, None)],
]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_has_a_kind_runs(data: st.DataObject) -> None:
    """Expressions are grown from arguments that fit, so that most of them have kinds."""
    import polars as pl

    pool = [(leaf, kind_of(leaf, KINDS)) for leaf in LEAVES]
    made: list[tuple[Expression, str]] = []
    for _ in range(6):
        function = FUNCTIONS[data.draw(st.sampled_from(sorted(FUNCTIONS)))]
        arguments = []
        for parameter in function.parameters:
            kinds = {*parameter.kinds, "null"} | ({"integer"} if "float" in parameter.kinds else set())
            fitting = [
                one for one, kind in [*made[::-1], *pool] if kind.partition("[")[0] in kinds and not (parameter.constant and one.columns)
            ]
            if not fitting:
                break
            arguments.append(data.draw(st.sampled_from(fitting)))
        grown = Call(function.name, tuple(arguments))
        try:
            made.append((grown, kind_of(grown, KINDS)))
        except LaminaError:
            continue
    columns = {
        "a": [1, None, -3],
        "b": [0.5, math.nan, None],
        "größe": ["x", "", None],
        "count": [True, None, False],
        "t": [None, datetime(2021, 3, 28, 0, 59, tzinfo=UTC), datetime(1, 1, 2, tzinfo=UTC)],
        "v": [[1.0, None], [], None],
    }
    frame = pl.DataFrame({name: pl.Series(values, dtype=polars_type(KINDS[name])) for name, values in columns.items()})
    for grown, kind in made:
        found = frame.with_columns(to_polars(grown, KINDS, over=Over()).alias("found"))["found"]
        assert len(found) == 3
        assert found.dtype == polars_type(kind), grown.text
        assert parse(grown.text) == grown

"""Reading expressions: what comes out prints back, and what can't be read is refused with its place."""

from __future__ import annotations

import pytest

from lamina.data.expressions import Call, Column, Expression, Literal, parse
from lamina.errors import DataError

A, B = Column("a"), Column("b")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a+b*2", "a + b * 2"),
        ("(a+b)*2", "(a + b) * 2"),
        ("a-(b-1)", "a - (b - 1)"),
        ("a-b-1", "a - b - 1"),
        ("-a**2", "-a ** 2"),
        ("(-a)**2", "(-a) ** 2"),
        ("(-1)**a", "(-1) ** a"),
        ("2**-a", "2 ** -a"),
        ("a**b**2", "a ** b ** 2"),
        ("(a**b)**2", "(a ** b) ** 2"),
        ("1 < a <= 3", "1 < a and a <= 3"),
        ("(a<b)<True", "(a < b) < True"),
        ("not a == b", "not a == b"),
        ("not (a or b) and a", "not (a or b) and a"),
        ("a and (b and a)", "a and (b and a)"),
        ("a if b else 1", "where(b, a, 1)"),
        ("a in [1,-2]", "a in [1, -2]"),
        ("a not in ('x','y')", "a not in ['x', 'y']"),
        ("a is None", "is_missing(a)"),
        ("a is not None", "not is_missing(a)"),
        ("col('marital-status') == \"it's\"", "col('marital-status') == \"it's\""),
        ("col('plain')", "plain"),
        ("col('if')", "col('if')"),
        ("col('true')", "col('true')"),
        ("true or null", "True or None"),
        ("round(x=a, digits=2)", "round(a, 2)"),
        ("rolling_mean(a, n=7, least=1)", "rolling_mean(a, 7, 1)"),
        ("a\n + b", "a + b"),
        ("negative(1) - -1", "negative(1) - -1"),
        ("-(-1)", "negative(-1)"),
        ("größe + ﬁ", "größe + col('ﬁ')"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("-0.0", "-0.0"),
        ("exactly_one(a, b)", "exactly_one(a, b)"),
    ],
)
def test_what_is_read_prints_canonically_and_is_read_again(text: str, canonical: str) -> None:
    found = parse(text)
    assert found.text == canonical
    assert parse(canonical) == found


def test_trees_of_operators() -> None:
    assert parse("a + 1.5") == Call("add", (A, Literal(1.5)))
    assert parse("a and b and not a") == Call("all_of", (A, B, Call("negation", (A,))))
    assert parse("a") != parse("b")
    assert Literal(1) != Literal(1.0) != Literal(True)


def test_columns_levels_and_replacement() -> None:
    found = parse("a / sum(b) + lag(col('c d'))")
    assert found.columns == {"a", "b", "c d"}
    assert [parse(text).level for text in ("a + 1", "sum(a) / count()", "a - mean(a)", "lag(a)", "3")] == [
        "row",
        "aggregate",
        "window",
        "window",
        "row",
    ]
    assert found.renamed({"a": "x", "c d": "y"}).text == "x / sum(b) + lag(y, 1)" or found.renamed({"c d": "y"}).columns == {"a", "b", "y"}
    assert parse("a * b").substituted({"a": parse("b + 1")}).text == "(b + 1) * b"


@pytest.mark.parametrize(
    ("text", "code", "place", "fix"),
    [
        ("a +* b", "DA120", "column 4", "check brackets"),
        ("lgo(a)", "DA121", "column 1", "'log'"),
        ("a + isnull(b)", "DA121", "column 5", "'is_missing'"),
        ("a.b", "DA120", "column 1", "col('a.b')"),
        ("a[0]", "DA120", "column 1", "element(x, 0)"),
        ("f'{a}'", "DA120", "column 1", "concat"),
        (r"a == '\d'", "DA120", "column 6", "r'...'"),
        ("a in b", "DA120", "column 6", "contains"),
        ("a in [b]", "DA120", "column 7", "quotes"),
        ("a = 3", "DA120", "column 3", "=="),
        ("a && b", "DA120", "column 4", "`and`"),
        ("a & b", "DA120", "column 1", "`and`"),
        ("round(a, digts=2)", "DA120", "column 16", "'digits'"),
        ("round(a, x=2)", "DA120", "column 12", "once"),
        ("1e999", "DA120", "column 1", "float"),
        ("99999999999999999999", "DA120", "column 1", "decimal point"),
        ("a == None", "DA120", "column 6", "x is None"),
        ("lambda: 1", "DA120", "column 1", "register_function"),
        ("a(b)(1)", "DA120", "column 1", "name(x)"),
        ("col(a)", "DA120", "column 1", "quotes"),
        ("b'x'", "DA120", "column 1", ""),
        (r"'\ud800'", "DA120", "column 1", ""),
        ("größe + ß.x", "DA120", "column 9", "col("),
        ("", "DA120", "the expression", "name of a column"),
        ("a\n+b)\n+(a", "DA120", "the expression", "brackets"),
        ("a)+(\nb", "DA120", "the expression", "brackets"),
        ("a\0", "DA120", "the expression", ""),
    ],
)
def test_what_cannot_be_read_says_where_and_what_to_write(text: str, code: str, place: str, fix: str) -> None:
    with pytest.raises(DataError) as caught:
        parse(text)
    assert caught.value.code == code
    problem = caught.value.problems[0]
    assert place in problem.where
    assert fix in problem.fix + problem.got


@pytest.mark.parametrize(
    "text",
    [
        "(" * 150 + "a" + ")" * 1000,
        "(" * 5000 + "a" + ")" * 5000,
        "-" * 19_000 + "a",
        "not " * 4_900 + "a",
        "+".join(["a"] * 9_000),
        "a if b else " * 1_500 + "a",
        "abs(" * 3_000 + "a" + ")" * 3_000,
        "[" * 5_000,
        "a" * 1_000_000,
        "**".join(["a"] * 5_000),
        "a" + "/(a" * 60 + ")" * 60,
    ],
)
def test_too_large_is_refused_before_anything_breaks(text: str) -> None:
    with pytest.raises(DataError) as caught:
        parse(text)
    assert caught.value.code in ("DA120", "DA126")
    assert len(str(caught.value)) < 2_000


def test_nesting_up_to_the_limit_is_read_printed_and_compared() -> None:
    long = parse(" + ".join(f"c{index}" for index in range(200)))
    assert parse(long.text) == long
    assert len(long.columns) == 200
    assert long.level == "row"
    assert hash(long) == hash(parse(long.text))
    many = parse(" and ".join(f"c{index} > 0" for index in range(1000)))
    assert len(many.columns) == 1000


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**63, "\ud800", [1, [2]], object()])
def test_constants_that_no_text_can_spell_are_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        Literal(value)  # type: ignore[arg-type]


def test_lists_become_tuples() -> None:
    assert Literal([1, 2]) == Literal((1, 2))  # type: ignore[arg-type]
    assert isinstance(Literal((1, 2)), Expression)

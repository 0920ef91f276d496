"""Kinds are found before anything runs, and what doesn't fit says what to write."""

from __future__ import annotations

import pytest

from lamina.data.expressions import Parameter, find_function, kind_of, list_functions, parse, to_polars
from lamina.data.expressions.polars import polars_type
from lamina.errors import DataError

COLUMNS = {
    "age": "integer",
    "price": "float",
    "city": "categorical",
    "name": "string",
    "note": "text",
    "paid": "boolean",
    "when": "time",
    "local": "time[Europe/Zurich]",
    "v": "array",
    "raw": "bytes",
    "photo": "image",
}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("age + 1", "integer"),
        ("age + 1.0", "float"),
        ("age / 2", "float"),
        ("age // 2 % 3", "integer"),
        ("age ** 2", "float"),
        ("-price", "float"),
        ("city", "categorical"),
        ("lower(city)", "string"),
        ("city == name", "boolean"),
        ("note", "text"),
        ("where(paid, age, price)", "float"),
        ("where(paid, None, age)", "integer"),
        ("where(paid, None, None)", "null"),
        ("coalesce(name, city)", "string"),
        ("where(paid, name, note)", "text"),
        ("local", "time[Europe/Zurich]"),
        ("to_zone(local, 'UTC')", "time"),
        ("to_zone(when, 'Asia/Tokyo')", "time[Asia/Tokyo]"),
        ("parse_time(name, '%Y-%m-%d')", "time"),
        ("parse_time(name, '%Y-%m-%d', 'Europe/Zurich')", "time[Europe/Zurich]"),
        ("add_time(local, 1, 'day')", "time[Europe/Zurich]"),
        ("coalesce(when, local)", "time"),
        ("pack(age, price)", "array"),
        ("element(v, 0)", "float"),
        ("split_list(name, ',')", "array[string]"),
        ("element(split_list(name, ','), 0)", "string"),
        ("collect(age)", "array"),
        ("collect(city)", "array[string]"),
        ("collect(when)", "array[time]"),
        ("sum(age)", "integer"),
        ("sum(paid)", "integer"),
        ("mean(age)", "float"),
        ("first(local)", "time[Europe/Zurich]"),
        ("only(sum(age), paid)", "integer"),
        ("lag(photo)", "image"),
        ("lag(raw)", "bytes"),
        ("rank(name)", "integer"),
        ("clip(age, 0, 1.5)", "float"),
        ("integer(None)", "integer"),
        ("1", "integer"),
        ("None", "null"),
    ],
)
def test_kinds(text: str, kind: str) -> None:
    assert kind_of(parse(text), COLUMNS) == kind


@pytest.mark.parametrize("text", [name for name in COLUMNS] + ["where(paid, when, local)", "collect(city)", "local", "age + price"])
def test_polars_gives_the_type_of_the_kind(text: str) -> None:
    import polars as pl

    frame = pl.DataFrame({name: pl.Series([None], dtype=polars_type(kind)) for name, kind in COLUMNS.items()})
    expression = parse(text)
    assert frame.select(to_polars(expression, COLUMNS)).dtypes[0] == polars_type(kind_of(expression, COLUMNS))


@pytest.mark.parametrize(
    ("text", "code", "fix"),
    [
        ("agee + 1", "DA122", "age"),
        ("city == Bern", "DA122", "'Bern'"),
        ("city + 1", "DA123", "integer(city)"),
        ("log(name)", "DA123", "float(name)"),
        ("paid + 1", "DA123", "integer(paid)"),
        ("age and paid", "DA123", "boolean(age)"),
        ("hour(name)", "DA123", "parse_time(name"),
        ("sqrt(when)", "DA123", "epoch_seconds(when)"),
        ("year(age)", "DA123", "year(t)"),
        ("age == 'a'", "DA123", "convert one"),
        ("age in ['a']", "DA123", "convert one"),
        ("age in []", "DA123", "[1, 2]"),
        ("age in [1, None]", "DA123", "is_missing"),
        ("age in [1, 'a']", "DA123", "[1, 2]"),
        ("when > '2020-01-01'", "DA123", "parse_time"),
        ("array_contains(v, 'a')", "DA123", "convert one"),
        ("one_of(age, 3)", "DA123", "constant"),
        ("round(price, age)", "DA123", "constant"),
        ("round(price)", None, ""),
        ("abs(age, price)", "DA123", "abs(x)"),
        ("between(age, 1)", "DA123", "between(age, 18, 65)"),
        ("v == v", "DA123", ""),
        ("lower(v)", "DA123", ""),
        ("sum(sum(age))", "DA124", "step before"),
        ("sum(lag(age))", "DA124", "step before"),
        ("lag(sum(age))", "DA124", "step before"),
        ("lag(lag(age))", "DA124", "step before"),
        ("sum(1)", "DA124", "count()"),
        ("lag(1)", "DA124", "column"),
        ("log(price, 1)", "DA125", "log(x, 2)"),
        ("log(price, -2)", "DA125", "log(x, 2)"),
        ("round(price, 99)", "DA125", "round(x, 2)"),
        ("quantile(price, 2)", "DA125", "0.9"),
        ("matches(name, r'(?=a)')", "DA125", "looking ahead"),
        (r"replace_regex(name, r'a*', '')", "DA125", "write +"),
        (r"replace_regex(name, r'a', '$1')", "DA125", "( )"),
        (r"replace_regex(name, r'a', '$')", "DA125", "$$"),
        (r"extract_regex(name, r'a')", "DA125", "( )"),
        ("replace(name, '', 'x')", "DA125", "quotes"),
        ("split(name, '', 0)", "DA125", "quotes"),
        ("pad_left(name, 3, 'ab')", "DA125", "pad_left(x, 5"),
        ("pad_left(name, 1000000)", "DA125", "pad_left(x, 5"),
        ("hour(when, 'Europe/Zurihc')", "DA125", "Europe/Zurich"),
        ("hour(when, 'CET')", "DA125", "Region/City"),
        ("parse_time(name, '%Y-%q')", "DA125", "%Y"),
        ("parse_time(name, '%Y-%m')", "DA125", "%Y-%m-%d"),
        ("parse_time(name, '%Y-%m-%d %I')", "DA125", "%H"),
        ("parse_time(name, '%Y-%j')", "DA125", "month and day"),
        ("parse_time(name, '%Y-%m-%d %d')", "DA125", "once"),
        ("format_time(when, '%z')", "DA125", "offset"),
        ("format_time(when, '%')", "DA125", "%Y"),
        ("add_time(when, 1, 'fortnight')", "DA125", "second"),
        ("time_difference(when, local, 'month')", "DA125", "second"),
        ("truncate_time(when, 'decade')", "DA125", "minute"),
        ("cycle_sin(age, 0)", "DA125", "24"),
        ("hash_bucket(name, 0)", "DA125", "1000"),
        ("rolling_mean(price, 0)", "DA125", "7"),
        ("rolling_mean(price, 2, least=3)", "DA125", "least=1"),
        ("slice(name, 99999999999)", "DA125", "slice"),
        ("element(v, 99999999999)", "DA125", "element"),
    ],
)
def test_what_does_not_fit(text: str, code: str | None, fix: str) -> None:
    if code is None:
        kind_of(parse(text), COLUMNS)
        return
    with pytest.raises(DataError) as caught:
        kind_of(parse(text), COLUMNS)
    problem = caught.value.problems[0]
    assert problem.code == code
    assert fix in f"{problem.fix} {problem.expected}"


@pytest.mark.parametrize(
    ("text", "level", "fix"),
    [
        ("sum(age)", "row", "a step that groups"),
        ("lag(age)", "row", "windows"),
        ("age", "aggregate", "sum(age)"),
        ("name", "aggregate", "first(name)"),
        ("age - mean(age)", "aggregate", "mean(x)"),
        ("lag(age)", "aggregate", "mean(x)"),
    ],
)
def test_levels(text: str, level: str, fix: str) -> None:
    with pytest.raises(DataError) as caught:
        kind_of(parse(text), COLUMNS, level=level)  # type: ignore[arg-type]
    assert caught.value.code == "DA124"
    assert fix in caught.value.problems[0].fix


@pytest.mark.parametrize(
    ("text", "level"),
    [("sum(age) / count()", "aggregate"), ("3", "aggregate"), ("age + 1", "row"), ("age - mean(age)", "window"), ("age", "window")],
)
def test_levels_that_fit(text: str, level: str) -> None:
    kind_of(parse(text), COLUMNS, level=level)  # type: ignore[arg-type]


@pytest.mark.parametrize("function", list_functions(), ids=lambda function: function.name)
def test_every_function_says_what_it_is(function: object) -> None:
    name = function.name  # type: ignore[attr-defined]
    found = find_function(name)
    assert found.doc.endswith(".")
    assert found.group
    parsed = parse(found.example)
    assert parse(parsed.text) == parsed
    assert name in {getattr(node, "function", None) for node in parsed.walk()}
    assert [one.name for one in found.parameters if one.default is Parameter("x", ()).default] or found.least == 0


@pytest.mark.parametrize("function", [one for one in list_functions() if one.level == "row"], ids=lambda function: function.name)
def test_no_argument_is_repeated_more_often_than_the_weight_says(function: object) -> None:
    """An engine's expression that repeats its argument grows by that factor for each level of nesting."""
    parameters = function.parameters  # type: ignore[attr-defined]
    example = parse(function.example)  # type: ignore[attr-defined]
    call = next(node for node in example.walk() if getattr(node, "function", None) == function.name)  # type: ignore[attr-defined]
    for index, argument in enumerate(call.arguments):
        parameter = parameters[min(index, len(parameters) - 1)]
        if parameter.constant or not argument.columns:
            continue
        kinds = {column: parameter.kinds[0] for column in argument.columns}
        rest = {
            column: parameters[min(k, len(parameters) - 1)].kinds[0]
            for k, other in enumerate(call.arguments)
            if k != index
            for column in other.columns
        }
        inner = next(iter(argument.columns))
        try:
            built = to_polars(call.renamed({inner: "__counted"}), {**rest, **kinds, "__counted": kinds[inner]})
        except DataError:
            continue
        assert str(built).count('col("__counted")') <= function.weight, function.name  # type: ignore[attr-defined]

"""Random expressions and steps over whatever schema a reader gives, most of them possible, some of them wrong."""

from __future__ import annotations

import functools
from typing import Any

from hypothesis import strategies as st

from lamina.data.expressions import Column, Function, Literal, list_functions
from lamina.data.pipeline import Pipeline
from lamina.data.table.schema import Schema
from lamina.errors import LaminaError

from .tables import rare

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 2, -1, 3.5, 1e308, float("nan"), float("inf"), 2**31, 2**63, 10**400, "", "a", "nope", "mean", "x" * 400),
    *([], ["a"], ["a", "a"], [None], [1, "x"], [[]], {}, {"a": 1}, {"a": None}, {"type": "standardize"}, {"type": "nope"}, {"": ""}),
    *("count()", "a + ", "sum(a)", "1 / 0", "__import__('os')", "\0", "../../etc/passwd"),
)
CONSTANTS = (0, 1, 2, -3, 0.5, 1e308, 2**62, "", "a", "x", "%Y-%m-%d", "day", "Europe/Zurich", ",", "(a+)+$", True, False, None, 100_000)
AGGREGATES = ("count()", "sum({0})", "mean({0})", "min({0})", "max({0})", "first({0})", "last({0})", "std({0})", "median({0})")
AGGREGATES += (
    "count_distinct({0})",
    "collect({0})",
    "most_frequent({0})",
    "quantile({0}, 0.5)",
    "sum(float({0})) / count()",
    "max({0}) - min({0})",
)
WINDOWED = (
    "lag({0}, 1)",
    "lead({0}, 2)",
    "difference({0})",
    "rank({0})",
    "rolling_mean({0}, 3)",
    "row_number()",
    "cumulative_sum({0})",
    "fill_forward({0})",
)
WINDOWED += ("{0} - mean({0})", "lag({0}, 100000)", "rolling_sum({0}, 1)")


@functools.cache
def _functions() -> tuple[Function, ...]:
    return tuple(function for function in list_functions() if function.group != "own")


def name_of(text: str) -> str:
    """A column as expressions name it."""
    return Column(text).text


@st.composite
def expressions(draw: st.DrawFn, schema: Schema, deep: int = 2) -> str:
    """Text of an expression about a row, whose arguments are mostly of the kinds that its functions take."""
    names = list(schema.names)
    way = draw(st.integers(0, 9))
    if way == 0:
        return draw(
            st.sampled_from(("", "a +", "((((", "1 / 0", "col('nope')", "x" * 2000, "a.b", "lambda: 1", "'", "-" * 300 + "1", "9" * 5000))
        )
    if way <= 2 or deep == 0:
        return name_of(draw(st.sampled_from(names)))
    if way == 3:
        value = draw(st.sampled_from(CONSTANTS))
        return Literal(value).text
    if way <= 5:
        first, second = draw(expressions(schema, deep - 1)), draw(expressions(schema, deep - 1))
        return f"({first}) {draw(st.sampled_from(('+', '-', '*', '/', '//', '%', '**', '==', '<', '>=', 'and', 'or', '!=')))} ({second})"
    function = draw(st.sampled_from(_functions()))
    arguments = []
    for parameter in function.parameters:
        fitting = [
            name for name, kind in schema.kinds.items() if kind in parameter.kinds or kind == "integer" and "float" in parameter.kinds
        ]
        if parameter.constant or not fitting or rare(draw, 7):
            arguments.append(Literal(draw(st.sampled_from(CONSTANTS))).text)
        elif rare(draw, 2):
            arguments.append(draw(expressions(schema, deep - 1)))
        else:
            arguments.append(name_of(draw(st.sampled_from(fitting))))
    return f"{function.name}({', '.join(arguments)})"


def _some(draw: st.DrawFn, schema: Schema, kinds: tuple[str, ...] = (), most: int = 2) -> list[str]:
    fitting = [name for name, kind in schema.kinds.items() if not kinds or kind in kinds] or list(schema.names)
    if rare(draw, 24):
        fitting = [*fitting, "nope"]
    return draw(st.lists(st.sampled_from(fitting), min_size=1, max_size=most, unique=True))


def _aggregates(draw: st.DrawFn, schema: Schema, texts: tuple[str, ...] = AGGREGATES) -> dict[str, str]:
    made = {}
    for _ in range(draw(st.integers(1, 2))):
        name = _some(draw, schema, ("integer", "float") if draw(st.booleans()) else (), 1)[0]
        text = draw(st.sampled_from(texts)).format(name_of(name)) if not rare(draw, 5) else draw(expressions(schema))
        made[draw(st.sampled_from(("n", "m", "total", *schema.names[:2])))] = text
    return made


WORDS = ("string", "categorical", "text", "integer", "boolean")
NUMBERS = ("integer", "float")
WORD = st.sampled_from(("x", "y", "z", "red", "1", "true", "", "other", "7"))
UNIT = st.sampled_from(("millisecond", "second", "minute", "hour", "day", "week"))


def _settings(draw: st.DrawFn, kind: str, schema: Schema) -> dict[str, Any]:  # noqa: C901, PLR0911, PLR0912 (one branch for each step)
    if kind in ("select", "drop"):
        return {"columns": _some(draw, schema, most=4)}
    if kind == "rename":
        return {"columns": {name: draw(st.sampled_from(("new", "b", "größe", ""))) for name in _some(draw, schema)}}
    if kind == "derive":
        return {"columns": {draw(st.sampled_from(("d", "e", *schema.names[:1]))): draw(expressions(schema))}}
    if kind == "apply":
        alike = Schema(columns={**schema.columns, "x": schema.columns[schema.names[0]]})
        return {
            "columns": _some(draw, schema),
            "expression": draw(expressions(alike)),
            "into": draw(st.sampled_from(("{}", "{} new", "n", ""))),
        }
    if kind in ("categorical", "integer_encode", "one_hot"):
        columns = _some(draw, schema, WORDS)
        optional = {"minimum": st.integers(1, 3), "most": st.integers(1, 3), "unknown": st.sampled_from(("error", "other", "missing"))}
        more = draw(st.fixed_dictionaries({}, optional=optional))
        if rare(draw, 2):
            more["values"] = {columns[0]: draw(st.lists(WORD, min_size=1, max_size=4))}
        return {"columns": columns, **more}
    if kind == "target_encode":
        optional = {"positive": WORD, "smoothing": st.sampled_from((0.0, 1.0, 1e300)), "folds": st.integers(2, 50)}
        return {
            "columns": _some(draw, schema, WORDS),
            "target": _some(draw, schema, NUMBERS, 1)[0],
            **draw(st.fixed_dictionaries({}, optional=optional)),
        }
    if kind == "fill_missing":
        value = st.sampled_from(("mean", "median", "most_frequent", "min", "max", "forward", "backward", 0, 0.5, "x", True, 2**62, "NA"))
        return {
            "columns": _some(draw, schema, NUMBERS if draw(st.booleans()) else ()),
            "value": draw(value),
            "indicator": draw(st.booleans()),
        }
    if kind == "drop_missing":
        return draw(st.sampled_from(({}, {"columns": _some(draw, schema)}, {"how": "all"})))
    if kind == "distinct":
        return draw(st.sampled_from(({}, {"columns": _some(draw, schema)})))
    if kind == "bucketize":
        way = draw(
            st.sampled_from(({"count": 2}, {"count": 5, "by": "uniform"}, {"edges": [0.0, 1.0]}, {"edges": [1.0, 0.0]}, {"count": 10_000}))
        )
        labels = {"labels": ["low", "high"]} if rare(draw, 3) else {}
        return {"columns": _some(draw, schema, NUMBERS), **way, **labels}
    if kind == "normalize":
        scales = ("standardize", "min_max", "robust", "quantile", "power", "max_abs", "log", {"type": "power", "method": "box_cox"})
        scales += ({"type": "min_max", "per": "all"}, {"type": "quantile", "quantiles": 3, "output": "normal"}, {"a": "robust"})
        return {"columns": _some(draw, schema, NUMBERS), "how": draw(st.sampled_from(scales))}
    if kind == "encode_list":
        optional = {
            "give": st.sampled_from(("numbers", "sorted", "distinct", "counts", "flags")),
            "delimiter": st.sampled_from(("", ";")),
            "unknown": st.just("ignore"),
            "into": st.just("v"),
        }
        words = {"column": _some(draw, schema, ("string",), 1)[0], "values": draw(st.lists(WORD, min_size=1, max_size=3))}
        return {**words, **draw(st.fixed_dictionaries({}, optional=optional))}
    if kind == "elements":
        return {"columns": {draw(st.sampled_from(("v", "w"))): draw(expressions(schema)) for _ in range(draw(st.integers(1, 2)))}}
    if kind == "explode":
        return {"columns": _some(draw, schema, ("array",))}
    if kind == "filter":
        return {"where": draw(expressions(schema))}
    if kind == "sort":
        return {"by": _some(draw, schema), "descending": draw(st.booleans())}
    if kind == "map_values":
        return {
            "columns": _some(draw, schema, WORDS),
            "values": draw(st.dictionaries(WORD, st.none() | WORD, max_size=3)),
            "otherwise": draw(st.none() | WORD),
        }
    if kind == "multi_hot":
        more = {"delimiter": draw(st.sampled_from((",", ";", " ", ""))), "unknown": draw(st.sampled_from(("error", "ignore")))}
        return {"column": _some(draw, schema, ("string",), 1)[0], "values": draw(st.lists(WORD, min_size=1, max_size=3)), **more}
    if kind == "group_by":
        return {
            "keys": draw(st.sampled_from(([], _some(draw, schema)))),
            "aggregates": _aggregates(draw, schema),
            "order": draw(st.sampled_from(([], _some(draw, schema)))),
        }
    if kind == "pivot":
        aggregate = st.sampled_from(("sum", "mean", "min", "max", "first", "last", "count"))
        fill = st.sampled_from((None, 0, 0.0, "x", True))
        names = {"keys": _some(draw, schema), "names": _some(draw, schema, WORDS, 1)[0], "values": _some(draw, schema, NUMBERS, 1)[0]}
        return {**names, "columns": draw(st.lists(WORD, min_size=1, max_size=3)), "aggregate": draw(aggregate), "fill": draw(fill)}
    if kind == "join":
        here = _some(draw, schema, ("string", "integer", "float", "boolean"), 1)[0]
        theirs = schema.kinds.get(here, "string")
        key = {"integer": [0, 1, 1], "float": [0.5, float("nan"), 0.0], "boolean": [True, False, True]}.get(theirs, ["x", "y", "x"])
        kinds = {
            "k": theirs if theirs in ("string", "integer", "float", "boolean") else "string",
            "v": draw(st.sampled_from(("float", "integer", "string"))),
        }
        values = draw(st.sampled_from(([1.5, None, 2.0], [1, 2, 3], ["a", "b", None], [2**63, 1, 1], [1, 2])))
        return {
            "table": {"k": key, "v": values},
            "kinds": kinds,
            "on": {here: "k"},
            "how": draw(st.sampled_from(("inner", "left", "right", "full"))),
        }
    if kind == "to_sequence":
        return {"keys": _some(draw, schema), "order": draw(st.sampled_from(([], _some(draw, schema))))}
    if kind == "split_sequence":
        times = [name for name, own in schema.kinds.items() if own == "time"]
        if times and draw(st.booleans()):
            return {"gap": draw(st.sampled_from((1, 90, 2**40))), "unit": draw(UNIT), "time": times[0]}
        return {"length": draw(st.sampled_from((1, 2, 3, 2**40)))}
    if kind == "trim_sequence":
        return {
            draw(st.sampled_from(("steps", "keep"))): draw(st.sampled_from((1, 2, 5, 2**40))),
            "side": draw(st.sampled_from(("start", "end"))),
        }
    if kind == "pad_sequence":
        values = {name: draw(st.sampled_from((0, 0.0, "x", True))) for name in _some(draw, schema)} if draw(st.booleans()) else {}
        return {"length": draw(st.sampled_from((1, 2, 3, 12, 50))), "values": values}
    if kind == "reduce_sequence":
        return {"aggregates": _aggregates(draw, schema)}
    if kind == "window":
        optional = {"keys": st.just(_some(draw, schema)), "order": st.just(_some(draw, schema))}
        return {"columns": _aggregates(draw, schema, WINDOWED + AGGREGATES), **draw(st.fixed_dictionaries({}, optional=optional))}
    if kind == "time_windows":
        optional = {"every": st.sampled_from((1, 5, 2**40)), "unit": UNIT, "offset": st.sampled_from((0, 1, -1, 2**40))}
        size = draw(st.sampled_from((1, 60, 24, 2**40)))
        return {
            "time": _some(draw, schema, ("time",), 1)[0],
            "size": size,
            "aggregates": _aggregates(draw, schema),
            **draw(st.fixed_dictionaries({}, optional=optional)),
        }
    return {}


def kinds_of_steps() -> list[str]:
    """Names of all steps that are registered."""
    import lamina.data.pipeline.steps  # noqa: F401 (announces them)
    from lamina.spec import registry

    return sorted(registry.names("step"))


def odd(draw: st.DrawFn, settings: dict[str, Any], names: tuple[str, ...] = ()) -> dict[str, Any]:
    """The same with one setting left out, replaced by what it can't be, misspelt, or added."""
    settings = dict(settings)
    way = draw(st.sampled_from(("value", "value", "gone", "name", "new")))
    keys = [*settings]
    if way == "new" or not keys:
        settings[draw(st.sampled_from((*names, "nope")))] = draw(st.sampled_from(ODD))
        return settings
    key = draw(st.sampled_from(keys))
    if way == "value":
        settings[key] = draw(st.sampled_from(ODD))
    elif way == "gone":
        del settings[key]
    else:
        settings[key[:-1] or "q"] = settings.pop(key)
    return settings


@st.composite
def pipelines(draw: st.DrawFn, schema: Schema) -> tuple[list[Any], Schema]:
    """Steps as a user writes them, and the schema after those that can be taken."""
    kinds = kinds_of_steps()
    made: list[Any] = []
    for _ in range(draw(st.sampled_from((0, 1, 1, 2, 3, 4, 6)))):
        kind = draw(st.sampled_from(kinds))
        step: dict[str, Any] = {"type": kind, **_settings(draw, kind, schema)}
        if rare(draw, 9):
            step = odd(draw, step)
        try:
            after = Pipeline(schema, [step]).output
        except LaminaError:
            # Wrong steps stay now and then: they must be refused for what they are.
            if rare(draw, 7):
                made.append(step)
                break
            continue
        except Exception:  # noqa: BLE001 (the chain meets it again, and says what it was)
            made.append(step)
            break
        made.append(step)
        schema = after
    return made, schema

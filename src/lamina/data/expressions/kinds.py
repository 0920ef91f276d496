"""What kind of value an expression gives, and whether each function gets the arguments it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lamina.data.expressions.functions import REQUIRED, Function, Parameter, find_function
from lamina.data.expressions.kindnames import KINDS, base_kind, kind_inside
from lamina.data.expressions.nodes import Call, Column, Expression, Level, Literal
from lamina.errors import DataError, nearest

_A = {
    "integer": "an integer",
    "array": "an array",
    "array[float]": "an array of numbers",
    "array[string]": "an array of strings",
    "image": "an image",
}


@dataclass(frozen=True)
class Typed:
    """An expression whose kinds were found and fit.

    Attributes:
        node: The expression.
        kind: Kind of its value.
        level: Its level.
        function: What it calls, if it calls one.
        arguments: Its arguments, defaults included, as the function takes them.
        given: The kind that each argument is to be made, or its own.
    """

    node: Expression
    kind: str
    level: Level = "row"
    function: Function | None = None
    arguments: tuple[Typed, ...] = ()
    given: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[Any, ...]:
        """Constants among the arguments."""
        return tuple([argument.node.value if isinstance(argument.node, Literal) else None for argument in self.arguments])


def kind_of(expression: Expression, columns: Mapping[str, str], *, level: Level | None = None) -> str:
    """The kind of value that an expression gives.

    Args:
        expression: The expression.
        columns: Kind of each column of the table.
        level: Where it stands: ``row`` takes no aggregates and no windows; ``aggregate`` takes one value a group only; None all.

    Raises:
        DataError: DA121 for an unknown function, DA122 for a column that isn't there, DA123 for arguments that a function doesn't take,
            DA124 for an aggregate or a window where there can't be one, DA125 for a pattern, format or zone that can't be one.

    Example:
        >>> from lamina.data.expressions import parse
        >>> kind_of(parse("log1p(rooms / households)"), {"rooms": "integer", "households": "integer"})
        'float'
    """
    return resolve(expression, columns, level=level).kind


def resolve(expression: Expression, columns: Mapping[str, str], *, level: Level | None = None) -> Typed:
    """The expression with the kind of each part, as `kind_of` finds it."""
    found = _resolve(expression, columns, expression)
    if base_kind(found.kind) == "list":
        raise DataError(
            "DA123",
            where=_where(expression),
            expected="a value",
            got="a list of constants",
            cause="lists are for `in`",
            fix="write x in ['a', 'b'], or pack(1, 2) for an array",
        )
    if level == "row" and found.level != "row":
        culprit = next(node for node in expression.walk() if isinstance(node, Call) and find_function(node.function).level != "row")
        raise DataError(
            "DA124",
            where=_where(expression),
            expected="a value of each row, from that row alone",
            got=f"{culprit.text}, {_level_words(find_function(culprit.function).level)}",
            cause="it needs other rows, which this step doesn't look at",
            fix="compute it in a step that groups, or that has windows, then use the column it gives",
        )
    if level == "aggregate" and found.level != "aggregate" and expression.columns:
        inner = "sum" if base_kind(found.kind) in ("integer", "float") and found.level == "row" else "first"
        raise DataError(
            "DA124",
            where=_where(expression),
            expected="one value for each group",
            got="a value for each row",
            cause="a column stands outside of all aggregates" if found.level == "row" else "it mixes rows, or windows, and aggregates",
            fix=f"write {inner}({expression.text})" if found.level == "row" else "put each column inside an aggregate, such as mean(x)",
        )
    return found


def _resolve(node: Expression, columns: Mapping[str, str], whole: Expression) -> Typed:
    if isinstance(node, Column):
        return Typed(node, _column_kind(node, columns, whole))
    if isinstance(node, Literal):
        return Typed(node, _constant_kind(node.value, whole))
    if not isinstance(node, Call):
        message = f"{node!r} is no expression"
        raise TypeError(message)
    function = find_function(node.function)
    given = [_resolve(argument, columns, whole) for argument in node.arguments]
    _check_count(function, node, whole)
    for parameter in function.parameters[len(given) :]:
        if parameter.default is not REQUIRED:
            default = Literal(parameter.default)
            given.append(Typed(default, _constant_kind(default.value, whole)))
    kinds = [_fitting(function, index, argument, node, whole) for index, argument in enumerate(given)]
    kinds = _made_alike(function, kinds, node, whole)
    typed = Typed(node, "", _level_of(function, given, node, whole), function, tuple(given), tuple(kinds))
    if function.check is not None and (wrong := function.check(typed.values)) is not None:
        raise DataError(
            "DA125", where=_where(whole), expected=wrong[0], got=node.text, cause=f"{function.name} can't work with it", fix=wrong[1]
        )
    kind = function.result if isinstance(function.result, str) else function.result(kinds, typed.values)
    if kind is None:
        raise _unlike(kinds, node, whole)
    return replace(typed, kind=kind)


def _column_kind(node: Column, columns: Mapping[str, str], whole: Expression) -> str:
    kind = columns.get(node.name)
    if kind is None:
        near = nearest(node.name, columns)
        shown = ", ".join([*list(columns)[:20], *(["..."] if len(columns) > 20 else [])])
        raise DataError(
            "DA122",
            where=_where(whole),
            expected=f"a column of the table: {shown or 'there are none'}",
            got=node.text,
            cause="a typo, or a text without quotes" if near else "the table has no such column here; a text needs quotes",
            fix=(f"did you mean {Column(near).text}? " if near else "make the column before; ") + f"a text is written {node.name!r}",
        )
    if base_kind(kind) not in KINDS:
        message = f"{kind!r}, the kind of column {node.name!r}, is none of {KINDS}"
        raise ValueError(message)
    return kind


def _constant_kind(value: Any, whole: Expression) -> str:
    if isinstance(value, tuple):
        kinds = {_constant_kind(item, whole) for item in value}
        common = unified(sorted(kinds))
        if common is None or common == "null" or "null" in kinds:
            raise DataError(
                "DA123",
                where=_where(whole),
                expected="a list of constants of one kind",
                got=Literal(value).text,
                cause="the list is empty, holds different kinds, or None",
                fix="write [1, 2] or ['a', 'b']; is_missing(x) tells missing values",
            )
        return f"list[{common}]"
    if value is None:
        return "null"
    return {bool: "boolean", int: "integer", float: "float", str: "string"}[type(value)]


def _check_count(function: Function, node: Call, whole: Expression) -> None:
    count = len(node.arguments)
    if function.least <= count and (function.most is None or count <= function.most):
        return
    most = "or more" if function.most is None else f"to {function.most}" if function.most != function.least else ""
    raise DataError(
        "DA123",
        where=_where(whole),
        expected=f"{function.signature}: {' '.join(filter(None, (str(function.least), most)))} arguments",
        got=f"{count} in {node.text}",
        cause="an argument is missing" if count < function.least else "there are too many arguments",
        fix=f"write it like {function.example}",
    )


def _fitting(function: Function, index: int, argument: Typed, node: Call, whole: Expression) -> str:
    """The kind that an argument is to be made, if it fits."""
    parameter, kind = function.parameter(index), argument.kind
    plain = base_kind(kind)
    wrong = (parameter.constant and not isinstance(argument.node, Literal)) or not (
        (plain == "null" and not (parameter.constant and parameter.default is not None))
        or plain in parameter.kinds
        or f"{plain}[{kind_inside(kind)}]" in parameter.kinds
        or (plain == "integer" and "float" in parameter.kinds)
    )
    if wrong:
        raise DataError(
            "DA123",
            where=_where(whole),
            expected=f"{function.signature} takes {_kinds_words(parameter)} as {parameter.name}",
            got=f"{argument.node.text}, {_A.get(kind) or _A.get(plain, f'a {plain}')}" if kind != "null" else "None",
            cause="it is no constant" if parameter.constant and not isinstance(argument.node, Literal) else "it is of another kind",
            fix=_conversion(plain, parameter, argument.node, function),
        )
    if plain == "null":
        return kind if parameter.constant or parameter.alike or parameter.default is None else parameter.kinds[0]
    if plain == "integer" and "integer" not in parameter.kinds:
        return "float"
    return "string" if kind == "categorical" else kind


def _made_alike(function: Function, kinds: list[str], node: Call, whole: Expression) -> list[str]:
    """The same kinds, with those that must be alike made one."""
    chosen = [index for index in range(len(kinds)) if function.parameter(index).alike]
    plain = [kind_inside(kinds[index]) if base_kind(kinds[index]) == "list" else kinds[index] for index in chosen]
    common = unified(plain)
    if common is None:
        raise _unlike(plain, node, whole)
    made = list(kinds)
    for index, own in zip(chosen, plain, strict=True):
        fits = base_kind(common) in function.parameter(index).kinds or common == "null" or base_kind(kinds[index]) == "list"
        if not fits:
            raise DataError(
                "DA123",
                where=_where(whole),
                expected=f"{function.signature} takes {_kinds_words(function.parameter(index))}",
                got=f"{own} in {node.text}",
                cause="it is of another kind",
                fix=f"write it like {function.example}",
            )
        made[index] = f"list[{common}]" if base_kind(kinds[index]) == "list" else common
    return made


def _unlike(kinds: Sequence[str], node: Call, whole: Expression) -> DataError:
    return DataError(
        "DA123",
        where=_where(whole),
        expected="values of one kind",
        got=f"{', '.join(dict.fromkeys(kinds))} in {node.text}",
        cause=f"{node.function} compares or mixes its arguments",
        fix="convert one: integer(x), float(x), string(x), boolean(x), parse_time(x, format)",
    )


def unified(kinds: Sequence[str]) -> str | None:
    """One kind that holds values of all of these; None if there is none.

    Example:
        >>> unified(["integer", "float", "null"]), unified(["string", "time"])
        ('float', None)
    """
    known = [kind for kind in dict.fromkeys(kinds) if kind != "null"]
    if len(known) <= 1:
        return known[0] if known else "null"
    plain = {base_kind(kind) for kind in known}
    if plain == {"integer", "float"}:
        return "float"
    if plain == {"string", "text"}:
        return "text"
    if len(plain) > 1 or plain == {"array"}:
        return None
    return plain.pop()


def _level_of(function: Function, given: Sequence[Typed], node: Call, whole: Expression) -> Level:
    levels = {argument.level for argument in given}
    if function.level == "row":
        return node.level if levels - {"row"} else "row"
    if function.name != "only" and levels - {"row"}:
        inner = next(argument for argument in given if argument.level != "row")
        raise DataError(
            "DA124",
            where=_where(whole),
            expected=f"a value of each row inside {function.name}(...)",
            got=f"{inner.node.text}, {_level_words(inner.level)}",
            cause="aggregates and windows can't stand inside one another",
            fix="compute the inner one in a step before, and use the column it gives",
        )
    values = [argument for index, argument in enumerate(given) if not function.parameter(index).constant and argument.node != Literal(None)]
    if values and function.name != "only" and not any(argument.node.columns for argument in values):
        raise DataError(
            "DA124",
            where=_where(whole),
            expected=f"a column inside {function.name}(...)",
            got=node.text,
            cause="a constant is the same in all rows",
            fix="name a column; count() counts the rows",
        )
    return function.level


def _conversion(plain: str, parameter: Parameter, node: Expression, function: Function) -> str:
    wanted = parameter.kinds[0]
    if parameter.constant:
        return f"write a constant there, like {function.example}"
    if plain in ("integer", "float", "boolean", "string") and wanted in ("integer", "float", "string", "boolean"):
        return f"write {wanted if wanted != 'boolean' or plain == 'string' else 'boolean'}({node.text})"
    if wanted == "time" and plain == "string":
        return f"write parse_time({node.text}, '%Y-%m-%d')"
    if plain == "time" and wanted in ("float", "integer"):
        return f"write epoch_seconds({node.text}), or year({node.text}) and the like"
    return f"write it like {function.example}"


def _kinds_words(parameter: Parameter) -> str:
    kinds = " or ".join([_A.get(kind, f"a {kind}") for kind in parameter.kinds]) if len(parameter.kinds) < 6 else "a value"
    return f"a constant ({kinds})" if parameter.constant else kinds


def _level_words(level: Level) -> str:
    return {"row": "a value of one row", "aggregate": "an aggregate of many rows", "window": "a window over many rows"}[level]


def _where(expression: Expression) -> str:
    text = expression.text
    return f"the expression {text if len(text) <= 200 else text[:197] + '...'}"

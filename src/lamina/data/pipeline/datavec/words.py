"""Actions about text and categories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from lamina.data.pipeline.datavec.columns import Column, constant
from lamina.data.pipeline.datavec.values import literal, value_of

if TYPE_CHECKING:
    from lamina.data.pipeline.datavec.draft import Draft
    from lamina.data.pipeline.datavec.reading import Node

DEFAULTS = {"String": "", "Categorical": None, "Integer": 0, "Long": 0, "Double": 0.0, "Float": 0.0, "Time": 0, "Boolean": False}
MOST_COLUMNS = 10_000
DIGITS = tuple("0123456789")

# -- text -------------------------------------------------------------------------------------------------------------


def _changed(make: Callable[[str, Node], str]) -> Callable[[Draft, Node], None]:
    """An action that computes a text from a text."""

    def act(draft: Draft, node: Node) -> None:
        column = draft.named(node, "columnName" if "columnName" in node else "column")
        draft.derive({column.own: make(column.text, node)})
        draft.retype(column, "String")

    return act


def _case(x: str, node: Node) -> str:
    return f"{node.choice('caseType', ('LOWER', 'UPPER'), 'LOWER').lower()}({x})"


def _filled(x: str, node: Node) -> str:
    return f"where(is_missing({x}) or {x} == '', {constant(node.text('value'))}, {x})"


def _excepted(x: str, node: Node) -> str:
    exceptions = tuple(dict.fromkeys(node.texts("exceptions")))
    new = constant(node.text("newValue"))
    return f"where({x} not in {constant(exceptions)}, {new}, {x})" if exceptions else f"where(is_missing({x}), {x}, {new})"


def _replaced(x: str, node: Node) -> str:
    from lamina.data.expressions.kinds import kind_of
    from lamina.data.expressions.parse import parse
    from lamina.errors import DataError

    for pattern, new in node.mapping("map").items():
        step = f"replace_regex({x}, {constant(pattern)}, {constant(new)})"
        try:
            kind_of(parse(step.replace(x, "''", 1)), {})
        except DataError as error:
            raise node.wrong("map", f"regular expressions that mean here what they mean in Java; {error.problems[0].expected}") from error
        x = step
    return x


def _map_words(draft: Draft, node: Node) -> None:
    column, words = draft.named(node), node.mapping("map")
    if column.type not in ("String", "Categorical"):
        draft.derive({column.own: column.text})
    if words:
        draft.add("map_values", columns=[column.own], values=words)
    draft.retype(column, "String")


def _concatenate(draft: Draft, node: Node) -> None:
    columns, delimiter = [draft.find(name, node) for name in node.texts("columnsToConcatenate")], node.text("delimiter")
    if not columns:
        raise node.wrong(key="columnsToConcatenate", expected="at least one column")
    parts = f", {constant(delimiter)}, ".join(f"coalesce({column.text}, '')" for column in columns)
    name = node.text("newColumnName")
    made = Column(name, draft.free(name), "String")
    draft.derive({made.own: f"concat({parts})" if len(columns) > 1 else parts})
    draft.put(made)


def _lists(draft: Draft, node: Node) -> None:
    column, names, tokens = draft.named(node, types=("String",)), node.texts("newColumnNames"), node.texts("categoryTokens")
    if len(names) != len(tokens) or not names or len({*tokens}) < len(tokens) or len({*names}) < len(names):
        raise node.wrong(key="categoryTokens", expected="different words, as many as different newColumnNames")
    made = [Column(name, name if name == column.own else draft.free(name), "Categorical", states=("true", "false")) for name in names]
    own = [one.own for one in made]
    draft.add("multi_hot", column=column.own, values=tokens, names=own, delimiter=plain_delimiter(node), strip=False)
    draft.derive({one.own: f"where({one.x}, 'true', 'false')" for one in made})
    draft.swap(column, made)


def plain_delimiter(node: Node, key: str = "delimiter") -> str:
    """A delimiter that DataVec takes for a regular expression, where it means itself.

    Raises:
        DataError: DA242, for one that means something else.
    """
    delimiter = node.text(key)
    plain = delimiter
    for letter in ".|*+?()[]{}^$":
        plain = plain.replace(f"\\{letter}", "")
    if not delimiter or any(letter in plain for letter in "\\.|*+?()[]{}^$"):
        raise node.wrong(key, "characters that mean themselves in a regular expression, at least one")
    return delimiter.replace("\\", "")


# -- categories -------------------------------------------------------------------------------------------------------


def _to_categorical(draft: Draft, node: Node) -> None:
    column, states = draft.named(node), tuple(node.texts("stateNames"))
    if not states or len({*states}) < len(states):
        raise node.wrong(key="stateNames", expected="different words, at least one")
    if column.type not in ("String", "Categorical"):
        draft.derive({column.own: column.text})
    draft.retype(column, "Categorical", states=states)


def _categorical_to_integer(draft: Draft, node: Node) -> None:
    column = draft.named(node, types=("Categorical",))
    draft.add("integer_encode", columns=[column.own], values={column.own: column.states})
    draft.retype(column, "Integer", minimum=0, maximum=len(column.states) - 1)


def _categorical_to_one_hot(draft: Draft, node: Node) -> None:
    column = draft.named(node, types=("Categorical",))
    _one_hot(draft, column, column.states)


def _integer_to_one_hot(draft: Draft, node: Node) -> None:
    column = draft.named(node, types=("Integer",))
    low, high = node.integer("minValue"), node.integer("maxValue")
    if not low <= high < low + MOST_COLUMNS:
        raise node.wrong("maxValue", f"at least minValue, and at most {MOST_COLUMNS} more")
    _one_hot(draft, column, tuple(map(str, range(low, high + 1))))


def _one_hot(draft: Draft, column: Column, words: tuple[str, ...]) -> None:
    names = [f"{column.own}[{word}]" for word in words]
    clash = next((name for name in names if name in draft.schema), None)
    if clash is not None:
        own = draft.free(f"{column.own}_one_hot")
        draft.add("rename", columns={column.own: own})
        column = draft.change(column, own=own)
    draft.add("one_hot", columns=[column.own], values={column.own: words})
    draft.swap(column, [Column(f"{column.name}[{word}]", f"{column.own}[{word}]", "Integer", minimum=0, maximum=1) for word in words])


def _integer_to_categorical(draft: Draft, node: Node) -> None:
    column, words = draft.named(node), node.mapping("map")
    if not words or len({*words.values()}) < len(words):
        raise node.wrong(key="map", expected="different words for whole numbers, at least one")
    draft.derive({column.own: f"string({column.whole})"})
    draft.add("map_values", columns=[column.own], values=words)
    draft.retype(column, "Categorical", states=tuple(words.values()))


def _first_digit(draft: Draft, node: Node) -> None:
    column, name = draft.named(node, "inputColumn"), node.text("outputColumn")
    other = node.choice("mode", ("EXCEPTION_ON_INVALID", "INCLUDE_OTHER_CATEGORY")) == "INCLUDE_OTHER_CATEGORY"
    digit = f"extract_regex({column.text}, '^-?([0-9])', 1)"
    made = Column(
        name, column.own if name == column.name else draft.free(name), "Categorical", states=(*DIGITS, "Other") if other else DIGITS
    )
    draft.derive({made.own: f"coalesce({digit}, 'Other')" if other else digit})
    if name == column.name:
        draft.swap(column, [made])
    else:
        draft.put(made, after=column)


def _pivot(draft: Draft, node: Node) -> None:
    key, value = draft.named(node, "keyColumn", ("Categorical",)), draft.named(node, "valueColumn")
    if value.type not in DEFAULTS:
        raise node.wrong("valueColumn", f"a column of a type among {', '.join(DEFAULTS)}")
    given = value_of(node.at("defaultValue")) if node.at("defaultValue").data is not None else DEFAULTS[value.type]
    default = literal(given, value.type, value.zone, node)
    made = [replace(value, name=f"{key.name}[{state}]", own=draft.free(f"{key.own}[{state}]")) for state in key.states]
    draft.derive(
        {one.own: f"where({key.text} == {constant(state)}, {value.x}, {default})" for one, state in zip(made, key.states, strict=True)}
    )
    draft.drop([key.own, value.own])
    draft.swap(key, made)
    draft.columns.remove(value)


ACTIONS = {
    "AppendStringColumnTransform": _changed(lambda x, node: f"concat({x}, {constant(node.text('toAppend'))})"),
    "ChangeCaseStringTransform": _changed(_case),
    "RemoveWhiteSpaceTransform": _changed(lambda x, node: f"remove_whitespace({x})"),
    "ReplaceEmptyStringTransform": _changed(_filled),
    "ReplaceStringTransform": _changed(_replaced),
    "MapAllStringsExceptListTransform": _changed(_excepted),
    "StringMapTransform": _map_words,
    "ConcatenateStringColumns": _concatenate,
    "StringListToCategoricalSetTransform": _lists,
    "StringToCategoricalTransform": _to_categorical,
    "CategoricalToIntegerTransform": _categorical_to_integer,
    "CategoricalToOneHotTransform": _categorical_to_one_hot,
    "IntegerToOneHotTransform": _integer_to_one_hot,
    "IntegerToCategoricalTransform": _integer_to_categorical,
    "FirstDigitTransform": _first_digit,
    "PivotTransform": _pivot,
}

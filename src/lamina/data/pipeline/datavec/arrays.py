"""Actions about arrays, and about lists of words that become numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lamina.data.pipeline.datavec.columns import Column, constant
from lamina.data.pipeline.datavec.mathematics import FUNCTIONS, SCALAR, operation
from lamina.data.pipeline.datavec.words import plain_delimiter

if TYPE_CHECKING:
    from lamina.data.pipeline.datavec.draft import Draft
    from lamina.data.pipeline.datavec.reading import Node

MOST_WORDS = 100_000
DISTANCES = {
    # DataVec's is the similarity, whatever it is called.
    "COSINE": "1.0 - cosine_distance({a}, {b})",
    "EUCLIDEAN": "euclidean_distance({a}, {b})",
    "MANHATTAN": "manhattan_distance({a}, {b})",
}
NOT_OF_ARRAYS = ("COSH", "SINH")
OF_SEVERAL = ("Add", "Subtract", "Multiply", "Divide", "ReverseSubtract", "ReverseDivide")


def _scalar(draft: Draft, node: Node) -> None:
    column = draft.named(node, types=("NDArray",))
    op = node.choice("mathOp", tuple(op for op in SCALAR if op != "Modulus"))
    number = constant(node.number("scalar"))
    draft.add("elements", columns={column.own: operation(op, column.x, f"({number})", whole=False)})


def _several(draft: Draft, node: Node) -> None:
    op, columns = node.choice("mathOp", OF_SEVERAL), [draft.find(name, node, ("NDArray",)) for name in node.texts("columns")]
    if len(columns) < 2 or (op not in ("Add", "Multiply") and len(columns) != 2):
        raise node.wrong(key="columns", expected="two columns, or more for Add and Multiply")
    values = [column.x for column in columns]
    sign = {"Add": " + ", "Multiply": " * "}.get(op)
    name = node.text("newColumnName")
    made = Column(name, draft.free(name), "NDArray")
    draft.add("elements", columns={made.own: sign.join(values) if sign else operation(op, values[0], values[1], whole=False)})
    draft.put(made)


def _function(draft: Draft, node: Node) -> None:
    column = draft.named(node, types=("NDArray",))
    name = node.choice("mathFunction", tuple(name for name in FUNCTIONS if name not in NOT_OF_ARRAYS))
    draft.add("elements", columns={column.own: f"{FUNCTIONS[name]}({column.x})"})


def _distance(draft: Draft, node: Node) -> None:
    first, second = (draft.named(node, key, ("NDArray",)) for key in ("firstCol", "secondCol"))
    name = node.text("newColumnName")
    made = Column(name, draft.free(name), "Double")
    draft.derive({made.own: DISTANCES[node.choice("distance", DISTANCES)].format(a=first.x, b=second.x)})
    draft.put(made)


def _bag(draft: Draft, node: Node) -> None:
    _listed(draft, node, "flags" if node.flag("binary") else "counts")


def _indices(draft: Draft, node: Node) -> None:
    _listed(draft, node, "distinct" if node.flag("binary") else "sorted")


def _listed(draft: Draft, node: Node, give: str) -> None:
    column, words = draft.named(node, types=("String",)), node.texts("vocabulary")
    if not words or len({*words}) < len(words) or len(words) > MOST_WORDS:
        raise node.wrong(key="vocabulary", expected="different words, at least one")
    name = node.text("newColumnName", f"{column.name}[BOW]")
    unknown = "ignore" if node.flag("ignoreUnknown") else "error"
    settings = {"values": words, "delimiter": plain_delimiter(node), "give": give, "strip": False, "unknown": unknown}
    # A text that is missing has no words.
    draft.derive({column.own: f"coalesce({column.x}, '')"})
    draft.add("encode_list", column=column.own, **settings)
    made = replace(Column(name, column.own, "NDArray"), own=column.own if name == column.name else draft.free(name))
    if made.own != column.own:
        draft.add("rename", columns={column.own: made.own})
    draft.swap(column, [made])


def _characters(draft: Draft, node: Node) -> None:
    numbers = _numbers(node, "characterIndexMap")
    if any(len(word) != 1 for word in numbers):
        raise node.wrong(key="characterIndexMap", expected="single characters")
    _spread(draft, node, numbers, "")


def _terms(draft: Draft, node: Node) -> None:
    _spread(draft, node, _numbers(node, "wordIndexMap"), plain_delimiter(node))


def _numbers(node: Node, key: str) -> dict[str, int]:
    found = {word: node.at(key).integer(word) for word in node.entries(key)}
    if not found or "" in found or len(found) > MOST_WORDS:
        raise node.wrong(key, f"whole numbers for words, at least one and at most {MOST_WORDS}")
    return found


def _spread(draft: Draft, node: Node, numbers: dict[str, int], delimiter: str) -> None:
    """A step for each word, with its number, and with the values of the other columns."""
    draft.sequence(node)
    column, name = draft.named(node), node.text("newColumnName")
    if column.type != "String":
        draft.derive({column.own: column.text})
    unknown = "error" if node.flag("exceptionOnUnknown") else "ignore"
    draft.add("encode_list", column=column.own, values=numbers, delimiter=delimiter, strip=False, unknown=unknown)
    draft.add("explode", columns=[column.own])
    made = Column(name, column.own if name == column.name else draft.free(name), "Integer", minimum=0, maximum=len(numbers) - 1)
    if made.own != column.own:
        draft.add("rename", columns={column.own: made.own})
    draft.derive({made.own: f"integer({made.x})"})
    draft.swap(column, [made])


ACTIONS = {
    "NDArrayScalarOpTransform": _scalar,
    "NDArrayColumnsMathOpTransform": _several,
    "NDArrayMathFunctionTransform": _function,
    "NDArrayDistanceTransform": _distance,
    "StringListToCountsNDArrayTransform": _bag,
    "StringListToIndicesNDArrayTransform": _indices,
    "TextToCharacterIndexTransform": _characters,
    "TextToTermIndexSequenceTransform": _terms,
}

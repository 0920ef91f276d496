"""A network layer by layer, those within others written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lamina.interop.keras.export import sequences as _sequences  # noqa: F401 (enters what it writes)
from lamina.interop.keras.export.book import Book, UnknownError, lacks
from lamina.interop.keras.export.layers import EMITTERS
from lamina.network.layers.nested import Nested, Residual
from lamina.network.plan import Node, Plan
from lamina.shapes import Series


def drawn(plan: Plan, arrays: Mapping[str, Any]) -> Book:
    """All layers of a network; what Keras has not is among the problems."""
    book = Book(arrays)
    gives: dict[str, str] = {}
    for name, shape in plan.inputs.items():
        book.enter(name, shape)
        gives[name] = name
    _run(book, plan, gives, "")
    book.outputs += [gives[name] for name in plan.outputs]
    return book


def _run(book: Book, plan: Plan, gives: dict[str, str], prefix: str) -> None:
    """The layers of a network, those within others among them."""
    for node in plan.nodes:
        own = replace(node, name=f"{prefix}{node.name}")
        fed = [gives.get(name, "") for name in node.inputs]
        gives[node.name] = own.name
        try:
            gives[node.name] = _within(book, own, fed) or _one(book, own, fed)
            book.nodes[gives[node.name]] = own
        except UnknownError as error:
            book.refuse(own, error.got, error.expected)


def _one(book: Book, node: Node, fed: Sequence[str]) -> str:
    emitter = EMITTERS.get(type(node.layer))
    if emitter is None:
        lacks(f"a {node.layer.type_name}")
    _plain(node)
    return emitter(book, node, node.layer, fed)


def _within(book: Book, node: Node, fed: Sequence[str]) -> str:
    """The layers of a nested or residual network, written out; empty for another layer."""
    layer = node.layer
    if not isinstance(layer, Nested | Residual):
        return ""
    plan = layer.plans(node.input_shapes)[""]
    gives = dict(zip(plan.inputs, fed, strict=True))
    _run(book, plan, gives, f"{node.name}/")
    end = gives[plan.outputs[0]]
    return book.add("Add", {}, [end, fed[0]], node.name) if isinstance(layer, Residual) else end


def _plain(node: Node) -> None:
    shapes = (*node.input_shapes, node.output_shape)
    if any(isinstance(shape, Series) for shape in shapes):
        lacks("a series of images or sequences", "vectors, sequences, images and volumes")

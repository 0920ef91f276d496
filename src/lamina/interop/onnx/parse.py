"""From a file to its graph: messages read, functions put in place, operators of older sets converted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.interop.onnx.graph import Dim, Graph, Kind, Op, Source
from lamina.interop.onnx.schema import KINDS, SCHEMA
from lamina.interop.onnx.tensors import Tensors, mapped
from lamina.interop.onnx.upgrade import Upgrade, upgraded
from lamina.interop.problems import damaged, too_large, unreadable
from lamina.interop.protobuf.wire import parsed

if TYPE_CHECKING:
    from lamina.interop.notes import Notes
    from lamina.interop.protobuf.message import Message

MOST_OPERATORS = 200_000
DEEPEST = 20
OLDEST = 1
_DOMAINS = {"ai.onnx": ""}
_TYPED = {"to", "dtype", "output_dtype", "output_datatype", "softmax_precision", "precision"}
"""Attributes that name a kind of numbers."""


def source(path: Path, notes: Notes) -> Source:
    """The graph in a file.

    Args:
        path: The file; external data lie beside it.
        notes: Collects what has no counterpart.

    Raises:
        InteropError: IO002, IO003, IO005 or IO010.
    """
    return model(mapped(path), str(path), path.parent, notes)


def model(data: memoryview, where: str, folder: Path | None, notes: Notes) -> Source:
    """The graph in the bytes of a file; see `source`."""
    message = parsed(data, SCHEMA, "ModelProto", where)
    graph = message.message("graph")
    if graph is None:
        raise damaged(where=where, expected="a model with a graph", got=f"one with {', '.join(message.names()) or 'nothing'}")
    return _Reader(message, where, folder, notes).read(graph)


class _Reader:
    def __init__(self, message: Message, where: str, folder: Path | None, notes: Notes) -> None:
        self.message, self.where, self.notes = message, where, notes
        self.tensors = Tensors(folder)
        self.versions: dict[str, int] = {}
        for entry in message.messages("opset_import"):
            domain = _domain(entry.text("domain"))
            self.versions[domain] = max(entry.integer("version"), self.versions.get(domain, 0))
        self.functions = {
            (_domain(one.text("domain")), one.text("name"), one.text("overload")): one for one in message.messages("functions")
        }
        self.count = 0
        self.fresh = 0

    def read(self, message: Message) -> Source:
        if not self.versions:
            # Files from before there were sets.
            self.notes.assume("opset_import", "operator set 6, since the file names none")
        version = self.versions.setdefault("", 6)
        if version < OLDEST:
            raise unreadable(
                where=f"{self.where}, opset_import",
                expected=f"operator set {OLDEST} or newer",
                got=str(version),
                cause="the file is damaged, or was written before there were sets",
            )
        graph = self.graph(message, {}, 0, "")
        metadata = {one.text("key"): one.text("value") for one in self.message.messages("metadata_props")}
        producer = f"{self.message.text('producer_name')} {self.message.text('producer_version')}".strip()
        if self.message.has("training_info"):
            self.notes.lose("training_info", "graphs for training there; they don't matter for outputs")
        return Source(graph, self.versions, producer, metadata)

    def graph(self, message: Message, renamed: Mapping[str, str], depth: int, path: str) -> Graph:
        if depth > DEEPEST:
            raise too_large(where=message.where, expected=f"at most {DEEPEST} graphs within one another", got="more")
        if message.has("sparse_initializer"):
            constants = {one_name: array for one_name, array in map(self._sparse, message.messages("sparse_initializer"))}
        else:
            constants = {}
        constants |= {tensor.text("name"): self.tensors.array(tensor) for tensor in message.messages("initializer")}
        inputs = {one.text("name"): kind_of(one.message("type")) for one in message.messages("input")}
        outputs = {one.text("name"): kind_of(one.message("type")) for one in message.messages("output")}
        kinds = {one.text("name"): kind_of(one.message("type")) for one in message.messages("value_info")}
        for one in message.messages("initializer"):
            kinds.setdefault(one.text("name"), Kind(KINDS.get(one.integer("data_type"), "float32"), tuple(one.integers("dims"))))
        ops: list[Op] = []
        for number, node in enumerate(message.messages("node")):
            ops += self.node(node, {}, depth, f"{path}node {node.text('name') or number}")
        found = Graph({name: kind for name, kind in inputs.items() if name not in constants}, outputs, ops, constants, kinds)
        found.ops = self.ordered(found)
        _settle(found)
        return found

    def _sparse(self, message: Message) -> tuple[str, Any]:
        import numpy as np

        values, indices = message.message("values"), message.message("indices")
        dims = message.integers("dims")
        if values is None or indices is None or any(size < 0 for size in dims):
            raise damaged(where=message.where, expected="values, indices and sizes", got="fewer")
        numbers, places = self.tensors.array(values), self.tensors.array(indices)
        total = 1
        for size in dims:
            total *= size
        if total > 1 << 27:
            raise too_large(where=message.where, expected="at most 134,217,728 numbers", got=f"{dims}")
        try:
            flat = np.ravel_multi_index(tuple(places.T), dims) if places.ndim == 2 else places
        except ValueError as error:
            raise damaged(where=message.where, expected=f"places in {dims}", got="others") from error
        if flat.size and (flat.min() < 0 or flat.max() >= total):
            raise damaged(where=message.where, expected=f"places in {dims}", got="others")
        array = np.zeros(total, dtype=numbers.dtype)
        array[flat] = numbers
        return values.text("name"), array.reshape(dims)

    def node(self, node: Message, given: Mapping[str, Any], depth: int, path: str) -> list[Op]:
        """An operator as operators of the newest set; a function as what it holds."""
        self.count += 1
        if self.count > MOST_OPERATORS:
            raise too_large(where=self.where, expected=f"at most {MOST_OPERATORS:,} operators", got="more")
        domain, kind = _domain(node.text("domain")), node.text("op_type")
        attributes, bodies = self.attributes(node, given, depth, path)
        inputs, outputs = node.texts("input"), node.texts("output")
        function = self.functions.get((domain, kind, node.text("overload")))
        if function is not None:
            return self.inlined(function, Op(kind, inputs, outputs, attributes, bodies, domain, path), depth)
        op = Op(kind, inputs, outputs, attributes, bodies, domain, f"{path} ({kind})")
        try:
            return upgraded(op, Upgrade(self.versions.get(domain, 1), self.unique))
        except IndexError as error:
            got = f"{len(op.inputs)} inputs, {len(op.outputs)} outputs"
            raise damaged(where=f"{self.where}, {path}", expected=f"the inputs and outputs of {kind}", got=got) from error

    def unique(self, name: str) -> str:
        """A name that no value has."""
        self.fresh += 1
        return f"{name}//{self.fresh}"

    def attributes(self, node: Message, given: Mapping[str, Any], depth: int, path: str) -> tuple[dict[str, Any], dict[str, Graph]]:
        found: dict[str, Any] = {}
        bodies: dict[str, Graph] = {}
        for one in node.messages("attribute"):
            name = one.text("name")
            if one.has("ref_attr_name"):
                reference = one.text("ref_attr_name")
                if reference in given:
                    found[name] = given[reference]
                continue
            inner = one.message("g")
            if inner is not None:
                bodies[name] = self.graph(inner, {}, depth + 1, f"{path}.{name}: ")
                continue
            found[name] = self.value(one)
        for name in _TYPED & set(found):
            if isinstance(found[name], int):
                found[name] = KINDS.get(found[name], f"type {found[name]}")
        return {name: value for name, value in found.items() if value is not None}, bodies

    def value(self, one: Message) -> Any:
        kind = one.word("type")
        scalars = {"FLOAT": ("f", one.number), "INT": ("i", one.integer)}
        if kind in scalars:
            return scalars[kind][1](scalars[kind][0])
        if kind == "STRING":
            return _word(one.raw("s"))
        if kind == "TENSOR":
            tensor = one.message("t")
            return None if tensor is None else self.tensors.array(tensor)
        if kind == "FLOATS":
            return [float(number) for number in one.numbers("floats").tolist()]
        if kind == "INTS":
            return one.integers("ints")
        if kind == "STRINGS":
            return [_word(word) for word in one.raws("strings")]
        if kind == "TYPE_PROTO":
            return None
        if kind == "SPARSE_TENSOR":
            sparse = one.message("sparse_tensor")
            return None if sparse is None else self._sparse(sparse)[1]
        for name in ("f", "i", "s", "t", "floats", "ints", "strings"):
            # Written before attributes named their types.
            if kind in ("UNDEFINED", "0", "") and one.has(name):
                found = {"f": one.number, "i": one.integer, "floats": lambda n: one.numbers(n).tolist(), "ints": one.integers}
                if name in found:
                    return found[name](name)
                return _word(one.raw("s")) if name == "s" else [_word(word) for word in one.raws("strings")]
        return None

    def inlined(self, function: Message, op: Op, depth: int) -> list[Op]:
        """What a function of the model holds, with its values renamed and its attributes filled in."""
        if depth > DEEPEST:
            raise too_large(where=function.where, expected=f"at most {DEEPEST} functions within one another", got="more")
        given: dict[str, Any] = {}
        for one in function.messages("attribute_proto"):
            inner = one.message("g")
            if inner is None:
                given[one.text("name")] = self.value(one)
        given |= op.attributes
        names = dict(zip(function.texts("input"), op.inputs, strict=False))
        names |= {name: "" for name in function.texts("input")[len(op.inputs) :]}
        names |= {name: made for name, made in zip(function.texts("output"), op.outputs, strict=False) if made}
        before = dict(self.versions)
        for entry in function.messages("opset_import"):
            self.versions[_domain(entry.text("domain"))] = entry.integer("version")
        inner_ops: list[Op] = []
        for number, node in enumerate(function.messages("node")):
            inner_ops += self.node(node, given, depth + 1, f"{op.path} ({op.kind}), node {node.text('name') or number}")
        self.versions.clear()
        self.versions.update(before)
        return [self.renamed(inner, names) for inner in inner_ops]

    def renamed(self, op: Op, names: dict[str, str]) -> Op:
        def new(name: str) -> str:
            if name and name not in names:
                names[name] = self.unique(name)
            return names[name] if name else ""

        op.inputs = [new(name) for name in op.inputs]
        for body in op.bodies.values():
            inner = {**names, **{name: name for name in (*body.inputs, *body.constants)}}
            body.ops = [self.renamed(one, inner) for one in body.ops]
            body.outputs = {inner.get(name, name): kind for name, kind in body.outputs.items()}
        op.outputs = [new(name) for name in op.outputs]
        return op

    def ordered(self, graph: Graph) -> list[Op]:
        """Operators so that each comes after those it reads.

        Raises:
            InteropError: IO010, for a circle.
        """
        made: dict[str, int] = {}
        for number, op in enumerate(graph.ops):
            for name in op.outputs:
                if name in made or name in graph.inputs:
                    raise unreadable(where=f"{self.where}, {op.path}", expected="each value given once", got=f"{name!r} given twice")
                if name:
                    made[name] = number
        waits = {number: {made[name] for name in op.read() if name in made} for number, op in enumerate(graph.ops)}
        if all(all(before < number for before in needed) for number, needed in waits.items()):
            return graph.ops
        users: dict[int, list[int]] = {}
        for number, needed in waits.items():
            for before in needed:
                users.setdefault(before, []).append(number)
        ready = [number for number, needed in waits.items() if not needed]
        order: list[int] = []
        while ready:
            number = ready.pop(0)
            order.append(number)
            for user in users.get(number, ()):
                waits[user].discard(number)
                if not waits[user]:
                    ready.append(user)
        if len(order) < len(graph.ops):
            stuck = next(op for number, op in enumerate(graph.ops) if number not in set(order))
            raise unreadable(
                where=f"{self.where}, {stuck.path}",
                expected="a graph without circles",
                got=f"an operator that needs what it gives: {', '.join(stuck.outputs)}",
                cause="the file is damaged",
            )
        return [graph.ops[number] for number in order]


_NARROW = {"int4", "uint4", "int2", "uint2", "float4_e2m1", "float8_e8m0"}


def _settle(graph: Graph) -> None:
    """Say in operators which kinds they give, where those are of less than a byte and are held in one."""
    known = {**graph.kinds, **graph.inputs}
    for op in graph.ops:
        place = {"CastLike": 1, "QuantizeLinear": 2}.get(op.kind)
        if place is None or len(op.inputs) <= place or op.inputs[place] not in known:
            continue
        kind = known[op.inputs[place]].kind
        if op.kind == "QuantizeLinear" and kind in _NARROW:
            op.attributes.setdefault("output_dtype", kind)
        elif op.kind == "CastLike" and kind in _NARROW:
            op.kind, op.inputs = "Cast", op.inputs[:1]
            op.attributes["to"] = kind


def _domain(name: str) -> str:
    return _DOMAINS.get(name, name)


def _word(raw: memoryview) -> str:
    return bytes(raw).decode("utf-8", "replace")


def kind_of(message: Message | None) -> Kind:
    """The type that a file says of a value."""
    if message is None:
        return Kind()
    for name, holds in (("sequence_type", "sequence"), ("optional_type", "optional")):
        inner = message.message(name)
        if inner is not None:
            held = kind_of(inner.message("elem_type"))
            return Kind(held.kind, held.dims, holds)
    if message.has("map_type"):
        return Kind(holds="map")
    tensor = message.message("tensor_type") or message.message("sparse_tensor_type")
    if tensor is None:
        return Kind()
    kind = KINDS.get(tensor.integer("elem_type"), "float32")
    shape = tensor.message("shape")
    if shape is None:
        return Kind(kind)
    dims: list[Dim] = []
    for one in shape.messages("dim"):
        if one.has("dim_value"):
            size = one.integer("dim_value")
            dims.append(size if 0 <= size < 1 << 40 else None)
        else:
            dims.append(one.text("dim_param") or None)
    return Kind(kind, tuple(dims))

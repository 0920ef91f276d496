"""From the layers of the source to a network: every call of every layer by its converter."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamina.errors import InteropError
from lamina.interop.converters import own_converter
from lamina.interop.imported import Options
from lamina.interop.keras.inputs import Wanted, wanted
from lamina.interop.keras.net import Net, Order, RefusedError, Value, allowed, channels, identity
from lamina.interop.keras.piece import CONVERTERS, COUNTERS, Background, Made, Piece, SourceLayer
from lamina.interop.keras.source import Call, Reference, SourceModel, SourceNode, call_of, order_of_calls
from lamina.interop.keras.weights import Weights, spread
from lamina.interop.notes import Notes
from lamina.network.layers.layer import Layer
from lamina.shapes import Features, Image, Series, Shape, Tokens, Volume
from lamina.shapes import Sequence as Steps

for _family in (
    "attention",
    "conv_lstm",
    "convolution",
    "core",
    "merging",
    "normalization",
    "pooling",
    "preprocessing",
    "recurrent",
    "wrappers",
):
    importlib.import_module(f"lamina.interop.keras.layers.{_family}")

USES = {
    *("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "CuDNNLSTM", "CuDNNGRU"),
    *("GlobalAveragePooling1D", "MultiHeadAttention", "Attention", "AdditiveAttention", "GroupQueryAttention"),
}
"""Layers that look at masks."""
WITHIN = ("query_dense", "key_dense", "value_dense", "output_dense")
PASSES = {
    *("Activation", "Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "Dense", "BatchNormalization"),
    *("LeakyReLU", "ELU", "ReLU", "ThresholdedReLU", "PReLU", "TimeDistributed", "Masking", "LayerNormalization", "ActivityRegularization"),
    *("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Identity", "UnitNormalization", "Softmax"),
    *("RMSNormalization", "EinsumDense", "Merge", "TimeDistributedDense", "Highway", "MaxoutDense", "GroupNormalization"),
}
"""Layers that hand masks on."""


@dataclass
class Converted:
    """What came of the source's layers.

    Attributes:
        net: The layers.
        values: What each layer gave, by its place in the source: that of its first call.
        made: The nodes of each.
        inputs: What comes in, by the source's names.
        outputs: What goes out.
        opened: Channels of inputs whose other sizes are open.
        leaves: The weights of each layer: those that are trained, and others.
        paths: Its place in the source.
        again: From other arrays in place of the weights, by place, to parameters by name.
    """

    net: Net
    values: dict[str, Value] = field(default_factory=dict)
    made: dict[str, list[str]] = field(default_factory=dict)
    inputs: dict[str, Value] = field(default_factory=dict)
    outputs: list[tuple[str, Value]] = field(default_factory=list)
    opened: dict[str, int] = field(default_factory=dict)
    leaves: list[tuple[list[Any], list[Any]]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    again: Any = None


class Converting:
    """A conversion under way.

    Args:
        model: The source.
        weights: Of each of its layers.
        back: What is known of the file.
        net: What layers are put into.
        options: What the user says.
    """

    def __init__(self, model: SourceModel, weights: dict[str, Weights], back: Background, net: Net, options: Options) -> None:
        self.model, self.weights, self.back, self.net, self.options = model, weights, back, net, options
        self.found = Converted(net)
        self.sides = 0
        for node in model.nodes.values():
            inside = [one.path for one in node.model.all_nodes()] if node.model is not None else []
            given = any(path in weights and weights[path].stored for path in inside)
            if node.model is not None and not given and weights.get(node.path) is not None and weights[node.path].stored:
                spread(node, weights[node.path], self.count, weights)
        back.makes = self.convert_one

    def count(self, node: SourceNode) -> tuple[int, int]:
        """How many weights a layer has that are trained, and how many others."""
        counter = COUNTERS.get(node.kind)
        if counter is None:
            return 0, 0
        trained, others = counter(node.config, self.back.generation)
        if node.config.get("trainable") is False:
            return 0, len(trained) + len(others)
        return len(trained), len(others)

    def run(self) -> Converted:
        """Everything."""
        self.check_kinds(self.model)
        fed: dict[str, Value | None] = {}
        for reference in self.model.inputs:
            node = self.model.nodes[reference.layer]
            try:
                fed[node.name] = self.found.inputs[node.name] = self.entered(node)
            except RefusedError:
                fed[node.name] = None
        self.remember()
        ends = self.network(self.model, fed, "")
        for reference, value in zip(self.model.outputs, ends, strict=True):
            if value is not None:
                self.found.outputs.append((reference.layer, value))
        return self.found

    def remember(self) -> None:
        """Keep what finds the parameters that other arrays would become."""
        for node in self.model.all_nodes():
            weights = self.weights.get(node.path)
            if node.model is not None or weights is None or node.kind == "InputLayer":
                continue
            trained, _ = self.count(node)
            stored = weights.all(*WITHIN) if "Attention" in node.kind else weights.all()
            self.found.leaves.append((stored[:trained], stored[trained:]))
            self.found.paths.append(node.path)
        again: dict[str, Weights] = dict(self.weights)

        def run(arrays: Mapping[str, list[Any]]) -> dict[str, Any]:
            given = {**again, **{path: Weights(list(own)) for path, own in arrays.items()}}
            other = Converting(self.model, given, self.back, Net(Notes("")), self.options)
            other.sides, other.remember = self.sides, lambda: None  # type: ignore[method-assign]
            return other.run().net.arrays

        self.found.again = run

    def check_kinds(self, model: SourceModel) -> None:
        """Name every class that is not known, before anything else."""
        for node in model.all_nodes():
            if node.model is None and node.kind != "InputLayer" and self.converter(node.kind, node.package) is None:
                self.unknown(node.kind, node.package, node.path, node.name)

    def unknown(self, kind: str, package: str, path: str, name: str) -> None:
        """Note a class that is not known."""
        runs = kind in ("Lambda", "TensorFlowOpLayer", "TFOpLambda", "SlicingOpLambda") or ".ops" in package
        self.net.notes.miss(
            path,
            expected="a layer that is known here",
            got=f"{kind} {name!r}" + (f" of {package}" if package else ""),
            cause="it is code that Keras kept with the model, which is never run"
            if runs
            else "it is a layer of somebody's own, or Lamina has nothing that computes the same",
            fix=f"register a converter: @lm.interop.converter('keras', {kind!r}); docs/importing/keras.md shows how",
        )

    def converter(self, kind: str, package: str = "") -> Any:
        """What converts a class."""
        own = own_converter("keras", package, kind)
        if own is not None:
            return own
        return CONVERTERS.get(kind) if not package or package.startswith(("keras", "Keras")) and ".ops" not in package else None

    # -- inputs -------------------------------------------------------------------------------------------------------

    def entered(self, node: SourceNode) -> Value:
        """An input of the network as a whole."""
        raw = node.config.get("batch_input_shape") or node.config.get("batch_shape")
        raw = raw[0] if isinstance(raw, list) and raw and isinstance(raw[0], list) else raw
        dims = list(raw[1:]) if isinstance(raw, list) and len(raw) >= 1 else None
        need = wanted(self.model, node.name, self.back)
        name = "input" if len(self.model.inputs) == 1 and self.model.kind == "Sequential" else node.name
        given = self.options.inputs.get(node.name, self.options.inputs.get("" if len(self.model.inputs) == 1 else node.name))
        if dims is None and given is None and need.tokens is not None:
            dims = [None]
        if dims is None and given is None:
            self.net.notes.miss(
                f"input {node.name!r}",
                expected="the shape of the input",
                got="none",
                cause="the model was saved before it had seen any data",
                fix=f"say it: --input {node.name}:features=4, or inputs={{{node.name!r}: lm.features(4)}}",
            )
            raise RefusedError
        if given is not None:
            return self.net.enter(name, given, _order_of(given, need))
        shape, order = self.shaped(node, dims or [], need)
        return self.net.enter(name, shape, order)

    def shaped(self, node: SourceNode, dims: list[Any], need: Wanted) -> tuple[Shape, Order]:
        """Shape and order of an input of these sizes."""
        sizes = [size if isinstance(size, int) and not isinstance(size, bool) and 0 < size < 1 << 40 else None for size in dims]
        if need.tokens is not None and len(sizes) in (1, 2):
            if len(sizes) == 2:
                return Series(steps=sizes[0], item=Tokens(steps=sizes[1], vocabulary=need.tokens)), (1, 2)
            return Tokens(steps=sizes[0], vocabulary=need.tokens), (1,)
        if not sizes:
            sizes = [1]
        rank = len(sizes)
        order = channels(rank, first=need.first if need.first is not None else self.back.first)
        if need.series and rank >= 3:
            inner = channels(rank - 1, first=need.first if need.first is not None else self.back.first)
            order = (1, *(axis + 1 for axis in inner))
        if rank == 2 or (rank == 3 and need.series):
            order = identity(rank)
        return self.filled(node, [sizes[axis - 1] for axis in order], need, rank), order

    def filled(self, node: SourceNode, dims: list[int | None], need: Wanted, rank: int) -> Shape:
        """A shape; sides of images that the file leaves open get one that fits."""
        if rank == 1:
            if dims[0] is None:
                raise self.open(node, dims)
            return Features(dims[0])
        if rank == 2:
            if dims[1] is None:
                raise self.open(node, dims)
            return Steps(steps=dims[0], features=dims[1])
        if need.series and rank <= 5:
            return Series(steps=dims[0], item=self.filled(node, dims[1:], Wanted(), rank - 1))
        if rank not in (3, 4) or dims[0] is None:
            raise self.open(node, dims)
        if None in dims:
            self.found.opened[node.name] = dims[0]
            side = self.sides or 64
            dims = [side if size is None else size for size in dims]
        kind = Image if rank == 3 else Volume
        return kind(**dict(zip(kind.axes, dims, strict=True)))

    def open(self, node: SourceNode, dims: Sequence[int | None]) -> RefusedError:
        """The error for an input of sizes that can't be told."""
        self.net.notes.miss(
            f"input {node.name!r}",
            expected="sizes that are known, or steps of a sequence, or sides of images",
            got=f"{list(dims)}",
            cause="the source leaves them to the data",
            fix=f"say it: --input {node.name}:features=4, or inputs={{{node.name!r}: lm.features(4)}}",
        )
        return RefusedError()

    # -- layers -------------------------------------------------------------------------------------------------------

    def network(self, model: SourceModel, fed: Mapping[str, Value | None], prefix: str) -> list[Value | None]:
        """All calls of a network; what it gives."""
        gave: dict[tuple[str, int], list[Value | None]] = {}
        uses = masks(model)
        for node, number in order_of_calls(model, self.back.where):
            if node.name in fed:
                gave[node.name, number] = [fed[node.name]]
                continue
            call = node.calls[number]
            inputs = [self.value(model, gave, item) for item in call.inputs]
            named = {key: self.value(model, gave, item) for key, item in call.settings.items() if isinstance(item, Reference | tuple)}
            made = self.call(node, call, inputs, named, uses.get(node.name, {}), prefix)
            gave[node.name, number] = made
            if made and made[0] is not None and node.path not in self.found.values:
                self.found.values[node.path] = made[0]
        found: list[Value | None] = []
        for reference in model.outputs:
            several = gave.get(call_of(model, reference), [None])
            found.append(several[reference.place] if reference.place < len(several) else None)
        return found

    def value(self, model: SourceModel, gave: Mapping[tuple[str, int], list[Value | None]], item: Any) -> Any:
        """What a reference means."""
        if isinstance(item, tuple):
            return tuple(self.value(model, gave, one) for one in item)
        if not isinstance(item, Reference):
            return item
        several = gave.get(call_of(model, item), [None])
        return several[item.place] if item.place < len(several) else None

    def call(
        self, node: SourceNode, call: Call, inputs: list[Any], named: Mapping[str, Any], uses: Mapping[str, bool], prefix: str
    ) -> list[Value | None]:
        """One call of a layer."""
        before = set(self.net.nodes)
        missing = any(item is None for item in (*inputs, *named.values()))
        if node.model is not None:
            if len(inputs) != len(node.model.inputs):
                inputs = [None] * len(node.model.inputs)
            inner = {reference.layer: value for reference, value in zip(node.model.inputs, inputs, strict=True)}
            return self.network(node.model, inner, f"{prefix}{node.name}_")
        if node.kind == "InputLayer":
            return [None]
        if missing or self.converter(node.kind, node.package) is None:
            return [None] * 8
        if not all(isinstance(item, Value) for item in inputs) or not inputs:
            self.net.notes.miss(
                node.path,
                expected="layers as inputs",
                got="a constant, or nothing",
                cause="the source computes with a constant",
                fix="report it",
            )
            return [None] * 8
        weights = self.weights.get(node.path, Weights(given=False))
        source = SourceLayer(node.kind, node.config, f"{prefix}{node.name}", node.path, inputs, weights, self.net, self.back, call)
        source.uses, source.given = uses, named
        try:
            made = self.convert_one(source, node.package)
        except RefusedError:
            return [None] * 8
        finally:
            self.found.made.setdefault(node.path, []).extend(name for name in self.net.nodes if name not in before)
        return [made] if isinstance(made, Value) else list(made)

    def convert_one(self, source: SourceLayer, package: str = "") -> Made:
        """A layer by its converter."""
        converter = self.converter(source.kind, package)
        if converter is None:
            self.unknown(source.kind, package, source.path, source.name)
            raise RefusedError
        made = converter(source)
        if isinstance(made, Piece):
            return source.put(made.layer, *source.inputs, arrays=dict(made.arrays) or None)
        if isinstance(made, Value) or (isinstance(made, list | tuple) and all(isinstance(one, Value) for one in made)):
            return made
        if isinstance(made, Layer):
            return source.put(made, *source.inputs)
        raise InteropError(
            "IO009",
            where=f"the converter {converter.__module__}.{converter.__qualname__}",
            expected="a layer, or a lamina.interop.keras.piece.Piece of a layer and its arrays",
            got=type(made).__name__,
            cause="a converter says which layer there is, and which numbers are its",
            fix="return Piece(layer, arrays)",
        )


def _order_of(shape: Shape, need: Wanted) -> Order:
    rank = len(shape.dims)
    if isinstance(shape, Image | Volume):
        return channels(rank, first=bool(need.first))
    return identity(rank)


def masks(model: SourceModel) -> dict[str, dict[str, bool]]:
    """For each layer that makes or keeps masks: whether a layer behind looks at the mask, and whether one doesn't."""
    readers: dict[str, list[str]] = {name: [] for name in model.nodes}
    for node in model.nodes.values():
        for call in node.calls:
            for reference in call.references():
                readers[reference.layer].append(node.name)
    ends = {one.layer for one in model.outputs}
    found: dict[str, dict[str, bool]] = {}
    for name, node in model.nodes.items():
        if node.kind not in USES and node.kind not in ("Embedding", "Masking"):
            continue
        seen: set[str] = set()
        todo = [name]
        mask = raw = False
        while todo:
            one = todo.pop()
            raw = raw or one in ends
            for reader in readers[one]:
                kind = model.nodes[reader].kind
                if kind in USES:
                    mask = True
                elif kind in PASSES and reader not in seen:
                    seen.add(reader)
                    todo.append(reader)
                elif kind not in PASSES:
                    raw = True
        found[name] = {"mask": mask, "raw": raw}
    return found


__all__ = ["Converted", "Converting", "allowed", "masks"]

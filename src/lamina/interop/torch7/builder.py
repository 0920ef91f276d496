"""Layers made one after another while a network of modules is walked through, with the shapes that reach each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lamina.errors import ShapeError
from lamina.interop.converters import own_converter
from lamina.interop.notes import Notes
from lamina.interop.problems import unreadable
from lamina.interop.report import Row
from lamina.interop.torch7.module import CONVERTERS, Module
from lamina.interop.torch7.values import Anything, Misfit, Refused, Split, Value
from lamina.network import layers as ls
from lamina.network import vertices as v
from lamina.network.layers.layer import Layer
from lamina.shapes import Features, Image, Shape, Volume
from lamina.shapes import Sequence as Steps

if TYPE_CHECKING:
    import numpy as np

MOST_DEPTH = 100
MOST_NODES = 20_000
FIX = "register a converter: @lm.interop.converter('torch7', KIND)"


class Builder:
    """Collects layers, weights and remarks.

    Attributes:
        notes: Remarks.
        nodes: Layers by name, each with its inputs.
        arrays: Weights by ``layer/name``.
        rows: For the report.
        sized: Whether a layer was made for the very size of images that reached it.
    """

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.nodes: dict[str, Layer] = {}
        self.arrays: dict[str, np.ndarray] = {}
        self.rows: list[Row] = []
        self.sized = False
        self._owners: dict[Any, str] = {}
        self._depth = 0
        self._steps = 0

    def trace(self, module: Module, value: Anything) -> Anything:
        """What a module gives for what reaches it.

        What has no counterpart is noted, and what reached it is passed on, so that everything after it is looked at too.

        Raises:
            InteropError: IO010, for modules within each other without an end.
            Misfit: If what reaches weights is not what they take.
        """
        self._depth += 1
        self._steps += 1
        if self._depth > MOST_DEPTH or self._steps > MOST_NODES:
            raise unreadable(
                where=f"{self.notes.where}, {module.where}",
                expected=f"at most {MOST_NODES:,} modules, {MOST_DEPTH} within each other",
                got="more",
                cause="a container holds itself, or the file was made to be read without an end",
            )
        try:
            return self._traced(module, value)
        finally:
            self._depth -= 1

    def _traced(self, module: Module, value: Anything) -> Anything:
        convert = own_converter("torch7", module.full, module.kind) or CONVERTERS.get(module.kind)
        if convert is None:
            self.miss(module.where, f"one of the {len(CONVERTERS)} kinds of modules in docs/importing/torch7.md", module.full)
            self.rows.append(Row(module.path, module.name, module.full))
            return value
        try:
            found: Anything = convert(module, value, self)
        except Refused as refused:
            self.miss(refused.path, refused.expected, refused.got, refused.cause)
            self.rows.append(Row(module.path, module.name, module.full))
            return value
        except ShapeError as error:
            if self.notes.missing:
                return value
            problem = error.problems[0]
            raise Misfit(module.where, problem.expected, problem.got, -1 if problem.code == "NN002" else 0) from error
        except Misfit:
            if self.notes.missing:
                return value
            raise
        for name in module.leftovers() if not module.children() else ():
            said = str(module.instance.fields.get(name))[:60]
            self.notes.assume(f"{module.where}, {name}", f"{said}, which is not known here, was taken to change nothing")
        return found

    def miss(self, path: str, expected: str, got: str, cause: str = "Lamina has nothing that computes the same") -> None:
        """Note what has no counterpart."""
        self.notes.miss(path, expected=expected, got=got, cause=cause, fix=FIX)

    def enter(
        self,
        module: Module,
        layer: Layer,
        inputs: Value | Sequence[Value],
        arrays: Mapping[str, np.ndarray | None] | None = None,
        *,
        order: tuple[int, ...] | None = None,
        suffix: str = "",
        owner: Any = None,
        note: str = "",
    ) -> Value:
        """Put a layer behind others.

        Args:
            module: Where it comes from.
            layer: The layer.
            inputs: What feeds it.
            arrays: Its weights, by their names here.
            order: How the axes lie in the source's array; that of the first input unless given.
            suffix: Of its name, where a module becomes several layers.
            owner: Equal for uses of the same weights.
            note: For the report.
        """
        given = [inputs] if isinstance(inputs, Value) else list(inputs)
        name = self._free(module.name + suffix)
        key = (owner, repr(layer)) if owner else None
        shape = layer.infer(tuple(value.shape for value in given))
        names = tuple(value.node for value in given)
        if key is not None and key in self._owners:
            self.nodes[name] = ls.Shared(self._owners[key], inputs=names)
            note, arrays = f"the weights of {self._owners[key]}", {}
        else:
            if key is not None:
                self._owners[key] = name
            self.nodes[name] = layer.replace(inputs=names)
        kept = {key: array for key, array in (arrays or {}).items() if array is not None}
        self.arrays |= {f"{name}/{key}": array for key, array in kept.items()}
        self.rows.append(Row(module.path, name, module.full, parameters=sum(array.size for array in kept.values()), note=note))
        first = given[0]
        return Value(name, shape, first.order if order is None else order, first.mapped)

    def _free(self, name: str) -> str:
        name = "".join(letter if letter.isalnum() and letter.isascii() or letter == "_" else "_" for letter in name)
        name = name if name[:1].isalpha() or name[:1] == "_" else f"m_{name}"
        found, number = name, 2
        while found in self.nodes:
            found, number = f"{name}_{number}", number + 1
        return found

    def one(self, module: Module, value: Anything) -> Value:
        """What reaches a module that takes one array."""
        if isinstance(value, Value):
            return value
        raise Misfit(module.where, "one array", "a table of arrays")

    def all(self, module: Module, value: Anything) -> list[Value]:
        """What reaches a module that takes a table of arrays."""
        if isinstance(value, Split):
            value = self.taken_apart(module, value)
        if isinstance(value, tuple) and value and all(isinstance(item, Value) for item in value):
            return [item for item in value if isinstance(item, Value)]
        raise Misfit(module.where, "a table of arrays", "one array" if isinstance(value, Value) else "another table")

    def items(self, module: Module, value: Anything) -> tuple[Anything, ...]:
        """The entries of a table."""
        if isinstance(value, Split):
            return self.taken_apart(module, value)
        if isinstance(value, tuple):
            return value
        raise Misfit(module.where, "a table", "one array")

    def taken_apart(self, module: Module, split: Split) -> tuple[Value, ...]:
        """Each place along an axis by itself."""
        size = split.value.shape.dims[split.axis - 1]
        if size is None or size > 256:
            raise Refused(module.where, "a number of steps that the file says", f"steps of {split.value.shape}, each by itself")
        return tuple(self.select(module, split.value, split.axis, index) for index in range(size))

    def axis(self, module: Module, value: Value, dimension: int, own: int = 0) -> int:
        """Which axis here a dimension there is.

        Args:
            module: The module, for messages.
            value: What reaches it.
            dimension: From 1; negative: from the end.
            own: How many axes a sample has there, if the module counts within samples; 0: it counts the batch too.
        """
        count = len(value.order)
        place = dimension - 1 if dimension > 0 else count + dimension
        if own > 0 and dimension > 0 and count == own + 1:
            place += 1
        if not 0 <= place < count:
            raise Misfit(module.where, f"an array with an axis {dimension}", f"{count} axes")
        return value.order[place]

    def plain(self, module: Module, value: Value, *kinds: type[Shape]) -> Value:
        """The same array with its axes here as they lie there, of one of these kinds."""
        if value.mapped:
            if Steps in kinds or Features in kinds:
                if value.order == (0, 2):
                    return value
                raise Misfit(module.where, "steps of vectors", f"{value.shape}")
            raise Refused(module.where, "modules that take a vector at each step", str(value.shape))
        if not value.order or value.order[0] != 0:
            raise Misfit(module.where, "the batch as the first axis", f"the axes {list(value.order)}")
        hidden = len(value.order) < len(value.shape.dims) + 1
        if not hidden and not value.plain:
            rest = tuple(range(len(value.order)))
            value = self.enter(module, ls.Permute(value.order[1:]), value, order=rest, suffix="_axes")
        if hidden:
            value = self.reshaped(module, value, [value.shape.dims[axis - 1] for axis in value.order[1:]])
        if kinds and not isinstance(value.shape, kinds):
            wanted = " or ".join(kind.__name__.lower() for kind in kinds)
            raise Misfit(module.where, f"{wanted}", str(value.shape))
        return value

    def reshaped(self, module: Module, value: Value, sizes: Sequence[int | None], suffix: str = "_axes") -> Value:
        """The same numbers in other axes; the batch stays."""
        kinds: dict[int, type[Shape]] = {1: Features, 2: Steps, 3: Image, 4: Volume}
        if len(sizes) not in kinds and sizes:
            raise Refused(module.where, "arrays of at most 5 axes, the batch among them", f"sizes {list(sizes)}")
        ordered = tuple(axis for axis in value.order)
        if ordered != tuple(sorted(ordered)):
            value = self.plain(module, value)
        kind = kinds[len(sizes) or 1]
        shape = kind(**dict(zip(kind.axes, sizes or [1], strict=True)))
        rest = tuple(range(len(sizes) + 1))
        if value.shape == shape:
            return Value(value.node, value.shape, rest)
        if isinstance(shape, Features):
            return self.enter(module, ls.Flatten(), value, order=rest, suffix=suffix)
        return self.enter(module, ls.Reshape(shape), value, order=rest, suffix=suffix)

    def select(self, module: Module, value: Value, axis: int, index: int) -> Value:
        """One place along an axis; the axis is gone after it."""
        order = tuple(place for place in value.order if place != axis)
        size = value.shape.dims[axis - 1]
        if size is not None and not -size <= index < size:
            raise Misfit(module.where, f"a place up to {size}", str(index + 1))
        if isinstance(value.shape, Steps) and axis == 1:
            left = tuple(1 if place == 2 else place for place in order)
            if index == -1 or index + 1 == size:
                return self.enter(module, ls.LastStep(), value, order=left, suffix="_last")
            if index:
                value = self.cut(module, value, axis, index, 1)
            return self.enter(module, ls.FirstStep(), value, order=left, suffix="_first")
        found = self.cut(module, value, axis, index, 1)
        return Value(found.node, found.shape, order, value.mapped)

    def cut(self, module: Module, value: Value, axis: int, start: int, count: int) -> Value:
        """A stretch of an axis."""
        stop = start + count
        name: Any = value.shape.axes[axis - 1] if value.shape.axes else "steps"
        name = "features" if name == "count" else name
        return self.enter(module, v.Slice(start, None if stop == 0 else stop, axis=name), value, suffix="_cut")

    def joined(self, module: Module, values: Sequence[Value], axis: int) -> Value:
        """Arrays side by side."""
        first = values[0]
        if axis == 0 or any(value.order != first.order or value.mapped != first.mapped for value in values):
            raise Refused(module.where, "arrays joined along an axis of a sample", "arrays joined along the batch")
        name: Any = first.shape.axes[axis - 1]
        name = "features" if name == "count" else name
        return first if len(values) == 1 else self.enter(module, v.Concat(name), values, suffix="_join")

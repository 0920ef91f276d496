"""What emitters write with: the operations of one layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from lamina.errors import Problem
from lamina.interop.emission.draft import Draft, Kind, Operand, Operation, Value, Weight
from lamina.interop.emission.language import rank_of

if TYPE_CHECKING:
    from lamina.engine.layers.layer import LayerModule
    from lamina.shapes import Shape


class Refused(Exception):  # noqa: N818 (no error: it is collected)
    """A layer, or a setting of one, that has no counterpart.

    Args:
        got: What it is.
        fix: The way out.
        expected: What would be written.
    """

    def __init__(self, got: str, fix: str = "", expected: str = "") -> None:
        super().__init__(got)
        self.got, self.fix, self.expected = got, fix, expected


def refuse(got: str, fix: str = "", expected: str = "") -> NoReturn:
    """What has no counterpart.

    Raises:
        Refused: Always.
    """
    raise Refused(got, fix, expected)


class Pen:
    """Writes the operations of one layer.

    Args:
        draft: Where to.
        module: The layer, runnable: what it has computed of its settings is used.
        prefix: What stands before its name, where it is inside another.
        owner: Full name of the layer whose weights it uses.
        borrowed: Full keys of weights that it takes from other layers, by its own names.

    Attributes:
        node: Its node of the plan.
        layer: Its description.
        name: Its full name.
        masks: Masks of its inputs, None where all steps are real.
        mask: What its emitter says of the mask of its output; `...` while it hasn't.
    """

    def __init__(self, draft: Draft, module: LayerModule, prefix: str, owner: str, borrowed: dict[str, str]) -> None:
        self.draft, self.module, self.node = draft, module, module.node
        self.layer: Any = module.node.layer
        self.prefix, self.name = prefix, prefix + module.node.name
        self.owner, self._borrowed = owner, borrowed
        self.masks: tuple[Value | None, ...] = ()
        self.mask: Any = ...
        self.target = "another format"

    @property
    def shape(self) -> Shape:
        """Shape of the first input."""
        return self.node.input_shapes[0]

    @property
    def masked(self) -> bool:
        """Whether an input has a mask."""
        return any(mask is not None for mask in self.masks)

    @property
    def activation(self) -> Any:
        """The layer's activation."""
        return self.layer.activation

    # -- weights ----------------------------------------------------------------------------------------------------

    def weight(self, name: str) -> Weight | None:
        """A parameter or buffer of the layer, if it has it."""
        parameters = {**dict(self.module.named_parameters(recurse=False)), **dict(self.module.named_buffers(recurse=False))}
        tensor = parameters.get(name)
        if tensor is None:
            return None
        key = self._borrowed.get(name, f"{self.owner}/{name}")
        if key not in self.draft.arrays:
            self.draft.arrays[key] = tensor.detach().cpu().numpy()
        return Weight(key, tuple(tensor.shape), tensor.requires_grad or name in self.node.layer.parameters(self.node.input_shapes))

    def need(self, name: str) -> Weight:
        """A parameter or buffer that the layer has."""
        found = self.weight(name)
        if found is None:
            refuse(f"a layer without {name!r}")
        return found

    def weights(self, *names: str, **roles: str) -> dict[str, Weight]:
        """Those of some parameters that the layer has, by their names; or by roles: ``weight="query_weight"``."""
        wanted = {**{name: name for name in names}, **roles}
        return {role: found for role, name in wanted.items() if (found := self.weight(name)) is not None}

    def constant(self, array: Any, name: str = "constant") -> Weight:
        """Numbers that are no parameter."""
        data = np.asarray(array)
        if data.dtype == np.float64 or data.dtype == np.float32:
            data = data.astype(self.dtype)
        key = self.draft.unique(f"{self.name}/{name}")
        self.draft.arrays[key] = data
        return Weight(key, data.shape, trained=False)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the network's numbers."""
        floats = [array.dtype for array in self.draft.arrays.values() if array.dtype.kind == "f"]
        return floats[0] if floats else np.dtype("float32")

    # -- operations -------------------------------------------------------------------------------------------------

    def op(
        self,
        kind: str,
        *inputs: Operand | None,
        weights: dict[str, Weight] | None = None,
        part: str = "",
        gives: Kind | None = None,
        rank: int | None = None,
        **settings: Any,
    ) -> Value:
        """One operation that gives one value.

        Args:
            kind: Its word in the language.
            *inputs: What it is given.
            weights: Parameters by role.
            part: Name of it in the layer; see `Operation`.
            gives: Type of what it gives, where that is not the type of its first input.
            rank: Axes of what it gives, where the language can't tell.
            **settings: What else it needs.
        """
        return self.ops(kind, *inputs, weights=weights, part=part, gives=gives, ranks=(rank,), **settings)[0]

    def ops(
        self,
        kind: str,
        *inputs: Operand | None,
        weights: dict[str, Weight] | None = None,
        part: str = "",
        gives: Kind | None = None,
        ranks: Sequence[int | None] = (None,),
        **settings: Any,
    ) -> tuple[Value, ...]:
        """As `op`, for operations that give several."""
        first = next((value for value in inputs if isinstance(value, Value)), None)
        found: Kind = gives or (first.kind if first is not None else "float")
        outputs = tuple(
            Value(
                self.draft.unique(f"{self.name}/{part.replace('.', '/') + '/' if part else ''}{kind}"),
                rank if rank is not None else rank_of(kind, inputs, settings),
                found,
                self.name,
            )
            for rank in ranks
        )
        self.draft.operations.append(Operation(kind, inputs, weights or {}, settings, outputs, self.name, part))
        return outputs

    def refuse(self, got: str, fix: str = "", expected: str = "") -> NoReturn:
        """What has no counterpart.

        Raises:
            Refused: Always.
        """
        refuse(got, fix, expected)

    # -- short words ------------------------------------------------------------------------------------------------

    def size(self, x: Value, axis: int) -> Value:
        """Size of an axis, a whole number known when it runs."""
        return self.op("size", x, axis=axis, gives="int", rank=0)

    def reshape(self, x: Operand, *sizes: Any) -> Value:
        """Another shape: numbers, -1 for what is left, values from `size`, or ``("same", axis)`` for an axis as it was."""
        values = [size for size in sizes if isinstance(size, Value)]
        plan = tuple("value" if isinstance(size, Value) else size for size in sizes)
        return self.op("reshape", x, *values, sizes=plan, rank=len(sizes))

    def transpose(self, x: Operand, *order: int) -> Value:
        """Axes in another order."""
        return self.op("transpose", x, order=order, rank=len(order))

    def unsqueeze(self, x: Operand, *axes: int) -> Value:
        """Axes of size 1 more, at these places of the result."""
        return self.op("unsqueeze", x, axes=axes, rank=x.rank + len(axes) if isinstance(x, Value | Weight) else 0)

    def squeeze(self, x: Value, axis: int) -> Value:
        """Without an axis of size 1."""
        return self.op("squeeze", x, axis=axis, rank=x.rank - 1)

    def slice(self, x: Operand, axis: int, start: int | None = None, stop: int | None = None, step: int = 1) -> Value:
        """A part of an axis."""
        return self.op("slice", x, axis=axis, start=start, stop=stop, step=step)

    def take(self, x: Value, axis: int, index: int) -> Value:
        """One place of an axis, which is gone then."""
        return self.op("take", x, axis=axis, index=index, rank=x.rank - 1)

    def reduce(self, kind: str, x: Value, *axes: int, keep: bool = False) -> Value:
        """Over axes: ``mean``, ``sum``, ``amax``, ``amin``, ``prod``, ``any``, ``all``, ``l2``."""
        return self.op(kind, x, axes=axes, keep=keep, rank=x.rank if keep else x.rank - len(axes))

    def linear(self, x: Value, part: str, weight: str, bias: str | None) -> Value:
        """A product with a matrix ``[out, in]``, over the last axis."""
        names = {"weight": weight, **({"bias": bias} if bias is not None else {})}
        return self.op("linear", x, weights=self.weights(**names), part=part)


def problem(name: str, kind: str, refused: Refused, target: str) -> Problem:
    """What is said of a layer that was refused."""
    return Problem(
        code="IO004",
        where=f"layer {name!r} ({kind})",
        expected=refused.expected or f"a layer that can be written as {target}",
        got=refused.got,
        cause=f"nothing says how it is written as {target}",
        fix=refused.fix or "say it with @lamina.interop.emission.emits, replace the layer, or export to safetensors",
    )

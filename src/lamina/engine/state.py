"""The memory of a network that is run piece by piece: explicit, and nothing but tensors by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from lamina.engine.arrays import to_array
from lamina.errors import ArchiveError, ShapeError
from lamina.files import atomic_write

Memory = dict[str, Tensor]
"""What one layer remembers, by name; every tensor batch first."""


@dataclass(frozen=True)
class State:
    """What a network remembers between two pieces of its sequences.

    Attributes:
        batch: Samples.
        given: Names of the inputs that were known as a whole before the first step.
        memories: Memory of each layer that has one, by node.
        values: What was computed once and for all: outputs of nodes that no piece reaches (an encoder's), by node.
        masks: Masks of those.
    """

    batch: int
    given: tuple[str, ...] = ()
    memories: Mapping[str, Memory] = field(default_factory=dict)
    values: Mapping[str, Tensor] = field(default_factory=dict)
    masks: Mapping[str, Tensor] = field(default_factory=dict)

    def map(self, change: Callable[[Tensor], Tensor]) -> State:
        """The state with every tensor changed."""
        memories = {node: {name: change(value) for name, value in memory.items()} for node, memory in self.memories.items()}
        values = {name: change(value) for name, value in self.values.items()}
        masks = {name: change(value) for name, value in self.masks.items()}
        tensors = [*values.values(), *(value for memory in memories.values() for value in memory.values())]
        return State(len(tensors[0]) if tensors else self.batch, self.given, memories, values, masks)

    def detach(self) -> State:
        """The same numbers, through which no gradient flows back."""
        return self.map(lambda value: value.detach())

    def select(self, indices: Tensor | np.ndarray | Sequence[int]) -> State:
        """The state of these samples, in this order; one may stand several times (beam search)."""
        rows = torch.as_tensor(indices)
        found = self.map(lambda value: value.index_select(0, rows.to(value.device)))
        return State(len(rows), self.given, found.memories, found.values, found.masks)

    def to(self, device: torch.device | str) -> State:
        """The state on another device."""
        return self.map(lambda value: value.to(device))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything as NumPy arrays: ``memory/NODE/NAME``, ``value/NODE``, ``mask/NODE``, ``given/INPUT`` and ``batch``."""
        arrays = {f"memory/{node}/{name}": to_array(v) for node, memory in self.memories.items() for name, v in memory.items()}
        arrays |= {f"value/{name}": to_array(value) for name, value in self.values.items()}
        arrays |= {f"mask/{name}": to_array(value) for name, value in self.masks.items()}
        arrays |= {f"given/{name}": np.ones(1, dtype=np.int64) for name in self.given}
        return {**arrays, "batch": np.asarray([self.batch])}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> State:
        """What `to_arrays` gave.

        Raises:
            ShapeError: EN042, if the arrays are not those of a state.
        """
        memories: dict[str, Memory] = {}
        values: dict[str, Tensor] = {}
        masks: dict[str, Tensor] = {}
        given: list[str] = []
        for key, array in arrays.items():
            kind, _, rest = key.partition("/")
            tensor = torch.from_numpy(np.array(array))
            if kind == "memory" and "/" in rest:
                # Names within a layer that holds networks have strokes of their own; names of nodes have none.
                node, _, name = rest.partition("/")
                memories.setdefault(node, {})[name] = tensor
            elif kind in ("value", "mask") and rest:
                (values if kind == "value" else masks)[rest] = tensor
            elif kind == "given" and rest:
                given.append(rest)
            elif key != "batch":
                raise _no_state(got=f"an array {key!r}")
        if "batch" not in arrays or np.asarray(arrays["batch"]).size != 1:
            raise _no_state(got="no number called batch")
        return cls(int(np.asarray(arrays["batch"]).item()), tuple(given), memories, values, masks)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Keep the state in a safetensors file; one that exists is replaced when the new one is safe on disk.

        Raises:
            ArchiveError: AR020, if it can't be written.
        """
        from safetensors.numpy import save

        content = save({name: np.ascontiguousarray(array) for name, array in self.to_arrays().items()})
        try:
            atomic_write(path, lambda file: file.write(content))
        except OSError as error:
            raise ArchiveError(
                "AR020",
                where=str(path),
                expected="a folder that can be written to",
                got=str(error),
                cause="the folder is missing or write-protected, or the disk is full",
                fix="make the folder, or choose another",
            ) from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> State:
        """What `save` kept.

        Raises:
            ShapeError: EN042, if the file can't be read, or holds something else.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            arrays = load_file(os.fspath(path))
        except (OSError, SafetensorError) as error:
            raise _no_state(got=f"{path}: {error}") from error
        return cls.from_arrays(arrays)

    def check(self, batch: int, start: Mapping[str, Memory]) -> None:
        """See that this can be the state of a network whose layers start with the memories ``start``, for ``batch`` samples.

        Raises:
            ShapeError: EN042, naming the layer.
        """
        if self.batch != batch:
            raise _misfit(
                where="the state",
                expected=f"the state of {batch} samples, as there are in this piece",
                got=f"that of {self.batch}",
                cause="the pieces of one sequence must come in the same batch",
                fix="begin anew with state=None, or pick the samples: state.select([...])",
            )
        for node in {**start, **self.memories}:
            wanted, found = start.get(node), self.memories.get(node)
            if wanted is None or found is None or wanted.keys() != found.keys():
                raise _misfit(
                    where=f"the state of layer {node!r}",
                    expected="no memory" if wanted is None else f"{', '.join(wanted) or 'nothing'}",
                    got="none" if found is None else f"{', '.join(found) or 'nothing'}",
                    cause="it is the state of another network",
                    fix="begin anew with state=None",
                )
            for name, value in wanted.items():
                own = found[name]
                # An axis that starts with nothing on it grows from step to step.
                fixed = zip(own.shape[1:], value.shape[1:], strict=False)
                if own.dim() != value.dim() or len(own) != batch or any(size != first for size, first in fixed if first):
                    raise _misfit(
                        where=f"the state of layer {node!r}, {name}",
                        expected=f"a tensor like {list(value.shape)}, for {batch} samples",
                        got=f"{list(own.shape)}",
                        cause="it is the state of another batch or another network",
                        fix="begin anew with state=None",
                    )


def _no_state(*, got: str) -> ShapeError:
    return _misfit(
        where="the arrays of a state",
        expected="what State.to_arrays gave: memory/NODE/NAME, value/NODE, mask/NODE, given/INPUT and batch",
        got=got,
        cause="these are the arrays of something else",
        fix="keep a state with state.save(path) and read it with State.load(path)",
    )


def _misfit(*, where: str, expected: str, got: str, cause: str, fix: str) -> ShapeError:
    return ShapeError("EN042", where=where, expected=expected, got=got, cause=cause, fix=fix)

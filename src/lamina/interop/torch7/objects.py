"""What stands in a file of Torch7: numbers, words, tables, tensors, storages, objects by class; functions as what they are called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lamina.interop.problems import damaged, too_large

if TYPE_CHECKING:
    import numpy as np

DTYPES = {
    **dict.fromkeys(("Double", "CudaDouble"), "<f8"),
    **dict.fromkeys(("Float", "Cuda"), "<f4"),
    **dict.fromkeys(("Half", "CudaHalf"), "<f2"),
    **dict.fromkeys(("Long", "CudaLong"), "<i8"),
    **dict.fromkeys(("Int", "CudaInt"), "<i4"),
    **dict.fromkeys(("Short", "CudaShort"), "<i2"),
    **dict.fromkeys(("Char", "CudaChar"), "i1"),
    **dict.fromkeys(("Byte", "CudaByte"), "u1"),
}
"""NumPy's types of numbers by the first part of a class's name, as in ``torch.FloatTensor``."""
FREE_NUMBERS = 1 << 22
"""What a tensor may have in any case; more only if its storage has as many: views may repeat what is stored."""


@dataclass
class Storage:
    """Numbers one after another, which several tensors may share.

    Attributes:
        kind: The class, such as ``Float``.
        array: The numbers.
    """

    kind: str
    array: np.ndarray


@dataclass
class Tensor:
    """A view of a storage.

    Attributes:
        kind: The class, such as ``Float``.
        sizes: Of each axis.
        strides: From one place to the next along each axis, in numbers.
        offset: Of the first number in the storage, from 0.
        storage: The numbers; None for a tensor without any.
        where: Its place in the file, for messages.
    """

    kind: str
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    storage: Storage | None
    where: str = ""

    @property
    def count(self) -> int:
        """How many numbers."""
        found = 1
        for size in self.sizes:
            found *= size
        return found if self.sizes else 0

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for tensors that are the same numbers of the same storage."""
        return id(self.storage), self.offset, self.sizes, self.strides

    def array(self) -> np.ndarray:
        """The numbers, without a copy.

        Raises:
            InteropError: IO002, if the view reaches beyond its storage; IO003, if it repeats so much that it is larger than any weight.
        """
        import numpy as np

        if not self.count:
            return np.zeros(self.sizes or (0,), DTYPES[self.kind])
        held = 0 if self.storage is None else len(self.storage.array)
        last = self.offset + sum((size - 1) * stride for size, stride in zip(self.sizes, self.strides, strict=True))
        if self.storage is None or self.offset < 0 or min(self.strides) < 0 or last >= held:
            raise damaged(
                where=self.where,
                expected=f"a view of a storage of {held:,} numbers",
                got=f"sizes {list(self.sizes)}, strides {list(self.strides)} from {self.offset}",
            )
        if self.count > max(FREE_NUMBERS, held):
            raise too_large(where=self.where, expected=f"at most {max(FREE_NUMBERS, held):,} numbers", got=f"{self.count:,}")
        stored = self.storage.array
        steps = tuple(stride * stored.itemsize for stride in self.strides)
        return np.lib.stride_tricks.as_strided(stored[self.offset :], self.sizes, steps)


@dataclass
class Instance:
    """An object of a class.

    Attributes:
        kind: The class, such as ``nn.Linear``.
        version: Of its layout; 0 in files from before there were versions.
        fields: What it holds.
    """

    kind: str
    version: int = 0
    fields: dict[Any, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Instance({self.kind!r})"


class Reference:
    """An object as the key of a table: the same only as itself.

    Attributes:
        object: The object.
    """

    __slots__ = ("object",)

    def __init__(self, found: Any) -> None:
        self.object = found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and other.object is self.object

    def __hash__(self) -> int:
        return id(self.object)


@dataclass
class Function:
    """Bytecode of a function, which is never run.

    Attributes:
        size: Its bytes.
    """

    size: int


def listed(table: Any) -> list[Any]:
    """The entries 1, 2, 3 ... of a table.

    Example:
        >>> listed({1: "a", 2: "b", "n": 3})
        ['a', 'b']
    """
    entries = table.fields if isinstance(table, Instance) else table
    if not isinstance(entries, dict):
        return []
    found: list[Any] = []
    while len(found) + 1 in entries:
        found.append(entries[len(found) + 1])
    return found

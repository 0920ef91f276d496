"""What a model keeps of how its sequences were read: files become its input exactly as in training."""

from __future__ import annotations

import os
from collections.abc import Sequence as Items
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from lamina.data.preparation import Masked, Preparation
from lamina.data.sequences.columns import StepColumns
from lamina.data.sequences.rows import RowFormat
from lamina.spec import register

if TYPE_CHECKING:
    import numpy as np

    from lamina.shapes import Shape

Align: TypeAlias = Literal["equal", "start", "end"]


@register("sequences")
class SequencePreparation(Preparation):
    """How files become sequences of numbers or tokens.

    Attributes:
        rows: How lines are cut into values, and rows into sequences.
        columns: How values become numbers.
        align: Whether sequences of different lengths begin (``start``, ``equal``) or end together.
    """

    rows: RowFormat = RowFormat()
    columns: StepColumns
    align: Align = "equal"

    @classmethod
    def examples(cls) -> list[Any]:
        colours = StepColumns(features=("x", "colour"), vocabularies={"colour": ("blue", "red")})
        words = StepColumns(features=("word",), vocabularies={"word": ("a", "b")}, tokens=True)
        return [cls(columns=colours, align="end"), cls(columns=words, rows=RowFormat(each="blank", header=False, names=("word", "tag")))]

    def takes(self, value: Any, shape: Shape) -> bool:
        if isinstance(value, str | os.PathLike | bytes | bytearray):
            return True
        if not isinstance(value, Items) or not value:
            return False
        return all(isinstance(item, os.PathLike | bytes | bytearray | str) for item in value)

    def prepare(self, value: Any, shape: Shape) -> Any:
        from lamina.data.sequences.aligned import aligned
        from lamina.data.sequences.rows import read_sequences

        names, sequences = read_sequences(_files(value), self.rows)
        arrays: list[np.ndarray] = [self.columns.encode(rows, names) for rows in sequences]
        wanted = shape.dims[0]
        longest = max(len(array) for array in arrays)
        values, mask = aligned(arrays, max(longest, wanted or 0), self.align)
        # A network for one length is asked with that length alone: others are refused where shapes are checked.
        return values if wanted is not None and mask.all() else Masked(values, mask)


def _files(value: Any) -> list[Any]:
    from lamina.data.storage import open_files

    if isinstance(value, bytes | bytearray):
        return [_Held(bytes(value), "the sequence")]
    if isinstance(value, str | os.PathLike):
        return list(open_files(value))
    found: list[Any] = []
    for number, item in enumerate(value):
        held = isinstance(item, bytes | bytearray)
        found += [_Held(bytes(item), f"sequence {number}")] if held else open_files(item)
    return found


class _Held:
    """Bytes in memory as if they were a file."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data, self.name = data, name

    def open(self) -> Any:
        """The bytes as a stream."""
        import io

        return io.BytesIO(self.data)

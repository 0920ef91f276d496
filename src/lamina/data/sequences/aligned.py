"""Sequences of different lengths side by side, begun or ended together, and masks that say which steps are real."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from lamina.data.sequences.problems import misaligned

Align: TypeAlias = Literal["equal", "start", "end"]


def aligned(sequences: Sequence[np.ndarray], steps: int, align: Align) -> tuple[np.ndarray, np.ndarray]:
    """Sequences as one array ``[samples, steps, ...]`` with zeros where nothing is real, and the mask ``[samples, steps]``.

    Args:
        sequences: Arrays ``[own steps, ...]``.
        steps: Of the longest.
        align: ``end``: the last steps stand below each other; otherwise the first.

    Example:
        >>> values, mask = aligned([np.array([1, 2]), np.array([3])], 2, "end")
        >>> values.tolist(), mask.tolist()
        ([[1, 2], [0, 3]], [[True, True], [False, True]])
    """
    first = sequences[0]
    values = np.zeros((len(sequences), steps, *first.shape[1:]), first.dtype)
    mask = np.zeros((len(sequences), steps), dtype=bool)
    for row, sequence in enumerate(sequences):
        own = slice(steps - len(sequence), steps) if align == "end" else slice(0, len(sequence))
        values[row, own] = sequence
        mask[row, own] = True
    return values, mask


def check_lengths(steps: Sequence[int], labels: Sequence[int], names: Sequence[str], files: Sequence[str], align: Align) -> None:
    """See that labels go along with steps.

    Args:
        steps: Of each sequence.
        labels: Of each sequence.
        names: Of the sequences, for messages.
        files: Where the labels are.
        align: How they shall stand.

    Raises:
        DataError: DA154, naming the first sequence with more labels than steps, or, if they must be equal, with fewer.
    """
    for own, wanted, name, file in zip(labels, steps, names, files, strict=True):
        if own > wanted or (own != wanted and align == "equal"):
            raise misaligned(
                where=f"{file}, labels of {name}",
                expected=f"{wanted} labels, one for each step" if align == "equal" else f"at most {wanted} labels, one for each step",
                got=f"{own}",
                cause="the files don't belong together, or labels are given for some steps only",
                fix="correct the file; for labels of the last steps only, write align: end; for one of the whole, target_of: sequence",
            )

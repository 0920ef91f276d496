"""What is to be learned of sequences: a label or numbers for each step, or for the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from lamina.data.schema import Target, TargetKind
from lamina.data.sequences.aligned import aligned, check_lengths
from lamina.data.sequences.columns import is_number, numbers, places_of
from lamina.data.sequences.problems import misaligned, unpaired
from lamina.data.sequences.rows import Rows, no_column
from lamina.shapes import Features
from lamina.shapes import Sequence as Steps

if TYPE_CHECKING:
    from lamina.data.sequences.preparation import Align

TargetOf: TypeAlias = Literal["step", "sequence", "last"]
FEW = 20
"""At most so many different whole numbers are classes, unless it is said otherwise; as for columns of tables."""


@dataclass(frozen=True)
class Labels:
    """Targets of all sequences.

    Attributes:
        target: What they mean.
        values: ``[samples, ...]`` or ``[samples, steps, ...]``: int64 numbers of classes, or float64.
        mask: Which steps have one, ``[samples, steps]``; None where all have, or there is one for the whole.
    """

    target: Target
    values: np.ndarray
    mask: np.ndarray | None = None


def labels_of(
    sequences: Sequence[Rows],
    names: tuple[str, ...],
    columns: tuple[str, ...],
    lengths: Sequence[int],
    *,
    of: TargetOf,
    align: Align,
    kind: TargetKind | None = None,
    classes: tuple[str, ...] | None = None,
    owners: Sequence[str] = (),
) -> Labels:
    """Targets from columns.

    Args:
        sequences: Rows with the labels, one for each sample.
        names: Of their columns.
        columns: Which of them are the target.
        lengths: Steps of each sample.
        of: Whether each step has a target, the whole has one (the same in all rows), or the ``last`` row's is that of the whole.
        align: Where labels stand that are fewer than steps.
        kind: What they are, where that can't be seen.
        classes: Names of the classes; all there are unless given.
        owners: What the samples are called, for messages.

    Raises:
        DataError: DA014, DA153, DA154 or DA007, naming file, line and column.
    """
    for column in columns:
        if column not in names:
            raise no_column(column, names, sequences[0].file, "target")
    if of == "step":
        called, files = owners or [rows.name for rows in sequences], [rows.file for rows in sequences]
        check_lengths(lengths, [len(rows) for rows in sequences], called, files, align)
    texts = [[[values[names.index(column)] for values in rows.values] for rows in sequences] for column in columns]
    if of != "step":
        for place, column in enumerate(columns):
            texts[place] = [[_whole(own, rows, column, of)] for own, rows in zip(texts[place], sequences, strict=True)]
        sequences = [Rows(rows.name, rows.file, rows.values[-1:], rows.lines[-1:]) for rows in sequences]
    if len(columns) == 1 and (kind == "classes" or (kind is None and _are_classes(texts[0]))):
        labels = classes or _ordered({text for own in texts[0] for text in own})
        arrays = [places_of(own, labels, rows, columns[0], "DA007") for own, rows in zip(texts[0], sequences, strict=True)]
        target = Target("classes", labels=labels)
    else:
        stacked = [
            [numbers(own, rows, column, "error") for own, rows in zip(all_, sequences, strict=True)]
            for all_, column in zip(texts, columns, strict=True)
        ]
        arrays = [np.stack(parts, axis=1) for parts in zip(*stacked, strict=True)]
        width = len(columns)
        shape = Steps(steps=None, features=width) if of == "step" else Features(width)
        target = Target(kind if kind in ("numbers", "multilabel") else "numbers", shape=shape, labels=columns)
    if of != "step":
        return Labels(target, np.concatenate(arrays))
    values, mask = aligned(arrays, max(lengths), "end" if align == "end" else "start")
    return Labels(target, values, None if mask.all() else mask)


def paired(sequences: Sequence[Rows], labels: Sequence[Rows]) -> None:
    """See that there are as many sequences of labels as of steps.

    Raises:
        DataError: DA155.
    """
    if len(sequences) != len(labels):
        raise unpaired(
            where=labels[0].file,
            expected=f"{len(sequences)} sequences of labels, as there are of steps",
            got=f"{len(labels)}",
            cause="one of the files has a sequence more",
            fix="correct the files, so that the sequences of both follow each other in the same order",
        )


def constant(rows: Rows, names: tuple[str, ...], column: str, role: str) -> str:
    """The value that a column has in all rows of a sequence.

    Raises:
        DataError: DA014, if there is no such column; DA154, naming the first row with another value.
    """
    if column not in names:
        raise no_column(column, names, rows.file, role)
    return _whole([values[names.index(column)] for values in rows.values], rows, column, "sequence")


def _whole(texts: list[str], rows: Rows, column: str, of: TargetOf) -> str:
    if of == "last":
        return texts[-1]
    step = next((step for step, text in enumerate(texts) if text != texts[0]), None)
    if step is not None:
        raise misaligned(
            where=f"{rows.where(step)}, column {column!r}",
            expected=f"{texts[0]!r} in all rows of the sequence, as it is one label of the whole",
            got=repr(texts[step]),
            cause="the column changes from step to step",
            fix="write target_of: step for a label at each step, or last for that of the last row",
        )
    return texts[0]


def _are_classes(texts: Sequence[Sequence[str]]) -> bool:
    different = {text for own in texts for text in own}
    if not all(is_number(text) for text in different):
        return True
    try:
        return len(different) <= FEW and all(float(text).is_integer() for text in different)
    except (ValueError, OverflowError):
        return False


def _ordered(words: set[str]) -> tuple[str, ...]:
    """Numbers in the order of numbers, all else by the alphabet."""
    from lamina.data.sequences.columns import GONE

    kept = words - GONE
    if all(is_number(word) for word in kept):
        return tuple(sorted(kept, key=lambda word: (float(word), word)))
    return tuple(sorted(kept))

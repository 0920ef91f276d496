"""What stands for missing numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamina.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.columns import InputColumns
    from lamina.data.dataset import Dataset
    from lamina.data.lazy import Samples


def gaps(train: Dataset) -> dict[str, np.ndarray]:
    """What stands for a missing number in each place of a row, or of a step of a sequence, by input; nothing where none may be missing."""
    columns = train.columns
    if columns is None:
        return {}
    # Sequences may be longer or shorter than those of training: what stands in a gap is the same at all steps.
    steps = columns.sequence is not None
    return {
        name: _filling(_of_steps(train, name) if steps else train.inputs[name], own)
        for name, own in columns.inputs.items()
        if own.missing != "error" and own.text is None
    }


def _of_steps(train: Dataset, name: str) -> np.ndarray:
    """The vectors of all steps that are real."""
    import numpy as np

    values = np.asarray(train.inputs[name])
    mask = train.input_masks.get(name)
    rows: np.ndarray = values.reshape(-1, values.shape[-1]) if mask is None else values[np.asarray(mask, dtype=bool)]
    return rows


def _filling(array: Samples, columns: InputColumns) -> np.ndarray:
    """What stands for a missing number in each place of a row; a large table is gone through some places at a time."""
    import numpy as np

    width = int(np.prod(array.shape[1:]))
    if columns.missing == "zero" or columns.encode == "index":
        return np.zeros(width)
    filled = np.empty(width)
    for place in range(width):
        values = _place(array, place)
        known = values[~np.isnan(values)]
        if not len(known):
            raise DataError(
                "DA012",
                where=f"column {columns.names[place]!r} of the training part",
                expected=f"at least one number to take the {columns.missing} of",
                got="none",
                cause="the column is empty",
                fix="list it under ignore, or write missing: zero",
            )
        # Shares of the numbers, whose sum is never too large: medians are the mean of two of them.
        with np.errstate(over="ignore"):
            filled[place] = known.mean() if columns.missing == "mean" else np.median(known)
        if not np.isfinite(filled[place]):
            filled[place] = (known / len(known)).sum() if columns.missing == "mean" else np.median(known / 2) * 2
    return filled


def _place(array: Samples, place: int) -> np.ndarray:
    import numpy as np

    from lamina.data.encoded import EncodedRows
    from lamina.data.lazy import blocks_of
    from lamina.data.spilled import SpilledRows

    if isinstance(array, EncodedRows | SpilledRows):
        return array.place(place)
    return np.concatenate([block.reshape(len(block), -1)[:, place] for block in blocks_of(array)])

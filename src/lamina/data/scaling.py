"""Which normalizer is fitted to which input and target, and along which axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lamina.data.normalizers import ByName, Fitted
from lamina.errors import DataError
from lamina.shapes import Image, Series, Volume

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.dataset import Dataset
    from lamina.data.normalizers import Normalizer
    from lamina.shapes import Shape

Fill = Callable[[Any, str], Any]
"""Puts what stands for missing numbers into an array of the input of this name, or into encoded rows."""


def fit_inputs(normalize: Normalizer, train: Dataset, fill: Fill) -> dict[str, Fitted]:
    """Numbers of every input that isn't tokens, by name; those that stay as they are are left out.

    Raises:
        DataError: DA012, if there is nothing to fit to; DA001 for what is missing; DA174 for names that aren't there.
    """
    floats = [name for name, shape in train.schema.inputs.items() if shape.dtype == "float"]
    _check_names(normalize, train, floats)
    scales = {name: _fit_input(normalize, train, name, fill) for name in floats}
    return {name: fitted for name, fitted in scales.items() if fitted is not None}


def fit_targets(normalize: Normalizer, train: Dataset) -> dict[str, Fitted]:
    """Numbers of every target of numbers, by name; those that stay as they are are left out.

    Raises:
        DataError: DA012, if there is nothing to fit to; DA174 for names that aren't there.
    """
    numbers = [name for name, target in train.schema.targets.items() if target.kind == "numbers"]
    _check_names(normalize, None, numbers)
    chosen = {name: _named(normalize, name) for name in numbers}
    return {name: own.fit(train.targets[name]) for name, own in chosen.items() if own is not None}


def _fit_input(normalize: Normalizer, train: Dataset, name: str, fill: Fill) -> Fitted | None:
    """Numbers of one input, from its real steps alone; None if it stays as it is."""
    from lamina.data.arrays import check_finite
    from lamina.data.encoded import EncodedRows
    from lamina.data.lazy import LazyArray, Mapped

    given = train.inputs[name]
    whole = isinstance(given, EncodedRows) or not isinstance(given, LazyArray)
    array = fill(given, name) if whole else Mapped(given, lambda values: fill(values, name))
    own = None if train.columns is None else train.columns.inputs.get(name)
    names = own.names if own is not None else None
    if isinstance(normalize, ByName) and name not in normalize.of and names is not None and len(names) == array.shape[-1]:
        return normalize.fit_columns(array, names)
    chosen = _named(normalize, name)
    if chosen is None:
        return None
    shape = train.schema.inputs[name]
    item = shape.item if isinstance(shape, Series) else None
    axis = 2 if isinstance(item, Image | Volume) else array.ndim - 1 if item is not None else None
    try:
        return chosen.fit(array, axis, train.input_masks.get(name))
    except DataError as error:
        if error.code == "DA001" and not isinstance(array, LazyArray):
            check_finite(array, f"input {name!r}", names if array.ndim == 2 else None)  # says it with names
        raise


def read_scale(arrays: Mapping[str, np.ndarray], prefix: str, shape: Shape | None) -> Fitted:
    """Numbers from the arrays of an archive.

    Raises:
        ValueError: If they are none, or don't fit samples of this shape.
        KeyError: If some are missing.
    """
    fitted = Fitted.from_arrays({name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)})
    if shape is not None or fitted.axis is not None:
        fitted.check(() if shape is None else shape.dims)
    return fitted


def _named(normalize: Normalizer, name: str) -> Normalizer | None:
    return normalize.named(name) if isinstance(normalize, ByName) else normalize


def _check_names(normalize: Normalizer, train: Dataset | None, names: Sequence[str]) -> None:
    if isinstance(normalize, ByName):
        tables = {} if train is None or train.columns is None else train.columns.inputs
        normalize.check_names([*names, *(column for name in names if name in tables for column in tables[name].names)])

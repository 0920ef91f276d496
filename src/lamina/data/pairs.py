"""Sequences to be written, as data: what a decoder reads in training, and what it shall write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamina.data.dataset import Dataset, as_inputs
from lamina.data.masks import pad
from lamina.data.schema import TARGET, DataSchema, Target
from lamina.errors import DataError
from lamina.shapes import Shape, Tokens


def teacher_forcing(
    targets: Sequence[Any],
    sources: Any = None,
    *,
    vocabulary: int | Sequence[str],
    start: int,
    stop: int | None,
    shapes: Mapping[str, Shape] | None = None,
    decoder: str = "target",
) -> Dataset:
    """Data for a network that learns to write sequences: at every step it reads what it should have written before.

    The decoder's input is the start token and the sequence, its target the sequence and the stop token. Sequences of different
    lengths are filled up, with masks.

    Args:
        targets: Sequences to write: lists of tokens, without start and stop; or an array ``[samples, steps]``.
        sources: What the decoder's partner reads: sequences of the same tokens, for an input called ``source``; or sequences
            or arrays by input name, described by ``shapes``. None: nothing.
        vocabulary: Tokens there are, start and stop among them: how many, or their names.
        start: The token that the decoder reads first.
        stop: The token that ends a sequence; None: sequences have no end that could be learned.
        shapes: Of the inputs in ``sources``; tokens of the same vocabulary by default.
        decoder: Name of the decoder's input.

    Raises:
        DataError: DA009, for a token outside the vocabulary; DA002, if there are more of one than of the other.

    Example:
        >>> data = teacher_forcing([[3, 2], [4]], [[2, 3], [4, 4]], vocabulary=5, start=0, stop=1)
        >>> data.inputs["target"].tolist(), data.targets["output"].tolist(), data.target_masks["output"].tolist()
        ([[0, 3, 2], [0, 4, 0]], [[3, 2, 1], [4, 1, 0]], [[True, True, True], [True, True, False]])
    """
    count = vocabulary if isinstance(vocabulary, int) else len(vocabulary)
    tokens = Tokens(steps=None, vocabulary=count)
    for name, token in (("start", start), ("stop", stop)):
        if token is not None and not 0 <= token < count:
            raise _outside(name, token, count)
    written = [np.asarray(one, dtype=np.int64) for one in targets]
    end = [] if stop is None else [stop]
    read, mask = pad([[start, *(one if stop is not None else one[:-1])] for one in written], f"input {decoder!r}")
    wanted, _ = pad([[*one, *end] for one in written], f"target {TARGET!r}")
    given = {} if sources is None else dict(sources) if isinstance(sources, Mapping) else {"source": sources}
    described: dict[str, Shape] = {**{name: (shapes or {}).get(name, tokens) for name in given}, decoder: tokens}
    arrays: dict[str, np.ndarray] = {}
    masks: dict[str, np.ndarray] = {}
    for name, value in given.items():
        arrays[name] = value
        if described[name].has_steps:
            arrays[name], own = pad(value, f"input {name!r}")
            masks |= {} if own.all() else {name: own}
    arrays[decoder] = read
    checked = as_inputs(arrays, shapes=described)
    right = as_inputs({TARGET: wanted}, shapes={TARGET: tokens})[TARGET]
    labels = None if isinstance(vocabulary, int) else tuple(vocabulary)
    target = Target("classes", labels=labels) if labels else Target("classes", count=count)
    whole = bool(mask.all())
    return Dataset(
        checked,
        {TARGET: right},
        DataSchema(inputs=described, targets={TARGET: target}),
        input_masks=masks if whole else {**masks, decoder: mask},
        target_masks={} if whole else {TARGET: mask},
    )


def _outside(name: str, token: int, count: int) -> DataError:
    return DataError(
        "DA009",
        where=name,
        expected=f"a whole number from 0 to {count - 1}",
        got=str(token),
        cause="start and stop are tokens like the others, so the vocabulary must count them",
        fix=f"raise vocabulary to {max(token, count - 1) + 1}, or choose another {name} token",
    )

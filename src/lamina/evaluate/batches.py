"""What comes in: predictions and targets of many shapes, brought to one row a sample, and refused where they can't be judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamina.errors import EvaluationError
from lamina.evaluate.exact import Floats, Integers
from lamina.shapes import describe_array

Array = NDArray[Any]

_HALF_TOLERANCE = 1e-2
"""The same for float16, which holds three digits."""
TOLERANCE = 1e-3
"""How far the probabilities of a sample may be from summing to 1: float32 softmax over 100,000 classes stays well below."""


@dataclass(frozen=True)
class Batch:
    """Rows to judge: samples, or steps or pixels of them; those that weigh 0 are left out already.

    Attributes:
        predictions: ``[rows, width]``, floating point, all finite.
        targets: Class indices ``[rows]`` (int64), or ``[rows, width]`` in the form of the predictions.
        weight: ``[rows]``, above 0, or None for all alike.
    """

    predictions: Array
    targets: Array
    weight: Floats | None


def class_batch(
    predictions: ArrayLike,
    targets: ArrayLike,
    weight: ArrayLike | None,
    *,
    where: str,
    width: int | None,
    seen: int,
    probabilities: bool = True,
) -> Batch:
    """A batch of a classifier.

    Args:
        predictions: ``[batch, classes]``, ``[batch, steps, classes]`` or ``[batch, classes, height, width]``; with two classes
            also the probability of the second alone: ``[batch]``, ``[batch, 1]``, ``[batch, steps, 1]``.
        targets: Class indices or one-hot rows.
        weight: ``[batch]`` or one for each step.
        where: What messages call it.
        width: Number of classes, if known.
        seen: Samples of the batches before; messages count from the first one.
        probabilities: Whether the predictions must be probabilities.

    Raises:
        EvaluationError: EV001 to EV004, EV010 or EV011.
    """
    given = _floating(predictions, where)
    target = _numeric(targets, where)
    scores = given[:, None] if given.ndim == 1 else given
    channels_first = scores.ndim >= 4
    one_hot = target.shape == given.shape and given.ndim > 1 and scores.shape[1 if channels_first else -1] > 1
    if channels_first:
        # Images keep classes on axis 1; as rows, classes come last.
        scores = np.moveaxis(scores, 1, -1)
        target = np.moveaxis(target, 1, -1) if one_hot or target.ndim == scores.ndim else target
    rows = scores.shape[:-1]
    if target.shape == (*rows, 1) and not one_hot:
        target = target[..., 0]
    if target.shape != rows and not one_hot:
        wanted = f"class indices of shape {describe_array(rows)}, or one-hot targets of {describe_array(given.shape)}"
        raise _misfit(where, given, target, wanted)
    scores = scores.reshape(-1, scores.shape[-1])
    heavy, keep = _weights(weight, rows, where, seen)
    flat = target.reshape(-1, target.shape[-1]) if one_hot else target.ravel()
    scores, flat = (scores, flat) if keep is None else (scores[keep], flat[keep])
    sample = _numbering(keep, rows, seen)
    _finite(scores, where, sample)
    scores = _two_columns(scores, where, sample, width, probabilities=probabilities)
    if width is not None and scores.shape[1] != width:
        raise _width(where, width, scores.shape[1])
    if probabilities:
        half = np.asarray(predictions).dtype == np.float16
        _are_probabilities(scores, where, sample, _HALF_TOLERANCE if half else TOLERANCE)
    classes = _from_one_hot(flat, where, sample) if one_hot else _indices(flat, scores.shape[1], where, sample)
    return Batch(scores, classes, heavy)


def column_batch(
    predictions: ArrayLike,
    targets: ArrayLike,
    weight: ArrayLike | None,
    *,
    where: str,
    width: int | None,
    seen: int,
    labels: bool = False,
) -> Batch:
    """A batch with a target for every output: regression, or several yes/no labels.

    Args:
        predictions: ``[batch]``, ``[batch, columns]`` or ``[batch, steps, columns]``; of images the channels are the columns.
        targets: The same shape (``[batch]`` and ``[batch, 1]`` mean the same).
        weight: ``[batch]`` or one for each step.
        where: What messages call it.
        width: Number of columns, if known.
        seen: Samples of the batches before.
        labels: Whether targets must be 0 or 1 and predictions probabilities.

    Raises:
        EvaluationError: EV002 to EV004, EV010 or EV011.
    """
    given, target = _floating(predictions, where), _numeric(targets, where)
    scores = given[:, None] if given.ndim == 1 else given
    target = target[:, None] if target.ndim == 1 and scores.ndim == 2 else target
    if scores.shape != target.shape:
        raise _misfit(where, given, target, f"targets of the shape of the predictions, {describe_array(given.shape)}")
    if scores.ndim >= 4:
        scores, target = np.moveaxis(scores, 1, -1), np.moveaxis(target, 1, -1)
    rows, count = scores.shape[:-1], scores.shape[-1]
    if width is not None and count != width:
        raise _width(where, width, count)
    heavy, keep = _weights(weight, rows, where, seen)
    scores, target = scores.reshape(-1, count), target.reshape(-1, count)
    scores, target = (scores, target) if keep is None else (scores[keep], target[keep])
    sample = _numbering(keep, rows, seen)
    _finite(scores, where, sample)
    wrong = ~np.isfinite(target) if not labels else (target != 0) & (target != 1)
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        raise EvaluationError(
            "EV011",
            where=f"{where}, sample {sample(row)}, column {column}",
            expected="0 or 1" if labels else "a finite number",
            got=f"{target[row, column]}",
            cause="the labels are not yes/no labels" if labels else "the data holds missing or broken values",
            fix="use the classification evaluation for class indices" if labels else "clean the column, or give such samples the weight 0",
        )
    if labels and scores.size and (scores.min() < -TOLERANCE or scores.max() > 1 + TOLERANCE):
        row, column = np.argwhere((scores < -TOLERANCE) | (scores > 1 + TOLERANCE))[0].tolist()
        place, got = f"{where}, sample {sample(row)}, column {column}", f"{scores[row, column]:.6g}"
        raise _not_probability(place, got, "sigmoid")
    return Batch(scores, target, heavy)


def _numbering(keep: Array | None, rows: tuple[int, ...], seen: int) -> Any:
    """From a row to the words that name its sample (and step)."""
    steps = int(np.prod(rows[1:], dtype=np.int64)) if len(rows) > 1 else 1

    def name(row: int) -> str:
        place = int(np.flatnonzero(keep)[row]) if keep is not None else row
        sample, step = divmod(place, steps)
        return f"{seen + sample}" if len(rows) == 1 else f"{seen + sample}, step {step}"

    return name


def _numeric(values: ArrayLike, where: str) -> Array:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf" or array.ndim == 0:
        raise EvaluationError(
            "EV011",
            where=where,
            expected="an array of numbers with one row a sample",
            got=f"an array of {array.dtype} of shape {describe_array(array.shape)}",
            cause="labels are still words, or a single number was given",
            fix="encode the labels as class indices first (a Dataset does it)",
        )
    return array


def _floating(values: ArrayLike, where: str) -> Array:
    array = np.asarray(values)
    if array.dtype.kind in "biu":
        array = array.astype(np.float64)
    if array.dtype.kind != "f" or array.ndim == 0:
        raise EvaluationError(
            "EV003",
            where=where,
            expected="an array of numbers with one row a sample",
            got=f"an array of {array.dtype} of shape {describe_array(array.shape)}",
            cause="these are not the outputs of a model",
            fix="give model.predict(x)",
        )
    # Half precision can't hold the sums over classes that the checks make.
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _weights(weight: ArrayLike | None, rows: tuple[int, ...], where: str, seen: int) -> tuple[Floats | None, Array | None]:
    """Weights of the rows that count, and which those are (None: all)."""
    if weight is None:
        return None, None
    given = np.asarray(weight, dtype=np.float64)
    if given.shape == (*rows, 1):
        given = given[..., 0]
    if given.shape not in (rows, rows[:1]):
        raise EvaluationError(
            "EV010",
            where=where,
            expected=f"weights of shape {describe_array(rows[:1])}" + (f" or {describe_array(rows)}" if len(rows) > 1 else ""),
            got=describe_array(given.shape),
            cause="the weights belong to another batch, or there is one for each output",
            fix="give one weight for each sample, or one for each step",
        )
    flat = np.broadcast_to(given.reshape(given.shape + (1,) * (len(rows) - given.ndim)), rows).ravel()
    wrong = ~(np.isfinite(flat) & (flat >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise EvaluationError(
            "EV010",
            where=f"{where}, sample {_numbering(None, rows, seen)(row)}",
            expected="a finite weight of at least 0",
            got=f"{flat[row]}",
            cause="weights must not be negative, infinite or NaN",
            fix="correct the weight, or use 0 to leave the sample out",
        )
    keep = flat > 0
    return flat[keep], None if keep.all() else keep


def _finite(scores: Array, where: str, sample: Any) -> None:
    if np.isfinite(scores).all():
        return
    row, column = np.argwhere(~np.isfinite(scores))[0].tolist()
    raise EvaluationError(
        "EV003",
        where=f"{where}, sample {sample(row)}, output {column}",
        expected="a finite number",
        got=f"{scores[row, column]}",
        cause="the model diverged in training, or its input holds NaN or infinity",
        fix="check this sample's input; if it is sound, train again with a lower learning rate or gradient clipping",
    )


def _two_columns(scores: Array, where: str, sample: Any, width: int | None, *, probabilities: bool) -> Array:
    if scores.shape[1] != 1:
        return scores
    if width not in (None, 2):
        raise _width(where, width, 1)
    if probabilities:
        if scores.size and (scores.min() < -TOLERANCE or scores.max() > 1 + TOLERANCE):
            row = int(np.argmax((scores < -TOLERANCE) | (scores > 1 + TOLERANCE)))
            place, got = f"{where}, sample {sample(row)}", f"{scores[row, 0]:.6g}"
            raise _not_probability(place, got, "sigmoid")
        return np.concatenate([1 - scores, scores], axis=1)
    # A single score s stands for the pair (-s, s): the second class is chosen where s is above 0.
    return np.concatenate([-scores, scores], axis=1)


def _are_probabilities(scores: Array, where: str, sample: Any, tolerance: float) -> None:
    if not scores.size:
        return
    wide = scores.astype(np.float64, copy=False)
    if wide.min() < -TOLERANCE or wide.max() > 1 + TOLERANCE:
        row, column = np.argwhere((wide < -TOLERANCE) | (wide > 1 + TOLERANCE))[0].tolist()
        place, got = f"{where}, sample {sample(row)}, class {column}", f"{wide[row, column]:.6g}"
        raise _not_probability(place, got, "softmax")
    off = np.abs(wide.sum(axis=1) - 1)
    if off.max() > tolerance:
        row = int(np.argmax(off > tolerance))
        raise EvaluationError(
            "EV002",
            where=f"{where}, sample {sample(row)}",
            expected=f"probabilities that sum to 1 (within {tolerance:g})",
            got=f"a sum of {wide[row].sum():.6g}",
            cause="the outputs are scores, or each is a probability of its own (sigmoid)",
            fix="give the output layer the activation softmax; for independent labels write evaluate: {type: multilabel}; "
            "to judge plain scores set probabilities: false",
        )


def _not_probability(where: str, got: str, activation: str) -> EvaluationError:
    return EvaluationError(
        "EV002",
        where=where,
        expected="a probability from 0 to 1",
        got=got,
        cause="the output layer gives scores (logits) or numbers, not probabilities",
        fix=f"give the output layer the activation {activation}; to judge plain scores of a classifier set probabilities: false",
    )


def _indices(target: Array, count: int, where: str, sample: Any) -> Integers:
    wrong = ~np.isfinite(target) | (target != np.floor(target)) if target.dtype.kind == "f" else np.zeros(target.shape, dtype=bool)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise EvaluationError(
            "EV011",
            where=f"{where}, sample {sample(row)}",
            expected=f"a class index: a whole number from 0 to {count - 1}",
            got=f"{target[row]}",
            cause="the target is missing, or is a number to predict rather than a class",
            fix="clean the label, or write evaluate: {type: regression} for numbers",
        )
    outside = (target < 0) | (target >= count)
    if outside.any():
        row = int(np.argmax(outside))
        raise EvaluationError(
            "EV001",
            where=f"{where}, sample {sample(row)}",
            expected=f"a class index from 0 to {count - 1}, as the model has {count} classes",
            got=f"{int(target[row])}",
            cause="classes are counted from 0, or the data has more classes than the output layer has units",
            fix=f"number the classes from 0 to {count - 1}, or set the units of the output layer to the number of classes",
        )
    return target.astype(np.int64)


def _from_one_hot(target: Array, where: str, sample: Any) -> Integers:
    wide = target.astype(np.float64)
    wrong = ~np.isfinite(wide).all(axis=1) | (wide < 0).any(axis=1) | (np.abs(wide.sum(axis=1) - 1) > TOLERANCE)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise EvaluationError(
            "EV011",
            where=f"{where}, sample {sample(row)}",
            expected="a one-hot row: one 1, otherwise 0 (or shares that sum to 1)",
            got=f"a row with the sum {wide[row].sum():.6g}",
            cause="no class or several classes are marked",
            fix="mark one class; for several labels a sample write evaluate: {type: multilabel}; mask a sample by the weight 0",
        )
    classes: Integers = wide.argmax(axis=1).astype(np.int64)
    return classes


def _misfit(where: str, given: Array, target: Array, expected: str) -> EvaluationError:
    return EvaluationError(
        "EV004",
        where=where,
        expected=expected,
        got=f"predictions {describe_array(given.shape)} and targets {describe_array(target.shape)}",
        cause="predictions and targets are not of the same samples, or belong to different outputs",
        fix="give the targets of the very samples that were predicted, in the same order",
    )


def _width(where: str, expected: int | None, got: int) -> EvaluationError:
    return EvaluationError(
        "EV004",
        where=where,
        expected=f"{expected} outputs a sample",
        got=f"{got}",
        cause="the output layer has another number of units than there are classes or columns, or batches of two models were mixed",
        fix=f"set the units of the output layer to {expected}, or start a new evaluation",
    )

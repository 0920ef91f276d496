"""What targets mean: classes, numbers or several labels; and how they are written as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamina.data.arrays import check_finite, to_floats
from lamina.data.lazy import LazyArray, Samples
from lamina.data.lazy_targets import describe_lazy, encode_lazy
from lamina.data.schema import Target, TargetKind
from lamina.data.words import Words
from lamina.errors import DataError
from lamina.shapes import Features, Image, Shape, Volume
from lamina.shapes import Sequence as Steps

BY_AXES: dict[int, type[Shape]] = {1: Features, 2: Steps, 3: Image, 4: Volume}
"""What arrays are, by the number of axes after the samples."""


def describe_target(array: Samples, where: str, *, labels: Sequence[str] | None = None, kind: TargetKind | None = None) -> Target:
    """What a target is, as its values show: whole numbers, text and true/false are classes, other numbers are numbers.

    Args:
        array: Of any type; first axis samples.
        where: For messages.
        labels: Names of classes, labels or columns.
        kind: What it is, where the values leave it open.

    Raises:
        DataError: DA007, for a target that can be none of these.
    """
    if isinstance(array, LazyArray):
        return describe_lazy(array, where, labels, kind)
    names = None if labels is None else tuple(str(label) for label in labels)
    if kind is None:
        kind = _guess(array, names)
    if kind == "classes":
        return _classes(array, where, names)
    if array.dtype.kind not in "biuf":
        raise _odd(
            where=where,
            expected="numbers",
            got=f"text such as {str(array.ravel()[0])[:30]!r}",
            cause="a target of text can only be classes",
            fix="leave kind out",
        )
    columns = array.shape[1:] or (1,)
    return Target(kind=kind, shape=shape_of(columns), labels=names)


def shape_of(sizes: Sequence[int]) -> Shape:
    """Vector, sequence, image or volume, by the number of axes."""
    kind = BY_AXES[len(sizes)]
    return kind(**dict(zip(kind.axes, sizes, strict=True)))


def _guess(array: np.ndarray, labels: tuple[str, ...] | None) -> TargetKind:
    if array.dtype.kind in "US":
        return "classes"
    whole = array.dtype.kind in "biu"
    if array.ndim > 1 and array.shape[-1] > 1 and whole and array.size and array.min() >= 0 and array.max() <= 1:
        one_hot = array.ndim == 2 and bool((array.sum(axis=-1) == 1).all())
        return "classes" if one_hot else "multilabel"
    if whole:
        return "classes"
    return "classes" if labels is not None and array.ndim == 1 else "numbers"


def _classes(array: np.ndarray, where: str, labels: tuple[str, ...] | None) -> Target:
    if array.dtype.kind in "US":
        return Target(kind="classes", labels=labels or tuple(sorted(np.unique(array).tolist())))
    if array.dtype.kind == "b" and array.ndim == 1:
        return Target(kind="classes", labels=labels or ("False", "True"))
    hot = is_one_hot(array, len(labels) if labels else None)
    if labels is not None:
        return Target(kind="classes", labels=labels)
    if hot:
        return Target(kind="classes", count=array.shape[1])
    return Target(kind="classes", count=int(whole_numbers(array, where).max()) + 1)


def is_one_hot(array: np.ndarray, width: int | None) -> bool:
    """Whether each row holds a single 1 among zeros."""
    if array.ndim != 2 or array.shape[1] < 2 or array.dtype.kind not in "biuf" or width not in (None, array.shape[1]):
        return False
    return bool(((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all())


def whole_numbers(array: np.ndarray, where: str) -> np.ndarray:
    """Numbers of classes as int64.

    Raises:
        DataError: DA007, naming the first sample that is no whole number, or below 0.
    """
    if array.dtype.kind == "f":
        check_finite(array, where)
        wrong = array != np.floor(array)
        if wrong.any():
            index = int(np.nonzero(wrong)[0][0])
            raise _odd(
                where=f"{where}, sample {index}",
                expected="whole numbers",
                got=str(array[wrong][0]),
                cause="class numbers must be whole",
                fix='to predict numbers, write kind="numbers"; to predict classes, number them 0, 1, 2 ...',
            )
    whole = array.astype(np.int64)
    if whole.size and whole.min() < 0:
        index = int(np.nonzero(whole < 0)[0][0])
        cause = "classes are counted from 0; -1 often stands for the second class, or for a missing label"
        raise _odd(
            where=f"{where}, sample {index}",
            expected="a class number from 0 up",
            got=str(whole[whole < 0][0]),
            cause=cause,
            fix="number the classes 0, 1, 2 ...",
        )
    if whole.ndim == 2 and whole.shape[1] == 1:
        return whole[:, 0]
    return whole


def encode_target(array: Samples | Words, target: Target, where: str, dtype: str) -> Any:
    """A target as the engine takes it: int64 class numbers, or floats.

    Raises:
        DataError: DA007 for labels that are none of ``target``'s, naming the sample; DA001 for NaN; DA003 for the wrong width.
    """
    if isinstance(array, LazyArray):
        return encode_lazy(array, target, where, dtype)
    if target.kind == "classes":
        return _class_numbers(array, target, where)
    floats = to_floats(np.asarray(array), where, dtype)
    check_finite(floats, where, target.labels)
    if floats.ndim == 1:
        floats = floats[:, None]
    if target.shape is not None and not target.shape.matches(floats.shape[1:]):
        fix = f"give targets {target.shape}"
        got = str(list(floats.shape))
        raise DataError("DA003", where=where, expected=f"an array {target.shape}", got=got, cause="another number of columns", fix=fix)
    if target.kind == "multilabel":
        wrong = (floats != 0) & (floats != 1)
        if wrong.any():
            index = int(np.nonzero(wrong)[0][0])
            cause = "each label is either there (1) or not (0)"
            fix = 'for other numbers write kind="numbers"'
            raise _odd(where=f"{where}, sample {index}", expected="0 or 1", got=str(floats[wrong][0]), cause=cause, fix=fix)
    return np.ascontiguousarray(floats)


def renumbered(
    arrays: Mapping[str, Samples], own: Mapping[str, Target], wanted: Mapping[str, Target]
) -> tuple[dict[str, Samples], dict[str, Target]]:
    """Targets whose classes are numbered as others number them, found by name; and what they are then.

    Raises:
        DataError: DA007, for a class that the others don't know.
    """
    targets, described = dict(arrays), dict(own)
    for name, given in own.items():
        alone = len(own) == len(wanted) == 1
        other = next(iter(wanted.values())) if alone else wanted.get(name)
        if other is None or other == given or not given.kind == other.kind == "classes" or name not in targets:
            continue
        if given.labels is not None and other.labels is not None:
            targets[name] = encode_target(np.asarray(given.labels)[np.asarray(targets[name])], other, f"target {name!r}", "float64")
        elif given.width is not None and other.width is not None and given.width > other.width:
            continue  # Too many classes: whoever looks at the numbers says which sample.
        described[name] = other
    return targets, described


def _class_numbers(array: np.ndarray | Words, target: Target, where: str) -> np.ndarray:
    if isinstance(array, Words):
        return _look_up(array.values, array.codes, target, where)
    if array.dtype.kind in "US":
        return _look_up(array.astype(str), np.arange(len(array)), target, where)
    if is_one_hot(array, target.width):
        return np.ascontiguousarray(array.argmax(axis=1), dtype=np.int64)
    whole = whole_numbers(array, where)
    width = target.width
    if width is not None and whole.size and whole.max() >= width:
        index = int(np.nonzero(whole >= width)[0][0])
        names = f" ({', '.join(target.labels[:6])}{' ...' if len(target.labels) > 6 else ''})" if target.labels else ""
        cause = "labels that count from 1, or a class that was not there in training"
        fix = f"subtract 1 from the labels if they count from 1, or train with at least {int(whole.max()) + 1} classes"
        got = str(whole[whole >= width][0])
        raise _odd(where=f"{where}, sample {index}", expected=f"a class from 0 to {width - 1}{names}", got=got, cause=cause, fix=fix)
    return np.ascontiguousarray(whole)


def _look_up(values: np.ndarray, codes: np.ndarray, target: Target, where: str) -> np.ndarray:
    """Numbers of the classes called ``values[codes]``."""
    names = np.asarray(target.labels or [str(i) for i in range(target.width or 0)])
    order = np.argsort(names, kind="stable")
    places = np.searchsorted(names[order], values).clip(max=len(names) - 1)
    found = order[places]
    wrong = (names[found] != values)[codes]
    if wrong.any():
        from lamina.errors import nearest

        index = int(np.nonzero(wrong)[0][0])
        value = str(values[codes[index]])
        near = nearest(value, names.tolist())
        fix = f"did you mean {near!r}?" if near else "train on data that hold this class too, or leave the row out"
        raise _odd(
            where=f"{where}, sample {index}",
            expected=f"one of {', '.join(names[:10])}",
            got=repr(value),
            cause="a class that is not known",
            fix=fix,
        )
    return np.ascontiguousarray(found[codes], dtype=np.int64)


def _odd(*, where: str, expected: str, got: str, cause: str, fix: str) -> DataError:
    return DataError("DA007", where=where, expected=expected, got=got, cause=cause, fix=fix)

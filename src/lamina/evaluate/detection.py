"""Boxes: targets for an output that finds things in pictures, and what its predictions say was found.

A grid of cells lies over the picture; all lengths here are cells, so that a box ``(0, 0, 13, 13)`` is the whole of a 13 by 13 grid.
Multiply by the pixels of a cell, 32 with most networks of this kind, to have pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.errors import DataError, EvaluationError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Detection:
    """A thing that was found.

    Attributes:
        box: Edges ``(left, top, right, bottom)``, in cells.
        kind: Number of its class.
        score: How sure it is that there is something, from 0 to 1.
        share: Share of the class among all classes, given that there is something.
    """

    box: tuple[float, float, float, float]
    kind: int
    score: float
    share: float

    @property
    def centre(self) -> tuple[float, float]:
        """``(x, y)`` of its middle."""
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2

    @property
    def size(self) -> tuple[float, float]:
        """Width and height."""
        left, top, right, bottom = self.box
        return right - left, bottom - top


def box_targets(boxes: Sequence[Iterable[tuple[Sequence[float], int]]], grid: tuple[int, int], classes: int) -> Array:
    """Targets for the loss `yolo`, ``[pictures, 4 + classes, height, width]``.

    Args:
        boxes: For each picture its things: edges ``(left, top, right, bottom)`` in cells, and the number of the class.
        grid: Height and width of the grid.
        classes: How many classes there are.

    Raises:
        DataError: DA007, for a box without extent or with its centre outside the grid, or a class that there is not. Of two things
            whose centres lie in one cell the later one stays, since a cell has room for one.

    Example:
        >>> targets = box_targets([[((0, 0, 2, 3), 1)]], grid=(4, 4), classes=2)
        >>> targets[0, :, 1, 1].tolist()
        [0.0, 0.0, 2.0, 3.0, 0.0, 1.0]
    """
    height, width = grid
    targets = np.zeros((len(boxes), 4 + classes, height, width), dtype=np.float32)
    for picture, things in enumerate(boxes):
        for box, kind in things:
            left, top, right, bottom = (float(edge) for edge in box)
            column, row = int(np.floor((left + right) / 2)), int(np.floor((top + bottom) / 2))
            if not (right > left and bottom > top and 0 <= column < width and 0 <= row < height and 0 <= kind < classes):
                raise DataError(
                    "DA007",
                    where=f"box {tuple(box)} of class {kind} in picture {picture}",
                    expected=f"left < right, top < bottom, the centre within {width} by {height} cells, and a class below {classes}",
                    got=f"({left:g}, {top:g}, {right:g}, {bottom:g}), class {kind}",
                    cause="the edges are pixels, or in another order (such as x, y, width, height)",
                    fix="divide pixels by the size of a cell, and give edges as left, top, right, bottom",
                )
            cell = np.zeros(4 + classes)
            cell[:4], cell[4 + kind] = (left, top, right, bottom), 1
            targets[picture, :, row, column] = cell
    return targets


def detections(predictions: Array, boxes: int, *, least_score: float = 0.5, most_overlap: float = 0.4) -> list[list[Detection]]:
    """What was found in each picture, surest first.

    Args:
        predictions: What a `yolo` output predicts, ``[pictures, boxes * (5 + classes), height, width]``.
        boxes: How many priors the output has.
        least_score: What is less sure is left out.
        most_overlap: Of two things of one class that overlap by more, the surer one is kept; 1 keeps all.

    Raises:
        EvaluationError: EV002, for predictions of another shape.
    """
    found = np.asarray(predictions)
    if found.ndim != 4 or found.shape[1] % boxes or found.shape[1] // boxes < 6:
        raise EvaluationError(
            "EV002",
            where="detections",
            expected=f"predictions [pictures, {boxes} * (5 + classes), height, width]",
            got=f"shape {list(found.shape)}",
            cause="these are not predictions of an output with the loss yolo, or it has another number of priors",
            fix="give what model.predict gives, and as many boxes as the loss has priors",
        )
    count, _, height, width = found.shape
    cells = found.reshape(count, boxes, -1, height, width).astype(np.float64)
    x, y = cells[:, :, 0] + np.arange(width), cells[:, :, 1] + np.arange(height)[:, None]
    half_width, half_height = cells[:, :, 2] / 2, cells[:, :, 3] / 2
    edges = np.stack([x - half_width, y - half_height, x + half_width, y + half_height], axis=-1)
    kinds, shares = cells[:, :, 5:].argmax(axis=2), cells[:, :, 5:].max(axis=2)
    everything = []
    for picture in range(count):
        sure = np.argwhere(cells[picture, :, 4] >= least_score)
        things = [
            Detection(
                box=tuple(edges[picture, b, row, column].tolist()),
                kind=int(kinds[picture, b, row, column]),
                score=float(cells[picture, b, 4, row, column]),
                share=float(shares[picture, b, row, column]),
            )
            for b, row, column in sure.tolist()
        ]
        everything.append(suppressed(things, most_overlap))
    return everything


def suppressed(things: Iterable[Detection], most_overlap: float = 0.4) -> list[Detection]:
    """Non-maximum suppression: of things of one class that overlap by more, only the surest; surest first.

    Example:
        >>> one, other = Detection((0, 0, 2, 2), 0, 0.9, 1.0), Detection((0, 0, 2, 1.8), 0, 0.8, 1.0)
        >>> [thing.score for thing in suppressed([other, one])]
        [0.9]
    """
    ordered = sorted(things, key=_surest_first)
    kept: list[Detection] = []
    for thing in ordered:
        rivals = [other.box for other in kept if other.kind == thing.kind]
        if not rivals or overlaps(np.array([thing.box]), np.array(rivals)).max() <= most_overlap:
            kept.append(thing)
    return kept


def most_certain(things: Iterable[Detection], count: int) -> list[Detection]:
    """The surest ``count`` things that were found, surest first; all, if there are fewer (Keras's MaxNumBoundingBoxes).

    Example:
        >>> unsure, sure = Detection((0, 0, 2, 2), 0, 0.6, 1.0), Detection((3, 3, 4, 4), 1, 0.8, 1.0)
        >>> [thing.score for thing in most_certain([unsure, sure], 1)]
        [0.8]
    """
    return sorted(things, key=_surest_first)[: max(count, 0)]


def _surest_first(thing: Detection) -> tuple[float, int, tuple[float, float, float, float]]:
    return -thing.score, thing.kind, thing.box


def overlaps(first: Array, second: Array) -> Array:
    """Intersection over union of every box of one list with every box of another, ``[first, second]``.

    Example:
        >>> overlaps(np.array([[0, 0, 2, 2]]), np.array([[1, 0, 3, 2], [5, 5, 6, 6]])).round(3).tolist()
        [[0.333, 0.0]]
    """
    low, high = np.maximum(first[:, None, :2], second[None, :, :2]), np.minimum(first[:, None, 2:], second[None, :, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None] - both
    shares: Array = np.divide(both, union, out=np.zeros_like(both, dtype=np.float64), where=union > 0)
    return shares

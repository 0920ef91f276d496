"""Boxes around things, moved along with the picture they are in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Things:
    """What is to be found in a picture.

    Attributes:
        boxes: Edges ``[things, 4]``: left, top, right, bottom, in pixels, float64; 0 is the outer edge of the first pixel.
        kinds: Number of each thing's class, int64.
        difficult: Which are marked as hard to see.
        full: Area that each would have if no edge had cut it off, in pixels of now.
    """

    boxes: np.ndarray
    kinds: np.ndarray
    difficult: np.ndarray
    full: np.ndarray

    @classmethod
    def of(cls, boxes: object, kinds: object, difficult: object = None) -> Things:
        """Things from lists of edges and class numbers.

        Example:
            >>> Things.of([[0, 0, 2, 3]], [1]).full.tolist()
            [6.0]
        """
        edges = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
        marks = np.zeros(len(edges), dtype=bool) if difficult is None else np.asarray(difficult, dtype=bool)
        return cls(edges, np.asarray(kinds, dtype=np.int64).reshape(-1), marks, areas(edges))

    def __len__(self) -> int:
        return len(self.boxes)

    def take(self, places: np.ndarray) -> Things:
        """Some of them: places or a mask."""
        return Things(self.boxes[places], self.kinds[places], self.difficult[places], self.full[places])

    def moved(self, matrix: np.ndarray, size: tuple[int, int]) -> Things:
        """Seen through a 3 by 3 matrix that says where each point goes; boxes stay upright, and are cut off at the new edges.

        Args:
            matrix: ``[x, y, 1]`` goes to ``matrix @ [x, y, 1]``, divided by its last number.
            size: Height and width of the new picture.
        """
        if not len(self):
            return self
        left, top, right, bottom = self.boxes.T
        corners = np.stack([np.stack([left, right, right, left]), np.stack([top, top, bottom, bottom])], axis=-1).transpose(1, 0, 2)
        moved = move_points(matrix, corners)
        edges = np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)
        # A turned box has an upright one around it that is larger than the thing: what is left of it is measured against that.
        before = areas(self.boxes)
        grown = np.divide(areas(edges), before, out=np.ones_like(before), where=before > 0)
        height, width = size
        clipped = np.clip(edges, 0, [width, height, width, height])
        return replace(self, boxes=clipped, full=self.full * grown)

    def visible(self, least: float) -> Things:
        """Those of which at least a share ``least`` is left, and something at all.

        Example:
            >>> shifted = Things.of([[0, 0, 4, 2], [2, 0, 4, 2]], [0, 1]).moved(np.array([[1, 0, -3], [0, 1, 0], [0, 0, 1]]), (2, 2))
            >>> shifted.boxes.tolist(), shifted.visible(0.5).kinds.tolist()
            ([[0.0, 0.0, 1.0, 2.0], [0.0, 0.0, 1.0, 2.0]], [1])
        """
        left = areas(self.boxes)
        # A share of 1 must hold for what was never cut, whatever was rounded on the way.
        return self.take((left > 0) & (left >= least * self.full * (1 - 1e-9)))


def areas(boxes: np.ndarray) -> np.ndarray:
    """Area of each box, 0 for those without extent."""
    found: np.ndarray = np.clip(boxes[:, 2] - boxes[:, 0], 0, None) * np.clip(boxes[:, 3] - boxes[:, 1], 0, None)
    return found


def move_points(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where points ``[..., 2]`` (x, y) go."""
    flat = points.reshape(-1, 2) @ matrix[:, :2].T + matrix[:, 2]
    found: np.ndarray = (flat[:, :2] / flat[:, 2:]).reshape(points.shape)
    return found

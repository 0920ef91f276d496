"""Boxes to targets and back, and which of several boxes around one thing stay."""

from __future__ import annotations

import numpy as np
import pytest

from lamina.errors import LaminaError
from lamina.evaluate.detection import Detection, box_targets, detections, most_certain, overlaps, suppressed


def test_what_was_put_into_a_grid_is_found_in_it() -> None:
    boxes = [[((1.5, 0.5, 3.0, 2.5), 1), ((4.2, 3.1, 4.8, 4.9), 0)], []]
    targets = box_targets(boxes, grid=(5, 6), classes=2)
    assert targets.shape == (2, 6, 5, 6)
    assert targets[1].sum() == 0
    # A prediction that says just that with the second of its two priors.
    perfect = np.zeros((2, 14, 5, 6))
    for picture, things in enumerate(boxes):
        for (left, top, right, bottom), kind in things:
            x, y = (left + right) / 2, (top + bottom) / 2
            row, column = int(y), int(x)
            perfect[picture, 7:12, row, column] = [x % 1, y % 1, right - left, bottom - top, 0.9]
            perfect[picture, 12 + kind, row, column] = 0.75
    found = detections(perfect, 2)
    assert [len(things) for things in found] == [2, 0]
    for thing, (box, kind) in zip(sorted(found[0], key=lambda t: t.box), boxes[0], strict=True):
        np.testing.assert_allclose(thing.box, box)
        assert (thing.kind, thing.score, thing.share) == (kind, 0.9, 0.75)
        np.testing.assert_allclose(thing.size, (box[2] - box[0], box[3] - box[1]))
    assert detections(perfect, 2, least_score=0.95) == [[], []]


def test_the_surest_of_a_heap_of_boxes_stays() -> None:
    rng = np.random.default_rng(0)
    things = []
    for score in rng.random(60):
        left, top = rng.random(2) * 4
        things.append(Detection((left, top, left + 2, top + 2), int(rng.integers(2)), float(score), 1.0))
    kept = suppressed(things, 0.3)
    rest = [thing for thing in things if thing not in kept]
    area = 4.0

    def overlap(a: Detection, b: Detection) -> float:
        wide = max(0.0, 2 - abs(a.box[0] - b.box[0]))
        high = max(0.0, 2 - abs(a.box[1] - b.box[1]))
        return wide * high / (2 * area - wide * high)

    assert all(a.kind != b.kind or a is b or overlap(a, b) <= 0.3 + 1e-12 for a in kept for b in kept)
    assert all(any(a.kind == b.kind and a.score >= b.score and overlap(a, b) > 0.3 for a in kept) for b in rest)
    assert [thing.score for thing in kept] == sorted((thing.score for thing in kept), reverse=True)
    assert len(suppressed(things, 1.0)) == 60


def test_the_most_certain_things_come_first() -> None:
    rng = np.random.default_rng(3)
    things = [Detection((0.0, 0.0, 1.0, float(i + 1)), i % 3, float(score), 1.0) for i, score in enumerate(rng.random(20).round(1))]
    for count in (0, 1, 7, 20, 30):
        found = most_certain(things, count)
        assert [thing.score for thing in found] == sorted((thing.score for thing in things), reverse=True)[:count]
        assert len({*found}) == min(count, 20)
        assert found == most_certain(reversed(things), count)


def test_overlap_of_nothing_is_nothing() -> None:
    assert overlaps(np.array([[0.0, 0, 0, 0]]), np.array([[0.0, 0, 0, 0], [0, 0, 1, 1]])).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("box", [((3, 0, 1, 2), 0), ((0, 0, 100, 100), 0), ((0, 0, 1, 1), 5)])
def test_boxes_that_do_not_fit_are_refused(box) -> None:
    with pytest.raises(LaminaError) as caught:
        box_targets([[box]], grid=(4, 4), classes=2)
    assert caught.value.code == "DA007"


def test_other_predictions_are_refused() -> None:
    with pytest.raises(LaminaError) as caught:
        detections(np.zeros((1, 13, 4, 4)), 2)
    assert caught.value.code == "EV002"

"""Pooling that rounds up beside a padding, against Caffe's loops written out."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import lamina as lm
from lamina.errors import DescriptionError


def caffe(x: np.ndarray, kernel: int, stride: int, pad: int, *, average: bool) -> np.ndarray:
    height, width = x.shape[2:]

    def count(size: int) -> int:
        found = math.ceil((size + 2 * pad - kernel) / stride) + 1
        return found - 1 if pad and (found - 1) * stride >= size + pad else found

    y = np.zeros((*x.shape[:2], count(height), count(width)))
    for i, j in itertools.product(range(y.shape[2]), range(y.shape[3])):
        top, left = i * stride - pad, j * stride - pad
        size = (min(top + kernel, height + pad) - top) * (min(left + kernel, width + pad) - left)
        part = x[:, :, max(top, 0) : min(top + kernel, height), max(left, 0) : min(left + kernel, width)]
        y[:, :, i, j] = part.sum((2, 3)) / size if average else part.max((2, 3))
    return y


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_windows_are_those_of_caffe(kernel: int, average: bool) -> None:
    draws = np.random.default_rng(0)
    for height, width, stride, pad in itertools.product((4, 5, 6, 7), (5, 8), (1, 2, 3), range(kernel)):
        if stride > kernel and not pad:
            continue
        x = draws.normal(size=(2, 2, height, width)).astype("float32") - 3
        kind = lm.layers.AvgPool2d if average else lm.layers.MaxPool2d
        more = {"include_padding": True} if average else {}
        layer = kind(kernel, stride=stride, padding=pad, rounding="up", **more)
        found = lm.Model(lm.Sequential(lm.image(2, height, width), [layer]), seed=0).predict(x)
        np.testing.assert_allclose(found, caffe(x, kernel, stride, pad, average=average), rtol=1e-5, atol=1e-6)


def test_rounding_up_needs_padding_in_numbers() -> None:
    with pytest.raises(DescriptionError, match="rounding"):
        lm.layers.MaxPool2d(3, padding="same", rounding="up")

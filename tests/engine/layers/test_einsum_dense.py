"""Dense layers along any axes against numpy.einsum and dense layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from lamina.engine.build import build
from lamina.errors import DescriptionError, ShapeError
from lamina.network import layers as L
from lamina.shapes import Features, Image, Sequence, Series, Shape
from lamina.testing.layers import plan_of

STEPS, IMAGE = Sequence(steps=5, features=3), Image(channels=2, height=3, width=4)


@pytest.mark.parametrize(
    ("equation", "sizes", "axes", "shape", "weight", "bias", "plain"),
    [
        ("ab,bc->ac", 6, "c", Features(4), (4, 6), (6,), "ab,bc->ac"),
        ("abc,cd->abd", (None, 6), "d", STEPS, (3, 6), (6,), "abc,cd->abd"),
        ("abc,cde->abde", (None, 2, 4), "de", STEPS, (3, 2, 4), (2, 4), "abc,cde->abde"),
        ("abc,cde->abde", (None, 2, 4), "d", STEPS, (3, 2, 4), (2, 1), "abc,cde->abde"),
        ("abc,bd->adc", (7, None), "d", STEPS, (5, 7), (7, 1), "abc,bd->adc"),
        ("...x,xy->...y", 6, "y", IMAGE, (4, 6), (6,), "abcx,xy->abcy"),
        ("ab...,bc->ac...", 6, "c", IMAGE, (2, 6), (6, 1, 1), "abxy,bc->acxy"),
        ("ab,bc->a c", 6, None, Features(4), (4, 6), None, "ab,bc->ac"),
    ],
)
def test_it_is_numpys(equation: str, sizes: Any, axes: str | None, shape: Shape, weight: Any, bias: Any, plain: str) -> None:
    layer = L.EinsumDense(equation, sizes, bias_axes=axes)
    network = build(plan_of(layer, (shape,)), 3, dtype=torch.float64)
    arrays = network.named_arrays()
    assert arrays["tested/weight"].shape == weight
    assert ("tested/bias" in arrays) == (bias is not None)
    rng = np.random.default_rng(0)
    if bias is not None:
        arrays["tested/bias"] = rng.normal(size=bias)
        network.load_arrays(arrays)
    x = rng.normal(size=(2, *(size or 1 for size in shape.dims)))
    expected = np.einsum(plain, x, arrays["tested/weight"]) + arrays.get("tested/bias", 0.0)
    found = network(torch.from_numpy(x))["tested"].detach().numpy()
    assert np.allclose(found, expected)
    assert layer.infer((shape,)).matches(found.shape[1:])


def test_what_comes_out_is_a_sequence_where_each_step_stays_by_itself() -> None:
    open_end = Sequence(steps=None, features=3)
    assert L.EinsumDense("abc,cd->abd", (None, 6)).infer((open_end,)) == Sequence(steps=None, features=6)
    heads = L.EinsumDense("abc,cde->abde", (None, 2, 4)).infer((open_end,))
    assert heads == Series(steps=None, item=Sequence(steps=2, features=4))
    assert L.EinsumDense("abde,dec->abc", (None, 3)).infer((heads,)) == open_end
    assert L.EinsumDense("abc,bd->adc", (7, None)).infer((STEPS,)) == Sequence(steps=7, features=3)
    assert not L.EinsumDense("abc,bd->adc", (7, None)).takes_masks
    assert L.EinsumDense("abc,cd->abd", (None, 6)).takes_masks
    assert not L.EinsumDense("abc,cd->abd", (5, 6), bias_axes="bd").takes_masks


def test_first_weights_are_those_of_a_dense_layer() -> None:
    found = L.EinsumDense("ab,bc->ac", 6).parameters((Features(4),))["weight"]
    assert (found.fan_in, found.fan_out) == (4, 6)
    assert L.EinsumDense("ab,bc->ac", 6).flops((Features(4),), Features(6)) == 48


@pytest.mark.parametrize(
    ("equation", "sizes", "fix"),
    [
        ("ab bc->ac", 4, "abc,cd->abd"),
        ("...ab,bc->ac", 4, "abc,cd->abd"),
        ("ab,bc->ad", 4, "abc,cd->abd"),
        ("ab,ac->ac", 4, "abc,cd->abd"),
        ("abb,bc->ac", 4, "abc,cd->abd"),
        ("abc,cd->abd", 4, "output_shape: [None, 64]"),
    ],
)
def test_equations_that_mean_nothing_are_refused(equation: str, sizes: Any, fix: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        L.EinsumDense(equation, sizes)
    assert fix in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "shape", "code", "fix"),
    [
        (L.EinsumDense("abc,cd->abd", (None, 6)), Features(4), "NN008", "a letter for each axis"),
        (L.EinsumDense("abc,cd->abd", (7, 6)), STEPS, "NN008", "write null in place of 7"),
        (L.EinsumDense("abc,bd->adc", (7, None)), Sequence(steps=None, features=3), "NN009", "a fixed number of steps"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(layer: L.Layer, shape: Shape, code: str, fix: str) -> None:
    with pytest.raises(ShapeError) as caught:
        layer.infer((shape,))
    assert caught.value.code == code
    assert fix in str(caught.value)

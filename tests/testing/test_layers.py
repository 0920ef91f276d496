"""Every registered layer keeps its contract; a new one is tested without a test being written."""

from __future__ import annotations

import pytest
import torch

from lamina.network.layers.layer import Layer
from lamina.shapes import Shape
from lamina.testing.layers import check_layer, registered_layers

EXAMPLES = list(registered_layers())


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    # Tensors of a few numbers: threads would only wait for each other.
    torch.set_num_threads(1)


@pytest.mark.parametrize(("layer", "shapes"), [pytest.param(layer, shapes, id=name) for name, layer, shapes in EXAMPLES])
def test_contract(layer: Layer, shapes: tuple[Shape, ...]) -> None:
    check_layer(layer, shapes)

"""What contract suites of layers are run on: a network of one layer, and random inputs for it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lamina.network.layers.layer import Layer
from lamina.network.plan import Node, Plan
from lamina.shapes import Shape, batch_shape

LENGTHS = (5, 8)
"""Steps that stand for an unknown length."""
SEED = 7


def plan_of(layer: Layer, shapes: Sequence[Shape]) -> Plan:
    """A network of this one layer; its inputs are called ``input_1`` and so on."""
    inputs = {f"input_{number + 1}": shape for number, shape in enumerate(shapes)}
    node = Node("tested", ("layers", 0), layer, tuple(inputs), tuple(shapes), layer.infer(tuple(shapes)))
    return Plan(inputs, (node,), ("tested",))


def sample_inputs(
    plan: Plan, batch: int, *, steps: int = LENGTHS[0], dtype: torch.dtype = torch.float64, seed: int = SEED
) -> dict[str, Tensor]:
    """Random inputs without ties, for the plan of one layer."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: sample(shape, batch_shape(shape, batch, unknown=steps), generator=generator, dtype=dtype)
        for name, shape in plan.inputs.items()
    }


def sample(shape: Shape, sizes: tuple[int, ...], *, generator: torch.Generator, dtype: torch.dtype = torch.float64) -> Tensor:
    """A random tensor of these sizes: whole numbers below the vocabulary for tokens, else normal numbers."""
    if shape.dtype == "int":
        vocabulary: int = getattr(getattr(shape, "item", shape), "vocabulary", 2)
        return torch.randint(vocabulary, sizes, generator=generator)
    return torch.randn(sizes, generator=generator, dtype=torch.float64).to(dtype)

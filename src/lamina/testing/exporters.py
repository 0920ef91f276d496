"""What every exporter is tried on: every example of every layer, as a model by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamina.model import Model


def layer_models(kind: Any) -> Iterator[Model]:
    """A model for each example of a layer: a graph whose only node is called ``it``, its inputs ``in0``, ``in1`` ...

    A layer that uses another's weights has nobody to take them from: there is no model for it.

    Args:
        kind: The layer's class.

    Example:
        >>> from lamina.network.layers import Dense
        >>> [model.plan.outputs for model in layer_models(Dense)][:1]
        [('it',)]
    """
    from lamina.model import Model
    from lamina.network.graph import Graph

    for layer, shapes in kind.examples():
        inputs = {f"in{number}": shape for number, shape in enumerate(shapes)}
        if layer.borrowed(shapes):
            continue
        yield shaken(Model(Graph(inputs=inputs, nodes={"it": layer.replace(inputs=list(inputs))}, outputs=["it"]), seed=1))


def shaken(model: Model) -> Model:
    """The same model, with biases that are not 0 and running statistics that are not 0 and 1: nothing can be left out unseen."""
    import torch

    draws = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.add_((torch.randn(parameter.shape, generator=draws) * 0.1).to(parameter.dtype))
        for buffer in model.network.buffers():
            if buffer.is_floating_point():
                buffer.add_((torch.rand(buffer.shape, generator=draws) * 0.3).to(buffer.dtype))
    return model

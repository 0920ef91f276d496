"""What stands at every step, and steps in reverse order."""

from __future__ import annotations

from torch import Tensor

from lamina.engine.layers.layer import LayerModule, runs
from lamina.engine.layers.packing import only
from lamina.engine.layers.steps import last_first, real_first, take_steps, undo
from lamina.network.vertices.steps import DuplicateToSteps, ReverseSteps


@runs(DuplicateToSteps)
class DuplicateToStepsModule(LayerModule):
    """A view: nothing is copied."""

    def forward(self, x: Tensor, steps: Tensor) -> Tensor:
        return x[:, None].expand(x.shape[0], steps.shape[1], *x.shape[1:])


@runs(ReverseSteps)
class ReverseStepsModule(LayerModule):
    """Real steps backward, the others where they were."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flip(1)

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        (x,), mask = inputs, only(masks)
        return take_steps(take_steps(x, last_first(mask)), undo(real_first(mask))), mask

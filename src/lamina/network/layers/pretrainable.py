"""What layers share that learn without targets, from what comes into them: one after the other, before the whole network is trained."""

from __future__ import annotations

from typing import ClassVar

from lamina.network.layers.layer import ParametricLayer
from lamina.shapes import Features, Shape
from lamina.spec.fields import Count


class Pretrainable(ParametricLayer):
    """Base of layers that `lamina.Model.pretrain` trains: each on what the layers below it give, without targets.

    Dropout and weight noise belong to training with targets; pretraining has noise of its own. Parameters that nothing but
    pretraining uses (those that reconstruct the input) are left alone afterwards: no weight decay shrinks them.

    Attributes:
        units: Number of outputs.
    """

    positional: ClassVar[tuple[str, ...]] = ("units",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Features,)
    flattens: ClassVar[bool] = True
    has_loss: ClassVar[bool] = True
    """Whether pretraining follows the gradient of a loss, as everything but contrastive divergence does."""

    units: Count

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        self.check_width(inputs[0].dims[0] or 1)
        return Features(self.units)

    def check_width(self, width: int) -> None:
        """See that inputs of this width can be reconstructed; raises what `refuse` makes."""

"""What every runnable layer has that learns without targets."""

from __future__ import annotations

from torch import Tensor

from lamina.engine.layers.layer import ParametricModule
from lamina.errors import DataError


class PretrainableModule(ParametricModule):
    """A layer that can be trained by itself, on what comes into it; subclasses write `pretrain_loss`."""

    def pretrain_loss(self, x: Tensor) -> Tensor:
        """What pretraining makes small, ``[batch]``: a value for each sample, whose gradient is followed.

        Random numbers come from torch's global generators, which each step seeds.

        Args:
            x: What comes into the layer, ``[batch, n]``.
        """
        raise NotImplementedError(type(self).__name__)

    def wrong_inputs(self, x: Tensor) -> Tensor | None:
        """Which of the values, ``[batch, n]``, the layer can't learn to give back; None: any number will do."""
        return None

    @property
    def input_rule(self) -> str:
        """What values must be, in words."""
        return "finite numbers"

    def check_inputs(self, x: Tensor, first: int = 0) -> None:
        """Refuse what the layer can't learn from.

        Args:
            x: Some samples as they come into the layer.
            first: Number of the first of them in the data.

        Raises:
            DataError: EN100, naming the first wrong sample.
        """
        wrong, finite = self.wrong_inputs(x), x.isfinite()
        wrong = ~finite if wrong is None else wrong | ~finite
        if not bool(wrong.any()):
            return
        sample, value = (int(i) for i in wrong.nonzero()[0])
        raise DataError(
            "EN100",
            where=f"layer {self.node.name!r} ({self.node.layer.type_name}), sample {first + sample}, value {value}",
            expected=f"{self.input_rule}, in what comes into the layer",
            got=f"{float(x[sample, value]):.6g}",
            cause="the layer learns to give its input back, and what it is set to can't give back such a value",
            fix=self.remedy,
        )

    @property
    def remedy(self) -> str:
        """What to write where inputs are refused."""
        return "scale the data to 0 ... 1 (normalizer: min_max), give the layer below an activation such as sigmoid, or choose other units"

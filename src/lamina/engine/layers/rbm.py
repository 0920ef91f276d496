"""Restricted Boltzmann machine."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import runs
from lamina.engine.layers.pretrainable import PretrainableModule
from lamina.engine.randomness import generator
from lamina.engine.units import Units
from lamina.errors import TrainingError
from lamina.network.layers.rbm import RBM
from lamina.network.plan import Node


@runs(RBM)
class RBMModule(PretrainableModule):
    """Hidden means; in pretraining Gibbs sampling, and the gradient of contrastive divergence."""

    weight: Tensor
    chain: Tensor
    activates = False

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer = node.layer
        if not isinstance(layer, RBM):
            raise TypeError(layer)
        self._layer = layer
        self.visible_units = Units(layer.visible, layer.visible_groups)
        self.hidden_units = Units(layer.hidden, layer.hidden_groups)

    def initialize(self, seed: int) -> None:
        super().initialize(seed)
        if self._layer.persistent:
            # Each chain starts from a draw of its own: units on or off by a coin, Gaussian ones from N(0, 1).
            kept = torch.empty(self.chain.shape, dtype=torch.float64)
            with torch.random.fork_rng(devices=[]):
                torch.random.set_rng_state(generator(seed, "initial", self.node.name, "chain").get_state())
                self.chain.copy_(self.visible_units.draw(kept.zero_()))

    def compute(self, x: Tensor) -> Tensor:
        return self.hidden_units.mean(self.hidden_input(x))

    def hidden_input(self, visible: Tensor) -> Tensor:
        """What flows into the hidden units, ``[batch, units]``."""
        return F.linear(visible, self.weight, self._parameters.get("bias"))

    def visible_input(self, hidden: Tensor) -> Tensor:
        """What flows into the visible units, ``[batch, n]``."""
        return F.linear(hidden, self.weight.t(), self._parameters.get("visible_bias"))

    def free_energy(self, visible: Tensor) -> Tensor:
        """``-log sum_h exp(-E(v, h))``, ``[batch]``: the less, the more probable.

        Raises:
            TrainingError: EN101, for rectified hidden units, which have no closed form.
        """
        if not self.hidden_units.integrable:
            raise TrainingError(
                "EN101",
                where=f"layer {self.node.name!r} (rbm)",
                expected="binary, Gaussian or softmax hidden units",
                got="rectified ones",
                cause="the sum over the states of rectified units has no closed form",
                fix="compare reconstruction errors instead, or write hidden: binary",
            )
        return self._energy(visible) - self.hidden_units.log_partition(self.hidden_input(visible))

    @torch.no_grad()
    def gibbs(self, visible: Tensor, steps: int) -> Tensor:
        """Visible units after so many steps of Gibbs sampling from ``visible``, drawn with torch's global generators."""
        for _ in range(steps):
            visible = self._back(self.visible_input(self.hidden_units.draw(self.hidden_input(visible))))
        return visible

    def error(self, x: Tensor) -> Tensor:
        """How badly the means of one step there and back give each sample back, ``[batch]``."""
        return self.visible_units.error(self.visible_input(self.compute(x)), x)

    def pretrain_loss(self, x: Tensor) -> Tensor:
        layer = self._layer
        positive = self._surrogate(x)
        with torch.no_grad():
            back = self.visible_input(self.hidden_units.draw(self.hidden_input(x)))
            shown = self.visible_units.error(back, x)
            if layer.persistent:
                self.chain.copy_(self.gibbs(self.chain, layer.gibbs_steps))
                sampled = self.chain.clone()
            else:
                sampled = self.gibbs(self._back(back), layer.gibbs_steps - 1)
        negative = self._surrogate(sampled)
        difference = positive - (negative.mean() if layer.persistent else negative)
        # The difference shows nothing of how learning goes (both change), so its value gives way to one that does.
        return difference - difference.detach() + shown

    def wrong_inputs(self, x: Tensor) -> Tensor | None:
        return self.visible_units.wrong(x)

    @property
    def input_rule(self) -> str:
        return self.visible_units.rule

    @property
    def remedy(self) -> str:
        return f"write visible: gaussian in {self.node.name!r} for standardised numbers, or scale the data to 0 ... 1 (normalizer: min_max)"

    def _back(self, visible_input: Tensor) -> Tensor:
        units = self.visible_units
        return units.draw(visible_input) if self._layer.draw_visible else units.mean(visible_input)

    def _energy(self, visible: Tensor) -> Tensor:
        return self.visible_units.energy(visible, self._parameters.get("visible_bias"))

    def _surrogate(self, visible: Tensor) -> Tensor:
        """Something with the gradient of the free energy: the energy with the hidden units at their means, which count as constants.

        The derivative of the free energy by what flows into a hidden unit is minus its mean; rectified units have that rule too.
        """
        x = self.hidden_input(visible)
        return self._energy(visible) - (self.hidden_units.mean(x).detach() * x).sum(-1)

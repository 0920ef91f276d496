"""Restricted Boltzmann machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from lamina.network.initializers import Initializer, Normal
from lamina.network.layers.layer import Layer, Parameter, elements
from lamina.network.layers.pretrainable import Pretrainable
from lamina.shapes import Features, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count

VisibleUnits = Literal["binary", "gaussian", "softmax"]
HiddenUnits = Literal["binary", "gaussian", "softmax", "rectified"]


@register("rbm")
class RBM(Pretrainable):
    """Restricted Boltzmann machine: ``p(v, h) ~ exp(-E)``, with ``E = -b.v - c.h - h W v`` for binary units.

    As a layer it gives the means of the hidden units: with ``x = v W^T + c``, ``sigmoid(x)`` of binary units, ``x`` of Gaussian
    ones, ``softmax(x)`` of each group of softmax units (of which exactly one is on), ``max(0, x)`` of rectified ones.

    Pretraining is contrastive divergence (Hinton 2002): ``gibbs_steps`` steps of Gibbs sampling from each sample, or, where
    ``persistent``, from chains that go on from step to step (Tieleman 2008). The gradient is that of the free energy of the
    data minus that of the samples; the value shown as loss is how badly the first step gives the data back. Stacked, and with
    an output on top, such layers are a deep belief network.

    Input: ``[batch, n]``; an image or volume before it is flattened. Values from 0 to 1 for binary visible units, standardised
    ones for Gaussian units (whose variance is 1), a distribution over each group for softmax units. Output: ``[batch, units]``.

    Parameters: ``weight [units, n]``, ``bias [units]`` (``c``), ``visible_bias [n]`` (``b``, in pretraining only). Buffer, where
    ``persistent``: ``chain [chains, n]``, the visible units of the chains.

    Attributes:
        units: Number of hidden units.
        visible: Kind of the visible units.
        hidden: Kind of the hidden units. Rectified ones are drawn as ``max(0, x + N(0, sigmoid(x)))`` (Nair and Hinton 2010).
        visible_groups: Of softmax visible units: into how many equal groups they fall.
        hidden_groups: The same of softmax hidden units.
        gibbs_steps: Steps of Gibbs sampling for one update: the k of CD-k.
        persistent: Keep the chains from one update to the next (PCD).
        chains: How many, where they are kept.
        draw_visible: Draw visible units in Gibbs sampling; False takes their means, which is less noisy and no longer exact.
        initializer: ``N(0, 0.01^2)`` unless set (Hinton 2010); ``defaults`` leave it alone.

    Example:
        >>> str(RBM(3).infer((Features(4),)))
        '[batch, 3]'
    """

    own_settings: ClassVar[tuple[str, ...]] = ("initializer",)
    # The kind of the hidden units is the activation.
    unused_settings: ClassVar[tuple[str, ...]] = ("activation",)
    has_loss: ClassVar[bool] = False

    visible: VisibleUnits = "binary"
    hidden: HiddenUnits = "binary"
    visible_groups: Count = 1
    hidden_groups: Count = 1
    gibbs_steps: Count = 1
    persistent: bool = False
    chains: Count = 100
    draw_visible: bool = True
    initializer: Initializer = Normal(std=0.01)

    @model_validator(mode="after")
    def _nothing_in_vain(self) -> Self:
        for side, kind, groups in (("visible", self.visible, self.visible_groups), ("hidden", self.hidden, self.hidden_groups)):
            if groups > 1 and kind != "softmax":
                raise wrong_value(
                    expected=f"{side}_groups for softmax units only",
                    cause=f"{kind} units stand each for itself",
                    fix=f"write {side}: softmax, or remove {side}_groups",
                )
        if self.persistent and not self.draw_visible:
            raise wrong_value(
                expected="draw_visible: true with persistent chains",
                cause="chains of means settle down, and no longer follow the machine",
                fix="remove draw_visible, or persistent",
            )
        return self

    def check_width(self, width: int) -> None:
        for side, count, groups in (("visible", width, self.visible_groups), ("hidden", self.units, self.hidden_groups)):
            if count % groups:
                raise self.refuse(
                    "NN008",
                    expected=f"a number of {side} units that {side}_groups: {groups} divides",
                    got=f"{count}",
                    cause="the groups of softmax units are equally large",
                    fix=f"choose another {side}_groups" + (", or units" if side == "hidden" else ""),
                )

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = elements(inputs[0])
        found = self.weight_and_bias((self.units, count), self.units, count, self.units)
        if self.bias:
            found["visible_bias"] = Parameter((count,), "bias", self.units, count, pretraining=True)
        return found

    def buffers(self, inputs: tuple[Shape, ...]) -> Mapping[str, tuple[int, ...]]:
        return {"chain": (self.chains, elements(inputs[0]))} if self.persistent else {}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * elements(inputs[0]) * self.units

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return [
            (cls(3), (Features(4),)),
            (cls(3, visible="gaussian", hidden="rectified", gibbs_steps=2), (Features(4),)),
            (cls(6, visible="softmax", visible_groups=2, hidden="softmax", hidden_groups=3), (Features(4),)),
            (cls(2, hidden="gaussian", bias=False, draw_visible=False), (Features(5),)),
            (cls(3, persistent=True, chains=6), (Features(4),)),
        ]

"""Optimisers: by which rule a gradient becomes an update. What they are, not how they run (`lamina.engine.optimizers`).

Notation: ``g`` gradient, ``p`` parameter, ``t`` updates made with this one (1, 2, ...), ``lr`` learning rate times the
layer's ``learning_rate_factor``. Arithmetic is torch.optim's unless a field says otherwise; where Deeplearning4j's differs, a
field takes it, so that a model from there goes on exactly where it stopped. Order of an update, as in Deeplearning4j:
clipping, L1 and L2 of the layers added to the gradient, the rule, decoupled decay, constraints.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from lamina.learning.schedules import Cosine, Exponential, Fixed, Rate, Schedule, WarmUp
from lamina.spec import Description, register, registry, wrong_value
from lamina.spec.fields import NonNegative, Positive, Probability

if TYPE_CHECKING:
    from lamina.learning.matrices import Adafactor as Adafactor
    from lamina.learning.matrices import Lamb as Lamb
    from lamina.learning.matrices import Muon as Muon
    from lamina.learning.searching import ConjugateGradient as ConjugateGradient
    from lamina.learning.searching import Lbfgs as Lbfgs
    from lamina.learning.searching import LineGradientDescent as LineGradientDescent

Form = Literal["torch", "dl4j"]
Betas = Annotated[float, Field(ge=0, lt=1)]


class Optimizer(Description, family="optimizer"):
    """Base of all optimisers.

    Attributes:
        learning_rate: A number or a schedule.
        weight_decay: Decoupled decay of what `decayed` says: ``p -= lr * weight_decay * p``, with ``p`` as it was before the
            update. A layer's own ``weight_decay`` goes first. (Decay that is added to the gradient is a layer's ``l2``.)
        decayed: ``weights``: not biases, gains and shifts; ``all``: everything, as in torch. All parameters of a plain
            ``torch.nn.Module`` count as weights.

    Class attributes:
        slots: Values of state that the rule keeps for each parameter value, by name.
        searches: Whether it asks for the loss at several points (`lamina.learning.searching`).
    """

    positional: ClassVar[tuple[str, ...]] = ("learning_rate",)
    slots: ClassVar[tuple[str, ...]] = ()
    searches: ClassVar[bool] = False

    learning_rate: Rate = 1e-3
    weight_decay: NonNegative = 0.0
    decayed: Literal["weights", "all"] = "weights"

    @property
    def state_slots(self) -> tuple[str, ...]:
        """Names of the values of state kept for each parameter value, with these settings."""
        return self.slots

    def bind(self, total_steps: int, total_epochs: int) -> Self:
        """The same optimiser, with the length of the run where one of its schedules leaves a length out."""
        changes: dict[str, Any] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Schedule):
                changes[name] = value.bind(total_steps, total_epochs)
        return self.replace(**changes) if changes else self


@register("sgd")
class Sgd(Optimizer):
    """Stochastic gradient descent: ``b = momentum * b + (1 - dampening) * g``, ``p -= lr * b`` (first ``b`` is ``g``).

    Default rate 0.01 (Deeplearning4j's: 0.001).

    Attributes:
        momentum: 0 keeps no state; a number or a schedule.
        dampening: As above; without effect where ``momentum`` is 0.
        form: ``caffe``: ``b = momentum * b + lr * g``, ``p -= b``, without dampening. The same updates as long as the learning rate
            doesn't change.
    """

    learning_rate: Rate = 1e-2
    momentum: Rate = 0.0
    dampening: Probability = 0.0
    form: Literal["torch", "caffe"] = "torch"

    @model_validator(mode="after")
    def _dampens(self) -> Self:
        if self.form == "caffe" and self.dampening:
            raise wrong_value(expected="no dampening beside form: caffe", cause="that form has none", fix="remove dampening, or form")
        return self

    @property
    def state_slots(self) -> tuple[str, ...]:
        return () if self.momentum == 0 else ("momentum",)

    @classmethod
    def examples(cls) -> list[Sgd]:
        return [
            Sgd(),
            Sgd(0.05, momentum=0.9),
            Sgd(Exponential(0.1, 0.99), momentum=0.5, dampening=0.1, weight_decay=0.01),
            Sgd(0.05, momentum=0.9, form="caffe"),
        ]


@register("nesterov")
class Nesterov(Optimizer):
    """Nesterov's momentum: ``b = momentum * b + g``, ``p -= lr * (g + momentum * b)``.

    Default rate 0.01, momentum 0.9 (Deeplearning4j's: 0.1, 0.9).

    Attributes:
        momentum: A number or a schedule.
        form: ``dl4j``: ``v' = momentum * v - lr * g``, ``p += (1 + momentum) * v' - momentum * v``. The same updates as
            long as learning rate and momentum don't change; the state is ``v = -lr * b``.
    """

    positional: ClassVar[tuple[str, ...]] = ("learning_rate", "momentum")
    slots: ClassVar[tuple[str, ...]] = ("momentum",)

    learning_rate: Rate = 1e-2
    momentum: Rate = 0.9
    form: Form = "torch"

    @classmethod
    def examples(cls) -> list[Nesterov]:
        return [Nesterov(), Nesterov(0.05, 0.8, form="dl4j"), Nesterov(0.05, Fixed(0.5))]


class AdamLike(Optimizer):
    """What Adam and its relatives share.

    Attributes:
        beta1: Decay of the running mean of gradients.
        beta2: Decay of the running mean of squared gradients.
        epsilon: Keeps the divisor from 0.
        epsilon_placement: Where it is added: ``torch``: ``sqrt(v / (1 - beta2^t)) + epsilon``; ``dl4j``: to the
            uncorrected root, ``(sqrt(v) + epsilon) / sqrt(1 - beta2^t)``, which counts for more in the first updates.
    """

    positional: ClassVar[tuple[str, ...]] = ("learning_rate",)

    beta1: Betas = 0.9
    beta2: Betas = 0.999
    epsilon: Positive = 1e-8
    epsilon_placement: Form = "torch"


@register("adam")
class Adam(AdamLike):
    """Adam (Kingma and Ba 2015); with ``weight_decay`` it is AdamW. Default rate 0.001."""

    slots: ClassVar[tuple[str, ...]] = ("mean", "square")

    @classmethod
    def examples(cls) -> list[Adam]:
        return [Adam(), Adam(WarmUp(Cosine(0.01), 5), beta1=0.8), Adam(0.002, epsilon=1e-6, epsilon_placement="dl4j")]


@register("adamw")
class AdamW(AdamLike):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019). Default rate 0.001, decay 0.01.

    torch decays biases and gains too: for its arithmetic write ``decayed: all``.
    """

    slots: ClassVar[tuple[str, ...]] = ("mean", "square")

    weight_decay: NonNegative = 1e-2

    @classmethod
    def examples(cls) -> list[AdamW]:
        return [AdamW(), AdamW(0.002, weight_decay=0.1, decayed="all")]


@register("amsgrad")
class AmsGrad(AdamLike):
    """Adam that divides by the largest ``v`` so far (Reddi et al. 2018). Default rate 0.001."""

    slots: ClassVar[tuple[str, ...]] = ("mean", "square", "largest")

    @classmethod
    def examples(cls) -> list[AmsGrad]:
        return [AmsGrad(), AmsGrad(0.002, epsilon_placement="dl4j", weight_decay=0.01)]


@register("adamax")
class AdaMax(AdamLike):
    """Adam with the infinity norm: ``u = max(beta2 * u, |g| + epsilon)``, ``p -= lr / (1 - beta1^t) * m / u``.

    Default rate 0.002 (Deeplearning4j's: 0.001). With ``epsilon_placement: dl4j``, ``u = max(beta2 * u, |g|) + epsilon``;
    Deeplearning4j's own epsilon there is 1e-32 whatever its settings say.
    """

    slots: ClassVar[tuple[str, ...]] = ("mean", "largest")

    learning_rate: Rate = 2e-3

    @classmethod
    def examples(cls) -> list[AdaMax]:
        return [AdaMax(), AdaMax(0.001, epsilon=1e-32, epsilon_placement="dl4j")]


@register("nadam")
class Nadam(AdamLike):
    """Adam with Nesterov's momentum (Dozat 2016). Default rate 0.002 (Deeplearning4j's: 0.001).

    With ``mu_t = beta1 * (1 - 0.5 * 0.96^(t * momentum_decay))`` and ``P_t`` the product of all ``mu`` so far:
    ``p -= lr * (mu_{t+1} * m / (1 - P_{t+1}) + (1 - mu_t) * g / (1 - P_t)) / (sqrt(v / (1 - beta2^t)) + epsilon)``.

    Attributes:
        momentum_decay: As above; only in torch's form.
        epsilon_placement: Here the form as a whole. ``dl4j``: constant momentum and no correction of ``v``:
            ``p -= lr * (beta1 * m + (1 - beta1) * g) / (1 - beta1^t) / (sqrt(v) + epsilon)``.
    """

    slots: ClassVar[tuple[str, ...]] = ("mean", "square")

    learning_rate: Rate = 2e-3
    momentum_decay: NonNegative = 4e-3

    @classmethod
    def examples(cls) -> list[Nadam]:
        return [Nadam(), Nadam(0.001, epsilon_placement="dl4j")]


@register("adabelief")
class AdaBelief(AdamLike):
    """Adam that divides by how far gradients stray from their mean (Zhuang et al. 2020). Default rate 0.001.

    ``s = beta2 * s + (1 - beta2) * (g - m)^2 + epsilon``, ``p -= lr * m / (1 - beta1^t) / (sqrt(s / (1 - beta2^t)) + epsilon)``.
    ``epsilon`` 1e-16, as its authors advise (Deeplearning4j's: 1e-14).
    """

    slots: ClassVar[tuple[str, ...]] = ("mean", "square")

    epsilon: Positive = 1e-16

    @classmethod
    def examples(cls) -> list[AdaBelief]:
        return [AdaBelief(), AdaBelief(0.002, epsilon=1e-14, epsilon_placement="dl4j")]


@register("adagrad")
class AdaGrad(Optimizer):
    """AdaGrad (Duchi et al. 2011): ``s += g^2``, ``p -= lr * g / (sqrt(s) + epsilon)``. Default rate 0.01 (Deeplearning4j's: 0.1).

    Attributes:
        epsilon: Keeps the divisor from 0 (Deeplearning4j's: 1e-6).
        initial: Where ``s`` starts; in Deeplearning4j, at epsilon.
        epsilon_inside: Divide by ``sqrt(s + epsilon)``, as Keras 3 does.
    """

    slots: ClassVar[tuple[str, ...]] = ("square",)

    learning_rate: Rate = 1e-2
    epsilon: Positive = 1e-10
    initial: NonNegative = 0.0
    epsilon_inside: bool = False

    @classmethod
    def examples(cls) -> list[AdaGrad]:
        return [AdaGrad(), AdaGrad(0.1, epsilon=1e-6, initial=1e-6), AdaGrad(initial=0.1, epsilon_inside=True)]


@register("adadelta")
class AdaDelta(Optimizer):
    """AdaDelta (Zeiler 2012): ``d = sqrt(x + epsilon) / sqrt(s + epsilon) * g``, ``p -= lr * d``.

    ``s`` is the running average of ``g^2``, ``x`` that of ``d^2``. It finds its own scale, so that the rate is 1 unless set;
    Deeplearning4j has none.

    Attributes:
        decay: Of both averages (Deeplearning4j's: 0.95).
        epsilon: Sets the size of the first updates.
    """

    slots: ClassVar[tuple[str, ...]] = ("square", "update")

    learning_rate: Rate = 1.0
    decay: Betas = 0.9
    epsilon: Positive = 1e-6

    @classmethod
    def examples(cls) -> list[AdaDelta]:
        return [AdaDelta(), AdaDelta(decay=0.95)]


@register("rmsprop")
class RmsProp(Optimizer):
    """RMSProp (Tieleman and Hinton 2012): ``s = decay * s + (1 - decay) * g^2``, ``p -= lr * g / (sqrt(s) + epsilon)``.

    Default rate 0.001 (Deeplearning4j's: 0.1, decay 0.95; torch's: 0.01).

    Attributes:
        decay: Of the average of squares.
        epsilon: Keeps the divisor from 0.
        momentum: If not 0: ``b = momentum * b + g / (sqrt(s) + epsilon)``, ``p -= lr * b``. A number or a schedule.
        centered: Subtract the squared mean of gradients from ``s`` before the root.
        initial: Where ``s`` starts; in Deeplearning4j, at epsilon.
        epsilon_inside: Divide by ``sqrt(s + epsilon)``, as Keras 3 does.
    """

    learning_rate: Rate = 1e-3
    decay: Betas = 0.99
    epsilon: Positive = 1e-8
    momentum: Rate = 0.0
    centered: bool = False
    initial: NonNegative = 0.0
    epsilon_inside: bool = False

    @property
    def state_slots(self) -> tuple[str, ...]:
        return ("square", *(("mean",) if self.centered else ()), *(() if self.momentum == 0 else ("momentum",)))

    @classmethod
    def examples(cls) -> list[RmsProp]:
        return [RmsProp(), RmsProp(0.01, decay=0.95, initial=1e-8), RmsProp(momentum=0.5, centered=True), RmsProp(epsilon_inside=True)]


@register("radam")
class RAdam(Optimizer):
    """Adam whose first updates, where the mean of squares is not known yet, are plain momentum (Liu et al. 2020).

    With ``r = 2 / (1 - beta2) - 1`` and ``r_t = r - 2 t beta2^t / (1 - beta2^t)``: ``p -= lr * m / (1 - beta1^t)`` while
    ``r_t <= 5``, later ``p -= lr * c_t * m / (1 - beta1^t) * sqrt(1 - beta2^t) / (sqrt(v) + epsilon)`` with
    ``c_t^2 = (r_t - 4) (r_t - 2) r / ((r - 4) (r - 2) r_t)``. Default rate 0.001.
    """

    slots: ClassVar[tuple[str, ...]] = ("mean", "square")

    beta1: Betas = 0.9
    beta2: Annotated[float, Field(gt=0.6, lt=1)] = 0.999
    epsilon: Positive = 1e-8

    @classmethod
    def examples(cls) -> list[RAdam]:
        return [RAdam(), RAdam(0.01, beta2=0.9)]


@register("rprop")
class Rprop(Optimizer):
    """Resilient propagation (Riedmiller and Braun 1993): ``p -= lr * s * sign(g)``; for whole data sets as batches.

    ``s`` starts at 1, grows by ``growth`` where the sign of the gradient stays, and shrinks by ``shrinkage`` where it changes; there
    the value rests for one update. Default rate 0.01. Its ``lr * s`` is torch's step size.

    Attributes:
        shrinkage: As above.
        growth: As above.
        shortest: Least ``s``.
        longest: Greatest ``s``.
    """

    slots: ClassVar[tuple[str, ...]] = ("previous", "length")

    learning_rate: Rate = 1e-2
    shrinkage: Annotated[float, Field(gt=0, lt=1)] = 0.5
    growth: Annotated[float, Field(gt=1)] = 1.2
    shortest: Positive = 1e-4
    longest: Positive = 5e3

    @classmethod
    def examples(cls) -> list[Rprop]:
        return [Rprop(), Rprop(0.005, growth=1.1, longest=10.0)]


@register("lion")
class Lion(Optimizer):
    """Lion (Chen et al. 2023): ``p -= lr * sign(beta1 * m + (1 - beta1) * g)``, ``m = beta2 * m + (1 - beta2) * g``.

    Each value moves by exactly ``lr``: take a third to a tenth of Adam's rate, and three to ten times its decay. Default 0.0001.
    """

    slots: ClassVar[tuple[str, ...]] = ("mean",)

    learning_rate: Rate = 1e-4
    beta1: Betas = 0.9
    beta2: Betas = 0.99

    @classmethod
    def examples(cls) -> list[Lion]:
        return [Lion(), Lion(3e-4, weight_decay=0.1)]


_LATER = {
    "Lbfgs": ("searching", "lbfgs"),
    "ConjugateGradient": ("searching", "conjugate_gradient"),
    "LineGradientDescent": ("searching", "line_gradient_descent"),
    "Adafactor": ("matrices", "adafactor"),
    "Lamb": ("matrices", "lamb"),
    "Muon": ("matrices", "muon"),
}
"""Optimisers of other modules, which are imported when one of them is first named, and the types they are registered as."""

registry.announce("optimizer", {kind: f"lamina.learning.{module}" for module, kind in _LATER.values()})


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message, name=name)
    return getattr(importlib.import_module(f"lamina.learning.{_LATER[name][0]}"), name)

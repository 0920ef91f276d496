"""Solvers: how a network is trained, with Caffe's arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.errors import LaminaError
from lamina.interop.caffe.net import Decay
from lamina.interop.caffe.schema import SCHEMA
from lamina.interop.notes import Notes
from lamina.interop.protobuf.message import Message
from lamina.interop.protobuf.text import parsed_text
from lamina.learning import optimizers as o
from lamina.learning import schedules as s
from lamina.learning.clipping import ClipNorm
from lamina.learning.optimizers import Optimizer
from lamina.learning.schedules import Schedule

if TYPE_CHECKING:
    from lamina.learning.clipping import Clip

TYPES = {"SGD": "SGD", "NESTEROV": "Nesterov", "ADAGRAD": "AdaGrad", "RMSPROP": "RMSProp", "ADADELTA": "AdaDelta", "ADAM": "Adam"}
SLOTS: dict[str, tuple[str, ...]] = {
    "SGD": ("momentum",),
    "Nesterov": ("momentum",),
    "AdaGrad": ("square",),
    "RMSProp": ("square",),
    "AdaDelta": ("square", "update"),
    "Adam": ("mean", "square"),
}
"""What the history of each holds, one after another for all weights."""


@dataclass(frozen=True)
class Solver:
    """A solver.

    Attributes:
        message: Its settings.
        kind: Such as ``SGD``.
        optimizer: Its counterpart; None if there is none.
        clip: What is done to large gradients.
        decay: How weights are drawn to 0.
        accumulate: How many batches make an update.
    """

    message: Message
    kind: str
    optimizer: Optimizer | None
    clip: Clip | None
    decay: Decay
    accumulate: int

    @property
    def facts(self) -> dict[str, str]:
        """What of it a run of training is given besides, for the report."""
        found = {"Solver": self.kind}
        if self.message.integer("max_iter"):
            found["Updates in all"] = f"{self.message.integer('max_iter'):,} (max_steps)"
        if self.accumulate > 1:
            found["Batches an update"] = f"{self.accumulate}"
        return found


def read_solver(path: Path, notes: Notes) -> Solver:
    """A solver in text.

    Raises:
        InteropError: IO010, if it can't be understood.
    """
    from lamina.interop.caffe.texts import text_of

    message = parsed_text(text_of(path), SCHEMA, "SolverParameter", str(path))
    kind = message.text("type") or TYPES.get(message.word("solver_type", "SGD"), "SGD")
    rate = _rate(message, notes)
    accumulate = max(message.integer("iter_size", 1), 1)
    limit = message.number("clip_gradients", -1.0)
    clip = ClipNorm(limit / accumulate, epsilon=0.0) if limit > 0 and math.isfinite(limit) else None
    word, amount = message.text("regularization_type", "L2"), message.number("weight_decay", 0.0)
    if word not in ("L1", "L2") or amount < 0 or not math.isfinite(amount):
        notes.lose("solver, regularization_type", f"{word} with a weight_decay of {amount:g}, which has no counterpart")
        amount = 0.0
    try:
        optimizer = _optimizer(kind, message, rate, notes)
    except LaminaError as error:
        notes.lose("solver", f"{kind} with numbers that can't be: {error.problems[0].got}")
        optimizer = None
    return Solver(message, kind, optimizer, clip, Decay(amount, word), accumulate)


def _optimizer(kind: str, given: Message, rate: float | Schedule, notes: Notes) -> Optimizer | None:
    momentum, delta = given.number("momentum", 0.0), given.number("delta", 1e-8)
    common: dict[str, Any] = {"learning_rate": rate}
    if kind == "SGD":
        return o.Sgd(**common, momentum=momentum, form="caffe")
    if kind == "Nesterov":
        return o.Nesterov(**common, momentum=momentum, form="dl4j")
    if kind == "AdaGrad":
        return o.AdaGrad(**common, epsilon=delta)
    if kind == "RMSProp":
        return o.RmsProp(**common, decay=given.number("rms_decay", 0.99), epsilon=delta)
    if kind == "AdaDelta":
        return o.AdaDelta(**common, decay=momentum, epsilon=delta)
    if kind == "Adam":
        return o.Adam(**common, beta1=momentum, beta2=given.number("momentum2", 0.999), epsilon=delta, epsilon_placement="dl4j")
    notes.lose("solver, type", f"{kind}, which has no counterpart: training would start with another")
    return None


def _rate(given: Message, notes: Notes) -> float | Schedule:
    """The learning rate, by its policy."""
    base, gamma, power = given.number("base_lr", 0.0), given.number("gamma", 0.0), given.number("power", 0.0)
    policy, every = given.text("lr_policy", "fixed"), given.integer("stepsize")
    try:
        if policy == "fixed":
            return base
        if policy == "step":
            return s.Step(base, gamma, every)
        if policy == "exp":
            return s.Exponential(base, gamma)
        if policy == "inv":
            return s.Inverse(base, gamma, power)
        if policy == "multistep":
            return s.MultiStep(base, given.integers("stepvalue"), gamma) if given.has("stepvalue") else base
        if policy == "poly":
            return s.Poly(base, power, given.integer("max_iter"))
        if policy == "sigmoid":
            return s.Sigmoid(base, -gamma, every)
    except LaminaError as error:
        policy = f"{policy} ({error.problems[0].got})"
    notes.lose("solver, lr_policy", f"{policy}, which has no counterpart: training would go on with a fixed rate")
    return base

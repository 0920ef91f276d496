"""Updaters, schedules, clipping: how the network was trained, from both dialects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lamina.errors import LaminaError
from lamina.interop.dl4j.dialect import Component, component, number, unset, whole
from lamina.interop.notes import Notes
from lamina.learning import optimizers as o
from lamina.learning import schedules as s
from lamina.learning.clipping import Clip, ClipNorm, ClipValue, Renormalize
from lamina.learning.optimizers import Optimizer
from lamina.learning.schedules import Schedule

Settings = Mapping[str, Any]
SLOTS: dict[str, tuple[str, ...]] = {
    "sgd": (),
    "noop": (),
    "none": (),
    "nesterovs": ("momentum",),
    "rmsprop": ("square",),
    "adagrad": ("square",),
    "adam": ("mean", "square"),
    "nadam": ("mean", "square"),
    "adamax": ("mean", "largest"),
    "adadelta": ("square", "update"),
    "amsgrad": ("mean", "square", "largest"),
    "adabelief": ("mean", "square"),
}
"""State of each updater for each number, in the order of the file."""


@dataclass(frozen=True)
class Updater:
    """What updates some numbers.

    Attributes:
        kind: Such as ``adam``.
        optimizer: Its counterpart with the rate 1 where only the rate differs from layer to layer; None for ``noop``.
        rate: The learning rate.
        key: What must be equal for two stretches of numbers to share a block of state.
    """

    kind: str
    optimizer: Optimizer | None
    rate: float
    key: str

    @property
    def slots(self) -> tuple[str, ...]:
        """Vectors of state."""
        return SLOTS.get(self.kind, ())


NOTHING = Updater("noop", None, 0.0, "noop")
"""What updates running statistics: nothing."""


def updater(settings: Settings, conf: Settings, path: str, notes: Notes, *, bias: bool = False) -> Updater | None:
    """The updater of a layer's weights, or of its biases; None if the layer names none."""
    own = settings.get("biasUpdater") if bias and settings.get("biasUpdater") is not None else settings.get("iupdater")
    if own is None:
        given = settings.get("updater")
        own = settings.get("iUpdater", given if isinstance(given, Mapping) else None)
    if own is not None:
        found = component(own, f"{path}.iupdater")
        return None if found is None else _made(found, found.settings, f"{path}.iupdater", notes)
    word = settings.get("updater")
    if not isinstance(word, str):
        return None
    found = component(word, f"{path}.updater")
    if found is None:
        return None
    rate = settings.get("biasLearningRate") if bias and not unset(settings.get("biasLearningRate")) else settings.get("learningRate")
    named = {
        "learningRate": rate,
        "momentum": settings.get("momentum"),
        "momentumSchedule": _by_map(settings.get("momentumSchedule")),
        "learningRateSchedule": _policy(settings, conf, number(rate)),
        "rho": settings.get("rho"),
        "rmsDecay": settings.get("rmsDecay"),
        "beta1": settings.get("adamMeanDecay"),
        "beta2": settings.get("adamVarDecay"),
        "epsilon": settings.get("epsilon"),
    }
    return _made(found, {key: value for key, value in named.items() if value is not None}, f"{path}.updater", notes)


def _made(found: Component, settings: Settings, path: str, notes: Notes) -> Updater | None:
    kind = found.kind
    rate, schedule = number(settings.get("learningRate"), _RATES.get(kind, 1e-3)), None
    if settings.get("learningRateSchedule") is not None:
        schedule = schedule_of(settings["learningRateSchedule"], f"{path}.learningRateSchedule", notes)
    key = f"{kind} {sorted((name, str(value)) for name, value in settings.items() if not name.startswith('@'))}"
    if kind in ("noop", "none"):
        return Updater(kind, None, 0.0, "noop")
    if kind not in SLOTS:
        notes.lose(path, f"the updater {found.full}, which has no counterpart: training would start with another")
        return Updater(kind, None, rate, key)
    try:
        made = _optimizer(kind, settings, schedule if schedule is not None else rate, path, notes)
    except LaminaError:
        made = None
    return Updater(kind, made, rate, key)


_RATES = {"nesterovs": 0.1, "adagrad": 0.1, "rmsprop": 0.1}


def _optimizer(kind: str, settings: Settings, rate: float | Schedule, path: str, notes: Notes) -> Optimizer:
    epsilon = number(settings.get("epsilon"), 0.0)
    betas = {"beta1": number(settings.get("beta1"), 0.9), "beta2": number(settings.get("beta2"), 0.999)}
    common: dict[str, Any] = {"learning_rate": rate}
    if kind == "sgd":
        return o.Sgd(**common)
    if kind == "nesterovs":
        momentum: Any = number(settings.get("momentum"), 0.9)
        changing = settings.get("momentumISchedule") or settings.get("momentumSchedule")
        if changing is not None:
            momentum = schedule_of(changing, f"{path}.momentumISchedule", notes) or momentum
        return o.Nesterov(**common, momentum=momentum, form="dl4j")
    if kind == "rmsprop":
        epsilon = epsilon or 1e-8
        return o.RmsProp(**common, decay=number(settings.get("rmsDecay"), 0.95), epsilon=epsilon, initial=epsilon)
    if kind == "adagrad":
        epsilon = epsilon or 1e-6
        return o.AdaGrad(**common, epsilon=epsilon, initial=epsilon)
    if kind == "adadelta":
        return o.AdaDelta(decay=number(settings.get("rho"), 0.95), epsilon=epsilon or 1e-6)
    if kind == "adamax":
        return o.AdaMax(**common, **betas, epsilon=1e-32, epsilon_placement="dl4j")
    makers = {"adam": o.Adam, "nadam": o.Nadam, "amsgrad": o.AmsGrad, "adabelief": o.AdaBelief}
    return makers[kind](**common, **betas, epsilon=epsilon or (1e-14 if kind == "adabelief" else 1e-8), epsilon_placement="dl4j")


def _by_map(value: Any) -> Any:
    return {"@class": "MapSchedule", "values": value} if isinstance(value, Mapping) and value else None


def _policy(settings: Settings, conf: Settings, rate: float) -> Any:
    """The learning rate policies up to 0.9, as the schedules that took their place."""
    policy = str(conf.get("learningRatePolicy") or "None")
    decay, steps, power = (conf.get(name) for name in ("lrPolicyDecayRate", "lrPolicySteps", "lrPolicyPower"))
    if policy == "Schedule" or (policy == "None" and settings.get("learningRateSchedule")):
        return _by_map(settings.get("learningRateSchedule"))
    if policy in ("None", "Score", "TorchStep"):
        return None
    names = {
        "Exponential": {"@class": "ExponentialSchedule", "gamma": decay},
        "Inverse": {"@class": "InverseSchedule", "gamma": decay, "power": power},
        "Poly": {"@class": "FallingPoly", "power": power, "maxIter": conf.get("numIterations")},
        "Sigmoid": {"@class": "SigmoidSchedule", "gamma": decay, "stepSize": steps},
        "Step": {"@class": "StepSchedule", "decayRate": decay, "step": steps},
    }
    found = names.get(policy)
    return None if found is None else {**found, "initialValue": rate}


def schedule_of(value: Any, path: str, notes: Notes) -> Schedule | None:
    """A schedule; None, with a note, if it has no counterpart."""
    found = component(value, path)
    if found is None:
        return None
    settings, kind = found.settings, found.kind.removesuffix("schedule")
    unit = "epochs" if str(settings.get("scheduleType", "ITERATION")).upper() == "EPOCH" else "steps"
    first = number(settings.get("initialValue"))
    try:
        if kind == "fixed":
            return s.Fixed(number(settings.get("value")))
        if kind == "exponential":
            return s.Exponential(first, number(settings.get("gamma"), 1.0), unit=unit)
        if kind == "inverse":
            return s.Inverse(first, number(settings.get("gamma")), number(settings.get("power"), 1.0), unit=unit)
        if kind == "map":
            return _map(settings.get("values"), unit)
        if kind in ("poly", "fallingpoly"):
            return s.Poly(first, number(settings.get("power"), 1.0), whole(settings.get("maxIter"), 1), growing=kind == "poly", unit=unit)
        if kind == "sigmoid":
            return s.Sigmoid(first, -number(settings.get("gamma")), whole(settings.get("stepSize")), unit=unit)
        if kind == "step":
            return s.Step(first, number(settings.get("decayRate"), 1.0), whole(settings.get("step"), 1), unit=unit)
        if kind == "cycle":
            more = {"initial": settings.get("initialLearningRate"), "annealing_length": settings.get("annealingLength")}
            given = {key: item for key, item in more.items() if item is not None}
            decay = number(settings.get("annealingDecay"), 0.1)
            highest, length = number(settings.get("maxLearningRate")), whole(settings.get("cycleLength"), 2)
            return s.Cycle(highest, length, annealing_decay=decay, unit=unit, **given)
        if kind == "ramp":
            inner = schedule_of(settings.get("baseSchedule"), f"{path}.baseSchedule", notes)
            return None if inner is None else s.Ramp(inner, whole(settings.get("numIter"), 1))
    except LaminaError:
        pass
    notes.lose(path, f"the schedule {found.full}, which has no counterpart: training would go on with a fixed rate")
    return None


def _map(values: Any, unit: Any) -> Schedule:
    items = values if isinstance(values, Mapping) else {}
    return s.MapSchedule({whole(key): number(item) for key, item in items.items()}, unit=unit)


def clip_of(settings: Settings, path: str, notes: Notes) -> Clip | None:
    """What was done to large gradients."""
    word, limit = str(settings.get("gradientNormalization") or "None"), number(settings.get("gradientNormalizationThreshold"), 1.0)
    if word == "None" or limit <= 0:
        return None
    kinds: dict[str, Clip] = {
        "RenormalizeL2PerLayer": Renormalize("layer"),
        "RenormalizeL2PerParamType": Renormalize("parameter"),
        "ClipElementWiseAbsoluteValue": ClipValue(limit),
        "ClipL2PerLayer": ClipNorm(limit, "layer"),
        "ClipL2PerParamType": ClipNorm(limit, "parameter"),
    }
    if word not in kinds:
        notes.lose(f"{path}.gradientNormalization", f"the gradient normalisation {word}, which has no counterpart")
    return kinds.get(word)

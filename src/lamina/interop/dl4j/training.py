"""What a layer's settings say of training: regularisation, dropout, noise, constraints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lamina.interop.dl4j.dialect import component, number, whole
from lamina.interop.dl4j.functions import distribution
from lamina.interop.notes import Notes
from lamina.network import constraints as c
from lamina.network import noise as n

Settings = Mapping[str, Any]


def regularization(settings: Settings, conf: Settings, path: str, notes: Notes, *, bias: bool) -> dict[str, Any]:
    """L1, L2 and weight decay of a layer."""
    if settings.get("regularization") is not None or settings.get("regularizationBias") is not None:
        rate = _rate(settings)
        found = _listed(settings.get("regularization"), "", f"{path}.regularization", notes, rate)
        return found | (_listed(settings.get("regularizationBias"), "_bias", f"{path}.regularizationBias", notes, rate) if bias else {})
    if conf.get("useRegularization") is False:
        return {}  # Up to 0.9 the coefficients count only with this.
    names = {"l1": ("l1",), "l2": ("l2",)} | ({"l1_bias": ("l1Bias", "biasL1"), "l2_bias": ("l2Bias", "biasL2")} if bias else {})
    values = {name: next((number(settings[key]) for key in keys if key in settings), 0.0) for name, keys in names.items()}
    return {name: value for name, value in values.items() if value > 0}


def _rate(settings: Settings) -> float:
    """The learning rate, if it is a number that stays; else 0."""
    found = component(settings.get("iupdater"), "")
    if found is None or found.settings.get("learningRateSchedule") is not None:
        return 0.0
    return number(found.settings.get("learningRate"))


def _listed(value: Any, end: str, path: str, notes: Notes, rate: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place, item in enumerate(value if isinstance(value, list) else []):
        one = component(item, f"{path}[{place}]")
        if one is None:
            continue
        kind = one.kind.removesuffix("regularization")
        coefficient = _fixed(one.settings.get({"l1": "l1", "l2": "l2"}.get(kind, "coeff")), one.path, notes)
        if kind in ("l1", "l2"):
            found[kind + end] = coefficient
        elif kind == "weightdecay" and not end:
            plain = one.settings.get("applyLR") is False
            # Here decay is always times the learning rate.
            found["weight_decay"] = coefficient / rate if plain and rate > 0 else coefficient
            if plain and rate <= 0:
                notes.lose(one.path, "applyLR: false; here weight decay follows the learning rate, which changes")
        else:
            notes.lose(one.path, f"the regularisation {one.full}, which has no counterpart")
    return {name: value for name, value in found.items() if value > 0}


def _fixed(value: Any, path: str, notes: Notes) -> float:
    if isinstance(value, Mapping):
        if value.get("value") is None:
            notes.lose(path, "a coefficient that changes in training; its first value was taken")
            return number(value.get("initialValue"))
        return number(value["value"])
    return number(value)


def dropout(settings: Settings, conf: Settings, path: str, notes: Notes) -> dict[str, Any]:
    """Dropout on a layer's input: there the probability of keeping, here that of dropping."""
    given = settings.get("idropout", settings.get("iDropout"))
    if given is None:
        keep = number(settings.get("dropOut"))
        if not 0 < keep < 1 or conf.get("useDropConnect") is True:
            return {}
        return {"dropout": n.DropoutNoise(1 - keep)}
    found = noise(given, f"{path}.idropout", notes)
    return {} if found is None else {"dropout": found}


def noise(value: Any, path: str, notes: Notes) -> n.Noise | None:
    """A kind of dropout."""
    found = component(value, path)
    if found is None:
        return None
    settings = found.settings
    for key in ("pSchedule", "rateSchedule", "stddevSchedule"):
        if settings.get(key) is not None:
            notes.lose(f"{path}.{key}", "a schedule of the noise; give fit the callback noise_schedule")
    keep = number(settings.get("p"), 1.0)
    if found.kind in ("dropout", "alphadropout", "spatialdropout") and not 0 < keep < 1:
        return None
    made: dict[str, Any] = {
        "dropout": lambda: n.DropoutNoise(1 - keep),
        "alphadropout": lambda: n.AlphaDropoutNoise(1 - keep),
        "spatialdropout": lambda: n.SpatialDropoutNoise(1 - keep),
        "gaussiandropout": lambda: n.GaussianDropoutNoise(min(max(number(settings.get("rate")), 0.0), 0.999)),
        "gaussiannoise": lambda: n.GaussianNoise(max(number(settings.get("stddev")), 0.0)),
    }
    if found.kind in made:
        one: n.Noise = made[found.kind]()
        return one
    notes.lose(path, f"the dropout {found.full}, which has no counterpart")
    return None


def weight_noise(settings: Settings, conf: Settings, path: str, notes: Notes) -> dict[str, Any]:
    """Noise on a layer's weights."""
    found = component(settings.get("weightNoise"), f"{path}.weightNoise")
    if found is None:
        keep = number(settings.get("dropOut"))
        return {"weight_noise": n.DropConnect(1 - keep)} if conf.get("useDropConnect") is True and 0 < keep < 1 else {}
    bias = found.settings.get("applyToBias") is True or found.settings.get("applyToBiases") is True
    if found.kind == "dropconnect":
        keep = number(found.settings.get("weightRetainProb", found.settings.get("weightRetainProbability")), 1.0)
        return {"weight_noise": n.DropConnect(1 - keep, bias=bias)} if 0 < keep < 1 else {}
    if found.kind == "weightnoise":
        drawn = distribution(found.settings.get("distribution"), f"{found.path}.distribution", notes)
        if drawn is not None:
            return {"weight_noise": n.DrawnWeightNoise(drawn, additive=found.settings.get("additive") is not False, bias=bias)}
    notes.lose(found.path, f"the weight noise {found.full}, which has no counterpart")
    return {}


def constraints(settings: Settings, path: str, notes: Notes, *, bias: bool) -> dict[str, Any]:
    """What must hold for weights after an update."""
    weights: list[c.Constraint] = []
    biases: list[c.Constraint] = []
    given = settings.get("constraints")
    for place, item in enumerate(given if isinstance(given, list) else []):
        found = component(item, f"{path}.constraints[{place}]")
        if found is None:
            continue
        made = _constraint(found.kind.removesuffix("constraint"), found.settings)
        if made is None:
            notes.lose(found.path, f"the constraint {found.full}, which has no counterpart")
            continue
        names = found.settings.get("params")
        listed = [str(name) for name in names] if isinstance(names, list) else []
        if not listed or any(not name.startswith("b") for name in listed):
            weights.append(made)
        if bias and any(name.startswith("b") for name in listed):
            biases.append(made)
    return ({"constraints": weights} if weights else {}) | ({"bias_constraints": biases} if biases else {})


def _constraint(kind: str, settings: Settings) -> c.Constraint | None:
    if kind == "maxnorm" and number(settings.get("maxNorm")) > 0:
        return c.MaxNorm(number(settings.get("maxNorm")))
    low, high = number(settings.get("min")), number(settings.get("max"), 1.0)
    if kind == "minmaxnorm" and 0 <= low <= high and high > 0:
        return c.MinMaxNorm(low, high, rate=min(max(number(settings.get("rate"), 1.0), 1e-6), 1.0))
    if kind == "nonnegative":
        return c.NonNegativeConstraint()
    if kind == "unitnorm":
        return c.UnitNorm()
    return None


def steps_of(conf: Settings, key: str) -> int:
    """A length of truncated backpropagation."""
    return whole(conf.get(key), 20)

"""Activations, losses and first values of weights: what each is called there and here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lamina.interop.dl4j.dialect import Component, component, nested, number, whole
from lamina.interop.notes import Notes
from lamina.network import activations as a
from lamina.network import initializers as i
from lamina.network import losses as lo
from lamina.network.activations import Activation
from lamina.network.initializers import Initializer
from lamina.network.losses import Loss

Settings = Mapping[str, Any]


def _relu(settings: Settings) -> Activation | None:
    most, threshold = settings.get("max"), number(settings.get("threshold"))
    slope = number(settings.get("negativeSlope"))
    if most in (None, "NaN") and not threshold:
        return a.LeakyRelu(slope) if slope else a.Relu()
    if not threshold and not slope:
        return a.Clamp(0.0, number(most))
    if slope == 0 and most in (None, "NaN"):
        return a.ThresholdedRelu(threshold)
    return None


ACTIVATIONS: dict[str, Callable[[Settings], Activation | None]] = {
    "cube": lambda s: a.Cube(),
    "elu": lambda s: a.Elu(number(s.get("alpha"), 1.0)),
    "gelu": lambda s: a.Gelu(approximate=not s.get("precise", False)),
    "hardsigmoid": lambda s: a.HardSigmoid(),
    "hardtanh": lambda s: a.HardTanh(),
    "identity": lambda s: a.Identity(),
    "leakyrelu": lambda s: a.LeakyRelu(number(s.get("alpha"), 0.01)),
    "lrelu": lambda s: a.LeakyRelu(number(s.get("alpha"), 0.01)),
    "mish": lambda s: a.Mish(),
    "rationaltanh": lambda s: a.RationalTanh(),
    "rectifiedtanh": lambda s: a.RectifiedTanh(),
    "relu": _relu,
    "relu6": lambda s: a.Relu6(),
    "rrelu": lambda s: a.RandomRelu(lower=number(s.get("l"), 1 / 8), upper=number(s.get("u"), 1 / 3)),
    "selu": lambda s: a.Selu(),
    "sigmoid": lambda s: a.Sigmoid(),
    "softmax": lambda s: a.Softmax(),
    "softplus": lambda s: a.Softplus(),
    "softsign": lambda s: a.Softsign(),
    "swish": lambda s: a.Swish(),
    "tanh": lambda s: a.Tanh(),
    "thresholdedrelu": lambda s: a.ThresholdedRelu(number(s.get("theta"), 1.0)),
}


def activation(value: Any, path: str, notes: Notes, default: Activation | None = None) -> Activation:
    """An activation, or the default where none is said; one without a counterpart is noted."""
    found = component(value, path)
    if found is None:
        return default or a.Identity()
    made = ACTIVATIONS[found.kind](found.settings) if found.kind in ACTIVATIONS else None
    if made is None:
        notes.miss(
            path,
            expected=f"an activation: {', '.join(sorted(ACTIVATIONS))}",
            got=f"{found.full} {dict(found.settings) or ''}".rstrip(),
            fix="register a layer that computes it with lamina.custom, and a converter for the layer that has it",
        )
        return a.Identity()
    return made


LOSSES: dict[str, Callable[..., Loss]] = {
    "mse": lo.MeanSquaredError,
    "squared": lo.SumSquaredError,
    "l2": lo.SumSquaredError,
    "mae": lo.MeanAbsoluteError,
    "meanabsoluteerror": lo.MeanAbsoluteError,
    "l1": lo.SumAbsoluteError,
    "xent": lo.BinaryCrossEntropy,
    "binaryxent": lo.BinaryCrossEntropy,
    "reconstructioncrossentropy": lo.BinaryCrossEntropy,
    "mcxent": lo.CrossEntropy,
    "sparsemcxent": lo.SparseCrossEntropy,
    "negativeloglikelihood": lo.NegativeLogLikelihood,
    "kld": lo.KlDivergence,
    "kldivergence": lo.KlDivergence,
    "cosineproximity": lo.CosineProximity,
    "hinge": lo.Hinge,
    "squaredhinge": lo.SquaredHinge,
    "mape": lo.MeanAbsolutePercentageError,
    "meanabsolutepercentageerror": lo.MeanAbsolutePercentageError,
    "msle": lo.MeanSquaredLogError,
    "meansquaredlogarithmicerror": lo.MeanSquaredLogError,
    "poisson": lo.Poisson,
    "wasserstein": lo.Wasserstein,
    "fmeasure": lo.FMeasure,
    "multilabel": lo.MultiLabel,
}
SUMMED = {"binaryxent", "xent", "reconstructioncrossentropy", "hinge", "squaredhinge", "poisson"}
"""Losses that are sums over the outputs there, and means here."""


def loss(settings: Settings, path: str, notes: Notes, *, each_position: bool) -> tuple[Loss, bool]:
    """The loss of an output layer, and whether it is a sum over the outputs there.

    Args:
        settings: Of the layer: ``lossFn``, in 0.5 ``lossFunction``.
        path: Where the layer stands.
        notes: For what has no counterpart.
        each_position: Whether there is a loss at each step or pixel; they are added up.
    """
    key = "lossFn" if settings.get("lossFn") is not None else "lossFunction"
    found = component(settings.get(key), f"{path}.{key}")
    more: dict[str, Any] = {"over_positions": "sum"} if each_position else {}
    if found is None:
        notes.assume(path, "no loss is named; the mean squared error was taken")
        return lo.MeanSquaredError(**more), False
    if found.kind not in LOSSES:
        _no_loss(found, notes)
        return lo.MeanSquaredError(**more), False
    weights = _weights(found, notes)
    if found.kind == "fmeasure":
        return lo.FMeasure(beta=number(found.settings.get("beta"), 1.0)), False
    if found.kind == "multilabel":
        return lo.MultiLabel(), False
    if weights is not None:
        more["weights"] = weights
    return LOSSES[found.kind](**more), found.kind in SUMMED


def _no_loss(found: Component, notes: Notes) -> None:
    notes.lose(found.path, f"the loss {found.full}, which has no counterpart; outputs don't depend on it, training would")


def _weights(found: Component, notes: Notes) -> list[float] | None:
    given = nested(found.settings.get("weights"))
    if given is None:
        return None
    flat = given[0] if isinstance(given, list) and len(given) == 1 and isinstance(given[0], list) else given
    if isinstance(flat, list) and all(isinstance(item, int | float) and item >= 0 for item in flat):
        return [float(item) for item in flat]
    notes.lose(f"{found.path}.weights", "the weights of the loss, which can't be read; outputs don't depend on them")
    return None


INITIALIZERS: dict[str, Callable[[], Initializer]] = {
    "zero": i.Zeros,
    "zeros": i.Zeros,
    "ones": i.Ones,
    "constant": i.Zeros,
    "sigmoiduniform": i.SigmoidUniform,
    "normal": i.LecunNormal,
    "lecunnormal": i.LecunNormal,
    "xavierfanin": i.LecunNormal,
    "lecununiform": lambda: i.VarianceScaling(3.0, "fan_in", "uniform"),
    "uniform": i.Uniform,
    "xavier": i.XavierNormal,
    "xavieruniform": i.XavierUniform,
    "xavierlegacy": i.XavierLegacy,
    "relu": i.HeNormal,
    "reluuniform": i.HeUniform,
    "identity": i.IdentityMatrix,
    "size": i.LecunNormal,
    "vi": i.XavierUniform,
    **{
        f"varscaling{shape}fan{fan}": lambda fan=fan, shape=shape: i.VarianceScaling(1.0, f"fan_{fan}", shape)  # type: ignore[misc]
        for shape in ("normal", "uniform")
        for fan in ("in", "out", "avg")
    },
}


def initializer(settings: Settings, path: str, notes: Notes) -> Initializer | None:
    """How weights started there; it matters for layers that are started anew. None where that is not known."""
    key = "weightInitFn" if settings.get("weightInitFn") is not None else "weightInit"
    found = component(settings.get(key), f"{path}.{key}")
    if found is None:
        return None
    if found.kind == "distribution":
        return distribution(found.settings.get("distribution") or settings.get("dist"), f"{path}.dist", notes)
    if found.kind in ("constant",) and "value" in found.settings:
        return i.Constant(number(found.settings.get("value")))
    if found.kind in INITIALIZERS:
        return INITIALIZERS[found.kind]()
    notes.lose(found.path, f"how weights started, {found.full}, which has no counterpart")
    return None


def distribution(value: Any, path: str, notes: Notes) -> Initializer | None:
    """A distribution that numbers are drawn from."""
    found = component(value, path)
    if found is None:
        return None
    settings = found.settings
    kind = found.kind.removesuffix("distribution")
    mean, std = number(settings.get("mean")), number(settings.get("std"), 1.0)
    if kind in ("normal", "gaussian") and std > 0:
        return i.Normal(mean, std)
    if kind == "truncatednormal" and std > 0:
        return i.TruncatedNormal(mean, std)
    if kind == "lognormal" and std > 0:
        return i.LogNormal(mean, std)
    if kind == "uniform" and number(settings.get("lower"), 0.0) < number(settings.get("upper"), 1.0):
        return i.Uniform(number(settings.get("lower"), 0.0), number(settings.get("upper"), 1.0))
    if kind == "binomial" and whole(settings.get("numberOfTrials"), 1) >= 1 and 0 <= number(settings.get("probabilityOfSuccess"), 0.5) <= 1:
        return i.Binomial(whole(settings.get("numberOfTrials"), 1), number(settings.get("probabilityOfSuccess"), 0.5))
    if kind == "orthogonal":
        return i.Orthogonal(number(settings.get("gain"), 1.0))
    if kind == "constant":
        return i.Constant(number(settings.get("value")))
    notes.lose(path, f"the distribution that weights were drawn from, {found.full}, which has no counterpart")
    return None

"""Activations, losses and first values of weights: what each is called there and here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lamina.interop.keras.source import Generation, component
from lamina.interop.notes import Notes
from lamina.network import activations as a
from lamina.network import initializers as i
from lamina.network import losses as lo
from lamina.network.activations import Activation
from lamina.network.initializers import Initializer
from lamina.network.losses import Loss

Settings = Mapping[str, Any]
PLAIN: dict[str, Callable[[], Activation]] = {
    "linear": a.Identity,
    "identity": a.Identity,
    "softmax": a.Softmax,
    "log_softmax": a.LogSoftmax,
    "elu": a.Elu,
    "selu": a.Selu,
    "celu": a.Celu,
    "softplus": a.Softplus,
    "softsign": a.Softsign,
    "relu": a.Relu,
    "relu6": a.Relu6,
    "tanh": a.Tanh,
    "sigmoid": a.Sigmoid,
    "log_sigmoid": a.LogSigmoid,
    "exponential": a.Exp,
    "swish": a.Silu,
    "silu": a.Silu,
    "gelu": a.Gelu,
    "mish": a.Mish,
    "hard_swish": a.HardSwish,
    "hard_silu": a.HardSwish,
    "hard_tanh": a.HardTanh,
    "hard_shrink": a.HardShrink,
    "soft_shrink": a.SoftShrink,
    "tanh_shrink": a.TanhShrink,
    "squareplus": a.Squareplus,
    "sparse_plus": a.SparsePlus,
    "sparse_sigmoid": a.SparseSigmoid,
    "sparsemax": a.Sparsemax,
    "leaky_relu": lambda: a.LeakyRelu(0.2),
    "threshold": lambda: a.Threshold(0.0, 0.0),
}


def hard_sigmoid(generation: Generation) -> Activation:
    """``0.2 x + 0.5`` cut off at 0 and 1; in Keras 3 ``x / 6 + 0.5``."""
    return a.HardSigmoid(slope=1 / 6) if generation == "3" else a.HardSigmoid()


def activation(value: Any, generation: Generation, path: str, notes: Notes) -> Activation:
    """An activation; the identity where none is said; one without a counterpart is noted."""
    if value is None:
        return a.Identity()
    name, config = component(value)
    if name == "hard_sigmoid":
        return hard_sigmoid(generation)
    if name == "threshold" and generation != "3":
        name = ""
    if name in PLAIN:
        return PLAIN[name]()
    made = advanced(name, config)
    if made is not None and len(made) == 1:
        return made[0]
    notes.miss(
        path,
        expected=f"an activation: {', '.join(sorted([*PLAIN, 'hard_sigmoid']))}",
        got=str(value),
        cause="it is a function of somebody's own, or one that Lamina has not",
        fix="register a converter for the layer that has it: @lm.interop.converter('keras', KIND)",
    )
    return a.Identity()


def number(value: Any, default: float = 0.0) -> float:
    """A number; Keras writes some as arrays."""
    if isinstance(value, Mapping):
        value = value.get("value", (value.get("config") or {}).get("value") if isinstance(value.get("config"), Mapping) else None)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


def advanced(kind: str, config: Settings) -> list[Activation] | None:
    """The activations that are layers, one after the other; None if it is none, or can't be made."""
    if kind == "LeakyReLU":
        slope = number(config.get("negative_slope", config.get("alpha")), 0.3)
        return [a.LeakyRelu(slope)] if slope >= 0 else None
    if kind == "ELU":
        return [a.Elu(number(config.get("alpha"), 1.0))] if number(config.get("alpha"), 1.0) > 0 else None
    if kind == "ThresholdedReLU":
        theta = number(config.get("theta"), 1.0)
        return [a.ThresholdedRelu(theta)] if theta >= 0 else None
    if kind == "ReLU":
        return _relu(number(config.get("negative_slope")), config.get("max_value"), number(config.get("threshold")))
    return None


def _relu(slope: float, most: Any, threshold: float) -> list[Activation] | None:
    """``most`` above it, ``x`` down to the threshold, ``slope (x - threshold)`` below."""
    if slope < 0 or (most is not None and number(most) <= threshold):
        return None
    limit = [a.Clamp(-3.0e38, number(most))] if most is not None else []
    if threshold:
        return [a.Threshold(threshold, 0.0, slope=slope), *limit]
    if slope:
        return [a.LeakyRelu(slope), *limit]
    return [a.Clamp(0.0, number(most))] if most is not None else [a.Relu()]


LOSSES: dict[str, Callable[..., Loss]] = {
    "mean_squared_error": lo.MeanSquaredError,
    "mse": lo.MeanSquaredError,
    "mean_absolute_error": lo.MeanAbsoluteError,
    "mae": lo.MeanAbsoluteError,
    "mean_absolute_percentage_error": lo.MeanAbsolutePercentageError,
    "mape": lo.MeanAbsolutePercentageError,
    "mean_squared_logarithmic_error": lo.MeanSquaredLogError,
    "msle": lo.MeanSquaredLogError,
    "binary_crossentropy": lo.BinaryCrossEntropy,
    "categorical_crossentropy": lo.CrossEntropy,
    "sparse_categorical_crossentropy": lo.SparseCrossEntropy,
    "kullback_leibler_divergence": lo.KlDivergence,
    "kl_divergence": lo.KlDivergence,
    "kld": lo.KlDivergence,
    "kldivergence": lo.KlDivergence,
    "poisson": lo.Poisson,
    "hinge": lo.Hinge,
    "squared_hinge": lo.SquaredHinge,
    "categorical_hinge": lo.CategoricalHinge,
    "cosine_proximity": lo.CosineProximity,
    "cosine_similarity": lo.CosineProximity,
    "cosine": lo.CosineProximity,
    "huber": lo.Huber,
    "huber_loss": lo.Huber,
    "logcosh": lo.LogCosh,
    "log_cosh": lo.LogCosh,
    "dice": lo.Dice,
    "tversky": lo.Tversky,
    "binary_focal_crossentropy": lo.BinaryFocal,
    "categorical_focal_crossentropy": lo.Focal,
}


def loss(value: Any, path: str, notes: Notes) -> Loss | None:
    """A loss; None, with a note, if it has no counterpart: outputs don't depend on it."""
    name, config = component(value)
    word = _snake(name)
    if word not in LOSSES:
        if name:
            notes.lose(path, f"the loss {name}, which has no counterpart; outputs don't depend on it, training would")
        return None
    more: dict[str, Any] = {}
    if number(config.get("label_smoothing")) > 0 and word in ("categorical_crossentropy",):
        more["label_smoothing"] = number(config.get("label_smoothing"))
    elif number(config.get("label_smoothing")) > 0:
        notes.lose(path, "label smoothing of this loss")
    if config.get("from_logits") is True:
        notes.lose(path, "from_logits: the loss was made of scores; here an activation stands before the loss")
    if word.startswith("huber") and config.get("delta") is not None:
        more["delta"] = number(config["delta"], 1.0)
    if config.get("reduction") not in (None, "auto", "sum_over_batch_size", "sum_over_batch_size", "mean"):
        notes.lose(path, f"reduction {config['reduction']}: here the loss of a batch is the mean of its samples")
    try:
        return LOSSES[word](**more)
    except Exception:  # noqa: BLE001 - settings that a loss here has not
        notes.lose(path, f"settings of the loss {name}")
        return LOSSES[word]()


def _snake(name: str) -> str:
    import re

    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower() if name.lower() != name else name


def _scaled(config: Settings) -> Initializer:
    mode, shape = str(config.get("mode", "fan_in")), str(config.get("distribution", "truncated_normal"))
    words = {"normal": "truncated_normal", "truncated_normal": "truncated_normal", "untruncated_normal": "normal"}
    scale = max(number(config.get("scale"), 1.0), 1e-12)
    fan: Any = mode if mode in ("fan_in", "fan_out", "fan_avg") else "fan_in"
    drawn: Any = words.get(shape, "uniform")
    return i.VarianceScaling(scale, fan, drawn)


INITIALIZERS: dict[str, Callable[[Settings], Initializer]] = {
    "zeros": lambda s: i.Zeros(),
    "zero": lambda s: i.Zeros(),
    "ones": lambda s: i.Ones(),
    "one": lambda s: i.Ones(),
    "constant": lambda s: i.Constant(number(s.get("value"))),
    "random_normal": lambda s: i.Normal(number(s.get("mean")), max(number(s.get("stddev"), 0.05), 1e-12)),
    "normal": lambda s: i.Normal(number(s.get("mean")), max(number(s.get("stddev"), 0.05), 1e-12)),
    "random_uniform": lambda s: i.Uniform(number(s.get("minval"), -0.05), number(s.get("maxval"), 0.05)),
    "uniform": lambda s: i.Uniform(number(s.get("minval"), -0.05), number(s.get("maxval"), 0.05)),
    "truncated_normal": lambda s: i.TruncatedNormal(number(s.get("mean")), max(number(s.get("stddev"), 0.05), 1e-12)),
    "variance_scaling": _scaled,
    "orthogonal": lambda s: i.Orthogonal(number(s.get("gain"), 1.0)),
    "identity": lambda s: i.IdentityMatrix(number(s.get("gain"), 1.0)),
    "lecun_uniform": lambda s: i.LecunUniform(),
    "lecun_normal": lambda s: i.LecunNormal(),
    "glorot_normal": lambda s: i.XavierNormal(),
    "glorot_uniform": lambda s: i.XavierUniform(),
    "he_normal": lambda s: i.HeNormal(),
    "he_uniform": lambda s: i.HeUniform(),
}


def initializer(value: Any) -> Initializer | None:
    """How weights start; it matters for layers that are started anew. None where that is not known."""
    name, config = component(value)
    word = _snake(name)
    if word == "orthogonal_initializer":
        word = "orthogonal"
    if word not in INITIALIZERS:
        return None
    try:
        return INITIALIZERS[word](config)
    except Exception:  # noqa: BLE001 - numbers that no initialiser takes say nothing of a trained model
        return None

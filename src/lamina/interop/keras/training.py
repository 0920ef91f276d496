"""How the model was trained: the optimiser, and its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lamina.errors import LaminaError
from lamina.interop.keras.convert import Converted
from lamina.interop.keras.files import Files
from lamina.interop.keras.functions import number
from lamina.interop.keras.hdf5 import Stored
from lamina.interop.keras.source import Generation, component
from lamina.interop.notes import Notes
from lamina.learning import optimizers as o
from lamina.learning import schedules as s
from lamina.learning.clipping import Clip, ClipNorm, ClipValue
from lamina.learning.optimizers import Optimizer
from lamina.origin import Learning

if TYPE_CHECKING:
    import numpy as np

RATES = {"sgd": 0.01, "adagrad": 0.01, "adadelta": 1.0, "adamax": 0.002, "nadam": 0.002}


def learned(files: Files, found: Converted, made: Generation, notes: Notes) -> tuple[Learning | None, Mapping[str, np.ndarray]]:
    """The rule that trained the network, and its state by ``slot/layer/parameter``."""
    training: Any = files.training
    said = training.get("optimizer_config", training.get("optimizer")) if isinstance(training, Mapping) else None
    name, config = component(said)
    if not name:
        return None, {}
    stored = _stored(files)
    scalars = [one for one in stored if len(one.shape) == 0]
    counts = [int(one.read()) for one in scalars[:1] if one.read().dtype.kind in "iuf"]
    rate = next((float(one.read()) for one in scalars[1:2] if made in ("3", "tf") and "rate" in one.name.lower()), None)
    if files.tree and len(scalars) > 1:
        rate = float(scalars[1].read())
    optimizer = _optimizer(name.lower().removesuffix("optimizer"), config, made, rate, notes)
    if optimizer is None:
        return None, {}
    updates = max(counts[0], 0) if counts and counts[0] < 1 << 50 else 0
    learning = Learning(optimizer=optimizer, clip=_clip(config, made), updates=updates)
    arrays = [one for one in stored if len(one.shape) > 0]
    return learning, _slots(optimizer, arrays, found, made, notes)


def _stored(files: Files) -> list[Stored]:
    file = files.weights
    if file is None:
        return []
    if files.tree:
        if not file.has("optimizer/vars"):
            return []
        names = sorted((name for name in file.names("optimizer/vars") if name.isdigit()), key=int)
        return [file.stored(f"optimizer/vars/{name}") for name in names]
    if not file.has("optimizer_weights"):
        return []
    return [file.stored(f"optimizer_weights/{name}", name) for name in file.texts("optimizer_weights", "weight_names") or []]


def _optimizer(kind: str, config: Mapping[str, Any], made: Generation, rate: float | None, notes: Notes) -> Optimizer | None:
    given = config.get("learning_rate", config.get("lr"))
    learning_rate = _rate(given, RATES.get(kind, 1e-3), number(config.get("decay")), notes)
    if rate is not None and isinstance(learning_rate, float):
        learning_rate = rate
    epsilon = max(number(config.get("epsilon"), 1e-7), 1e-38)
    decay = number(config.get("weight_decay"))
    settings: dict[str, Any] = {"learning_rate": learning_rate}
    if decay > 0:
        settings |= {"weight_decay": decay, "decayed": "all"}
    betas = {"beta1": number(config.get("beta_1"), 0.9), "beta2": number(config.get("beta_2"), 0.999), "epsilon": epsilon}
    momentum = number(config.get("momentum"))
    inside = {"epsilon_inside": True} if made == "3" else {}
    form = {"epsilon_placement": "dl4j"}
    start = number(config.get("initial_accumulator_value"), 0.1 if made in ("tf", "3") else 0.0)
    kinds: dict[str, Any] = {
        "sgd": lambda: (
            o.Nesterov(momentum=momentum, form="dl4j", **settings)
            if config.get("nesterov") is True and momentum > 0
            else o.Sgd(momentum=momentum, **settings)
        ),
        "adam": lambda: (o.AmsGrad if config.get("amsgrad") is True else o.Adam)(**betas, **form, **settings),
        "adamw": lambda: o.AdamW(**betas, **form, **{"weight_decay": decay or 0.004, "decayed": "all", **settings}),
        "rmsprop": lambda: o.RmsProp(
            decay=number(config.get("rho"), 0.9),
            epsilon=epsilon,
            momentum=momentum,
            centered=config.get("centered") is True,
            **inside,
            **settings,
        ),
        "adagrad": lambda: o.AdaGrad(epsilon=epsilon, initial=start, **inside, **settings),
        "adadelta": lambda: o.AdaDelta(decay=number(config.get("rho"), 0.95), epsilon=epsilon, **settings),
        "adamax": lambda: o.AdaMax(**betas, **form, **settings),
        "nadam": lambda: o.Nadam(**betas, momentum_decay=1.0 if made == "3" else number(config.get("schedule_decay"), 0.004), **settings),
        "lion": lambda: o.Lion(beta1=number(config.get("beta_1"), 0.9), beta2=number(config.get("beta_2"), 0.99), **settings),
    }
    try:
        if kind in kinds:
            built: Optimizer = kinds[kind]()
            return built
    except LaminaError:
        pass
    notes.lose("training_config.optimizer", f"the optimiser {kind}, which has no counterpart: training would start with another")
    return None


def _rate(value: Any, default: float, decay: float, notes: Notes) -> Any:
    """A number, or a schedule."""
    name, config = component(value) if isinstance(value, Mapping) else ("", {})
    first = number(config.get("initial_learning_rate"), default) if name else number(value, default)
    try:
        if name == "ExponentialDecay" and config.get("staircase") is not True:
            return s.Exponential(first, number(config.get("decay_rate"), 1.0) ** (1 / max(number(config.get("decay_steps"), 1.0), 1e-9)))
        if name == "ExponentialDecay":
            return s.Step(first, number(config.get("decay_rate"), 1.0), int(number(config.get("decay_steps"), 1.0)))
        if name == "InverseTimeDecay" and config.get("staircase") is not True:
            return s.Inverse(first, number(config.get("decay_rate")) / max(number(config.get("decay_steps"), 1.0), 1e-9), 1.0)
        if name and name != "variable":
            notes.lose("training_config.optimizer.learning_rate", f"the schedule {name}: training would go on with a fixed rate")
            return first
        return s.Inverse(first, decay, 1.0) if decay > 0 else first
    except LaminaError:
        return default


def _clip(config: Mapping[str, Any], made: Generation) -> Clip | None:
    """What was done to large gradients; up to Keras 2, the norm is that of all of them."""
    norm, value, whole = (number(config.get(name)) for name in ("clipnorm", "clipvalue", "global_clipnorm"))
    if whole > 0 or (norm > 0 and made in ("1", "2")):
        return ClipNorm(whole or norm)
    if norm > 0:
        return ClipNorm(norm, "parameter")
    return ClipValue(value) if value > 0 else None


def _slots(optimizer: Optimizer, stored: Sequence[Stored], found: Converted, made: Generation, notes: Notes) -> Mapping[str, np.ndarray]:
    """The state, turned as the weights are."""
    names = optimizer.state_slots
    shapes = [one.shape for part, _ in found.leaves for one in part]
    stored = [one for one in stored if one.shape != (1,) or (1,) in shapes]
    count = len(shapes)
    if not names or not stored or not count:
        return {}
    if len(stored) < len(names) * count:
        notes.lose("optimizer_weights", f"the optimiser's state, {len(stored)} arrays where {len(names) * count} are needed")
        return {}
    columns = {
        "by slot": [list(stored[place * count : (place + 1) * count]) for place in range(len(names))],
        "by weight": [list(stored[place : len(names) * count : len(names)]) for place in range(len(names))],
    }
    if len(names) == 3:  # Keras 3 keeps the largest squares behind everything else.
        both = list(stored[: 2 * count])
        columns["by weight"] = [both[::2], both[1::2], list(stored[2 * count : 3 * count])]
    order = ("by weight", "by slot") if made == "3" else ("by slot", "by weight")
    for word in order:
        if all([one.shape for one in column] == shapes for column in columns[word]):
            return _turned(optimizer, dict(zip(names, columns[word], strict=True)), found)
    notes.lose("optimizer_weights", "the optimiser's state, which is not of these weights")
    return {}


def _turned(optimizer: Optimizer, columns: Mapping[str, Sequence[Stored]], found: Converted) -> dict[str, np.ndarray]:
    if found.again is None:
        return {}
    arrays: dict[str, np.ndarray] = {}
    trained = {f"{name}" for name in found.net.arrays}
    for slot, column in columns.items():
        left = list(column)
        weights: dict[str, list[Stored]] = {}
        for (part, others), path in zip(found.leaves, found.paths, strict=True):
            weights[path] = [*left[: len(part)], *others]
            left = left[len(part) :]
        for name, array in found.again(weights).items():
            buffer = name.rpartition("/")[2] in ("running_mean", "running_var")
            if name in trained and not buffer:
                plain = isinstance(optimizer, o.Sgd) and isinstance(optimizer.learning_rate, float)
                # There momentum is kept times the rate, with the other sign.
                arrays[f"{slot}/{name}"] = array / -float(optimizer.learning_rate) if plain else array  # type: ignore[arg-type]
    return arrays

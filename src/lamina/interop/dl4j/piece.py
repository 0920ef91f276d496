"""A layer of Deeplearning4j and what becomes of it; what converters are given, and what they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from lamina.errors import LaminaError
from lamina.interop.dl4j.dialect import Component, number, unset, whole, wholes
from lamina.interop.dl4j.functions import activation, initializer
from lamina.interop.dl4j.training import constraints, dropout, regularization, weight_noise
from lamina.interop.notes import Notes
from lamina.network.activations import Activation
from lamina.network.layers.layer import Layer

if TYPE_CHECKING:
    import numpy as np

Arrays = Mapping[str, "np.ndarray"]
MOST_UNITS = 1 << 28


@dataclass(frozen=True)
class Part:
    """A stretch of the flat vector of parameters.

    Attributes:
        name: The parameter's name there, such as ``W``.
        shape: Its shape.
        order: ``f``: the first axis varies fastest; ``c``: the last.
        bias: Whether the updater of biases moves it.
        fixed: Whether no updater moves it: running statistics.
        pretraining: Whether only pretraining moves it.
    """

    name: str
    shape: tuple[int, ...]
    order: str = "f"
    bias: bool = False
    fixed: bool = False
    pretraining: bool = False

    @property
    def size(self) -> int:
        """How many numbers."""
        found = 1
        for size in self.shape:
            found *= size
        return found


def _nothing(_: Arrays) -> dict[str, np.ndarray]:
    return {}


@dataclass(frozen=True)
class Piece:
    """What a layer becomes.

    Attributes:
        layers: One layer, or several one after the other.
        parts: Its parameters there, in the order of the flat vector.
        arrays: From the parameters there, each in its shape, to those of the main layer, by name.
        main: Which of ``layers`` has the parameters.
        summed: Whether the loss is a sum over the outputs there, and a mean here.
        note: For the report.
    """

    layers: tuple[Layer, ...]
    parts: tuple[Part, ...] = ()
    arrays: Callable[[Arrays], dict[str, Any]] = field(default=_nothing)
    main: int = 0
    summed: bool = False
    note: str = ""


class SourceLayer:
    """A layer as the file describes it: what a converter is given.

    Attributes:
        kind: Its kind: lower case, without ``Layer``.
        settings: Its settings as the file has them.
        conf: What stands around the layer: the seed, old learning rate policies.
        path: Where it stands in the file.
        notes: For what has no counterpart: ``notes.miss(path, ...)``.
    """

    def __init__(self, found: Component, conf: Mapping[str, Any], notes: Notes, *, frozen: bool = False) -> None:
        self.kind, self.settings, self.path, self.full = found.kind, found.settings, found.path, found.full
        self.conf = conf
        self.notes = notes
        self.frozen = frozen

    def get(self, *names: str) -> Any:
        """The first of these settings that is there."""
        return next((self.settings[name] for name in names if self.settings.get(name) is not None), None)

    def number(self, name: str, default: float = 0.0) -> float:
        """A number."""
        return number(self.settings.get(name), default)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A truth value."""
        found = self.settings.get(name)
        return found if isinstance(found, bool) else default

    def word(self, name: str, default: str = "") -> str:
        """A word."""
        found = self.settings.get(name)
        return found if isinstance(found, str) else default

    @property
    def inputs(self) -> int:
        """``nIn``."""
        return self._count("nin", "nIn")

    @property
    def units(self) -> int:
        """``nOut``."""
        return self._count("nout", "nOut")

    def _count(self, *names: str) -> int:
        found = whole(self.get(*names))
        if not 1 <= found <= MOST_UNITS:
            self.notes.miss(
                f"{self.path}.{names[0]}",
                expected=f"a whole number from 1 to {MOST_UNITS:,}",
                got=self.get(*names),
                cause="the network was written before it was initialised, or the file is damaged",
                fix="save the model after init()",
            )
            return 1
        return found

    def sizes(self, name: str, axes: int, default: int) -> tuple[int, ...]:
        """One size for each axis; of two for a single axis the first counts."""
        found = wholes(self.settings[name]) if self.settings.get(name) not in (None, []) else [default]
        found = found[:axes] if len(found) >= axes else (found * axes)[:axes]
        if min(found) < 0 or max(found) > MOST_UNITS:
            self.refuse(name, f"sizes from 0 to {MOST_UNITS:,}")
            return (max(default, 1),) * axes
        return tuple(found)

    def refuse(self, name: str, expected: str, fix: str = "register a converter: @lm.interop.converter('dl4j', KIND)") -> None:
        """Note that a setting has no counterpart."""
        self.notes.miss(f"{self.path}.{name}", expected=expected, got=self.settings.get(name), fix=fix)

    def activation(self, name: str = "activationFn", default: Activation | None = None) -> Activation:
        """An activation; 0.5 writes ``activationFunction`` for ``activationFn``."""
        key = name if self.settings.get(name) is not None else name.replace("Fn", "Function")
        return activation(self.settings.get(key), f"{self.path}.{key}", self.notes, default)

    def has_bias(self, *, default: bool = True) -> bool:
        """Whether there is a bias: the setting, or else the list of parameters that older files have."""
        found = self.settings.get("hasBias")
        if isinstance(found, bool):
            return found
        listed = self.conf.get("variables")
        if isinstance(listed, list) and listed:
            return any(str(name).startswith("b") for name in listed)
        return default

    def common(self, *, bias: bool = True, weights: bool = True) -> dict[str, Any]:
        """The settings that layers with weights share: first values, regularisation, noise, constraints, whether frozen.

        Args:
            bias: Whether the layer has a bias.
            weights: Whether its weights are drawn by an initialiser.
        """
        found: dict[str, Any] = dropout(self.settings, self.conf, self.path, self.notes)
        found |= regularization(self.settings, self.conf, self.path, self.notes, bias=bias)
        found |= constraints(self.settings, self.path, self.notes, bias=bias)
        found |= weight_noise(self.settings, self.conf, self.path, self.notes)
        start = initializer(self.settings, self.path, self.notes) if weights else None
        if start is not None:
            found["initializer"] = start
        if bias and self.number("biasInit"):
            from lamina.network.initializers import Constant

            found["bias_initializer"] = Constant(self.number("biasInit"))
        if self.frozen:
            found["frozen"] = True
        return found

    def __repr__(self) -> str:
        return f"SourceLayer({self.full!r}, {self.path!r})"


Converter = Callable[[SourceLayer], Piece | None]
CONVERTERS: dict[str, Converter] = {}
F = TypeVar("F", bound=Converter)


def converts(*kinds: str) -> Callable[[F], F]:
    """Decorator: this function converts layers of these kinds."""

    def enter(function: F) -> F:
        for kind in kinds:
            CONVERTERS[kind] = function
        return function

    return enter


def build(make: Callable[..., Layer], source: SourceLayer, *values: Any, **settings: Any) -> Layer | None:
    """A layer; where its own rules refuse the settings, that is noted as what has no counterpart."""
    try:
        return make(*values, **settings)
    except LaminaError as error:
        problem = error.problems[0]
        source.notes.miss(
            source.path, expected=problem.expected, got=problem.got, cause=problem.cause, fix="register a converter for this layer"
        )
        return None


def simple(
    layer: Layer | None, *, parts: Sequence[Part] = (), arrays: Callable[[Arrays], dict[str, Any]] = _nothing, **more: Any
) -> Piece | None:
    """A piece of one layer, or None if it couldn't be made."""
    return None if layer is None else Piece((layer,), tuple(parts), arrays, **more)


HARMLESS = frozenset(
    {
        *("layerName", "iupdater", "iUpdater", "biasUpdater", "updater", "gradientNormalization", "gradientNormalizationThreshold"),
        *("learningRate", "biasLearningRate", "learningRateSchedule", "momentum", "momentumSchedule", "rho", "epsilon", "rmsDecay"),
        *("adamMeanDecay", "adamVarDecay", "cudnnAlgoMode", "cudnnFwdAlgo", "cudnnBwdFilterAlgo", "cudnnBwdDataAlgo"),
        *("cudnnAllowFallback", "helperAllowFallback", "dist", "customLossFunction", "pretrain", "legacyBatchScaledL2"),
        *("miniBatch", "isMinibatch", "variables", "defaultValue"),
    }
)
"""Settings that are read elsewhere, or that change nothing."""


def leftovers(settings: Mapping[str, Any], known: frozenset[str]) -> list[str]:
    """Settings that say something and that nobody looked at."""
    return [name for name, value in settings.items() if name not in known and not unset(value)]

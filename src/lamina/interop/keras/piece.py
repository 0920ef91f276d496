"""A layer of Keras and what becomes of it; what converters are given, and what they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lamina.errors import LaminaError
from lamina.interop.keras import functions, regularity
from lamina.interop.keras.net import Net, Order, RefusedError, Value, channels
from lamina.interop.keras.source import Call, Generation, component
from lamina.interop.keras.weights import Weights, read_named
from lamina.interop.notes import Notes
from lamina.network.activations import Activation
from lamina.network.layers.layer import Layer
from lamina.shapes import Shape

MOST_UNITS = 1 << 28
Names = Sequence[str]


@dataclass(frozen=True)
class Piece:
    """What a converter of one's own gives.

    Attributes:
        layer: The layer.
        arrays: Its parameters by the names that they have here.
    """

    layer: Layer
    arrays: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Background:
    """What is known of the file as a whole.

    Attributes:
        generation: Of Keras: ``1``, ``2``, ``tf`` or ``3``.
        backend: ``theano``, ``tensorflow`` ...
        where: The file, for messages.
        first: Whether channels come first where a layer doesn't say it.
    """

    generation: Generation
    backend: str
    where: str
    first: bool = False
    makes: Callable[..., Any] | None = None


class SourceLayer:
    """A layer as the file describes it: what a converter is given.

    Attributes:
        kind: Its class there.
        config: Its settings as the file has them.
        name: What the source calls it.
        path: Where it stands in the file.
        inputs: What feeds it: each with a ``shape`` and ``dims``, the sizes in the order of the source.
        call: How it is called.
        weights: Its weights.
        net: What it is put into.
        notes: For what has no counterpart: ``notes.miss(path, ...)``.
    """

    def __init__(
        self,
        kind: str,
        config: Mapping[str, Any],
        name: str,
        path: str,
        inputs: Sequence[Value],
        weights: Weights,
        net: Net,
        back: Background,
        call: Call | None = None,
    ) -> None:
        self.kind, self.config, self.name, self.path = kind, config, name, path
        self.inputs = list(inputs)
        self.weights, self.net, self.back = weights, net, back
        self.notes: Notes = net.notes
        self.call = call or Call(())
        self.uses: Mapping[str, bool] = {}
        self.given: Mapping[str, Any] = {}

    # -- settings -----------------------------------------------------------------------------------------------------

    @property
    def generation(self) -> Generation:
        """Of Keras."""
        return self.back.generation

    def get(self, *names: str, default: Any = None) -> Any:
        """The first of these settings that is there."""
        return next((self.config[name] for name in names if self.config.get(name) is not None), default)

    def number(self, *names: str, default: float = 0.0) -> float:
        """A number."""
        return functions.number(self.get(*names), default)

    def whole(self, *names: str, default: int | None = None, least: int = 1) -> int:
        """A whole number.

        Raises:
            RefusedError: If it is none, too small or too large.
        """
        found = self.get(*names, default=default)
        found = found[0] if isinstance(found, list) and len(found) == 1 else found
        if isinstance(found, float) and found.is_integer():
            found = int(found)
        if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= MOST_UNITS:
            self.refuse(names[0], f"a whole number from {least} to {MOST_UNITS:,}", cause="the description is damaged", fix="save it again")
            raise RefusedError
        return found

    def flag(self, *names: str, default: bool = False) -> bool:
        """A truth value."""
        found = self.get(*names)
        return found if isinstance(found, bool) else default

    def word(self, *names: str, default: str = "") -> str:
        """A word."""
        found = self.get(*names)
        return found if isinstance(found, str) else default

    def sizes(self, axes: int, *names: str, default: int = 1, least: int = 1) -> tuple[int, ...]:
        """One size for each axis.

        Raises:
            RefusedError: If they are none.
        """
        found = self.get(*names, default=default)
        listed = list(found) if isinstance(found, list | tuple) else [found]
        listed = listed * axes if len(listed) == 1 else listed
        if len(listed) != axes or not all(isinstance(n, int) and not isinstance(n, bool) and least <= n <= MOST_UNITS for n in listed):
            self.refuse(names[0], f"{axes} whole numbers from {least}", cause="the description is damaged", fix="save it again")
            raise RefusedError
        return tuple(listed)

    @property
    def first(self) -> bool:
        """Whether channels come first."""
        found = self.get("data_format", "dim_ordering")
        if found in ("channels_first", "th"):
            return True
        return False if found in ("channels_last", "tf") else self.back.first

    @property
    def bias(self) -> bool:
        """Whether it has a bias."""
        return self.flag("use_bias", "bias", default=True)

    def activation(self, *names: str, default: Any = None) -> Activation:
        """An activation."""
        key = next((name for name in names if name in self.config), names[0])
        value = self.config.get(key, default)
        return functions.activation(value, self.generation, f"{self.path}.{key}", self.notes)

    def refuse(self, name: str, expected: str, *, cause: str = "", fix: str = "") -> None:
        """Note that a setting has no counterpart."""
        self.notes.miss(
            f"{self.path}.{name}" if name else self.path,
            expected=expected,
            got=f"{self.kind} {self.name!r}" + (f" with {name} {self.config.get(name)!r}" if name else ""),
            fix=fix or f"register a converter: @lm.interop.converter('keras', {self.kind!r})",
            cause=cause or "Lamina has nothing that computes the same",
        )

    def stop(self, name: str, expected: str, **more: str) -> RefusedError:
        """Note it, and the error that ends the conversion of this layer."""
        self.refuse(name, expected, **more)
        return RefusedError()

    def common(self, *, weights: str = "kernel", bias: bool | None = None, start: bool = True) -> dict[str, Any]:
        """The settings that layers with weights share: first values, regularisation, constraints, whether frozen.

        Args:
            weights: What the source calls the weight in the names of settings.
            bias: Whether there is a bias.
            start: Whether weights are drawn by an initialiser.
        """
        has = self.bias if bias is None else bias
        found: dict[str, Any] = {}
        if start:
            drawn = functions.initializer(self.get(f"{weights}_initializer", "init", "depthwise_initializer"))
            found |= {"initializer": drawn} if drawn is not None else {}
            drawn = functions.initializer(self.get("bias_initializer")) if has else None
            found |= {"bias_initializer": drawn} if drawn is not None else {}
        found |= regularity.penalties(self.config, weights, self.path, self.notes, bias=has)
        found |= regularity.constraints(self.config, weights, self.path, self.notes, bias=has)
        if self.config.get("trainable") is False:
            found["frozen"] = True
        return found

    # -- weights and layers -------------------------------------------------------------------------------------------

    def arrays(self, names: Names, *within: str) -> Mapping[str, Any]:
        """Its weights by the names given here, in the order of the source.

        Args:
            names: A name for each.
            within: Groups of Keras 3 within its own, in the order of their weights.

        Raises:
            InteropError: IO005, if there are more or fewer.
        """
        return read_named(self.weights.all(*within), names, f"{self.back.where}, layer {self.name!r}")

    def build(self, make: Callable[..., Layer], *values: Any, **settings: Any) -> Layer:
        """A layer.

        Raises:
            RefusedError: Where its own rules refuse the settings, which is noted as what has no counterpart.
        """
        try:
            return make(*values, **settings)
        except LaminaError as error:
            problem = error.problems[0]
            self.notes.miss(
                self.path,
                expected=problem.expected,
                got=f"{self.kind} {self.name!r}: {problem.got}",
                cause=problem.cause,
                fix=f"register a converter: @lm.interop.converter('keras', {self.kind!r})",
            )
            raise RefusedError from error

    def put(self, layer: Layer, *inputs: Value, name: str = "", **more: Any) -> Value:
        """Place a layer behind others; behind its first input unless told."""
        return self.net.place(self.path, name or self.name, layer, inputs or self.inputs[:1], **more)

    def arranged(self, place: int = 0, *, kind: type[Shape] | None = None, order: Order | None = None) -> Value:
        """One of its inputs as data of this kind, with axes in this order."""
        return self.net.arranged(self.inputs[place], self.path, kind=kind, order=order)

    def plain(self, place: int = 0, order: Order | None = None) -> Value:
        """One of its inputs as features, a sequence, an image or a volume."""
        return self.net.plain(self.inputs[place], self.path, order)

    def windowed(self, axes: int, place: int = 0) -> Value:
        """One of its inputs as data along whose ``axes`` windows slide, with the channels where they belong here."""
        value = self.inputs[place]
        if value.rank != axes + 1:
            raise self.stop(name="", expected=f"data of {axes + 1} axes behind the batch, not {value.rank}")
        return self.plain(place, channels(axes + 1, first=self.first))

    def child(self, key: str, inputs: Sequence[Value], weights: Weights, net: Net | None = None) -> SourceLayer:
        """The layer that a wrapper holds.

        Raises:
            RefusedError: If there is none.
        """
        kind, config = component(self.config.get(key))
        if not kind:
            raise self.stop(key, "a layer")
        found = SourceLayer(
            kind, config, str(config.get("name", kind)), f"{self.path}.{key}", inputs, weights, net or self.net, self.back, self.call
        )
        found.uses, found.given = self.uses, self.given
        return found


Made = Value | Sequence[Value]
Converter = Callable[[SourceLayer], Made]
Counter = Callable[[Mapping[str, Any], Generation], tuple[Names, Names]]
CONVERTERS: dict[str, Converter] = {}
COUNTERS: dict[str, Counter] = {}
F = TypeVar("F", bound=Converter)


def _none(_: Mapping[str, Any], __: Generation) -> tuple[Names, Names]:
    return (), ()


def converts(*kinds: str, weights: Counter = _none) -> Callable[[F], F]:
    """Decorator: this function converts layers of these kinds.

    Args:
        kinds: Their classes.
        weights: From the settings, names of the weights that are trained, and of others, each in the order of the source.
    """

    def enter(function: F) -> F:
        for kind in kinds:
            CONVERTERS[kind] = function
            COUNTERS[kind] = weights
        return function

    return enter


def has_bias(config: Mapping[str, Any]) -> bool:
    """Whether a layer has a bias."""
    found = config.get("use_bias", config.get("bias", True))
    return found is not False

"""What sequential networks and graphs share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from pydantic import model_validator

from lamina.codes import TITLES
from lamina.errors import DescriptionError, nearest
from lamina.network.defaults import Defaults
from lamina.network.layers.layer import Layer
from lamina.shapes import Shape
from lamina.spec import Description, Path, wrong_value
from lamina.spec.fields import Names

if TYPE_CHECKING:
    from lamina.network.plan import Plan


@dataclass(frozen=True)
class Step:
    """A layer with its name and what feeds it, before shapes are known.

    Attributes:
        name: Unique, unless two layers were given the same.
        path: Where the layer stands in the description, below the network.
        layer: The layer with the network's defaults applied.
        inputs: Names of what feeds it.
    """

    name: str
    path: Path
    layer: Layer
    inputs: tuple[str, ...]


class Network(Description, family="network"):
    """Base of all networks.

    Attributes:
        defaults: Settings for all layers that don't set them themselves.
        ignore: Codes of checks that are not to speak about this network, such as ``CK003``.
    """

    defaults: Defaults | None = None
    ignore: Names = ()

    @model_validator(mode="after")
    def _known_checks(self) -> Self:
        checks = [code for code in TITLES if code.startswith("CK")]
        for code in self.ignore:
            if code not in checks:
                near = None if code in TITLES else nearest(code, checks)
                raise wrong_value(
                    expected="codes of checks, which begin with CK",
                    cause=f"there is no check {code!r}; errors with other codes can't be ignored",
                    fix=f"did you mean {near!r}?" if near else f"remove {code!r} from ignore",
                )
        return self

    def steps(self) -> tuple[Step, ...]:
        """All layers by name, in the order they were written."""
        raise NotImplementedError(type(self).__name__)

    def declared_inputs(self) -> Mapping[str, Shape] | None:
        """Shape of each input by name; None if the data has to say."""
        raise NotImplementedError(type(self).__name__)

    @property
    def has_inputs(self) -> bool:
        """Whether the network itself says the shapes of its inputs."""
        return self.declared_inputs() is not None

    def output_names(self) -> tuple[str, ...]:
        """Names of the layers whose outputs the network gives."""
        raise NotImplementedError(type(self).__name__)

    def resolve(self, inputs: Mapping[str, Shape] | None = None) -> Plan:
        """Every layer with its shapes; see `lamina.network.inference.resolve`."""
        from lamina.network.inference import resolve

        return resolve(self, inputs)

    def with_defaults(self, layer: Layer) -> Layer:
        """A layer as the network's defaults make it."""
        return layer.with_defaults(self.defaults.settings) if self.defaults is not None else layer


def automatic_names(layers: Iterable[Layer]) -> list[str]:
    """Names of layers: their own, or type and number (``dense_1``, ``conv2d_2``) among the layers of that type.

    Example:
        >>> from lamina.network.layers import Dense, Flatten
        >>> automatic_names([Dense(3), Flatten(), Dense(3, name="last"), Dense(2)])
        ['dense_1', 'flatten_1', 'last', 'dense_3']
    """
    found = list(layers)
    taken = {layer.name for layer in found}
    counts: dict[str, int] = {}
    names: list[str] = []
    for layer in found:
        kind = type_word(layer)
        counts[kind] = counts.get(kind, 0) + 1
        name = layer.name or f"{kind}_{counts[kind]}"
        while layer.name is None and name in taken:
            name += "_"
        names.append(name)
    return names


def type_word(layer: Layer) -> str:
    """The layer's type without a version, as a part of names."""
    return (layer.type_name or type(layer).__name__.lower()).partition("@")[0]


def plain_settings(data: dict[str, Any], defaults: Defaults | None, *, full: bool) -> dict[str, Any]:
    """Leave the defaults out of a full description, in which every layer has them already."""
    if full and defaults is not None:
        data["defaults"] = None
    return data


def loss_elsewhere(loss: object) -> DescriptionError:
    """The error for a loss that is given beside a described network."""
    return DescriptionError(
        "SP004",
        where="Model.loss",
        expected="the loss in the network's output layer",
        got=repr(loss),
        cause="a described network ends in an Output or LossLayer, which has the loss",
        fix=f"write Output(units, loss={loss!r}) as the last layer",
    )

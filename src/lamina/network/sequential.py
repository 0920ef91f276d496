"""Layers one after another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from lamina.network.defaults import Defaults as Defaults
from lamina.network.layers import Conv2d, Dense, Layer, MaxPool2d, Output
from lamina.network.network import Network, Step, automatic_names, plain_settings
from lamina.shapes import Features, Image, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import listed

if TYPE_CHECKING:
    from lamina.network.graph import Graph

INPUT = "input"
"""Name of a sequential network's only input."""


@register("sequential")
class Sequential(Network):
    """Layers one after another; what the last one gives is the output of the network.

    Layers without a name are called after their type and number: ``dense_1``, ``conv2d_2``.

    Attributes:
        input: Shape of one sample; None: the data says it.
        layers: At least one.

    Example:
        >>> from lamina.shapes import image
        >>> net = Sequential(image(1, 28, 28), [Conv2d(20, kernel=5), MaxPool2d(2), Output(10)])
        >>> [(node.name, str(node.output_shape)) for node in net.resolve().nodes]
        [('conv2d_1', '[batch, 20, 24, 24]'), ('max_pool2d_1', '[batch, 20, 12, 12]'),
         ('output_1_flatten', '[batch, 2880]'), ('output_1', '[batch, 10]')]
    """

    positional: ClassVar[tuple[str, ...]] = ("input", "layers")

    input: Shape | None = None
    layers: listed(Layer)  # type: ignore[valid-type]

    @model_validator(mode="before")
    @classmethod
    def _layers_alone(cls, value: Any) -> Any:
        # Sequential([...]): the shape of the input comes from the data.
        if isinstance(value, Mapping) and "layers" not in value and isinstance(value.get("input"), list | tuple):
            return {**{key: item for key, item in value.items() if key != "input"}, "layers": value["input"]}
        return value

    @model_validator(mode="after")
    def _some_layers(self) -> Self:
        if not self.layers:
            raise wrong_value(
                expected="at least one layer", cause="the list of layers is empty", fix="add a layer, such as {type: output, units: 3}"
            )
        return self

    def steps(self) -> tuple[Step, ...]:
        names = automatic_names(self.layers)
        before = (INPUT, *names)
        return tuple(
            Step(name, ("layers", index), self.with_defaults(layer), (before[index],))
            for index, (name, layer) in enumerate(zip(names, self.layers, strict=True))
        )

    def declared_inputs(self) -> Mapping[str, Shape] | None:
        return None if self.input is None else {INPUT: self.input}

    def output_names(self) -> tuple[str, ...]:
        return (automatic_names(self.layers)[-1],)

    def to_graph(self) -> Graph:
        """The same network as a graph, to add branches to; names, and so weights, stay the same."""
        from lamina.network.graph import Graph

        nodes = {step.name: layer.replace(inputs=step.inputs) for step, layer in zip(self.steps(), self.layers, strict=True)}
        common: dict[str, Any] = {name: getattr(self, name) for name in ("defaults", "ignore") if name in self.model_fields_set}
        return Graph(inputs=self.declared_inputs(), nodes=nodes, outputs=self.output_names(), **common)

    def to_dict(self, *, full: bool = False) -> dict[str, Any]:
        data = super().to_dict(full=full)
        if full:
            data["layers"] = [self.with_defaults(layer).to_dict(full=True) for layer in self.layers]
        return plain_settings(data, self.defaults, full=full)

    @classmethod
    def examples(cls) -> list[Sequential]:
        return [
            cls(Features(4), [Dense(8, activation="relu"), Output(3)]),
            cls(
                input=Image(channels=1, height=8, width=8),
                layers=[Conv2d(4, kernel=3, padding="same"), MaxPool2d(2), Dense(8, name="hidden"), Output(2)],
                defaults={"activation": "relu", "initializer": "he_normal"},
            ),
            cls(layers=[Output(3)]),
        ]

"""What layers share that hold whole networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, WithJsonSchema

from lamina.errors import ShapeError
from lamina.network.inference import resolve
from lamina.network.layers.layer import Layer, Parameter
from lamina.network.network import Network
from lamina.network.plan import Node, Plan
from lamina.network.sequential import Sequential
from lamina.shapes import Features, Image, Sequence, Series, Shape, Tokens, Volume
from lamina.spec import registry

ALL = (Features, Sequence, Image, Volume, Tokens, Series)


def _as_network(value: Any) -> Any:
    """A layer alone, or a list of layers, stands for the chain of them."""
    if isinstance(value, Layer):
        return Sequential(layers=[value])
    if isinstance(value, list | tuple):
        return Sequential(layers=list(value)) if all(isinstance(item, Layer) for item in value) else {"type": "sequential", "layers": value}
    if isinstance(value, Mapping) and "type" in value and registry.get("network", str(value["type"])) is None:
        return {"type": "sequential", "layers": [value]}
    return value


_SCHEMA: dict[str, Any] = {
    "anyOf": [{"x-lamina-family": "network"}, {"x-lamina-family": "layer"}, {"type": "array", "items": {"x-lamina-family": "layer"}}]
}
Inner = Annotated[Network, BeforeValidator(_as_network), WithJsonSchema(_SCHEMA)]
"""A network; a layer, or a list of layers, stands for the chain of them."""


class Container(Layer):
    """Base of layers that hold networks.

    The inner networks have their own ``defaults``; those of the network around them end at the container. Parameters are called
    ``container/layer/weight``, and can be frozen, regularised and so on by the settings of the inner layers. Losses stand in the
    outermost network only.
    """

    accepts: ClassVar[tuple[type[Shape], ...]] = ALL

    def parts(self) -> Mapping[str, Network]:
        """The inner networks by the name that their parameters begin with; ``""`` for none."""
        raise NotImplementedError(type(self).__name__)

    def with_networks(self, change: Callable[[str, Network], Network]) -> Self:
        """The container with its inner networks changed.

        Args:
            change: From the part's name and its network to the new network.
        """
        known = {id(network): part for part, network in self.parts().items()}
        fields = {name: value for name in type(self).model_fields if isinstance(value := getattr(self, name), Network)}
        return self.replace(**{name: change(known[id(network)], network) for name, network in fields.items()})

    def plans(self, inputs: tuple[Shape, ...]) -> Mapping[str, Plan]:
        """The inner networks with all shapes, by part.

        Raises:
            ShapeError: If one doesn't take these inputs.
        """
        return {part: inner_plan(self, network, self.inner_inputs(inputs)) for part, network in self.parts().items()}

    def inner_inputs(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """What the inner networks are fed with."""
        return inputs

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        plans = self.plans(inputs)
        return {f"{place}/{name}": p for place, plan, node in inner_nodes(plans) for name, p in node.parameters.items()}

    def buffers(self, inputs: tuple[Shape, ...]) -> Mapping[str, tuple[int, ...]]:
        return {f"{place}/{name}": sizes for place, _, node in inner_nodes(self.plans(inputs)) for name, sizes in node.buffers.items()}

    def passes(self, inputs: tuple[Shape, ...]) -> int:
        """How often the inner networks run for one sample."""
        return 1

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        one = sum(node.layer.flops(node.input_shapes, node.output_shape) for _, _, node in inner_nodes(self.plans(inputs)))
        return one * self.passes(inputs)

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        one = sum(node.layer.activation_size(node.input_shapes, node.output_shape) for _, _, node in inner_nodes(self.plans(inputs)))
        return one * self.passes(inputs)

    @property
    def random(self) -> bool:
        return any(layer.random for layer in self._layers())

    @property
    def penalizes(self) -> bool:  # type: ignore[override]
        """Whether an inner layer does."""
        return any(layer.penalizes for layer in self._layers())

    @property
    def takes_masks(self) -> bool:  # type: ignore[override]
        """Whether every inner layer does."""
        return all(layer.takes_masks for layer in self._layers())

    def _layers(self) -> Iterator[Layer]:
        for network in self.parts().values():
            for step in network.steps():
                yield step.layer

    def same(self, inputs: tuple[Shape, ...], output: Shape, what: str) -> None:
        """Refuse an inner network that gives another shape than it takes.

        Raises:
            ShapeError: NN003.
        """
        if not output.agrees(inputs[0]):
            raise self.refuse(
                "NN003",
                expected=f"{what} that gives what it takes: {inputs[0]}",
                got=str(output),
                cause="what it gives is joined with, or fed in place of, what it took",
                fix="give its last layer as many units or filters as the input has, and let it keep the other sizes",
            )


class Follows(Container):
    """Base of containers through which steps pass as through their inner layers."""

    @property
    def stepwise(self) -> bool:  # type: ignore[override]
        """Whether every inner layer is."""
        return all(layer.stepwise for layer in self._layers())

    @property
    def memory(self) -> bool:  # type: ignore[override]
        """Whether every inner layer can be run piece by piece."""
        return all(layer.memory or layer.stepwise for layer in self._layers())

    @property
    def makes_mask(self) -> bool:  # type: ignore[override]
        """Whether an inner layer does."""
        return any(layer.makes_mask for layer in self._layers())


_PLANS: dict[tuple[int, str], tuple[Network, Plan]] = {}
_KEPT = 256


def inner_plan(layer: Layer, network: Network, inputs: tuple[Shape, ...]) -> Plan:
    """An inner network with all shapes.

    Raises:
        ShapeError: Whatever is wrong within, NN012 for another number of inputs, NN015 if it has a loss.
    """
    key = (id(network), repr(inputs))
    kept = _PLANS.get(key)
    # The network is kept beside its plan, so that no other one can have its identity.
    if kept is not None:
        return kept[1]
    declared = network.declared_inputs()
    names = list(declared) if declared is not None else _undeclared(network)
    if len(names) != len(inputs):
        raise layer.refuse(
            "NN012",
            expected=f"{len(names)} inputs, as the inner network has: {', '.join(names)}",
            got=str(len(inputs)),
            cause="each input of the inner network is fed by one of the container's, in their order",
            fix="name as many nodes in inputs",
        )
    try:
        plan = resolve(network, dict(zip(names, inputs, strict=True)))
    except ShapeError as error:
        raise ShapeError.of([replace(problem, where=f"inside, {problem.where}") for problem in error.problems]) from error
    judged = next((node for node in plan.nodes if getattr(node.layer, "loss", None) is not None), None)
    if judged is not None or len(plan.outputs) != 1:
        raise layer.refuse(
            "NN015",
            expected="an inner network of one output, without a loss",
            got=f"an {judged.layer.type_name} layer {judged.name!r}" if judged else f"the outputs {', '.join(plan.outputs)}",
            cause="losses stand in the outermost network, where targets arrive",
            fix="end the inner network in a dense layer, and put the output layer behind the container",
        )
    if len(_PLANS) >= _KEPT:
        _PLANS.clear()
    _PLANS[key] = (network, plan)
    return plan


def _undeclared(network: Network) -> list[str]:
    steps = network.steps()
    own = {step.name for step in steps}
    return list(dict.fromkeys(name for step in steps for name in step.inputs if name not in own))


def only_output(plan: Plan) -> Shape:
    """Shape of what an inner network gives."""
    return plan.output_shapes[plan.outputs[0]]


def inner_nodes(plans: Mapping[str, Plan]) -> Iterator[tuple[str, Plan, Node]]:
    """Every inner layer by the name that its parameters begin with, with its plan and node."""
    for part, plan in plans.items():
        for node in plan.nodes:
            yield f"{part}{node.name}", plan, node


def all_nodes(plan: Plan, prefix: str = "") -> Iterator[tuple[str, Node]]:
    """Every node of a network by its full name; after a layer that holds networks, those within.

    Example:
        >>> import lamina as lm
        >>> net = lm.Sequential(lm.features(3), [lm.layers.Nested([lm.Dense(2)], name="block"), lm.Output(1)])
        >>> [name for name, _ in all_nodes(net.resolve())]
        ['block', 'block/dense_1', 'output_1']
    """
    for node in plan.nodes:
        yield f"{prefix}{node.name}", node
        if isinstance(node.layer, Container):
            for part, inner in node.layer.plans(node.input_shapes).items():
                yield from all_nodes(inner, f"{prefix}{node.name}/{part}")

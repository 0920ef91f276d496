"""A whole network, runnable, made from a plan: a short path for chains of layers, and a long one for graphs, masks and pieces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from lamina.engine.activations import identity
from lamina.engine.layers.layer import LayerModule, module_for
from lamina.engine.masks import check_mask, stray_mask
from lamina.engine.runnable import Inputs, Network
from lamina.engine.state import State
from lamina.network.plan import Node, Plan

__all__ = ["Inputs", "Network", "NetworkModule"]


class NetworkModule(Network):
    """The network that a plan describes.

    Attributes:
        plan: The plan.
        layers: The modules of its nodes, in order; each has its ``node``.
    """

    plan: Plan
    chains: ClassVar[bool] = True
    """Whether chains take the short path; tests switch it off to compare."""

    def __init__(self, plan: Plan) -> None:
        modules = [_module(node) for node in plan.nodes]
        named = {module.node.name: module for module in modules}
        heads = {name: head for name in plan.outputs if (head := named[name].head()) is not None}
        super().__init__(plan.inputs, plan.outputs, heads)
        self.plan = plan
        self._channels_last = False
        self.random = plan.random
        self.masking = plan.makes_masks
        self.penalizing = [module for module in modules if module.node.layer.penalizes]
        self.layers = nn.ModuleList(modules)
        self._users = [module for module in modules if module.node.shares or module.node.borrowed]
        self._tie()
        # Lists of bound methods: calling a module costs microseconds that small networks would feel.
        self._chain = [module.forward for module in modules] if plan.chain else None
        places = {name: index for index, name in enumerate([*plan.inputs, *named])}
        self._steps = [(module.forward, tuple(places[source] for source in module.node.inputs)) for module in modules]
        self._places = [places[name] for name in plan.outputs]
        fed = {source for node in plan.nodes for source in node.inputs}
        # What flows on from an output in the middle of a graph are its predictions.
        self._activations = {places[name]: head.activate for name, head in heads.items() if name in fed}

    def use_channels_last(self) -> Self:
        """Lay images out with the channels last in memory: convolutions on CPUs and tensor cores are faster so.

        Shapes stay. Sums are added up in another order, so results differ in the last digits, which training magnifies: a
        run is reproducible with or without it, not across. Call it before the parameters become one vector.
        """
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._channels_last = True
        return self

    def scores(self, inputs: Inputs) -> tuple[Tensor, ...]:
        given = self._given(inputs)
        if self._channels_last:
            given = tuple(x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x for x in given)
        if self.masking:
            return self.run(inputs)[0]
        if self._chain is not None and self.chains:
            (x,) = given
            for run in self._chain:
                x = run(x)
            return (x,)
        values = self._run(given)
        return tuple(values[index] for index in self._places)

    def run(self, inputs: Inputs, masks: Mapping[str, Tensor] | None = None) -> tuple[tuple[Tensor, ...], tuple[Tensor | None, ...]]:
        if not masks and not self.masking:
            return self.scores(inputs), (None,) * len(self.outputs)
        given = self._given(inputs)
        values, found = self._run_masked(given, self._given_masks(masks or {}, given))
        return tuple(values[index] for index in self._places), tuple(found[index] for index in self._places)

    # -- piece by piece -------------------------------------------------------------------------------------------

    def start_state(self, batch: int, given: Mapping[str, Tensor] | None = None, masks: Mapping[str, Tensor] | None = None) -> State:
        """The memory before the first step.

        Args:
            batch: Samples.
            given: Inputs that are known as a whole before the first step, such as what an encoder reads; whatever follows from
                them alone is computed here, once.
            masks: Which steps of those are real.
        """
        from lamina.engine.stepping import start

        return start(self, batch, given or {}, masks or {})

    def advance(
        self, inputs: Inputs, state: State, masks: Mapping[str, Tensor] | None = None
    ) -> tuple[dict[str, Tensor], dict[str, Tensor | None], State]:
        """Go on where ``state`` was left, for any number of further steps.

        Args:
            inputs: The further steps of each input that was not given to `start_state`.
            state: From `start_state` or the last call; not changed.
            masks: Which of these steps are real, by input name.

        Returns:
            Scores and masks of each output by name, for these steps, and the new state.

        Raises:
            TrainingError: EN041, if a layer has to see all steps at once.
            ShapeError: EN042, if the state is that of another batch or network.
        """
        from lamina.engine.stepping import advance

        return advance(self, inputs, state, masks or {})

    def activations(self, inputs: Inputs) -> dict[str, Tensor]:
        """What every node gives, by name, in order; outputs give their scores."""
        given = self._given(inputs)
        return {node.name: value for node, value in zip(self.plan.nodes, self._run(given)[len(given) :], strict=True)}

    def feeds(
        self, name: str, inputs: Inputs, masks: Mapping[str, Tensor] | None = None
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor | None, ...]]:
        """What comes into a layer, and which of its steps are real; only what it needs is computed.

        Args:
            name: The layer.
            inputs: A tensor, or tensors by input name.
            masks: Which steps of an input are real, by input name.
        """
        given = self._given(inputs)
        if self._channels_last:
            given = tuple(x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x for x in given)
        sources = self._steps[[module.node.name for module in self.modules_of_nodes].index(name)][1]
        values, found = self._run_masked(given, self._given_masks(masks or {}, given), self._needed(*sources))
        return tuple(self._activations.get(i, identity)(values[i]) for i in sources), tuple(found[i] for i in sources)

    def outputs_of(self, inputs: Inputs, name: str, masks: Mapping[str, Tensor] | None = None) -> tuple[Tensor, Tensor | None]:
        """What the node called ``name`` gives, and its mask; nothing behind it is computed.

        Args:
            inputs: A tensor, or tensors by input name.
            name: Of the node.
            masks: Which steps of an input are real.
        """
        given = self._given(inputs)
        place = len(given) + [module.node.name for module in self.modules_of_nodes].index(name)
        values, found = self._run_masked(given, self._given_masks(masks or {}, given), self._needed(place))
        return values[place], found[place]

    def _needed(self, *places: int) -> set[int]:
        """Places of all values that those at some places depend on, and their own."""
        found: set[int] = set()
        waiting, first = list(places), len(self.input_shapes)
        while waiting:
            index = waiting.pop()
            if index not in found:
                found.add(index)
                waiting += self._steps[index - first][1] if index >= first else ()
        return found

    def tensors(self) -> dict[str, Tensor]:
        """All parameters and buffers as ``node/parameter``."""
        return {f"{module.node.name}/{name}": tensor for module in self.modules_of_nodes for name, tensor in module.tensors().items()}

    def all_modules(self) -> list[tuple[str, LayerModule]]:
        """Every layer by its full name, those of networks within layers in place of the layer that holds them."""
        found: list[tuple[str, LayerModule]] = []
        for module in self.modules_of_nodes:
            inner = module.inner_modules()
            name = module.node.name
            found += [(f"{name}/{below}", other) for below, other in inner] if inner else [(name, module)]
        return found

    @property
    def modules_of_nodes(self) -> list[LayerModule]:
        """`layers`, as a typed list."""
        return [module for module in self.layers if isinstance(module, LayerModule)]

    def _run(self, given: tuple[Tensor, ...]) -> list[Tensor]:
        values = list(given)
        for run, sources in self._steps:
            feeds = [values[i] for i in sources]
            if self._activations:
                feeds = [self._activations[i](x) if i in self._activations else x for i, x in zip(sources, feeds, strict=True)]
            values.append(run(*feeds))
        return values

    def _run_masked(
        self, given: tuple[Tensor, ...], masks: tuple[Tensor | None, ...], needed: set[int] | None = None
    ) -> tuple[list[Tensor], list[Tensor | None]]:
        values, found = list(given), list(masks)
        for module, (run, sources) in zip(self.modules_of_nodes, self._steps, strict=True):
            if needed is not None and len(values) not in needed:
                values.append(given[0])  # Nobody will look at it.
                found.append(None)
                continue
            feeds = tuple(self._activations[i](values[i]) if i in self._activations else values[i] for i in sources)
            own = tuple(found[i] for i in sources)
            if module.node.layer.makes_mask or any(mask is not None for mask in own):
                value, mask = module.run_masked(feeds, own)
            else:
                value, mask = run(*feeds), None
            values.append(value)
            found.append(mask)
        return values, found

    def _given_masks(self, masks: Mapping[str, Tensor], given: tuple[Tensor, ...]) -> tuple[Tensor | None, ...]:
        """The masks in the order of the inputs, checked; the only one belongs to the only input."""
        shapes = self.input_shapes
        if len(masks) == len(shapes) == 1:
            masks = dict(zip(shapes, masks.values(), strict=True))
        for name in masks:
            if name not in shapes:
                raise stray_mask(name, list(shapes))
        for name, x in zip(shapes, given, strict=True):
            if name in masks:
                check_mask(name, masks[name], x, shapes[name])
        return tuple(masks.get(name) for name in shapes)

    def _tie(self) -> None:
        """Give those that use others' weights the very tensors of their owners."""
        modules = {module.node.name: module for module in self.modules_of_nodes}
        for user in self._users:
            owner = modules.get(user.node.shares or "")
            if owner is not None:
                user.share(owner)
            for name, wanted in user.node.borrowed.items():
                user.register_parameter(name, modules[wanted.node].get_parameter(wanted.parameter))

    def _apply(self, fn: Any, recurse: bool = True) -> Any:  # noqa: FBT001, FBT002 - torch's signature
        result = super()._apply(fn, recurse)
        # Buffers are replaced by their converted copies, and parameters may be.
        self._tie()
        return result


def _module(node: Node) -> LayerModule:
    if node.shares is None:
        return module_for(node)
    # Made like any other, so that everything has its size; then it gets its owner's tensors.
    module = module_for(replace(node, shares=None))
    module.node = node
    return module

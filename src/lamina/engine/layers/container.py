"""Running networks within a network."""

from __future__ import annotations

from torch import Tensor, nn

from lamina.engine.layers.layer import LayerModule
from lamina.engine.network import NetworkModule
from lamina.engine.randomness import derive
from lamina.engine.state import Memory, State
from lamina.network.layers.container import Container
from lamina.network.plan import Node


class ContainerModule(LayerModule):
    """What containers share: the inner networks, whose parameters are theirs."""

    def __init__(self, node: Node) -> None:
        # Not LayerModule's: the parameters belong to the inner networks.
        nn.Module.__init__(self)
        self.node = node
        layer = node.layer
        if not isinstance(layer, Container):
            message = f"{type(layer).__name__} is no container"
            raise TypeError(message)
        self._parts = list(layer.plans(node.input_shapes))
        self.networks = nn.ModuleList(NetworkModule(plan) for plan in layer.plans(node.input_shapes).values())
        for part in self._parts:
            # The network around has checked what comes in; of a shorter sequence it feeds the real steps only.
            network = self.network(part)
            network.input_shapes = {n: s.replace(steps=None) if s.has_steps else s for n, s in network.input_shapes.items()}

    def network(self, part: str = "") -> NetworkModule:
        """The inner network of this part."""
        found = self.networks[self._parts.index(part)]
        if not isinstance(found, NetworkModule):
            raise TypeError(part)
        return found

    def initialize(self, seed: int) -> None:
        for part in self._parts:
            # The owner of shared weights starts them.
            for module in self.network(part).modules_of_nodes if self.node.shares is None else ():
                # Two containers of one description start with different values.
                module.initialize(derive(seed, "inside", self.node.name, part))

    def tensors(self) -> dict[str, Tensor]:
        if self.node.shares is not None:
            return {}
        return {f"{part}{name}": tensor for part in self._parts for name, tensor in self.network(part).tensors().items()}

    def inner_modules(self) -> list[tuple[str, LayerModule]]:
        return [(f"{part}{name}", module) for part in self._parts for name, module in self.network(part).all_modules()]

    def ask(self, part: str, *inputs: Tensor, chosen: Tensor | None = None) -> Tensor:
        """What an inner network gives.

        Args:
            part: The network.
            *inputs: Its inputs.
            chosen: Samples for which the answer is used, ``[batch]``: what inner layers ask for each sample, only these pay.
        """
        network = self.network(part)
        (found,) = network.scores(dict(zip(network.input_shapes, inputs, strict=True)))
        self._collect(network, chosen)
        return found

    def ask_masked(self, part: str, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        """What an inner network gives, and its mask."""
        network = self.network(part)
        named = {name: mask for name, mask in zip(network.input_shapes, masks, strict=True) if mask is not None}
        (found,), (mask,) = network.run(dict(zip(network.input_shapes, inputs, strict=True)), named)
        self._collect(network)
        return found, mask

    def advance(
        self, part: str, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...], memory: Memory
    ) -> tuple[Tensor, Tensor | None, Memory]:
        """The inner network run for some further steps; its memory is flat: ``layer/name``."""
        network = self.network(part)
        memories: dict[str, Memory] = {}
        for key, value in memory.items():
            node, _, name = key.partition("/")
            memories.setdefault(node, {})[name] = value
        named = {name: mask for name, mask in zip(network.input_shapes, masks, strict=True) if mask is not None}
        given = dict(zip(network.input_shapes, inputs, strict=True))
        scores, found, state = network.advance(given, State(len(inputs[0]), (), memories), named)
        (y,), (mask,) = scores.values(), found.values()
        self._collect(network)
        return y, mask, flat_memory(state)

    def _collect(self, network: NetworkModule, chosen: Tensor | None = None) -> None:
        """What inner layers add to the loss is added by this one, to what it has asked for since its pass began."""
        for module in network.penalizing if self.training else ():
            if module.penalty is not None:
                own = module.penalty if chosen is None or module.penalty.dim() == 0 else module.penalty * chosen
                self.penalty = own if self.penalty is None else self.penalty + own


def flat_memory(state: State) -> Memory:
    """The memories of all layers in one: ``layer/name``."""
    return {f"{node}/{name}": value for node, memory in state.memories.items() for name, value in memory.items()}

"""A network as a plain module that gives predictions: what torch.export follows."""

from __future__ import annotations

from torch import Tensor, nn

from lamina.engine.network import NetworkModule


class Answering(nn.Module):
    """Inputs by name, predictions by name; the network's layers stand in it by their names."""

    def __init__(self, network: NetworkModule) -> None:
        super().__init__()
        for module in network.modules_of_nodes:
            self.add_module(module.node.name, module)
        # In a tuple, so that parameters are found under the names of their layers only.
        self._network = (network,)

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Predictions of each output."""
        network = self._network[0]
        given = tuple(inputs[name] for name in network.input_shapes)
        # Not `predict`, which remembers the sizes that it has checked.
        values, _ = network._run_masked(given, (None,) * len(given))
        return network.activate({name: values[place] for name, place in zip(network.outputs, network._places, strict=True)})


def answering(network: NetworkModule) -> Answering:
    """The module, not in training."""
    return Answering(network.eval()).eval()

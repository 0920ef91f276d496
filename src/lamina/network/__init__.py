"""Networks as data: what each layer is, how layers are joined, which shapes flow. Nothing here loads torch."""

from lamina.network.defaults import Defaults
from lamina.network.graph import Graph
from lamina.network.network import Network
from lamina.network.sequential import Sequential

__all__ = ["Defaults", "Graph", "Network", "Sequential"]

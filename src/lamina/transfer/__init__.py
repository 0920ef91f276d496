"""Starting from a trained model: which of its layers stay, which are new, which learn."""

from lamina.transfer.transfer import Transfer
from lamina.transfer.weights import Taken, take_weights

__all__ = ["Taken", "Transfer", "take_weights"]

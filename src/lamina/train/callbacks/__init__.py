"""Callbacks: descriptions of what watches and steers training."""
from lamina.train.callbacks.callback import EDITOR, KEEPER, READER, WRITER, Callback, CallbackRun

__all__ = ["EDITOR", "KEEPER", "READER", "WRITER", "Callback", "CallbackRun"]

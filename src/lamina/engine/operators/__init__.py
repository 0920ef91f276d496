"""How operators of ONNX's vocabulary run: a function for each, found by its name; see `lamina.engine.operators.registry`."""

from lamina.engine.operators.registry import Context, find, operator

__all__ = ["Context", "find", "operator"]

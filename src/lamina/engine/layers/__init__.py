"""How layers run; importing this enters them all."""

from lamina.engine.layers import dense
from lamina.engine.layers.module import Head, LayerModule, ParametricModule, module_for, runs

__all__ = ["Head", "LayerModule", "ParametricModule", "dense", "module_for", "runs"]

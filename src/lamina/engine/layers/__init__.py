"""How layers run. What runs the layers of ``lamina.network.layers.NAME`` is ``lamina.engine.layers.NAME``, imported when one is built."""

from lamina.engine.layers.layer import Head, LayerModule, ParametricModule, module_for, runs

__all__ = ["Head", "LayerModule", "ParametricModule", "module_for", "runs"]

"""Sequences that a network makes, one token after another; and networks run piece by piece.

`lamina.Model.generate` goes on with a prompt, or decodes what an encoder has read; `lamina.Model.step` gives outputs for the next
piece of a sequence, with a state that can be kept.
"""

from lamina.generation.methods import Beam, Greedy, Method, Sampling

__all__ = ["Beam", "Greedy", "Method", "Sampling"]

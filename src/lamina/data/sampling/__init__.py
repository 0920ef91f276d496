"""How samples are drawn for an epoch: weighted, balanced, some of them, from several sets."""

from lamina.data.sampling.classes import Balanced, Oversample, Undersample
from lamina.data.sampling.mixture import Mixture
from lamina.data.sampling.random import RandomSamples
from lamina.data.sampling.sampling import Drawing, Sampling
from lamina.data.sampling.weighted import Weighted

__all__ = ["Balanced", "Drawing", "Mixture", "Oversample", "RandomSamples", "Sampling", "Undersample", "Weighted"]

"""The choice of one token: pure functions of scores, in float64."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lamina.engine.randomness import derive, mix
from lamina.generation.methods import Sampling


def restricted(log_probabilities: Tensor, method: Sampling) -> Tensor:
    """The probabilities that a token is drawn by, ``[samples, vocabulary]``: with temperature, and without the tokens left out.

    Of equally probable tokens the first ones are kept.

    Args:
        log_probabilities: Those of the network, or scores that differ from them by a constant for each sample.
        method: Temperature and restrictions.

    Example:
        >>> restricted(torch.tensor([[0.5, 0.3, 0.2]]).log(), Sampling(top_k=2)).numpy().round(3).tolist()
        [[0.625, 0.375, 0.0]]
    """
    scores, order = torch.sort(log_probabilities.double() / method.temperature, dim=-1, descending=True, stable=True)
    p = scores.softmax(-1)
    if method.top_k is not None:
        p[:, method.top_k :] = 0
        p = p / p.sum(-1, keepdim=True)
    if method.top_p is not None:
        # A token stays if those before it don't reach the nucleus yet; so the first one always does.
        p = torch.where(p.cumsum(-1) - p < method.top_p, p, 0.0)
        p = p / p.sum(-1, keepdim=True)
    return torch.zeros_like(p).scatter(-1, order, p)


def draw(probabilities: Tensor, uniform: Tensor) -> Tensor:
    """For each sample the token at which the sum of probabilities passes its number from 0 up to 1.

    Example:
        >>> draw(torch.tensor([[0.5, 0.0, 0.5]] * 2), torch.tensor([0.4, 0.5])).tolist()
        [0, 2]
    """
    total = probabilities.cumsum(-1)
    passed = total > uniform[:, None] * total[:, -1:]
    # The product may be rounded up to the whole sum; then it is the last token that can be drawn.
    passed |= (total == total[:, -1:]) & ~passed.any(-1, keepdim=True)
    return passed.to(torch.uint8).argmax(-1)


def uniforms(seed: int, samples: Sequence[int], step: int) -> np.ndarray:
    """A number from 0 up to 1 for each sample, a function of (seed, sample, step) alone."""
    base = derive(seed, "generation")
    return np.array([(mix(mix(base, sample), step) >> 11) / (1 << 53) for sample in samples])

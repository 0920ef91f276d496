"""Contract suite of mixing: what each way must do, ours and third parties'."""

from __future__ import annotations

import torch

from lamina.engine.mixing import Mixer
from lamina.learning.mixing import Mix
from lamina.testing.promises import check_round_trips, drawn, promise

SHAPES = ((6, 7, 2), (6, 2, 5, 4), (6, 2, 4, 3, 5))
"""Sequences, images and volumes of six samples."""


def check_mix(mix: Mix) -> None:
    """Run the whole contract on one description.

    Raises:
        AssertionError: Naming the promise that is broken.

    Example:
        >>> from lamina.learning import Mixup
        >>> check_mix(Mixup())
    """
    check_round_trips(mix)
    for shape in SHAPES:
        for dtype in (torch.float32, torch.float64):
            check_mixed(mix, drawn(shape, dtype=dtype))


def check_mixed(mix: Mix, x: torch.Tensor) -> None:
    """The share is that of the own sample on average, draws are functions of the seed, and the inputs stay as they were."""
    mixer, before = Mixer(mix), x.clone()
    shares = set()
    for seed in range(8):
        found, partner, share = mixer.mixed({"input": x}, seed)
        again, same_partner, same_share = mixer.mixed({"input": x}, seed)
        mixed = found["input"]
        promise(torch.equal(mixed, again["input"]) and torch.equal(partner, same_partner) and share == same_share, "draws follow the seed")
        promise(0.0 <= share <= 1.0, "the share lies between 0 and 1")
        promise(sorted(partner.tolist()) == list(range(len(x))), "each sample is a partner once")
        promise(mixed.shape == x.shape and mixed.dtype == x.dtype, "shape and dtype stay")
        # Of ones and zeros the mean of what is mixed is the share of the ones.
        ones = torch.zeros_like(x)
        ones[0] = 1.0
        means = mixer.mixed({"input": ones}, seed)[0]["input"].flatten(1).mean(1)
        expected = torch.zeros(len(x), dtype=x.dtype)
        expected[0] += share
        expected[partner == 0] += 1 - share
        promise(torch.allclose(means, expected, atol=1e-5), "inputs are mixed by the share that is given")
        shares.add(share)
    promise(torch.equal(x, before), "the inputs stay as they were")
    promise(len(shares) > 1, "another seed draws another share")

"""Randomness has an address: every draw is a function of the seed and of what it is for, never of time, worker or process.

`derive` is for what happens seldom (initial values, the order of an epoch); `mix` is for what happens at every step.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_MASK = (1 << 64) - 1
_PERSON = b"lamina"


def derive(seed: int, *purpose: str | int) -> int:
    """A 64-bit number that depends on the seed and the purpose alone, the same on every machine and for ever.

    Args:
        seed: The seed of the run; any whole number.
        purpose: What the number is for, such as ``("initial", "dense_1", "weight")``. Words and numbers differ: ``"1"`` isn't ``1``.

    Returns:
        A number from 0 up to 2**64 - 1 (BLAKE2b of the parts, each with its kind and length).

    Example:
        >>> derive(7, "initial", "dense_1", "weight")
        13524176233818384036
        >>> derive(7, "step", 1) == derive(7, "step1"), derive(7, "a", "bc") == derive(7, "ab", "c")
        (False, False)
    """
    digest = hashlib.blake2b(digest_size=8, person=_PERSON)
    for part in (seed, *purpose):
        kind, text = ("s", part) if isinstance(part, str) else ("i", str(int(part)))
        data = text.encode()
        digest.update(f"{kind}{len(data)}:".encode() + data)
    return int.from_bytes(digest.digest(), "little")


def mix(base: int, index: int) -> int:
    """The ``index``-th number of the stream ``base``: cheap enough (under a microsecond) for every step.

    SplitMix64 (Steele, Lea and Flood 2014): the state ``base + (index + 1) * golden`` passed through its finaliser, a
    bijection of 64 bits, so that no two steps of a run share a seed.

    Args:
        base: From `derive`.
        index: Which one, from 0.

    Example:
        >>> mix(0, 0) == 0xE220A8397B1DCDAF, mix(0, 1) == 0x6E789E6AA1B965F4
        (True, True)
    """
    z = (base + (index + 1) * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def generator(seed: int, *purpose: str | int) -> torch.Generator:
    """A torch generator on the CPU seeded with `derive`."""
    import torch

    return torch.Generator().manual_seed(derive(seed, *purpose))

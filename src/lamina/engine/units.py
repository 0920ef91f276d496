"""Units of Boltzmann machines: their means, draws and free energies, all functions of what flows into them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

# How far the shares of a group may add up to something else than 1.
_TOLERANCE = 1e-3


class Units:
    """Units of one kind; ``x`` is what flows into them, weights times the other side plus bias, ``[batch, n]``.

    Args:
        kind: ``binary``, ``gaussian``, ``softmax`` or ``rectified``.
        groups: Of softmax units: into how many equal groups they fall.

    Example:
        >>> Units("binary").mean(torch.tensor([[0.0]]))
        tensor([[0.5000]])
    """

    def __init__(self, kind: str, groups: int = 1) -> None:
        self.kind = kind
        self.groups = groups

    def mean(self, x: Tensor) -> Tensor:
        """Expected values."""
        if self.kind == "binary":
            return torch.sigmoid(x)
        if self.kind == "softmax":
            return torch.softmax(self._grouped(x), -1).flatten(1)
        return F.relu(x) if self.kind == "rectified" else x

    def draw(self, x: Tensor) -> Tensor:
        """Values drawn with torch's global generator: one uniform number a binary unit, one a softmax group, else a normal one a unit."""
        if self.kind == "binary":
            return (torch.rand_like(x) < torch.sigmoid(x)).to(x.dtype)
        if self.kind == "softmax":
            shares = torch.softmax(self._grouped(x), -1).cumsum(-1)
            # The last sum may be rounded to less than 1, and some unit must be on.
            chosen = (torch.rand_like(shares[..., :1]) >= shares[..., :-1]).sum(-1)
            return F.one_hot(chosen, shares.shape[-1]).to(x.dtype).flatten(1)
        if self.kind == "rectified":
            return F.relu(x + torch.randn_like(x) * torch.sigmoid(x).sqrt())
        return x + torch.randn_like(x)

    @property
    def integrable(self) -> bool:
        """Whether `log_partition` has a closed form."""
        return self.kind != "rectified"

    def log_partition(self, x: Tensor) -> Tensor:
        """``log sum_h exp(x.h)``, ``[batch]``, an integral for Gaussian units (without their constant ``n/2 log(2 pi)``)."""
        if self.kind == "binary":
            return F.softplus(x).sum(-1)
        if self.kind == "softmax":
            return torch.logsumexp(self._grouped(x), -1).sum(-1)
        return 0.5 * x.square().sum(-1)

    def energy(self, values: Tensor, bias: Tensor | None) -> Tensor:
        """What the values of these units cost by themselves, ``[batch]``."""
        if self.kind == "gaussian":
            return 0.5 * (values if bias is None else values - bias).square().sum(-1)
        return values.new_zeros(len(values)) if bias is None else -(values @ bias)

    def error(self, x: Tensor, values: Tensor) -> Tensor:
        """How badly the mean for ``x`` gives ``values`` back, ``[batch]``: cross entropy or squared error, a mean over units or groups."""
        if self.kind == "binary":
            return F.binary_cross_entropy_with_logits(x, values, reduction="none").mean(-1)
        if self.kind == "softmax":
            return -(torch.log_softmax(self._grouped(x), -1) * self._grouped(values)).sum(-1).mean(-1)
        return (self.mean(x) - values).square().mean(-1)

    def wrong(self, values: Tensor) -> Tensor | None:
        """Which values units of this kind can't have; None: they can have any."""
        if self.kind == "binary":
            return (values < 0) | (values > 1)
        if self.kind == "softmax":
            off = (self._grouped(values).sum(-1, keepdim=True) - 1).abs() > _TOLERANCE
            return (values < 0) | off.expand_as(self._grouped(values)).flatten(1)
        return None

    @property
    def rule(self) -> str:
        """What values must be, in words."""
        return {"binary": "values from 0 to 1", "softmax": "shares of at least 0 that add up to 1 in each group"}.get(
            self.kind, "finite numbers"
        )

    def _grouped(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-1], self.groups, -1)

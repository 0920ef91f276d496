"""Products of matrices, and sums of products."""

from __future__ import annotations

import torch
from torch import Tensor

from lamina.engine.operators.registry import operator


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """A product of matrices; whole numbers that torch has no kernel for are computed as int64."""
    if a.dtype.is_floating_point or a.dtype in (torch.int32, torch.int64):
        return torch.matmul(a, b)
    return torch.matmul(a.to(torch.int64), b.to(torch.int64)).to(a.dtype)


@operator("MatMul")
def run_matmul(a: Tensor, b: Tensor) -> Tensor:
    """Product of matrices, along the last two axes."""
    return matmul(a, b)


@operator("Gemm")
def gemm(
    a: Tensor,
    b: Tensor,
    c: Tensor | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,  # noqa: N803
) -> Tensor:
    """``alpha a b + beta c``."""
    y = matmul(a.T if transA else a, b.T if transB else b)
    y = y if alpha == 1 else (y * alpha).to(y.dtype)
    return y if c is None else y + (c if beta == 1 else (c * beta).to(c.dtype))


@operator("Einsum")
def einsum(*values: Tensor, equation: str) -> Tensor:
    """A sum of products that letters describe."""
    result: Tensor = torch.einsum(equation, *values)
    return result

"""Gradients of operators are right, in families; their outputs are held by ONNX's own cases."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lamina.engine.operators import operator
from lamina.testing.operators import check_operator


def real(*sizes: int, low: float = 0.2, high: float = 0.9) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(sizes))
    return torch.rand(sizes, generator=generator, dtype=torch.float64) * (high - low) + low


SMOOTH = "Abs Acos Asin Atan Atanh Cos Cosh Erf Exp Log Neg Reciprocal Relu Sigmoid Sin Sinh Sqrt Tan Tanh Softsign Softplus Elu Celu Selu"
CASES: list[tuple[str, list[Any], dict[str, Any]]] = [
    *[(name, [real(2, 3)], {}) for name in (SMOOTH + " Gelu Swish Mish HardSwish HardSigmoid ThresholdedRelu Softmax LogSoftmax").split()],
    *[(name, [real(2, 3), real(3)], {}) for name in ("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "PRelu")],
    *[(f"Reduce{name}", [real(2, 3), torch.tensor([1])], {}) for name in ("Sum", "Mean", "Prod", "Max", "Min", "L1", "L2", "LogSumExp")],
    ("MatMul", [real(2, 3), real(3, 4)], {}),
    ("Gemm", [real(3, 2), real(4, 3), real(4)], {"transA": 1, "transB": 1, "alpha": 0.5, "beta": 2.0}),
    ("Conv", [real(1, 2, 5), real(3, 2, 3), real(3)], {"pads": [1, 0], "strides": [2]}),
    ("ConvTranspose", [real(1, 2, 4), real(2, 3, 3)], {"strides": [2], "pads": [1, 0], "output_padding": [1]}),
    ("MaxPool", [real(1, 2, 5, 5)], {"kernel_shape": [2, 2], "ceil_mode": 1, "strides": [2, 2]}),
    ("AveragePool", [real(1, 2, 5)], {"kernel_shape": [3], "pads": [1, 1]}),
    ("LpPool", [real(1, 2, 5)], {"kernel_shape": [3], "p": 3}),
    ("DeformConv", [real(1, 2, 4, 4), real(3, 2, 2, 2), real(1, 8, 3, 3, high=0.4)], {}),
    ("BatchNormalization", [real(3, 2), real(2), real(2), real(2), real(2)], {}),
    ("LayerNormalization", [real(2, 4), real(4), real(4)], {}),
    ("InstanceNormalization", [real(2, 2, 4), real(2), real(2)], {}),
    ("GroupNormalization", [real(2, 4, 3), real(4), real(4)], {"num_groups": 2}),
    ("LRN", [real(1, 4, 3)], {"size": 3}),
    ("LSTM", [real(3, 2, 4), real(1, 12, 4), real(1, 12, 3), real(1, 24)], {"hidden_size": 3}),
    ("GRU", [real(3, 2, 4), real(2, 9, 4), real(2, 9, 3), real(2, 18)], {"hidden_size": 3, "direction": "bidirectional"}),
    ("RNN", [real(3, 2, 4), real(1, 3, 4), real(1, 3, 3)], {"hidden_size": 3, "direction": "reverse"}),
    ("Attention", [real(1, 2, 3, 4), real(1, 2, 5, 4), real(1, 2, 5, 4)], {"is_causal": 1, "softcap": 2.0}),
    ("Resize", [real(1, 1, 3, 4), None, torch.tensor([1.0, 1.0, 2.0, 1.5])], {"mode": "cubic"}),
    ("GridSample", [real(1, 1, 4, 4), real(1, 3, 3, 2)], {"mode": "linear"}),
    ("Gather", [real(4, 3), torch.tensor([[0, -1]])], {"axis": 0}),
    ("ScatterND", [real(4, 3), torch.tensor([[1], [3]]), real(2, 3)], {}),
    ("Slice", [real(4, 3), torch.tensor([-1]), torch.tensor([-10]), torch.tensor([0]), torch.tensor([-2])], {}),
    ("Pad", [real(2, 4), torch.tensor([0, 2, 0, 1])], {"mode": "reflect"}),
    ("Einsum", [real(2, 3), real(3, 4)], {"equation": "ij,jk->ki"}),
]


@pytest.mark.parametrize(("name", "inputs", "attributes"), CASES, ids=[case[0] for case in CASES])
def test_contract(name: str, inputs: list[Any], attributes: dict[str, Any]) -> None:
    check_operator(name, inputs, attributes)


def test_a_broken_promise_is_found() -> None:
    @operator("Spoils", domain="org.example.test")
    def spoils(x: torch.Tensor) -> torch.Tensor:
        """Changes what it is given."""
        return x.mul_(2)

    with pytest.raises(AssertionError, match="leaves its inputs"):
        check_operator("Spoils", [real(3)], domain="org.example.test")

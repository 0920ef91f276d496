"""The words of the language, and how many axes what they give has.

| words | what they compute |
|---|---|
| `linear` `conv` `conv_transpose` `embedding` `batch_norm` `layer_norm` `rms_norm` `group_norm` `instance_norm` `prelu` `recurrent` | with weights, in torch's layouts and arithmetic |
| `max_pool` `avg_pool` `attention` | without |
| `add` `sub` `mul` `div` `pow` `maximum` `minimum` `equal` `less` `greater` `and` `or` `not` `where` `cast` | number by number, shapes spread as in NumPy |
| `relu` `sigmoid` `tanh` ... | activations; see `lamina.interop.emission.activations` |
| `mean` `sum` `amax` `amin` `prod` `l2` `any` `all` `argmax` `cumsum` `softmax` `log_softmax` | along axes |
| `reshape` `transpose` `unsqueeze` `squeeze` `concat` `slice` `take` `gather` `pad` `expand` `tile` `flip` | the same numbers elsewhere |
| `size` `arange` | whole numbers that are known when it runs |
| `matmul` `einsum` | products |
"""  # noqa: E501 (a table)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lamina.interop.emission.draft import Operand, Value, Weight

MOST = ("add", "sub", "mul", "div", "pow", "maximum", "minimum", "equal", "less", "greater", "and", "or", "where", "matmul")
"""Words whose result has the axes of the input that has most."""


def rank_of(kind: str, inputs: Sequence[Operand | None], settings: Mapping[str, Any]) -> int:  # noqa: ARG001 (room for words to come)
    """Axes of what an operation gives: those of its first input, or of the one that has most."""
    ranks = [value.rank for value in inputs if isinstance(value, Value | Weight)]
    if not ranks:
        return 0
    return max(ranks) if kind in MOST else ranks[0]

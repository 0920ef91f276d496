"""The contract of operators: what is entered with `lamina.engine.operators.operator` keeps what nodes of operators count on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lamina.engine.operators.registry import Context, find
from lamina.network.operators import signature
from lamina.testing.promises import promise


def check_operator(
    name: str, inputs: Sequence[Any], attributes: Mapping[str, Any] | None = None, *, domain: str = "", differentiable: bool = True
) -> None:
    """Run the whole contract on one operator.

    Args:
        name: What it is called.
        inputs: Tensors, those with fractions in float64, but for settings, which get no gradient; None where one is left out.
        attributes: By name.
        domain: Set of operators.
        differentiable: Whether gradients pass from every input with fractions.

    Raises:
        AssertionError: Naming the promise that is broken.

    Example:
        >>> check_operator("LeakyRelu", [torch.linspace(-1, 1, 6, dtype=torch.float64)], {"alpha": 0.3})
    """
    entry, known, given = find(name, domain), signature(name, domain), dict(attributes or {})
    promise(known is not None and known.attributes == set(entry.attributes), "importers know it with the attributes that it has")
    promise(bool(entry.run.__doc__) or entry.run.__name__ == "run", "its function says what it does")
    promise(set(given) <= set(entry.attributes), "only attributes that it has are given")
    promise(entry.least <= len(inputs) and (entry.most is None or len(inputs) <= entry.most), "it takes this many inputs")

    def run(*values: Any, real: torch.dtype = torch.float64) -> tuple[Any, ...]:
        settings = {entry.keyword(key): value for key, value in given.items()}
        if "context" in entry.special:
            settings["context"] = Context(real=real)
        found = entry.run(*values, **settings)
        return found if isinstance(found, tuple) else (found,)

    kept = [value.clone() if isinstance(value, Tensor) else value for value in inputs]
    wide = run(*inputs)
    for before, after in zip(kept, inputs, strict=True):
        promise(not isinstance(before, Tensor) or torch.equal(before, after), "it leaves its inputs as they are")
    narrow = run(*(value.float() if _real(value) else value for value in inputs), real=torch.float32)
    for one, other in zip(wide, narrow, strict=True):
        if _real(one):
            promise(torch.allclose(one.float(), other.float(), rtol=1e-4, atol=1e-5, equal_nan=True), "float32 and float64 give the same")
    smooth = [value.clone().requires_grad_() if _wide(value) else value for value in inputs]
    places = [place for place, value in enumerate(smooth) if _wide(value)]
    if differentiable and places:

        def first(*values: Tensor) -> Tensor:
            whole = list(smooth)
            for place, value in zip(places, values, strict=True):
                whole[place] = value
            result: Tensor = run(*whole)[0]
            return result

        checked = [smooth[place] for place in places]
        promise(torch.autograd.gradcheck(first, checked, eps=1e-6, atol=1e-5, fast_mode=True), "its gradients are right")


def _real(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype.is_floating_point


def _wide(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype == torch.float64

"""Texts that somebody gives without saying what column they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def named_texts(data: Any, columns: Sequence[str]) -> Any:
    """Bare texts, a list or array of them, as the only column of texts that there is; all else as it is.

    Args:
        data: Whatever a user gives to a model.
        columns: What the model reads.

    Example:
        >>> named_texts(["a", "b"], ["review"]), named_texts(["a"], ["review", "age"])
        ({'review': ['a', 'b']}, ['a'])
    """
    if len(columns) != 1:
        return data
    if getattr(data, "ndim", None) == 1 and hasattr(data, "dtype") and getattr(data.dtype, "kind", "") in ("U", "O"):
        data = data.tolist()
    bare = isinstance(data, list | tuple) and bool(data) and all(isinstance(text, str) for text in data)
    return {columns[0]: list(data)} if bare else data

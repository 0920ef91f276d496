"""Sizes of sliding windows: what convolutions and pooling share, on the description's side and on torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from lamina.network.layers.layer import Layer
from lamina.spec import wrong_value
from lamina.spec.fields import spread


def _padding(axes: int, words: tuple[str, ...]) -> Callable[[Any], Any]:
    """A validator for one of ``words``, a whole number of at least 0, or one such number an axis."""

    def check(value: Any) -> str | int | tuple[int, ...]:
        if isinstance(value, str) and value in words:
            return value
        items = list(value) if isinstance(value, list | tuple) else [value]
        right = all(isinstance(item, int) and not isinstance(item, bool) and item >= 0 for item in items)
        if not right or (isinstance(value, list | tuple) and len(items) != axes):
            quoted = ", ".join(repr(word) for word in words)
            several = "" if axes == 1 else f", or a list of {axes}"
            raise wrong_value(
                expected=f"{quoted}, or a whole number of at least 0{several}",
                cause="this is no way to pad",
                fix="write padding: same to keep the size (divided by the stride), or padding: valid for none",
            )
        return items[0] if axes == 1 or not isinstance(value, list | tuple) else tuple(items)

    return check


def _schema(axes: int, words: tuple[str, ...]) -> WithJsonSchema:
    number = {"type": "integer", "minimum": 0}
    several = {"type": "array", "items": number, "minItems": axes, "maxItems": axes}
    return WithJsonSchema({"anyOf": [{"enum": list(words)}, number, several]})


_WORDS = ("valid", "same")
CausalPadding1 = Annotated[str | int, PlainValidator(_padding(1, (*_WORDS, "causal"))), _schema(1, (*_WORDS, "causal"))]
Padding1 = Annotated[str | int, PlainValidator(_padding(1, _WORDS)), _schema(1, _WORDS)]
Padding2 = Annotated[str | int | tuple[int, int], PlainValidator(_padding(2, _WORDS)), _schema(2, _WORDS)]
Padding3 = Annotated[str | int | tuple[int, int, int], PlainValidator(_padding(3, _WORDS)), _schema(3, _WORDS)]
_POOL_WORDS = (*_WORDS, "ceil")
PoolPadding1 = Annotated[str | int, PlainValidator(_padding(1, _POOL_WORDS)), _schema(1, _POOL_WORDS)]
PoolPadding2 = Annotated[str | int | tuple[int, int], PlainValidator(_padding(2, _POOL_WORDS)), _schema(2, _POOL_WORDS)]
PoolPadding3 = Annotated[str | int | tuple[int, int, int], PlainValidator(_padding(3, _POOL_WORDS)), _schema(3, _POOL_WORDS)]
AnyPadding = str | int | tuple[int, ...]
"""What the padding fields hold once they are checked."""


def reach(kernel: int, dilation: int) -> int:
    """How many positions a window spans.

    Example:
        >>> reach(3, 2)
        5
    """
    return (kernel - 1) * dilation + 1


def pads(size: int, kernel: int, stride: int, dilation: int, padding: str | int) -> tuple[int, int]:
    """Positions added before and after an axis of ``size``.

    ``same`` is TensorFlow's arithmetic: the output has ``ceil(size / stride)`` positions, and an odd position goes to the
    end. ``causal`` puts all before, so that an output sees nothing later than itself. ``ceil`` puts all at the end, just so
    much that no position is left over behind the last window; a window that would begin there has nothing to look at. ``ceil+2`` is
    the same beside 2 positions on both sides; no window begins in those behind.

    Example:
        >>> pads(28, 5, 1, 1, "same"), pads(28, 3, 2, 1, "same"), pads(28, 3, 1, 2, "causal"), pads(28, 3, 1, 1, 1)
        ((2, 2), (0, 1), (4, 0), (1, 1))
        >>> pads(28, 3, 2, 1, "ceil"), pads(27, 3, 2, 1, "ceil")
        ((0, 1), (0, 0))
        >>> pads(7, 3, 2, 1, "ceil+1"), pads(6, 2, 2, 1, "ceil+1"), pads(2, 3, 2, 1, "ceil+0")
        ((1, 1), (1, 1), (0, 1))
    """
    if isinstance(padding, int):
        return padding, padding
    if padding == "causal":
        return reach(kernel, dilation) - 1, 0
    if padding == "same":
        total = max((-(-size // stride) - 1) * stride + reach(kernel, dilation) - size, 0)
        return total // 2, total - total // 2
    if padding == "ceil" and size >= reach(kernel, dilation):
        last = min(-(-(size - reach(kernel, dilation)) // stride), (size - 1) // stride) * stride
        return 0, max(last + reach(kernel, dilation) - size, 0)
    if padding.startswith("ceil+"):
        before = int(padding.removeprefix("ceil+"))
        last = max(-(-(size + 2 * before - reach(kernel, dilation)) // stride), 0)
        if last * stride >= size + before:
            last = (size + before - 1) // stride
        return before, max(last * stride + reach(kernel, dilation) - size - before, 0)
    return 0, 0


def slid(size: int, kernel: int, stride: int, dilation: int, padding: str | int) -> int:
    """Positions of the output: ``floor((size + pads - reach) / stride) + 1``; below 1 if the window doesn't fit.

    Example:
        >>> slid(28, 5, 1, 1, "valid"), slid(28, 3, 2, 1, "same"), slid(7, 2, 2, 1, "valid")
        (24, 14, 3)
    """
    return (size + sum(pads(size, kernel, stride, dilation, padding)) - reach(kernel, dilation)) // stride + 1


def crops(kernel: int, stride: int, dilation: int, padding: str | int, extra: int = 0) -> tuple[int, int]:
    """Positions cut off before and after the full output of a transposed convolution; a negative number adds some.

    The full output has ``(size - 1) * stride + reach`` positions. ``same`` gives ``size * stride``.

    Example:
        >>> crops(4, 2, 1, "same"), crops(3, 2, 1, "same"), crops(2, 3, 1, "same"), crops(3, 2, 1, 1, extra=1)
        ((1, 1), (0, 1), (0, -1), (1, 0))
    """
    if isinstance(padding, int):
        return padding, padding - extra
    if padding == "same":
        total = reach(kernel, dilation) - stride
        return max(total, 0) // 2, total - max(total, 0) // 2
    return 0, -extra


def spread_padding(padding: AnyPadding, axes: int) -> tuple[str | int, ...]:
    """One padding for each axis."""
    return (padding,) * axes if isinstance(padding, str) else spread(padding, axes)


def slide(
    layer: Layer,
    sizes: tuple[int | None, ...],
    names: tuple[str, ...],
    *,
    kernel: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    dilation: int | tuple[int, ...],
    padding: AnyPadding,
) -> tuple[int | None, ...]:
    """Output sizes of a window over several axes; unknown lengths stay unknown.

    Args:
        layer: For messages.
        sizes: Sizes of the axes.
        names: Their names, for messages.
        kernel: Window size.
        stride: Step of the window.
        dilation: Distance between the window's positions.
        padding: How the axes are padded.

    Raises:
        ShapeError: NN002, if the window does not fit.
    """
    axes = len(sizes)
    settings = zip(spread(kernel, axes), spread(stride, axes), spread(dilation, axes), spread_padding(padding, axes), strict=True)
    found: list[int | None] = []
    for name, size, (k, s, d, p) in zip(names, sizes, settings, strict=True):
        if size is None:
            found.append(None)
            continue
        count = slid(size, k, s, d, p)
        if count < 1:
            padded = size + sum(pads(size, k, s, d, p))
            raise layer.refuse(
                "NN002",
                expected=f"a {name} of at least {reach(k, d)} once padded, for a window of {k}" + (f" with dilation {d}" if d > 1 else ""),
                got=f"a {name} of {padded}" + (f" ({size} and {padded - size} of padding)" if padded > size else ""),
                cause="earlier convolutions and pooling have made it too small, or the input is smaller than the network was made for",
                fix=f"set padding: same, a smaller window (at most {padded}), or take out a pooling layer before it",
            )
        found.append(count)
    return tuple(found)

"""Vectors as short messages: by threshold, by sign, by the largest values. What a message says is taken out of the vector."""

from __future__ import annotations

import numpy as np
import torch

_GROUP = 32
"""Values of which only the largest is looked at first."""
_SPARSE, _BITMAP = 0, 1
_HEAD = 16
_STRETCH = 1 << 18
"""Values worked on at once, so that they stay in the processor's cache."""


def encode_threshold(kept: np.ndarray, threshold: float) -> tuple[np.ndarray, int]:
    """Say where values are at least the threshold, and take it out of them; gives the message, and how many there are.

    Signed places, counted from 1, of 32 bits each; where a bitmap of 2 bits for each value is shorter, that.

    Example:
        >>> values = np.array([0.5, -3.0, 0.0, 1.0])
        >>> message, sent = encode_threshold(values, 1.0)
        >>> total = np.zeros(4)
        >>> decode_threshold(message, total)
        >>> values.tolist(), sent, total.tolist()
        ([0.5, -2.0, 0.0, 0.0], 2, [0.0, -1.0, 0.0, 1.0])
    """
    step = kept.dtype.type(threshold)
    places = _reaching(kept, step) if threshold else np.zeros(0, np.int64)
    signs = np.sign(kept[places])
    kept[places] -= signs * step
    head = np.zeros(_HEAD, np.uint8)
    head[:8] = np.frombuffer(np.float64(step).tobytes(), np.uint8)
    if len(places) * 16 < len(kept):
        signed = (places + 1).astype(np.int32) * signs.astype(np.int32)
        head[8] = _SPARSE
        return np.concatenate([head, signed.view(np.uint8)]), len(places)
    codes = np.zeros(-(-len(kept) // 4) * 4, np.uint8)
    codes[places] = np.where(signs > 0, 1, 2)
    quarters = codes.reshape(-1, 4)
    head[8] = _BITMAP
    packed = quarters[:, 0] | quarters[:, 1] << 2 | quarters[:, 2] << 4 | quarters[:, 3] << 6
    return np.concatenate([head, packed.astype(np.uint8)]), len(places)


def decode_threshold(message: np.ndarray, total: np.ndarray) -> None:
    """Add what `encode_threshold` has said to a vector."""
    step = total.dtype.type(np.frombuffer(message[:8].tobytes(), np.float64)[0])
    body = message[_HEAD:]
    if message[8] == _SPARSE:
        signed = np.frombuffer(body.tobytes(), np.int32)
        total[np.abs(signed) - 1] += np.sign(signed) * step
        return
    codes = (body[:, None] >> np.array([0, 2, 4, 6], np.uint8) & 3).reshape(-1)[: len(total)]
    total += np.array([0, step, -step, 0], total.dtype)[codes]


def _reaching(values: np.ndarray, threshold: np.floating) -> np.ndarray:
    """Places of the values whose size is at least the threshold; of each group only the largest is looked at first."""
    whole = len(values) // _GROUP * _GROUP
    groups = torch.from_numpy(values[:whole].reshape(-1, _GROUP))
    # Twenty times as fast as the norm of each group.
    rows = (
        np.flatnonzero((groups.amax(1).numpy() >= threshold) | (groups.amin(1).numpy() <= -threshold)) if whole else np.zeros(0, np.int64)
    )
    chosen = groups.numpy()[rows].reshape(-1)
    places = np.flatnonzero((chosen >= threshold) | (chosen <= -threshold))
    rest = np.flatnonzero(np.abs(values[whole:]) >= threshold) + whole
    found: np.ndarray = np.concatenate([rows[places // _GROUP] * _GROUP + places % _GROUP, rest])
    return found


def encode_bits(kept: np.ndarray, block: int) -> np.ndarray:
    """Say the sign of every value, and of each block the mean size; take that out of the values.

    Example:
        >>> values = np.array([1.0, -3.0, 1.0, 3.0, 2.0, 2.0, -2.0, 2.0, 5.0])
        >>> message = encode_bits(values, 8)
        >>> total = np.zeros(9)
        >>> decode_bits(message, total, 8)
        >>> total.tolist(), values.tolist()
        ([2.0, -2.0, 2.0, 2.0, 2.0, 2.0, -2.0, 2.0, 5.0], [-1.0, -1.0, -1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    """
    whole = len(kept) // block * block
    scales, bits = [], []
    stretch = max(1, _STRETCH // block) * block
    for start in range(0, whole, stretch):
        part = kept[start : min(start + stretch, whole)]
        rows = part.reshape(-1, block)
        size = torch.linalg.vector_norm(torch.from_numpy(rows), 1, dim=1).numpy() / block
        bits.append(np.packbits(part >= 0))
        rows -= np.copysign(size[:, None], rows)
        scales.append(size)
    if whole < len(kept):
        part = kept[whole:]
        size = np.abs(part).mean(keepdims=True, dtype=kept.dtype)
        bits.append(np.packbits(part >= 0))
        part -= np.where(part >= 0, size, -size)
        scales.append(size)
    return np.concatenate([np.concatenate(scales).astype(kept.dtype).view(np.uint8), *bits])


def decode_bits(message: np.ndarray, total: np.ndarray, block: int) -> None:
    """Add what `encode_bits` has said to a vector."""
    count = -(-len(total) // block)
    scales = np.frombuffer(message[: count * total.itemsize].tobytes(), total.dtype)
    bits = message[count * total.itemsize :]
    whole = len(total) // block * block
    stretch = max(1, _STRETCH // block) * block
    signs = _signs(total.dtype)
    for start in range(0, whole, stretch):
        stop = min(start + stretch, whole)
        values = signs[bits[start // 8 : stop // 8]].reshape(-1, block)
        values *= scales[start // block : stop // block, None]
        total[start:stop] += values.reshape(-1)
    if whole < len(total):
        total[whole:] += signs[bits[whole // 8 :]].reshape(-1)[: len(total) - whole] * scales[-1]


def _signs(dtype: np.dtype) -> np.ndarray:
    """The eight signs that a byte says, for every byte."""
    found: np.ndarray = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(dtype) * 2 - 1
    return found


def encode_largest(kept: np.ndarray, count: int) -> np.ndarray:
    """Say the largest values with their places, and take them out.

    Example:
        >>> values = np.array([1.0, -3.0, 2.0])
        >>> total = np.zeros(3)
        >>> decode_largest(encode_largest(values, 1), total)
        >>> values.tolist(), total.tolist()
        ([1.0, 0.0, 2.0], [0.0, -3.0, 0.0])
    """
    places = torch.from_numpy(np.abs(kept)).topk(count, sorted=False).indices.numpy()
    values = kept[places]
    kept[places] = 0
    return np.concatenate([values.view(np.uint8), places.astype(np.int32).view(np.uint8)])


def decode_largest(message: np.ndarray, total: np.ndarray) -> None:
    """Add what `encode_largest` has said to a vector."""
    count = len(message) // (total.itemsize + 4)
    data = message.tobytes()
    values = np.frombuffer(data, total.dtype, count)
    total[np.frombuffer(data, np.int32, count, count * total.itemsize)] += values

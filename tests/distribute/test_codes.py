"""Short messages of vectors: what goes out and what is kept add up to what was there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lamina.distribute.exchange.codes import (
    decode_bits,
    decode_largest,
    decode_threshold,
    encode_bits,
    encode_largest,
    encode_threshold,
)

Code = tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray, np.ndarray], None]]
CODES: dict[str, Code] = {
    "sparse": (lambda kept: encode_threshold(kept, 2.5)[0], decode_threshold),
    "bitmap": (lambda kept: encode_threshold(kept, 0.1)[0], decode_threshold),
    "nothing": (lambda kept: encode_threshold(kept, 100.0)[0], decode_threshold),
    "bits": (lambda kept: encode_bits(kept, 8), lambda message, total: decode_bits(message, total, 8)),
    "long bits": (lambda kept: encode_bits(kept, 8192), lambda message, total: decode_bits(message, total, 8192)),
    "largest": (lambda kept: encode_largest(kept, 1), decode_largest),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 7, 31, 32, 33, 1000, 20_011, 300_007])
@pytest.mark.parametrize("code", list(CODES))
def test_what_is_sent_and_what_is_kept_add_up(code: str, size: int, dtype: type) -> None:
    encode, decode = CODES[code]
    given = np.random.default_rng(size).normal(size=size).astype(dtype)
    kept, sent = given.copy(), np.zeros(size, dtype)
    message = encode(kept)
    assert message.dtype == np.uint8
    decode(message, sent)
    np.testing.assert_allclose(kept + sent, given, rtol=0, atol=1e-6 if dtype == np.float32 else 1e-14)
    twice = sent.copy()
    decode(message, twice)
    np.testing.assert_allclose(twice, 2 * sent)


def test_how_long_messages_are() -> None:
    values = np.random.default_rng(0).normal(size=64_000).astype(np.float32)
    reach = int((np.abs(values) >= np.float32(3.0)).sum())
    assert len(encode_threshold(values.copy(), 3.0)[0]) == 16 + 4 * reach
    assert len(encode_threshold(values.copy(), 0.01)[0]) == 16 + 64_000 // 4  # 2 bits each
    assert len(encode_bits(values.copy(), 8192)) == 64_000 // 8 + 4 * 8
    assert len(encode_largest(values.copy(), 640)) == 640 * 8


def test_all_that_reach_the_threshold_are_found() -> None:
    values = np.zeros(1003, np.float32)
    values[[0, 31, 32, 999, 1002]] = [1, -1, 2, -3, 1]
    message, count = encode_threshold(values, 1.0)
    sent = np.zeros(1003, np.float32)
    decode_threshold(message, sent)
    assert count == 5
    assert sent[[0, 31, 32, 999, 1002]].tolist() == [1, -1, 1, -1, 1]
    assert values[[0, 31, 32, 999, 1002]].tolist() == [0, 0, 1, -2, 0]

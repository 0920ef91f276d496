"""Numbers from texts, the same for ever and everywhere."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

from lamina.data.expressions.functions.function import INTEGER, At, Function, Parameter

_MASK, _FACTOR = 0xFFFFFFFF, 0x045D9F3B


def hash_number(text: str, seed: int = 0) -> int:
    """A whole number of 32 bits for a text: CRC-32 (zlib's) of its UTF-8, mixed with a seed.

    ``h = crc32(text) xor mix(seed)``, then ``mix``; ``mix(h)`` is ``h = ((h >> 16) xor h) * 0x45d9f3b`` twice and
    ``(h >> 16) xor h``, all of 32 bits.

    Example:
        >>> hash_number("Bern"), hash_number("Bern", seed=1)
        (1609274013, 4232523386)
    """
    return int(_mixed(zlib.crc32(text.encode()) ^ _mixed(seed & _MASK)))


def _mixed(h: Any) -> Any:
    """Spreads the bits; of an integer or of an array of them."""
    for _ in range(2):
        h = (((h >> 16) ^ h) * _FACTOR) & _MASK
    return (h >> 16) ^ h


def _bucket_polars(at: At, x: Any, buckets: Any, seed: Any) -> Any:
    count, start = at.values[1], _mixed(at.values[2] & _MASK)
    text = x.cast(at.api.String)

    def run(column: Any) -> Any:
        import numpy as np
        import polars as pl

        # Columns repeat their values; each different one is hashed once.
        unique = column.drop_nulls().unique()
        crc = zlib.crc32
        codes = np.fromiter([crc(value.encode()) for value in unique.to_list()], dtype=np.uint64, count=len(unique))
        found = pl.Series((_mixed(codes ^ np.uint64(start)) % np.uint64(count)).astype(np.int64))
        if len(unique) == len(column):
            return column.replace_strict(unique, found, return_dtype=pl.Int64)
        return column.replace_strict(unique, found, default=None, return_dtype=pl.Int64)

    return text.map_batches(run, return_dtype=at.api.Int64, is_elementwise=True)


def _bucket_spark(at: At, x: Any, buckets: Any, seed: Any) -> Any:
    api = at.api
    mask, factor = api.lit(_MASK).cast("bigint"), api.lit(_FACTOR).cast("bigint")

    def mixed(h: Any) -> Any:
        for _ in range(2):
            h = (api.shiftright(h, 16).bitwiseXOR(h) * factor).bitwiseAND(mask)
        return api.shiftright(h, 16).bitwiseXOR(h)

    code = api.crc32(api.encode(x.cast("string"), "UTF-8")).cast("bigint")
    # A list of one, so that the code is computed once, not eight times.
    start = api.lit(_mixed(at.values[2] & _MASK)).cast("bigint")
    hashed = api.transform(api.array(code), lambda h: mixed(h.bitwiseXOR(start)) % api.lit(at.values[1]).cast("bigint"))
    return api.element_at(hashed, 1)


def _counted(values: Sequence[Any]) -> tuple[str, str] | None:
    return None if 1 <= values[1] <= 2**31 else ("1 to 2147483648 buckets", "write hash_bucket(x, 1000)")


FUNCTIONS = [
    Function(
        "hash_bucket",
        (
            Parameter("x", ("string", "integer", "boolean")),
            Parameter("buckets", INTEGER, constant=True),
            Parameter("seed", INTEGER, constant=True, default=0),
        ),
        "integer",
        _bucket_polars,
        _bucket_spark,
        "A number from 0 up to but without `buckets`, the same for the same value for ever (CRC-32 of its text, mixed with the seed).",
        "hash_bucket(city, 100)",
        check=_counted,
    ),
]

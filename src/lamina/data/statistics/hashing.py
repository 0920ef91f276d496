"""A 64-bit number for each value of a column: the same on every machine, for every version, however a value is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import polars as pl

Hashes = np.ndarray
"""uint64."""
MISSING = np.uint64(0x9E3779B97F4A7C15)
"""What a missing value has."""
_LONG = 256
"""Bytes from which a text is hashed as a whole, not eight by eight."""


def mixed(values: np.ndarray, salt: int = 0) -> Hashes:
    """Every bit of 64-bit numbers spread over all others (the finaliser of SplitMix64)."""
    z = values.view(np.uint64) ^ np.uint64(salt & 0xFFFFFFFFFFFFFFFF)
    z = (z + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def number_hashes(values: np.ndarray) -> Hashes:
    """Hashes of numbers; a whole number has the hash of the equal float.

    Example:
        >>> bool(number_hashes(np.array([1, 2]))[0] == number_hashes(np.array([1.0]))[0])
        True
    """
    floats = values.astype(np.float64) + 0.0  # no minus zero
    floats = np.where(np.isnan(floats), np.nan, floats)  # one NaN
    bits = np.ascontiguousarray(floats).view(np.uint64)
    if values.dtype.kind in "iu" and values.dtype.itemsize == 8:
        large = np.abs(floats) >= 2.0**53  # where floats can't tell whole numbers apart
        bits = np.where(large, values.view(np.uint64), bits)
    return mixed(bits)


def text_hashes(texts: Sequence[str]) -> Hashes:
    """Hashes of texts.

    Example:
        >>> one, other = text_hashes(["a", "b"]), text_hashes(["b"])
        >>> bool(one[1] == other[0]), bool(one[0] == other[0])
        (True, False)
    """
    raw = [text.encode("utf-8", "surrogatepass") for text in texts]
    lengths = np.fromiter(map(len, raw), np.int64, len(raw))
    hashes = mixed(lengths.astype(np.uint64), 0x7E87)
    short = np.flatnonzero(lengths <= _LONG)
    data = np.frombuffer(b"".join(raw[i] for i in short.tolist()) + bytes(8), np.uint8)
    starts = np.cumsum(lengths[short]) - lengths[short]
    for place in range(0, int(lengths[short].max(initial=0)), 8):
        open_ = np.flatnonzero(lengths[short] > place)
        words = data[(starts[open_] + place)[:, None] + np.arange(8)].view("<u8")[:, 0].astype(np.uint64)
        left = np.minimum(lengths[short][open_] - place, 8)
        words &= np.where(left == 8, np.uint64(0xFFFFFFFFFFFFFFFF), (np.uint64(1) << (left * 8).astype(np.uint64)) - np.uint64(1))
        hashes[short[open_]] = mixed(hashes[short[open_]] ^ words, place)
    for i in np.flatnonzero(lengths > _LONG).tolist():
        hashes[i] = int.from_bytes(hashlib.blake2b(raw[i], digest_size=8).digest(), "little")
    return hashes


def name_salt(name: str) -> int:
    """A number for the name of a column."""
    return int(text_hashes([name])[0])


def series_hashes(series: pl.Series) -> Hashes:
    """Hashes of all values of a column, in order."""
    import polars as pl

    dtype = series.dtype
    if dtype == pl.Null:
        return np.full(len(series), MISSING)
    if dtype == pl.Boolean or dtype.is_numeric():
        if dtype.is_decimal():
            series = series.cast(pl.Float64)
        return _known(series, lambda known: number_hashes(known.cast(pl.Float64 if known.dtype == pl.Boolean else known.dtype).to_numpy()))
    if dtype.is_temporal():
        return _known(series, lambda known: mixed(_moments(known), 0x71E))
    if isinstance(dtype, pl.List | pl.Array) and dtype.inner is not None and dtype.inner.is_numeric():
        return _known(series, _list_hashes)
    if dtype not in (pl.String, pl.Categorical, pl.Enum):
        return _known(series, lambda known: text_hashes([repr(value) for value in known.to_list()]))
    return _known(series.cast(pl.String), _through_unique)


def _known(series: pl.Series, function: Any) -> Hashes:
    if not series.null_count():
        found: Hashes = function(series)
        return found
    hashes = np.full(len(series), MISSING)
    hashes[series.is_not_null().to_numpy()] = function(series.drop_nulls())
    return hashes


def _moments(series: pl.Series) -> np.ndarray:
    import polars as pl

    if isinstance(series.dtype, pl.Datetime):
        series = series.cast(pl.Datetime("us", series.dtype.time_zone))
    elif series.dtype == pl.Date:
        series = series.cast(pl.Datetime("us"))
    return series.to_physical().cast(pl.Int64).to_numpy()


def _list_hashes(series: pl.Series) -> Hashes:
    import polars as pl

    if isinstance(series.dtype, pl.Array):
        series = series.arr.to_list()
    lengths = series.list.len().to_numpy().astype(np.int64)
    full = np.flatnonzero(lengths)
    flat = series.gather(full).explode().cast(pl.Float64).fill_null(float("nan")).to_numpy()
    ends = np.cumsum(lengths[full])
    starts = ends - lengths[full]
    places = np.arange(len(flat)) - np.repeat(starts, lengths[full])
    hashes = mixed(lengths.astype(np.uint64), 0x1157)
    if len(full):
        hashes[full] ^= np.add.reduceat(mixed(number_hashes(flat) ^ mixed(places.astype(np.uint64))), starts)
    return mixed(hashes)


def _through_unique(series: pl.Series) -> Hashes:
    """Each different text is hashed once."""
    import polars as pl

    values = series.unique()
    known = pl.DataFrame({"value": values, "hash": text_hashes(values.to_list())})
    joined = pl.DataFrame({"value": series}).join(known, on="value", how="left", maintain_order="left")
    return joined["hash"].to_numpy()

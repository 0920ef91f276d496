"""Operators on words, which are NumPy arrays of objects, on the CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.operators.registry import operator


@operator("StringConcat")
def string_concat(a: Any, b: Any) -> Any:
    """One word behind the other."""
    import numpy as np

    return np.asarray(np.asarray(a, dtype=object) + np.asarray(b, dtype=object), dtype=object)


@operator("StringSplit")
def string_split(x: Any, *, delimiter: str | None = None, maxsplit: int = -1) -> Any:
    """Parts of words, filled up with empty ones, and how many there are."""
    import numpy as np

    parts = [word.split(delimiter or None, maxsplit) for word in x.reshape(-1).tolist()]
    most = max(map(len, parts), default=0)
    found = np.empty((len(parts), most), dtype=object)
    for row, words in enumerate(parts):
        found[row] = words + [""] * (most - len(words))
    counts = torch.tensor([len(words) for words in parts], dtype=torch.int64).reshape(x.shape)
    return found.reshape(*x.shape, most), counts


@operator("StringNormalizer")
def string_normalizer(
    x: Any, *, case_change_action: str = "NONE", is_case_sensitive: int = 0, locale: str | None = None, stopwords: list[str] | None = None
) -> Any:
    """Words in one case, some of them left out."""
    import numpy as np

    def changed(word: str) -> str:
        return {"LOWER": word.lower(), "UPPER": word.upper()}.get(case_change_action, word)

    stops = set(stopwords or ()) if is_case_sensitive else {word.lower() for word in stopwords or ()}
    words = [word for word in x.reshape(-1).tolist() if (word if is_case_sensitive else word.lower()) not in stops]
    kept = np.array([changed(word) for word in words] or [""], dtype=object)
    return kept.reshape(1, -1) if x.ndim == 2 else kept


@operator("TfIdfVectorizer")
def tf_idf_vectorizer(
    x: Any,
    *,
    max_gram_length: int,
    max_skip_count: int,
    min_gram_length: int,
    mode: str,
    ngram_counts: list[int],
    ngram_indexes: list[int],
    pool_int64s: list[int] | None = None,
    pool_strings: list[str] | None = None,
    weights: list[float] | None = None,
) -> Tensor:
    """How often runs of words or numbers come."""
    pool: list[Any] = list(pool_int64s or pool_strings or [])
    places: dict[tuple[Any, ...], int] = {}
    bounds = [*ngram_counts, len(pool)]
    for number, (start, end) in enumerate(zip(bounds, bounds[1:], strict=False)):
        for place in range(start, end, number + 1):
            places[tuple(pool[place : place + number + 1])] = len(places)
    rows = x.reshape(1, -1) if x.ndim < 2 else x
    width = max(ngram_indexes, default=-1) + 1
    found = torch.zeros(len(rows), width, dtype=torch.float32)
    factors = list(weights or [1.0] * len(places))
    for row, values in enumerate(rows.tolist()):
        seen: dict[int, int] = {}
        for length in range(min_gram_length, max_gram_length + 1):
            for skip in range(1, (1 if length == 1 else max_skip_count + 1) + 1):
                for start in range(len(values) - (length - 1) * skip):
                    gram = places.get(tuple(values[start : start + length * skip : skip][:length]))
                    if gram is not None:
                        seen[gram] = seen.get(gram, 0) + 1
        for gram, count in seen.items():
            value = {"TF": float(count), "IDF": factors[gram], "TFIDF": count * factors[gram]}[mode]
            found[row, ngram_indexes[gram]] = value
    return found if x.ndim == 2 else found[0]

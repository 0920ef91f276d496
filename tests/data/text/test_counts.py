"""Counting in parts gives what counting at once gives, in any order."""

from __future__ import annotations

import json
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data.text.counts import WordCounts
from lamina.data.vectorization import TextVectorization

WORDS = st.lists(st.sampled_from(["a", "b", "c", "dd", "é"]), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, max_size=12), st.integers(0, 12))
def test_parts_add_up(cut: list[list[str]], place: int) -> None:
    whole = WordCounts().add(cut)
    merged = WordCounts().add(cut[place:]).merge(WordCounts().add(cut[:place]))
    again = WordCounts.from_dict(json.loads(json.dumps(merged.to_dict())))
    for found in (merged, again):
        assert (found.texts, found.words, found.holding) == (whole.texts, whole.words, whole.holding)
        assert found.most_frequent() == whole.most_frequent()
    assert whole.words == Counter(word for words in cut for word in words)
    assert whole.most_frequent(2, least=2) == [word for word in whole.most_frequent() if whole.words[word] >= 2][:2]


def test_a_vocabulary_learned_in_parts() -> None:
    texts = [f"word{n % 7} and word{n % 3}" for n in range(40)]
    for output in ("tokens", "tf_idf"):
        vectorization = TextVectorization(output=output)
        parts = [vectorization.count(texts[start : start + 9]) for start in range(0, 40, 9)]
        total = parts[3].merge(parts[1]).merge(parts[4].merge(parts[0])).merge(parts[2])
        assert vectorization.learn(total) == vectorization.fit(iter(texts))

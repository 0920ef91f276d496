"""What is no text, and what is too much of it: refused with its place, before any memory is taken."""

from __future__ import annotations

import time
from typing import Any

import pytest

from lamina.data.text import texts
from lamina.data.text.bags import counted
from lamina.data.text.filling import filled, shortened
from lamina.data.vectorization import TextVectorization
from lamina.errors import DataError, LaminaWarning


@pytest.mark.parametrize(
    ("given", "place"),
    [
        (["a", None], "number 1"),
        (["a", 3], "number 1"),
        ([b"a"], "number 0"),
        (["a", "b \ud83d c"], "number 1, character 2"),
        ("one text", "the texts"),
    ],
)
def test_what_is_no_text(given: Any, place: str) -> None:
    for use in (TextVectorization().fit, TextVectorization(vocabulary=["a"]).encode, TextVectorization(tokenizer="bytes").encode):
        if isinstance(given, str) and use.__name__ == "fit":
            continue
        with pytest.raises(DataError) as caught:
            use(given)
        assert caught.value.code == "DA160"
        assert caught.value.problems[0].where.endswith(place)


def test_vectors_too_large_for_the_machine_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "memory_bytes", lambda: 1 << 20)
    started = time.monotonic()
    with pytest.raises(DataError, match="max_tokens: 10000") as caught:
        counted([[1]] * 1000, 1000)
    assert caught.value.code == "DA162"
    with pytest.raises(DataError, match="length: 256"):
        filled([[1]] * 1000 + [[1] * 1000], None, 0)
    with pytest.raises(DataError, match="DA162"):
        TextVectorization().fit(["a"]).encode(["a"] * 1000 + ["a " * 1000])
    assert time.monotonic() - started < 1
    assert counted([[1]] * 10, 10).shape == (10, 10)


def test_memory_is_known() -> None:
    assert texts.memory_bytes() > 1 << 28


@pytest.mark.parametrize(("side", "kept"), [("end", "one two three"), ("start", "three four five"), ("middle", "one two five")])
def test_what_is_cut_off_is_told(side: Any, kept: str) -> None:
    words = TextVectorization(tokenizer="whitespace", length=5, cut_off=side, begin=True, end=True).fit(["one two three four five", "six"])
    with pytest.warns(LaminaWarning, match=r"1 texts with more, the longest 5: 2 tokens are cut off, at the " + side):
        array = words.encode(["one two three four five", "six", ""])
    assert words.decode(array) == [kept, "six", ""]
    assert array[:, 0].tolist() == [2, 2, 2]
    assert array[2].tolist() == [2, 3, 0, 0, 0]


def test_rows_are_cut_on_any_side() -> None:
    for most in range(1, 7):
        for side in ("end", "start", "middle"):
            cut = shortened([1, 2, 3, 4, 5], most, side)
            assert len(cut) == min(most, 5)
            assert cut == sorted(cut)


def test_one_text_of_ten_megabytes_is_cut() -> None:
    text = "word and other " * 700_000
    started = time.monotonic()
    learned = TextVectorization(tokenizer="words").fit([text])
    assert learned.encode([text]).shape == (1, 2_100_000)
    assert time.monotonic() - started < 30


def test_nothing_to_learn_from() -> None:
    with pytest.raises(DataError, match="lower min_count") as caught:
        TextVectorization(tokenizer="words", min_count=3).fit(["a b", "a"])
    assert caught.value.code == "DA012"
    with pytest.raises(DataError, match="DA012"):
        TextVectorization(tokenizer="words").fit(["!!", ""])


def test_texts_of_unknown_words_only() -> None:
    words = TextVectorization(tokenizer="words").fit(["a b"])
    assert words.encode(["x y", "", "a"]).tolist() == [[1, 1], [1, 0], [2, 0]]
    assert TextVectorization(tokenizer="words", output="counts").fit(["a b"]).encode(["x y", ""]).tolist() == [[2, 0, 0], [1, 0, 0]]
    assert words.decode([[1, 2, 0]]) == ["[unknown] a"]

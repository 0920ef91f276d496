"""Words, characters and n-grams, against scikit-learn and Deeplearning4j's preprocessors by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from lamina.data.text import Characters, NGrams, Whitespace, Words
from lamina.data.text.cleaning import CLEANERS, without_accents
from lamina.data.vectorization import TextVectorization
from lamina.errors import DataError, DescriptionError

SCIKIT = r"\b\w\w+\b"


@pytest.mark.parametrize(
    ("tokenizer", "settings"),
    [
        (Words(pattern=SCIKIT), {}),
        (Words(pattern=SCIKIT, lower=False, strip_accents=True), {"lowercase": False, "strip_accents": "unicode"}),
        (NGrams([2], of=Words(pattern=SCIKIT)), {"ngram_range": (2, 2)}),
        (NGrams(2, of=Words(pattern=SCIKIT, stop_words=["to", "you"])), {"ngram_range": (1, 2), "stop_words": ["to", "you"]}),
        (NGrams([2, 3], of=Characters(lower=True)), {"analyzer": "char", "ngram_range": (2, 3)}),
    ],
)
def test_as_scikit_learn(messages: list[str], tokenizer: Any, settings: dict[str, Any]) -> None:
    # It counts runs of blanks as one in character n-grams.
    texts = [" ".join(text.split()) for text in messages]
    theirs = CountVectorizer(**settings)
    expected = theirs.fit_transform(texts[:400]).toarray()
    learned = TextVectorization(tokenizer=tokenizer, output="counts").fit(texts[:400])
    assert learned.vocabulary is not None
    assert {*learned.vocabulary} == {*theirs.vocabulary_}
    order = [theirs.vocabulary_[word] for word in learned.vocabulary]
    found = learned.encode(texts[:400])
    assert np.array_equal(found[:, 1:], expected[:, order])


def test_tf_idf_as_scikit_learn(messages: list[str]) -> None:
    train, new = messages[:600], messages[600:800]
    theirs = TfidfVectorizer(min_df=1).fit(train)
    learned = TextVectorization(tokenizer={"type": "words", "pattern": SCIKIT}, output="tf_idf", rarity="smooth").fit(train)
    assert learned.vocabulary is not None
    order = [theirs.vocabulary_[word] for word in learned.vocabulary]
    # Words that were not there in training have a place here, and none there.
    known = learned.replace(norm=None).encode(new)[:, 1:]
    expected = theirs.transform(new).toarray()[:, order]
    assert np.allclose(known / np.maximum(np.linalg.norm(known, axis=1, keepdims=True), 1e-300), expected, atol=1e-12)
    whole = learned.replace(norm="l2").encode(new)
    assert np.allclose(np.linalg.norm(whole, axis=1), 1)
    assert np.allclose(np.abs(learned.replace(norm="l1").encode(new)).sum(1), 1)


def test_rare_words_are_left_out(messages: list[str]) -> None:
    theirs = CountVectorizer().fit(messages)
    totals = dict(zip(theirs.get_feature_names_out(), np.asarray(theirs.transform(messages).sum(0)).ravel(), strict=True))
    learned = TextVectorization(tokenizer=Words(pattern=SCIKIT), min_count=5).fit(messages)
    assert {*(learned.vocabulary or ())} == {word for word, count in totals.items() if count >= 5}
    few = learned.replace(vocabulary=None, max_tokens=40, begin=True, mask=True).fit(messages)
    assert len(few.tokens) == 40
    assert few.tokens[:4] == ("[pad]", "[unknown]", "[begin]", "[mask]")
    assert few.vocabulary == (learned.vocabulary or ())[:36]


@pytest.mark.parametrize(
    ("tokenizer", "text", "words"),
    [
        (Words(), "Don't stop: it’s £1.50, 1,000 or 3.", ["don't", "stop", "it’s", "1.50", "1,000", "or", "3"]),
        (Words(lower=False, punctuation="keep"), "Oh, no ☺!", ["Oh", ",", "no", "☺", "!"]),
        (Words(), "हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        (Words(), "日本語のテスト snake_case 中文", ["日", "本", "語", "の", "テスト", "snake_case", "中", "文"]),
        (Words(strip_accents=True), "Crème brûlée Straße", ["creme", "brulee", "straße"]),
        (Words(stop_words="english"), "This is not what I've seen", ["seen"]),
        (Words(pattern=r"#\w+"), "no #Tags but #these", ["#tags", "#these"]),
        (Words(pattern=r"\d*"), "a1b", ["1"]),
        (Whitespace(), "Good,  bad\tFilm", ["Good,", "bad", "Film"]),
        (Whitespace(clean=["common"]), "Good, 42 (bad)/Film!", ["good", "badfilm"]),
        (
            Whitespace(clean=["lower", "endings"], stop_words=["the"]),
            "The cats walked. lying glass friendly",
            ["cat", "walk", "glass", "friend"],
        ),
        (Characters(), "a É", ["a", " ", "É"]),
        (Characters(lower=True, strip_accents=True), "a É", ["a", " ", "e"]),
        (NGrams(2, of="whitespace"), "a b c", ["a", "b", "c", "a b", "b c"]),
        (NGrams([3], of="characters"), "ab", []),
    ],
)
def test_texts_are_cut_as_said(tokenizer: Any, text: str, words: list[str]) -> None:
    assert tokenizer.cut([text, text]) == [words, words]


@pytest.mark.parametrize(
    ("name", "word", "expected"),
    [
        # By Deeplearning4j's sources: CommonPreprocessor, StringCleaning, LowCasePreProcessor, EndingPreProcessor.
        ("common", "Can't|2?", "cant"),
        ("punctuation", "(1)[Ab]/;x-y", "Abx-y"),
        ("lower", "ABC.", "abc."),
        ("endings", "cats", "cat"),
        ("endings", "glass", "glass"),
        ("endings", "rings", "r"),
        ("endings", "walked.", "walk"),
        ("endings", "quickly", "quick"),
        ("endings", "s", ""),
    ],
)
def test_cleaners(name: str, word: str, expected: str) -> None:
    assert CLEANERS[name](word) == expected


def test_accents_as_scikit_learn() -> None:
    from sklearn.feature_extraction.text import strip_accents_unicode

    text = "".join(map(chr, [*range(0x20, 0x250), *range(0x1E00, 0x1F00), 0xFB01, 0x3042, 0x304C]))
    assert without_accents(text) == strip_accents_unicode(text)


def test_a_pattern_that_is_none_is_refused() -> None:
    for pattern in ("(", r"(?=a)b", r"(a)\1"):
        with pytest.raises(DataError, match="DA165"):
            Words(pattern=pattern).cut(["a"])


def test_a_pattern_that_would_hang_does_not() -> None:
    assert Words(pattern="(a+)+b").cut(["a" * 5000]) == [[]]


@pytest.mark.parametrize(
    ("make", "fix"),
    [
        (lambda: Words(punctuation="keep", pattern="a"), "remove punctuation"),
        (lambda: NGrams(2, of="bytes"), "words, whitespace or characters"),
        (lambda: NGrams(0), "sizes"),
        (lambda: Words(stop_words="german"), "stop_words"),
        (lambda: TextVectorization(tokenizer="words", standardize="lower"), "type: words, lower: false"),
        (lambda: TextVectorization(tokenizer="words", ngrams=2), "type: ngrams"),
        (lambda: TextVectorization(tokenizer="bytes", max_tokens=300), "size: and min_count:"),
        (lambda: TextVectorization(begin=True, output="counts"), "output: tokens"),
        (lambda: TextVectorization(norm="l2"), "remove norm"),
        (lambda: TextVectorization(rarity="smooth"), "remove rarity"),
        (lambda: TextVectorization(cut_off="start"), "length"),
        (lambda: TextVectorization(begin=True, end=True, length=2), "length: 3"),
    ],
)
def test_what_means_nothing_is_refused(make: Any, fix: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        make()
    assert fix in str(caught.value)

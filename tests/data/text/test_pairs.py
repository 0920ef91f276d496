"""Pairs of texts: against the library ``tokenizers``' own pairs, cut where the longer one is, and learned from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lamina as lm
from lamina.data.text.pairs import _fitting, encode_pairs, pair_dataset
from lamina.data.vectorization import TextVectorization
from lamina.errors import DataError, LaminaWarning


def test_as_bert_does(messages: list[str]) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    own = TextVectorization(tokenizer={"type": "word_piece", "size": 500}, begin=True, end=True).fit(messages[:300])
    theirs = tokenizers.Tokenizer(tokenizers.models.WordPiece(own.numbering.places, unk_token="[UNK]"))  # type: ignore[union-attr]
    theirs.normalizer = tokenizers.normalizers.BertNormalizer()
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    theirs.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    theirs.enable_padding(pad_id=0, pad_token="[PAD]")
    first, second = messages[:60], messages[60:120]
    expected = theirs.encode_batch(list(zip(first, second, strict=True)))
    found = encode_pairs(own, first, second)
    assert found["text"].tolist() == [pair.ids for pair in expected]
    assert found["segment"].tolist() == [pair.type_ids for pair in expected]
    # Cut off, it takes from the longer one first too.
    theirs.enable_truncation(40, strategy="longest_first")
    theirs.enable_padding(pad_id=0, pad_token="[PAD]", length=40)
    expected = theirs.encode_batch(list(zip(first, second, strict=True)))
    with pytest.warns(LaminaWarning, match="DA161"):
        short = encode_pairs(own.replace(length=40), first, second)
    same = [row == pair.ids for row, pair in zip(short["text"].tolist(), expected, strict=True)]
    lengths = [(int((segment == 0).sum()), int((text != 0).sum())) for text, segment in zip(short["text"], short["segment"], strict=True)]
    assert np.mean(same) > 0.8, "an odd token goes to the other text there"
    assert all(size <= 40 for _, size in lengths)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 12), st.integers(0, 12), st.integers(2, 20))
def test_the_longer_one_loses(one: int, two: int, most: int) -> None:
    a, b = _fitting(list(range(one)), list(range(two)), most)
    assert len(a) + len(b) == min(most, one + two)
    assert a == list(range(len(a)))
    assert b == list(range(len(b)))
    if len(a) < one and len(b) < two:
        assert abs(len(a) - len(b)) <= 1
    elif len(a) < one:
        assert len(a) >= len(b) - 1 or len(b) == two


def test_a_network_learns_whether_they_are_the_same() -> None:
    rng = np.random.default_rng(1)
    words = ["red", "blue", "green", "old", "new"]
    first = rng.choice(words, size=200).tolist()
    second = [word if number % 2 else words[(words.index(word) + 1 + number % 4) % 5] for number, word in enumerate(first)]
    data = pair_dataset(
        TextVectorization(tokenizer="words", end=True), first, second, [int(a == b) for a, b in zip(first, second, strict=True)]
    )
    size = data.schema.inputs["text"].vocabulary  # type: ignore[attr-defined]
    nodes = {
        "words": {"type": "embedding", "units": 16, "inputs": ["text"]},
        "which": {"type": "embedding", "units": 16, "inputs": ["segment"]},
        "both": {"type": "add", "inputs": ["words", "which"]},
        "read": {"type": "gru", "units": 24, "inputs": ["both"]},
        "last": {"type": "last_step", "inputs": ["read"]},
        "output": {"type": "output", "units": 2, "inputs": ["last"]},
    }
    graph = lm.Graph(inputs={"text": lm.tokens(None, size), "segment": lm.tokens(None, 2)}, nodes=nodes, outputs=["output"])
    model = lm.Model(graph, seed=1)
    model.fit(data, epochs=25, optimizer={"type": "adam", "learning_rate": 0.02}, progress=False)
    assert model.evaluate(data).metrics["accuracy"] > 0.95


def test_masks() -> None:
    data = pair_dataset(TextVectorization(tokenizer="words", end=True, fill_mask=True), ["a b c", "a"], ["b", "c"])
    assert data.input_masks["text"].tolist() == [[True] * 6, [True] * 4 + [False] * 2]
    assert np.array_equal(data.input_masks["segment"], data.input_masks["text"])


@pytest.mark.parametrize(
    ("settings", "second", "code"),
    [
        ({"end": True}, ["b", "c"], "DA002"),
        ({}, ["b"], "DA164"),
        ({"end": True, "length": 3}, ["b"], "DA006"),
        ({"end": True}, [None], "DA160"),
    ],
)
def test_what_makes_no_pair(settings: dict, second: list, code: str) -> None:
    with pytest.raises(DataError) as caught:
        encode_pairs(TextVectorization(tokenizer="words", **settings).fit(["a b"]), ["a"], second)
    assert caught.value.code == code

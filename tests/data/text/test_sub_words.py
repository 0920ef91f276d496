"""Byte pairs and WordPiece: learned and used exactly as by the library ``tokenizers``, without it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data.text import BytePair, Bytes, TokenizerJson, WordPiece
from lamina.data.text.merges import _heaped, _searched, learn_pairs, put_together
from lamina.data.vectorization import TextVectorization
from lamina.errors import DataError, DescriptionError

tokenizers = pytest.importorskip("tokenizers")

BLANKS = [" ", "  ", "\n", "\t", "\u00a0", "\x1c", "\x85", "\u200b", "\x00"]
ODD = [*BLANKS, "'s", "'re", "a", "B", "é", "1", "٣", "中", "\u0301", "!", "...", "'", "😀", "ΑΣ", "İ", "ǅ", "½", "हि", "\ufffd"]
TEXT = st.lists(st.one_of(st.sampled_from(ODD), st.text(max_size=3)), max_size=12).map("".join)


@pytest.fixture(scope="module")
def pairs(messages: list[str]) -> BytePair:
    return BytePair(size=1500).learn(BytePair(size=1500).count(messages))


@pytest.fixture(scope="module")
def pieces(messages: list[str]) -> WordPiece:
    return WordPiece(size=1200).learn(WordPiece(size=1200).count(messages))


@pytest.fixture(scope="module")
def their_pairs(messages: list[str], pairs: BytePair) -> Any:
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE())
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=1500,
        min_frequency=2,
        special_tokens=pairs.named,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    theirs.train_from_iterator(messages, trainer)
    return theirs


def their_pieces(pieces: WordPiece, **settings: Any) -> Any:
    theirs = tokenizers.Tokenizer(tokenizers.models.WordPiece(pieces.places, unk_token="[UNK]", **settings))
    theirs.normalizer = tokenizers.normalizers.BertNormalizer()
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    return theirs


def ids(theirs: Any, texts: list[str]) -> list[list[int]]:
    return [found.ids for found in theirs.encode_batch(texts, add_special_tokens=False)]


def test_pairs_are_learned_and_used_as_there(messages: list[str], pairs: BytePair, their_pairs: Any) -> None:
    numbers = their_pairs.get_vocab()
    assert sorted(numbers, key=numbers.__getitem__) == list(pairs.tokens)
    merges = json.loads(their_pairs.to_str())["model"]["merges"]
    assert [" ".join(merge) for merge in merges] == list(pairs.merges or ())
    found = pairs.encode(messages)
    assert found == ids(their_pairs, messages)
    assert [pairs.decode(row) for row in found] == messages


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(TEXT, min_size=1, max_size=5))
def test_odd_texts_are_cut_as_there(pairs: BytePair, pieces: WordPiece, their_pairs: Any, texts: list[str]) -> None:
    assert pairs.encode(texts) == ids(their_pairs, texts)
    assert [pairs.decode(row) for row in pairs.encode(texts)] == texts
    assert Bytes().decode(Bytes().encode(texts)[0]) == texts[0]
    # Python's tables of small letters may be older than the library's.
    known = [text for text in texts if all(ord(letter) < 0x1C80 for letter in text)]
    assert pieces.encode(known) == ids(their_pieces(pieces), known)


def test_settings_mean_what_they_mean_there(messages: list[str], pairs: BytePair, pieces: WordPiece, tmp_path: Path) -> None:
    texts = [*messages[:300], "", " a", "\x1ca", "ΑΣ Straße İ", "x" * 101, "x" * 100, "中文 a中b", "Crème\x00brûlée"]
    theirs = tokenizers.Tokenizer.from_str(TokenizerOf.pairs(pairs, add_prefix_space=True, lower=True))
    assert pairs.replace(add_blank=True, lower=True).encode([text for text in texts if text]) == ids(
        theirs, [text for text in texts if text]
    )
    for lower in (True, False):
        for accents in (True, False, None):
            for chinese, clean in ((True, True), (False, False)):
                own = pieces.replace(lower=lower, strip_accents=accents, split_chinese=chinese, clean=clean, longest_word=20)
                theirs = their_pieces(pieces, max_input_chars_per_word=20)
                theirs.normalizer = tokenizers.normalizers.BertNormalizer(
                    clean_text=clean, handle_chinese_chars=chinese, strip_accents=accents, lowercase=lower
                )
                assert own.encode(texts) == ids(theirs, texts)


class TokenizerOf:
    """Files as the library writes them."""

    @staticmethod
    def pairs(pairs: BytePair, *, add_prefix_space: bool = False, lower: bool = False) -> str:
        merges = [tuple(merge.split(" ")) for merge in pairs.merges or ()]
        theirs = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=pairs.places, merges=merges))
        theirs.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
        if lower:
            theirs.normalizer = tokenizers.normalizers.Lowercase()
        theirs.add_special_tokens(["</s>", "<|endoftext|>"])
        return theirs.to_str()

    @staticmethod
    def pieces(pieces: WordPiece) -> str:
        theirs = their_pieces(pieces)
        theirs.add_special_tokens(["[CLS]", "[SEP]"])
        return theirs.to_str()


def test_trained_ones_are_read(messages: list[str], pairs: BytePair, pieces: WordPiece, tmp_path: Path) -> None:
    (tmp_path / "pieces.json").write_text(TokenizerOf.pieces(pieces))
    (tmp_path / "pairs.json").write_text(TokenizerOf.pairs(pairs, add_prefix_space=True, lower=True))
    (tmp_path / "vocab.txt").write_text("\n".join(pieces.tokens) + "\n")
    (tmp_path / "vocab.json").write_text(json.dumps(pairs.places))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(pairs.merges or ()) + "\n")
    for name in ("pieces.json", "vocab.txt"):
        read = TextVectorization(tokenizer=WordPiece(path=str(tmp_path / name)), begin=True, end=True).fit([])
        assert read.numbers(messages) == pieces.encode(messages)
        assert read.tokenizer is not None
        assert read.tokenizer.path is None  # type: ignore[attr-defined]
        assert read.special == {"pad": 0, "unknown": 1, "begin": 2, "end": 3, "mask": 4}
        assert TextVectorization.from_dict(json.loads(json.dumps(read.to_dict(full=True)))) == read
    split = BytePair(path="vocab.json", merges_path="merges.txt").resolve_paths(tmp_path)
    assert split.learn(split.count([])).encode(messages) == pairs.encode(messages)
    one = BytePair(path=str(tmp_path / "pairs.json"), pad="<|endoftext|>").learn(split.count([]))
    assert (one.lower, one.add_blank) == (True, True)
    assert one.encode(messages[:50]) == pairs.replace(lower=True, add_blank=True).encode(messages[:50])
    assert one.special("pad") == len(pairs.tokens)


def test_any_other_is_computed_by_the_library(messages: list[str], tmp_path: Path) -> None:
    theirs = tokenizers.Tokenizer(tokenizers.models.Unigram())
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    theirs.decoder = tokenizers.decoders.Metaspace()
    no_text = ["<pad>", "<unk>", "</s>"]
    trainer = tokenizers.trainers.UnigramTrainer(vocab_size=300, special_tokens=no_text, unk_token="<unk>", show_progress=False)
    theirs.train_from_iterator(messages[:300], trainer)
    theirs.save(str(tmp_path / "tokenizer.json"))
    # Written and read again, its probabilities differ in the last place.
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    read = TextVectorization(tokenizer={"type": "tokenizer_json", "path": str(tmp_path / "tokenizer.json")}, end=True).fit([])
    (tmp_path / "tokenizer.json").unlink()
    again = TextVectorization.from_dict(json.loads(json.dumps(read.to_dict(full=True))))
    assert again.numbers(messages) == ids(theirs, messages)
    assert again.shape == read.shape
    assert again.encode(["a"])[0][-1] == theirs.token_to_id("</s>")
    assert again.decode(again.encode(["see you"])) == ["see you"]


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    with pytest.raises(Exception, match=r"pip install 'lamina\[text\]'"):
        TokenizerJson(definition={}).encode(["a"])
    assert WordPiece(vocabulary=["[UNK]", "a"]).encode(["a b"]) == [[1, 0]]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=30), st.permutations([(a, b) for a in range(4) for b in range(4)]), st.integers(0, 8))
def test_both_ways_to_put_together_agree(row: list[int], order: list[tuple[int, int]], count: int) -> None:
    rules = {pair: (rank, 4 + rank) for rank, pair in enumerate(order[:count])}
    rules |= {(4, 4): (count, 20), (4, 0): (count + 1, 21)}
    assert _heaped(list(row), rules) == _searched(list(row), rules)


def test_one_word_of_a_whole_book(pairs: BytePair, pieces: WordPiece) -> None:
    word = "ab" * 150_000
    started = time.monotonic()
    assert pairs.decode(pairs.encode([word])[0]) == word
    assert pieces.encode([word]) == [[1]]
    assert BytePair(size=300).learn(BytePair(size=300).count([word, "a b"])).tokens == pairs.tokens[:261]
    assert time.monotonic() - started < 60


def test_names_of_tokens_that_stand_for_no_text_are_learned_by_no_merge() -> None:
    texts = ["<s> <s> <s> </s> <pad>"] * 5
    learned = BytePair(size=400, min_count=1).learn(BytePair(size=400, min_count=1).count(texts))
    no_text = {learned.special(what) for what in ("pad", "begin", "end")}
    assert not no_text & {*learned.encode(texts)[0]}
    words = WordPiece(size=60, min_count=1, pad="pad", unknown="unknown").learn(WordPiece().count(["pad pads unknown"] * 3))
    assert not {0, 1} & {*words.encode(["pad unknown"])[0]}


def test_the_same_texts_in_any_order_and_in_parts_teach_the_same(messages: list[str]) -> None:
    for tokenizer in (WordPiece(size=400), BytePair(size=400)):
        whole = tokenizer.learn(tokenizer.count(messages[:600]))
        assert tokenizer.learn(tokenizer.count(messages[300:600]).merge(tokenizer.count(messages[:300]))) == whole


def test_pairs_by_hand() -> None:
    tokens = ["a", "b", "c"]
    # ab is there 4 times, bc 3 times (2 after ab is put together).
    assert learn_pairs([([0, 1, 2], 2), ([0, 1], 2), ([1, 2], 1)], tokens, str.__add__, size=9, least=2) == [(0, 1), (3, 2)]
    assert tokens == ["a", "b", "c", "ab", "abc"]
    assert put_together([0, 0, 0], {(0, 0): (0, 1)}) == [1, 0]


def test_vectors_of_parts(messages: list[str]) -> None:
    learned = TextVectorization(tokenizer={"type": "word_piece", "size": 300}, output="tf_idf", norm="l2").fit(iter(messages[:400]))
    vectors = learned.encode(messages[:5])
    assert vectors.shape == (5, len(learned.names))
    assert len(learned.names) == len(learned.tokens) - 4
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    counts = TextVectorization(tokenizer=learned.tokenizer, output="counts").encode(messages[:5])
    for row, text in zip(counts, messages, strict=False):
        names = {name: count for name, count in zip(learned.names, row, strict=True) if count}
        cut = learned.words(text)
        assert names == {("[unknown]" if name == "[UNK]" else name): cut.count(name) for name in {*cut}}


@pytest.mark.parametrize(
    ("make", "fix"),
    [
        (lambda: WordPiece(vocabulary=["a", "a"]), "twice"),
        (lambda: WordPiece(pad="[UNK]"), "name them differently"),
        (lambda: BytePair(size=200), "size: 512"),
        (lambda: BytePair(merges_path="merges.txt"), "vocab.json"),
        (lambda: BytePair(vocabulary=["a"]), "leave out both"),
        (lambda: BytePair(vocabulary=["a"], merges=[]), "256 bytes"),
        (lambda: TokenizerJson(), "tokenizer.json"),
        (lambda: TextVectorization(tokenizer="word_piece", min_count=2), "size: and min_count:"),
    ],
)
def test_what_means_nothing_is_refused(make: Any, fix: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        make()
    assert fix in str(caught.value)


@pytest.mark.parametrize("merges", [["a b", "a b"], ["ab c"], ["a"], ["a b c"], ["a zz"], [" a"], ["ab ab"]])
def test_merges_that_cannot_be(pairs: BytePair, merges: list[str]) -> None:
    with pytest.raises(DescriptionError, match="one and the same tokenizer"):
        BytePair(vocabulary=[*pairs.tokens[:261], "ab"], merges=merges)


def test_tokens_that_are_not_there(pieces: WordPiece, tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("<unk>\nplay\n")
    with pytest.raises(DataError, match="did you mean '<unk>'") as caught:
        WordPiece(path=str(tmp_path / "vocab.txt"), unknown="[unk]").learn(WordPiece().count([]))
    assert caught.value.code == "DA164"
    read = WordPiece(path=str(tmp_path / "vocab.txt"), unknown="<unk>").learn(WordPiece().count([]))
    texts = TextVectorization(tokenizer=read)
    assert texts.encode(["play", "x"]).tolist() == [[1], [0]]
    for use in (lambda: texts.encode(["play", "play x"]), lambda: texts.replace(begin=True).encode(["play"])):
        with pytest.raises(DataError, match="DA164"):
            use()

"""Vectors of words: every form against another form of the same vectors."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lamina import interop
from lamina.data.text.vectors import WordVectors
from lamina.errors import LaminaError


@pytest.fixture(scope="module")
def folder(shared_fixtures: Path) -> Path:
    return shared_fixtures / "dl4j" / "nlp"


@pytest.mark.parametrize("name", ["cbow", "skipgram"])
def test_fasttext_models_give_what_fasttext_printed(folder: Path, name: str) -> None:
    model, printed = interop.load_vectors(folder / f"{name}.model.bin"), interop.load_vectors(folder / f"{name}.model.vec")
    shared = [word for word in printed.words if word in model]
    assert len(shared) >= 0.99 * len(printed)
    for word in shared:
        np.testing.assert_allclose(model[word], printed[word], rtol=1e-4, atol=1e-6, err_msg=word)


def test_labels_of_a_classifier_are_no_words(folder: Path) -> None:
    """The text beside this model was printed of another one, with parts of words; both have the same words."""
    model, printed = interop.load_vectors(folder / "supervised.model.bin"), interop.load_vectors(folder / "supervised.model.vec")
    assert {*model.words} == {*printed.words}
    np.testing.assert_allclose(model["</s>"], printed["</s>"], atol=5e-5)


def test_word2vec_binary_and_text(folder: Path) -> None:
    binary, text = interop.load_vectors(folder / "google_news_30.bin.gz"), interop.load_vectors(folder / "google_news_30.txt")
    assert binary.words == text.words
    np.testing.assert_allclose(binary.vectors, text.vectors, atol=1e-6)
    assert len(interop.load_vectors(folder / "raw_sentence_word2vec.bin.gz")) == 652
    assert interop.load_vectors(folder / "fast_text.vec.gz", most=5).width == 300


def test_zips_of_deeplearning4j(folder: Path, tmp_path: Path) -> None:
    found = interop.load_vectors(folder / "model_beta4.zip")
    assert (len(found), found.width) == (242, 100)
    assert found.words[0] == "it"
    np.testing.assert_allclose(found["it"][:2], [0.3248177468776703, -0.21392373740673065], rtol=1e-6)
    assert len(interop.load_vectors(folder / "model_beta4.zip", most=3)) == 3
    for text in ("", "2 2\na 1 2", "1 2\na 1", "1 2\na x y", "1 1\na nan"):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
            file.writestr("syn0.txt", text)
        with pytest.raises(LaminaError, match="IO010"):
            interop.load_vectors(tmp_path / "a.zip")


def test_damaged_models_are_refused(folder: Path, tmp_path: Path) -> None:
    raw = (folder / "supervised.model.bin").read_bytes()
    chance = random.Random(0)
    for _ in range(150):
        changed = bytearray(raw[: chance.randrange(4, len(raw))] if chance.random() < 0.5 else raw)
        for _ in range(3):
            changed[chance.randrange(min(len(changed), 200))] ^= 1 << chance.randrange(8)
        (tmp_path / "a.bin").write_bytes(changed)
        try:
            interop.load_vectors(tmp_path / "a.bin")
        except LaminaError:
            continue


def test_they_start_embeddings(tmp_path: Path) -> None:
    import lamina as lm

    (tmp_path / "a.txt").write_text("B64:aXQ= 1 2\nis 3 4\n")
    vectors = interop.load_vectors(tmp_path / "a.txt")
    assert isinstance(vectors, WordVectors)
    net = lm.Sequential(lm.tokens(None, 3), [lm.Embedding(2, vectors=vectors.rows(["[pad]", "it", "is"]))])
    assert lm.Model(net).parameters()["embedding_1/weight"][1:].tolist() == [[1, 2], [3, 4]]

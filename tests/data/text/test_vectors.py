"""Word vectors: GloVe's own file, both forms of word2vec, and what is wrong with files."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.data.text.vectors import WordVectors
from lamina.data.vectorization import TextVectorization
from lamina.errors import DataError


def test_glove(shared_data: Path) -> None:
    vectors = WordVectors.read(shared_data / "glove-100d-top10k" / "glove.6B.100d.top10k.txt.gz")
    assert (len(vectors), vectors.width) == (10_000, 100)
    # As published, and as the words are known to lie.
    assert np.allclose(vectors["the"][:3], [-0.038194, -0.24487, 0.72812], atol=1e-6)
    unit = vectors.vectors / np.linalg.norm(vectors.vectors, axis=1, keepdims=True)
    wanted = vectors["king"] - vectors["man"] + vectors["woman"]
    near = [vectors.words[place] for place in np.argsort(-(unit @ wanted))[:4]]
    assert [word for word in near if word not in ("king", "man", "woman")][0] == "queen"
    assert len(WordVectors.read(shared_data / "glove-100d-top10k" / "glove.6B.100d.top10k.txt.gz", most=50)) == 50


def test_both_forms_of_word2vec(tmp_path: Path) -> None:
    words, numbers = ["good", "bäd"], np.array([[0.5, -1.0, 3.25], [1.5, 0.0, -2.0]], dtype="<f4")
    (tmp_path / "text.txt").write_text(
        "2 3\n" + "".join(f"{w} {' '.join(map(str, row))} \n" for w, row in zip(words, numbers, strict=True))
    )
    raw = b"2 3\n" + b"".join(word.encode() + b" " + row.tobytes() + b"\n" for word, row in zip(words, numbers, strict=True))
    (tmp_path / "binary.bin.gz").write_bytes(gzip.compress(raw))
    for found in (WordVectors.read(tmp_path / "text.txt"), WordVectors.read(tmp_path / "binary.bin.gz", binary=True)):
        assert found.words == tuple(words)
        assert np.array_equal(found.vectors, numbers)
        assert "good" in found
        assert "other" not in found


def test_they_start_an_embedding(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("good 0.5 1.0\nbad -0.5 -1.0\n")
    vectors = WordVectors.read(tmp_path / "v.txt")
    words = TextVectorization(tokenizer="words").fit(["good or bad"])
    layer = lm.Embedding(2, vectors=vectors.rows(words.tokens), mask_token=0)
    model = lm.Model(lm.Sequential(lm.tokens(None, len(words.tokens)), [layer, lm.layers.GlobalAvgPool(), lm.Output(2)]), seed=1)
    weight = model.parameters()["embedding_1/weight"]
    assert np.allclose(weight[words.tokens.index("bad")], [-0.5, -1.0])
    assert np.abs(weight[words.tokens.index("or")]).max() > 0


@pytest.mark.parametrize(
    ("content", "binary", "where"),
    [
        (b"a 1 2\nb 1\n", False, "line 2"),
        (b"a 1 2\nb 1 x\n", False, "line 2"),
        (b"a 1 nan\n", False, "line 1"),
        (b"a 1 2\na 1 2\n", False, "word 2"),
        (b"a 1 2\n\xff 1 2\n", False, "line 2"),
        (b"a\n", False, "line 1"),
        (b"", False, "v.txt"),
        (b"", True, "line 1"),
        (b"2 2\na \x00\x00\x00\x00\x00\x00\x00\x00b \x00", True, "word 2"),
        (b"99999999999 3\n", True, "line 1"),
        (b"1 1\n\xff \x00\x00\x00\x00", True, "word 1"),
    ],
)
def test_what_is_wrong_is_named(content: bytes, binary: bool, where: str, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(content)
    with pytest.raises(DataError) as caught:
        WordVectors.read(tmp_path / "v.txt", binary=binary)
    assert caught.value.code == "DA167"
    assert caught.value.problems[0].where.endswith(where)


def test_whatever_is_done_to_a_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    numbers = rng.normal(size=(6, 3)).astype("<f4")
    text = "".join(f"w{place} {' '.join(map(str, row))}\n" for place, row in enumerate(numbers)).encode()
    raw = b"6 3\n" + b"".join(f"w{place} ".encode() + row.tobytes() + b"\n" for place, row in enumerate(numbers))
    outcomes: dict[Any, int] = {}
    for number in range(400):
        binary = bool(number % 2)
        content = bytearray(raw if binary else text)
        for _ in range(rng.integers(1, 4)):
            content[rng.integers(len(content))] = rng.integers(256)
        (tmp_path / "v.txt").write_bytes(bytes(content[: rng.integers(1, len(content) + 1)] if number % 3 == 0 else content))
        try:
            WordVectors.read(tmp_path / "v.txt", binary=binary)
            outcome: Any = "read"
        except DataError as error:
            outcome = error.code
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    assert {*outcomes} == {"read", "DA167"}

"""Running and masked text: parts that don't mix, tokens learned from training, through training, keeping, and writing on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.data.config import DataConfig, prepare
from lamina.data.lazy import Address
from lamina.data.sources import MaskedText, RunningTokens
from lamina.data.sources.text import Characters
from lamina.data.text.windows import chunks, starts_of, tokens_of
from lamina.data.vectorization import TextVectorization
from lamina.errors import DataError, DescriptionError, LaminaWarning

WHO = [f"{colour} {animal}" for colour in ("red", "blue", "old") for animal in ("fox", "dog", "owl")]
LINES = [f"the {who} {does}" for who in WHO for does in ("runs", "sleeps")]
SPLIT = {"type": "predefined", "holds": ["train", "validation", "test"]}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_text("\n".join(LINES * 12) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def shakespeare(shared_data: Path) -> str:
    return (shared_data / "tinyshakespeare" / "input.txt").read_text()


def test_characters_are_as_by_the_source_of_characters(book: Path) -> None:
    own = RunningTokens(str(book), steps=16, vectorize={"tokenizer": "characters"}, validation=0.0).read().train
    theirs = Characters(str(book), steps=16, validation=0.0).read().train
    labels, wanted = (data.schema.targets["output"].labels or () for data in (own, theirs))
    for kind in ("inputs", "targets"):
        ((mine),), ((other),) = getattr(own, kind).values(), getattr(theirs, kind).values()
        assert [[labels[token] for token in row] for row in np.asarray(mine)] == [[wanted[token] for token in row] for row in other]


@pytest.mark.parametrize("tokenizer", ["byte_pair", "words", "word_piece", "bytes", "characters", "whitespace"])
def test_long_texts_are_cut_as_in_one_piece(shakespeare: str, tokenizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = shakespeare[:60_000].replace("\n\n", "\n\n\n  ", 40)
    settings: Any = {"type": tokenizer, "size": 400} if tokenizer in ("byte_pair", "word_piece") else tokenizer
    learned = TextVectorization(tokenizer=settings).fit([text])
    monkeypatch.setattr("lamina.data.text.windows.CHUNK_LETTERS", 500)
    assert "".join(chunks(text, local=True)) == text
    assert len(list(chunks(text, local=True))) > 50
    assert tokens_of(text, learned).tolist() == learned.numbers([text])[0]


def test_parts_do_not_mix_and_learn_from_training_alone(book: Path) -> None:
    text = book.read_text() + "zebra zebra zebra\n" * 12
    book.write_text(text)
    source = RunningTokens(str(book), steps=8, stride=3, vectorize={"tokenizer": "words"}, validation=0.1, test=0.1)
    vectorization, parts = source.learned
    assert "".join(parts.values()) == text
    assert all(part.endswith("\n") for part in parts.values())
    assert "zebra" not in vectorization.tokens
    data = source.read().train
    for name, part in parts.items():
        own = np.flatnonzero(data.part == name)
        codes = vectorization.numbers([part])[0]
        stride = 3 if name == "train" else 8
        starts = starts_of(len(codes) - 1, 8, stride)
        assert np.array_equal(data.take(own).inputs["input"][:], [codes[start : start + 8] for start in starts])
        assert np.array_equal(data.take(own).targets["output"][:], [codes[start + 1 : start + 9] for start in starts])


def test_a_network_learns_writes_and_is_kept(book: Path, tmp_path: Path) -> None:
    pairs = {"tokenizer": {"type": "byte_pair", "size": 300}}
    source = {"type": "running_text", "path": str(book), "steps": 16, "stride": 2, "vectorize": pairs}
    prepared = prepare(DataConfig(source=source, split={**SPLIT, "holds": ["train", "validation"]}), seed=1)
    size = prepared.schema.inputs["input"].vocabulary  # type: ignore[attr-defined]
    model = lm.Model(lm.Sequential(lm.tokens(None, size), [lm.Embedding(16), lm.GRU(32), lm.Output(size)]), seed=1)
    model.fit(prepared.train, epochs=6, optimizer={"type": "adam", "learning_rate": 0.02}, progress=False)
    model.save(tmp_path / "writer.lamina")
    again = lm.load(tmp_path / "writer.lamina")
    book.unlink()
    found = again.generate(["the red", "the old owl"], steps=8)
    assert [text.split()[0] in {"fox", "dog", "owl", "runs", "sleeps"} for text in found.texts] == [True, True]
    assert np.array_equal(again.predict(["the red fox"]), model.predict(["the red fox"]))


@pytest.mark.filterwarnings(r"ignore:\[EV006\]")
def test_hidden_words_are_told(book: Path) -> None:
    source = {
        "type": "masked_text",
        "path": str(book),
        "unit": "lines",
        "steps": 6,
        "vectorize": {"tokenizer": "words", "begin": True, "end": True},
        "masking": {"share": 0.2, "hidden": 1.0, "random": 0.0},
    }
    config = DataConfig(source=source, split={**SPLIT, "holds": ["train", "validation"]})
    prepared = prepare(config, seed=1)
    assert prepared.train.is_lazy
    one, two = (prepared.train.read(np.arange(20), Address(1, epoch)) for epoch in (0, 1))
    assert not np.array_equal(one.inputs["input"], two.inputs["input"])
    assert np.array_equal(one.targets["output"], two.targets["output"])
    assert one.target_masks["output"].sum(1).tolist() == [1] * 20
    size = prepared.schema.inputs["input"].vocabulary  # type: ignore[attr-defined]
    layers = [lm.Embedding(24, mask_token=0), lm.Bidirectional(lm.GRU(24)), lm.Output(size)]
    model = lm.Model(lm.Sequential(lm.tokens(None, size), layers), seed=1)
    model.fit(prepared.train, epochs=12, optimizer={"type": "adam", "learning_rate": 0.02}, progress=False)
    text = prepared.preprocessing.columns.only.text  # type: ignore[union-attr]
    tokens = text.encode(["the red fox runs"])
    place = text.tokens.index("the")
    tokens[tokens == place] = text.special["mask"]
    assert text.tokens[int(model.predict(tokens)[0, 1].argmax())] == "the"
    # Judging twice gives the same.
    assert model.evaluate(prepared.validation).to_dict() == model.evaluate(prepared.validation).to_dict()


def test_windows_begin_and_end(book: Path) -> None:
    source = MaskedText(str(book), steps=10, vectorize={"tokenizer": "words", "begin": True, "end": True}, stride=4)
    data = source.read().train
    vectorization = source.learned[0]
    output = np.asarray(data.targets["output"])
    assert output.shape[1] == 10
    assert {*output[:, 0]} == {vectorization.special["begin"]}
    assert {*output[:, -1]} == {vectorization.special["end"]}
    assert vectorization.special["mask"] in np.asarray(data.inputs["input"])
    train = np.asarray(data.take(np.flatnonzero(data.part == "train")).targets["output"])
    assert np.array_equal(train[1, 1:-1][:4], train[0, 1:-1][4:])


def test_lines_that_are_too_long_are_told(book: Path) -> None:
    with pytest.warns(LaminaWarning, match="DA161"):
        MaskedText(str(book), unit="lines", steps=3, vectorize={"tokenizer": "words"}).read()


def test_several_files_follow_each_other(tmp_path: Path) -> None:
    for name in ("part-2.txt", "part-10.txt"):
        (tmp_path / name).write_text(f"{name} " * 20)
    source = RunningTokens("part-*.txt", steps=3, vectorize={"tokenizer": "whitespace"}).resolve_paths(tmp_path)
    assert source.text().split() == ["part-2.txt"] * 20 + ["part-10.txt"] * 20


@pytest.mark.parametrize(
    ("make", "code", "says"),
    [
        (lambda p: RunningTokens(p, steps=10_000, vectorize={"tokenizer": "words"}).read(), "DA006", "fewer steps"),
        (lambda p: MaskedText(p, steps=2, vectorize={"tokenizer": "words", "begin": True, "end": True}).read(), "DA006", "2 steps"),
        (lambda p: RunningTokens(p + "x").read(), "DA031", "did you mean 'book.txt'?"),
        (lambda p: RunningTokens(p, vectorize={"output": "counts"}), "SP004", "steps: 128"),
        (lambda p: RunningTokens(p, vectorize={"length": 3}), "SP004", "steps: 128"),
        (lambda p: RunningTokens(p, validation=0.6, test=0.5), "SP004", "test: 0.1"),
    ],
)
def test_what_cannot_be_is_refused(book: Path, make: Any, code: str, says: str) -> None:
    with pytest.raises((DataError, DescriptionError)) as caught:
        make(str(book))
    assert caught.value.code == code
    assert says in str(caught.value)


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_bytes(b"first line\nna\xefve")
    with pytest.raises(DataError, match=r"old.txt:2") as caught:
        RunningTokens(str(tmp_path / "old.txt")).read()
    assert caught.value.code == "DA031"

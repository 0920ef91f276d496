"""Texts in tables: learned from the training part, beside numbers, masked, and read the same way when a model is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import lamina as lm
from lamina.data.config import DataConfig, prepare
from lamina.data.words import Words
from lamina.errors import DataError

MOODS = {1: ["good", "lovely", "fine"], 0: ["bad", "awful", "dull"]}
SPLIT = {"test": 0.25, "validation": 0.1, "stratify": True}


def write(folder: Path, rows: int = 120) -> Path:
    rng = np.random.default_rng(1)
    lines = ["text\tstars\tliked"]
    for number in range(rows):
        liked = number % 2
        words = " ".join(rng.choice(MOODS[liked], size=1 + number % 4))
        lines.append(f"a {words} film, no. {number}\t{liked * 3 + rng.integers(0, 3)}\t{'yes' if liked else 'no'}")
    path = folder / "films.tsv"
    path.write_text("\n".join(lines) + "\n")
    return path


def config(path: Path, **vectorize: Any) -> DataConfig:
    source = {"type": "tsv", "path": str(path), "target": "liked", "text": "text", "ignore": ["stars"], "vectorize": vectorize}
    return DataConfig(source=source, split=SPLIT)


def trained(prepared: Any, layers: list[Any], **settings: Any) -> lm.Model:
    model = lm.Model(lm.Sequential([*layers, lm.Output(2)]), seed=1)
    model.preprocessing = prepared.preprocessing
    model.fit(prepared.train, **{"epochs": 12, "optimizer": {"type": "adam", "learning_rate": 0.03}, "progress": False, **settings})
    return model


def test_words_are_those_of_the_training_part(tmp_path: Path) -> None:
    prepared = prepare(config(write(tmp_path), tokenizer="words"), seed=3)
    text = prepared.preprocessing.columns.only.text  # type: ignore[union-attr]
    numbers = {word for word in text.vocabulary if word.isdigit()}
    assert len(numbers) == len(prepared.train)
    # In the others every number is unknown, and so is nothing else.
    for part in (prepared.validation, prepared.test):
        assert (part.inputs["input"] == 1).sum(axis=1).tolist() == [1] * len(part)  # type: ignore[union-attr]


@pytest.mark.parametrize("tokenizer", ["byte_pair", "word_piece", "ngrams", "bytes"])
def test_a_model_reads_as_in_training(tmp_path: Path, tokenizer: str) -> None:
    path = write(tmp_path)
    size = {"byte_pair": {"size": 300}, "word_piece": {"size": 80}}.get(tokenizer, {})
    prepared = prepare(config(path, tokenizer={"type": tokenizer, **size}, begin=True), seed=3)
    model = trained(prepared, [lm.Embedding(8, mask_token=0), lm.layers.GlobalAvgPool()])
    model.save(tmp_path / "films.lamina")
    again = lm.load(tmp_path / "films.lamina")
    new = ["a lovely fine film", "awful, awful", "", "日本 é never seen"]
    scores = again.predict(new)
    assert scores.argmax(1).tolist()[:2] == [1, 0]
    for other in (pl.DataFrame({"text": new}), {"text": new}, np.array(new), [{"text": text} for text in new], tuple(new)):
        assert np.array_equal(again.predict(other), scores)
    (tmp_path / "new.tsv").write_text("text\n" + "\n".join(text or '""' for text in new) + "\n")
    assert np.array_equal(again.predict(tmp_path / "new.tsv"), scores)
    assert np.array_equal(model.predict(new), scores)
    # A text gets what it gets alone.
    assert np.allclose(again.predict(new[:1]), scores[:1], atol=1e-6)
    assert again.evaluate(path).metrics["accuracy"] > 0.9


def test_texts_beside_numbers(tmp_path: Path) -> None:
    source = {
        "type": "tsv",
        "path": str(write(tmp_path)),
        "target": "liked",
        "inputs": {"words": {"columns": "text", "vectorize": {"tokenizer": "words", "output": "counts"}}, "stars": {"columns": "stars"}},
    }
    prepared = prepare(DataConfig(source=source, split=SPLIT), seed=3)
    assert prepared.train.inputs["stars"].shape == (len(prepared.train), 1)
    columns = prepared.preprocessing.columns.inputs["words"]  # type: ignore[union-attr]
    assert prepared.train.inputs["words"].shape[1] == len(columns.names)
    joined: Any = {"type": "concat", "inputs": ["words", "stars"]}
    last: Any = {"type": "output", "units": 2, "inputs": ["both"]}
    graph = lm.Graph(inputs=dict(prepared.schema.inputs), nodes={"both": joined, "output": last}, outputs=["output"])
    model = lm.Model(graph, seed=1)
    model.preprocessing = prepared.preprocessing
    model.fit(prepared.train, epochs=20, optimizer={"type": "adam", "learning_rate": 0.05}, progress=False)
    frame = pl.DataFrame({"stars": [5, 0], "text": ["a lovely film", "a dull film"]})
    assert model.predict(frame).argmax(1).tolist() == [1, 0]


def test_masks_reach_every_layer_and_make_buckets(tmp_path: Path) -> None:
    prepared = prepare(config(write(tmp_path), tokenizer="words", fill_mask=True), seed=3)
    mask = prepared.train.input_masks["input"]
    assert np.array_equal(mask, prepared.train.inputs["input"] != 0)
    assert not mask.all()
    # No mask_token: the mask comes with the data, in training and when asked.
    model = trained(prepared, [lm.Embedding(8), lm.layers.GlobalAvgPool()], bucketing=4)
    new = ["a lovely fine film", "awful"]
    assert model.predict(new).argmax(1).tolist() == [1, 0]
    assert np.allclose(model.predict(new[1:]), model.predict(new)[1:], atol=1e-6)
    model.save(tmp_path / "films.lamina")
    assert np.array_equal(lm.load(tmp_path / "films.lamina").predict(new), model.predict(new))


def test_without_masks_buckets_are_refused_with_a_way_out(tmp_path: Path) -> None:
    prepared = prepare(config(write(tmp_path), tokenizer="words"), seed=3)
    with pytest.raises(DataError, match="fill_mask: true"):
        trained(prepared, [lm.Embedding(8, mask_token=0), lm.layers.GlobalAvgPool()], bucketing=4)


def test_the_path_of_a_tokenizer_is_relative_to_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\ngood\nfilm\n")
    write(tmp_path)
    own = {"tokenizer": {"type": "word_piece", "path": "vocab.txt"}}
    alone = config(Path("films.tsv"), **own).resolve_paths(tmp_path)
    assert prepare(alone, seed=1).train.schema.inputs["input"] == lm.tokens(None, 4)
    inputs = {"a": {"columns": "text", "vectorize": own}, "b": {"columns": "stars"}}
    beside = DataConfig(source={"type": "tsv", "path": "films.tsv", "target": "liked", "inputs": inputs}).resolve_paths(tmp_path)
    assert prepare(beside, seed=1).train.schema.inputs["a"] == lm.tokens(None, 4)


def test_one_long_text_does_not_widen_all_others() -> None:
    texts = [f"text {number}" for number in range(3000)] + ["word " * 600_000]
    # As an array of one width these would take 36 GB.
    words = Words.of_series(pl.Series(texts))
    assert words.tolist() == [text.strip() for text in texts]
    assert Words.of(texts).tolist() == texts
    joined = Words.joined([words, Words.of(["b", "a"])])
    assert joined.tolist()[-2:] == ["b", "a"]
    assert joined[3000][:9] == "word word"
    frame = pl.DataFrame({"text": texts, "liked": ["yes", "no", "yes"] * 1000 + ["no"]})
    data = lm.Dataset.from_frame(frame, target="liked", text="text", vectorize={"tokenizer": "words", "output": "counts", "max_tokens": 50})
    assert data.inputs["input"].shape == (3001, 49)

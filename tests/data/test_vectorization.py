"""Texts become tokens and vectors: against scikit-learn, by hand, and through a model that is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import CountVectorizer

import lamina as lm
from lamina.data.config import DataConfig, prepare
from lamina.data.dataset import Dataset
from lamina.data.vectorization import TextVectorization
from lamina.errors import DataError, DescriptionError, LaminaWarning

TEXTS = ["A good film!", "a bad film; bad.", "Good, good -- GOOD", "what a plot"]


def test_words_are_counted_as_by_scikit_learn() -> None:
    for ngrams, spans in ((1, (1, 1)), (2, (1, 2)), ([2], (2, 2))):
        learned = TextVectorization(ngrams=ngrams, output="counts").fit(TEXTS)
        theirs = CountVectorizer(preprocessor=lambda t: "".join(c for c in t.lower() if c.isalnum() or c == " "), token_pattern=r"\S+")
        theirs.set_params(ngram_range=spans)
        expected = theirs.fit_transform(TEXTS).toarray()
        order = [theirs.vocabulary_[word] for word in learned.vocabulary]
        found = learned.encode(TEXTS)
        assert np.array_equal(found[:, 1:], expected[:, order])
        assert not found[:, 0].any()
        totals = expected[:, order].sum(0)
        assert (np.diff(totals) <= 0).all()
        assert np.array_equal(TextVectorization(ngrams=ngrams, output="multi_hot").fit(TEXTS).encode(TEXTS), np.minimum(found, 1))


def test_tokens_by_hand() -> None:
    learned = TextVectorization(max_tokens=5).fit(TEXTS)
    assert learned.vocabulary == ("good", "a", "bad")
    assert learned.shape == lm.tokens(None, vocabulary=5)
    assert learned.encode(["Bad good unseen!", "", "a"]).tolist() == [[4, 2, 1], [1, 0, 0], [3, 0, 0]]
    short = learned.replace(length=2)
    assert short.shape == lm.tokens(2, vocabulary=5)
    with pytest.warns(LaminaWarning, match="DA161.*\n.*\n.*1 texts with more, the longest 3: 1 tokens are cut off, at the end"):
        assert short.encode(["bad good a", "a"]).tolist() == [[4, 2], [3, 0]]
    # It is said once.
    assert short.encode(["bad good a"]).tolist() == [[4, 2]]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ["its", "a", "test"]),
        ({"standardize": "lower"}, ["it's", "a", "test."]),
        ({"standardize": "strip_punctuation"}, ["Its", "a", "TEST"]),
        ({"standardize": None}, ["It's", "a", "TEST."]),
        ({"split": None}, ["its a  test"]),
        ({"ngrams": 2}, ["its", "a", "test", "its a", "a test"]),
        ({"ngrams": [3]}, ["its a test"]),
        ({"split": "character", "standardize": None}, list("It's a  TEST.")),
    ],
)
def test_texts_are_cut_as_said(settings: dict[str, Any], words: list[str]) -> None:
    assert TextVectorization(**settings).words("It's a  TEST.") == words


def test_rare_words_weigh_more() -> None:
    learned = TextVectorization(output="tf_idf").fit(TEXTS)
    holding = np.array([sum(word in TextVectorization().words(text) for text in TEXTS) for word in learned.vocabulary])
    weights = np.log(1 + 4 / (1 + holding))
    counts = learned.replace(output="counts", weights=None).encode([*TEXTS, "never seen good"])
    assert np.allclose(learned.encode([*TEXTS, "never seen good"]), counts * np.array([weights.mean(), *weights]))
    assert TextVectorization.from_yaml(learned.to_yaml()) == learned


@pytest.fixture
def films(tmp_path: Path) -> Path:
    rows = [("good", 1), ("bad", 0)] * 20
    lines = [f'"a {word} film, {"really" if number % 3 else "quite"} {word}!",{liked}' for number, (word, liked) in enumerate(rows)]
    path = tmp_path / "films.csv"
    path.write_text("\n".join(["review,liked", *lines]) + "\n", encoding="utf-8")
    return path


def network() -> lm.Sequential:
    return lm.Sequential([lm.Embedding(4, mask_token=0), lm.layers.GlobalAvgPool(), lm.Output(2)])


def test_a_model_learns_from_texts_and_keeps_its_words(films: Path, tmp_path: Path) -> None:
    prepared = prepare(DataConfig.from_yaml(f"{{source: {{type: csv, path: {films}, target: liked, text: review}}}}"), seed=1)
    assert prepared.schema.inputs["input"] == lm.tokens(None, vocabulary=8)
    model = lm.Model(network(), seed=1)
    model.fit(prepared.train, epochs=30, optimizer={"type": "adam", "learning_rate": 0.05}, progress=False)
    new = ["good!", "a bad, bad, bad film that nobody likes", "really good"]
    scores = model.predict(new)
    assert scores.argmax(1).tolist() == [1, 0, 1]
    model.save(tmp_path / "films.lamina")
    again = lm.load(tmp_path / "films.lamina")
    assert np.array_equal(again.predict(new), scores)
    assert np.array_equal(again.predict(pl.DataFrame({"review": new})), scores)
    # A text gets what it gets alone, whatever stands beside it.
    assert np.allclose(again.predict(new[:1]), scores[:1], atol=1e-6)
    path = tmp_path / "new.csv"
    path.write_text('review\n"good!"\n"a bad, bad, bad film that nobody likes"\n"really good"\n', encoding="utf-8")
    assert np.array_equal(again.predict(path), scores)


def test_frames_and_vectors() -> None:
    frame = pl.DataFrame({"text": ["so good", "so bad", "good"], "liked": ["yes", "no", "yes"], "id": [1, 2, 3]})
    data = Dataset.from_frame(frame, target="liked", text="text", vectorize={"output": "counts"})
    assert data.schema.inputs["input"] == lm.features(4)
    assert data.inputs["input"].tolist() == [[0, 1, 1, 0], [0, 0, 1, 1], [0, 1, 0, 0]]
    assert data.columns is not None
    assert data.columns.names == ("[unknown]", "good", "so", "bad")


@pytest.mark.parametrize(
    ("settings", "fix"),
    [
        ({"vocabulary": ["a", "a"]}, "remove what is there twice"),
        ({"output": "counts", "length": 4}, "output: tokens"),
        ({"output": "tf_idf", "vocabulary": ["a"]}, "leave out both"),
        ({"weights": [1.0]}, "leave weights out"),
        ({"ngrams": 0}, "ngrams"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], fix: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        TextVectorization(**settings)
    assert fix in str(caught.value)


@pytest.mark.parametrize(
    ("make", "code", "fix"),
    [
        (lambda f: Dataset.from_frame(f, target="liked", text="txt"), "DA014", "did you mean 'text'?"),
        (lambda f: Dataset.from_frame(f, target="liked", text="text", features=["id"]), "SP004", "two inputs"),
        (lambda f: Dataset.from_frame(f, target="liked", vectorize={"ngrams": 2}), "SP004", "text: NAME"),
        (lambda f: Dataset.from_frame(f.with_columns(text=pl.lit("!")), target="liked", text="text"), "DA012", "standardize: lower"),
    ],
)
def test_roles_that_do_not_fit_are_refused(make: Callable[[Any], Any], code: str, fix: str) -> None:
    frame = pl.DataFrame({"text": ["so good", "so bad"], "liked": ["yes", "no"], "id": [1, 2]})
    with pytest.raises((DataError, DescriptionError)) as caught:
        make(frame)
    assert caught.value.code == code
    assert fix in str(caught.value)

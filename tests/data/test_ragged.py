"""Lists of sequences of different lengths are taken wherever arrays are: filled up, with masks."""

from __future__ import annotations

import numpy as np
import pytest

import lamina as lm
from lamina.data.dataset import Dataset
from lamina.data.normalizers import Standardize
from lamina.data.preprocessing import Preprocessing
from lamina.data.ragged import is_ragged, pad_labels
from lamina.errors import DataError

RNG = np.random.default_rng(3)
SEQUENCES = [RNG.normal(size=(n, 2)).astype("float32") for n in (5, 2, 7, 3)]


def model(**settings) -> lm.Model:
    return lm.Model(lm.Sequential(lm.sequence(None, 2), [lm.LSTM(4), lm.LastStep(), lm.Output(2)]), seed=1, **settings)


def test_what_is_ragged() -> None:
    assert is_ragged(SEQUENCES)
    assert is_ragged(([1, 2], []))
    for other in (SEQUENCES[:1], np.zeros((2, 3)), [[1, 2], [3, 4]], [1.0, 2.0], ["ab", "c"], [], {"a": [1]}, [[1, 2], 3]):
        assert not is_ragged(other)


def test_predictions_of_a_list_are_those_of_each_alone() -> None:
    asked = model()
    found = asked.predict(SEQUENCES)
    for row, sequence in zip(found, SEQUENCES, strict=True):
        np.testing.assert_allclose(row, asked.predict(sequence[None])[0], rtol=1e-5)
    np.testing.assert_array_equal(asked.predict({"input": [s.tolist() for s in SEQUENCES]}), found)


def test_tokens_and_a_fixed_number_of_steps() -> None:
    net = lm.Sequential(lm.tokens(6, 10), [lm.Embedding(3), lm.GRU(4), lm.LastStep(), lm.Output(2)])
    asked = lm.Model(net, seed=1)
    found = asked.predict([[1, 2, 3], [4], [5, 6, 7, 8, 9, 1]])
    np.testing.assert_allclose(found[1], asked.predict([[4], [4, 4]])[0], rtol=1e-5)
    with pytest.raises(DataError, match="DA003"):
        asked.predict([[1] * 7, [2]])
    with pytest.raises(DataError, match="DA009"):
        asked.predict([[1, 11], [2]])


def test_training_judging_and_preprocessing_take_them_too() -> None:
    y = [0, 1, 0, 1]
    whole = Dataset.from_sequences(SEQUENCES, y)
    one, other = model(), model()
    for fitted, data in ((one, (SEQUENCES, y)), (other, whole)):
        fitted.fit(data, epochs=2, progress=False)
    np.testing.assert_array_equal(one.predict(SEQUENCES), other.predict(whole))
    assert one.evaluate(SEQUENCES, y).metrics == other.evaluate(whole).metrics
    scaled = model()
    prepared = Preprocessing.fit(whole, normalize=Standardize()).prepare(whole)
    scaled.fit(prepared, epochs=1, progress=False)
    np.testing.assert_allclose(scaled.predict(SEQUENCES), scaled.predict(prepared), rtol=1e-6)
    assert scaled.evaluate((SEQUENCES, y)).metrics == scaled.evaluate(prepared).metrics


def test_targets_at_each_step() -> None:
    tags = [RNG.integers(0, 3, len(s)).tolist() for s in SEQUENCES]
    tagger = lm.Model(lm.Sequential(lm.sequence(None, 2), [lm.LSTM(4), lm.Output(3)]), seed=1)
    other = lm.Model(tagger.description, seed=1)
    tagger.fit(SEQUENCES, tags, epochs=2, progress=False)
    other.fit(Dataset.from_sequences(SEQUENCES, tags), epochs=2, progress=False)
    np.testing.assert_array_equal(tagger.predict(SEQUENCES), other.predict(SEQUENCES))
    assert tagger.evaluate(SEQUENCES, tags).metrics == other.evaluate(Dataset.from_sequences(SEQUENCES, tags)).metrics


def test_labels_without_places_are_filled_with_the_padding_of_the_loss() -> None:
    said = [[1, 2], [1], [2, 1, 1], []]
    padded = [[1, 2, -1], [1, -1, -1], [2, 1, 1], [-1, -1, -1]]
    assert pad_labels(said, "y").tolist() == padded
    data = Dataset.from_sequences(SEQUENCES, said, padding=-1)
    assert data.targets["output"].tolist() == padded
    assert not data.target_masks
    found = []
    for given in ((SEQUENCES, said), (SEQUENCES, np.array(padded)), data):
        net = lm.Sequential(lm.sequence(None, 2), [lm.GRU(4), lm.Output(3, loss="ctc")])
        asked = lm.Model(net, seed=1)
        asked.fit(given, epochs=2, progress=False)
        found.append(asked.predict(SEQUENCES))
        assert np.isfinite(asked.evaluate(given)["loss"])
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_a_list_for_a_network_without_steps_is_refused() -> None:
    flat = lm.Model(lm.Sequential(lm.features(2), [lm.Output(2)]))
    with pytest.raises(DataError, match="DA004"):
        flat.predict([[1.0, 2.0], [3.0]])
    with pytest.raises(DataError, match="sample 1"):
        model().predict([np.zeros((3, 2)), np.zeros((2, 5))])

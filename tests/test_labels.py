"""From outputs to labels."""

from __future__ import annotations

import numpy as np

from lamina.labels import choose_labels


def test_the_most_probable_class() -> None:
    outputs = np.array([[0.2, 0.7, 0.1], [0.5, 0.2, 0.3]])
    found = choose_labels(outputs, ["cat", "dog", "emu"])
    assert found.labels.tolist() == ["dog", "cat"]
    assert found.indices.tolist() == [1, 0]
    assert found.probabilities.tolist() == [0.7, 0.5]
    assert len(found) == 2
    assert list(found) == [("dog", 0.7), ("cat", 0.5)]


def test_a_single_column_is_the_second_of_two() -> None:
    found = choose_labels(np.array([[0.9], [0.2], [0.5]]), ["no", "yes"])
    assert found.labels.tolist() == ["yes", "no", "no"]
    np.testing.assert_allclose(found.probabilities, [0.9, 0.8, 0.5])


def test_classes_without_names_are_numbers_as_text() -> None:
    assert choose_labels(np.eye(3), None).labels.tolist() == ["0", "1", "2"]


def test_a_label_for_each_step() -> None:
    outputs = np.zeros((2, 3, 4))
    outputs[0, 1, 3] = outputs[1, 2, 2] = 1
    found = choose_labels(outputs, list("abcd"))
    assert found.labels.tolist() == [["a", "d", "a"], ["a", "a", "c"]]
    assert found.probabilities.shape == (2, 3)


def test_of_equals_the_first() -> None:
    assert choose_labels(np.full((1, 4), 0.25), list("abcd")).labels.tolist() == ["a"]

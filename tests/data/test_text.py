"""Windows of running text: what follows what, and which part each window is in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lamina.data.config import DataConfig, prepare
from lamina.data.sources.text import Characters
from lamina.errors import DataError

TEXT = "".join(chr(ord("a") + i * i % 23) for i in range(203))


@pytest.fixture
def book(tmp_path: Path) -> Path:
    (tmp_path / "book.txt").write_text(TEXT)
    return tmp_path / "book.txt"


def words(source: Characters) -> dict[str, list[tuple[str, str]]]:
    data = source.read().train
    labels = np.array(data.schema.targets["output"].labels)
    found: dict[str, list[tuple[str, str]]] = {}
    for part, x, y in zip(data.part, data.inputs["input"], data.targets["output"], strict=True):
        found.setdefault(str(part), []).append(("".join(labels[x]), "".join(labels[y])))
    return found


def test_targets_are_the_next_characters_and_the_parts_are_apart(book: Path) -> None:
    found = words(Characters(str(book), steps=8, validation=0.2, test=0.1))
    bounds = {"train": (0, 142), "validation": (142, 183), "test": (183, 203)}
    assert list(found) == list(bounds)
    for part, (start, stop) in bounds.items():
        own = TEXT[start:stop]
        starts = list(range(0, len(own) - 8, 8))
        if starts[-1] != len(own) - 9:
            starts.append(len(own) - 9)
        assert found[part] == [(own[i : i + 8], own[i + 1 : i + 9]) for i in starts]


def test_stride_is_for_training_only(book: Path) -> None:
    found = words(Characters(str(book), steps=8, stride=3, validation=0.2))
    assert [x for x, _ in found["train"]][:4] == [TEXT[i : i + 8] for i in (0, 3, 6, 9)]
    assert [x for x, _ in found["validation"]][:2] == [TEXT[162:170], TEXT[170:178]]


def test_the_predefined_split_takes_the_parts_as_they_are(book: Path) -> None:
    config = DataConfig(source=Characters(str(book), steps=8), split={"type": "predefined", "holds": ["train", "validation"]})
    parts = prepare(config, 1)
    assert (len(parts.train), len(parts.validation or ())) == (23, 3)
    assert parts.train.inputs["input"].dtype == np.int64


def test_another_text_is_read_with_the_alphabet_of_training(book: Path, tmp_path: Path) -> None:
    training = Characters(str(book), steps=8).read().train
    (tmp_path / "other.txt").write_text(TEXT[::-1][:50])
    other = Characters(str(tmp_path / "other.txt"), steps=8).read_like(training)
    assert other.schema == training.schema
    labels = np.array(other.schema.targets["output"].labels)
    assert "".join(labels[other.inputs["input"][0]]) == TEXT[::-1][:8]
    (tmp_path / "other.txt").write_text(TEXT[:20] + "Ä")
    with pytest.raises(DataError, match=r"character 20") as caught:
        Characters(str(tmp_path / "other.txt"), steps=8).read_like(training)
    assert caught.value.code == "DA009"


@pytest.mark.parametrize(
    ("content", "name", "code", "says"),
    [
        (b"abc" * 9, "book.txt", "DA006", "validation part"),
        (b"abc", "book.txt", "DA006", "train part"),
        (b"abc\xff" * 90, "book.txt", "DA031", "0xff at 3"),
        (b"abc" * 90, "bok.txt", "DA031", "did you mean 'book.txt'"),
    ],
)
def test_errors_say_what_to_do(tmp_path: Path, content: bytes, name: str, code: str, says: str) -> None:
    (tmp_path / "book.txt").write_bytes(content)
    with pytest.raises(DataError, match=says) as caught:
        Characters(str(tmp_path / name), steps=8).read()
    assert caught.value.code == code

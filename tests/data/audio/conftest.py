"""Clips that tests write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lamina.data.audio.wav import write_wav

RATE = 4000
WORDS = ("high", "low")
SPEAKERS = ("ann", "bob", "cy")


def tone(word: str, speaker: str, take: int, seconds: float = 0.1) -> np.ndarray:
    """A tone of its own pitch for each word and speaker."""
    pitch = (900 if word == "high" else 300) * (1 + 0.05 * SPEAKERS.index(speaker))
    count = round(seconds * (1 + 0.1 * take) * RATE)
    noise = np.random.default_rng(take).normal(size=count) * 0.01
    return (0.5 * np.sin(2 * np.pi * pitch * np.arange(count) / RATE) + noise)[:, None].astype(np.float32)


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``clips/WORD/WORD_SPEAKER_TAKE.wav``, 24 of them and a list, in the working directory."""
    monkeypatch.chdir(tmp_path)
    rows = ["path,word,who,part"]
    for word in WORDS:
        (tmp_path / "clips" / word).mkdir(parents=True)
        for speaker in SPEAKERS:
            for take in range(4):
                name = f"{word}/{word}_{speaker}_{take}.wav"
                (tmp_path / "clips" / name).write_bytes(write_wav(tone(word, speaker, take), RATE))
                rows.append(f"{name},{word},{speaker},{'test' if take == 3 else 'train'}")
    (tmp_path / "clips" / "list.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "clips"

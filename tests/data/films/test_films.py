"""Films as sequences of pictures: animated images everywhere, videos where a decoder is installed."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import lamina as lm
from lamina.data.config import DataConfig, prepare
from lamina.data.films.decoding import count_frames, frames_of
from lamina.data.films.preparation import evenly
from lamina.data.lazy import LazyArray
from lamina.data.sources import VideoFolder
from lamina.errors import DataError, DependencyError

from .conftest import avi, gif, picture


def levels(pictures: np.ndarray) -> list[int]:
    """Which of the pictures of `picture` each one is."""
    return [round(float(one[:, :, 0].mean()) / 20) - 1 for one in pictures]


def test_frames_of_each_film_with_a_mask(films: Path) -> None:
    data = VideoFolder("films", size=(6, 8)).read().train
    assert str(data.schema.inputs["input"]) == "[batch, ?, 3, 6, 8]"
    assert data.inputs["input"].shape == (4, 8, 3, 6, 8)
    assert data.input_masks["input"].sum(axis=1).tolist() == [8, 4, 3, 5]
    assert data.schema.targets["output"].labels == ("down", "up")
    assert levels(data.inputs["input"][1, :4]) == [0, 1, 2, 3]
    expected = np.asarray(picture(2).resize((8, 6), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
    assert np.array_equal(data.inputs["input"][2, 2], expected)
    assert not data.inputs["input"][2, 3:].any()


def test_some_frames(films: Path) -> None:
    def seen(**settings: Any) -> list[list[int]]:
        data = VideoFolder("films", size=6, **settings).read().train
        pairs = zip(data.inputs["input"], data.input_masks["input"], strict=True)
        return [levels(pictures[mask]) for pictures, mask in pairs]

    assert seen(frames=3) == [[1, 4, 6], [0, 2, 3], [0, 1, 2], [0, 2, 4]]
    assert seen(every=3) == [[0, 3, 6], [0, 3], [0], [0, 3]]
    assert seen(every=2, frames=2) == [[0, 2], [0, 2], [0, 2], [0, 2]]
    grey = VideoFolder("films", size=6, channels=1, frames=2)
    assert str(grey.schema().inputs["input"]) == "[batch, 2, 1, 6, 6]"
    assert grey.read().train.inputs["input"].shape == (4, 2, 1, 6, 6)


@given(st.integers(1, 300), st.integers(1, 60))
def test_frames_are_evenly_spread(count: int, wanted: int) -> None:
    found = sorted(evenly(count, wanted))
    assert len(found) == min(count, wanted)
    assert 0 <= found[0] <= found[-1] < count
    gaps = np.diff(found)
    assert len(gaps) == 0 or gaps.max() - gaps.min() <= 1
    assert abs(found[0] - (count - 1 - found[-1])) <= 1


@pytest.mark.parametrize(("kind", "count"), [("GIF", 5), ("WEBP", 5), ("PNG", 5), ("TIFF", 5), ("PNG", 1)])
def test_all_animated_kinds(kind: str, count: int) -> None:
    buffer = io.BytesIO()
    first, *others = (picture(number) for number in range(count))
    more = {"lossless": True} if kind == "WEBP" else {}
    first.save(buffer, kind, save_all=True, append_images=others, **more)
    data = buffer.getvalue()
    assert count_frames(data, "it") == count
    found = list(frames_of(data, "it", lambda number: number % 2 == 0))
    assert [number for number, _ in found] == list(range(0, count, 2))
    for number, frame in found:
        assert np.array_equal(np.asarray(frame), np.asarray(picture(number)))


def test_pages_of_sixteen_bits() -> None:
    buffer = io.BytesIO()
    deep = [Image.fromarray(np.full((4, 4), 256 * value + 7, dtype=np.uint16)) for value in (10, 200)]
    deep[0].save(buffer, "TIFF", save_all=True, append_images=deep[1:])
    assert [int(np.asarray(frame)[0, 0]) for _, frame in frames_of(buffer.getvalue(), "it", lambda _: True)] == [10, 200]


def test_many_films_are_decoded_when_they_are_asked_for(films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = VideoFolder("films", size=6).read().train
    monkeypatch.setattr("lamina.data.films.films.RESIDENT_BYTES", 0)
    lazy = VideoFolder("films", size=6).read().train
    assert isinstance(lazy.inputs["input"], LazyArray)
    assert np.array_equal(lazy.inputs["input"][:], plain.inputs["input"])
    assert np.array_equal(lazy.input_masks["input"][:], plain.input_masks["input"])


def test_a_model_takes_films_as_files_folders_and_bytes(films: Path, tmp_path: Path) -> None:
    config = DataConfig.from_yaml("{source: {type: video_folder, path: films, size: 6, frames: 4}}")
    data = prepare(config, 1)
    assert data.train.inputs["input"].max() <= 1
    frames = lm.layers.TimeDistributed([lm.Conv2d(2, kernel=3), lm.layers.GlobalAvgPool()])
    model = lm.Model(lm.Sequential(data.schema.inputs["input"], [frames, lm.GRU(4), lm.LastStep(), lm.Output(2)]), seed=1)
    model.fit(data.train, epochs=1, progress=False)
    wanted = model.predict(data.train)
    files = sorted(films.rglob("*.gif"))
    for value in ("films", files, [str(file) for file in files], [file.read_bytes() for file in files]):
        assert np.array_equal(model.predict(value), wanted)
    assert np.allclose(model.predict(files[2].read_bytes()), wanted[2:3], atol=1e-6)
    model.save("seen.lamina")
    code = "import lamina as lm, numpy as np; np.save('p.npy', lm.load('seen.lamina').predict('films'))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    assert np.array_equal(np.load(tmp_path / "p.npy"), wanted)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "an empty file"),
        (b"no film at all", "begins with"),
        (b"GIF89a", r"UnidentifiedImageError|OSError"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "SyntaxError|UnidentifiedImageError|ValueError"),
    ],
)
def test_what_is_no_film(data: bytes, said: str) -> None:
    with pytest.raises(DataError, match=rf"\[DA156\] it(.|\n)*({said})"):
        list(frames_of(data, "it", lambda _: True))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_a_film_that_is_cut_off_loses_nothing_in_silence(kind: str) -> None:
    buffer = io.BytesIO()
    first, *others = (picture(number) for number in range(5))
    first.save(buffer, kind, save_all=True, append_images=others)
    data = buffer.getvalue()
    for size in range(len(data) // 2, len(data)):
        with pytest.raises(DataError, match="DA156"):
            list(frames_of(data[:size], "it", lambda _: True))


def test_a_film_that_breaks_off_is_named_with_the_frame(films: Path) -> None:
    whole = gif(5)
    (films / "up" / "broken.gif").write_bytes(whole[: len(whole) * 2 // 3] + b";")
    with pytest.raises(DataError, match=r"\[DA156\] .*up/broken.gif, frame \d"):
        VideoFolder("films", size=6).read()
    with pytest.warns(lm.LaminaWarning, match=r"\[DA152\] 1 of 5 films"):
        assert len(VideoFolder("films", size=6, unreadable="drop").read().train) == 4


@settings(max_examples=100, deadline=None, database=None)
@given(place=st.integers(0, 400), value=st.binary(min_size=1, max_size=4), size=st.none() | st.integers(1, 600))
def test_damage_does_no_more_than_raise_our_error(place: int, value: bytes, size: int | None) -> None:
    whole = gif(3)
    code = ""
    try:
        list(frames_of((whole[:place] + value + whole[place + len(value) :])[:size], "it", lambda _: True))
    except (DataError, DependencyError) as error:
        code = error.code
    assert code in ("", "DA156", "DA157")


def test_frames_without_end_and_without_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamina.data.films.decoding.MOST_FRAMES", 3)
    with pytest.raises(DataError, match=r"\[DA156\](.|\n)*at most 3 frames"):
        count_frames(gif(5), "it")
    with pytest.raises(DataError, match=r"\[DA156\](.|\n)*at most 3 frames"):
        list(frames_of(gif(5), "it", lambda _: True))
    monkeypatch.setattr("lamina.data.films.decoding.MOST_PIXELS", 100)
    with pytest.raises(DataError, match=r"\[DA156\](.|\n)*32 by 24"):
        list(frames_of(gif(2), "it", lambda _: True))


def test_a_video_without_a_decoder_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(DependencyError, match=r"\[DA157\](.|\n)*opencv-python-headless(.|\n)*pip install av"):
        list(frames_of(avi(2), "film.avi", lambda _: True))


@pytest.mark.parametrize("decoder", ["av", "cv2"])
def test_videos(decoder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", os.environ.get("LD_LIBRARY_PATH", ""))  # OpenCV changes it.
    pytest.importorskip(decoder, reason="no decoder of videos is needed, and this one is not installed")
    monkeypatch.setitem(sys.modules, "cv2" if decoder == "av" else "av", None)
    data = avi(6)
    assert count_frames(data, "film.avi") == 6
    found = list(frames_of(data, "film.avi", lambda number: number != 3))
    assert [number for number, _ in found] == [0, 1, 2, 4, 5]
    for number, frame in found:
        assert np.abs(np.asarray(frame).astype(int) - np.asarray(picture(number))).mean() < 3
    (tmp_path / "a.avi").write_bytes(data)
    seen = VideoFolder(str(tmp_path), label="none", size=6, frames=3).read().train.inputs["input"]
    assert levels(seen[0]) == [1, 3, 5]
    with pytest.raises(DataError, match=r"\[DA156\](.|\n)*cut off"):
        list(frames_of(avi(12)[: len(data)], "film.avi", lambda _: True))
    with pytest.raises(DataError, match="DA156"):
        list(frames_of(b"RIFF" + bytes(200), "film.avi", lambda _: True))

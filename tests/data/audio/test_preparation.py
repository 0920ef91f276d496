"""Folders of clips as data, and what a model keeps of them: files, bytes and samples give the bits of training."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina.data.audio.clips import Clips
from lamina.data.audio.features import MelFeatures, Mfcc, Waveform
from lamina.data.audio.preparation import SoundPreparation
from lamina.data.audio.sound import read_sound
from lamina.data.audio.wav import write_wav
from lamina.data.config import DataConfig, prepare
from lamina.data.lazy import Address, LazyArray
from lamina.data.sources import AudioFolder
from lamina.data.storage import DataFile
from lamina.errors import DataError, DescriptionError

Trained = tuple[Any, list[Path], np.ndarray]
NAMED = r"(?P<label>[a-z]+)_(?P<speaker>[a-z]+)_\d"


def test_labels_and_speakers_come_from_names(clips: Path) -> None:
    data = AudioFolder("clips", pattern=NAMED, group="speaker", features=Mfcc(count=4)).read().train
    assert data.schema.targets["output"].labels == ("high", "low")
    assert sorted(set(data.groups.tolist())) == ["ann", "bob", "cy"]
    assert np.bincount(data.targets["output"]).tolist() == [12, 12]
    parts = prepare(
        DataConfig.from_yaml(
            f"""
            source: {{type: audio_folder, path: clips, pattern: '{NAMED}', group: speaker, features: {{type: mfcc, count: 4}}}}
            split: {{type: grouped, test: 0.33}}
            """
        ),
        3,
    )
    assert len(parts.test) == 8
    assert len(set(parts.test.groups.tolist())) == 1
    assert not {*parts.test.groups.tolist()} & {*parts.train.groups.tolist()}


def test_labels_from_folders_and_from_a_list(clips: Path) -> None:
    by_folder = AudioFolder("clips").read().train
    by_list = AudioFolder("clips", manifest="clips/list.csv", target="word", group="who", part="part").read().train
    assert np.array_equal(by_folder.targets["output"], by_list.targets["output"])
    assert sorted(set(by_list.part.tolist())) == ["test", "train"]
    assert AudioFolder("clips/high/*.wav", label="none").read().train.targets == {}


def test_clips_of_their_own_length_come_with_masks(clips: Path) -> None:
    source = AudioFolder("clips", features=Mfcc(count=4))
    data = source.read().train
    lengths = data.input_masks["input"].sum(axis=1)
    assert data.inputs["input"].shape == (24, lengths.max(), 4)
    assert str(source.schema().inputs["input"]) == "[batch, ?, 4]"
    for index, file in enumerate(source.labelled().files):
        sound = read_sound(file.read(), file.name)
        expected = Mfcc(count=4).compute(sound.samples, 4000)[:, 0]
        assert lengths[index] == len(expected)
        assert np.allclose(data.inputs["input"][index, : len(expected)], expected, atol=1e-4)
        assert not data.inputs["input"][index, len(expected) :].any()


def test_clips_of_one_length(clips: Path) -> None:
    data = AudioFolder("clips", seconds=0.11, features=Mfcc(count=4)).read().train
    assert data.inputs["input"].shape == (24, 12, 4)
    # Clips of 0.1 s have 11 frames, the others 12.
    assert sorted(set(data.input_masks["input"].sum(axis=1).tolist())) == [11, 12]
    silent = AudioFolder("clips", seconds=0.11, fill="silence", features=Waveform()).read().train
    assert silent.inputs["input"].shape == (24, 440, 1)
    assert silent.input_masks == {}
    image = AudioFolder("clips", seconds=0.11, layout="image", features=MelFeatures(bands=5, deltas=1))
    assert str(image.schema().inputs["input"]) == "[batch, 2, 5, 12]"
    sequence = AudioFolder("clips", seconds=0.11, fill="silence", features=MelFeatures(bands=5, deltas=1)).read().train
    pictures = image.read().train.inputs["input"]
    assert np.array_equal(pictures.transpose(0, 3, 1, 2).reshape(24, 12, 10), sequence.inputs["input"])


def test_what_is_drawn_depends_on_the_address_alone(clips: Path) -> None:
    settings = {"type": "audio_folder", "path": "clips", "features": {"type": "mfcc", "count": 4}}
    steps = ["gain", "time_shift", "noise", "speed", "spec_augment"]
    data = AudioFolder.from_dict({**settings, "augment": steps}).read().train
    values, mask = data.inputs["input"], data.input_masks["input"]
    assert isinstance(values, LazyArray)
    some, one = np.array([3, 0, 7]), np.array([7])
    drawn = values.take(some, Address(1, 0))
    assert np.array_equal(drawn[2:], values.take(one, Address(1, 0)))
    assert not np.array_equal(drawn, values.take(some, Address(1, 1)))
    assert not np.array_equal(drawn, values.take(some, Address(2, 0)))
    plain = AudioFolder.from_dict(settings).read().train
    assert np.array_equal(values[:], plain.inputs["input"])
    assert np.array_equal(mask[:], plain.input_masks["input"])
    # Faster clips are shorter, and their masks say so.
    lengths = mask.take(np.arange(24), Address(1, 0)).sum(axis=1)
    assert not np.array_equal(lengths, plain.input_masks["input"].sum(axis=1))
    unreal = ~mask.take(some, Address(1, 0))
    assert not drawn[unreal].any()


def test_a_clip_is_decoded_once_and_there_may_be_no_room_for_it(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = AudioFolder("clips", features=Mfcc(count=4))
    files, how = source.labelled().files, source.preparation(source.labelled().files)
    reads: list[str] = []
    whole = DataFile.read
    monkeypatch.setattr(DataFile, "read", lambda self: reads.append(self.name) or whole(self))
    kept = Clips(files, how)
    kept.take(np.arange(24))
    kept.take(np.arange(24))
    assert len(reads) == 24
    monkeypatch.setattr("lamina.data.audio.clips.KEPT_BYTES", 0)
    monkeypatch.setattr("lamina.data.audio.clips.RESIDENT_BYTES", 0)
    lazy = source.read().train
    assert isinstance(lazy.inputs["input"], LazyArray)
    assert np.array_equal(lazy.inputs["input"][:], kept.take(np.arange(24))["values"])


@pytest.fixture
def trained(clips: Path) -> Trained:
    config = DataConfig.from_yaml(
        """
        source:
          type: audio_folder
          path: clips
          rate: 4000
          trim: 40
          level: peak
          features: {type: mfcc, count: 6, deltas: 1}
          augment: [gain]
        normalize: standardize
        """
    )
    data = prepare(config, 1)
    model = lm.Model(lm.Sequential(data.schema.inputs["input"], [lm.GRU(6), lm.layers.LastStep(), lm.Output(2)]), seed=1)
    model.fit(data.train, epochs=2, optimizer=lm.Adam(0.02), progress=False)
    files = sorted((clips).rglob("*.wav"))
    return model, files, model.predict(data.train)


def test_whatever_holds_the_clips_gives_the_answers_of_training(trained: Trained) -> None:
    model, files, wanted = trained
    sounds = [read_sound(file.read_bytes(), file.name) for file in files]
    for given in (
        "clips",
        files,
        [str(file) for file in files],
        [file.read_bytes() for file in files],
        sounds,
        [(sound.samples, sound.rate) for sound in sounds],
        [(sound.samples[:, 0], sound.rate) for sound in sounds],
    ):
        assert np.array_equal(model.predict(given), wanted)
    for index in (0, 5):
        alone = model.predict(str(files[index]))
        assert np.allclose(alone, wanted[index : index + 1], atol=1e-6)
        assert np.array_equal(alone, model.predict(files[index].read_bytes()))
    whole = (np.rint(sounds[0].samples * 32767)).astype(np.int16)
    assert np.allclose(model.predict((whole, 4000)), wanted[:1], atol=1e-2)
    assert model.evaluate(files, ["high"] * 12 + ["low"] * 12)["accuracy"] >= 0.5
    assert model.predict_labels("clips/high").labels.shape == (12,)


def test_sounds_at_another_rate_and_with_more_channels_are_brought_to_those_of_training(
    trained: Trained,
) -> None:
    model, files, wanted = trained
    sound = read_sound(files[0].read_bytes(), "it")
    stereo = np.repeat(sound.samples, 2, axis=1)
    assert np.allclose(model.predict((stereo, 4000)), wanted[:1], atol=1e-6)
    assert model.predict((stereo, 8000)).shape == (1, 2)


def test_another_process_gives_the_same_bits(trained: Trained, tmp_path: Path) -> None:
    model, _, wanted = trained
    model.save("heard.lamina")
    code = "import lamina as lm, numpy as np; np.save('p.npy', lm.load('heard.lamina').predict('clips'))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    assert np.array_equal(np.load(tmp_path / "p.npy"), wanted)
    done = subprocess.run(
        [sys.executable, "-m", "lamina", "predict", "heard.lamina", "clips", "-o", "p.csv"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "p.csv").read_text().splitlines()
    assert len(rows) == 25
    assert [float(value) for value in rows[1].split(",")[2:]] == pytest.approx(wanted[0].tolist(), abs=1e-6)


def test_files_at_another_rate_or_with_more_channels_are_refused_unless_a_rate_is_set(clips: Path) -> None:
    (clips / "low" / "odd.wav").write_bytes(write_wav(np.ones((800, 1)), 8000))
    with pytest.raises(DataError, match=r"\[DA148\] .*low/odd.wav(.|\n)*write rate: 4000"):
        AudioFolder("clips").read()
    assert len(AudioFolder("clips", rate=4000).read().train) == 25
    (clips / "low" / "odd.wav").write_bytes(write_wav(np.ones((400, 3)), 4000))
    with pytest.raises(DataError, match=r"\[DA148\] .*low/odd.wav(.|\n)*write channels: 1"):
        AudioFolder("clips", channels=None).read()
    assert len(AudioFolder("clips").read().train) == 25


def test_a_broken_file_is_named_or_left_out_and_counted(clips: Path) -> None:
    whole = (clips / "high" / "high_ann_0.wav").read_bytes()
    (clips / "high" / "broken.wav").write_bytes(whole[:100])
    (clips / "low" / "empty.wav").write_bytes(b"")
    with pytest.raises(DataError, match=r"\[DA14[56]\] .*high/broken.wav, byte 100"):
        AudioFolder("clips").read()
    with pytest.warns(lm.LaminaWarning, match=r"\[DA152\] 2 of 26 sounds .*broken.wav.*empty.wav.*listed in .*odd.csv"):
        data = AudioFolder("clips", unreadable="drop", quarantine="odd.csv").read().train
    assert len(data) == 24
    assert Path("odd.csv").read_text().count("\n") == 3
    with pytest.raises(DataError, match="DA151"):
        AudioFolder("clips/high/broken.wav", label="none", unreadable="drop").read()


def test_folders_without_sounds_and_names_without_labels(clips: Path) -> None:
    (clips / "notes").mkdir()
    (clips / "notes" / "a.txt").write_text("x")
    with pytest.raises(DataError, match=r"\[DA151\] clips/notes(.|\n)*\.wav"):
        AudioFolder("clips/notes").read()
    with pytest.raises(DataError, match="DA133"):
        AudioFolder("clips", pattern="(x)_").schema()
    with pytest.raises(DataError, match=r"\[DA133\](.|\n)*'speaker'"):
        AudioFolder("clips", pattern=r"(?P<label>high|low)_((?P<speaker>ann|bob)_)?", group="speaker").read()
    Path("list.csv").write_text("path,label\nhigh/high_ann_0.wav,x\nhigh/high_ann_9.wav,x\n")
    with pytest.raises(DataError, match=r"\[DA151\] list.csv:3(.|\n)*did you mean 'high/high_ann_"):
        AudioFolder("clips", manifest="list.csv").read()


def test_features_that_the_rate_of_the_files_does_not_hold(clips: Path) -> None:
    with pytest.raises(DataError, match=r"\[DA148\](.|\n)*2000 Hz"):
        AudioFolder("clips", features=MelFeatures(highest=3000.0)).read()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"layout": "image"}, "seconds: 1.0"),
        ({"rate": 4000, "features": {"type": "mfcc", "highest": 3000.0}}, "2000 Hz"),
        ({"label": "folder", "pattern": "x"}, "remove label"),
        ({"pattern": "("}, "regular expression"),
        ({"part": "x"}, "a group of pattern"),
        ({"quarantine": "x.csv"}, "unreadable: drop"),
        ({"manifest": "x.csv", "target": ["a", "b"], "separator": ";"}, "remove separator"),
        ({"rate": 1_000_000}, "768000"),
    ],
)
def test_settings_that_do_not_fit_together(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(DescriptionError, match=said):
        AudioFolder.from_dict({"type": "audio_folder", "path": "clips", **settings})
    with pytest.raises(DescriptionError, match="mix: false"):
        SoundPreparation(rate=8000, channels=2)


def test_several_labels_of_a_clip(clips: Path) -> None:
    Path("tags.csv").write_text("path,tags\nhigh/high_ann_0.wav,a;b\nlow/low_bob_1.wav,b\nlow/low_cy_2.wav,\n")
    data = AudioFolder("clips", manifest="tags.csv", target="tags", separator=";").read().train
    assert data.targets["output"].tolist() == [[1, 1], [0, 1], [0, 0]]
    with pytest.raises(DataError, match=r"\[DA007\](.|\n)*'a'"):
        AudioFolder("clips", manifest="tags.csv", target="tags", separator=";", classes=["b"]).read()


def test_labels_are_numbered_as_in_training(clips: Path) -> None:
    training = AudioFolder("clips", features=Mfcc(count=4)).read().train
    low = AudioFolder("clips/low/*.wav", pattern=NAMED, features=Mfcc(count=4)).read_like(training)
    assert set(low.targets["output"].tolist()) == {1}

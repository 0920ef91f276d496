"""Folders of images: labels from everywhere, sizes, broken files; the same pictures whoever asks."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lamina.data.config import DataConfig, prepare
from lamina.data.loader import Loader
from lamina.data.sources import ImageFolder
from lamina.errors import DataError, DescriptionError, LaminaWarning
from lamina.testing.data import check_source


@pytest.fixture
def folder(tmp_path: Path, photo) -> Path:
    """Six photos of three kinds in three formats, of different sizes."""
    formats = (("jpg", "RGB"), ("png", "L"), ("bmp", "RGB"), ("png", "RGBA"), ("gif", "P"), ("webp", "RGB"))
    for number, (ending, mode) in enumerate(formats):
        place = tmp_path / "photos" / ("cats", "dogs", "birds")[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        photo.crop((40 * number, 10, 340 + 40 * number, 250 + 10 * number)).convert(mode).save(place / f"a_{number}.{ending}")
    (tmp_path / "photos" / "notes.txt").write_text("not an image")
    return tmp_path


def read(folder: Path, **settings):
    return (
        ImageFolder.from_dict({"type": "image_folder", "path": "photos", "size": [20, 30], **settings}).resolve_paths(folder).read().train
    )


def labels(dataset) -> list[str]:
    return [dataset.schema.targets["output"].labels[number] for number in dataset.targets["output"]]


def test_the_folder_is_the_class(folder) -> None:
    dataset = read(folder)
    assert dataset.schema.targets["output"].labels == ("birds", "cats", "dogs")
    assert labels(dataset) == ["birds", "birds", "cats", "cats", "dogs", "dogs"]
    pixels = dataset.inputs["input"][:]
    assert pixels.shape == (6, 3, 20, 30)
    assert pixels.dtype == np.uint8
    wanted = np.asarray(Image.open(folder / "photos" / "birds" / "a_2.bmp").resize((30, 20), Image.Resampling.BILINEAR))
    assert np.abs(pixels[0].transpose(1, 2, 0).astype(int) - wanted).max() <= 1


def test_the_contract_of_sources(folder, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    check_source(ImageFolder("photos", size=(8, 9)))


def test_other_places_of_labels(folder) -> None:
    assert labels(read(folder, pattern=r"_(\d)\.")) == ["2", "5", "0", "3", "1", "4"]
    assert labels(read(folder, pattern=r"(?P<label>c|b|d)[a-z]+/")) == ["b", "b", "c", "c", "d", "d"]
    numbers = read(folder, pattern=r"_(\d)\.", kind="numbers")
    assert numbers.targets["output"].tolist() == [[2], [5], [0], [3], [1], [4]]
    assert read(folder, label="none").targets == {}
    (folder / "photos").rename(folder / "new")
    (folder / "photos").mkdir()
    (folder / "new").rename(folder / "photos" / "train")
    assert labels(read(folder, label="first_folder")) == ["train"] * 6
    assert labels(read(folder, classes=["dogs", "cats", "birds"]))[0] == "birds"


def test_patterns_and_archives(folder) -> None:
    assert labels(read(folder, path="photos/*/*.png")) == ["cats", "dogs"]
    files = sorted((folder / "photos").rglob("a_*"))
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        for file in files:
            archive.write(file, file.relative_to(folder / "photos"))
    packed, plain = read(folder, path="photos.zip"), read(folder)
    assert labels(packed) == labels(plain)
    assert np.array_equal(packed.inputs["input"][:], plain.inputs["input"][:])


def test_a_manifest(folder) -> None:
    (folder / "list.csv").write_text(
        "file,what,who,part\ncats/a_0.jpg,tabby,ann,train\nbirds/a_2.bmp,crow,bob,test\ndogs/a_1.png,tabby,ann,train\n"
    )
    dataset = read(folder, manifest="list.csv", image="file", target="what", group="who", part="part")
    assert labels(dataset) == ["tabby", "crow", "tabby"]
    assert dataset.groups.tolist() == ["ann", "bob", "ann"]
    assert dataset.part.tolist() == ["train", "test", "train"]
    rows = [
        {"path": "cats/a_0.jpg", "kinds": ["soft", "small"]},
        {"path": "dogs/a_1.png", "kinds": []},
        {"path": "birds/a_2.bmp", "kinds": ["small"]},
    ]
    (folder / "list.jsonl").write_text("\n".join(map(json.dumps, rows)))
    several = read(folder, manifest="list.jsonl", target="kinds")
    assert several.schema.targets["output"].labels == ("small", "soft")
    assert several.targets["output"].tolist() == [[1, 1], [0, 0], [1, 0]]
    (folder / "list.tsv").write_text("path\tx\ty\ncats/a_0.jpg\t1.5\t2\nbirds/a_2.bmp\t3\t4.5\n")
    numbers = read(folder, manifest="list.tsv", target=["x", "y"])
    assert numbers.targets["output"].tolist() == [[1.5, 2], [3, 4.5]]
    assert numbers.schema.targets["output"].kind == "numbers"
    (folder / "marks.csv").write_text("path,tags\ncats/a_0.jpg,a|b\nbirds/a_2.bmp,b\n")
    assert read(folder, manifest="marks.csv", target="tags", separator="|").targets["output"].tolist() == [[1, 1], [0, 1]]


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("path,label\ncats/a_9.jpg,x\n", "DA140", "list.csv:2"),
        ("file,label\ncats/a_0.jpg,x\n", "DA133", "list.csv:2"),
        ("path,label\ncats/a_0.jpg,x\ncats/a_3.png\n", "DA133", "list.csv:3"),
        ("path,kind\ncats/a_0.jpg,x\n", "DA133", "row 1"),
        ("", "DA133", "no row"),
        ("path,label\n../../etc/passwd,x\n", "DA140", "list.csv:2"),
    ],
)
def test_wrong_manifests(folder, text, code, said) -> None:
    (folder / "list.csv").write_text(text)
    with pytest.raises(DataError, match=said) as caught:
        read(folder, manifest="list.csv")
    assert caught.value.code == code


def test_wrong_labels(folder) -> None:
    with pytest.raises(DataError, match="finds the label") as caught:
        read(folder, pattern="x_([0-9])")
    assert caught.value.code == "DA133"
    with pytest.raises(DataError, match="in no folder") as caught:
        read(folder, path="photos/cats")
    assert caught.value.code == "DA133"
    with pytest.raises(DataError, match="none among 1 files") as caught:
        read(folder, path="photos/*.txt")
    assert caught.value.code == "DA140"


def test_sizes_must_agree(folder) -> None:
    source = ImageFolder(str(folder / "photos"), label="none")
    with pytest.raises(DataError, match=r"an image of 260 by 340 .* as the others") as caught:
        source.schema()
    assert caught.value.code == "DA132"
    assert str(ImageFolder(str(folder / "photos" / "**" / "*_0.jpg"), label="none").schema().inputs["input"]) == "[batch, 3, 240, 340]"
    steps = [{"type": "resize", "size": 50, "mode": "short_side"}, {"type": "random_crop", "size": 48}, "grayscale"]
    assert str(source.replace(prepare=steps).schema().inputs["input"]) == "[batch, 1, 48, 48]"


def test_augment_leaves_the_size_alone(folder) -> None:
    with pytest.raises(DataError, match="as it stands in augment") as caught:
        read(folder, augment=[{"type": "random_crop", "size": 8}])
    assert caught.value.code == "DA138"


def test_what_contradicts_itself_is_refused() -> None:
    for settings in ({"pattern": "a", "label": "folder"}, {"pattern": "("}, {"part": "x"}, {"quarantine": "x.csv"}):
        with pytest.raises(DescriptionError):
            ImageFolder.from_dict({"type": "image_folder", "path": "x", **settings})


def test_broken_files(folder) -> None:
    whole = (folder / "photos" / "cats" / "a_0.jpg").read_bytes()
    (folder / "photos" / "cats" / "a_7.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "photos" / "dogs" / "a_8.png").write_bytes(b"")
    dataset = read(folder)
    with pytest.raises(DataError, match=r"cats/a_7\.jpg") as caught:
        dataset.inputs["input"][:]
    assert caught.value.code == "DA130"
    with pytest.warns(LaminaWarning, match=r"\[DA137\] 2 of 8 images .*cats/a_7.jpg, .*a_8.png; they are listed in"):
        left = read(folder, unreadable="drop", quarantine="broken.csv")
    assert len(left) == 6
    assert left.inputs["input"][:].shape == (6, 3, 20, 30)
    lines = (folder / "broken.csv").read_text().splitlines()
    assert lines[0] == "path,reason"
    assert "a_7.jpg" in lines[1]
    assert "an empty file" in lines[2]
    for file in (folder / "photos").rglob("a_*"):
        file.write_bytes(b"nothing")
    with pytest.raises(DataError, match="none of 8") as caught:
        read(folder, unreadable="drop")
    assert caught.value.code == "DA140"


CONFIG = """
source:
  type: image_folder
  path: photos
  prepare: [{type: random_resized_crop, size: [20, 30]}]
  augment: [random_flip, {type: color_jitter, brightness: 0.3}, {type: rand_augment}]
batch_size: 4
"""


def batches(config: DataConfig, **settings) -> dict[int, np.ndarray]:
    train = prepare(config, 7).train
    found = {}
    for batch in Loader(train, seed=3, **settings):
        for row, index in enumerate(batch.indices.tolist()):
            found[index] = batch.inputs["input"][row].numpy().copy()
    return found


def test_pictures_are_the_same_for_any_workers_and_batches(folder, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    config = DataConfig.from_yaml(CONFIG)
    first = batches(config, batch_size=4)
    assert len(first) == 6
    for settings in ({"batch_size": 4, "workers": 2}, {"batch_size": 1, "workers": 3}, {"batch_size": 5, "shuffle": False}):
        again = batches(config, **settings)
        assert all(np.array_equal(first[index], again[index]) for index in first)


def test_epochs_differ_and_judging_does_not(folder, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    loader = Loader(prepare(DataConfig.from_yaml(CONFIG), 7).train, 6, shuffle=False, seed=3)
    first, second = (next(iter(loader.epoch(epoch))).inputs["input"] for epoch in (0, 1))
    assert not np.array_equal(first, second)
    judged = prepare(DataConfig.from_yaml(CONFIG), 7).train.inputs["input"]
    assert np.array_equal(judged[:], judged[:])
    assert not np.array_equal(judged[:], first)


def test_what_is_kept_in_a_cache_gives_the_same_pictures(folder, monkeypatch) -> None:
    """Decoded once; what is drawn afterwards is drawn as without a cache."""
    from lamina.data.images import photos

    monkeypatch.chdir(folder)
    asked: list[str] = []
    real = photos.decode
    monkeypatch.setattr(photos, "decode", lambda data, name, *rest: asked.append(name) or real(data, name, *rest))
    steps = "prepare: [{type: resize, size: [30, 40]}, {type: random_crop, size: [20, 30]}]"
    config = DataConfig.from_yaml(CONFIG.replace("prepare: [{type: random_resized_crop, size: [20, 30]}]", steps))

    def epochs(cached: DataConfig) -> list[np.ndarray]:
        loader = Loader(prepare(cached, 7).train, 4, shuffle=False, seed=3)
        return [np.concatenate([batch.inputs["input"].numpy() for batch in loader.epoch(epoch)]) for epoch in range(3)]

    plain = epochs(config)
    assert len(asked) == 18
    kept = epochs(config.replace(cache="memory"))
    assert len(asked) == 24
    assert all(np.array_equal(one, other) for one, other in zip(plain, kept, strict=True))
    monkeypatch.setenv("LAMINA_CACHE", str(folder / "cache"))
    for _ in range(2):
        assert all(np.array_equal(one, other) for one, other in zip(plain, epochs(config.replace(cache="disk")), strict=True))
    assert len(asked) == 30

"""What a model keeps of its pictures: whatever is predicted later becomes the same pixels, bit for bit."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import lamina as lm
from lamina.data.config import DataConfig, prepare
from lamina.data.images.preparation import Pictures
from lamina.errors import DataError
from lamina.predictions import read_inputs, write_predictions
from lamina.testing.contracts import cases
from lamina.testing.images import check_preparation


@pytest.mark.parametrize("example", [pytest.param(example, id=name) for name, _, example in cases("preparation")])
def test_contract(example) -> None:
    check_preparation(example)


@pytest.fixture
def trained(tmp_path, photo, monkeypatch):
    """A model of photos of two kinds, and the photos."""
    monkeypatch.chdir(tmp_path)
    for number in range(8):
        place = tmp_path / "photos" / ("left", "right")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        left = 300 * (number % 2) + 20 * number
        photo.crop((left, 40, left + 300, 300 + 10 * number)).save(place / f"{number}.jpg", quality=90)
    config = DataConfig.from_yaml(
        """
        source:
          type: image_folder
          path: photos
          prepare: [{type: resize, size: 20, mode: short_side}, {type: random_crop, size: [16, 18]}, {type: equalize, of: brightness}]
          augment: [random_flip]
        normalize: standardize
        """
    )
    data = prepare(config, 1)
    model = lm.Model(lm.Sequential(lm.image(3, 16, 18), [lm.Dense(4), lm.Output(2)]), seed=1)
    model.fit(data.train, epochs=1)
    files = sorted((tmp_path / "photos").rglob("*.jpg"))
    return model, files, data.train.inputs["input"][:]


def test_whatever_holds_the_photos_gives_the_pixels_of_training(trained) -> None:
    model, files, wanted = trained
    for given in (
        "photos",
        files,
        [str(file) for file in files],
        [file.read_bytes() for file in files],
        [Image.open(file) for file in files],
        [np.asarray(Image.open(file)) for file in files],
        "photos/**/*.jpg",
    ):
        assert np.array_equal(model.preprocessing.inputs(given)["input"][:], wanted)
    assert np.array_equal(model.preprocessing.inputs(str(files[2]))["input"][:], wanted[2:3])
    assert np.array_equal(model.preprocessing.inputs(np.asarray(Image.open(files[2])))["input"][:], wanted[2:3])
    assert np.array_equal(model.preprocessing.inputs({"input": files})["input"][:], wanted)


def test_a_kept_model_answers_in_a_new_process_bit_for_bit(trained, tmp_path) -> None:
    model, files, _ = trained
    model.save("model.lamina")
    kept = lm.load("model.lamina")
    assert kept.preprocessing.preparations == model.preprocessing.preparations
    wanted = model.predict("photos")
    assert np.array_equal(kept.predict(files), wanted)
    code = "import lamina, sys; sys.stdout.buffer.write(lamina.load('model.lamina').predict('photos').tobytes())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == wanted.tobytes()
    assert kept.predict_labels(str(files[0])).labels.tolist()[0] in ("left", "right")


def test_prepared_arrays_stay_as_they_are(trained) -> None:
    model, _, _ = trained
    pixels = np.random.default_rng(1).integers(0, 256, (5, 3, 16, 18)).astype(np.uint8)
    assert model.predict(pixels).shape == (5, 2)
    assert np.array_equal(model.predict(pixels), model.predict(pixels.astype(np.float32)))
    with pytest.raises(DataError, match="without a batch axis"):
        model.predict(pixels[0])


def test_what_can_not_be_a_picture_is_named(trained, tmp_path) -> None:
    model, files, _ = trained
    (tmp_path / "broken.jpg").write_bytes(files[0].read_bytes()[:900])
    with pytest.raises(DataError, match=r"broken\.jpg") as caught:
        model.predict([files[0], tmp_path / "broken.jpg"])
    assert caught.value.code == "DA130"
    with pytest.raises(DataError, match="image 1") as caught:
        model.predict([files[0].read_bytes(), b"nothing"])
    with pytest.raises(DataError) as caught:
        model.predict("nowhere.jpg")
    assert caught.value.code == "DA031"


def test_what_is_taken_for_pictures() -> None:
    shape = lm.image(3, 16, 18)
    taken = Pictures().takes
    grey = np.zeros((30, 40), np.uint8)
    coloured = np.zeros((30, 40, 3), np.uint8)
    for value in ("a.jpg", b"x", grey, coloured, coloured[None], [coloured, coloured], [b"x"], Image.new("L", (2, 2))):
        assert taken(value, shape)
    for value in (np.zeros((2, 3, 16, 18)), [np.zeros((3, 16, 18))], [[1.0, 2.0]], 3, [], np.zeros((30, 40))):
        assert not taken(value, shape)


def test_predictions_name_the_files(trained, tmp_path) -> None:
    model, files, _ = trained
    model.save("model.lamina")
    write_predictions(model, read_inputs("photos", model), tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == "file,label,probability,left,right"
    assert [line.partition(",")[0] for line in lines[1:]] == [str(file.relative_to(tmp_path)) for file in files]
    words = ["predict", "model.lamina", "photos/left/0.jpg", "-o", "one.json"]
    subprocess.run([sys.executable, "-c", "from lamina.cli import main; main()", *words], check=True, capture_output=True)
    assert (tmp_path / "one.json").read_text().startswith('[{"file": "photos/left/0.jpg", "label": ')


def test_memory_files_too(trained) -> None:
    model, files, wanted = trained
    buffer = io.BytesIO(files[1].read_bytes())
    found = model.preprocessing.inputs([memoryview(buffer.getvalue()), bytearray(buffer.getvalue())])["input"][:]
    assert np.array_equal(found, wanted[[1, 1]])

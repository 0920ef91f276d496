"""Images with boxes: the targets are those of the loss, the things those of the files, whatever is done to the pictures."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from lamina.data.config import DataConfig, prepare
from lamina.data.groups import take_all
from lamina.data.images.targets import grid_target
from lamina.data.images.things import Things
from lamina.data.lazy import Address
from lamina.data.loader import Loader
from lamina.data.sources import Detection
from lamina.errors import DataError, DescriptionError, LaminaWarning
from lamina.evaluate.detection import box_targets
from lamina.testing.data import check_source

BOXES = {"one": [("sun", (2, 3, 12, 13)), ("moon", (20, 10, 38, 28))], "two": [("sun", (0, 0, 40, 30))], "three": []}


def voc(things, size=(30, 40), difficult: str = "0") -> str:
    objects = "".join(
        f"<object><name>{kind}</name><difficult>{difficult}</difficult><bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin>"
        f"<xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"
        for kind, box in things
    )
    return f"<annotation><size><height>{size[0]}</height><width>{size[1]}</width></size>{objects}</annotation>"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three pictures of 30 by 40 whose things are light, with annotations of every kind."""
    monkeypatch.chdir(tmp_path)
    for name in ("photos", "xml", "txt"):
        (tmp_path / name).mkdir()
    document = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "moon"}, {"id": 2, "name": "sun"}]}
    for number, (name, things) in enumerate(BOXES.items()):
        pixels = np.zeros((30, 40, 3), np.uint8)
        for kind, (left, top, right, bottom) in things:
            pixels[top:bottom, left:right] = 255 if kind == "sun" else 120
            edges = [(left + right) / 80, (top + bottom) / 60, (right - left) / 40, (bottom - top) / 30]
            with (tmp_path / "txt" / f"{name}.txt").open("a") as file:
                file.write(f"{0 if kind == 'moon' else 1} {' '.join(map(str, edges))}\n")
            box = [left, top, right - left, bottom - top]
            document["annotations"].append({"image_id": number, "category_id": 1 if kind == "moon" else 2, "bbox": box})
        (tmp_path / "txt" / f"{name}.txt").touch()
        document["images"].append({"id": number, "file_name": f"{name}.png", "height": 30, "width": 40})
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{name}.png")
        (tmp_path / "xml" / f"{name}.xml").write_text(voc(things))
    (tmp_path / "coco.json").write_text(json.dumps(document))
    return tmp_path


def read(**settings):
    given = {"type": "detection", "path": "photos", "annotations": "xml", "size": [30, 40], **settings}
    return Detection.from_dict(given).read().train


ALL = {"xml": {}, "coco.json": {}, "txt": {"classes": ["moon", "sun"]}}


@pytest.mark.parametrize("annotations", ALL)
def test_every_kind_of_annotation_gives_the_same(folder, annotations) -> None:
    dataset = read(annotations=annotations, form="grid", grid=(3, 4), **ALL[annotations])
    order = ["one", "two", "three"] if annotations == "coco.json" else ["one", "three", "two"]
    cells = [[(tuple(np.array(box) / 10), ("moon", "sun").index(kind)) for kind, box in BOXES[name]] for name in order]
    assert np.allclose(dataset.targets["output"][:], box_targets(cells, (3, 4), 2), atol=1e-6)
    assert dataset.schema.targets["output"].labels == ("left", "top", "right", "bottom", "moon", "sun")
    listed = read(annotations=annotations, **ALL[annotations])
    rows = listed.targets["output"][:][order.index("one")]
    assert np.allclose(rows, [[2 / 40, 3 / 30, 12 / 40, 13 / 30, 1], [20 / 40, 10 / 30, 38 / 40, 28 / 30, 0]])
    assert listed.target_masks["output"][:].sum(axis=1).tolist() == [len(BOXES[name]) for name in order]


@pytest.mark.parametrize("form", ["list", "crops"])
def test_the_contract_of_sources(folder, form) -> None:
    check_source(Detection("photos", "xml", form=form, size=(8, 9)))


def test_a_grid_of_one_picture_is_that_of_the_evaluation() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        corners = rng.uniform(0, 100, (6, 2))
        boxes = np.concatenate([corners, np.minimum(corners + rng.uniform(1, 60, (6, 2)), 100)], axis=1)
        kinds = rng.integers(0, 3, 6)
        wanted = box_targets([[(box / 100 * 7, kind) for box, kind in zip(boxes, kinds, strict=True)]], (7, 7), 3)[0]
        assert np.allclose(grid_target(Things.of(boxes, kinds), (100, 100), (7, 7), 3), wanted, atol=1e-5)


def test_boxes_stay_on_what_they_mark(folder) -> None:
    """In every augmented picture, each box that is given lies around pixels of its thing."""
    augment = ["random_flip", {"type": "random_affine", "degrees": 10.0, "scale": [0.8, 1.2], "shift": 0.1}, "mosaic"]
    dataset = read(augment=augment, prepare=[{"type": "random_resized_crop", "size": (30, 40), "area": [0.5, 1.0]}])
    both = {"x": dataset.inputs["input"], "y": dataset.targets["output"], "m": dataset.target_masks["output"]}
    seen = 0
    for epoch in range(40):
        drawn = take_all(both, np.arange(3), Address(seed=5, epoch=epoch))
        for picture, rows, real in zip(drawn["x"], drawn["y"], drawn["m"], strict=True):
            assert ((rows[:, 4] >= 0) == real).all()
            for left, top, right, bottom, kind in rows[real]:
                part = picture[0, round(top * 30) : round(bottom * 30), round(left * 40) : round(right * 40)]
                if part.size < 30:
                    continue
                wanted = part > 180 if kind == 1 else (part > 60) & (part < 180)
                assert wanted.mean() > 0.5
                seen += 1
    assert seen > 100


def test_crops(folder) -> None:
    dataset = read(form="crops", size=(10, 10))
    assert [dataset.schema.targets["output"].labels[number] for number in dataset.targets["output"]] == ["sun", "moon", "sun"]
    assert dataset.inputs["input"][:].reshape(3, -1).mean(axis=1).tolist() == [255, 120, 255]
    assert [name.rpartition("/")[2] for name in dataset.groups] == ["one.png", "one.png", "two.png"]
    wider = read(form="crops", size=(10, 10), margin=0.5).inputs["input"][:]
    assert wider[0].mean() < 120


def test_which_things_count(folder) -> None:
    (folder / "xml" / "one.xml").write_text(voc(BOXES["one"], difficult="1"))
    (folder / "part.txt").write_text("one\ntwo.png\n")
    assert len(read(subset="part.txt")) == 2
    assert read(difficult=False, subset="part.txt").target_masks["output"][:].sum() == 1
    assert read(classes=["moon"], only=True).target_masks["output"][:].sum() == 1
    document = json.loads((folder / "coco.json").read_text())
    document["annotations"][0]["iscrowd"] = 1
    (folder / "coco.json").write_text(json.dumps(document))
    assert [read(annotations="coco.json", crowd=crowd).target_masks["output"][:].sum() for crowd in (True, False)] == [3, 2]
    assert read(most=1).targets["output"][:][0, 0, 4] == 0  # of two the larger one


def test_wrong_boxes(folder) -> None:
    (folder / "xml" / "two.xml").write_text(voc([("sun", (5, 5, 5, 9)), ("sun", (1, 1, 9, 9)), ("sun", (50, 5, 60, 9))]))
    with pytest.raises(DataError, match=r"two\.xml, thing 1") as caught:
        read()
    assert caught.value.code == "DA136"
    with pytest.warns(LaminaWarning, match="2 boxes"):
        assert read(invalid="drop").target_masks["output"][:].sum() == 3


def test_what_does_not_belong_together(folder) -> None:
    with pytest.raises(DataError, match="'moon'") as caught:
        read(classes=["sun"])
    assert caught.value.code == "DA007"
    (folder / "xml" / "two.xml").write_text(voc(BOXES["two"], size=(40, 30)))
    with pytest.raises(DataError, match="EXIF turned") as caught:
        read().inputs["input"][:]
    assert caught.value.code == "DA136"
    (folder / "xml" / "tow.xml").write_text(voc(BOXES["two"]))
    with pytest.raises(DataError, match="did you mean 'two'") as caught:
        read()
    assert caught.value.code == "DA140"
    (folder / "list.txt").write_text("one\nfour\n")
    with pytest.raises(DataError, match="'four'") as caught:
        read(subset="list.txt")
    assert caught.value.code == "DA140"
    with pytest.raises(DataError, match="class numbers without names"):
        read(annotations="txt")
    (folder / "xml" / "x.txt").touch()
    with pytest.raises(DataError, match="5 files"):
        read()


def test_settings_that_contradict_each_other(folder) -> None:
    for settings in (
        {"form": "grid"},
        {"grid": 3},
        {"form": "crops", "most": 3},
        {"only": True},
        {"form": "grid", "grid": 3, "margin": 0.1},
    ):
        with pytest.raises(DescriptionError):
            Detection.from_dict({"type": "detection", "path": "photos", "annotations": "xml", **settings})
    with pytest.raises(DataError, match="four have four"):
        read(form="crops", size=8, augment=["mosaic"])
    with pytest.raises(DataError, match="boxes of many sizes"):
        Detection("photos", "xml", form="crops").schema()


def test_a_network_for_things_learns_from_it(folder) -> None:
    import lamina as lm
    from lamina.network.layers import YoloOutput

    config = DataConfig.from_yaml("{source: {type: detection, path: photos, annotations: xml, form: grid, grid: [3, 4], size: [24, 32]}}")
    data = prepare(config, 1)
    loss = {"type": "yolo", "priors": [[1.5, 1.5]]}
    net = lm.Sequential(lm.image(3, 24, 32), [lm.Conv2d(8, kernel=8, stride=8, activation="relu"), YoloOutput(2, loss=loss)])
    model = lm.Model(net, seed=1)
    model.fit(data.train, epochs=2)
    assert model.predict("photos").shape == (3, 7, 3, 4)
    assert len(Loader(data.train, 2)) == 2


def test_boxes_are_kept_in_a_cache_too(folder) -> None:
    config = DataConfig.from_yaml(
        """
        source:
          type: detection
          path: photos
          annotations: xml
          prepare: [{type: resize, size: [30, 40]}, {type: random_resized_crop, size: [24, 32]}]
          augment: [random_flip, mosaic]
        """
    )
    found = []
    for cache in (None, "memory"):
        loader = Loader(prepare(config.replace(cache=cache), 1).train, 2, shuffle=False, seed=2)
        batches = [batch for epoch in range(3) for batch in loader.epoch(epoch)]
        found.append(
            [array for batch in batches for array in (batch.inputs["input"], batch.targets["output"], batch.masks.targets["output"])]
        )
    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))

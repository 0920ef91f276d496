"""Photos and boxes, in a folder of the layout of Pascal VOC that is written here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lamina.data.sources import BloodCells
from lamina.errors import DataError
from lamina.testing.data import check_source

BOX = "<object><name>{name}</name><bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object>"


def boxes(*objects: tuple[str, int, int, int, int], size: str = "<width>80</width><height>40</height>") -> str:
    return f"<annotation><size>{size}</size>{''.join(BOX.format(*box, name=name) for name, *box in objects)}</annotation>"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "bccd" / "BCCD"
    for name in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / name).mkdir(parents=True)
    red = np.zeros((40, 80, 3), dtype=np.uint8)
    red[:, :40] = (250, 0, 0)
    for name, objects in {
        "a": [("RBC", 0, 0, 40, 40), ("Platelets", 5, 5, 5, 9)],
        "b": [("WBC", 0, 0, 40, 40), ("RBC", 0, 0, 80, 40)],
    }.items():
        Image.fromarray(red).save(root / "JPEGImages" / f"{name}.jpg", quality=95)
        (root / "Annotations" / f"{name}.xml").write_text(boxes(*objects))
    (root / "ImageSets" / "Main" / "train.txt").write_text("a\nb\n")
    (root / "ImageSets" / "Main" / "test.txt").write_text("b\n")
    monkeypatch.setenv("LAMINA_DATA", str(tmp_path))
    monkeypatch.setenv("LAMINA_CACHE", str(tmp_path / "cache"))
    return root


def test_the_ellipse_in_a_box_is_the_cell(folder: Path) -> None:
    parts = BloodCells(height=20, width=40).read()
    assert len(parts.train) == 2
    assert len(parts.test) == 1
    photo, mask = parts.train.inputs["input"][0], parts.train.targets["output"][0]
    assert photo.dtype == np.uint8
    assert photo.shape == (3, 20, 40)
    assert photo[0, 10, 5] > 230
    assert photo[1:, 10, 5].max() < 20
    rows, columns = np.mgrid[0:20, 0:40] + 0.5
    assert np.array_equal(mask == 1, (columns - 10) ** 2 + (rows - 10) ** 2 <= 100)
    assert set(np.unique(mask)) == {0, 1}  # a box without an extent holds no cell


def test_white_cells_lie_on_top(folder: Path) -> None:
    mask = BloodCells(height=20, width=40).read().test.targets["output"][0]
    assert (mask[10, 10], mask[10, 25], mask[0, 0]) == (2, 1, 0)


def test_contract(folder: Path) -> None:
    check_source(BloodCells(height=12, width=24))


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("Annotations/a.xml", "<annotation>", "DA034"),
        ("Annotations/a.xml", boxes(("Worm", 0, 0, 9, 9)), "DA034"),
        ("Annotations/a.xml", boxes(("RBC", 0, 0, 9, 9), size=""), "DA034"),
        ("JPEGImages/a.jpg", "no photo", "DA034"),
        ("ImageSets/Main/train.txt", "", "DA034"),
        ("ImageSets/Main/train.txt", "c", "DA030"),
    ],
)
def test_damaged_files_are_named(folder: Path, file: str, content: str, code: str) -> None:
    (folder / file).write_text(content)
    with pytest.raises(DataError, match=code) as caught:
        BloodCells().read()
    assert Path("c.jpg" if code == "DA030" else file).name in str(caught.value)


def test_data_that_are_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMINA_DATA", str(tmp_path))
    monkeypatch.setenv("LAMINA_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DataError, match="DA030"):
        BloodCells().read()

"""Annotations are read as the tools that write them mean them, and what is wrong is named with its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data.images.annotations import Annotation, Thing, read_coco, read_voc, read_yolo
from lamina.errors import DataError

VOC = """<annotation>
  <filename>cell.jpg</filename>
  <size><width>640</width><height>480</height><depth>3</depth></size>
  <object><name> RBC </name><difficult>1</difficult>
    <bndbox><xmin>20</xmin><ymin>1.5</ymin><xmax>130</xmax><ymax>107</ymax></bndbox></object>
  <object><name>WBC</name><part><name>core</name></part>
    <bndbox><xmax>9</xmax><ymax>8</ymax><xmin>1</xmin><ymin>2</ymin></bndbox></object>
</annotation>"""
COCO = {
    "images": [{"id": 7, "file_name": "a/b.jpg", "height": 480, "width": 640}, {"id": "x", "file_name": "c.png"}],
    "categories": [{"id": 3, "name": "dog"}, {"id": 1, "name": "cat"}],
    "annotations": [
        {"image_id": 7, "category_id": 3, "bbox": [1, 2, 10, 20.5], "iscrowd": 0},
        {"image_id": 7, "category_id": 1, "bbox": [5, 5, 1, 1], "iscrowd": 1, "segmentation": {"counts": []}},
    ],
}


def test_pascal_voc() -> None:
    found = read_voc(VOC.encode(), "x.xml")
    wanted = (Thing("RBC", (20, 1.5, 130, 107), difficult=True), Thing("WBC", (1, 2, 9, 8)))
    assert found == Annotation("cell.jpg", "x.xml", wanted, (480, 640))
    assert read_voc(VOC.replace("<width>640", "<width>0").encode(), "x").size is None
    assert read_voc(VOC.encode("utf-16"), "x").things == wanted


def test_voc_of_real_files(shared_data) -> None:
    files = sorted((shared_data / "bccd" / "BCCD" / "Annotations").glob("*.xml"))
    found = [read_voc(file.read_bytes(), file.name) for file in files]
    kinds = [thing.kind for one in found for thing in one.things]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"RBC": 1703, "WBC": 146, "Platelets": 157}
    assert {one.size for one in found} == {(480, 640)}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("</bndbox>", "", r"x\.xml:5:\d+"),
        ("<xmin>20</xmin>", "", "object 1"),
        ("<ymax>8<", "<ymax>eight<", "object 2"),
        ("<ymax>8<", "<ymax>nan<", "object 2"),
        ("<name> RBC </name>", "<name/>", "no name"),
        ("<width>640<", "<width>wide<", "size/width"),
    ],
)
def test_wrong_voc(old, new, said) -> None:
    with pytest.raises(DataError, match=said) as caught:
        read_voc(VOC.replace(old, new, 1).encode(), "x.xml")
    assert caught.value.code == "DA135"


def test_an_xml_bomb_does_not_go_off() -> None:
    lines = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    bomb = f'<!DOCTYPE x [<!ENTITY a0 "{"a" * 100}">{lines}]><annotation><object><name>&a9;</name></object></annotation>'
    with pytest.raises(DataError) as caught:
        read_voc(bomb.encode(), "x.xml")
    assert caught.value.code == "DA135"


def test_coco() -> None:
    found, classes = read_coco(json.dumps(COCO).encode(), "x.json")
    assert classes == ("cat", "dog")
    assert found[0].things == (Thing("dog", (1, 2, 11, 22.5)), Thing("cat", (5, 5, 6, 6), crowd=True))
    assert [(one.image, one.size) for one in found] == [("a/b.jpg", (480, 640)), ("c.png", None)]
    assert found[1].things == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.pop("images"), "no list 'images'"),
        (lambda d: d["annotations"][1].update(image_id=8), r"annotations\[1\]"),
        (lambda d: d["annotations"][0].update(category_id=2), "category_id 2"),
        (lambda d: d["annotations"][0].update(bbox=[1, 2, 3]), "bbox"),
        (lambda d: d["annotations"][0].update(bbox=[1, 2, 3, None]), "bbox"),
        (lambda d: d["images"].append(5), r"images\[2\]: .*"),
        (lambda d: d["categories"][0].pop("name"), "no name"),
    ],
)
def test_wrong_coco(change, said) -> None:
    document = json.loads(json.dumps(COCO))
    change(document)
    with pytest.raises(DataError, match=said) as caught:
        read_coco(json.dumps(document).encode(), "x.json")
    assert caught.value.code == "DA135"


def test_json_that_is_none() -> None:
    with pytest.raises(DataError, match=r"x\.json:2:1"):
        read_coco(b'{"images":\n}', "x.json")
    for data in (b"[]", b"7", b"[" * 100_000, b"\xff\xfe"):
        with pytest.raises(DataError) as caught:
            read_coco(data, "x.json")
        assert caught.value.code == "DA135"


def test_yolo() -> None:
    found = read_yolo(b"1 0.5 0.5 0.2 0.4\n\n0 0.25 0.75 0.5 0.5\n", "x.txt", ["a", "b"])
    assert found.things == (Thing("b", (0.4, 0.3, 0.6, 0.7)), Thing("a", (0, 0.5, 0.5, 1)))
    assert found.shares
    for text, said in ((b"2 0 0 1 1", "class 2, of 2"), (b"0 0 0 1", "4 values"), (b"0 0 x 1 1", "'x'"), (b"-1 0 0 1 1", "class -1")):
        with pytest.raises(DataError, match=said) as caught:
            read_yolo(b"\n" + text, "x.txt", ["a", "b"])
        assert "x.txt:2" in str(caught.value)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_never_raises_anything_else(data) -> None:
    text = data.draw(st.sampled_from([VOC, json.dumps(COCO), "1 0.5 0.5 0.2 0.4"])).encode()
    damaged = bytearray(text)
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    for read in (lambda d: read_voc(d, "x"), lambda d: read_coco(d, "x"), lambda d: read_yolo(d, "x", ["a", "b"])):
        try:
            read(bytes(damaged))
        except DataError as error:
            assert error.code == "DA135"  # noqa: PT017 (whatever is raised)

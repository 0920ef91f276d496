"""Boxes around things in images, as files of the usual kinds give them: Pascal VOC, COCO, YOLO; with the place of what is wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from lamina.errors import DataError, nearest

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MOST_BYTES = 64 * 1024 * 1024
"""Of an annotation of one image; of a file for all images it may be as many times more as `Storage` allows."""
MOST_BOXES = 100_000
"""Of one image."""

Edges = tuple[float, float, float, float]


@dataclass(frozen=True)
class Thing:
    """One box.

    Attributes:
        kind: Name of its class.
        box: Left, top, right, bottom, in pixels, or in shares of the image (`Annotation.shares`).
        difficult: Marked as hard to see.
        crowd: A group that nobody has taken apart.
    """

    kind: str
    box: Edges
    difficult: bool = False
    crowd: bool = False


@dataclass(frozen=True)
class Annotation:
    """What is in one image.

    Attributes:
        image: Its file name, as the annotation has it; without ending where it has none.
        where: File and line of the annotation, for messages.
        things: The boxes.
        size: Height and width of the image, if the annotation says them.
        shares: Whether boxes are in shares of the image.
    """

    image: str
    where: str
    things: tuple[Thing, ...]
    size: tuple[int, int] | None = None
    shares: bool = False


def read_voc(data: bytes, name: str) -> Annotation:
    """An XML file in the layout of Pascal VOC.

    Edges are taken as they stand, as lines between pixels: 0 is the outer edge of the first pixel. A thing without ``bndbox`` is an error.

    Args:
        data: The bytes of the file.
        name: Of the file; for messages.

    Raises:
        DataError: DA135, with the line where the XML is broken, or the number of the object.

    Example:
        >>> box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>8</ymax></bndbox>"
        >>> read_voc(f"<annotation><object><name>cell</name>{box}</object></annotation>".encode(), "a.xml").things
        (Thing(kind='cell', box=(1.0, 2.0, 9.0, 8.0), difficult=False, crowd=False),)
    """
    from xml.etree import ElementTree

    _check_bytes(data, name)
    try:
        tree = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        line, column = error.position
        place = f"{name}:{line}:{column + 1}"
        raise damaged(place, str(error)) from error
    except (ValueError, LookupError, RecursionError) as error:
        raise damaged(name, f"{type(error).__name__}: {error}") from error
    size = [_number(tree.findtext(f"size/{side}"), name, f"size/{side}", 0.0) for side in ("height", "width")]
    things = []
    for number, item in enumerate(tree.iter("object")):
        if number >= MOST_BOXES:
            raise damaged(name, f"more than {MOST_BOXES:,} objects")
        things.append(_voc_thing(item, f"{name}, object {number + 1}"))
    image = (tree.findtext("filename") or "").strip()
    known = all(value >= 1 and value.is_integer() for value in size)
    return Annotation(image, name, tuple(things), (int(size[0]), int(size[1])) if known else None)


def _voc_thing(item: Element, where: str) -> Thing:
    kind = (item.findtext("name") or "").strip()
    if not kind:
        raise damaged(where, "no name")
    left, top, right, bottom = (
        _number(item.findtext(f"bndbox/{side}"), where, f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")
    )
    return Thing(kind, (left, top, right, bottom), difficult=(item.findtext("difficult") or "0").strip() not in ("0", ""))


def _number(text: str | None, where: str, what: str, default: float | None = None) -> float:
    if text is None and default is not None:
        return default
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise damaged(where, f"{what} is {text!r}")
    return value


def read_yolo(data: bytes, name: str, classes: Sequence[str]) -> Annotation:
    """A text file as YOLO's tools write them: on each line a class number, and centre, width and height in shares of the image.

    Raises:
        DataError: DA135, with the line.

    Example:
        >>> read_yolo(b"1 0.5 0.5 0.2 0.4", "a.txt", ["dog", "cat"]).things[0].box
        (0.4, 0.3, 0.6, 0.7)
    """
    _check_bytes(data, name)
    things = []
    for line, text in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        parts = text.split()
        if not parts:
            continue
        where = f"{name}:{line}"
        if len(parts) != 5:
            raise damaged(where, f"{len(parts)} values, not a class and 4 numbers")
        if not parts[0].isdecimal() or int(parts[0]) >= len(classes):
            raise damaged(
                where, f"class {parts[0]}, of {len(classes)}", fix="list all classes in the source, in the order of their numbers"
            )
        x, y, width, height = (_number(part, where, "a number") for part in parts[1:])
        box = tuple(round(edge, 12) for edge in (x - width / 2, y - height / 2, x + width / 2, y + height / 2))
        things.append(Thing(classes[int(parts[0])], cast("Edges", box)))
    return Annotation("", name, tuple(things), shares=True)


def read_coco(data: bytes, name: str) -> tuple[list[Annotation], tuple[str, ...]]:
    """A JSON file in the layout of COCO, for many images.

    Returns:
        An annotation for each image, in the order of the file, those without things too; and the names of all classes by their numbers.

    Raises:
        DataError: DA135, naming the place.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        place = f"{name}:{line}:{getattr(error, 'colno', 1)}" if line else name
        raise damaged(place, str(error)) from error
    images, kinds = {}, {}
    for where, item in _rows(document, "categories", name):
        kinds[_key(item, "id", where)] = str(_value(item, "name", where, str))
    for where, item in _rows(document, "images", name):
        size = item.get("height"), item.get("width")
        known = all(isinstance(side, int) and side > 0 for side in size)
        images[_key(item, "id", where)] = (where, _value(item, "file_name", where, str), cast("tuple[int, int]", size) if known else None)
    things: dict[Any, list[Thing]] = {key: [] for key in images}
    for where, item in _rows(document, "annotations", name):
        image, kind = _key(item, "image_id", where), _key(item, "category_id", where)
        for key, there, what in ((image, images, "image"), (kind, kinds, "category")):
            if key not in there:
                raise damaged(where, f"{what}_id {key!r}, which is none of the {len(there)} there are")
        box = _value(item, "bbox", where, list)
        right = len(box) == 4 and all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in box)
        if not right:
            raise damaged(where, f"bbox {str(box)[:60]}, not [x, y, width, height]")
        left, top, width, height = map(float, box)
        things[image].append(Thing(kinds[kind], (left, top, left + width, top + height), crowd=bool(item.get("iscrowd"))))
    ordered = tuple(kinds[key] for key in sorted(kinds, key=lambda key: (str(type(key)), key)))
    return [Annotation(file, where, tuple(things[key]), size) for key, (where, file, size) in images.items()], ordered


def _rows(document: Any, key: str, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    rows = document.get(key) if isinstance(document, dict) else None
    if not isinstance(rows, list):
        near = nearest(key, document) if isinstance(document, dict) else None
        raise damaged(name, f"no list {key!r}" + (f", but {near!r}" if near else ""))
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            place, got = f"{name}, {key}[{number}]", f"{str(row)[:60]}, not an object"
            raise damaged(place, got)
        yield f"{name}, {key}[{number}]", row


def _value(item: Mapping[str, Any], key: str, where: str, kind: type) -> Any:
    value = item.get(key)
    if not isinstance(value, kind):
        raise damaged(where, f"{key} is {str(value)[:60]!r}" if key in item else f"no {key}")
    return value


def _key(item: Mapping[str, Any], key: str, where: str) -> Any:
    value = item.get(key)
    if not isinstance(value, int | str) or isinstance(value, bool):
        raise damaged(where, f"{key} is {str(value)[:60]!r}" if key in item else f"no {key}")
    return value


def _check_bytes(data: bytes, name: str) -> None:
    if len(data) > MOST_BYTES:
        raise damaged(name, f"{len(data):,} bytes")


def damaged(where: str, got: str, fix: str = "correct it, or write the annotations anew with the tool that made them") -> DataError:
    """Annotations that can't be understood."""
    return DataError(
        "DA135",
        where=where,
        expected="annotations of Pascal VOC (XML), COCO (JSON) or YOLO (text)",
        got=got,
        cause="the file was cut off, changed by hand, or is of another kind",
        fix=fix,
    )

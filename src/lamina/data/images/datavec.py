"""DataVec's ``ImageTransformProcess`` as steps: what its JSON or YAML says, or an error that names what has no counterpart."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from lamina.data.images.step import ImageStep
from lamina.errors import DataError, DescriptionError
from lamina.spec import parse_document, registry

Values = Mapping[str, Any]
_RGB, _GREY = 4, 6
"""OpenCV's codes for BGR to RGB, and BGR to grey."""


def steps_from_datavec(text: str, name: str = "the image transforms") -> tuple[ImageStep, ...]:
    """The steps of an ``ImageTransformProcess``, as ``toJson`` or ``toYaml`` wrote it.

    DataVec's loader gives blue, green and red, in this order; so the steps end in ``convert_color: bgr`` unless the process makes grey, or
    red, green and blue, of them. What is random there is so here, with draws by address in place of the seed. DataVec finds the
    largest blob in another way; see `lamina.data.images.steps.joined.LargestBlob`.

    Args:
        text: JSON or YAML.
        name: For messages.

    Raises:
        DataError: DA141, naming the transform that has no counterpart or lacks a number.

    Example:
        >>> steps_from_datavec('{"transformList": [{"FlipImageTransform": {"flipMode": 1}}], "seed": 7}')
        (Flip(axis='horizontal'), Convert(to='bgr'))
    """
    try:
        data = parse_document(text, name).data
    except DescriptionError as error:
        raise _refused(where=name, expected="JSON or YAML of an ImageTransformProcess", got=error.problems[0].got) from error
    listed = data.get("transformList") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        raise _refused(where=name, expected="an object with a transformList", got=str(data)[:80])
    found: list[ImageStep] = []
    colours = ["bgr"]
    for number, item in enumerate(listed):
        found += _steps(item, f"{name}, transformList[{number}]", colours)
    return (*found, *([_made("convert_color", to="bgr")] if colours == ["bgr"] else []))


def _steps(item: Any, where: str, colours: list[str]) -> list[ImageStep]:
    """One transform; it tells in ``colours`` what the colours have become."""
    kind, values = _kind(item, where)
    if kind == "ColorConversionTransform":
        return _colours(values, where, colours)
    if kind == "MultiImageTransform":
        return [
            step for number, one in enumerate(_list(values, "transforms", where)) for step in _steps(one, f"{where}[{number}]", colours)
        ]
    if kind == "PipelineImageTransform":
        return [_pipeline(values, where, colours)]
    make = _MAKERS.get(kind)
    if make is None:
        known = ", ".join(sorted([*_MAKERS, "ColorConversionTransform", "MultiImageTransform", "PipelineImageTransform"]))
        raise _refused(where=f"{where}, {kind}", expected=f"one of {known}", got=kind)
    try:
        return [make(lambda key, default=None: _number(values, key, where, default))]
    except DescriptionError as error:
        raise _refused(where=f"{where}, {kind}", expected=error.problems[0].expected, got=error.problems[0].got) from error


def _kind(item: Any, where: str) -> tuple[str, Values]:
    """Name and settings: ``{"@class": "org.datavec...", ...}``, or ``{"NAME": {...}}`` as earlier versions wrote."""
    if isinstance(item, dict) and isinstance(item.get("@class"), str):
        return item["@class"].rpartition(".")[2], item
    if isinstance(item, dict) and len(item) == 1:
        kind, values = next(iter(item.items()))
        return str(kind), values if isinstance(values, dict) else {}
    raise _refused(where=where, expected='a transform, {"@class": ...} or {"NAME": {...}}', got=str(item)[:80])


def _number(values: Values, key: str, where: str, default: float | None) -> float:
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _refused(where=where, expected=f"a number {key}", got=str(value))
    return value


def _list(values: Values, key: str, where: str) -> list[Any]:
    value = values.get(key)
    if not isinstance(value, list):
        raise _refused(where=where, expected=f"a list {key}", got=str(value)[:80])
    return value


def _made(kind: str, **settings: Any) -> ImageStep:
    component: Any = registry.get("image_step", kind)
    made: ImageStep = component(**settings)
    return made


def _colours(values: Values, where: str, colours: list[str]) -> list[ImageStep]:
    code = int(_number(values, "conversionCode", where, None))
    if code == _RGB:
        colours[:] = ["rgb"]
        return []
    if code == _GREY:
        colours[:] = ["grey"]
        return [_made("grayscale")]
    raise _refused(
        where=where,
        expected=f"conversionCode {_RGB} (BGR to RGB) or {_GREY} (BGR to grey)",
        got=f"{code}; OpenCV's other spaces have ranges of their own",
    )


def _pipeline(values: Values, where: str, colours: list[str]) -> ImageStep:
    steps, chances = [], []
    for number, pair in enumerate(_list(values, "imageTransforms", where)):
        place = f"{where}, imageTransforms[{number}]"
        first = next((pair[key] for key in ("first", "key", "left") if isinstance(pair, dict) and key in pair), None)
        chance = next((pair[key] for key in ("second", "value", "right") if isinstance(pair, dict) and key in pair), None)
        own = _steps(first, place, ["rgb"])
        if len(own) != 1:
            raise _refused(where=place, expected="a transform that does something", got=str(pair)[:80])
        steps += own
        chances.append(float(_number({"probability": chance}, "probability", place, None)))
    return _made("pipeline", steps=steps, probabilities=chances, shuffle=bool(values.get("shuffle", False)))


def _flip(number: Callable[..., float]) -> ImageStep:
    mode = number("flipMode")
    return _made("flip", axis="both" if mode < 0 else "horizontal" if mode > 0 else "vertical")


def _crop(number: Callable[..., float]) -> ImageStep:
    return _made("trim", sides=tuple(int(number(f"crop{side}")) for side in ("Top", "Right", "Bottom", "Left")))


def _random_crop(number: Callable[..., float]) -> ImageStep:
    return _made("random_crop", size=(int(number("outputHeight")), int(number("outputWidth"))))


def _resize(number: Callable[..., float]) -> ImageStep:
    return _made("resize", size=(int(number("newHeight")), int(number("newWidth"))))


def _box(number: Callable[..., float]) -> ImageStep:
    return _made("crop_or_pad", size=(int(number("height")), int(number("width"))))


def _rotate(number: Callable[..., float]) -> ImageStep:
    if number("centerx", 0) or number("centery", 0):
        raise _refused(
            where="RotateImageTransform", expected="centerx and centery of 0", got=f"{number('centerx', 0)}, {number('centery', 0)}"
        )
    return _made("affine", degrees=float(number("angle")), scale=1.0 + float(number("scale", 0)))


def _blob(number: Callable[..., float]) -> ImageStep:
    return _made("largest_blob_crop")


_MAKERS: dict[str, Callable[[Callable[..., float]], ImageStep]] = {
    "BoxImageTransform": _box,
    "CropImageTransform": _crop,
    "FlipImageTransform": _flip,
    "LargestBlobCropTransform": _blob,
    "RandomCropTransform": _random_crop,
    "ResizeImageTransform": _resize,
    "RotateImageTransform": _rotate,
}


def _refused(*, where: str, expected: str, got: str) -> DataError:
    return DataError(
        "DA141",
        where=where,
        expected=expected,
        got=got,
        cause="the transform has no counterpart that gives the same pictures, or the file was changed",
        fix="write the steps by hand; see lamina.data.images.steps",
    )

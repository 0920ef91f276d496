"""DataVec's transforms become steps that do the same."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lamina.data.images.datavec import steps_from_datavec
from lamina.data.images.draws import Draws
from lamina.data.images.picture import Picture
from lamina.data.images.step import outline, run
from lamina.errors import DataError

PACKAGE = "org.datavec.image.transform."


def process(*transforms) -> str:
    return json.dumps({"transformList": list(transforms), "seed": 12345})


def test_both_dialects() -> None:
    pairs = {
        "ResizeImageTransform": {"newHeight": 30, "newWidth": 40},
        "CropImageTransform": {"cropTop": 1, "cropLeft": 2, "cropBottom": 3, "cropRight": 4, "x": 0, "y": 0},
        "RandomCropTransform": {"outputHeight": 20, "outputWidth": 24},
        "FlipImageTransform": {"flipMode": 0},
        "RotateImageTransform": {"angle": 30.0, "centerx": 0.0, "centery": 0.0, "scale": 0.1},
        "BoxImageTransform": {"height": 50, "width": 16},
    }
    old = steps_from_datavec(process(*({name: values} for name, values in pairs.items())))
    new = steps_from_datavec(process(*({"@class": PACKAGE + name, **values} for name, values in pairs.items())))
    assert old == new
    assert [step.type_name for step in new] == ["resize", "trim", "random_crop", "flip", "affine", "crop_or_pad", "convert_color"]
    assert outline(new, (None, None), 3) == ((50, 16), 3)
    text = "transformList:\n- FlipImageTransform: {flipMode: -1}\n- ColorConversionTransform: {conversionCode: 4}\n"
    assert [step.to_dict() for step in steps_from_datavec(text)] == [{"type": "flip", "axis": "both"}]


def test_what_comes_out() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (12, 15, 3)).astype(np.uint8)
    steps = steps_from_datavec(
        process(
            {"CropImageTransform": {"cropTop": 1, "cropLeft": 2, "cropBottom": 3, "cropRight": 4}}, {"FlipImageTransform": {"flipMode": 1}}
        )
    )
    assert np.array_equal(run(steps, Picture(pixels), None).pixels, pixels[1:9, 2:11][:, ::-1, ::-1])
    grey = steps_from_datavec(process({"ColorConversionTransform": {"conversionCode": 6}}))
    assert run(grey, Picture(pixels), None).pixels.shape == (12, 15, 1)


def test_a_pipeline_with_probabilities() -> None:
    pairs = [
        {"first": {"FlipImageTransform": {"flipMode": 1}}, "second": 0.25},
        {"first": {"FlipImageTransform": {"flipMode": 0}}, "second": 1.0},
    ]
    (pipeline, _) = steps_from_datavec(process({"@class": PACKAGE + "PipelineImageTransform", "imageTransforms": pairs, "shuffle": True}))
    assert pipeline.probabilities == (0.25, 1.0)
    assert pipeline.shuffle
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)
    both = sum(np.array_equal(pipeline.apply(Picture(pixels), Draws(seed)).pixels, pixels[::-1, ::-1]) for seed in range(400))
    assert 70 < both < 130


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "JSON or YAML"),
        ("[1]", "transformList"),
        (process({"FilterImageTransform": {"filter": "noise"}}), "FilterImageTransform"),
        (process({"ResizeImageTransform": {"newHeight": 30}}), "a number newWidth"),
        (process({"ResizeImageTransform": {"newHeight": 0, "newWidth": 5}}), "at least 1"),
        (process({"RotateImageTransform": {"angle": 3, "centerx": 5}}), "centerx"),
        (process({"ColorConversionTransform": {"conversionCode": 40}}), "ranges of their own"),
        (process(7), r"transformList\[0\]"),
    ],
)
def test_what_has_no_counterpart_is_named(text, said) -> None:
    with pytest.raises(DataError, match=said) as caught:
        steps_from_datavec(text)
    assert caught.value.code == "DA141"

"""Every step against Pillow, SciPy and NumPy; boxes, masks and points against what brute force finds."""

from __future__ import annotations

import colorsys
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps
from scipy import ndimage

import lamina.data.images.step  # noqa: F401 (announces the steps)
from lamina.data.images import tones
from lamina.data.images.draws import Draws
from lamina.data.images.picture import Picture
from lamina.data.images.resampling import resized
from lamina.data.images.step import ImageStep, outline, run
from lamina.data.images.steps.policy import POLICIES, strength_of
from lamina.data.images.things import Things
from lamina.errors import DataError, DescriptionError
from lamina.spec import registry
from lamina.testing.contracts import cases
from lamina.testing.images import check_image_step, sample_picture

CASES = [pytest.param(example, id=name) for name, _, example in cases("image_step")]


def step(**settings) -> ImageStep:
    return registry.get("image_step", settings["type"]).from_dict(settings)


def apply(picture, draws=None, /, **settings) -> np.ndarray:
    given = picture if isinstance(picture, Picture) else Picture(np.asarray(picture))
    return step(**settings).apply(given, draws).pixels


@pytest.mark.parametrize("example", CASES)
def test_contract(example: ImageStep) -> None:
    check_image_step(example)


def test_the_suite_notices_a_step_that_writes_into_the_picture(monkeypatch) -> None:
    from lamina.data.images.steps.colour import Invert

    def bad(self, picture, draws):
        picture.pixels[:] = 255 - picture.pixels
        return picture

    monkeypatch.setattr(Invert, "apply", bad)
    with pytest.raises(AssertionError, match="stays as it was|same draws"):
        check_image_step(Invert())


# -- sizes ----------------------------------------------------------------------------------------------------------------

PILLOW = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}
PILLOW |= {"nearest": Image.Resampling.NEAREST, "box": Image.Resampling.BOX}


@pytest.mark.parametrize("mode", PILLOW)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(224, 224), (100, 37), (600, 900)])
def test_resized_as_pillow_does(photo, mode, channels, size) -> None:
    array = np.asarray(photo.convert("L" if channels == 1 else "RGB")).reshape(576, 768, channels)[:300, :400]
    wanted = np.asarray(Image.fromarray(array.squeeze()).resize(size[::-1], PILLOW[mode])).reshape(*size, channels)
    apart = np.abs(resized(array, size, mode).astype(int) - wanted)
    if mode == "nearest":
        # Where a point lies between two pixels exactly, Pillow's sums of fractions take either.
        assert (apart > 0).mean() < 0.1
        return
    assert apart.max() <= {"bilinear": 1, "bicubic": 2}.get(mode, 0)
    assert (apart > 0).mean() < 0.2


def test_sixteen_bits_are_resized_without_loss() -> None:
    ramp = np.linspace(0, 65535, 64 * 48).reshape(48, 64, 1).astype(np.uint16)
    wanted = np.asarray(Image.fromarray(ramp[..., 0].astype(np.float32)).resize((32, 24), Image.Resampling.BILINEAR))
    assert np.abs(resized(ramp, (24, 32))[..., 0].astype(float) - wanted).max() <= 1


def test_modes_of_resize(photo) -> None:
    tall = photo.crop((0, 0, 200, 400))
    array = np.asarray(tall)
    assert apply(array, type="resize", size=50, mode="short_side").shape[:2] == (100, 50)
    assert apply(array, type="resize", size=50, mode="long_side").shape[:2] == (50, 25)
    cover = apply(array, type="resize", size=(80, 100), mode="cover")
    assert np.abs(cover.astype(int) - np.asarray(tall.crop((0, 120, 200, 280)).resize((100, 80), Image.Resampling.BILINEAR))).max() <= 1
    fit = apply(array, type="resize", size=(80, 100), mode="fit", fill=[1, 2, 3])
    inner = np.asarray(tall.resize((40, 80), Image.Resampling.BILINEAR))
    assert np.abs(fit[:, 30:70].astype(int) - inner).max() <= 1
    assert (fit[:, :30] == [1, 2, 3]).all()
    assert (fit[:, 70:] == [1, 2, 3]).all()


def test_crops(photo) -> None:
    array = np.asarray(photo)
    assert np.array_equal(apply(array, type="crop", size=(100, 50), at=[3, 5]), array[3:103, 5:55])
    assert np.array_equal(apply(array, type="crop", size=100), array[238:338, 334:434])
    assert np.array_equal(apply(array, type="crop_share", left=0.5, bottom=0.25), array[:144, 384:])
    boxed = apply(array, type="crop_or_pad", size=(600, 100), fill=7)
    assert np.array_equal(boxed[12:588], array[:, 334:434])
    assert (boxed[:12] == 7).all()
    assert (boxed[588:] == 7).all()
    padded = apply(array[:20, :30], type="pad", sides=[1, 2, 3, 4], mode="reflect")
    assert np.array_equal(padded, np.pad(array[:20, :30], ((1, 3), (4, 2), (0, 0)), mode="reflect"))
    with pytest.raises(DataError, match="at least 20 by 800"):
        apply(array, type="random_crop", size=(20, 800))


def test_random_crops_reach_everywhere_and_nothing_else(photo) -> None:
    array = np.arange(30 * 40).reshape(30, 40, 1).astype(np.uint16)
    seen = set()
    for seed in range(600):
        found = apply(array, Draws(seed), type="random_crop", size=(28, 38))
        corner = int(found[0, 0, 0])
        assert np.array_equal(found, array[corner // 40 : corner // 40 + 28, corner % 40 : corner % 40 + 38])
        seen.add(corner)
    assert len(seen) == 9
    assert np.array_equal(apply(array, type="random_crop", size=(28, 38)), array[1:29, 1:39])


def test_random_resized_crops_have_the_areas_they_should() -> None:
    region = step(type="random_resized_crop", size=224).region
    boxes = np.array([region((375, 500), Draws(seed)) for seed in range(4000)])
    top, left, height, width = boxes.T
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (top + height <= 375).all()
    assert (left + width <= 500).all()
    shares, ratios = height * width / (375 * 500), width / height
    assert 0.07 < shares.min() < 0.1
    assert shares.max() > 0.95
    assert 0.7 < ratios.min() < 0.78
    assert 1.28 < ratios.max() < 1.4
    assert abs(np.median(np.log(ratios))) < 0.1
    assert region((256, 300), None) == (16, 38, 224, 224)


# -- geometry -------------------------------------------------------------------------------------------------------------


def test_mirrors_and_turns(photo) -> None:
    array = np.asarray(photo)
    assert np.array_equal(apply(array, type="flip"), np.asarray(ImageOps.mirror(photo)))
    assert np.array_equal(apply(array, type="flip", axis="vertical"), np.asarray(ImageOps.flip(photo)))
    for quarters in (1, 2, 3):
        wanted = np.asarray(photo.rotate(90 * quarters, expand=True))
        assert np.array_equal(apply(array, type="turn", quarters=quarters), wanted)
    flipped = sum(np.array_equal(apply(array[:4], Draws(seed), type="random_flip"), array[:4, ::-1]) for seed in range(400))
    assert 160 < flipped < 240


@pytest.mark.parametrize("degrees", [15.0, -40.0, 90.0, 180.0])
@pytest.mark.parametrize("expand", [True, False])
@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_rotations_are_pillows(photo, degrees, expand, mode) -> None:
    small = photo.resize((90, 60))
    wanted = np.asarray(small.rotate(degrees, PILLOW[mode], expand=expand, fillcolor=(9, 8, 7)))
    found = apply(np.asarray(small), type="rotate", degrees=degrees, expand=expand, interpolation=mode, fill=[9, 8, 7])
    if expand and found.shape != wanted.shape:
        # Pillow adds a pixel where the corners fall between pixels; the middle stays the middle.
        down, across = ((one - other) // 2 for one, other in zip(wanted.shape[:2], found.shape[:2], strict=True))
        assert 0 <= down <= 1
        assert 0 <= across <= 1
        return
    assert (np.abs(found.astype(int) - wanted).max(axis=2) > 2).mean() < 0.02


def test_affine_as_scipy_sees_it(photo) -> None:
    from lamina.data.images.steps.geometry import turning

    grey = np.asarray(photo.convert("L").resize((90, 60)))
    settings = {"degrees": 12.0, "scale": 1.3, "shear": (7.0, -4.0), "shift": (0.1, -0.05)}
    found = apply(grey[..., None], type="affine", **settings)[..., 0]
    back = np.linalg.inv(turning((60, 90), (60, 90), **settings))
    rows, columns = np.mgrid[:60, :90] + 0.5
    x, y, one = np.tensordot(back, np.stack([columns, rows, np.ones_like(rows)]), axes=1)
    wanted = ndimage.map_coordinates(grey.astype(float), [y / one - 0.5, x / one - 0.5], order=1, cval=0)
    inside = (x > 1) & (x < 89) & (y > 1) & (y < 59)
    assert np.abs(found - wanted)[inside].max() <= 1


def test_corners_go_where_they_are_sent() -> None:
    points = np.array([[0.0, 0.0], [80.0, 0.0], [80.0, 60.0], [0.0, 60.0]])
    picture = Picture(np.zeros((60, 80, 3), np.uint8), points=points)
    moves = [[2, 1], [-5, 4], [-3, -2], [1, -7]]
    found = step(type="warp", corners=moves).apply(picture, None)
    assert np.allclose(found.points, points + moves)


# -- boxes, masks, points -------------------------------------------------------------------------------------------------

MOVING = [
    {"type": "flip", "axis": "both"},
    {"type": "turn", "quarters": 1},
    {"type": "turn", "quarters": 3},
    {"type": "resize", "size": (90, 50)},
    {"type": "resize", "size": (90, 50), "mode": "cover"},
    {"type": "resize", "size": (90, 50), "mode": "fit"},
    {"type": "crop", "size": (40, 50), "at": [3, 17]},
    {"type": "pad", "sides": [5, 6, 7, 8]},
    {"type": "rotate", "degrees": 25.0},
    {"type": "rotate", "degrees": -130.0, "expand": True},
    {"type": "affine", "scale": 1.4, "shear": (10.0, 0.0), "shift": (0.1, 0.0)},
    {"type": "warp", "corners": [[9, 5], [-4, 8], [-3, -6], [10, -2]]},
    {"type": "random_crop", "size": (50, 60), "padding": 6},
    {"type": "random_resized_crop", "size": (50, 60)},
    {"type": "random_affine", "degrees": 30.0, "scale": (0.7, 1.4), "shift": 0.2},
    {"type": "random_perspective", "distortion": 0.4, "probability": 1.0},
    {"type": "rand_augment", "magnitude": 20.0},
    {"type": "trivial_augment"},
]


@pytest.mark.parametrize("settings", MOVING, ids=lambda settings: "-".join(map(str, settings.values())))
@pytest.mark.parametrize("seed", range(4))
def test_boxes_are_around_what_is_painted(settings, seed) -> None:
    """A box painted as a mask and moved pixel by pixel has the edges that the moved box has."""
    rng = np.random.default_rng(seed)
    left, top = rng.uniform(0, 50), rng.uniform(0, 35)
    box = np.array([left, top, left + rng.uniform(8, 30), top + rng.uniform(8, 25)]).round()
    # Painted finely, so that a pixel more or less is a small thing.
    mask = np.zeros((60, 80), np.int64)
    mask[int(box[1]) : int(box[3]), int(box[0]) : int(box[2])] = 1
    picture = Picture(np.repeat(mask[..., None] * 255, 3, 2).astype(np.uint8), mask, Things.of([box], [1]))
    found = step(**settings).apply(picture, Draws(seed))
    rows, columns = np.nonzero(found.mask)
    edges = found.things.boxes[0]
    if not len(rows):
        assert (edges[2] - edges[0]) * (edges[3] - edges[1]) < 12
        return
    wanted = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    # Sharp corners of a turned box may fall between pixels.
    assert np.abs(edges - wanted).max() <= 2.5


def test_things_that_are_hardly_there_are_left_out() -> None:
    picture = Picture(np.zeros((10, 10, 3), np.uint8), things=Things.of([[0, 0, 4, 4], [3, 3, 9, 9], [8, 8, 10, 10]], [0, 1, 2], [0, 1, 0]))
    found = picture.cropped(0, 0, 6, 6).things
    assert found.boxes.tolist() == [[0, 0, 4, 4], [3, 3, 6, 6], [6, 6, 6, 6]]
    assert found.visible(0.0).kinds.tolist() == [0, 1]
    assert found.visible(0.25).kinds.tolist() == [0, 1]
    assert found.visible(0.26).kinds.tolist() == [0]
    # Cutting twice counts as cutting once.
    twice = picture.cropped(0, 0, 6, 10).cropped(0, 0, 6, 6).resized((60, 12)).things
    assert twice.visible(0.25).kinds.tolist() == [0, 1]
    assert twice.visible(0.26).kinds.tolist() == [0]
    assert twice.visible(0.26).difficult.tolist() == [False]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**63), names=st.lists(st.sampled_from(MOVING[:16]), min_size=1, max_size=4))
def test_points_move_with_the_pixels(seed, names) -> None:
    picture = sample_picture()
    point = np.array([[33.5, 21.5]])
    pixels = np.zeros((60, 80, 3), np.uint8)
    pixels[19:24, 31:36] = 255
    steps = [step(**settings) for settings in names]
    try:
        found = run(steps, Picture(pixels, picture.mask, None, point), Draws(seed))
    except DataError as error:
        assert error.code == "DA138"  # noqa: PT017 (a crop may not fit after others)
        return
    light = found.pixels[..., 0].astype(float)
    if np.isnan(found.points).any() or light.sum() < 255 * 4:
        return
    x, y = found.points[0]
    rows, columns = np.mgrid[: light.shape[0], : light.shape[1]] + 0.5
    near = np.hypot(rows - y, columns - x)[light > 100]
    assert len(near) == 0 or near.min() <= 6


# -- colours and tones ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.7, 2.5])
@pytest.mark.parametrize(
    ("setting", "enhance"),
    [
        ("brightness", ImageEnhance.Brightness),
        ("contrast", ImageEnhance.Contrast),
        ("saturation", ImageEnhance.Color),
        ("sharpness", ImageEnhance.Sharpness),
    ],
)
def test_adjusted_as_pillow_does(photo, setting, enhance, factor) -> None:
    found = apply(np.asarray(photo), type="adjust", **{setting: factor})
    assert np.abs(found.astype(int) - np.asarray(enhance(photo).enhance(factor))).max() <= 2


def test_tones_as_pillow_has_them(photo) -> None:
    array = np.asarray(photo)
    assert np.array_equal(apply(array, type="invert"), np.asarray(ImageOps.invert(photo)))
    assert np.array_equal(apply(array, type="posterize", bits=3), np.asarray(ImageOps.posterize(photo, 3)))
    assert np.array_equal(apply(array, type="solarize", threshold=100.0), np.asarray(ImageOps.solarize(photo, 100)))
    dull = photo.point(lambda value: 60 + value // 3)
    stretched = apply(np.asarray(dull), type="auto_contrast")
    assert np.abs(stretched.astype(int) - np.asarray(ImageOps.autocontrast(dull))).max() <= 1
    cut = apply(np.asarray(dull), type="auto_contrast", cutoff=0.02)
    assert np.abs(cut.astype(int) - np.asarray(ImageOps.autocontrast(dull, cutoff=2))).max() <= 3
    assert np.array_equal(apply(array, type="grayscale")[..., 0], np.asarray(photo.convert("L")))
    equal = apply(np.asarray(dull), type="equalize")
    for channel in range(3):
        values = np.asarray(dull)[..., channel]
        below = np.searchsorted(np.sort(values.ravel()), values, side="right")
        wanted = (below - below.min()) / (values.size - below.min()) * 255
        assert np.abs(equal[..., channel] - wanted).max() <= 0.5001
    gamma = apply(array, type="adjust", gamma=2.2)
    assert np.array_equal(gamma, np.rint((array / 255.0) ** 2.2 * 255).astype(np.uint8))


def test_equalised_brightness_keeps_greys_grey(photo) -> None:
    grey = np.repeat(np.asarray(photo.convert("L"))[..., None], 3, 2)
    found = apply(grey, type="equalize", of="brightness")
    assert np.array_equal(found, apply(grey, type="equalize"))


def test_hues_turn_as_colorsys_says(photo) -> None:
    array = np.asarray(photo.resize((20, 15)))
    found = apply(array, type="adjust", hue=0.2)
    for wanted, got in zip(array.reshape(-1, 3) / 255, found.reshape(-1, 3), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*wanted)
        assert np.abs(np.array(colorsys.hsv_to_rgb(hue + 0.2, saturation, value)) * 255 - got).max() <= 1


def test_other_colour_spaces(photo) -> None:
    small = photo.resize((40, 30))
    array = np.asarray(small)
    assert np.array_equal(apply(array, type="convert_color", to="bgr"), array[..., ::-1])
    assert np.abs(apply(array, type="convert_color", to="ycbcr").astype(int) - np.asarray(small.convert("YCbCr"))).max() <= 1
    hsv = apply(array, type="convert_color", to="hsv").astype(int)
    wanted = np.array([colorsys.rgb_to_hsv(*pixel) for pixel in array.reshape(-1, 3) / 255]).reshape(array.shape) * 255
    assert np.abs(hsv - wanted).max() <= 0.51
    known = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0]]], np.uint8)
    # CIE L*a*b* of white, black and sRGB red: (100, 0, 0), (0, 0, 0), (53.24, 80.09, 67.20).
    lab = apply(known, type="convert_color", to="lab")[0].tolist()
    assert lab == [[255, 128, 128], [0, 128, 128], [136, 208, 195]]


def test_clahe_is_the_engines(photo) -> None:
    import torch

    from lamina.engine.tones import locally_equalized

    array = np.asarray(photo.resize((64, 48)))
    wanted = locally_equalized(torch.from_numpy(array / 255.0).permute(2, 0, 1)[None], (0.0, 1.0), 3.0, (2, 4))[0].permute(1, 2, 0)
    assert np.abs(apply(array, type="clahe", limit=3.0, tiles=(2, 4)) - wanted.numpy() * 255).max() <= 1


def test_blur_is_scipys(photo) -> None:
    array = np.asarray(photo.resize((64, 48)))
    wanted = ndimage.gaussian_filter(array.astype(float), (1.7, 1.7, 0), mode="reflect", truncate=3.5)
    assert np.abs(apply(array, type="blur", deviation=1.7) - wanted).max() <= 1


def test_noise_has_the_deviation_it_should() -> None:
    plain = np.full((200, 200, 3), 128, np.uint8)
    found = apply(plain, Draws(3), type="noise", amount=(0.05, 0.05)).astype(float)
    assert abs(found.mean() - 128) < 0.2
    assert abs(found.std() - 0.05 * 255) < 0.2
    speckle = apply(plain, Draws(3), type="noise", kind="speckle", amount=(0.1, 0.1)).astype(float)
    assert abs(speckle.std() - 12.8) < 0.2
    peppered = apply(plain, Draws(3), type="noise", kind="salt_and_pepper", amount=(0.1, 0.1))
    for colour in (0, 255):
        assert abs((peppered == colour).all(axis=2).mean() - 0.05) < 0.005


def test_jitter_stays_within_its_limits() -> None:
    plain = np.full((4, 4, 3), 100, np.uint8)
    means = [apply(plain, Draws(seed), type="color_jitter", brightness=0.3).mean() for seed in range(300)]
    assert 70 <= min(means) < 73
    assert 127 < max(means) <= 130
    assert apply(plain, None, type="color_jitter", brightness=0.3).mean() == 100


def test_holes() -> None:
    plain = np.full((40, 50, 3), 9, np.uint8)
    cut = apply(plain, Draws(1), type="cutout", size=10, fill=[255, 0, 0])
    assert 25 <= (cut == [255, 0, 0]).all(axis=2).sum() <= 100
    shares = [(apply(plain, Draws(s), type="random_erasing", fill=0, probability=1.0) == 0).all(axis=2).mean() for s in range(200)]
    assert min(shares) > 0.015
    assert 0.25 < max(shares) < 0.36


def test_compression_is_pillows(photo) -> None:
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=20)
    found = apply(np.asarray(photo), Draws(1), type="random_compression", quality=(20.0, 20.0), probability=1.0)
    assert np.array_equal(found, np.asarray(Image.open(file)))


def test_opacity_stays_out_of_it() -> None:
    picture = sample_picture(4)
    for kind in ("invert", "equalize", "auto_contrast", "clahe"):
        assert np.array_equal(apply(picture, type=kind)[..., 3], picture.pixels[..., 3])
    for table in (tones.brightened(picture.pixels, 0.5), tones.saturated(picture.pixels, 0.0), tones.hue_turned(picture.pixels, 0.3)):
        assert np.array_equal(table[..., 3], picture.pixels[..., 3])


# -- choices --------------------------------------------------------------------------------------------------------------


def test_choices_are_as_frequent_as_they_should() -> None:
    plain = np.array([[[10, 20, 30]]], np.uint8)
    invert, bgr = {"type": "invert"}, {"type": "convert_color", "to": "bgr"}

    def counts(**settings) -> dict[tuple[int, ...], int]:
        found: dict[tuple[int, ...], int] = {}
        for seed in range(1000):
            key = tuple(apply(plain, Draws(seed), **settings)[0, 0].tolist())
            found[key] = found.get(key, 0) + 1
        return found

    same, inverted, swapped, both = (10, 20, 30), (245, 235, 225), (30, 20, 10), (225, 235, 245)
    sometimes = counts(type="sometimes", steps=[invert, bgr], probability=0.3)
    assert set(sometimes) == {same, both}
    assert 250 < sometimes[both] < 350
    weighted = counts(type="one_of", steps=[invert, bgr], weights=[3.0, 1.0])
    assert set(weighted) == {inverted, swapped}
    assert 700 < weighted[inverted] < 800
    some = counts(type="some_of", steps=[invert, bgr, {"type": "adjust"}], count=1)
    assert set(some) == {same, inverted, swapped}
    assert min(some.values()) > 280
    pipeline = counts(type="pipeline", steps=[invert, bgr], probabilities=[0.5, 0.2])
    assert 350 < pipeline[same] < 450
    assert 60 < pipeline[both] < 140
    assert counts(type="one_of", steps=[invert])[inverted] == 1000


def test_policies_have_their_twenty_five_pairs() -> None:
    assert {name: len(policy) for name, policy in POLICIES.items()} == {"imagenet": 25, "cifar10": 25, "svhn": 25}
    assert POLICIES["imagenet"][0] == (("posterize", 0.4, 8), ("rotate", 0.6, 9))
    assert POLICIES["svhn"][-1] == (("shear_x", 0.7, 2), ("invert", 0.1, 0))
    assert POLICIES["cifar10"][3] == (("shear_y", 0.5, 8), ("translate_y", 0.7, 9))
    assert strength_of("shear_x", 1.0) == 0.3
    assert strength_of("brightness", 0.5) == 0.45


def test_a_mosaic_has_a_part_of_each() -> None:
    pictures = [
        Picture(np.full((40, 60, 3), value, np.uint8), np.full((40, 60), value), Things.of([[0, 0, 60, 40]], [value]))
        for value in (1, 2, 3, 4)
    ]
    for seed in range(20):
        draws = Draws(seed)
        asked = iter((1, 2, 3))
        draws.others, draws.count = (lambda index, own, asked=asked: pictures[next(asked)]), 4
        found = step(type="mosaic", probability=1.0).apply(pictures[0], draws)
        assert {*np.unique(found.pixels).tolist()} == {1, 2, 3, 4}
        assert np.array_equal(found.mask, found.pixels[..., 0])
        assert len(found.things) == 4
        for (left, top, right, bottom), kind in zip(found.things.boxes.round().astype(int), found.things.kinds, strict=True):
            assert (found.mask[top:bottom, left:right] == kind).all()
            assert (found.mask == kind).sum() == (bottom - top) * (right - left)


def test_the_largest_blob() -> None:
    array = np.full((50, 70, 3), 240, np.uint8)
    array[10:30, 20:60] = 30
    array[40:44, 3:8] = 20
    assert np.array_equal(apply(array, type="largest_blob_crop"), array[10:30, 20:60])
    assert np.array_equal(apply(array, type="largest_blob_crop", margin=3), array[7:33, 17:63])
    assert np.array_equal(apply(255 - array, type="largest_blob_crop"), 255 - array[10:30, 20:60])
    assert apply(array[:5], type="largest_blob_crop").shape == (5, 70, 3)


# -- descriptions ---------------------------------------------------------------------------------------------------------


def test_sizes_are_known_before_a_picture_is_seen() -> None:
    steps = [step(type="resize", size=256, mode="short_side"), step(type="random_crop", size=(224, 200)), step(type="grayscale")]
    assert outline(steps, (None, None), 3) == ((224, 200), 1)
    assert outline(steps[:1], (None, None), 3) == ((None, None), 3)
    assert outline(steps[:1], (300, 600), 3) == ((256, 512), 3)


@pytest.mark.parametrize(
    ("settings", "channels", "said"),
    [
        ({"type": "grayscale"}, 1, "red, green and blue"),
        ({"type": "adjust", "hue": 0.1}, 1, "saturation and hue"),
        ({"type": "pad", "sides": [1], "fill": [1, 2, 3]}, 1, "one number, or one for each of 1 channels"),
        ({"type": "sometimes", "steps": [{"type": "grayscale"}]}, 3, "leave the channels"),
    ],
)
def test_what_does_not_fit_is_refused(settings, channels, said) -> None:
    with pytest.raises(DataError, match=said) as caught:
        step(**settings).channels_after(channels)
    assert caught.value.code == "DA138"


@pytest.mark.parametrize(
    "settings",
    [
        {"type": "resize", "size": [2, 3], "mode": "short_side"},
        {"type": "pad", "sides": [1, 2, 3]},
        {"type": "crop_share", "left": 0.5, "right": 0.5},
        {"type": "random_resized_crop", "size": 4, "area": [0.0, 1.0]},
        {"type": "random_affine", "scale": [0.0, 1.0]},
        {"type": "one_of", "steps": ["flip"], "weights": [1.0, 2.0]},
        {"type": "some_of", "steps": ["flip"], "count": 2},
        {"type": "pipeline", "steps": ["flip"], "probabilities": []},
        {"type": "sometimes", "steps": []},
    ],
)
def test_wrong_settings(settings) -> None:
    with pytest.raises(DescriptionError):
        step(**settings)

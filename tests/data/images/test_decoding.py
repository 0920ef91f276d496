"""Every kind of file becomes the pixels that Pillow sees; what is damaged or too large is refused by name."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from lamina.data.images import decode as module
from lamina.data.images.decode import decode, decode_mask, from_memory, jpeg_orientation, read_size
from lamina.data.images.decoding import Decoding
from lamina.errors import DataError, LaminaWarning

PLAIN, SCALED = Decoding(), Decoding(scaled=True)


def pixels(data: bytes, channels: int = 3, how: Decoding = PLAIN, least=None) -> np.ndarray:
    return decode(data, "test", channels, how, least).pixels


@pytest.fixture(params=[True, False], ids=["simplejpeg", "pillow"])
def decoder(request, monkeypatch):
    if not request.param:
        monkeypatch.setattr(module, "simplejpeg", lambda: None)
    elif module.simplejpeg() is None:
        pytest.skip("the extra jpeg is not installed")


@pytest.mark.parametrize("quality", [30, 95])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_jpeg_is_what_pillow_sees(decoder, photo, encode, quality: int, subsampling: int) -> None:
    data = encode(photo.resize((501, 373)), "JPEG", quality=quality, subsampling=subsampling)
    assert np.array_equal(pixels(data), np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize("grey_file", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_both_decoders_give_the_same_pixels_at_every_scale(monkeypatch, photo, encode, grey_file, channels, factor) -> None:
    if module.simplejpeg() is None:
        pytest.skip("the extra jpeg is not installed")
    data = encode(photo.convert("L" if grey_file else "RGB"), "JPEG", quality=80)

    def least(size):
        return size[0] / (2 * factor), size[1] / (2 * factor)

    fast = decode(data, "test", channels, SCALED, least)
    monkeypatch.setattr(module, "simplejpeg", lambda: None)
    slow = decode(data, "test", channels, SCALED, least)
    assert fast.pixels.shape == (-(-576 // factor), -(-768 // factor), channels)
    assert fast.original == (576, 768)
    assert np.array_equal(fast.pixels, slow.pixels)


def test_a_photo_is_made_smaller_only_where_enough_is_left(photo, encode) -> None:
    data = encode(photo, "JPEG")
    sizes = {wanted: decode(data, "t", 3, SCALED, lambda _, w=wanted: (w, w)).pixels.shape[0] for wanted in (300, 144, 140, 72, 36, 1)}
    assert sizes == {300: 576, 144: 288, 140: 288, 72: 144, 36: 72, 1: 72}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_stand_as_they_were_taken(decoder, photo, encode, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(photo.resize((60, 40)), "JPEG", exif=exif, quality=95)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert np.array_equal(pixels(data), np.asarray(upright))
    assert read_size(data, "test", PLAIN) == upright.size[::-1]
    assert jpeg_orientation(data) == orientation
    assert pixels(data, how=Decoding(orient=False)).shape == (40, 60, 3)


MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_mode(photo, encode, mode: str, channels: int) -> None:
    image = photo.resize((30, 20)).convert(mode)
    kind = "TIFF" if mode in ("CMYK", "YCbCr") else "PNG"
    found = pixels(encode(image, kind), channels)
    wanted = np.asarray(Image.open(io.BytesIO(encode(image, kind))).convert({1: "L", 3: "RGB", 4: "RGBA"}[channels]))
    assert np.array_equal(found, wanted[..., None] if channels == 1 else wanted)


def test_what_is_transparent_lies_on_the_background(encode) -> None:
    image = np.zeros((1, 3, 4), np.uint8)
    image[0, :, 0], image[0, :, 3] = 200, (0, 128, 255)
    found = pixels(encode(image), how=Decoding(background=[0, 0, 255]))[0]
    assert np.abs(found.astype(int) - [[0, 0, 255], [100, 0, 127], [200, 0, 0]]).max() <= 1
    assert pixels(encode(image))[0, 0].tolist() == [255, 255, 255]
    palette = Image.new("P", (2, 1), 1)
    palette.putpalette([0, 0, 0, 9, 9, 9])
    assert pixels(encode(palette, transparency=1))[0, 0].tolist() == [255, 255, 255]


def test_sixteen_bits(encode) -> None:
    values = np.array([[0, 128, 129, 257, 65535]], dtype=np.uint16)
    data = encode(values)
    assert pixels(data, 1)[0, :, 0].tolist() == [0, 0, 1, 1, 255]
    deep = pixels(data, 3, Decoding(depth=16))
    assert deep.dtype == np.uint16
    assert deep[0, :, 2].tolist() == values[0].tolist()
    shallow = pixels(encode(np.array([[0, 1, 255]], dtype=np.uint8)), 1, Decoding(depth=16))
    assert shallow[0, :, 0].tolist() == [0, 257, 65535]


def test_only_the_first_frame_and_said_so(photo, encode, monkeypatch) -> None:
    monkeypatch.setattr(module, "_SAID", set())
    frames = [photo.resize((8, 8)).convert("P"), Image.new("P", (8, 8))]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    with pytest.warns(LaminaWarning, match=r"\[DA134\] test: only the first frame"):
        found = pixels(data)
    assert np.array_equal(found, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.8])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"])
def test_truncated_files_are_named(decoder, photo, encode, kind: str, share: float) -> None:
    data = encode(photo.resize((80, 60)).convert("P" if kind == "GIF" else "RGB"), kind)
    with pytest.raises(DataError) as caught:
        pixels(data[: int(share * len(data))])
    (problem,) = caught.value.problems
    assert problem.code == "DA130"
    assert problem.where == "test"


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    with pytest.raises(DataError) as caught:
        pixels(bomb)
    assert caught.value.code in ("DA130", "DA131")
    with pytest.raises(DataError) as caught:
        pixels(_png(100, 100), how=Decoding(most_pixels=9999))
    assert caught.value.code == "DA131"
    assert "9,999" in str(caught.value)


def _png(height: int, width: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (width, height)).save(file, "PNG")
    return file.getvalue()


def test_files_that_would_run_a_program_are_not_read(photo, encode) -> None:
    with pytest.raises(DataError, match="DA130"):
        pixels(encode(photo.resize((8, 8)), "EPS"))


def test_pictures_in_memory(photo, encode) -> None:
    array = np.asarray(photo.resize((30, 20)))
    assert np.array_equal(from_memory(photo.resize((30, 20)), "t", 3, PLAIN).pixels, array)
    assert np.array_equal(from_memory(array, "t", 3, PLAIN).pixels, array)
    assert np.array_equal(from_memory(array[..., 0], "t", 3, PLAIN).pixels, np.repeat(array[..., :1], 3, 2))
    with pytest.raises(DataError, match="float64"):
        from_memory(array / 255, "t", 3, PLAIN)


def test_masks_keep_their_numbers(encode) -> None:
    palette = Image.fromarray(np.array([[0, 1], [2, 2]], np.uint8)).convert("P")
    palette.putpalette(list(range(9)))
    assert decode_mask(encode(palette), "t", PLAIN).tolist() == np.asarray(palette).tolist()
    assert decode_mask(encode(np.array([[0, 7]], np.uint8)), "t", PLAIN).tolist() == [[0, 7]]
    assert decode_mask(encode(np.array([[0, 300]], np.uint16)), "t", PLAIN).tolist() == [[0, 300]]
    assert decode_mask(encode(Image.new("1", (2, 1), 1)), "t", PLAIN).tolist() == [[1, 1]]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"]), data=st.data())
def test_damage_never_raises_anything_else(photo, encode, kind: str, data) -> None:
    whole = bytearray(encode(photo.resize((24, 18)).convert("P" if kind == "GIF" else "RGB"), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = decode(bytes(whole), "test", data.draw(st.sampled_from([1, 3, 4])), Decoding(most_pixels=100_000))
    except DataError as error:
        assert error.code in ("DA130", "DA131")  # noqa: PT017 (either is right)
    else:
        assert found.pixels.dtype == np.uint8
        assert found.pixels.ndim == 3


def test_what_is_no_image_is_said_in_the_same_words_each_time() -> None:
    for data in (b"hello", b"<html>not found</html>", bytes(64)):
        with pytest.raises(DataError) as found:
            decode(data, "a.png", 3, Decoding())
        assert found.value.problems[0].got == "UnidentifiedImageError: cannot identify image file"


def test_pictures_of_several_views_are_read() -> None:
    image, file = Image.fromarray(np.full((8, 8, 3), 90, np.uint8)), io.BytesIO()
    image.save(file, "MPO", save_all=True, append_images=[image])
    assert decode(file.getvalue(), "a.jpg", 3, Decoding()).pixels.shape == (8, 8, 3)

"""What readers share: bounded bytes, recognition by content, the registry of formats and of converters."""

from __future__ import annotations

import contextlib
import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina as lm
from lamina import interop
from lamina.errors import InteropError, RegistrationError
from lamina.interop import converters
from lamina.interop.cursor import Cursor
from lamina.interop.dl4j.blobs import TYPES, read_array, read_blob, write_array
from lamina.interop.dl4j.datasets import read_dataset
from lamina.interop.dl4j.piece import Part, Piece, SourceLayer
from lamina.interop.documents import parse_json
from lamina.interop.format import Format, Formats
from lamina.interop.given import Given
from lamina.interop.imported import Imported, Options
from lamina.interop.zips import ZipMembers
from lamina.testing.dl4j import layer, loss, write_zip


def test_a_cursor_never_reads_beyond_the_end() -> None:
    for read in ("uint8", "uint16", "int32", "int64", "float64", "text"):
        with pytest.raises(InteropError, match="IO002"):
            getattr(Cursor(b"", "x"), read)()
    with pytest.raises(InteropError, match="IO002"):
        Cursor(b"1234", "x").numbers(2**40, "<f4")
    with pytest.raises(InteropError, match="IO002"):
        Cursor(b"1234", "x").view(-1)
    with pytest.raises(InteropError, match="IO003"):
        Cursor(struct.pack(">H", 60000) + b"a" * 60000, "x", big=True).text()
    with pytest.raises(InteropError, match="IO002"):
        Cursor(b"\0\x02\xff\xfe", "x", big=True).text()


def test_zips_are_bounded(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("configuration.json", b"{}")
        file.writestr("coefficients.bin", bytes(80 * 1024 * 1024))
    with pytest.raises(InteropError, match="IO003"):
        interop.inspect(bomb)
    good = write_zip(tmp_path / "good.zip", [layer("DenseLayer", nin=2, nout=2)], np.ones(6))
    members = ZipMembers(good)
    with pytest.raises(InteropError, match="IO003"):
        members.read("configuration.json", 10)
    with pytest.raises(InteropError, match="IO002"):
        members.read("nothing")


def test_json_is_bounded() -> None:
    with pytest.raises(InteropError, match="IO003"):
        parse_json(b" " * 100, "x", most=10)
    with pytest.raises(InteropError, match="IO002"):
        parse_json(b"[" * 100_000, "x")
    with pytest.raises(InteropError, match="IO002"):
        parse_json(b"\xff", "x")


def test_what_is_of_no_known_format(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no model")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as file:
        file.writestr("a.txt", "b")
    (tmp_path / "empty").write_bytes(b"")
    for path in ("text.zip", "other.zip", "empty", "missing"):
        with pytest.raises(InteropError, match="IO001"):
            interop.load(tmp_path / path)
    with pytest.raises(InteropError, match="IO001"):
        interop.load([])
    with pytest.raises(InteropError, match="IO013.*|did you mean 'dl4j'"):
        interop.load(tmp_path / "text.zip", format="dlj4")


def test_formats_of_ones_own(tmp_path: Path) -> None:
    class Mine(Format):
        name, title = "mine", "Mine"

        def recognises(self, given: Given) -> bool:
            return given.head.startswith(b"MINE")

        def read(self, given: Given, options: Options) -> Imported:
            raise NotImplementedError

    own = Formats({"dl4j": "lamina.interop.dl4j.format:Dl4j"})
    own.add(Mine())
    (tmp_path / "a").write_bytes(b"MINE")
    assert own.recognise(Given(tmp_path / "a")).name == "mine"
    with pytest.raises(RegistrationError, match="SP008"):
        own.add(Mine())


def test_the_arrays_of_nd4j(shared_fixtures: Path) -> None:
    folder = shared_fixtures / "nd4j"
    with np.load(folder / "expected.npz") as expected:
        for name in expected.files:
            found = read_blob(folder / f"{name}.bin")
            assert found.shape == expected[name].shape, name
            np.testing.assert_allclose(found, expected[name], rtol=1e-5, atol=1e-7, err_msg=name)
    assert read_blob(shared_fixtures / "dl4j/misc/legacy/NDArray_javacpp.bin").shape == (2, 3, 4, 5)


def blob(kind: str, raw: bytes, count: int, mode: str = "MIXED_DATA_TYPES", info: tuple[int, ...] = ()) -> bytes:
    def word(text: str) -> bytes:
        return struct.pack(">H", len(text)) + text.encode()

    letter = "i" if mode in ("DIRECT", "HEAP", "JAVACPP") else "q"
    own = info or (1, count, 1, 8192, 1, 99)
    shape = word(mode) + struct.pack(f">{letter}", len(own)) + word("INT" if letter == "i" else "LONG")
    shape += struct.pack(f">{len(own)}{letter}", *own)
    return shape + word(mode) + struct.pack(f">{letter}", count) + word(kind) + raw


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_type_of_number(kind: str) -> None:
    values = np.array([0, 1, 1], dtype="float32")
    halves = (values.view(np.uint32) >> 16).astype(">u2")
    raw = (halves if kind == "BFLOAT16" else values.astype(TYPES[kind])).tobytes()
    found = read_array(Cursor(blob(kind, raw, 3), "x", big=True))
    assert found.astype("float32").tolist() == values.tolist()
    assert found.dtype.isnative


def test_strides_and_damage_of_blobs() -> None:
    raw = np.arange(6, dtype=">f4").tobytes()
    columns = read_array(Cursor(blob("FLOAT", raw, 6, "JAVACPP", (2, 2, 3, 1, 2, 0, 1, 102)), "x", big=True))
    assert columns.tolist() == [[0, 2, 4], [1, 3, 5]]
    view = read_array(Cursor(blob("FLOAT", raw, 6, info=(1, 2, 3, 8192, 3, 99)), "x", big=True))
    assert view.tolist() == [0, 3]
    one = read_array(Cursor(blob("FLOAT", raw, 6, info=(2, 1, 6, 2**62, 1, 8192, 1, 99)), "x", big=True))
    assert one.tolist() == [[0, 1, 2, 3, 4, 5]]
    odd: list[tuple[int, ...]] = [
        (2, 2**62, 0, 1, 1, 8192, 1, 99),
        (1, 2**40, 1, 8192, 1, 99),
        (1, 2**40, 0, 8192, 1, 99),
        (1, 3, 3, 8192, 1, 99),
        (1, -1, 1, 8192, 1, 99),
        (2, 2, 3, 3, -1, 8192, 1, 99),
        (40, *[1] * 83),
        (7, 7),
    ]
    for info in odd:
        with pytest.raises(InteropError, match="IO002"):
            read_array(Cursor(blob("FLOAT", raw, 6, info=info), "x", big=True))
    for kind, code in (("COMPRESSED", "IO010"), ("UTF8", "IO010"), ("NOTHING", "IO002")):
        with pytest.raises(InteropError, match=code):
            read_array(Cursor(blob(kind, raw, 6), "x", big=True))


def test_saved_data_sets(tmp_path: Path) -> None:
    features, mask = np.ones((2, 3, 4), "float32"), np.ones((2, 4), "float32")
    (tmp_path / "a").write_bytes(bytes([1 + 4 + 8]) + write_array(features) + write_array(mask))
    found = read_dataset(tmp_path / "a")
    assert found.labels is found.features
    assert found.features_mask is not None
    assert found.labels_mask is None
    (tmp_path / "b").write_bytes(b"\0")
    with pytest.raises(InteropError, match="IO002"):
        read_dataset(tmp_path / "b")


def test_converters_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converters, "_OWN", {})
    layers = [layer("ScaledDense", package="my.own.", nin=2, nout=3, scale=2.0), layer("OutputLayer", nin=3, nout=1, lossFn=loss("MSE"))]
    path = write_zip(tmp_path / "a.zip", layers, np.arange(13) / 10)
    (problem,) = interop.inspect(path).missing
    assert "'ScaledDense'" in problem.fix

    @interop.converter("dl4j", "ScaledDense")
    def scaled(source: SourceLayer) -> Piece:
        parts = (Part("W", (source.inputs, source.units)), Part("b", (source.units,), bias=True))
        scale = source.number("scale")
        made = lm.Dense(source.units, activation=source.activation(), **source.common())
        return Piece((made,), parts, lambda given: {"weight": scale * given["W"].T, "bias": given["b"]})

    model = interop.load(path)
    hidden = np.array([[1.0, 1.0]]) @ (np.arange(6) / 5).reshape(2, 3, order="F") + np.arange(6, 9) / 10
    np.testing.assert_allclose(model.predict([[1.0, 1.0]]), hidden @ np.arange(9, 12)[:, None] / 10 + 1.2, rtol=1e-5)

    with pytest.raises(RegistrationError, match="IO009"):

        @interop.converter("dl4j", "ScaledDense")
        def again(source: SourceLayer) -> Any:
            return None

    monkeypatch.setattr(converters, "_OWN", {("dl4j", "ScaledDense"): lambda source: 7})
    with pytest.raises(InteropError, match="IO009"):
        interop.inspect(path)


def test_sizes_of_images_that_only_the_data_know(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [layer("ConvolutionLayer", nin=2, nout=3, kernelSize=[2, 2])], np.ones(3 + 24))
    model = interop.load(path)
    x = np.ones((1, 2, 5, 4), "float32")
    assert model.predict(x).shape == (1, 3, 4, 3)
    with pytest.raises(InteropError, match="IO006"):
        interop.read(path).save(tmp_path / "a.lamina")
    interop.read(path, inputs=lm.image(2, 5, 4)).save(tmp_path / "a.lamina")
    np.testing.assert_array_equal(lm.load(tmp_path / "a.lamina").predict(x), model.predict(x))


def test_weights_of_another_network(tmp_path: Path) -> None:
    for count in (5, 7):
        with pytest.raises(InteropError, match="IO005.*6 parameters|IO005"):
            interop.load(write_zip(tmp_path / "a.zip", [layer("DenseLayer", nin=2, nout=2)], np.ones(count)))
    with pytest.raises(InteropError, match="IO010"):
        interop.load(write_zip(tmp_path / "b.zip", [], np.ones(1)))


def test_a_model_is_brought_in_without_torch(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", [layer("DenseLayer", nin=2, nout=2)], np.ones(6))
    code = f"import sys; from lamina.cli import main\ntry: main(['import', {str(path)!r}, '-o', {str(tmp_path / 'a.lamina')!r}])\n"
    code += "except SystemExit as end: assert not end.code\nassert 'torch' not in sys.modules and 'polars' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)
    assert lm.load(tmp_path / "a.lamina").predict([[1.0, 1.0]]).shape == (1, 2)


@pytest.mark.parametrize("depth", [5, 200, 400, 2000])
def test_layers_within_layers(tmp_path: Path, depth: int) -> None:
    dense = json.dumps(layer("DenseLayer", nin=2, nout=2))
    raw = '{"confs": [{"layer": ' + '{"@class": "o.FrozenLayer", "layer": ' * depth + dense + "}" * depth + "}]}"
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("configuration.json", raw)
        file.writestr("coefficients.bin", write_array(np.ones((1, 6), "float32")))
    if depth == 5:
        assert interop.read(tmp_path / "a.zip").described().steps()[0].layer.frozen  # type: ignore[attr-defined]
        return
    with contextlib.suppress(InteropError):
        interop.read(tmp_path / "a.zip").described()
    if depth == 2000:
        with pytest.raises(InteropError, match="IO002|IO010"):
            interop.read(tmp_path / "a.zip")

"""Keras's models: HDF5 files of all generations, descriptions with weights beside them, and ``.keras`` files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from lamina.errors import InteropError, LaminaError
from lamina.interop.format import Format
from lamina.interop.given import Given
from lamina.interop.problems import unreadable

if TYPE_CHECKING:
    from pathlib import Path

    from lamina.interop.imported import Imported, Options

_CLASS = re.compile(rb'"class_name"\s*:\s*"(?!Tokenizer|TimeseriesGenerator)\w+"')
_SIGNS = (b"model_config", b"keras_version", b"layer_names", b"weight_names")


class Keras(Format):
    """Models that Keras 1 to 3 and tf.keras wrote."""

    name: ClassVar[str] = "keras"
    title: ClassVar[str] = "Keras"

    def recognises(self, given: Given) -> bool:
        if given.path.is_dir():
            return False
        if given.is_zip:
            try:
                return {"config.json", "metadata.json"} <= {*given.members.sizes}
            except InteropError:
                return b"metadata.json" in given.head and b"keras_version" in given.head
        if given.head.startswith(b"\x89HDF\r\n\x1a\n"):
            return _is_keras(given.path)
        # A description in JSON begins with an object, and soon names a class with its settings; those of TensorFlow.js wrap it.
        head = given.head
        described = head.lstrip().startswith(b"{") and b'"config"' in head and _CLASS.search(head) is not None
        return described and b"modelTopology" not in head

    def samples(self, folder: Path) -> Sequence[Path]:
        files = [path for path in super().samples(folder) if path.suffix != ".json"]
        return [path for path in files if path.suffix == ".keras" or _has_network(path)]

    def read(self, given: Given, options: Options) -> Imported:
        from lamina.interop.keras.reader import read

        try:
            return read(given, options)
        except RecursionError as error:
            got = "layers within layers, hundreds deep"
            raise unreadable(where=str(given), expected="a network", got=got, cause="the file was made to do harm") from error


def _has_network(path: Path) -> bool:
    from lamina.interop.keras.hdf5 import Hdf5

    file = Hdf5(path, str(path))
    try:
        return file.attribute("", "model_config") is not None
    finally:
        file.close()


def _is_keras(path: Path) -> bool:
    from lamina.interop.keras.hdf5 import Hdf5

    try:
        file = Hdf5(path, str(path))
        try:
            signs = ("model_config", "keras_version", "layer_names", "layer_names0")
            if any(file.attribute("", name) is not None for name in signs) or file.has("model_weights"):
                return True
            return file.has("_layer_checkpoint_dependencies") or (file.has("layers") and file.has("vars"))
        finally:
            file.close()
    except LaminaError:
        # Damaged, or h5py is missing: said when it is read.
        with path.open("rb") as raw:
            head = raw.read(1 << 20)
        return any(sign in head for sign in _SIGNS)

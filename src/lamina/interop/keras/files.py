"""The files of a model: its description, its weights, and how it was trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lamina.errors import InteropError
from lamina.interop.documents import parse_json
from lamina.interop.given import Given
from lamina.interop.keras.hdf5 import MAGIC, Hdf5
from lamina.interop.problems import unreadable

WEIGHTS = "model.weights.h5"
MOST_JSON = 16 * 1024 * 1024


@dataclass
class Files:
    """What was found.

    Attributes:
        description: The network as JSON has it.
        where: The place of the description, for messages.
        version: Of Keras.
        backend: What it ran on; empty if the files don't say it.
        weights: The HDF5 file of the weights; None if there is none.
        root: The group of the weights in it.
        training: ``training_config`` or ``compile_config``.
        tree: Whether weights are kept as Keras 3 keeps them, by place and number; otherwise by the names of layers.
    """

    description: Any
    where: str
    version: str
    backend: str
    weights: Hdf5 | None
    root: str
    training: Any
    tree: bool


def open_files(given: Given) -> Files:
    """Open what was given.

    Raises:
        InteropError: IO022, if the network or the weights are missing.
    """
    if given.is_zip:
        return _zip(given)
    described: tuple[Any, str] | None = None
    stored: Hdf5 | None = None
    for path in given.paths:
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
        if head == MAGIC:
            stored = Hdf5(path, str(path))
        else:
            with path.open("rb") as file:
                described = parse_json(file.read(MOST_JSON + 1), str(path), MOST_JSON), str(path)
    found = _hdf5(stored) if stored is not None else Files(None, "", "", "", None, "", None, tree=False)
    if described is not None:
        data, where = described
        found.description, found.where = data, where
        if isinstance(data, dict):
            found.version = found.version or _text(data.get("keras_version"))
            found.backend = found.backend or _text(data.get("backend"))
            found.training = found.training or data.get("compile_config")
    if found.description is None or stored is None:
        parts = {True: "the network, as model.to_json() writes it", False: "the weights, as model.save_weights(...) writes them"}
        what = parts[found.description is None]
        raise InteropError(
            "IO022",
            where=str(given),
            expected=f"also {what}",
            got="weights alone" if found.description is None else "a network without weights",
            cause="Keras can write the network and its weights to two files; a model needs both",
            fix="give both: lamina import network.json weights.h5 -o model.lamina; or save the whole model, with model.save('model.keras')",
        )
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _hdf5(file: Hdf5) -> Files:
    config = file.attribute("", "model_config")
    root = "model_weights" if file.has("model_weights") else ""
    training = file.attribute("", "training_config")
    return Files(
        _parsed(config, f"{file.where}, attribute model_config"),
        f"{file.where}, model_config",
        _text(file.attribute("", "keras_version") or file.attribute(root, "keras_version")),
        _text(file.attribute("", "backend") or file.attribute(root, "backend")),
        file,
        root,
        _parsed(training, f"{file.where}, attribute training_config"),
        tree=file.texts(root, "layer_names") is None,
    )


def _parsed(text: Any, where: str) -> Any:
    return None if text is None else parse_json(str(text).encode("utf-8", "replace"), where, MOST_JSON)


def _zip(given: Given) -> Files:
    members = given.members
    config = parse_json(members.read("config.json", MOST_JSON), members.where("config.json"), MOST_JSON)
    metadata = parse_json(members.read("metadata.json", 1 << 20), members.where("metadata.json"))
    if WEIGHTS not in members:
        raise unreadable(
            where=members.where(WEIGHTS),
            expected="the weights in one HDF5 file",
            got=", ".join(list(members.sizes)[:6]),
            cause="weights in several files, or in another format, are not read",
        )
    file = Hdf5(members.read(WEIGHTS), members.where(WEIGHTS))
    version = _text(metadata.get("keras_version")) if isinstance(metadata, dict) else ""
    training = config.get("compile_config") if isinstance(config, dict) else None
    return Files(config, members.where("config.json"), version or "3", "", file, "", training, tree=True)

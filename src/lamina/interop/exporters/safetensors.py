"""Weights by the network's names in a safetensors file, with everything in its metadata that it takes to have the model again.

| key of the metadata | holds                                                                                          |
|---------------------|------------------------------------------------------------------------------------------------|
| ``format``          | ``lamina``                                                                                     |
| ``lamina``          | version that wrote it                                                                          |
| ``about``           | a sentence for people who find the file                                                        |
| ``network``         | JSON: ``network`` (the description, every setting written out), ``inputs``, ``seed``, ``dtype``  |
| ``schema``          | JSON: what inputs and targets are, names of classes; only if it is known                        |
| ``preprocessing``   | JSON: what is done to raw data; its arrays are tensors called ``.preprocessing/NAME``            |
| ``origin``          | JSON: where an imported model comes from; its optimiser's state is called ``.optimizer/NAME``     |

Tensors are called ``layer/name``; no layer's name begins with a dot.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lamina.errors import InteropError
from lamina.interop.exporting import Exporter, Subject, Written
from lamina.interop.problems import damaged

if TYPE_CHECKING:
    import numpy as np

    from lamina.interop.trials import Trial
    from lamina.model import Model

FORMAT = "lamina"
PREPROCESSING, OPTIMIZER = ".preprocessing/", ".optimizer/"
ABOUT = "A model of Lamina: tensors are called layer/name; network, labels and preprocessing are JSON in these metadata"


@dataclass(frozen=True)
class SafetensorsExporter(Exporter):
    """Weights with the network's description; nothing is lost."""

    name: ClassVar[str] = "safetensors"
    title: ClassVar[str] = "safetensors with the network as metadata"
    suffixes: ClassVar[tuple[str, ...]] = (".safetensors",)

    def write(self, subject: Subject, path: Path) -> Written:
        from safetensors.numpy import save_file

        metadata, arrays = contents(subject.model)
        save_file(arrays, path, metadata)
        return Written(facts={"tensors": str(len(arrays))})

    def prove(self, subject: Subject, path: Path, trial: Trial) -> Mapping[str, np.ndarray]:  # noqa: ARG002
        import torch

        model = opened(path)
        with torch.inference_mode():
            found = model.network.predict({name: torch.from_numpy(array) for name, array in trial.inputs.items()})
        return {name: value.numpy() for name, value in found.items()}


def contents(model: Model) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Metadata and tensors of a model, as the table above has them."""
    from lamina.keep import described_in
    from lamina.version import __version__

    metadata = {"format": FORMAT, "lamina": __version__, "about": ABOUT, "network": _json(described_in(model))}
    arrays = dict(model.network.named_arrays())
    if model.schema is not None:
        metadata["schema"] = _json(model.schema.to_dict(full=True))
    if model.preprocessing is not None:
        data, own = model.preprocessing.to_archive()
        metadata["preprocessing"] = _json(data)
        arrays |= {PREPROCESSING + name: array for name, array in own.items()}
    if model.origin is not None:
        metadata["origin"] = _json(model.origin.to_dict(full=True))
        arrays |= {OPTIMIZER + name: array for name, array in model.slots.items()}
    return metadata, arrays


def opened(path: str | os.PathLike[str]) -> Model:
    """The model in a file that was exported so.

    Raises:
        InteropError: IO001, if it is a file of another kind; IO002, if it is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (OSError, SafetensorError) as error:
        raise damaged(where=str(path), expected="a safetensors file", got=str(error)[:200]) from error
    if metadata.get("format") != FORMAT:
        raise InteropError(
            "IO001",
            where=str(path),
            expected="metadata that say format: lamina",
            got=", ".join(f"{key}: {value[:40]}" for key, value in metadata.items()) or "none",
            cause="another system wrote it",
            fix="give lamina import the file together with what describes its network",
        )
    try:
        return model_of(metadata, arrays)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise damaged(
            where=str(path), expected="metadata as lamina export writes them", got=f"{type(error).__name__}: {error}"[:200]
        ) from error


def model_of(metadata: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> Model:
    """The model that `contents` took apart.

    Raises:
        LaminaError: If the metadata are no description, or the arrays not its weights.
    """
    from lamina.data.preprocessing import Preprocessing
    from lamina.data.schema import DataSchema
    from lamina.model import Model
    from lamina.network import Network
    from lamina.origin import Origin
    from lamina.shapes import Shape

    kept = json.loads(metadata["network"])
    inputs = {name: Shape.from_dict(shape) for name, shape in kept["inputs"].items()}
    model = Model(Network.from_dict(kept["network"]), seed=kept["seed"], input=inputs, dtype=kept["dtype"])
    if "schema" in metadata:
        model.schema = DataSchema.from_dict(json.loads(metadata["schema"]))
    if "preprocessing" in metadata:
        model.preprocessing = Preprocessing.from_archive(json.loads(metadata["preprocessing"]), _below(PREPROCESSING, arrays))
    if "origin" in metadata:
        model.origin, model.slots = Origin.from_dict(json.loads(metadata["origin"])), _below(OPTIMIZER, arrays)
    model.load_parameters({name: array for name, array in arrays.items() if not name.startswith(".")})
    return model


def _below(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))

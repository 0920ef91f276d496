"""Models as ``.keras`` files, which Keras 3 opens; written without Keras."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lamina.errors import Problem
from lamina.interop.exporting import Exporter, Subject, Written, needs
from lamina.interop.report import Remark
from lamina.shapes import Image, Series, Shape, Volume

if TYPE_CHECKING:
    import numpy as np

    from lamina.interop.trials import Trial

VERSION = "3.10.0"
"""The oldest version of Keras that has all that is written."""


@dataclass(frozen=True)
class KerasExporter(Exporter):
    """A functional network of Keras 3, with channels last."""

    name: ClassVar[str] = "keras"
    title: ClassVar[str] = "Keras 3"
    suffixes: ClassVar[tuple[str, ...]] = (".keras",)

    def check(self, subject: Subject, path: Path) -> list[Problem]:  # noqa: ARG002 (as every exporter)
        from lamina.interop.keras.export.drawing import drawn

        return drawn(subject.plan, dict(subject.network.named_arrays())).problems

    def write(self, subject: Subject, path: Path) -> Written:
        from lamina.interop.keras.export.drawing import drawn

        made = drawn(subject.plan, dict(subject.network.named_arrays()))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            # Always the same time, so that the same model gives the same bytes.
            for name, content in (
                ("metadata.json", json.dumps({"keras_version": VERSION, "date_saved": "2026-01-01@00:00:00"}).encode()),
                ("config.json", json.dumps(made.description()).encode()),
                ("model.weights.h5", _hdf5(made.weights)),
            ):
                archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
        lost = [Remark("the network", "losses, penalties, constraints and noise on weights: compile the model in Keras")]
        return Written(tuple(lost), {"layers": str(len(made.layers)), "axes": "channels last"})

    def prove(self, subject: Subject, path: Path, trial: Trial) -> Mapping[str, np.ndarray]:
        os.environ.setdefault("KERAS_BACKEND", "torch")
        keras: Any = needs("keras", extra="keras", for_="comparing the outputs of a .keras file; --no-verify leaves it out")
        model = keras.saving.load_model(path, compile=False)
        plan = subject.plan
        given = [last(trial.inputs[name], shape) for name, shape in plan.inputs.items()]
        found = model(given if len(given) > 1 else given[0], training=False)
        listed = found if isinstance(found, list | tuple) else [found]
        arrays = [keras.ops.convert_to_numpy(one) for one in listed]
        return {name: first(array, plan.output_shapes[name]) for name, array in zip(plan.outputs, arrays, strict=True)}


def _hdf5(weights: Mapping[str, list[Any]]) -> bytes:
    h5py: Any = needs("h5py", extra="keras", for_="writing a .keras file")
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_group("vars")
        file.create_group("layers")
        for path, arrays in weights.items():
            group = file.require_group(f"layers/{path}/vars")
            for place, array in enumerate(arrays):
                group.create_dataset(str(place), data=array)
    return buffer.getvalue()


def last_order(shape: Shape) -> tuple[int, ...]:
    """For each axis of Keras's array, which axis it is here."""
    if isinstance(shape, Image | Volume):
        return (0, *range(2, len(shape.dims) + 1), 1)
    if isinstance(shape, Series):
        inner = last_order(shape.item)
        return (0, 1, *(axis + 1 for axis in inner[1:]))
    return tuple(range(len(shape.dims) + 1))


def last(array: np.ndarray, shape: Shape) -> np.ndarray:
    """An array with its channels last."""
    return array.transpose(last_order(shape)).copy()


def first(array: np.ndarray, shape: Shape) -> np.ndarray:
    """An array with its channels where they are here."""
    import numpy as np

    return array.transpose(np.argsort(last_order(shape))).copy()

"""Models into ``.lamina`` files and back: which member holds what. The bytes themselves are `lamina.archive`'s."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from lamina.archive import (
    KIND_NAMES,
    LABELS,
    NETWORK,
    ORIGIN,
    ORIGIN_ARRAYS,
    PREPROCESSING,
    PREPROCESSING_ARRAYS,
    TRAINING,
    TRAINING_ARRAYS,
    WEIGHTS,
    Archive,
    TensorInfo,
    write_archive,
)
from lamina.data.preprocessing import Preprocessing
from lamina.data.schema import DataSchema
from lamina.errors import ArchiveError, DescriptionError, LaminaError
from lamina.network import Network
from lamina.network.inference import resolve
from lamina.network.plan import Plan
from lamina.shapes import Shape
from lamina.spec import Document

if TYPE_CHECKING:
    import numpy as np

    from lamina.model import Model
    from lamina.origin import Origin
    from lamina.train.state import TrainingState


@dataclass(frozen=True)
class Kept:
    """What an archive says of a network before any weight is read.

    Attributes:
        network: The description.
        plan: The network with all shapes.
        seed: Of the model.
        dtype: Of the weights.
    """

    network: Network
    plan: Plan
    seed: int
    dtype: Literal["float32", "float64"]


@dataclass(frozen=True)
class Extras:
    """What is kept with a model beside network and weights.

    Attributes:
        schema: What its data are.
        preprocessing: What is done to raw data.
        origin: Where it comes from.
        slots: The state of the optimiser it was trained by there.
    """

    schema: DataSchema | None = None
    preprocessing: Preprocessing | None = None
    origin: Origin | None = None
    slots: Mapping[str, np.ndarray] = field(default_factory=dict)


def save_model(model: Model, path: str | os.PathLike[str], *, training: TrainingState | None = None, own_modules: bool = False) -> None:
    """Write a model; see `lamina.model.Model.save`.

    Args:
        model: The model.
        path: Where.
        training: State of training, for a checkpoint.
        own_modules: Keep the weights of an own module though its code can't be kept; checkpoints do.
    """
    json_members: dict[str, Any] = {
        NETWORK: described_in(model, own_modules=own_modules),
        LABELS: None if model.schema is None else model.schema.to_dict(full=True),
    }
    tensor_members: dict[str, Mapping[str, np.ndarray]] = {WEIGHTS: model.network.named_arrays()}
    if model.preprocessing is not None:
        json_members[PREPROCESSING], tensor_members[PREPROCESSING_ARRAYS] = model.preprocessing.to_archive()
    if model.origin is not None:
        json_members[ORIGIN], tensor_members[ORIGIN_ARRAYS] = model.origin.to_dict(full=True), model.slots
    if training is not None:
        json_members[TRAINING], tensor_members[TRAINING_ARRAYS] = dict(training.values), training.arrays
    write_archive(path, json_members=json_members, tensor_members=tensor_members)


def described_in(model: Model, *, own_modules: bool = False) -> dict[str, Any]:
    """What an archive says of a model's network: its description, its inputs, its seed, its data type.

    Raises:
        DescriptionError: SP009, if it holds an own module that isn't registered, unless ``own_modules`` is set.
    """
    facts: dict[str, Any] = {"seed": model.seed, "dtype": model.dtype}
    if model.plan is None or model.description is None:
        if not own_modules:
            raise DescriptionError(
                "SP009",
                where=f"the network {type(model.network).__name__}",
                expected="a description that can be written to a file",
                got="an own torch.nn.Module",
                cause="its code can't be kept in a file, on purpose",
                fix="keep its weights: model.network.named_arrays(); or register it as a layer and stand it in a lm.Sequential",
            )
        return {**facts, "network": None, "inputs": None}
    inputs = {name: shape.to_dict(full=True) for name, shape in model.plan.inputs.items()}
    try:
        return {**facts, "network": model.description.to_dict(full=True), "inputs": inputs}
    except DescriptionError:
        if not own_modules:
            raise
        return {**facts, "network": None, "inputs": inputs}


def described(archive: Archive) -> Kept:
    """The description of an archive, with its weights' names, types and shapes checked against it.

    Raises:
        ArchiveError: AR022 if the description is not one, AR025 if the weights are not its weights, AR026 if it needs a component
            that isn't registered here.
    """
    data = archive.json(NETWORK)
    if not isinstance(data, dict) or not {"network", "inputs", "seed", "dtype"} <= set(data):
        raise _unreadable(archive, "network.json lacks some of network, inputs, seed and dtype")
    seed, dtype = data["seed"], data["dtype"]
    if type(seed) is not int or dtype not in ("float32", "float64"):
        raise _unreadable(archive, f"seed {str(seed)[:40]}, dtype {str(dtype)[:40]}")
    if data["network"] is None:
        raise ArchiveError(
            "AR026",
            where=str(archive.path),
            expected="the description of a network",
            got="the weights of an own torch.nn.Module, whose code is in no file",
            cause="the model was trained from an own module",
            fix="build it in Python, lm.Model(MyModule(), loss=...), and take the weights: model.load_weights(path)",
        )
    try:
        document = Document(data, str(archive.path))
        network = Network.from_document(document, ("network",))
        inputs = {str(name): Shape.from_document(document, ("inputs", name)) for name in data["inputs"]}
        plan = resolve(network, inputs)
    except LaminaError as error:
        code = "AR026" if error.code == "SP003" else "AR022"
        raise ArchiveError(
            code,
            where=f"{archive.path}, {error.problems[0].where}",
            expected=error.problems[0].expected,
            got=error.problems[0].got,
            cause="a package that registers this component isn't installed" if code == "AR026" else error.problems[0].cause,
            fix="install the package the model was made with" if code == "AR026" else error.problems[0].fix,
        ) from error
    _check_weights(archive, plan, {"float32": "F32", "float64": "F64"}[dtype])
    return Kept(network, plan, seed, dtype)


def _check_weights(archive: Archive, plan: Plan, dtype: str) -> None:
    wanted = {f"{node.name}/{name}": TensorInfo(dtype, p.shape) for node in plan.nodes for name, p in node.parameters.items()}
    for node in plan.nodes:
        kinds = {name: KIND_NAMES.get(kind, kind) for name, kind in node.layer.kinds().items()}
        wanted |= {f"{node.name}/{name}": TensorInfo(kinds.get(name, dtype), shape) for name, shape in node.buffers.items()}
    found = archive.header(WEIGHTS)
    wrong = [name for name in sorted({*wanted, *found}) if wanted.get(name) != found.get(name)]
    if wrong:
        name = wrong[0]
        raise ArchiveError(
            "AR025",
            where=f"{archive.path}, weight {name!r}" + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""),
            expected=_shown(wanted.get(name)),
            got=_shown(found.get(name)),
            cause="the file was put together from parts of different models",
            fix="save the model again with model.save(path)",
        )


def read_extras(archive: Archive) -> tuple[DataSchema | None, Preprocessing | None]:
    """What an archive says of labels and preprocessing.

    Raises:
        ArchiveError: AR022, if it is damaged.
    """
    labels = archive.json(LABELS)
    try:
        schema = None if labels is None else DataSchema.from_document(Document(labels, str(archive.path)))
    except LaminaError as error:
        raise _misread(archive, LABELS, error) from error
    if not archive.has(PREPROCESSING):
        return schema, None
    data, arrays = archive.json(PREPROCESSING), archive.arrays(PREPROCESSING_ARRAYS)
    try:
        return schema, Preprocessing.from_archive(data, arrays)
    except LaminaError as error:
        raise _misread(archive, PREPROCESSING, error) from error


def read_origin(archive: Archive) -> tuple[Origin | None, dict[str, np.ndarray]]:
    """What an archive says of where an imported model comes from, and the state of the optimiser it was trained by there.

    Raises:
        ArchiveError: AR022, if it is damaged.
    """
    if not archive.has(ORIGIN):
        return None, {}
    from lamina.origin import Origin

    try:
        origin = Origin.from_document(Document(archive.json(ORIGIN), str(archive.path)))
    except LaminaError as error:
        raise _misread(archive, ORIGIN, error) from error
    return origin, archive.arrays(ORIGIN_ARRAYS)


def write_model(path: str | os.PathLike[str], kept: Kept, arrays: Mapping[str, np.ndarray], extras: Extras) -> None:
    """Write a model of a description and named arrays, without building it: nothing of it needs torch.

    Args:
        path: Where.
        kept: The description and what belongs to it.
        arrays: All parameters and buffers by ``node/name``.
        extras: What else is kept.

    Raises:
        ArchiveError: AR020, if it can't be written.
    """
    inputs = {name: shape.to_dict(full=True) for name, shape in kept.plan.inputs.items()}
    network = {"seed": kept.seed, "dtype": kept.dtype, "network": kept.network.to_dict(full=True), "inputs": inputs}
    json_members: dict[str, Any] = {NETWORK: network, LABELS: None if extras.schema is None else extras.schema.to_dict(full=True)}
    tensor_members: dict[str, Mapping[str, np.ndarray]] = {WEIGHTS: arrays}
    if extras.preprocessing is not None:
        json_members[PREPROCESSING], tensor_members[PREPROCESSING_ARRAYS] = extras.preprocessing.to_archive()
    if extras.origin is not None:
        json_members[ORIGIN], tensor_members[ORIGIN_ARRAYS] = extras.origin.to_dict(full=True), extras.slots
    write_archive(path, json_members=json_members, tensor_members=tensor_members)


def _misread(archive: Archive, member: str, error: LaminaError) -> ArchiveError:
    problem = error.problems[0]
    return ArchiveError(
        "AR022",
        where=f"{archive.path}, member {member}, {problem.where}",
        expected=problem.expected,
        got=problem.got,
        cause="the file was changed after it was written, or by a later version",
        fix="save the model again with model.save(path)",
    )


def _unreadable(archive: Archive, got: str) -> ArchiveError:
    return ArchiveError(
        "AR022",
        where=str(archive.path),
        expected="what Lamina writes",
        got=got,
        cause="the file was changed after it was written, or is not meant for this",
        fix="save the model again with model.save(path)",
    )


def _shown(info: TensorInfo | None) -> str:
    return "nothing of this name" if info is None else f"{info.dtype} {list(info.shape)}"

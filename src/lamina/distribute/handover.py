"""What a process that is started afresh needs, in files: data that all of them map into memory, descriptions, weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.lazy import LazyArray
from lamina.errors import DescriptionError, Problem, StartError
from lamina.spec import Description
from lamina.spec.plugins import COMPONENTS

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset

_ARRAYS = ("inputs", "targets", "input_masks", "target_masks")
_EXTRAS = ("weight", "groups", "times", "part")


def write_dataset(dataset: Dataset, folder: Path) -> None:
    """Write the samples of a data set as ``.npy`` files; what is lazy is made, block by block.

    Args:
        dataset: The samples.
        folder: Where; is made.

    Raises:
        StartError: DI009, if samples are drawn anew each time, so that no file can hold them, or there is no room for them.
    """
    folder.mkdir(parents=True)
    named = {(kind, name): array for kind in _ARRAYS for name, array in getattr(dataset, kind).items()}
    for (kind, name), array in named.items():
        if isinstance(array, LazyArray) and array.draws:
            raise _drawn(kind.removesuffix("s"), name)
    size = sum(array.nbytes for array in named.values())
    if size > shutil.disk_usage(folder).free:
        raise _no_room(folder, size)
    members: dict[str, dict[str, str]] = {kind: {} for kind in _ARRAYS}
    for number, ((kind, name), array) in enumerate(named.items()):
        members[kind][name] = f"{number}.npy"
        _write(array, folder / f"{number}.npy")
    extras = [name for name in _EXTRAS if getattr(dataset, name) is not None]
    for name in extras:
        values = np.asarray(getattr(dataset, name))
        np.save(folder / f"{name}.npy", values.astype(str) if values.dtype.kind == "O" else values, allow_pickle=False)
    facts = {"schema": dataset.schema.to_dict(full=True), "members": members, "extras": extras}
    (folder / "data.json").write_text(json.dumps(facts), encoding="utf-8")


def read_dataset(folder: Path) -> Dataset:
    """The data set that `write_dataset` wrote; its arrays are mapped, so that processes share one copy of them."""
    from lamina.data.dataset import Dataset
    from lamina.data.schema import DataSchema

    facts = json.loads((folder / "data.json").read_text(encoding="utf-8"))

    def mapped(file: str) -> np.ndarray:
        array: np.ndarray = np.load(folder / file, mmap_mode="r", allow_pickle=False)
        return array

    arrays: dict[str, Any] = {kind: {name: mapped(file) for name, file in files.items()} for kind, files in facts["members"].items()}
    extras = {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in facts["extras"]}
    return Dataset(schema=DataSchema.from_dict(facts["schema"]), **arrays, **extras)


def _write(array: Any, path: Path) -> None:
    if not isinstance(array, LazyArray):
        np.save(path, np.asarray(array), allow_pickle=False)
        return
    whole: np.memmap[Any, Any] = np.lib.format.open_memmap(path, mode="w+", dtype=array.dtype, shape=array.shape)
    for start, block in array.blocks():
        whole[start : start + len(block)] = block
    whole.flush()


def check_known(*described: tuple[str, Description]) -> None:
    """See that another process would know every component in some descriptions.

    Args:
        *described: Each with what it is, such as ``("train", config)``.

    Raises:
        DescriptionError: DI008, with all that are registered by this process only, or not at all.
    """
    packages = {point.value.partition(":")[0].partition(".")[0] for point in entry_points(group=COMPONENTS)} | {"lamina"}
    problems = [
        Problem(
            "DI008",
            where=f"{path} ({type(component).__name__})",
            expected="a component that other processes know: Lamina's own, or of an installed package that names it as an entry point",
            got=f"{component.family_name()} {component.type_name or type(component).__name__} of {type(component).__module__}",
            cause="code of a script or a notebook is not handed over to other processes",
            fix=f"put it into a package with an entry point of {COMPONENTS}, or train on one process (leave cluster out)",
        )
        for root, description in described
        for path, component in _components(root, description)
        if type(component).__module__.partition(".")[0] not in packages or component.type_name is None
    ]
    if problems:
        raise DescriptionError.of(problems)


def _components(path: str, value: Any) -> Iterator[tuple[str, Description]]:
    """All members of families within a description, each with its path."""
    if isinstance(value, Description):
        if value.root().family is not None:
            yield path, value
        for name in type(value).model_fields:
            yield from _components(f"{path}.{name}", getattr(value, name))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _components(f"{path}.{name}", item)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _components(f"{path}[{index}]", item)


def _drawn(kind: str, name: str) -> StartError:
    return StartError(
        "DI009",
        where=f"{kind} {name!r}",
        expected="samples that can be written to a file once and for all",
        got="samples that are drawn anew in every epoch",
        cause="data given in Python are handed over to the processes as files, and augmented images or sounds would stand still in them",
        fix="describe the data in a recipe, and use lamina train RECIPE --workers N: each process then reads and draws by itself",
    )


def _no_room(folder: Path, size: int) -> StartError:
    return StartError(
        "DI009",
        where=str(folder),
        expected=f"room for {size / 1e9:.1f} GB",
        got=f"{shutil.disk_usage(folder).free / 1e9:.1f} GB",
        cause="data given in Python are handed over to the processes as files in the folder for temporary files",
        fix="set TMPDIR to a folder with room, or describe the data in a recipe, which each process reads by itself",
    )
